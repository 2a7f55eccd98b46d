"""Estimated arrivals: the plan, moved by reports and by silence."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dispatch.demand.parcel import StopKind
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import Load, TypeSpec
from dispatch.plans.model import Plan
from dispatch.plans.routes import Leg, PlannedRoute, Visit, lay_out
from dispatch.promises.estimates import estimates
from kernel.clock import at_second
from kernel.money import Fen

DAY = date(2026, 3, 4)
ZONE = "Asia/Shanghai"
HOUR = 3600
VAN = TypeSpec("van", "面包车", "van", Load(1, 1, 1), Fen(0), Fen(0), Fen(0), 8 * HOUR, 18 * HOUR)


def _stop(key: str, windows=((0, 24 * HOUR),)) -> Stop:
    return Stop(
        key, StopKind.DOOR, key, "p", None, 110.0, 27.0, "parcel", (f"parcel-{key}",), (), Load(1, 1, 1), Load(), 0,
        600, windows,
    )  # fmt: skip


@pytest.fixture
def route() -> PlannedRoute:
    """Give a route of three stops, half an hour apart, ten minutes of work each, the last one open from eleven."""
    stops = [_stop("a"), _stop("b"), _stop("c", ((11 * HOUR, 24 * HOUR),))]
    visits = [Visit(stop, n, Leg(1000, 1800)) for n, stop in enumerate(stops, start=1)]
    return PlannedRoute(1, "v", "c", VAN, 8 * HOUR, lay_out(visits, 8 * HOUR), Leg(1000, 1800))


@pytest.fixture
def plan() -> Plan:
    """Give the day's plan."""
    return Plan(id="p", region="r", day=DAY, zone=ZONE, created_at=datetime(2026, 3, 4, tzinfo=UTC))


def _now(second: int) -> datetime:
    return at_second(DAY, second, ZONE)


def _latest(found, key: str) -> str:
    return f"{found[key].latest:%H:%M}"


def test_svc_10_before_anything_happened_the_plan_holds(route, plan):
    """At eight everybody is expected as planned, and the estimate says that it comes from the plan."""
    found = estimates(route, {}, plan, _now(8 * HOUR))
    assert [_latest(found, key) for key in "abc"] == ["08:30", "09:10", "11:00"]
    assert found["a"].source == "plan"


def test_svc_10_a_late_report_moves_what_follows_but_not_a_window(route, plan):
    """A stop done half an hour late moves the next one; the one that opens at eleven waits anyway."""
    found = estimates(route, {"a": 9 * HOUR + 600}, plan, _now(9 * HOUR + 900))
    assert "a" not in found
    assert [_latest(found, key) for key in "bc"] == ["09:40", "11:00"]
    assert found["b"].source == "reports"
    assert len(found["b"].arrivals) >= 2, "what was believed before is kept for the hysteresis"


def test_svc_10_silence_makes_everything_later(route, plan):
    """A vehicle nobody heard of is assumed to finish its stop now, and says that it is overdue."""
    found = estimates(route, {}, plan, _now(11 * HOUR))
    assert found["a"].source == "overdue"
    assert _latest(found, "b") == "11:30"
    assert _latest(found, "c") == "12:10"
