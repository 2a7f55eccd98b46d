"""Frames that nobody meant: no crash, no false belief."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from firmware_bridge.bus.deframer import DeframerState
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings, Request, States
from firmware_bridge.simulator.boards import SIM_BOARDS

FAMILIES = sorted(CODECS)
WITH_SENSOR = [family for family in FAMILIES if CODECS[family].capabilities.sensor]


def board_of(family: str) -> BoardSettings:
    """Give settings that every family accepts."""
    return BoardSettings(1, 16, one_is_open=family == "winnsen", experimental=True)


def questions(family: str) -> list[Request]:
    """Give an unlock and, where there is one, a read."""
    codec, board = CODECS[family], board_of(family)
    return [codec.unlock(board, 1), *codec.reads(board)[:1]]


@pytest.mark.parametrize("family", FAMILIES)
def test_random_bytes_never_break_a_codec(family: str) -> None:
    """A flood of random bytes, whole lengths swept, raises nothing and no frame with a wrong check is accepted."""
    rng, codec = Random(20_260_304), CODECS[family]
    for asked in (*questions(family), None):
        frames = DeframerState(codec, asked)
        for length in range(1, 41):
            for head in (b"", asked.frame[:2] if asked else b"WKLY", asked.frame if asked else b"\x90\x07"):
                for frame in frames.feed(head + rng.randbytes(length)):
                    assert codec.valid(frame)
                    codec.understand(frame, asked)
                assert len(frames) <= codec.longest


@pytest.mark.parametrize("family", WITH_SENSOR)
def test_every_flipped_bit_is_noticed_where_there_is_a_check(family: str) -> None:
    """One flipped bit in an answer is never believed, except where the family has no check at all."""
    codec, sim = CODECS[family], SIM_BOARDS[family](1, 16)
    asked = codec.reads(board_of(family))[0]
    answer = sim.answer(asked.frame)
    assert answer
    believed = 0
    for bit in range(len(answer) * 8):
        spoilt = bytearray(answer)
        spoilt[bit // 8] ^= 1 << bit % 8
        for frame in (frames := DeframerState(codec, asked)).feed(bytes(spoilt)) + frames.settle():
            believed += isinstance(codec.understand(frame, asked), States)
    assert believed == (1 if codec.capabilities.check == "none" else 0)  # Winnsen: only the status bit itself


@pytest.mark.parametrize("family", WITH_SENSOR)
@given(data=st.data())
@hypothesis_settings(max_examples=50, deadline=None)
def test_dev_205_split_and_merged_frames(family: str, data: st.DataObject) -> None:
    """However answers are split, merged and mixed with noise, each is found, with one frame of memory."""
    codec, sim = CODECS[family], SIM_BOARDS[family](1, 16)
    asked = codec.reads(board_of(family))[0]
    answer = sim.answer(asked.frame)
    assert answer
    # Noise that cannot itself begin a frame, so that the number of answers is certain.
    noise = st.binary(max_size=6).map(lambda raw: bytes(byte for byte in raw if byte not in answer[:1]))
    parts = data.draw(st.lists(noise, min_size=1, max_size=4))
    stream = b"".join(part + answer for part in parts)
    frames, found = DeframerState(codec, asked), []
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += frames.feed(stream[start:end])
        assert len(frames) <= codec.longest
    assert found == [answer] * len(parts)


@pytest.mark.parametrize("family", WITH_SENSOR)
@given(opened=st.sets(st.integers(1, 16)))
@hypothesis_settings(max_examples=30, deadline=None)
def test_every_state_makes_the_round_trip(family: str, opened: set[int]) -> None:
    """Whatever doors stand open on the simulated board, the codec reads exactly those."""
    codec, sim, board = CODECS[family], SIM_BOARDS[family](1, 16), board_of(family)
    for lock in opened:
        sim.doors[lock].move(closed=False)
    seen: set[int] = set()
    for asked in codec.reads(board):
        answer = sim.answer(asked.frame)
        assert answer
        reading = codec.understand(answer, asked)
        assert isinstance(reading, States)
        seen |= {lock for lock, door in reading.doors.items() if door == "open"}
    assert seen == opened
