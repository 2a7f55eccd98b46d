"""How many events are on their way, and when they are sent again."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.device.window import RESEND_MAX_S, RESEND_S, WindowState


def window() -> WindowState:
    """Give an empty window."""
    return WindowState(Random(1))


def test_dev_012_resend_window_and_backoff() -> None:
    """An unanswered event is sent again after three seconds, then ever more rarely, never in a tight loop."""
    flying, now_s, pauses = window(), 0.0, []
    flying.sent(1, now_s, backlog=False, historical=False, digest="d")
    for _ in range(8):
        assert flying.due(now_s) == []
        due_s = flying.next_due_s()
        assert due_s is not None
        pauses.append(due_s - now_s)
        now_s = due_s
        assert [entry.seq for entry in flying.due(now_s)] == [1]
        flying.sent(1, now_s, backlog=False, historical=False, digest="d")
    assert RESEND_S <= pauses[0] <= RESEND_S * 1.2
    assert all(later > earlier * 1.5 for earlier, later in pairwise(pauses[:4]))
    assert all(RESEND_MAX_S <= pause <= RESEND_MAX_S * 1.2 for pause in pauses[5:])
    assert len(set(pauses)) == len(pauses)  # jitter


def test_resending_spreads_over_devices() -> None:
    """Two devices that fell silent together do not speak again at the same moment."""
    dues = set()
    for device in range(50):
        flying = WindowState(Random(f"kiosk-{device}"))
        flying.sent(1, 0.0, backlog=False, historical=False, digest="d")
        dues.add(flying.next_due_s())
    assert len(dues) == 50


@given(st.lists(st.booleans(), max_size=60))
@settings(max_examples=50, deadline=None)
def test_the_window_never_overflows(lanes: list[bool]) -> None:
    """However live and stored events mix, at most sixteen are on their way and twelve from the backlog."""
    flying, sent = window(), {True: 0, False: 0}
    for seq, backlog in enumerate(lanes, start=1):
        if flying.room(backlog=backlog) > 0:
            flying.sent(seq, 0.0, backlog=backlog, historical=backlog, digest=str(seq))
            sent[backlog] += 1
    assert len(flying) <= 16
    assert sent[True] <= 12


def test_what_the_server_lacks_goes_at_once() -> None:
    """An event the server names as missing is sent again without waiting, unless it went a moment ago."""
    flying = window()
    flying.sent(1, 0.0, backlog=False, historical=False, digest="a")
    flying.sent(2, 1.9, backlog=False, historical=False, digest="b")
    flying.hurry(2.0, {1, 2})
    assert [entry.seq for entry in flying.due(2.0)] == [1]
    flying.hurry(2.0)  # a new connection: everything again
    assert [entry.seq for entry in flying.due(2.0)] == [1, 2]
