"""Published and computed frames: what we send, understand and never say. The tables are the benchmark's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import golden
from benchmarks.golden import KNOWN, NEVER, OSDP, REFUSED, SENT, UNDERSTOOD, WIEGAND, Verdict, settings
from firmware_bridge.codecs import CODECS
from firmware_bridge.errors import BoardSettingsError

VERDICTS = list(golden.verdicts())
PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "reference" / "lock-board-vectors.json"


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda v: f"{v.protocol}-{v.kind}-{v.frame.hex()}".replace(" ", "_"))
def test_every_golden_frame_is_what_its_sheet_says(verdict: Verdict) -> None:
    """What we send is byte for byte in the sheets, answers mean what they say, and nothing else is believed."""
    assert not verdict.wrong


def test_no_published_frame_is_left_out() -> None:
    """Every frame of the reference stands in the tables; its rejects are refused and its unverified ones never sent."""
    if not PUBLISHED.exists():
        pytest.skip("the reference's list of frames is not beside the project")
    tables = [row[4] for row in (*SENT, *UNDERSTOOD, *REFUSED)] + [*NEVER, *KNOWN, *OSDP, *WIEGAND]
    told = {bytes.fromhex(frame) for frame in tables} | {text.encode("ascii") for text in golden.ASCII}
    refused = {bytes.fromhex(row[4]) for row in REFUSED} | {
        bytes.fromhex(frame) for frame, card in WIEGAND.items() if card is None
    }
    unsent = {bytes.fromhex(frame) for frame in NEVER} | {
        text.encode("ascii") for text, said in golden.ASCII.items() if said is None
    }
    vectors = json.loads(PUBLISHED.read_text(encoding="utf-8"))["vectors"]
    assert len(vectors) >= 90
    for vector in vectors:
        frame = bytes.fromhex(vector["hex"])
        assert frame in told, vector
        assert frame in refused or not vector["note"].startswith("reject"), vector
        assert frame in unsent or not vector["note"].startswith("unverified"), vector


def test_dev_067_no_open_all_no_stay_on() -> None:
    """None of all the frames our codecs can make opens several locks, keeps one open, or reaches any board."""
    made = golden.everything_made()
    assert len(made) > 5000
    assert not {bytes.fromhex(frame) for frame in NEVER} & made
    assert not any(frame[:2] == b"\x8a\x00" or frame[0] in (0xFE, 0xFF) for frame in made)
    # "Relay off" is how the experimental CU48 unlocks: only where its settings allow that family.
    relay_off = bytes.fromhex("01 05 00 00 00 00 CD CA")
    doubtful = golden.everything_made(experimental=True)
    assert {bytes.fromhex(frame) for frame in NEVER} & doubtful == {relay_off}


def test_dev_209_no_broadcast_in_service() -> None:
    """Addresses that mean "any board" are refused by every family."""
    for family, anybody in (("8a", 0), ("xunming-modbus", 0xFE), ("relay-modbus", 0xFF), ("relay-modbus", 0)):
        with pytest.raises(BoardSettingsError, match="address"):
            CODECS[family].unlock(settings(anybody, 8), 1)
