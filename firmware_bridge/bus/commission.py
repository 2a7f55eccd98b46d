"""Commission one lock board at the device: ``python -m firmware_bridge.bus.commission --protocol 8a --locks 24``.

Connect this board alone and stand in front of it: every door is opened once, and you are asked to shut it. What was
learned is printed as the lines that belong into ``agent.toml``; ``--record`` keeps it with your name and the time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TextIO

from firmware_bridge.bus.commissioning import BAUDS, Commissioned, Commissioning, Found, find_board
from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings, Line
from kernel.clock import Clock, SystemClock
from kernel.errors import CundaError

Ask = Callable[[str], str]


def main(arguments: Sequence[str] | None = None, ask: Ask = input, clock: Clock | None = None) -> int:
    """Run the command line; exit code 0 when every lock is sound, 1 when one is not, 2 when nothing answered."""
    chosen = _parser().parse_args(arguments)
    guess = BoardSettings(chosen.address, chosen.locks, experimental=chosen.experimental, reply_s=chosen.reply_s)
    codec = CODECS[chosen.protocol]
    try:
        found = Found(replace(codec.line, baud=chosen.baud or codec.line.baud), chosen.address)
        if codec.capabilities.sensor:
            _say(f"looking for a board of family {chosen.protocol} ...")
            bauds = BAUDS if chosen.baud is None else (chosen.baud,)
            looked = find_board(lambda line: TtyPort(chosen.port, line), codec, guess, bauds)
            if looked is None:
                _say("no board answers; check its power, the two wires (A and B may be swapped) and the family")
                return 2
            found = looked
            _say(f"board {found.address} answers at {found.line.baud} baud")
        learned = _learn(chosen.port, chosen.protocol, replace(guess, address=found.address), found.line, ask)
    except CundaError as problem:
        _say(f"{problem.message}\n{problem.remedy}")
        return 2
    _report(learned, found, chosen.port, chosen.protocol, sys.stdout)
    if chosen.record is not None:
        _keep(chosen.record, learned, found, chosen.protocol, chosen.by, clock or SystemClock())
    return int(not learned.answered or bool(learned.faulty))


def _learn(port_path: str, protocol: str, guess: BoardSettings, line: Line, ask: Ask) -> Commissioned:
    port = TtyPort(port_path, line)
    try:
        return Commissioning(
            port,
            CODECS[protocol],
            lambda lock: _ask_to_shut(lock, ask),
            lambda lock: ask(f"did door {lock}, and no other, open? [y/n] ").strip().lower().startswith("y"),
        ).learn(guess)
    finally:
        port.close()


def _ask_to_shut(lock: int, ask: Ask) -> None:
    ask(f"shut door {lock}, then press Enter ")


def _report(learned: Commissioned, found: Found, port: str, protocol: str, out: TextIO) -> None:
    factory = BoardSettings(learned.settings.address, learned.settings.locks)
    lines = ["[cabinet]", f'port = "{port}"', f'protocol = "{protocol}"']
    if found.line.baud != CODECS[protocol].line.baud:
        lines.append(f"baud = {found.line.baud}")
    if learned.strips_echo:
        lines.append("strips_echo = true")
    lines += ["", "[[cabinet.board]]", 'prefix = "c1-"']
    for field in fields(BoardSettings):
        value = getattr(learned.settings, field.name)
        if field.name in ("address", "locks", "one_is_open") or value != getattr(factory, field.name):
            lines.append(f"{field.name} = {json.dumps(value)}")
    out.write("\n".join(lines) + "\n")
    for finding in learned.locks:
        if not finding.sound:
            hint = f"; door {finding.instead} moved instead" if finding.instead is not None else ""
            _say(f"lock {finding.lock} is not sound: its sensor did not follow{hint}")


def _keep(path: Path, learned: Commissioned, found: Found, protocol: str, by: str, clock: Clock) -> None:
    record: dict[str, Any] = {
        "by": by, "at": clock.now().isoformat(), "protocol": protocol, "baud": found.line.baud, **asdict(learned)
    }  # fmt: skip
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", required=True, help="device file of the line, for example /dev/ttyUSB0")
    parser.add_argument("--protocol", required=True, choices=sorted(CODECS), help="family of the board")
    parser.add_argument("--locks", type=int, required=True, help="how many locks are connected")
    parser.add_argument("--address", type=int, default=1, help="where to look first (1)")
    parser.add_argument(
        "--baud", type=int, default=None, help="look at this speed only; all speeds are tried if absent"
    )
    parser.add_argument("--reply-s", type=float, default=0.3, help="longest wait for an answer, seconds (0.3)")
    parser.add_argument("--experimental", action="store_true", help="allow a family whose frames are doubtful")
    parser.add_argument("--by", default="", help="your name, kept in the record")
    parser.add_argument("--record", type=Path, default=None, help="append the result to this file, one JSON line")
    return parser


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
