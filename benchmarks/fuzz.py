"""Fuzz every codec: ``python -m benchmarks.fuzz`` sends a million frames through each family.

Three kinds, in libosdp's manner: lengths swept with the family's own head, random bytes, and true answers with
flipped bits. Nothing may raise, and no frame whose check does not fit may be accepted. Printed beside it: how many
corrupt frames had a fitting check all the same (an 8-bit check lets one in 256 through), and how many of those also
answered the pending question: they are why a door's state needs two equal reads, a status byte two equal answers and a
weight three. A channel with a MAC must never be answered by a corrupt frame at all.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import xor
from pathlib import Path
from random import Random
from typing import Final

from firmware_bridge.bus.deframer import DeframerState
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings, Codec, Framing, Request
from firmware_bridge.codecs.checks import crc8_maxim, crc16_modbus, crc16_osdp
from firmware_bridge.codecs.xunming_ascii import read_frame
from firmware_bridge.lights.wled import took
from firmware_bridge.peripherals import escpos, tspl
from firmware_bridge.peripherals.scale import SicsFraming, ToledoFraming, read_sics, read_toledo
from firmware_bridge.peripherals.scanner import ScanFramerState, ScannerSettings
from firmware_bridge.readers.osdp_frames import FRAMING, OsdpFrame, Reply, decode, encode
from firmware_bridge.readers.osdp_secure import ChannelState, SessionKeys
from firmware_bridge.readers.wiegand import BITS, WiegandCard, decode26, encode26
from firmware_bridge.simulator.boards import SIM_BOARDS
from firmware_bridge.simulator.peripherals import SimSicsScale, SimToledoScale

#: Takes a stream and returns the frames accepted in it, and how many of them mean something.
Take = Callable[[bytes], tuple[Sequence[bytes], int]]


@dataclass(frozen=True)
class Subject:
    """What is fuzzed.

    Parameters
    ----------
    truths
        True frames, each with what takes it; spoilt ones are made of them.
    fits
        Computes a frame's check apart from the codec; always true where there is none.
    """

    family: str
    truths: tuple[tuple[bytes, Take], ...]
    fits: Callable[[bytes], bool]
    longest: int


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
    subject, rng = SUBJECTS[family](), Random(seed)
    raised = accepted = fitted = answered = 0
    started_s = time.perf_counter()
    for take, stream in _corrupt(subject, frames, rng):
        try:
            found, meant = take(stream)
        except Exception as problem:  # the very thing this looks for
            raised += 1
            print(f"{family}: {stream.hex()} raised {problem!r}")
            continue
        fitted += len(found)
        accepted += sum(not subject.fits(frame) for frame in found)
        answered += meant
    seconds = round(time.perf_counter() - started_s, 1)
    return Tally(family, frames, raised, accepted, fitted, answered, seconds, seed)


def _corrupt(subject: Subject, frames: int, rng: Random) -> Iterator[tuple[Take, bytes]]:
    for number in range(frames):
        truth, take = subject.truths[number % len(subject.truths)]
        kind = number // len(subject.truths) % 3
        if kind == 0:
            yield take, truth[:2] + rng.randbytes(number // 3 % 40)
        elif kind == 1:
            yield take, rng.randbytes(rng.randint(1, subject.longest))
        else:
            spoilt = bytearray(truth)
            for bit in rng.sample(range(len(spoilt) * 8), rng.randint(1, 3)):
                spoilt[bit // 8] ^= 1 << bit % 8
            yield take, bytes(spoilt)


def _board(family: str) -> Subject:
    codec = CODECS[family]
    settings = BoardSettings(1, 16, one_is_open=family == "winnsen", experimental=True)
    lock = 1 if family == "scu" else 7
    sim = SIM_BOARDS[family](1, 16)
    asked = [codec.unlock(settings, lock), *codec.reads(settings)[:1]]
    truths = tuple((sim.answer(request.frame) or request.frame, _by_codec(codec, request)) for request in asked)
    return Subject(family, truths, _check_of(codec), codec.longest)


def _by_codec(codec: Codec, request: Request) -> Take:
    def take(stream: bytes) -> tuple[Sequence[bytes], int]:
        found = _cut(codec, stream, request)
        return found, sum(codec.understand(frame, request) is not None for frame in found)

    return take


def _cut(framing: Framing, stream: bytes, request: Request | None = None) -> list[bytes]:
    cutter = DeframerState(framing, request)
    return cutter.feed(stream) + cutter.settle()


def _check_of(codec: Codec) -> Callable[[bytes], bool]:
    checks: dict[str, Callable[[bytes], bool]] = {
        "xor": lambda frame: reduce(xor, frame) == 0,
        "sum": lambda frame: sum(frame[:-1]) % 256 == frame[-1],
        "crc16": lambda frame: crc16_modbus(frame) == bytes(2),  # a CRC over data and CRC leaves nothing
        "none": _unchecked,
    }
    return checks[codec.capabilities.check]


def _unchecked(_frame: bytes) -> bool:
    return True


def _simple(
    family: str,
    truths: Sequence[bytes],
    framing: Framing,
    means: Callable[[bytes], object],
    fits: Callable[[bytes], bool],
) -> Subject:
    """Make a subject of a framing and a reader of whole frames."""

    def take(stream: bytes) -> tuple[Sequence[bytes], int]:
        found = _cut(framing, stream)
        return found, sum(means(frame) is not None for frame in found)

    return Subject(family, tuple((truth, take) for truth in truths), fits, 40)


def _whole(
    family: str, truths: Sequence[bytes], read: Callable[[bytes], object], fits: Callable[[bytes], bool]
) -> Subject:
    """Make a subject of a reader that takes whole messages."""

    def take(stream: bytes) -> tuple[Sequence[bytes], int]:
        return ([stream], 1) if read(stream) else ([], 0)

    return Subject(family, tuple((truth, take) for truth in truths), fits, 40)


def _osdp() -> Subject:
    card = bytes((0, 1, 26, 0)) + bytes.fromhex("2D00A200")
    truths = [
        encode(OsdpFrame(1, 1, Reply.RAW_CARD, card, reply=True)),
        encode(OsdpFrame(1, 1, Reply.ACK, reply=True, crc=False)),
        encode(OsdpFrame(1, 0, Reply.CLIENT_CRYPTOGRAM, bytes(32), reply=True, security=b"\x12\x01")),
    ]

    def fits(frame: bytes) -> bool:
        return crc16_osdp(frame[:-2]) == frame[-2:] if frame[4] & 4 else sum(frame) % 256 == 0

    return _simple("osdp", truths, FRAMING, decode, fits)


def _osdp_secure() -> Subject:
    """A channel: whatever is spoilt, and then given a CRC that fits, must not be opened."""
    keys = SessionKeys.derive(bytes(range(16)), bytes(8), bytes(range(8)))
    card = OsdpFrame(1, 1, Reply.RAW_CARD, bytes((0, 1, 26, 0)) + bytes.fromhex("2D00A200"), reply=True)
    sealed = [ChannelState(keys).seal(card), ChannelState(keys).seal(OsdpFrame(1, 1, Reply.ACK, reply=True))]

    def take(stream: bytes) -> tuple[Sequence[bytes], int]:
        raw = stream[:2] + (len(stream) + 2).to_bytes(2, "little") + stream[4:]
        raw += crc16_osdp(raw)
        frame = None if raw in sealed else decode(raw)  # with its length right again it may be the true one
        opened = frame is not None and ChannelState(keys).open(frame, raw) is not None
        return ([raw] if opened else []), int(opened)

    # A MAC of four bytes lets one in 4,294,967,296 through: none is to be expected here.
    return Subject("osdp-secure", tuple((raw[:-2], take) for raw in sealed), lambda _: False, 60)


def _wiegand() -> Subject:
    def read(stream: bytes) -> WiegandCard | None:
        return decode26(int.from_bytes(stream[:4], "big"))

    def fits(stream: bytes) -> bool:
        bits = f"{int.from_bytes(stream[:4], 'big'):032b}"
        line = bits[32 - BITS :]
        return "1" not in bits[: 32 - BITS] and not line[:13].count("1") % 2 and bool(line[13:].count("1") % 2)

    truths = [encode26(WiegandCard(90, 324)).to_bytes(4, "big"), encode26(WiegandCard(1, 1)).to_bytes(4, "big")]
    return _whole("wiegand26", truths, read, fits)


def _ascii() -> Subject:
    def fits(frame: bytes) -> bool:
        said = bytes.fromhex(frame[-16:].decode("ascii"))
        return crc8_maxim(said[:-1]) == said[-1]

    return _whole("xunming-ascii", [b"comm,01,001011ffffff0052", b"comm,01,010000000000003D"], read_frame, fits)


def _toledo() -> Subject:
    truths = [SimToledoScale(load_g=load_g).frame() for load_g in (0, 812, 61_000)]
    return _simple("toledo", truths, ToledoFraming(), read_toledo, lambda frame: sum(b & 127 for b in frame) % 128 == 0)


def _sics() -> Subject:
    truths = [SimSicsScale(load_g=load_g).answer(b"SI\r\n") or b"" for load_g in (0, 812, 61_000)]
    return _simple("sics", truths, SicsFraming(), read_sics, _unchecked)


def _scanner() -> Subject:
    def take(stream: bytes) -> tuple[Sequence[bytes], int]:
        scans = ScanFramerState(ScannerSettings(aim=True)).feed(stream + b"\r\n", 0.0)
        return [], len(scans)

    return Subject("scanner", ((b"]C1ZT0012345\r\n", take), (b"]Q3https://example.test/1\r\n", take)), _unchecked, 60)


def _escpos() -> Subject:
    return _simple(
        "escpos-status", [b"\x12", b"\x72"], escpos.StatusFraming(),
        lambda frame: [escpos.read_status(which, frame) for which in (2, 3, 4)], lambda frame: frame[0] & 0x93 == 0x12,
    )  # fmt: skip


def _tspl() -> Subject:
    return _simple("tspl-status", [b"\x00", b"\x04"], tspl.StatusFraming(), tspl.read_status, _unchecked)


def _wled() -> Subject:
    return _whole("wled", [b'{"success":true}', b'{"error":9}'], took, lambda said: b"success" in said)


SUBJECTS: Final[dict[str, Callable[[], Subject]]] = {
    **{family: (lambda family=family: _board(family)) for family in CODECS},  # type: ignore[misc]
    "xunming-ascii": _ascii,
    "osdp": _osdp,
    "osdp-secure": _osdp_secure,
    "wiegand26": _wiegand,
    "toledo": _toledo,
    "sics": _sics,
    "scanner": _scanner,
    "escpos-status": _escpos,
    "tspl-status": _tspl,
    "wled": _wled,
}
"""Every family by its name, made when it is fuzzed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; exit code 0 only when nothing raised and no wrong check was accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000, help="frames for each family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", choices=sorted(SUBJECTS), action="append", help="only this one; may be repeated")
    parser.add_argument("--json", type=Path, default=None)
    chosen = parser.parse_args(arguments)
    print(f"{'family':<16}{'frames':>10}{'raised':>8}{'wrong check':>13}{'fitted':>9}{'answered':>10}{'s':>8}")
    tallies = []
    for family in chosen.family or SUBJECTS:
        tally = fuzz(family, chosen.frames, chosen.seed)
        tallies.append(tally)
        print(
            f"{tally.family:<16}{tally.frames:>10}{tally.raised:>8}{tally.wrong_check_accepted:>13}"
            f"{tally.check_fitted:>9}{tally.also_answered:>10}{tally.seconds:>8}", flush=True,
        )  # fmt: skip
    result = json.dumps([asdict(tally) for tally in tallies])
    if chosen.json is not None:
        chosen.json.write_text(result + "\n", encoding="utf-8")
    print(result)
    return int(any(tally.raised or tally.wrong_check_accepted for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
