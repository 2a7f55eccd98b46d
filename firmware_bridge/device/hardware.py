"""The hardware named in ``agent.toml``: a line, its boards, their boxes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from firmware_bridge.bus.cabinet import Board, BoxMoved, Cabinet
from firmware_bridge.bus.master import BusMaster
from firmware_bridge.bus.port import Port, TcpPort, TtyPort
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings, Changed, Line
from firmware_bridge.errors import AgentConfigError
from kernel.errors import CundaError

_BOARD_FIELDS = (
    "address", "locks", "one_is_open", "lock_before_status", "pulse_ms", "turnaround_s", "reply_s", "unlock_reply_s",
    "experimental",
)  # fmt: skip


def build_cabinet(path: Path, on_move: Callable[[BoxMoved], None]) -> Cabinet | None:
    """Build the cabinet that ``[cabinet]`` in ``agent.toml`` describes; None when there is no such table.

    Raises
    ------
    AgentConfigError
        If the description lacks something or contradicts itself.
    BusError
        If the line cannot be opened.
    """
    described = tomllib.loads(path.read_text(encoding="utf-8")).get("cabinet")
    if described is None:
        return None
    try:
        codec = CODECS[described["protocol"]]
        boards = [(_settings(board), str(board["prefix"])) for board in described["board"]]
    except KeyError as problem:
        raise AgentConfigError(f"{path}: cabinet: {problem} is missing or unknown", path=str(path)) from problem
    except TypeError as problem:
        raise AgentConfigError(f"{path}: cabinet: {problem}", path=str(path)) from problem
    cabinet: list[Cabinet] = []

    def changed(report: Changed) -> None:
        if cabinet:
            cabinet[0].changed(report)

    line = replace(codec.line, baud=int(described.get("baud", codec.line.baud)))
    port = _open(str(described["port"]), line)
    bus = BusMaster(port, codec, line, strips_echo=bool(described.get("strips_echo", False)), on_change=changed)
    try:
        units = [
            Board(bus, settings, {lock: f"{prefix}{lock}" for lock in range(1, settings.locks + 1)})
            for settings, prefix in boards
        ]
        cabinet.append(Cabinet(units, on_move))
    except CundaError:
        port.close()  # whoever mends the description must find the line free
        raise
    return cabinet[0]


def _settings(board: dict[str, Any]) -> BoardSettings:
    unknown = set(board) - set(_BOARD_FIELDS) - {"prefix"}
    if unknown:
        raise TypeError(f"board has unknown fields {', '.join(sorted(unknown))}")
    return BoardSettings(**{name: board[name] for name in _BOARD_FIELDS if name in board})


def _open(where: str, line: Line) -> Port:
    if not where.startswith("tcp://"):
        return TtyPort(where, line)
    host, _, port = where.removeprefix("tcp://").rpartition(":")
    if not host or not port.isdigit():
        raise AgentConfigError(f"cabinet: {where} is not tcp://host:port", port=where)
    return TcpPort(host, int(port))
