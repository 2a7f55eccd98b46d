"""A small county for plans: two villages, one bridge, a kiosk; roads, solver and clock that stand still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pytest
from shapely.geometry import Point
from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.fleet.fleet import CourierSpec, Fleet, Load, TypeSpec, VehicleSpec
from dispatch.fleet.repository import FleetRepository
from dispatch.parcels.model import Company, Parcel
from dispatch.plans.drafts import PlanDesk
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.service import Planner
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds
from kernel.money import Fen
from kernel.progress import Progress
from lockers.registry.model import Site
from maps.engines.protocol import Matrix, Path, Snaps
from maps.places import Place, Township
from maps.region import Region
from routing import solve
from routing.checker import check_route
from routing.problem import Problem
from routing.solution import Result, Solution
from routing.stop import MaxIterations

DAY = date(2026, 3, 4)
HOUR = 3600
METRES_PER_DEGREE = 100_000.0
SPEED_M_S = {"van": 10.0, "etrike": 5.0}
NO_ROAD_BEYOND = 120.0


class PlainRoads:
    """Roads on a plain: streets run north-south and east-west; nothing leads beyond 120 degrees east."""

    source = "road"

    def matrix(self, src: Any, dst: Any, profile: str = "van") -> Matrix:
        """Measure along the streets."""
        start, end = np.asarray(src, float).reshape(-1, 2), np.asarray(dst, float).reshape(-1, 2)
        metres = np.abs(start[:, None, :] - end[None, :, :]).sum(axis=2) * METRES_PER_DEGREE
        cut_off = (start[:, 0] > NO_ROAD_BEYOND)[:, None] | (end[:, 0] > NO_ROAD_BEYOND)[None, :]
        metres = np.where(cut_off & (metres > 0), np.inf, metres)
        return Matrix((metres / SPEED_M_S[profile]).astype("f4"), metres.astype("f4"), "road")

    def route(self, points: Any, profile: str = "van") -> Path:
        """Drive each leg first east-west, then north-south."""
        where = np.asarray(points, float)
        line, offsets = [where[0]], [0]
        for here, there in pairwise(where):
            line += [np.array([there[0], here[1]]), there]
            offsets.append(len(line) - 1)
        metres = np.abs(np.diff(where, axis=0)).sum(axis=1) * METRES_PER_DEGREE
        return Path(np.array(line), np.array(offsets), (metres / SPEED_M_S[profile]).astype("f4"), metres, "road")

    def snap(self, points: Any, profile: str = "van") -> Snaps:
        """Take every point as it is; places north of 27.5 degrees lie 600 m from a road."""
        where = np.asarray(points, float).reshape(-1, 2)
        away = np.where(where[:, 1] > 27.5, 600.0, 0.0).astype("f4")
        count = len(where)
        return Snaps(np.zeros(count, "i4"), np.zeros(count), away, np.ones(count, bool), where)

    def with_closures(self, closed: Any) -> Any:
        """Cut everything off that lies inside the closed area."""
        return ClosedRoads(closed)


class ClosedRoads(PlainRoads):
    """The same roads, but no way leads into an area."""

    def __init__(self, closed: Any) -> None:
        self.closed = closed

    def matrix(self, src: Any, dst: Any, profile: str = "van") -> Matrix:
        """Measure along the streets that are left."""
        open_roads = super().matrix(src, dst, profile)
        start, end = np.asarray(src, float).reshape(-1, 2), np.asarray(dst, float).reshape(-1, 2)
        inside = [np.array([self.closed.covers(Point(*one)) for one in some]) for some in (start, end)]
        cut = inside[0][:, None] | inside[1][None, :]
        times, metres = (np.where(cut & (one > 0), np.inf, one) for one in (open_roads.time_s, open_roads.dist_m))
        return Matrix(times.astype("f4"), metres.astype("f4"), "road")


def append_solver(problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress) -> Result:
    """Solve as a patient beginner would: append each task to the first vehicle that can still take it."""
    orders: list[list[int]] = [[] for _ in range(problem.vehicle_count)]
    for task in range(problem.task_count):
        for vehicle, order in enumerate(orders):
            tried = Solution.from_orders(problem, [[*order, task]], [vehicle])
            if not check_route(problem, tried.routes[0]).violations:
                order.append(task)
                break
    used = [(vehicle, order) for vehicle, order in enumerate(orders) if order]
    solution = Solution.from_orders(problem, [order for _, order in used], [vehicle for vehicle, _ in used])
    return Result(solution, 0, 0, iterations=1, runtime_s=0.0, seed=seed, threads=threads)


@dataclass
class RegionShelf:
    """Regions by name, in memory."""

    regions: dict[str, Region] = field(default_factory=dict)

    def load(self, name: str) -> Region:
        """Return a region."""
        return self.regions[name]


def valley() -> Region:
    """Make the county: a centre, two villages on either side of one bridge, one village without a road."""
    roads = PlainRoads()
    return Region(
        name="valley",
        title="两村县",
        zone="Asia/Shanghai",
        source="road",
        attribution="test",
        depot=Place("centre", "县城", "county", "t1", 110.0, 27.0),
        townships=(Township("t1", "坝镇", 110.0, 27.0),),
        places=(
            Place("upper", "上坝村", "village", "t1", 110.05, 27.05),
            Place("lower", "下坝村", "village", "t1", 110.10, 27.00),
            Place("island", "孤岛村", "village", "t1", 121.0, 27.0),
            Place("lost", "无名村", "village", "t1", None, None),
        ),
        version="1",
        open_engine=lambda: roads,  # type: ignore[arg-type,return-value]
    )


def small_fleet(vans: int = 2, etrikes: int = 1) -> Fleet:
    """Make two vans and an electric tricycle with a courier each."""
    van = TypeSpec(
        "van", "面包车", "van", Load(600_000, 3_000_000, 60), Fen(10_000), Fen(80), Fen(2_800), 8 * HOUR, 18 * HOUR
    )
    trike = TypeSpec(
        "trike", "三轮车", "etrike", Load(200_000, 1_000_000, 20), Fen(3_000), Fen(20), Fen(2_400), 8 * HOUR, 18 * HOUR
    )
    named = [("van", n) for n in range(1, vans + 1)] + [("trike", n) for n in range(1, etrikes + 1)]
    return Fleet(
        types=(trike, van),
        vehicles=tuple(VehicleSpec(f"{kind}-{n}", kind, f"村A{n}", f"c-{kind}-{n}") for kind, n in named),
        couriers=tuple(CourierSpec(f"c-{kind}-{n}", f"王{n}") for kind, n in named),
    )


@dataclass
class Office:
    """The county's office on one day: its database, clock and planner, and parcels on demand."""

    database: Database
    clock: ManualClock
    ids: SeededIds
    shelf: RegionShelf
    planner: Planner
    ledger: Ledger
    folder: FilePath
    made: int = 0

    def add_parcels(self, count: int, **changes: Any) -> list[str]:
        """Announce parcels: by default to different doors along a lane of the upper village, ten metres apart."""
        with self.database.begin() as session:
            return [self._add(session, **changes) for _ in range(count)]

    def drop_off(self, site_id: str = "kiosk-a", count: int = 1, **changes: Any) -> list[str]:
        """Let customers hand in parcels at a kiosk."""
        with self.database.begin() as session:
            return [self._drop(session, site_id, **changes) for _ in range(count)]

    def _add(self, session: Session, **changes: Any) -> str:
        self.made += 1
        parcel = self._row(self.made, **changes)
        session.add(parcel)
        session.flush()
        event = NewCustodyEvent(
            "announced", self.clock.now(), "system:test", parcel_id=parcel.id, to_custodian="company:yunlu"
        )
        self.ledger.append(session, event)
        return parcel.id

    def _drop(self, session: Session, site_id: str, **changes: Any) -> str:
        self.made += 1
        site = session.get_one(Site, site_id)
        given = {"place_id": site.place_id, "lon": site.lon, "lat": site.lat, "recipient_phone": ""}
        parcel = self._row(
            self.made, **(given | {"direction": "collect", "channel": "cabinet", "channel_site_id": site_id} | changes)
        )
        session.add(parcel)
        session.flush()
        event = NewCustodyEvent(
            "accepted_from_sender",
            self.clock.now(),
            "device:test",
            parcel_id=parcel.id,
            place=f"site:{site_id}",
            to_custodian=f"site:{site_id}",
        )
        self.ledger.append(session, event)
        return parcel.id

    def _row(self, number: int, **changes: Any) -> Parcel:
        fields = {
            "id": f"parcel-{number:04d}",
            "region": "valley",
            "company_id": "yunlu",
            "waybill": f"YL{number:06d}",
            "piece": 1,
            "pieces": 1,
            "direction": "deliver",
            "product": "village_standard",
            "recipient_name": "张小山",
            "recipient_phone": f"154{number:08d}",
            "address": "上坝村",
            "place_id": "upper",
            "lon": 110.05 + number * 0.0001,
            "lat": 27.05,
            "position_source": "manifest",
            "position_confidence": "exact",
            "channel": "door",
            "weight_g": 1000,
            "volume_cm3": 5000,
            "due_day": DAY,
            "imported_at": self.clock.now(),
        }
        return Parcel(**(fields | changes))


def open_office(database: Database, clock: ManualClock, ids: SeededIds, folder: FilePath, fleet: Fleet) -> Office:
    """Furnish the office: company, fleet, two kiosks and a station."""
    with database.begin() as session:
        session.add(Company(id="yunlu", name="云鹿速递"))
        FleetRepository(session).add("valley", fleet)
        session.add_all(
            Site(
                id=site_id,
                region="valley",
                kind=kind,
                scene="pharmacy",
                name=f"{place}{kind}",
                place_id=place,
                lon=lon,
                lat=27.0,
                compartments={},
                opening=[],
                status="active",
                registered_at=clock.now(),
            )
            for site_id, kind, place, lon in (
                ("kiosk-a", "kiosk", "lower", 110.03),
                ("kiosk-b", "kiosk", "lower", 110.10),
                ("lower-station", "station", "lower", 110.10),
            )
        )
    shelf = RegionShelf({"valley": valley()})
    planner = Planner(database, shelf, ids, clock, MatrixStore(folder / "matrices"), append_solver, {"cunda": "test"})
    return Office(database, clock, ids, shelf, planner, Ledger(ids, clock), folder)


@pytest.fixture
def two_villages_one_bridge(
    sqlite_database: Database, clock: ManualClock, ids: SeededIds, tmp_path: FilePath
) -> Office:
    """Give the office of the small county at 07:00, with two vans and a tricycle."""
    return open_office(sqlite_database, clock, ids, tmp_path, small_fleet())


@pytest.fixture
def office_on_both_databases(database: Database, clock: ManualClock, ids: SeededIds, tmp_path: FilePath) -> Office:
    """Give the same office once on SQLite and once on PostgreSQL."""
    return open_office(database, clock, ids, tmp_path, small_fleet())


@pytest.fixture
def day() -> date:
    """Give the day the parcels are due."""
    return DAY


@pytest.fixture
def one_van_office(
    sqlite_database: Database, clock: ManualClock, ids: SeededIds, tmp_path: FilePath
) -> Callable[..., Office]:
    """Give a maker of offices whose only vehicle is a van with chosen limits."""

    def make(**limits: Any) -> Office:
        fleet = small_fleet(vans=1, etrikes=0)
        types: Sequence[TypeSpec] = [replace(kind, **limits) if kind.id == "van" else kind for kind in fleet.types]
        return open_office(sqlite_database, clock, ids, tmp_path, replace(fleet, types=tuple(types)))

    return make


def search_some(
    problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress, initial: Solution
) -> Result:
    """Search by iterations, so that every machine finds the same."""
    return solve(problem, MaxIterations(400), seed, initial, threads)


@pytest.fixture
def search() -> Callable[..., Result]:
    """Give the real solver, stopped by iterations."""
    return search_some


@pytest.fixture
def desk(two_villages_one_bridge: Office) -> PlanDesk:
    """Give the office's desk for drafts."""
    return desk_of(two_villages_one_bridge)


def desk_of(office: Office) -> PlanDesk:
    """Furnish a desk over an office."""
    matrices = MatrixStore(office.folder / "matrices")
    return PlanDesk(office.database, office.shelf, office.ids, office.clock, matrices, {"cunda": "test"})


@pytest.fixture
def desk_for() -> Callable[[Office], PlanDesk]:
    """Give a maker of desks over other offices."""
    return desk_of
