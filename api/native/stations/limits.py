"""How much one call may bring."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

MOST_ITEMS = 500
Text = Annotated[str, Field(min_length=1, max_length=80)]
