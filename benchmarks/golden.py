"""Golden frames of lock boards, readers and cards: ``python -m benchmarks.golden`` tries every one.

Published frames and frames computed from their layouts must mean exactly what is written beside them; corrupt ones and
right ones about something else must mean nothing; what opens several, keeps open, reaches any board or is not verified
must never be made. The frames are facts from vendors' sheets and users' code; each check value was computed again.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, reduce
from itertools import product
from operator import xor
from typing import Any, Final

from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import Answered, BoardSettings, Changed, Door, Request, States
from firmware_bridge.codecs.checks import crc16_modbus
from firmware_bridge.codecs.xunming_ascii import read_frame
from firmware_bridge.errors import BoardSettingsError
from firmware_bridge.readers.osdp_frames import OsdpFrame, decode, encode
from firmware_bridge.readers.wiegand import WiegandCard, decode26, encode26

O, C = Door.OPEN, Door.CLOSED  # noqa: E741


@dataclass(frozen=True)
class Verdict:
    """What became of one frame; ``wrong`` says what was expected, empty when all is well."""

    protocol: str
    frame: bytes
    kind: str
    wrong: str = ""


def settings(address: int, locks: int, **more: Any) -> BoardSettings:
    """Make a board's settings."""
    return BoardSettings(address, locks, **more)


def every(locks: int, door: Door, **others: Door) -> dict[int, Door]:
    """Say the state of all locks, with exceptions like ``l9=O``."""
    return {lock: others.get(f"l{lock}", door) for lock in range(1, locks + 1)}


DOUBTFUL: Final = {"experimental": True}

#: family, settings, lock or None for "all", frame: what we send.
SENT: list[tuple[str, BoardSettings, str, int | None, str]] = [
    ("8a", settings(1, 24), "unlock", 1, "8A 01 01 11 9B"),
    ("8a", settings(2, 24), "unlock", 1, "8A 02 01 11 98"),
    ("8a", settings(1, 24), "unlock", 24, "8A 01 18 11 82"),
    ("8a", settings(1, 24), "read_one", 1, "80 01 01 33 B3"),
    ("8a", settings(2, 24), "read_one", 1, "80 02 01 33 B0"),
    ("8a", settings(1, 24), "reads", None, "80 01 00 33 B2"),
    ("8a", settings(2, 24), "reads", None, "80 02 00 33 B1"),
    ("cu16", settings(0, 16), "unlock", 1, "02 00 31 03 36"),
    ("cu16", settings(3, 16), "unlock", 16, "02 3F 31 03 75"),
    ("cu16", settings(0, 16), "unlock", 4, "02 03 31 03 39"),  # the address byte equals ETX
    ("cu16", settings(0, 16), "reads", None, "02 00 30 03 35"),
    ("wkly", settings(0, 24), "unlock", 1, "57 4B 4C 59 09 00 82 01 83"),
    ("wkly", settings(0, 24), "reads", None, "57 4B 4C 59 08 00 84 85"),
    ("wkly", settings(0, 24), "read_one", 1, "57 4B 4C 59 09 00 83 01 82"),
    ("winnsen", settings(0, 24), "unlock", 1, "90 06 05 00 01 03"),
    ("winnsen", settings(0, 24), "unlock", 3, "90 06 05 00 03 03"),  # the lock byte equals the tail
    ("winnsen", settings(1, 24), "read_one", 16, "90 06 12 01 10 03"),
    ("xunming-modbus", settings(1, 16), "unlock", 1, "01 05 00 65 01 F4 DD C2"),
    ("xunming-modbus", settings(1, 16), "unlock", 2, "01 05 00 66 01 F4 2D C2"),
    ("xunming-modbus", settings(1, 16), "unlock", 8, "01 05 00 6C 01 F4 0D C0"),
    ("xunming-modbus", settings(1, 16), "unlock", 9, "01 05 00 6D 01 F4 5C 00"),
    ("xunming-modbus", settings(1, 16), "unlock", 16, "01 05 00 74 01 F4 8D C7"),
    ("xunming-modbus", settings(1, 16, pulse_ms=5000), "unlock", 1, "01 05 00 65 13 88 D0 83"),
    ("relay-modbus", settings(1, 8, pulse_ms=700), "unlock", 1, "01 05 02 00 00 07 8D B0"),
    ("relay-modbus", settings(1, 8), "coils", None, "01 01 00 00 00 08 3D CC"),
    ("cu48", settings(0, 48, **DOUBTFUL), "reads", None, "02 00 00 60 03 65"),
    ("cu48", settings(0, 48, **DOUBTFUL), "unlock", 1, "02 00 00 61 03 66"),
    ("scu", settings(1, 1, **DOUBTFUL), "unlock", 1, "F5 01 00 71 00 5F C6 00"),
    ("cu48-modbus", settings(1, 48, **DOUBTFUL), "reads", None, "01 01 00 00 00 30 3C 1E"),
    ("cu48-modbus", settings(1, 48, **DOUBTFUL), "unlock", 1, "01 05 00 00 00 00 CD CA"),
]

#: family, settings, what was asked, lock, answer, what it means. "one" means a set bit is an open door.
ONE = {"one_is_open": True}
UNDERSTOOD: list[tuple[str, BoardSettings, str, int | None, str, object]] = [
    ("8a", settings(1, 24), "unlock", 1, "8A 01 01 11 9B", Answered(1, refused=False)),
    ("8a", settings(1, 24), "unlock", 1, "8A 01 01 00 8A", Answered(1, refused=False)),
    ("8a", settings(2, 24), "unlock", 1, "8A 02 01 00 89", Answered(1, refused=False)),
    ("8a", settings(1, 24, **ONE), "read_one", 1, "80 01 01 11 91", States({1: O})),
    ("8a", settings(1, 24), "read_one", 1, "80 01 01 11 91", States({1: C})),
    ("8a", settings(1, 24, **ONE), "read_one", 1, "80 01 01 00 80", States({1: C})),
    ("8a", settings(2, 24, **ONE), "read_one", 1, "80 02 01 11 92", States({1: O})),
    ("8a", settings(2, 24), "read_one", 1, "80 02 01 00 83", States({1: O})),
    ("8a", settings(1, 24), "reads", None, "80 01 FF FF FE 33 4C", States(every(24, C, l1=O))),
    ("cu16", settings(0, 16), "reads", None, "02 00 35 FF FE 00 00 03 37",
     States(every(16, C, l9=O), dict.fromkeys(range(1, 17), False))),
    ("cu16", settings(0, 16), "reads", None, "02 00 35 FE FF 03 00 03 3A",
     States(every(16, C, l1=O), {lock: lock <= 2 for lock in range(1, 17)})),
    ("wkly", settings(0, 24), "unlock", 1, "57 4B 4C 59 0B 00 82 00 01 00 81", Answered(1, refused=False)),
    ("wkly", settings(1, 24), "unlock", 4, "57 4B 4C 59 0B 01 82 00 04 00 85", Answered(4, refused=False)),
    ("wkly", settings(0, 24), "read_one", 1, "57 4B 4C 59 0B 00 83 00 01 01 81", States({1: C})),
    ("wkly", settings(0, 4), "reads", None, "57 4B 4C 59 0E 00 84 00 04 01 00 01 01 86",
     States({1: C, 2: O, 3: C, 4: C})),
    ("wkly", settings(1, 24), "reads", None, "57 4B 4C 59 0A 01 85 04 00 83", Changed(1, 4, O)),
    ("winnsen", settings(0, 24), "unlock", 3, "90 07 85 00 03 01 03", Answered(3, refused=False)),
    ("winnsen", settings(0, 24), "unlock", 3, "90 07 85 00 03 02 03", Answered(3, True, "coil cooling down")),
    ("winnsen", settings(1, 24, one_is_open=True, lock_before_status=False), "read_one", 16, "90 07 92 01 00 10 03",
     States({16: C})),
    ("winnsen", settings(1, 24, **ONE), "read_one", 16, "90 07 92 01 10 00 03", States({16: C})),
    ("xunming-modbus", settings(1, 16), "unlock", 1, "01 05 00 65 01 F4 DD C2", Answered(1, refused=False)),
    ("relay-modbus", settings(1, 8), "unlock", 1, "01 85 02 C3 51", Answered(1, True, "no such lock on the board")),
    ("8a", settings(1, 32, **ONE), "reads", None, "80 01 FF FF FF FF 33 B2", States(every(32, O))),
    ("8a", settings(2, 32), "reads", None, "80 02 FF FF FF FF 33 B1", States(every(32, C))),
    ("cu48-modbus", settings(1, 48, **DOUBTFUL), "reads", None, "01 01 06 FE FF FF FF FF FF A0 F2",
     States(every(48, C, l1=O))),
]  # fmt: skip

#: Frames that must not be believed, with the question they would answer.
REFUSED: list[tuple[str, BoardSettings, str, int | None, str, str]] = [
    ("8a", settings(1, 24), "read_one", 1, "80 01 01 11 90", "check byte off by one"),
    ("8a", settings(1, 24), "read_one", 1, "80 02 01 11 92", "another board"),
    ("8a", settings(1, 24), "read_one", 2, "80 01 01 11 91", "another lock"),
    ("8a", settings(1, 24), "reads", None, "80 01 01 99 19", "an address reply is no state"),
    ("cu16", settings(0, 16), "reads", None, "02 00 35 FF FE 00 00 03 38", "wrong sum"),
    ("cu16", settings(1, 16), "reads", None, "02 00 35 FF FE 00 00 03 37", "another board"),
    ("wkly", settings(0, 24), "unlock", 1, "57 4B 4C 59 0A 00 81 00 01 83", "an answer to a flash light"),
    ("wkly", settings(0, 24), "unlock", 2, "57 4B 4C 59 0B 00 82 00 01 00 81", "another lock"),
    ("wkly", settings(0, 4), "reads", None, "57 4B 4C 59 0C 00 80 03 01 02 03 83", "xor over data only"),
    ("winnsen", settings(0, 24), "read_one", 3, "90 07 85 00 03 01 03", "answer to another function"),
    ("winnsen", settings(1, 24), "unlock", 3, "90 07 85 00 03 01 03", "another station"),
    ("relay-modbus", settings(2, 8), "unlock", 1, "01 85 02 C3 51", "another node"),
    ("scu", settings(0x64, 1, **DOUBTFUL), "unlock", 1, "F5 64 70 00 00 5F C4 00", "published with a wrong sum"),
]

#: Frames that open several, keep something open, change or reach any board, or are not verified: never made here.
NEVER = {
    "8A 01 00 11 9A": "8a: open all in turn",
    "80 01 00 99 18": "8a: ask any board for its address",
    "9D 01 01 33": "8a: open all of another vendor, unverified",
    "57 4B 4C 59 0C 00 80 03 01 02 03 86": "wkly: open several",
    "57 4B 4C 59 09 00 81 01 80": "wkly: flash light",
    "01 05 00 65 FF FF DC 65": "xunming-modbus: stay energised",
    "01 05 00 66 FF FF 2C 65": "xunming-modbus: stay energised",
    "01 05 00 65 00 00 DD D5": "xunming-modbus: off",
    "01 05 00 65 FF 00 9C 25": "xunming-modbus: pulse of unknown length",
    "01 06 03 E9 00 02 D9 BB": "xunming-modbus: change node",
    "01 05 00 66 00 00 2D D5": "xunming-modbus: off",
    "01 06 03 E9 00 64 59 91": "xunming-modbus: change node",
    "01 06 03 EA 00 01 69 BA": "xunming-modbus: change baud",
    "01 06 03 EA 00 02 29 BB": "xunming-modbus: change baud",
    "FE 06 03 EA 00 08 BD B3": "xunming-modbus: any node",
    "FE 06 03 E8 00 FF 5D F5": "xunming-modbus: any node",
    "FE 06 03 EA 00 03 FC 74": "xunming-modbus: any node",
    "01 06 03 E8 00 FF 49 FA": "xunming-modbus: reboot",
    "FF 05 00 00 FF 00 99 E4": "relay-modbus: on, at any address",
    "01 05 00 00 00 00 CD CA": "relay-modbus: off",
}


#: Frames whose check fits and which no codec of ours makes or takes for an answer: only told from noise.
KNOWN: Final = {
    "80 01 01 99 19": "8a: a board tells its address",
    "57 4B 4C 59 0A 00 81 00 01 83": "wkly: reply to a flash light",
    "01 01 01 00 51 88": "relay-modbus: all relays off",
}

#: Text frames of Xunming's board: what they mean, None for the one whose check does not fit.
ASCII: Final[dict[str, str | None]] = {
    "comm,01,0000000000000000": "query",
    "comm,01,001011ff00000001": "open all",
    "comm,01,010000000000003D": "reboot",
    "comm,01,001011ffffff0052": "reply to open all",
    "comm,01,000001180301015a": None,
}

OSDP: Final = {
    "53 65 08 00 04 60 60 90": OsdpFrame(0x65, 0, 0x60),
    "53 65 07 00 00 60 E1": OsdpFrame(0x65, 0, 0x60, crc=False),
    "53 E5 08 00 04 40 D2 96": OsdpFrame(0x65, 0, 0x40, reply=True),
    "53 65 08 00 05 60 51 A3": OsdpFrame(0x65, 1, 0x60),
}

#: 26 bits, right-aligned in four bytes; None where a parity is wrong.
WIEGAND: Final = {"00B40288": WiegandCard(90, 324), "00B40289": None}


def request(family: str, board: BoardSettings, verb: str, lock: int | None) -> Request:
    """Make the request of a row."""
    codec: Any = CODECS[family]
    made = getattr(codec, verb)(board) if lock is None else getattr(codec, verb)(board, lock)
    if isinstance(made, tuple):
        made = made[0]
    return made if isinstance(made, Request) else Request(made, None, board)  # type: ignore[arg-type]


@cache
def everything_made(experimental: bool = False) -> frozenset[bytes]:
    """Return every unlock frame that the codecs can be made to make, at any address, lock and pulse."""
    made = set()
    for codec in CODECS.values():
        for address, pulse_ms in product(range(256), (0, 100, 500, 700, 5000, 65_280, 65_535)):
            if pulse_ms != 500 and codec.capabilities.pulse_ms is None:
                continue  # says nothing about pulses
            for lock in range(-1, 66):
                board = settings(address, 64, pulse_ms=pulse_ms, experimental=experimental)
                try:
                    made.add(codec.unlock(board, lock).frame)
                except BoardSettingsError:
                    continue
    return frozenset(made)


def verdicts() -> Iterator[Verdict]:
    """Try every frame."""
    for family, board, verb, lock, frame in SENT:
        yield _verdict(family, frame, "sent", request(family, board, verb, lock).frame, bytes.fromhex(frame))
    for family, board, verb, lock, frame, meaning in UNDERSTOOD:
        asked = request(family, board, verb, lock)
        yield _verdict(family, frame, "understood", _understood(family, frame, asked), meaning)
    for family, board, verb, lock, frame, _ in REFUSED:
        asked = request(family, board, verb, lock)
        yield _verdict(family, frame, "refused", _understood(family, frame, asked), None)
    made = everything_made()
    for frame, why in NEVER.items():
        yield _verdict(why.partition(":")[0], frame, "never made", bytes.fromhex(frame) in made, False)
    for frame, why in KNOWN.items():
        yield _verdict(why.partition(":")[0], frame, "check fits", _check_fits(bytes.fromhex(frame)), True)
    for text, said in ASCII.items():
        read = read_frame(text.encode("ascii"))
        yield Verdict("xunming-ascii", text.encode("ascii"), "read", _differs(read and read.meaning, said))
    for frame, packet in OSDP.items():
        raw = bytes.fromhex(frame)
        yield _verdict("osdp", frame, "read and made", (decode(raw), encode(packet)), (packet, raw))
    for frame, card in WIEGAND.items():
        bits = int(frame, 16)
        yield _verdict("wiegand26", frame, "read", decode26(bits), card)
        if card is not None:
            yield _verdict("wiegand26", frame, "made", encode26(card), bits)


def _understood(family: str, frame: str, asked: Request) -> object:
    codec, raw = CODECS[family], bytes.fromhex(frame)
    if codec.measure(raw, asked) != len(raw) or not codec.valid(raw):
        return None
    return codec.understand(raw, asked)


def _check_fits(raw: bytes) -> bool:
    checks: list[Callable[[bytes], bool]] = [
        lambda said: reduce(xor, said) == 0,
        lambda said: crc16_modbus(said) == bytes(2),  # a CRC over data and CRC leaves nothing
    ]
    return any(fits(raw) for fits in checks)


def _verdict(protocol: str, frame: str, kind: str, found: object, wanted: object) -> Verdict:
    return Verdict(protocol, bytes.fromhex(frame), kind, _differs(found, wanted))


def _differs(found: object, wanted: object) -> str:
    return "" if found == wanted else f"{found!r} instead of {wanted!r}"


def main() -> int:
    """Print what fails, and how many frames of each protocol were tried; exit code 0 when none fails."""
    tried = list(verdicts())
    for verdict in tried:
        if verdict.wrong:
            print(f"{verdict.protocol} {verdict.frame.hex()} {verdict.kind}: {verdict.wrong}")
    for protocol, count in Counter(verdict.protocol for verdict in tried).items():
        print(f"{protocol:<16}{count:>4}")
    print(f"{'all':<16}{len(tried):>4}, {sum(bool(verdict.wrong) for verdict in tried)} wrong")
    return int(any(verdict.wrong for verdict in tried))


if __name__ == "__main__":
    sys.exit(main())
