"""How the promises of a published plan stand at a moment, and what to do before a customer asks (SVC-13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyEvent, CustodyStanding
from dispatch.parcels.model import Parcel
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.errors import PlanNotFoundError
from dispatch.plans.model import Plan, PlanRoute, PlanVersionRoute
from dispatch.plans.repository import ON_VAN, PlanRepository
from dispatch.products.product import AreaClass
from dispatch.promises.clocks import Promise, RunningClock
from dispatch.promises.estimates import estimates
from dispatch.promises.flags import Estimate, Outcome, PromiseFlags, judge
from dispatch.promises.reading import is_courier, promises_for
from kernel.clock import rfc3339, second_of
from kernel.events import LogEntry, LoggedEvent, append_events

Remedy = Literal["insert", "swap", "move", "call"]
"""What can be done: put it on a route, take its stop earlier, give it to another vehicle, tell the recipient."""

PREDICTED: Final = "promise.predicted_late"
ENDED: Final = "promise.prediction_ended"
_FULFILLED: Final[Mapping[str, tuple[str, ...]]] = {
    "deliver": ("delivered", "deposited", "collected"),
    "collect": ("accepted_from_sender",),
}
_AT_ONCE: Final = 500


@dataclass(frozen=True)
class ParcelPromise:
    """One parcel's promise and how it stands.

    Attributes
    ----------
    route
        Number of its route, None when it is on none.
    remedies
        What can still be done, the least disturbing first; empty when nothing threatens.
    """

    parcel_id: str
    company_id: str
    waybill: str
    products: tuple[str, ...]
    area: AreaClass | None
    clock: RunningClock
    flags: PromiseFlags
    estimate: Estimate
    route: int | None
    vehicle_id: str | None
    stop_key: str | None
    remedies: tuple[Remedy, ...]

    def as_dict(self, zone: str) -> dict[str, Any]:
        """Return it as plain JSON; moments as RFC 3339 in a zone."""
        eta = self.estimate.latest
        flags = self.flags
        return {
            "parcel_id": self.parcel_id,
            "company_id": self.company_id,
            "waybill": self.waybill,
            "products": list(self.products),
            "area": self.area,
            "started_at": rfc3339(self.clock.started_at, zone),
            "deadline_at": rfc3339(self.clock.deadline_at, zone),
            "basis": self.clock.basis,
            "eta_at": None if eta is None else rfc3339(eta, zone),
            "eta_source": self.estimate.source,
            "predicted_late": flags.predicted_late,
            "at_risk": flags.at_risk,
            "breached": flags.breached,
            "open": flags.open,
            "late_feedback": flags.late_feedback,
            "route": self.route,
            "vehicle_id": self.vehicle_id,
            "stop_key": self.stop_key,
            "remedies": list(self.remedies),
        }


@dataclass(frozen=True)
class Lateness:
    """How a day's promises stand.

    Attributes
    ----------
    items
        Parcels with a flag, those that can still be saved first.
    promises
        Parcels with a deadline in all.
    looked_at
        Every parcel that was looked at.
    counts
        How many have each flag; ``known_breached`` counts late feedback too, ``breached`` only what the facts say.
    """

    plan_id: str
    version_id: str
    as_of: datetime
    zone: str
    promises: int
    counts: Mapping[str, int]
    items: tuple[ParcelPromise, ...]
    looked_at: frozenset[str]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "plan_id": self.plan_id,
            "version_id": self.version_id,
            "as_of": rfc3339(self.as_of, self.zone),
            "promises": self.promises,
            "counts": dict(self.counts),
            "items": [item.as_dict(self.zone) for item in self.items],
        }


@dataclass(frozen=True)
class _Seat:
    route: int
    vehicle_id: str
    stop_key: str
    estimate: Estimate
    done: bool


def plan_lateness(
    session: Session, plan: Plan, areas: Mapping[str, AreaClass], now: datetime, courier_id: str | None = None
) -> Lateness:
    """Look at every promise of the plan in force.

    Parameters
    ----------
    courier_id
        Look at this courier's routes only.

    Raises
    ------
    PlanNotFoundError
        If nothing is published.
    """
    repository = PlanRepository(session)
    current = repository.publication(plan.id)
    if current is None:
        raise PlanNotFoundError(f"nothing of plan {plan.id} is published", plan=plan.id)
    version = repository.version(current.version_id)
    mine = None if courier_id is None else _routes_of(session, version.id, courier_id)
    seats = _seats(repository, plan, version.id, now, mine)
    waiting = repository.reasons(version) if courier_id is None else {}
    parcels = ParcelRepository(session).by_ids([*seats, *waiting])
    promises = promises_for(session, plan.region, plan.day, parcels, areas, plan.zone)
    outcomes = _outcomes(session, parcels)
    on_vans = _on_vans(session, [parcel.id for parcel in parcels])
    found = [
        _one(parcel, promises[parcel.id], clock, seats.get(parcel.id), outcomes.get(parcel.id), now, on_vans)
        for parcel in parcels
        if (clock := promises[parcel.id].clock) is not None
    ]
    counts: Counter[str] = Counter()
    for item in found:
        counts.update(_counted(item.flags))
    listed = sorted((item for item in found if item.flags.any), key=_urgency)
    named = {name: counts[name] for name in _COUNTED}
    looked_at = frozenset(parcel.id for parcel in parcels)
    return Lateness(plan.id, version.id, now, plan.zone, len(found), named, tuple(listed), looked_at)


_COUNTED: Final = ("predicted_late", "at_risk", "breached", "open_breaches", "late_feedback", "known_breached")


def _counted(flags: PromiseFlags) -> list[str]:
    raised = {
        "predicted_late": flags.predicted_late,
        "at_risk": flags.at_risk,
        "breached": flags.breached,
        "open_breaches": flags.breached and flags.open,
        "late_feedback": flags.late_feedback,
        "known_breached": flags.breached or flags.late_feedback,
    }
    return [name for name, raised_now in raised.items() if raised_now]


def _urgency(item: ParcelPromise) -> tuple[bool, bool, bool, datetime, str]:
    flags = item.flags
    return (flags.breached, not flags.predicted_late, not flags.at_risk, item.clock.deadline_at, item.parcel_id)


def _seats(
    repository: PlanRepository, plan: Plan, version_id: str, now: datetime, route_ids: Sequence[str] | None
) -> dict[str, _Seat]:
    reported: dict[str, dict[str, int]] = {}
    for report in repository.progress(plan.id):
        first = reported.setdefault(report.vehicle_id, {})
        first.setdefault(report.stop_key, second_of(report.fact_at, plan.day, plan.zone))
    seats: dict[str, _Seat] = {}
    for stored in repository.routes(repository.version(version_id), route_ids):
        route = stored.route
        told = reported.get(route.vehicle_id, {})
        expected = estimates(route, told, plan, now)
        for one in route.stops:
            key = one.stop.key
            seat = _Seat(route.number, route.vehicle_id, key, expected.get(key, Estimate()), key in told)
            seats |= dict.fromkeys(one.stop.parcel_ids, seat)
    return seats


def _routes_of(session: Session, version_id: str, courier_id: str) -> Sequence[str]:
    query = (
        select(PlanRoute.id)
        .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
        .where(PlanVersionRoute.version_id == version_id, PlanRoute.courier_id == courier_id)
    )
    return session.scalars(query).all()


def _one(
    parcel: Parcel,
    promise: Promise,
    clock: RunningClock,
    seat: _Seat | None,
    outcome: Outcome | None,
    now: datetime,
    on_vans: frozenset[str],
) -> ParcelPromise:
    estimate = Estimate() if seat is None else seat.estimate
    flags = judge(clock, promise.warn_percent, now, outcome, estimate)
    return ParcelPromise(
        parcel_id=parcel.id,
        company_id=parcel.company_id,
        waybill=parcel.waybill,
        products=promise.codes,
        area=promise.area,
        clock=clock,
        flags=flags,
        estimate=estimate,
        route=None if seat is None else seat.route,
        vehicle_id=None if seat is None else seat.vehicle_id,
        stop_key=None if seat is None else seat.stop_key,
        remedies=_remedies(flags, seat, loaded=parcel.id in on_vans),
    )


def _remedies(flags: PromiseFlags, seat: _Seat | None, *, loaded: bool) -> tuple[Remedy, ...]:
    if not flags.open or not (flags.predicted_late or flags.at_risk):
        return ()
    if seat is None:
        return ("insert", "call")
    if seat.done:
        return ("call",)
    return ("swap", "call") if loaded else ("swap", "move", "call")


def _outcomes(session: Session, parcels: Sequence[Parcel]) -> dict[str, Outcome]:
    """Find when each parcel's promise was fulfilled, and when we learned it."""
    direction = {parcel.id: parcel.direction for parcel in parcels}
    wanted = sorted({kind for kinds in _FULFILLED.values() for kind in kinds})
    found: dict[str, Outcome] = {}
    for part in _parts(sorted(direction)):
        query = (
            select(CustodyEvent)
            .where(CustodyEvent.parcel_id.in_(part), CustodyEvent.type.in_(wanted))
            .order_by(CustodyEvent.fact_at)
        )
        for event in session.scalars(query):
            parcel_id = str(event.parcel_id)
            dropped_off = event.type == "accepted_from_sender" and not is_courier(event.to_custodian)
            if event.type in _FULFILLED[direction[parcel_id]] and not dropped_off:
                found.setdefault(parcel_id, Outcome(event.fact_at, event.received_at))
    return found


def _on_vans(session: Session, parcel_ids: Sequence[str]) -> frozenset[str]:
    found: set[str] = set()
    for part in _parts(parcel_ids):
        query = select(CustodyStanding.parcel_id).where(
            CustodyStanding.parcel_id.in_(part), CustodyStanding.status.in_(ON_VAN)
        )
        found.update(session.scalars(query))
    return frozenset(found)


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def tell_predictions(session: Session, found: Lateness, now: datetime) -> tuple[list[str], list[str]]:
    """Put what is newly predicted late, and what no longer is, into the event feed, in the caller's transaction.

    Returns
    -------
    Parcels whose prediction began, and those whose prediction ended. Telling twice tells nothing new: what stands in
    the feed is compared with what is predicted now.
    """
    subject = f"plan:{found.plan_id}"
    standing = _standing(session, subject)
    predicted = {item.parcel_id: item for item in found.items if item.flags.predicted_late}
    begun, ended = sorted(predicted.keys() - standing), sorted((standing & found.looked_at) - predicted.keys())
    entries = [LogEntry(PREDICTED, subject, _body(predicted[one], found.zone), now, now) for one in begun]
    entries += [LogEntry(ENDED, subject, {"parcel": one}, now, now) for one in ended]
    append_events(session, entries)
    return begun, ended


def _body(item: ParcelPromise, zone: str) -> dict[str, Any]:
    body = item.as_dict(zone)
    names = ("route", "vehicle_id", "stop_key", "deadline_at", "eta_at", "eta_source", "remedies")
    return {"parcel": item.parcel_id} | {name: body[name] for name in names}


def _standing(session: Session, subject: str) -> set[str]:
    query = (
        select(LoggedEvent.kind, LoggedEvent.body)
        .where(LoggedEvent.subject == subject, LoggedEvent.kind.in_((PREDICTED, ENDED)))
        .order_by(LoggedEvent.position)
    )
    told: dict[str, bool] = {}
    for kind, body in session.execute(query):
        told[body["parcel"]] = kind == PREDICTED
    return {parcel_id for parcel_id, late in told.items() if late}
