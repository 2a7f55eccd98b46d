"""Loads the kernels once per combination of features; see :mod:`routing.search.kernels`."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

KERNELS = Path(__file__).parent / "kernels"


class Features(NamedTuple):
    """What a problem needs of the kernels; the meaning is in :mod:`routing.search.kernels.features`."""

    tw: bool = False
    dur: bool = False
    het: bool = False
    mixed: bool = False
    limits: bool = False
    pair: bool = False
    back: bool = False
    trips: bool = False
    rich: bool = False

    @property
    def name(self) -> str:
        """Return a name made of the features that are on."""
        return "_".join(name for name, present in zip(self._fields, self, strict=True) if present) or "plain"


@cache
def kernels(features: Features) -> Any:
    """Return the module ``anneal`` of the kernels with these features, compiled on first call; use its ``__all__``."""
    package = f"routing.search.variant_{features.name}"
    module = ModuleType(package, "One variant of routing.search.kernels.")
    module.__path__ = [str(KERNELS)]
    module.__package__ = package
    constants = ModuleType(f"{package}.features")
    values = {name.upper(): present for name, present in zip(Features._fields, features, strict=True)}
    vars(constants).update(values, NAME=features.name, LINKED=not any(features))
    sys.modules[package] = module
    sys.modules[f"{package}.features"] = constants
    return importlib.import_module(f"{package}.anneal")
