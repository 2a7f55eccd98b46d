"""Promises of stored parcels: products in force, events that move a clock, service days of villages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyEvent
from dispatch.parcels.model import Parcel
from dispatch.products.product import AreaClass
from dispatch.products.service import products_in_force
from dispatch.promises.clocks import ClockFacts, Promise, clock_of, products_of
from dispatch.weekdays.repository import WeekdayRepository

_AT_ONCE: Final = 500  # parcels in one query: SQLite takes a limited number of parameters
_MOVING: Final = ("accepted_from_sender", "arrived", "attempted")
RESCHEDULED: Final = "RESCHEDULED_BY_RECIPIENT"
"""Cause of a failed attempt that moves the deadline, when it comes with evidence (SVC-12)."""


def promises_for(
    session: Session,
    region: str,
    day: date,
    parcels: Sequence[Parcel],
    areas: Mapping[str, AreaClass],
    zone: str,
) -> dict[str, Promise]:
    """Give what each of some parcels was promised, by parcel.

    Parameters
    ----------
    day
        Day of the plan: its versions of the products hold.
    areas
        Area class of each place, as :func:`dispatch.promises.clocks.area_classes` gives it.
    """
    in_force = products_in_force(session, day)
    calendar = WeekdayRepository(session).calendar(region)
    facts = clock_facts(session, {parcel.id: parcel.imported_at for parcel in parcels})
    found: dict[str, Promise] = {}
    for parcel in parcels:
        products = products_of(
            in_force, parcel.product, cod_fen=parcel.cod_fen, declared_value_fen=parcel.declared_value_fen
        )
        area = areas.get(parcel.place_id)
        clock = clock_of(
            products,
            facts[parcel.id],
            direction=parcel.direction,
            due_day=parcel.due_day,
            area=area,
            zone=zone,
            served_on=partial(calendar.next_service_day, parcel.place_id),
        )
        found[parcel.id] = Promise(products, area, clock)
    return found


def clock_facts(session: Session, known_at: Mapping[str, datetime]) -> dict[str, ClockFacts]:
    """Give the moments that start or move each parcel's clock, from the ledger.

    Parameters
    ----------
    known_at
        When each parcel became known.
    """
    found = {parcel_id: ClockFacts(moment) for parcel_id, moment in known_at.items()}
    for event in _events(session, sorted(known_at)):
        parcel_id = str(event.parcel_id)
        facts = found[parcel_id]
        if event.type == "accepted_from_sender":
            if facts.accepted_at is not None or is_courier(event.to_custodian):
                continue  # a courier's collecting fulfils a promise, it does not start one
            found[parcel_id] = replace(facts, accepted_at=event.fact_at)
        elif event.type == "arrived" and facts.arrived_at is None:
            found[parcel_id] = replace(facts, arrived_at=event.fact_at)
        elif _pauses(event):
            found[parcel_id] = replace(facts, rescheduled_to=event.next_on)
    return found


def is_courier(custodian: str | None) -> bool:
    """Tell whether a courier took a parcel over."""
    return custodian is not None and custodian.startswith("courier:")


def _pauses(event: CustodyEvent) -> bool:
    """Tell whether an attempt moves the deadline: the recipient asked for a later day, and that is on record."""
    return event.cause == RESCHEDULED and event.next_on is not None and bool(event.body.get("evidence"))


def _events(session: Session, parcel_ids: Sequence[str]) -> Iterable[CustodyEvent]:
    for start in range(0, len(parcel_ids), _AT_ONCE):
        query = (
            select(CustodyEvent)
            .where(CustodyEvent.parcel_id.in_(parcel_ids[start : start + _AT_ONCE]), CustodyEvent.type.in_(_MOVING))
            .order_by(CustodyEvent.fact_at, CustodyEvent.event_id)
        )
        yield from session.scalars(query)
