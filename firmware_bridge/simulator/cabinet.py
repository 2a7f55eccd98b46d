"""A simulated cabinet to play with by hand: ``python -m firmware_bridge.simulator.cabinet --protocol 8a --doors 24``.

It prints the device file to put into ``agent.toml`` and reads lines: ``open 3``, ``shut 3``, ``jam 3``, ``free 3``,
``fault noise``, ``silent``, ``speak``, ``show``, ``quit``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard
from firmware_bridge.simulator.line import Fault, SimLine


def run_cabinet(protocol: str, doors: int, address: int, words: Iterable[str], out: TextIO) -> None:
    """Serve one board on a pseudo-terminal until the words end or say ``quit``."""
    board = SIM_BOARDS[protocol](address, doors)
    with SimLine([board]) as line:
        out.write(f'port = "{line.path}"\nprotocol = "{protocol}"\n')
        out.flush()
        for word in words:
            said = word.split()
            if said[:1] == ["quit"]:
                return
            out.write(_obey(said, board, line) + "\n")
            out.flush()


def _obey(said: Sequence[str], board: SimBoard, line: SimLine) -> str:
    match said:
        case ["open" | "shut" as verb, lock] if _has(board, lock):
            line.move_by_hand(board, int(lock), closed=verb == "shut")
        case ["jam" | "free" as verb, lock] if _has(board, lock):
            board.doors[int(lock)].jammed = verb == "jam"
        case ["fault", kind] if kind in set(Fault):
            line.faults.script.append(Fault(kind))
        case ["silent" | "speak" as verb]:
            line.unanswered = verb == "silent"
        case ["show"]:
            pass
        case _:
            return "open N, shut N, jam N, free N, fault KIND, silent, speak, show, quit"
    return " ".join(f"{lock}{'.' if door.closed else 'O'}{door.pulses}" for lock, door in board.doors.items())


def _has(board: SimBoard, lock: str) -> bool:
    return lock.isdigit() and int(lock) in board.doors


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", choices=sorted(SIM_BOARDS), default="8a")
    parser.add_argument("--doors", type=int, default=24)
    parser.add_argument("--address", type=int, default=1)
    chosen = parser.parse_args(arguments)
    run_cabinet(chosen.protocol, chosen.doors, chosen.address, sys.stdin, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
