"""Which numbers of a device's store have arrived: a contiguous run from 1, and islands above it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from firmware_bridge.schemas import MAX_LISTED

Run = tuple[int, int]


@dataclass(frozen=True)
class SeqSet:
    """A set of numbers from 1 upwards, kept as runs.

    Parameters
    ----------
    contiguous
        Every number up to here is in the set.
    ahead
        Runs above it, rising, neither touching nor overlapping.
    """

    contiguous: int = 0
    ahead: tuple[Run, ...] = ()

    def __contains__(self, seq: int) -> bool:
        if seq <= self.contiguous:
            return True
        place = bisect_right(self.ahead, (seq, 2**63)) - 1
        return place >= 0 and self.ahead[place][0] <= seq <= self.ahead[place][1]

    @property
    def highest(self) -> int:
        """Return the highest number, 0 when the set is empty."""
        return self.ahead[-1][1] if self.ahead else self.contiguous

    def with_seq(self, seq: int) -> SeqSet:
        """Return the set with one more number."""
        if seq in self:
            return self
        first = last = seq
        kept: list[Run] = []
        for run in self.ahead:
            if run[1] == first - 1:
                first = run[0]
            elif run[0] == last + 1:
                last = run[1]
            else:
                kept.append(run)
        if first == self.contiguous + 1:
            return SeqSet(last, tuple(kept))
        kept.append((first, last))
        return SeqSet(self.contiguous, tuple(sorted(kept)))

    def gaps(self) -> list[Run]:
        """Return the runs that are missing below the highest number."""
        found, before = [], self.contiguous
        for first, last in self.ahead:
            found.append((before + 1, first - 1))
            before = last
        return found

    def acknowledgement(self, limit: int = MAX_LISTED) -> tuple[int, tuple[int | Run, ...]]:
        """Return ``upto`` and ``missing``; with too many gaps ``upto`` stays below those left out."""
        gaps = self.gaps()
        upto = self.highest if len(gaps) <= limit else gaps[limit][0] - 1
        named = tuple(first if first == last else (first, last) for first, last in gaps[:limit])
        return upto, named
