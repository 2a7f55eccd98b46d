"""Codes: once, in time, at the right box, and not by guessing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockers.codes import (
    DRIFT,
    CodeKind,
    CodeState,
    CodeVerdict,
    Guesses,
    GuessLimitState,
    GuessRules,
    IssuedCode,
    OfflineWindow,
    WaitingParcel,
    code_digest,
    entry_code,
    entry_fits,
    offline_code,
    present,
    present_offline,
)
from lockers.errors import CodeFormError

KEY, OTHER = bytes(range(32)), bytes(32)
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
WINDOW = timedelta(hours=6)
PARCEL = WaitingParcel("c1-3", "p-1")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def code() -> IssuedCode:
    """Give a pick-up code, 12345678, valid for a day."""
    digest = code_digest(KEY, CodeKind.PICK_UP, "cab-1", "12345678")
    return IssuedCode("k-1", CodeKind.PICK_UP, "cab-1", "c1-3", "p-1", digest, NOW, NOW + timedelta(days=1))


def verdict(digits: str, code: IssuedCode, now: datetime = NOW, kind: CodeKind = CodeKind.PICK_UP) -> CodeVerdict:
    """Present digits at the cabinet."""
    return present(digits, kind, "cab-1", [code], KEY, now)[0]


def test_a_code_opens_its_box_once(code: IssuedCode) -> None:
    """The right digits name the box; stored as used, the same digits open nothing."""
    judged, found = present("12345678", CodeKind.PICK_UP, "cab-1", [code], KEY, NOW)
    assert (judged, found) == (CodeVerdict.OPEN, code)
    assert verdict("12345678", code.used()) is CodeVerdict.USED
    assert verdict("12345678", code.revoked()) is CodeVerdict.REVOKED
    assert code.used().revoked().state is CodeState.USED


def test_a_code_counts_for_its_kind_cabinet_and_time(code: IssuedCode) -> None:
    """A pick-up code is no courier's code, opens at no other cabinet, not before its time and not after."""
    assert verdict("12345678", code, kind=CodeKind.COURIER) is CodeVerdict.WRONG
    assert present("12345678", CodeKind.PICK_UP, "cab-2", [code], KEY, NOW)[0] is CodeVerdict.WRONG
    assert verdict("12345678", code, NOW - MINUTE) is CodeVerdict.TOO_EARLY
    assert verdict("12345678", code, NOW + timedelta(days=1)) is CodeVerdict.EXPIRED
    for digits in ("12345679", "1234567", "123456789", "1234567x", "", "１２３４５６７８"):
        assert verdict(digits, code) is CodeVerdict.WRONG


def test_a_stolen_list_of_codes_opens_nothing(code: IssuedCode) -> None:
    """What the server keeps is no code: without the key the digits cannot be found from it, nor used elsewhere."""
    assert "12345678" not in repr(code)
    assert code_digest(OTHER, CodeKind.PICK_UP, "cab-1", "12345678") != code.digest
    with pytest.raises(CodeFormError):
        code_digest(b"short", CodeKind.PICK_UP, "cab-1", "12345678")
    with pytest.raises(CodeFormError):
        code_digest(KEY, CodeKind.PICK_UP, "cab-1", "1234")


def test_dev_094_offline_code_single_use() -> None:
    """With the network down a code opens its box once, within its window and fifteen minutes of drift."""
    window = OfflineWindow.at(NOW, WINDOW)
    digits = offline_code(KEY, "c1-3", "p-1", window)
    judged, parcel, mark = present_offline(digits, [PARCEL], [KEY], NOW, WINDOW)
    assert (judged, parcel) == (CodeVerdict.OPEN, PARCEL)
    assert mark is not None
    assert present_offline(digits, [PARCEL], [KEY], NOW, WINDOW, frozenset({mark}))[0] is CodeVerdict.USED
    following = offline_code(KEY, "c1-3", "p-1", replace(window, index=window.index + 1))
    later = NOW + WINDOW
    assert present_offline(following, [PARCEL], [KEY], later, WINDOW, frozenset({mark}))[0] is CodeVerdict.USED
    begin = datetime.fromtimestamp(window.index * WINDOW.total_seconds(), UTC)
    end = begin + WINDOW
    for moment, opens in (
        (begin - DRIFT, True), (begin - DRIFT - MINUTE, False), (end + DRIFT - MINUTE, True), (end + DRIFT, False),
    ):  # fmt: skip
        assert (present_offline(digits, [PARCEL], [KEY], moment, WINDOW)[0] is CodeVerdict.OPEN) is opens


def test_offline_keys_rotate() -> None:
    """After a rotation codes of the old key count as long as the cabinet still accepts it, then no more."""
    digits = offline_code(OTHER, "c1-3", "p-1", OfflineWindow.at(NOW, WINDOW))
    assert present_offline(digits, [PARCEL], [KEY, OTHER], NOW, WINDOW)[0] is CodeVerdict.OPEN
    assert present_offline(digits, [PARCEL], [KEY], NOW, WINDOW)[0] is CodeVerdict.WRONG


@given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8), st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_offline_codes_have_eight_digits_and_one_meaning(box: str, parcel: str, index: int) -> None:
    """Every box, parcel and window has a code of eight digits, and another box has another one."""
    window = OfflineWindow(index, WINDOW)
    digits = offline_code(KEY, box, parcel, window)
    assert len(digits) == 8
    assert digits.isdigit()
    assert digits == offline_code(KEY, box, parcel, window)


def test_offline_codes_do_not_repeat() -> None:
    """Ten thousand codes of one cabinet hardly ever agree."""
    codes = {
        offline_code(KEY, f"c1-{box}", f"p-{parcel}", OfflineWindow(1, WINDOW))
        for box in range(100)
        for parcel in range(100)
    }
    assert len(codes) > 9_990


def test_guessing_is_limited_per_cabinet_and_per_account() -> None:
    """Five wrong codes in ten minutes lock cabinet and account; another cabinet still serves other people."""
    limits = GuessLimitState()
    mine = ["cabinet:cab-1", "account:7"]
    for number in range(5):
        assert limits.free(mine, NOW + number * MINUTE)
        limits.note(mine, CodeVerdict.WRONG, NOW + number * MINUTE)
    now = NOW + 5 * MINUTE
    assert not limits.free(mine, now)
    assert not limits.free(["cabinet:cab-1", "account:8"], now)
    assert not limits.free(["cabinet:cab-2", "account:7"], now)
    assert limits.free(["cabinet:cab-2", "account:8"], now)
    assert limits.free(mine, NOW + 4 * MINUTE + timedelta(minutes=10))


def test_lock_outs_grow() -> None:
    """Who goes on guessing waits ten minutes, then twenty, forty, up to a day; old slips are forgotten."""
    guesses, now, pauses = Guesses(), NOW, []
    for _ in range(9):
        for _ in range(5):
            guesses = guesses.after_wrong(now)
        assert guesses.locked_until is not None
        pauses.append((guesses.locked_until - now) // MINUTE)
        now = guesses.locked_until
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 1440]
    slow = Guesses()
    for number in range(20):
        slow = slow.after_wrong(NOW + number * timedelta(minutes=3))
    assert slow.locked_until is None
    assert Guesses((NOW,) * 4).after_right().after_wrong(NOW).locked_until is None


def test_a_day_of_guessing_finds_nothing() -> None:
    """At the limit a cabinet bears so few guesses a day that 48 full boxes stay shut for decades on average."""
    limits, now, tried = GuessLimitState(), NOW, 0
    while now < NOW + timedelta(days=1):
        if limits.free(["cabinet:cab-1"], now):
            limits.note(["cabinet:cab-1"], CodeVerdict.WRONG, now)
            tried += 1
        now += timedelta(seconds=10)
    expected_days = 10**8 / 48 / 2 / tried
    assert tried <= 60
    assert expected_days > 365 * 40


def test_an_entrance_code_is_short_lived_and_for_one_station() -> None:
    """A QR is good for a minute at most, once, and at its own station only."""
    digits = entry_code(KEY, "station-1", NOW)
    step = entry_fits(digits, KEY, "station-1", NOW)
    assert step is not None
    assert entry_fits(digits, KEY, "station-1", NOW, last_step=step) is None
    assert entry_fits(digits, KEY, "station-2", NOW) is None
    assert entry_fits(digits, KEY, "station-1", NOW + timedelta(seconds=30)) == step
    assert entry_fits(digits, KEY, "station-1", NOW + timedelta(seconds=61)) is None
    assert entry_fits(digits, OTHER, "station-1", NOW) is None


def test_rules_are_settings() -> None:
    """How many slips are borne is a setting."""
    assert Guesses().after_wrong(NOW, GuessRules(wrong=1)).locked(NOW)
