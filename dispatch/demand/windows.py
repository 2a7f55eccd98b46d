"""Sets of time windows: intervals in seconds since the day's start, in order and apart from each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

Window = tuple[int, int]
Windows = tuple[Window, ...]

DAY_S: Final = 86_400
ALL_DAY: Final[Windows] = ((0, DAY_S),)


def normalised(windows: Iterable[Window]) -> Windows:
    """Return the same moments as ordered windows with gaps between them; empty ones vanish."""
    merged: list[Window] = []
    for start_s, end_s in sorted(window for window in windows if window[0] <= window[1]):
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return tuple(merged)


def intersection(first: Windows, second: Windows) -> Windows:
    """Return the moments that lie in both sets; both ends of a window count as inside."""
    common = [
        (max(a_start, b_start), min(a_end, b_end))
        for a_start, a_end in first
        for b_start, b_end in second
        if max(a_start, b_start) <= min(a_end, b_end)
    ]
    return normalised(common)


def longest_s(windows: Windows) -> int:
    """Return the length of the longest window in seconds, -1 when there is none."""
    return max((end_s - start_s for start_s, end_s in windows), default=-1)
