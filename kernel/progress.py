"""Progress of long work, told to whoever waits: a terminal, a stream, nobody."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A listener that long work reports to.

    Called from the working thread, often; it must return at once and never raise.
    """

    def __call__(self, stage: str, done: int, total: int | None = None, note: str = "") -> None:
        """Tell that ``done`` of ``total`` units of a stage are finished."""
        ...


def silent(stage: str, done: int, total: int | None = None, note: str = "") -> None:
    """Listen to nothing."""
