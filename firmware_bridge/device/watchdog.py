"""The watchdog: a program that makes no progress is ended, with the stacks of all threads on record."""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Callable, Sequence
from typing import Final

LIMIT_S: Final = 30.0
_ARM_EVERY_S: Final = 2.0


class WatchdogState:
    """Counts down outside Python's own lock, so that even a call that never returns is noticed.

    Parameters
    ----------
    parts
        Tell whether a part of the program still works; one that does not lets the watchdog bite.
    """

    def __init__(self, parts: Sequence[Callable[[], bool]] = (), limit_s: float = LIMIT_S) -> None:
        self._parts = tuple(parts)
        self._limit_s = limit_s
        self._armed_s = float("-inf")

    def turn(self) -> None:
        """Say that the main loop has come round again."""
        now_s = time.monotonic()
        if now_s - self._armed_s >= _ARM_EVERY_S and all(part() for part in self._parts):
            self._armed_s = now_s
            faulthandler.dump_traceback_later(self._limit_s, exit=True)

    @staticmethod
    def rest() -> None:
        """Stop watching: the program ends in order."""
        faulthandler.cancel_dump_traceback_later()
