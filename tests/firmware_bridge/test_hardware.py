"""The cabinet that a kiosk's file describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_bridge.bus.cabinet import BoxMoved
from firmware_bridge.codecs.board import Door
from firmware_bridge.device.hardware import build_cabinet
from firmware_bridge.errors import AgentConfigError, BoardSettingsError
from firmware_bridge.simulator.boards import Sim8a, SimCu48
from firmware_bridge.simulator.line import SimLine


def described(folder: Path, protocol: str, port: str, board: str, more: str = "") -> Path:
    """Write the part of ``agent.toml`` that describes a cabinet of one board."""
    path = folder / "agent.toml"
    path.write_text(
        f'[cabinet]\nprotocol = "{protocol}"\nport = "{port}"\n{more}\n[[cabinet.board]]\nprefix = "c1-"\n{board}\n',
        encoding="utf-8",
    )
    return path


def ignore(_move: BoxMoved) -> None:
    """Take no notice of a movement."""


def test_a_described_cabinet_is_read(tmp_path: Path) -> None:
    """A board on a line, with its own speed, becomes boxes whose doors can be read."""
    board = Sim8a(address=1, locks=4)
    with SimLine([board]) as line:
        path = described(tmp_path, "8a", line.path, "address = 1\nlocks = 4", "baud = 19200")
        cabinet = build_cabinet(path, ignore)
        assert cabinet is not None
        assert sorted(cabinet.targets) == ["c1-1", "c1-2", "c1-3", "c1-4"]
        assert {cabinet.door(target) for target in cabinet.targets} <= {Door.CLOSED, Door.UNKNOWN}


def test_an_experimental_board_needs_its_word(tmp_path: Path) -> None:
    """A family whose source contradicts itself serves only where its board is said to be experimental."""
    with SimLine([SimCu48(address=0, locks=8)]) as line:
        refused = described(tmp_path, "cu48", line.path, "address = 0\nlocks = 8")
        with pytest.raises(BoardSettingsError, match="experimental"):
            build_cabinet(refused, ignore)
        allowed = described(tmp_path, "cu48", line.path, "address = 0\nlocks = 8\nexperimental = true")
        assert build_cabinet(allowed, ignore) is not None


@pytest.mark.parametrize(
    ("protocol", "port", "board", "message"),
    [
        ("9a", "/dev/null", "address = 1", "'9a' is missing or unknown"),
        ("8a", "/dev/null", "adress = 1", "unknown fields adress"),
        ("8a", "tcp://nowhere", "address = 1\nlocks = 4", "is not tcp://host:port"),
    ],
)
def test_a_wrong_description_is_named(tmp_path: Path, protocol: str, port: str, board: str, message: str) -> None:
    """A mistake in the file is answered with the word that is wrong."""
    with pytest.raises(AgentConfigError, match=message):
        build_cabinet(described(tmp_path, protocol, port, board), ignore)


def test_a_kiosk_without_cabinet(tmp_path: Path) -> None:
    """A kiosk that only takes parcels in has no cabinet to open."""
    path = tmp_path / "agent.toml"
    path.write_text("[agent]\n", encoding="utf-8")
    assert build_cabinet(path, ignore) is None
