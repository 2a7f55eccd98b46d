"""A station and a cabinet with a few parcels on their way to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import pytest
from sqlalchemy.orm import Session

import dispatch.stations.model  # noqa: F401 - its tables are made with the others
from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.custody.model import CustodyStanding
from dispatch.parcels.model import Company, Parcel
from dispatch.parcels.service import ParcelService
from dispatch.products.service import seed_products
from dispatch.stations.service import Stations, build_stations
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds
from lockers.registry.model import Site

DAY = date(2026, 3, 4)


@dataclass
class FakeDoors:
    """Remembers which doors were asked to open; `reachable` false is a silent device."""

    reachable: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)

    def open(self, session: Session, site_id: str, cell: str, actor: str, reason: str) -> str | None:
        """Note the wish."""
        if not self.reachable:
            return None
        self.asked.append((site_id, cell))
        return f"cmd-{len(self.asked)}"


@pytest.fixture
def doors() -> FakeDoors:
    """Give the locks."""
    return FakeDoors()


@pytest.fixture
def stations(clock: ManualClock, ids: SeededIds, doors: FakeDoors) -> Stations:
    """Give the desks of all stations."""
    return build_stations(b"s" * 32, clock, ids, Ledger(ids, clock), ParcelService(ids, clock), opener=doors)


def site(site_id: str, kind: str, clock: ManualClock, compartments: dict[str, int]) -> Site:
    """Make a site."""
    return Site(
        id=site_id, region="demo", kind=kind, scene="village_service_point", name=f"石桥{kind}", place_id="v1",
        lon=112.9, lat=30.4, compartments=compartments, opening=[], status="active", registered_at=clock.now(),
        commissioned_on=date(2026, 1, 1),
    )  # fmt: skip


@pytest.fixture
def county(database: Database, clock: ManualClock, ids: SeededIds) -> Database:
    """Store a station, a cabinet and a kiosk, two companies, and the products."""
    with database.begin() as session:
        seed_products(session)
        session.add_all([Company(id="yunlu", name="云鹿速递"), Company(id="lanque", name="蓝雀快运")])
        session.add_all(
            [
                site("station-1", "station", clock, {}),
                site("cabinet-1", "cabinet", clock, {"S": 2, "L": 1}),
                site("kiosk-1", "kiosk", clock, {"S": 4}),
            ]
        )
    return database


MakeParcel = Callable[..., str]


@pytest.fixture
def parcel(county: Database, clock: ManualClock, ids: SeededIds) -> MakeParcel:
    """Give a maker of parcels that a courier brings, with the recipient's consent unless told otherwise."""
    count = 0

    def make(consent: str | None = "C-1", **more: object) -> str:
        nonlocal count
        count += 1
        values: dict[str, object] = {
            "id": f"00000000-0000-7000-8000-{count:012d}", "region": "demo", "company_id": "yunlu",
            "waybill": f"YL{count:06d}", "piece": 1, "pieces": 1, "product": "village_standard",
            "recipient_name": "李小龙", "recipient_phone": f"1540000{9100 + count % 3:04d}", "address": "石桥村1组2号",
            "place_id": "v1", "weight_g": 900, "volume_cm3": 5400, "due_day": DAY, "imported_at": clock.now(),
            "channel": "station", "channel_site_id": "station-1", "consent_reference": consent,
        }  # fmt: skip
        with county.begin() as session:
            session.add(Parcel(**(values | more)))
            session.flush()
            told = NewCustodyEvent("announced", clock.now(), "user:importer", parcel_id=str(values["id"]),
                                   to_custodian="company:yunlu")  # fmt: skip
            Ledger(ids, clock).append(session, told)
        return str(values["id"])

    return make


@pytest.fixture
def status(county: Database) -> Callable[[str], tuple[str, str]]:
    """Give a question to the ledger: a parcel's status and who has it."""

    def ask(parcel_id: str) -> tuple[str, str]:
        with county.read() as session:
            standing = session.get_one(CustodyStanding, parcel_id)
            return standing.status, standing.custodian

    return ask
