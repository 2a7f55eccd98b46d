"""Accepted weekdays are versions in the database, and a day's planning asks them who is served today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from dispatch.demand.parcel import DueParcel
from dispatch.demand.reasons import ReasonCode
from dispatch.fleet.demo import demo_fleet
from dispatch.fleet.errors import NoFleetError
from dispatch.fleet.fleet import Load
from dispatch.fleet.repository import FleetRepository
from dispatch.parcels.model import Company, ManifestImport, Parcel
from dispatch.products.service import seed_products
from dispatch.weekdays.calendar import WeekdayCalendar, split_by_service_day
from dispatch.weekdays.errors import WeekdayAcceptedError, WeekdayModelError, WeekdayVersionNotFoundError
from dispatch.weekdays.repository import WeekdayRepository, days_of, mask_of
from dispatch.weekdays.search import WeekEffort
from dispatch.weekdays.service import WeekdayService, mean_arrivals, postponed
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds
from maps.places import Place, Township
from maps.region import Region

WEDNESDAY = date(2026, 3, 4)
SMALL = WeekEffort(rounds=1, moves=50, iterations=200)


class StraightRoads:
    """Roads as the crow flies, ten metres a second."""

    source = "road"

    def matrix(self, src: object, dst: object, profile: str = "van") -> object:
        """Measure straight lines; a degree is 100 km here."""
        import numpy as np

        from maps.engines.protocol import Matrix

        here, there = np.asarray(src, float).reshape(-1, 2), np.asarray(dst, float).reshape(-1, 2)
        metres = np.hypot(*np.moveaxis(here[:, None, :] - there[None, :, :], 2, 0)) * 100_000
        return Matrix((metres / 10).astype("f4"), metres.astype("f4"), "road")


@pytest.fixture
def county() -> Region:
    """Give a county of one township with a centre and four villages, one of them without position."""
    spots = {"v1": (110.1, 30.0), "v2": (110.11, 30.01), "v3": (110.0, 30.2), "v4": (None, None)}
    places = tuple(Place(one, one.upper(), "village", "t1", lon, lat) for one, (lon, lat) in spots.items())
    return Region(
        name="tiny",
        title="Tiny",
        zone="Asia/Shanghai",
        source="road",
        attribution="",
        depot=Place("c", "Centre", "county", "t1", 110.0, 30.0),
        townships=(Township("t1", "Town", 110.0, 30.0),),
        places=places,
        open_engine=StraightRoads,  # type: ignore[arg-type]
    )


@dataclass
class Office:
    """A database with two weeks of parcels and a service over it."""

    database: Database
    service: WeekdayService


@pytest.fixture
def office(database: Database, ids: SeededIds, clock: ManualClock) -> Office:
    """Store products and twelve days of parcels: many for v1, few for the others."""
    with database.begin() as session:
        seed_products(session)
        _store_parcels(session, clock)
        FleetRepository(session).add("tiny", demo_fleet("tiny", 60))
    return Office(database, WeekdayService(database, ids, clock))


def _store_parcels(session: Session, clock: ManualClock) -> None:
    now = clock.now()
    session.add(Company(id="yunlu", name="Yunlu"))
    session.add(_import(clock))
    session.flush()
    number = 0
    for ahead in range(12):
        for place, count in (("v1", 8), ("v2", 1), ("v3", 2), ("v4", 1)):
            for _ in range(count):
                number += 1
                product = "document_one_to_one" if place == "v3" and number % 2 else "village_standard"
                session.add(_parcel(number, place, WEDNESDAY + timedelta(days=ahead), product, now))


def _import(clock: ManualClock) -> ManifestImport:
    return ManifestImport(
        id="imp", region="tiny", imported_at=clock.now(), actor="user:t", file_name="m.csv", file_digest="d",
        file_format="csv", encoding="utf-8", mapping={}, rows_read=0, rows_added=0, rows_unchanged=0,
        rows_differing=0, rows_rejected=0,
    )  # fmt: skip


def _parcel(number: int, place: str, day: date, product: str, now: object) -> Parcel:
    return Parcel(
        id=f"p{number:04d}", region="tiny", company_id="yunlu", waybill=f"W{number:05d}", piece=1, pieces=1,
        direction="deliver", product=product, recipient_name="某", recipient_phone="15400000000", address="1号",
        place_id=place, channel="door", weight_g=900, volume_cm3=5_000, due_day=day, declared_value_fen=0, cod_fen=0,
        position_source="place", position_confidence="village", imported_at=now, import_id="imp",
    )  # fmt: skip


def _due(parcel_id: str, place: str, **changes: object) -> DueParcel:
    return DueParcel(parcel_id, "deliver", WEDNESDAY, Load(1, 1, 1), "who", place, **changes)  # type: ignore[arg-type]


def test_a_parcel_waits_for_its_villages_next_service_day() -> None:
    """On a Wednesday a parcel for a Monday–Thursday village waits until Thursday, with the reason and the day."""
    calendar = WeekdayCalendar({"far": (0, 3)})
    today, waiting = split_by_service_day([_due("a", "far"), _due("b", "near")], WEDNESDAY, calendar)
    assert [one.id for one in today] == ["b"]
    assert waiting["a"].code is ReasonCode.NOT_A_SERVICE_DAY
    assert waiting["a"].fix is not None
    assert waiting["a"].fix.change == "2026-03-05"


def test_appointments_and_urgent_parcels_do_not_wait() -> None:
    """A parcel with an appointment, at a site, or of a product that counts days is planned on any day."""
    calendar = WeekdayCalendar({"far": (0,)})
    parcels = [
        _due("appointed", "far", window_start_s=9 * 3600),
        _due("at-site", "far", channel_site_id="kiosk"),
        _due("urgent", "far"),
    ]
    today, waiting = split_by_service_day(parcels, WEDNESDAY, calendar, {"urgent"})
    assert len(today) == 3
    assert waiting == {}


def test_weekdays_survive_as_bits() -> None:
    """A pattern stored as a number is the same pattern again."""
    assert days_of(mask_of((0, 3, 6))) == (0, 3, 6)


def test_weekdays_are_made_accepted_and_asked(office: Office, county: Region) -> None:
    """Made from history, a version changes nothing; accepted, villages off their day wait and urgent ones do not."""
    made = office.service.make(county, actor="user:d", effort=SMALL)
    parcels = [_due("p0009", "v2"), _due("p0001", "v1"), *(_due(f"p{n:04d}", "v3") for n in (10, 11))]
    with office.database.read() as session:
        assert postponed(session, "tiny", WEDNESDAY, parcels) == (tuple(parcels), {})
    accepted = office.service.accept(made.version_id, actor="user:d", reason="spring")
    assert office.service.accept(made.version_id, actor="user:d").id == accepted.id
    with office.database.read() as session:
        calendar = WeekdayRepository(session).calendar("tiny")
        day = next(
            d for d in (WEDNESDAY + timedelta(days=n) for n in range(7)) if d.weekday() not in calendar.patterns["v3"]
        )
        today, waiting = postponed(session, "tiny", day, parcels)
    urgent, usual = "p0011", "p0010"  # odd ones of v3 are documents with an appointment product
    assert urgent in {one.id for one in today}
    assert usual in waiting
    assert len(calendar.patterns["v1"]) == 6
    assert [one.reason for one in made.survey.unlocated] == ["NO_POSITION"]


def test_people_keep_the_days_they_know(office: Office, county: Region) -> None:
    """Made again from the version in force at a high price of change, every village keeps its days."""
    first = office.service.make(county, actor="user:d", effort=SMALL)
    office.service.accept(first.version_id, actor="user:d")
    again = office.service.make(county, actor="user:d", effort=SMALL, change_fen=1_000_000, seed=5)
    assert again.plan.changed == ()


def test_an_old_version_is_not_accepted_over_a_newer_one(office: Office, county: Region) -> None:
    """Two versions made at once: after the first is accepted the second is refused."""
    first = office.service.make(county, actor="user:d", effort=SMALL)
    second = office.service.make(county, actor="user:d", effort=SMALL, seed=2)
    office.service.accept(first.version_id, actor="user:d")
    with pytest.raises(WeekdayAcceptedError):
        office.service.accept(second.version_id, actor="user:d")


def test_what_is_missing_is_said(database: Database, ids: SeededIds, clock: ManualClock, county: Region) -> None:
    """Without parcels, without vehicles or with a wrong id the answer names what is missing."""
    service = WeekdayService(database, ids, clock)
    with pytest.raises(WeekdayModelError, match="no parcels"):
        service.make(county, actor="user:d")
    with pytest.raises(WeekdayVersionNotFoundError):
        service.accept("none", actor="user:d")
    with database.begin() as session:
        seed_products(session)
        _store_parcels(session, clock)
    with pytest.raises(NoFleetError):
        service.make(county, actor="user:d")


def test_a_weekday_without_history_counts_as_the_mean(office: Office) -> None:
    """Twelve days hold every weekday; each place's mean is what was sent."""
    with office.database.read() as session:
        arrivals = mean_arrivals(session, "tiny")
    assert arrivals["v1"] == (8.0,) * 7
