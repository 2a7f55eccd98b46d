"""Simulated devices by hand: words in, what they did out."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from firmware_bridge.simulator.cabinet import run_cabinet
from firmware_bridge.simulator.reader import SimReader, obey_reader


def test_a_cabinet_can_be_played_with_by_hand() -> None:
    """Doors are opened, shut and jammed by words, and what cannot be understood is answered with help."""
    out = io.StringIO()
    words = ["open 2", "shut 2", "jam 1", "put 3", "fault noise", "open 9", "dance", "silent", "", "quit", "open 1"]
    run_cabinet("8a", 3, 1, words, out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith('port = "/dev/')
    assert lines[2:6] == ["1.0 2O0 3.0", "1.0 2.0 3.0", "1.0 2.0 3.0", "1.0 2.0 3.0*"]
    assert [line.startswith("open N") for line in lines[6:]] == [False, True, True, False, False]


def test_a_reader_can_be_played_with_by_hand() -> None:
    """Cards, keys and power cuts come by words."""
    reader = SimReader()
    for words in (["card", "90", "324"], ["press", "12#"], ["tamper"], ["mend"], ["power"], ["install"], ["show"]):
        assert obey_reader(words, reader) == "channel shut, lamp 0, beeps 0"
    for words in (["card", "x", "1"], ["press", "ab"], ["dance"]):
        assert obey_reader(words, reader) is None


@pytest.mark.parametrize(
    ("device", "said", "answer"),
    [
        (["cabinet", "--protocol", "cu16", "--doors", "2"], "open 1", "1O0 2.0"),
        (["reader", "--key", "0102030405060708090a0b0c0d0e0f10"], "show", "channel shut, lamp 0, beeps 0"),
        (["scale", "--protocol", "sics"], "put 500", "500 g on it, zero off by 0 g"),
        (["printer"], "paper_out", "paper_out, 0 printed, 0 lost"),
        (["wled", "--lamps", "3"], "show", "dark"),
    ],
)
def test_every_device_can_be_started_from_the_shell(device: Sequence[str], said: str, answer: str) -> None:
    """Each device prints where it is, obeys a line and ends when told."""
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "sim", *device], input=f"{said}\nquit\n", capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0].startswith(("port = ", "url = "))
    assert lines[-1] == answer


def test_a_simulated_device_serves_on_until_it_is_ended() -> None:
    """Started without a person in front of it, a device serves until it is told to end, and then does."""
    with subprocess.Popen(
        [sys.executable, "-m", "api.cli", "sim", "scanner"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        port = running.stdout.readline().partition('"')[2].rstrip('"\n')
        assert os.path.exists(port)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) != 0
