"""The simulated cabinet by hand."""

from __future__ import annotations

import io

from firmware_bridge.simulator.cabinet import run_cabinet


def test_a_cabinet_can_be_played_with_by_hand() -> None:
    """Doors are opened, shut and jammed by words, and what cannot be understood is answered with help."""
    out = io.StringIO()
    run_cabinet("8a", 3, 1, ["open 2", "shut 2", "jam 1", "fault noise", "open 9", "dance", "silent", "quit"], out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith('port = "/dev/')
    assert lines[2:4] == ["1.0 2O0 3.0", "1.0 2.0 3.0"]
    assert [line.startswith("open N") for line in lines[4:]] == [False, False, True, True, False]
