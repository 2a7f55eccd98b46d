"""Published and computed frames of six families: what we send, what we understand, what we never say.

The frames are facts from vendors' sheets and users' code; each check value was computed again.
"""

from __future__ import annotations

from typing import Any

import pytest

from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import Answered, BoardSettings, Changed, Door, Request, States
from firmware_bridge.errors import BoardSettingsError

O, C = Door.OPEN, Door.CLOSED  # noqa: E741


def settings(address: int, locks: int, **more: Any) -> BoardSettings:
    """Make a board's settings."""
    return BoardSettings(address, locks, **more)


def every(locks: int, door: Door, **others: Door) -> dict[int, Door]:
    """Say the state of all locks, with exceptions like ``l9=O``."""
    return {lock: others.get(f"l{lock}", door) for lock in range(1, locks + 1)}


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
]

#: Frames that open several, keep something open, reach any board, or are not verified: never made here.
NEVER = {
    "8A 01 00 11 9A": "8a: open all in turn",
    "80 01 00 99 18": "8a: ask any board for its address",
    "9D 01 01 33": "open all of another vendor, unverified",
    "57 4B 4C 59 0C 00 80 03 01 02 03 86": "wkly: open several",
    "57 4B 4C 59 09 00 81 01 80": "wkly: flash light",
    "01 05 00 65 FF FF DC 65": "xunming: stay energised",
    "01 05 00 66 FF FF 2C 65": "xunming: stay energised",
    "01 05 00 65 00 00 DD D5": "xunming: off",
    "01 05 00 65 FF 00 9C 25": "xunming: pulse of unknown length",
    "01 06 03 E9 00 02 D9 BB": "xunming: change node",
    "01 06 03 EA 00 01 69 BA": "xunming: change baud",
    "FE 06 03 EA 00 03 FC 74": "xunming: any node",
    "01 06 03 E8 00 FF 49 FA": "xunming: reboot",
    "FF 05 00 00 FF 00 99 E4": "relay: on, at any address",
    "01 05 00 00 00 00 CD CA": "relay: off",
}


def request(family: str, board: BoardSettings, verb: str, lock: int | None) -> Request:
    """Make the request of a row."""
    codec: Any = CODECS[family]
    made = getattr(codec, verb)(board) if lock is None else getattr(codec, verb)(board, lock)
    if isinstance(made, tuple):
        return made[0]
    return made if isinstance(made, Request) else Request(made, None, board)  # type: ignore[arg-type]


@pytest.mark.parametrize(("family", "board", "verb", "lock", "frame"), SENT)
def test_what_we_send_is_what_the_board_expects(
    family: str, board: BoardSettings, verb: str, lock: int | None, frame: str
) -> None:
    """Every frame we send is byte for byte the one in the sheets."""
    assert request(family, board, verb, lock).frame == bytes.fromhex(frame)


@pytest.mark.parametrize(("family", "board", "verb", "lock", "frame", "meaning"), UNDERSTOOD)
def test_what_a_board_says_is_understood(
    family: str, board: BoardSettings, verb: str, lock: int | None, frame: str, meaning: object
) -> None:
    """Every published answer means what its sheet says, with the polarity of that board."""
    codec, asked, raw = CODECS[family], request(family, board, verb, lock), bytes.fromhex(frame)
    assert codec.measure(raw, asked) == len(raw)
    assert codec.valid(raw)
    assert codec.understand(raw, asked) == meaning


@pytest.mark.parametrize(("family", "board", "verb", "lock", "frame", "why"), REFUSED)
def test_a_wrong_answer_is_not_believed(
    family: str, board: BoardSettings, verb: str, lock: int | None, frame: str, why: str
) -> None:
    """Corrupt frames, and right ones about something else, mean nothing."""
    codec, asked, raw = CODECS[family], request(family, board, verb, lock), bytes.fromhex(frame)
    believed = codec.measure(raw, asked) == len(raw) and codec.valid(raw) and codec.understand(raw, asked)
    assert not believed, why


def test_8a_boards_with_32_states_are_read() -> None:
    """A board that sends four state bytes is cut right, and bit 0 of the last byte is lock 1."""
    codec, board = CODECS["8a"], settings(1, 32, one_is_open=True)
    asked = request("8a", board, "reads", None)
    raw = bytes.fromhex("80 01 FF FF FF FF 33 B2")
    assert codec.measure(raw, asked) == 8
    assert codec.understand(raw, asked) == States(every(32, O))


def test_dev_067_no_open_all_no_stay_on() -> None:
    """None of all the frames our codecs can make opens several locks, keeps one open, or reaches any board."""
    made = set()
    for codec in CODECS.values():
        for address in range(256):
            for lock in range(-1, 66):
                for pulse_ms in (0, 100, 500, 700, 5000, 65_280, 65_535):
                    board = settings(address, 64, pulse_ms=pulse_ms)
                    try:
                        made.add(codec.unlock(board, lock).frame)
                    except BoardSettingsError:
                        continue
    assert len(made) > 5000
    assert not {bytes.fromhex(frame) for frame in NEVER} & made
    assert not any(frame[:2] == b"\x8a\x00" or frame[0] in (0xFE, 0xFF) for frame in made)


def test_dev_209_no_broadcast_in_service() -> None:
    """Addresses that mean "any board" are refused by every family."""
    for family, anybody in (("8a", 0), ("xunming-modbus", 0xFE), ("relay-modbus", 0xFF), ("relay-modbus", 0)):
        with pytest.raises(BoardSettingsError, match="address"):
            CODECS[family].unlock(settings(anybody, 8), 1)
