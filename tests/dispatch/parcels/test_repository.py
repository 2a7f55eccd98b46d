"""Which parcels a day's plan must carry, decided by the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.parcels.manifest.importer import ImportReport
from dispatch.parcels.model import Parcel
from dispatch.parcels.repository import ParcelRepository
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds

DAY = date(2026, 3, 4)


@pytest.fixture
def parcel_id(
    importing: Callable[..., ImportReport], database: Database, csv_of: Callable[..., bytes], row: dict[str, str]
) -> str:
    """Import one parcel that is due today."""
    importing(csv_of([row]))
    with database.read() as session:
        return session.scalars(select(Parcel.id)).one()


@pytest.mark.parametrize(
    ("steps", "waits"),
    [
        ([], True),
        ([{"type": "arrived", "to_custodian": "office:c"}], True),
        ([{"type": "loaded", "to_custodian": "courier:li"}], False),
        ([{"type": "delivered"}], False),
        ([{"type": "held"}], False),
        ([{"type": "deposited", "to_custodian": "site:s1"}], False),
        ([{"type": "attempted", "cause": "NO_ANSWER", "next_action": "redeliver", "next_on": DAY}], True),
        ([{"type": "attempted", "cause": "X", "next_action": "redeliver", "next_on": DAY + timedelta(1)}], False),
        ([{"type": "attempted", "cause": "REFUSED", "next_action": "return"}], False),
    ],
    ids=["announced", "arrived", "loaded", "delivered", "held", "deposited", "again today", "tomorrow", "returning"],
)
def test_a_plan_takes_what_still_waits_for_a_route(
    database: Database, parcel_id: str, ids: SeededIds, clock: ManualClock, steps: list[dict[str, Any]], waits: bool
) -> None:
    """Announced and arrived parcels are planned; loaded, held, finished and postponed ones are not."""
    ledger = Ledger(ids, clock)
    with database.begin() as session:
        for step in steps:
            clock.advance(1)
            ledger.append(session, NewCustodyEvent(fact_at=clock.now(), actor="u:1", parcel_id=parcel_id, **step))
    with database.read() as session:
        found = [parcel.id for parcel in ParcelRepository(session).to_deliver("demo", DAY)]
        assert found == ([parcel_id] if waits else [])
        assert ParcelRepository(session).to_deliver("elsewhere", DAY) == []
        assert ParcelRepository(session).to_deliver("demo", DAY - timedelta(1)) == []


def test_parcels_at_senders_are_to_be_collected(
    importing: Callable[..., ImportReport], database: Database, csv_of: Callable[..., bytes], row: dict[str, str]
) -> None:
    """An order that waits at a door is listed for collection and not for delivery."""
    importing(csv_of([row | {"direction": "collect"}]))
    with database.read() as session:
        repository = ParcelRepository(session)
        (waiting,) = repository.to_collect("demo", DAY)
        assert repository.to_deliver("demo", DAY) == []
        assert repository.by_ids([waiting.id, "no-such"]) == [waiting]
        assert repository.get(waiting.id) is waiting
        assert repository.by_piece("yunlu", "YL0000001", 1) is waiting
        assert len(repository.rejected_rows(waiting.import_id or "")) == 0
