"""The window of events that were sent and not yet acknowledged: how many, which, and when again."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

RESEND_S: Final = 3.0
RESEND_MAX_S: Final = 30.0
JITTER: Final = 0.2
DEFAULT_SIZE: Final = 16
#: One slot in so many is kept for live events while a backlog drains.
LIVE_SHARE: Final = 4


@dataclass
class InFlightState:
    """One event on its way."""

    seq: int
    backlog: bool
    historical: bool
    digest: str
    sends: int
    sent_s: float
    due_s: float


class WindowState:
    """What is on its way, bounded.

    Parameters
    ----------
    size
        Most events on their way; of those at most three in four from the backlog.
    """

    def __init__(self, rng: Random, size: int = DEFAULT_SIZE) -> None:
        self._rng = rng
        self._size = size
        self._flying: dict[int, InFlightState] = {}

    def __len__(self) -> int:
        return len(self._flying)

    def __contains__(self, seq: int) -> bool:
        return seq in self._flying

    def room(self, *, backlog: bool) -> int:
        """Return how many more events of a lane may be sent."""
        free = self._size - len(self._flying)
        if not backlog:
            return free
        share = self._size - self._size // LIVE_SHARE
        return min(free, share - sum(entry.backlog for entry in self._flying.values()))

    def sent(self, seq: int, now_s: float, *, backlog: bool, historical: bool, digest: str) -> None:
        """Note that an event was sent, for the first time or again."""
        known = self._flying.get(seq)
        sends = known.sends + 1 if known else 1
        due_s = now_s + self._delay_s(sends)
        self._flying[seq] = InFlightState(seq, backlog, historical, digest, sends, now_s, due_s)

    def due(self, now_s: float) -> list[InFlightState]:
        """Return the events to send again now, oldest first."""
        return sorted((entry for entry in self._flying.values() if entry.due_s <= now_s), key=lambda entry: entry.seq)

    def next_due_s(self) -> float | None:
        """Return when the next event is to be sent again."""
        return min((entry.due_s for entry in self._flying.values()), default=None)

    def hurry(self, now_s: float, seqs: set[int] | None = None) -> None:
        """Send again at once: all after a new connection, or those the server says it lacks.

        What was sent within the last second is left alone: it may still be on its way.
        """
        for entry in self._flying.values():
            wanted = seqs is None or entry.seq in seqs
            if wanted and (seqs is None or now_s - entry.sent_s >= 1.0):
                entry.due_s = now_s
                entry.sends = 0 if seqs is None else entry.sends

    def seqs(self) -> list[int]:
        """Return the numbers on their way, rising."""
        return sorted(self._flying)

    def by_digest(self, digest: str) -> int | None:
        """Return the number of the event whose bytes have this digest."""
        return next((seq for seq, entry in self._flying.items() if entry.digest == digest), None)

    def oldest_age_s(self, now_s: float) -> float:
        """Return how long ago the longest unanswered event was last sent."""
        return max((now_s - entry.sent_s for entry in self._flying.values()), default=0.0)

    def landed(self, seqs: list[int]) -> None:
        """Forget events that the server answered."""
        for seq in seqs:
            self._flying.pop(seq, None)

    def _delay_s(self, sends: int) -> float:
        base_s = min(RESEND_S * 2.0 ** (sends - 1), RESEND_MAX_S)
        return base_s * self._rng.uniform(1.0, 1.0 + JITTER)
