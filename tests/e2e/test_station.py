"""The keeper's screen and the activity page in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.auth.service import NewUser
from dispatch.custody.events import NewCustodyEvent
from dispatch.parcels.generator import INVENTED_COMPANIES
from dispatch.parcels.model import Parcel
from dispatch.stations.cells import DepositCheck
from lockers.registry.model import Site

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

STATION = "demo-counter-1"
KEEPER = {"username": "counter-1", "password": "correct horse battery"}


@pytest.fixture(scope="module")
def counter(world: Any) -> dict[str, Any]:
    """Open a station where one parcel waits and three of two companies arrive, one of them without consent."""
    services = world.services
    services.accounts.add(NewUser(KEEPER["username"], KEEPER["password"], "station", "demo", site_id=STATION))
    with services.database.begin() as session:
        near = world.kiosks[0]
        fields = {column.name: getattr(near, column.name) for column in Site.__table__.columns}
        named = {"id": STATION, "kind": "station", "name": "石桥驿站", "compartments": {}}
        session.add(Site(**fields | named))
        session.flush()
        for number in range(4):
            session.add(_parcel(services, world.day, number, near.place_id))
            session.flush()
            told = NewCustodyEvent("announced", services.clock.now(), "user:test", parcel_id=f"counter-{number}",
                                   to_custodian="company:x")  # fmt: skip
            services.ledger.append(session, told)
    with services.database.begin() as session:
        site, waiting = session.get_one(Site, STATION), session.get_one(Parcel, "counter-3")
        done = services.stations.cells.deposit(session, site, waiting, DepositCheck(), "user:test")
        digits = services.stations.codes.digits(done.code)
    return {"digits": digits, "waybills": [f"COUNTER{number}" for number in range(3)], "tail": "9101"}


def _parcel(services: Any, day: Any, number: int, place_id: str) -> Parcel:
    return Parcel(
        id=f"counter-{number}", region="demo", company_id=INVENTED_COMPANIES[number % 2][0], waybill=f"COUNTER{number}",
        piece=1, pieces=1, product="village_standard", recipient_name="李小龙", recipient_phone=f"1540000{9101:04d}",
        address="石桥村1组2号", place_id=place_id, weight_g=900, volume_cm3=5400, due_day=day + timedelta(days=30),
        imported_at=services.clock.now(), channel="station", channel_site_id=STATION,
        consent_reference=None if number == 2 else "C-1",
    )  # fmt: skip


def test_a_keepers_day_at_the_counter(world: Any, counter: dict[str, Any], browse: Any):
    """Scan in, ask for a missing consent, find by phone tail, hand out by code, count: all at one screen."""
    seen = browse("keeperDay", station=KEEPER, **counter)
    assert seen.outside == []
    result = seen.result
    assert (result["stored"], result["refused"]) == (2, "收件人未同意")
    assert result["candidates"] == 4
    assert "李**" in result["shown"]
    assert "9101" not in result["shown"]
    assert result["wrong"] == "此码无法在本站开门。"
    assert result["differences"] == "3"  # two not scanned, one scanned in another cell
    assert result["mistakes"] == []
    assert result["small"] == []
    assert world.status("counter-3") == "collected"
    assert {world.status(f"counter-{number}") for number in range(3)} == {"stored"}
    with world.services.database.read() as session:
        kept = session.scalars(select(Parcel.waybill).where(Parcel.channel_site_id == STATION)).all()
        assert len(kept) == 4


def test_the_office_reads_the_days_activity(world: Any, counter: dict[str, Any], browse: Any):
    """The activity page shows a chart by township, every figure in a table, and the same by device."""
    seen = browse("activityPage", day=world.day.isoformat())
    assert seen.outside == []
    assert seen.complaints == []
    assert seen.result["bars"] >= 1
    assert "合计" in seen.result["total"]
    assert seen.result["mistakes"] == []
