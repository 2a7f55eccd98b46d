"""Fuzz the lock-board codecs: ``python -m benchmarks.fuzz`` sends a million frames through each family.

Three kinds, in libosdp's manner: lengths swept with the family's own head, random bytes, and true answers with
flipped bits. Nothing may raise, and no frame whose check does not fit may be accepted. Printed beside it: how many
corrupt frames had a fitting check all the same (an 8-bit check lets one in 256 through), and how many of those also
answered the pending question: they are why a door's state needs two equal reads.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import xor
from pathlib import Path
from random import Random

from firmware_bridge.bus.deframer import DeframerState
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings, Codec, Request
from firmware_bridge.codecs.checks import crc16_modbus
from firmware_bridge.simulator.boards import SIM_BOARDS


@dataclass(frozen=True)
class Tally:
    """What became of one family's frames."""

    family: str
    frames: int
    raised: int
    wrong_check_accepted: int
    check_fitted: int
    also_answered: int
    seconds: float
    seed: int


def fuzz(family: str, frames: int, seed: int) -> Tally:
    """Send so many corrupt frames through a family's codec."""
    codec, rng = CODECS[family], Random(seed)
    board = BoardSettings(1, 16, one_is_open=family == "winnsen")
    asked = [codec.unlock(board, 7), *codec.reads(board)[:1]]
    raised = accepted = fitted = answered = 0
    started_s = time.perf_counter()
    for request, stream in _corrupt(codec, family, asked, frames, rng):
        try:
            cutter = DeframerState(codec, request)
            for frame in cutter.feed(stream) + cutter.settle():
                fitted += 1
                accepted += not _check_fits(codec, frame)
                answered += codec.understand(frame, request) is not None
        except Exception as problem:  # the very thing this looks for
            raised += 1
            print(f"{family}: {stream.hex()} raised {problem!r}")
    seconds = round(time.perf_counter() - started_s, 1)
    return Tally(family, frames, raised, accepted, fitted, answered, seconds, seed)


def _check_fits(codec: Codec, frame: bytes) -> bool:
    """Compute a frame's check apart from the codec."""
    check = codec.capabilities.check
    if check == "xor":
        return reduce(xor, frame) == 0
    if check == "sum":
        return sum(frame[:-1]) % 256 == frame[-1]
    return check == "none" or crc16_modbus(frame) == b"\x00\x00"  # a CRC over data and CRC leaves nothing


def _corrupt(
    codec: Codec, family: str, asked: Sequence[Request], frames: int, rng: Random
) -> Iterator[tuple[Request, bytes]]:
    answers = [SIM_BOARDS[family](1, 16).answer(request.frame) or request.frame for request in asked]
    for number in range(frames):
        which = number % len(asked)
        request, answer = asked[which], answers[which]
        kind = number % 3
        if kind == 0:
            length = number // 3 % 40 + 1
            yield request, (answer[:2] + rng.randbytes(length))[: max(length, 1)]
        elif kind == 1:
            yield request, rng.randbytes(rng.randint(1, codec.longest))
        else:
            spoilt = bytearray(answer)
            for _ in range(rng.randint(1, 3)):
                bit = rng.randrange(len(spoilt) * 8)
                spoilt[bit // 8] ^= 1 << bit % 8
            if spoilt != answer:
                yield request, bytes(spoilt)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; exit code 0 only when nothing raised and no wrong check was accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000, help="frames for each family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=None)
    chosen = parser.parse_args(arguments)
    print(f"{'family':<16}{'frames':>10}{'raised':>8}{'wrong check':>13}{'fitted':>9}{'answered':>10}{'s':>8}")
    tallies = []
    for family in CODECS:
        tally = fuzz(family, chosen.frames, chosen.seed)
        tallies.append(tally)
        print(
            f"{tally.family:<16}{tally.frames:>10}{tally.raised:>8}{tally.wrong_check_accepted:>13}"
            f"{tally.check_fitted:>9}{tally.also_answered:>10}{tally.seconds:>8}"
        )
    result = json.dumps([asdict(tally) for tally in tallies])
    if chosen.json is not None:
        chosen.json.write_text(result + "\n", encoding="utf-8")
    print(result)
    return int(any(tally.raised or tally.wrong_check_accepted for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
