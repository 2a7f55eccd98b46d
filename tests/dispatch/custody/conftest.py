"""A ledger with one announced parcel, and short ways to write events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.custody.projection import CustodyFact
from dispatch.parcels.model import Company, Parcel
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds

MORNING = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)

FactMaker = Callable[..., CustodyFact]


@pytest.fixture
def morning() -> datetime:
    """Give the moment that minute 0 of these tests means."""
    return MORNING


@pytest.fixture
def fact() -> FactMaker:
    """Make a fact that happened so many minutes after the morning began."""
    count = 0

    def make(type_: str, minute: int = 0, **more: object) -> CustodyFact:
        nonlocal count
        count += 1
        at = MORNING + timedelta(minutes=minute)
        values: dict[str, object] = {
            "event_id": f"e{count:03d}",
            "fact_at": at,
            "received_at": at,
            "actor": "user:test",
        }
        return CustodyFact(type=type_, **(values | more))  # type: ignore[arg-type]

    return make


@pytest.fixture
def ledger(ids: SeededIds, clock: ManualClock) -> Ledger:
    """Give a ledger whose ids and time are known."""
    return Ledger(ids, clock)


@pytest.fixture
def parcel_id(database: Database, ledger: Ledger, clock: ManualClock) -> str:
    """Store one parcel, announced by its company."""
    parcel = Parcel(
        id="00000000-0000-7000-8000-000000000001", region="demo", company_id="yunlu", waybill="YL000001", piece=1,
        pieces=1, product="village_standard", recipient_name="李小龙", recipient_phone="15400000001",
        address="石桥村1组2号", place_id="v1", weight_g=900, volume_cm3=5400, due_day=date(2026, 3, 4),
        imported_at=clock.now(),
    )  # fmt: skip
    with database.begin() as session:
        session.add(Company(id="yunlu", name="云鹿速递"))
        session.flush()
        session.add(parcel)
        session.flush()
        announcement = NewCustodyEvent(
            "announced", clock.now(), "user:importer", parcel_id="00000000-0000-7000-8000-000000000001",
            to_custodian="company:yunlu",
        )  # fmt: skip
        ledger.append(session, announcement)
    return "00000000-0000-7000-8000-000000000001"


@pytest.fixture
def drop_off(parcel_id: str, clock: ManualClock) -> NewCustodyEvent:
    """Give a kiosk's drop-off as its outbox sends it."""
    return NewCustodyEvent(
        "accepted_from_sender", clock.now(), "device:qj-kiosk-017", parcel_id=parcel_id,
        event_id="0193f0c2-0000-7000-8000-0000000000aa", device_id="qj-kiosk-017", store="b41e", seq=7,
        device_at=clock.now(), to_custodian="site:qj-kiosk-017",
    )  # fmt: skip
