"""A small day of the demo county with everything real: roads, manifest, ledger, solver, checker, database."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dispatch.fleet.demo import seed_demo_fleet
from dispatch.parcels.generator import generate_manifest, write_manifest_csv
from dispatch.parcels.manifest.gazetteer import Gazetteer
from dispatch.parcels.manifest.importer import ImportOptions, ManifestImporter
from dispatch.plans.courier import courier_route
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.repository import PlanRepository
from dispatch.plans.service import Planner, PlanSettings
from dispatch.products.service import seed_products
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SystemIds
from kernel.progress import Progress
from lockers.registry.model import Site
from maps.region import Region
from maps.store import RegionStore
from routing import solve, warm_up
from routing.problem import Problem
from routing.solution import Result
from routing.stop import MaxRuntime

DAY = date(2026, 3, 4)
PARCELS = 300


def _core(problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress) -> Result:
    warm_up()  # compiling must not eat the search's time
    return solve(problem, MaxRuntime(seconds), seed, threads=threads, progress=progress)


@pytest.fixture
def demo_day(sqlite_database: Database, clock: ManualClock, tmp_path: Path) -> tuple[Planner, Region, Database]:
    """Give a planner over the demo county with 300 imported parcels, a fleet and a kiosk."""
    store = RegionStore(tmp_path / "regions")
    region = store.build_demo()
    ids = SystemIds()
    file = io.StringIO(newline="")
    write_manifest_csv(generate_manifest(region, PARCELS, 5, 1, DAY), file)
    village = region.located_places[20]
    with sqlite_database.begin() as session:
        seed_products(session)
        seed_demo_fleet(session, region.name, PARCELS)
        session.add(
            Site(
                id="kiosk-demo", region=region.name, kind="kiosk", scene="pharmacy", name="药店",
                place_id=village.id, lon=village.lon, lat=village.lat, compartments={}, opening=[], status="active",
                registered_at=clock.now(),
            )
        )  # fmt: skip
        options = ImportOptions(
            region=region.name,
            day=DAY,
            gazetteer=Gazetteer(region.places, region.townships),
            actor="user:d1",
            register_companies=True,
        )
        report = ManifestImporter(ids, clock).run(session, file.getvalue().encode(), "day.csv", options)
        assert report.added == PARCELS
    matrices = MatrixStore(tmp_path / "regions" / region.name / "matrices")
    return Planner(sqlite_database, store, ids, clock, matrices, _core, {}), region, sqlite_database


@pytest.mark.slow
def test_a_demo_day_is_planned_published_and_extended(demo_day: Any, clock: ManualClock) -> None:
    """On real roads every parcel is on a route or has a reason, couriers get lines, and a drop-off joins a route."""
    planner, region, database = demo_day
    made = planner.make_plan(region.name, DAY, actor="user:d1", settings=PlanSettings(seconds=3.0))
    assert made.parcels_planned + made.parcels_unassigned == PARCELS
    assert made.parcels_planned > 0.95 * PARCELS
    assert made.source == "road"
    assert planner.publish(made.version_id, actor="user:d1").published
    parcel = _drop_off(database, clock, region)
    result = planner.insert_collections(region.name, DAY, [parcel], actor="device:kiosk-demo")
    (where,) = result.inserted
    with database.read() as session:
        repository = PlanRepository(session)
        for stored in repository.routes(repository.version(result.version_id)):
            assert stored.route.end_s <= stored.route.kind.shift_end_s
            assert stored.route.peak_load.fits(stored.route.kind.capacity)
        route = courier_route(session, where.courier_id, DAY)
    assert route.stops[where.position].site_id == "kiosk-demo"
    assert len(route.geometry["coordinates"]) > len(route.stops)
    assert route.changes


def _drop_off(database: Database, clock: ManualClock, region: Region) -> str:
    from dispatch.custody.events import NewCustodyEvent
    from dispatch.custody.ledger import Ledger
    from dispatch.parcels.service import NewCollection, ParcelService

    with database.begin() as session:
        site = session.get_one(Site, "kiosk-demo")
        parcel = ParcelService(SystemIds(), clock).register_collection(
            session,
            NewCollection(
                region.name, "yunlu", "DROP0001", site.place_id, "return", DAY, 1200, 6000,
                channel="cabinet", channel_site_id=site.id, lon=site.lon, lat=site.lat,
            ),
        )  # fmt: skip
        accepted = NewCustodyEvent(
            "accepted_from_sender",
            clock.now(),
            "device:kiosk-demo",
            parcel_id=parcel,
            place=f"site:{site.id}",
            to_custodian=f"site:{site.id}",
        )
        Ledger(SystemIds(), clock).append(session, accepted)
    return parcel
