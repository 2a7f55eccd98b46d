"""Habit is kept as versions in the database: designed, taken from a file, put in force, checked against today."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pytest

from dispatch.fleet.repository import FleetRepository
from dispatch.habit.errors import (
    HabitAcceptedError,
    HabitBoundError,
    HabitModelError,
    HabitVersionNotFoundError,
    SectionScatteredError,
    SectionsOverlapError,
)
from dispatch.habit.master import MasterStop
from dispatch.habit.repository import HabitRepository
from dispatch.habit.rule import HabitRule
from dispatch.habit.service import HabitService
from dispatch.parcels.model import Company, Parcel
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds

DAY = date(2026, 3, 4)


@dataclass
class Desk:
    """A database with one day of parcels of the county, and a service over it."""

    database: Database
    service: HabitService

    def in_force(self, day: date) -> int | None:
        """Return the number of the habit in force on a day."""
        with self.database.read() as session:
            habit = HabitRepository(session).in_force("line", day)
            return None if habit is None else habit.number


@pytest.fixture
def desk(database: Database, ids: SeededIds, clock: ManualClock, two_valleys, line_region) -> Desk:
    """Store three vans and four parcels for every village a road leads to, on SQLite and on PostgreSQL."""
    with database.begin() as session:
        FleetRepository(session).add("line", two_valleys.fleet)
        session.add(Company(id="yunlu", name="云鹿速递"))
        session.flush()
        places = [place.id for place in line_region.places if place.id != "island"]
        session.add_all(_parcel(number, place, clock.now()) for number, place in enumerate(4 * places))
    return Desk(database, HabitService(database, ids, clock))


def _parcel(number: int, place: str, now: datetime) -> Parcel:
    return Parcel(
        id=f"p{number:03d}", region="line", company_id="yunlu", waybill=f"W{number:03d}", piece=1, pieces=1,
        direction="deliver", product="village_standard", recipient_name="张", recipient_phone="", address="",
        place_id=place, position_source="manifest", position_confidence="village", channel="door", weight_g=1_000,
        volume_cm3=5_000, due_day=DAY, imported_at=now,
    )  # fmt: skip


def test_sections_are_designed_stored_and_read_back(desk: Desk, line_region) -> None:
    """Two connected sections with owners and routes; what is read is what was made."""
    made = desk.service.design(line_region, 2, DAY, actor="user:t")
    with desk.database.read() as session:
        habit = HabitRepository(session).habit(made.id)
    sides = {frozenset(place[0] for place in section.places) for section in habit.sections}
    assert sides == {frozenset("a"), frozenset("b")}
    assert len({section.courier_id for section in habit.sections}) == 2
    assert made.figures["connected"] is True
    assert made.figures["route_spread"][0] <= 1.1
    assert [one.code for one in desk.service.check(made.id, line_region)] == ["in_no_section"]


def test_a_version_counts_from_its_first_day_to_its_last(desk: Desk, line_region, two_valleys) -> None:
    """Outside its days the version accepted before it holds."""
    sections = two_valleys.habit().sections
    for first, last in ((DAY, None), (DAY + timedelta(days=7), DAY + timedelta(days=9))):
        made = desk.service.take(line_region, sections, first, actor="user:t", valid_until=last)
        assert desk.service.accept(made.id, actor="user:t").version_id == made.id
        assert desk.service.accept(made.id, actor="user:t").number == made.number
    days = [desk.in_force(DAY + timedelta(days=ahead)) for ahead in (-1, 0, 8, 10)]
    assert days == [None, 1, 2, 1]


def test_a_version_made_before_another_was_accepted_is_refused(desk: Desk, line_region, two_valleys) -> None:
    """Of two versions made side by side only one can be put in force."""
    sections = two_valleys.habit().sections
    first, second = (desk.service.take(line_region, sections, DAY, actor="user:t") for _ in range(2))
    desk.service.accept(first.id, actor="user:t")
    with pytest.raises(HabitAcceptedError):
        desk.service.accept(second.id, actor="user:t")
    cheaper = desk.service.with_rule(first.id, HabitRule(territory_fen=100), actor="user:t")
    assert desk.service.accept(cheaper.id, actor="user:t").number == 2


def test_wrong_sections_leave_nothing_behind(desk: Desk, line_region, two_valleys) -> None:
    """Overlap, parts apart, days that end before they begin: each is named, and no version is stored."""
    west, east = two_valleys.habit().sections
    overlapping = (west, replace(east, stops=(*east.stops, MasterStop("a1"))))
    apart = (replace(west, stops=(west.stops[0], east.stops[3])), replace(east, stops=east.stops[:3]))
    with pytest.raises(SectionsOverlapError):
        desk.service.take(line_region, overlapping, DAY, actor="user:t")
    with pytest.raises(SectionScatteredError, match="section 1"):
        desk.service.take(line_region, apart, DAY, actor="user:t")
    with pytest.raises(HabitModelError, match="lies before valid_from"):
        desk.service.take(line_region, (west, east), DAY, actor="user:t", valid_until=DAY - timedelta(days=1))
    with desk.database.read() as session:
        assert not HabitRepository(session).versions("line")
    made = desk.service.take(line_region, apart, DAY, actor="user:t", allow_scattered=True)
    assert "scattered" in {one.code for one in desk.service.check(made.id, line_region)}


def test_a_bound_no_day_can_keep_is_refused(desk: Desk, line_region, two_valleys) -> None:
    """A van of sixty cannot keep all of a section whose average day is seventy-two parcels."""
    west, east = two_valleys.habit().sections
    whole = (replace(west, stops=(*west.stops, *east.stops)),)
    tight = HabitRule(most_moved_percent=0)
    made = desk.service.take(line_region, whole, DAY, actor="user:t", rule=tight)
    with desk.database.begin() as session:
        session.add_all(_parcel(number, "a1", made.created_at) for number in range(100, 140))
    with pytest.raises(HabitBoundError, match="at most 0 % may leave van-1, but the rest of an average day is 72"):
        desk.service.take(line_region, whole, DAY, actor="user:t", rule=tight)
    loose = desk.service.take(line_region, whole, DAY, actor="user:t", rule=HabitRule(most_moved_percent=50))
    assert loose.number == 2
    assert [one.code for one in desk.service.check(made.id, line_region)] == ["in_no_section", "bound"]


def test_closed_roads_and_absent_owners_are_found(desk: Desk, line_region, two_valleys, closed_road) -> None:
    """A landslide before a village and a courier without a van show with section, place and remedy."""
    made = desk.service.take(line_region, two_valleys.habit().sections, DAY, actor="user:t")
    found = desk.service.check(made.id, line_region, closed_road("b3"))
    closed = [one for one in found if one.code == "no_road"]
    assert [(one.section, one.place_id) for one in closed] == [(2, "b3")]
    assert "while it is closed" in closed[0].remedy


def test_nothing_can_be_learned_from_nothing(desk: Desk, line_region) -> None:
    """Without published days, or without sections to keep, learning says what to do first."""
    with pytest.raises(HabitModelError, match="no plan was published"):
        desk.service.learn(line_region, DAY, actor="user:t")
    with pytest.raises(HabitModelError, match="4 sections, but 3 vehicles"):
        desk.service.design(line_region, 4, DAY, actor="user:t")
    with pytest.raises(HabitVersionNotFoundError):
        desk.service.accept("none", actor="user:t")
