"""What happens when: the one queue of a simulated day, which also moves the server's clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import date, datetime
from itertools import count

from kernel.clock import ManualClock, at_second, rfc3339, second_of
from kernel.progress import Progress

Act = Callable[[], None]


class Timeline:
    """Acts in the order of their moments; what falls on one second happens in the order it was put there.

    Parameters
    ----------
    clock
        The clock that everybody reads; it stands still while an act is under way.
    """

    def __init__(self, clock: ManualClock, day: date, zone: str) -> None:
        self.clock, self.day, self.zone = clock, day, zone
        self._queue: list[tuple[int, int, Act]] = []
        self._order = count()

    @property
    def now_s(self) -> int:
        """Return the present second of the day."""
        return second_of(self.clock.now(), self.day, self.zone)

    def moment(self, second: int | None = None) -> datetime:
        """Return the moment of a second of the day, now when none is given."""
        return at_second(self.day, self.now_s if second is None else second, self.zone)

    def stamp(self) -> str:
        """Return the present moment as RFC 3339."""
        return rfc3339(self.moment(), self.zone)

    def second_of(self, stamp: str) -> int:
        """Return the second of the day that an RFC 3339 moment names."""
        return second_of(datetime.fromisoformat(stamp), self.day, self.zone)

    def at(self, second: int, act: Act) -> None:
        """Put an act at a second of the day, or now when that has passed."""
        heapq.heappush(self._queue, (max(second, self.now_s), next(self._order), act))

    def run(self, until_s: int, progress: Progress) -> None:
        """Let everything happen that is to happen before a second of the day, and stop the clock there."""
        began_s = self.now_s
        while self._queue and self._queue[0][0] < until_s:
            second, _, act = heapq.heappop(self._queue)
            self.clock.advance(second - self.now_s)
            progress("the day", (self.now_s - began_s) // 60, (until_s - began_s) // 60, f"{self.moment():%H:%M}")
            act()
        self.clock.advance(until_s - self.now_s)
