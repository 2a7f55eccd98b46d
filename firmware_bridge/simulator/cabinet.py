"""A simulated cabinet to play with by hand, as ``cunda sim cabinet`` does.

Lines are ``open 3``, ``shut 3``, ``jam 3``, ``free 3``, ``bounce 3``, ``put 3``, ``take 3``, and what every line knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TextIO

from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard
from firmware_bridge.simulator.console import LINE_WORDS, play
from firmware_bridge.simulator.line import FaultsState, SimLine

WORDS: Final = f"open N, shut N, jam N, free N, bounce N, put N, take N, show, {LINE_WORDS}"


def run_cabinet(
    protocol: str, doors: int, address: int, words: Iterable[str], out: TextIO, faults: FaultsState | None = None
) -> None:
    """Serve one board on a pseudo-terminal until the words end or say ``quit``."""
    board = SIM_BOARDS[protocol](address, doors)
    with SimLine([board], faults) as line:
        out.write(f'port = "{line.path}"\nprotocol = "{protocol}"\n')
        out.flush()
        play(words, out, lambda said: _obey(said, board, line), WORDS, line)


def _obey(said: Sequence[str], board: SimBoard, line: SimLine) -> str | None:
    match said:
        case ["open" | "shut" as verb, lock] if _has(board, lock):
            line.move_by_hand(board, int(lock), closed=verb == "shut")
        case ["jam" | "free" as verb, lock] if _has(board, lock):
            board.doors[int(lock)].jammed = verb == "jam"
        case ["bounce", lock] if _has(board, lock):
            board.doors[int(lock)].bounces = True
        case ["put" | "take" as verb, lock] if _has(board, lock):
            board.doors[int(lock)].occupied = verb == "put"
        case ["show"]:
            pass
        case _:
            return None
    return " ".join(
        f"{lock}{'.' if door.closed else 'O'}{door.pulses}{'*' if door.occupied else ''}"
        for lock, door in board.doors.items()
    )


def _has(board: SimBoard, lock: str) -> bool:
    return lock.isdigit() and int(lock) in board.doors
