"""The version of this installation."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def cunda_version() -> str:
    """Return the installed version, ``0+source`` when run from sources that were never installed."""
    try:
        return version("cunda")
    except PackageNotFoundError:
        return "0+source"
