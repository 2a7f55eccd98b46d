"""Alembic's entry: runs the steps on the connection that the runner hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

import api.tables  # noqa: F401 - so that the metadata knows every table
from kernel.db import Base, UtcDateTime


def _render(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    # A step must stay readable without our classes: the moment type is a plain column type in it.
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes tables by copying them
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
