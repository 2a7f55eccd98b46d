"""What stations say is said in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatch.stations import sending, visits
from lockers.deposit import DepositHindrance
from lockers.visit import VISIT

WORDS = Path(__file__).resolve().parents[3] / "web" / "src" / "i18n"
CELL_ALARMS = (
    "forced", "misaligned", "lock_failed", "door_left_open", "parcel_without_book", "book_without_parcel", "missing",
    "overstayed", "dock_mismatch", "vehicle_refused",
)  # fmt: skip


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_web_13_every_refusal_and_alarm_of_a_station_has_words(language: str) -> None:
    """Why a parcel is refused, which alarm stands and where a visitor is: no code is shown bare."""
    words = json.loads((WORDS / f"{language}.json").read_text("utf-8"))
    alarms = {*CELL_ALARMS, *sending._ALARMS.values(), *visits._ALARMS.values()}
    wanted = [f"hindrance.{one.value}" for one in DepositHindrance] + [f"alarm.{one}" for one in sorted(alarms)]
    wanted += [f"visit.{state}" for state in VISIT.states if state not in ("invited", "left", "refused")]
    assert [key for key in wanted if key not in words] == []
