"""A day's plan leaves villages that are not served today for their next service day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch.demand.parcel import DueParcel
from dispatch.demand.reasons import ReasonCode
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.repository import PlanRepository
from dispatch.plans.service import Planner
from dispatch.weekdays.calendar import WeekdayCalendar, split_by_service_day

THURSDAYS = WeekdayCalendar({"upper": (3,)})


def only_thursdays(session: Session, region: str, day: date, parcels: Sequence[DueParcel]) -> Any:
    """Serve the upper village on Thursdays only."""
    return split_by_service_day(parcels, day, THURSDAYS)


@pytest.fixture
def thursday_planner(two_villages_one_bridge: Any) -> Planner:
    """Give the office's planner with that rhythm."""
    office = two_villages_one_bridge
    plain = office.planner
    matrices = MatrixStore(office.folder / "matrices")
    return Planner(
        office.database, office.shelf, office.ids, office.clock, matrices, plain._solver, {"cunda": "t"}, only_thursdays
    )


def test_parcels_of_a_village_without_service_today_wait_with_the_day(
    two_villages_one_bridge: Any, thursday_planner: Planner, day: date
) -> None:
    """On a Wednesday the upper village's parcels wait until Thursday, an appointment there is kept, nothing is lost."""
    office = two_villages_one_bridge
    waiting = office.add_parcels(3)
    appointed = office.add_parcels(1, window_start_s=9 * 3600, window_end_s=12 * 3600)
    lower = office.add_parcels(2, place_id="lower", lon=110.1, lat=27.0)
    made = thursday_planner.make_plan("valley", day, actor="user:d1")
    assert made.parcels_planned == len(appointed) + len(lower)
    with office.database.read() as session:
        repository = PlanRepository(session)
        reasons = repository.reasons(repository.version(made.version_id))
    assert sorted(reasons) == sorted(waiting)
    assert {reason.code for reason in reasons.values()} == {ReasonCode.NOT_A_SERVICE_DAY}
    assert {reason.fix.change for reason in reasons.values() if reason.fix is not None} == {"2026-03-05"}
