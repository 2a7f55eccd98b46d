"""The three flags of a promise and late feedback (SVC-10 to SVC-12), by facts alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dispatch.products.product import load_products
from dispatch.promises.clocks import ClockFacts, RunningClock, clock_of, products_of
from dispatch.promises.flags import Estimate, Outcome, judge

ZONE = "Asia/Shanghai"
DAY = date(2026, 3, 4)
STARTED = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
DEADLINE = STARTED + timedelta(hours=10)
CLOCK = RunningClock(STARTED, DEADLINE, "ledger")


def _at(hours: float) -> datetime:
    return STARTED + timedelta(hours=hours)


def _judge(now: datetime, outcome: Outcome | None = None, arrivals: tuple[datetime, ...] = ()) -> Any:
    return judge(CLOCK, 80, now, outcome, Estimate(arrivals, "reports"))


def test_svc_10_a_prediction_comes_and_goes_with_hysteresis():
    """Late begins past the deadline; a minute before it is still late, six minutes before it is not any more."""
    late, nearly, well = (
        DEADLINE + timedelta(minutes=1),
        DEADLINE - timedelta(minutes=1),
        DEADLINE - timedelta(minutes=6),
    )
    assert _judge(_at(1), arrivals=(late,)).predicted_late
    assert _judge(_at(1), arrivals=(well, late, nearly)).predicted_late
    assert not _judge(_at(1), arrivals=(late, well)).predicted_late
    assert not _judge(_at(1), arrivals=(nearly,)).predicted_late, "nothing is late that never was predicted past it"


def test_svc_10_at_risk_is_told_by_the_share_of_time_used():
    """After eighty per cent of the time without an outcome a promise is at risk, whatever is predicted."""
    assert not _judge(_at(7.9)).at_risk
    found = _judge(_at(8))
    assert (found.at_risk, found.predicted_late, found.breached) == (True, False, False)


def test_svc_10_a_breach_stays():
    """Past the deadline without an outcome is a breach; a late outcome closes it and does not remove it."""
    waiting = _judge(_at(11))
    assert (waiting.breached, waiting.open) == (True, True)
    done = _judge(_at(20), Outcome(_at(12), _at(12)))
    assert (done.breached, done.open, done.late_feedback, done.predicted_late) == (True, False, False, False)


def test_svc_11_a_late_upload_turns_a_breach_into_late_feedback():
    """What happened in time and was uploaded after the deadline was a breach only as long as nobody knew."""
    upload = Outcome(fact_at=_at(9), received_at=_at(13))
    found = _judge(_at(14), upload)
    assert (found.breached, found.late_feedback) == (False, True)
    assert not _judge(_at(14), Outcome(_at(9), _at(9.1))).late_feedback


@pytest.fixture
def in_force():
    """Give the products that come with Cunda by code."""
    return {product.code: product for product in load_products()}


def _clock(in_force: Any, code: str, facts: ClockFacts, **more: Any) -> RunningClock | None:
    given = {
        "direction": "deliver",
        "due_day": DAY,
        "area": "township",
        "zone": ZONE,
        "served_on": lambda day: day,
    } | more
    products = products_of(in_force, code, cod_fen=0, declared_value_fen=0)
    return clock_of(products, facts, **given)


def _local(clock: RunningClock | None) -> str:
    assert clock is not None
    return f"{clock.deadline_at:%d %H:%M}"


def test_svc_12_the_clock_moves_only_with_a_day_the_recipient_asked_for(in_force):
    """With a new day on record the deadline moves to it; the usual time of day holds."""
    facts = ClockFacts(STARTED)
    assert _local(_clock(in_force, "next_morning", facts)) == "04 18:00"
    moved = _clock(in_force, "next_morning", ClockFacts(STARTED, rescheduled_to=date(2026, 3, 9)))
    assert (_local(moved), moved.basis) == ("09 18:00", "rescheduled")


def test_svc_01_area_and_cut_off_decide_the_deadline(in_force):
    """Town parcels are due by one, townships by six; what arrives after the cut-off counts from the next day."""
    facts = ClockFacts(STARTED)
    assert _local(_clock(in_force, "next_morning", facts, area="urban")) == "04 13:00"
    early = ClockFacts(STARTED, arrived_at=datetime(2026, 3, 3, 22, 0, tzinfo=UTC))  # 06:00 in Shanghai
    late = ClockFacts(STARTED, arrived_at=datetime(2026, 3, 4, 2, 0, tzinfo=UTC))  # 10:00
    assert _local(_clock(in_force, "village_standard", early, area="urban")) == "04 20:00"
    assert _local(_clock(in_force, "village_standard", late, area="urban")) == "05 20:00"


def test_svc_01_villages_count_service_days(in_force):
    """A village that is served on Fridays gets its deadline on Friday."""
    friday = date(2026, 3, 6)
    found = _clock(
        in_force, "village_standard", ClockFacts(STARTED), area="village", served_on=lambda day: max(day, friday)
    )
    assert _local(found) == "06 20:00"


def test_svc_01_a_pickup_has_its_own_clock(in_force):
    """A pickup is due an hour after its order; a drop-off at a kiosk within a day of being handed in."""
    ordered = _clock(in_force, "next_morning", ClockFacts(STARTED), direction="collect")
    assert ordered is not None
    assert (ordered.deadline_at - STARTED, ordered.basis) == (timedelta(hours=1), "pickup")
    dropped = _clock(in_force, "return", ClockFacts(STARTED, accepted_at=_at(2)), direction="collect")
    assert dropped is not None
    assert dropped.deadline_at == _at(26)


def test_svc_01_freshness_counts_from_taking_over(in_force):
    """Flowers expire a day after they were taken over, even where the area would allow longer."""
    found = _clock(in_force, "fresh", ClockFacts(STARTED, accepted_at=_at(-20)), due_day=date(2026, 3, 5))
    assert found is not None
    assert (found.deadline_at, found.basis) == (_at(4), "freshness")
