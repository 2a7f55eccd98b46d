"""Lists in pages (API-05): an opaque cursor that names the last row seen, so inserts neither skip nor repeat."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

from api.errors import CursorError

DEFAULT_LIMIT = 100
MAX_LIMIT = 500

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Most entries of this page.")]
Cursor = Annotated[
    str | None, Query(max_length=512, description="`next_cursor` of the page before; absent for the first.")
]

Row = TypeVar("Row")


def write_cursor(kind: str, *last_key: str | int) -> str:
    """Write the key of the last row of a page as an opaque text."""
    return base64.urlsafe_b64encode(json.dumps([kind, *last_key]).encode()).decode().rstrip("=")


def read_cursor(kind: str, cursor: str | None) -> tuple[Any, ...] | None:
    """Read the key of the last row seen.

    Raises
    ------
    CursorError
        If the text was not made by this list.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as problem:
        raise CursorError("the cursor cannot be read") from problem
    if not isinstance(found, list) or not found or found[0] != kind:
        raise CursorError("the cursor belongs to another list")
    if not all(isinstance(part, str | int) for part in found[1:]):
        raise CursorError("the cursor cannot be read")
    return tuple(found[1:])


def cut_page(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], bool]:
    """Split ``limit + 1`` rows into the page and whether there is more."""
    return rows[:limit], len(rows) > limit
