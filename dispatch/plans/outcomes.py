"""What couriers report from the road: facts go into the custody ledger, progress into the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Appended, Ledger
from dispatch.custody.model import CustodyEvent
from dispatch.fleet.repository import FleetRepository
from dispatch.plans.errors import OutcomeError, ParcelNotOnRouteError
from dispatch.plans.model import PlanPublication, PlanRoute, PlanStop, PlanStopParcel, PlanVersionRoute
from dispatch.plans.repository import PlanRepository

_STOP_ID_LENGTH: Final = 64


@dataclass(frozen=True)
class OutcomeReport:
    """One fact about one parcel, made on the handheld.

    Attributes
    ----------
    event_id
        Made at the act, the same on every retry (HH-01).
    kind
        One of :data:`OUTCOME_KINDS`.
    day
        Day of the plan the courier drives by.
    fact_at
        When it happened, corrected for the device's clock offset.
    device_id, store, seq
        Place in the handheld's outbox; all three or none.
    plan_version_id
        The version the courier was looking at, when known.
    """

    event_id: str
    kind: str
    parcel_id: str
    day: date
    fact_at: datetime
    cause: str | None = None
    next_action: str | None = None
    next_on: date | None = None
    amount_fen: int | None = None
    means: str | None = None
    device_id: str | None = None
    store: str | None = None
    seq: int | None = None
    device_at: datetime | None = None
    uploaded_at: datetime | None = None
    clock_offset_ms: int | None = None
    plan_version_id: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Spot:
    """Where on a courier's published routes a parcel is."""

    plan_id: str
    region: str
    version_id: str
    route_id: str
    vehicle_id: str
    stop_key: str
    site_id: str | None
    kind: str
    direction: str
    in_force: bool


@dataclass(frozen=True)
class OutcomeKind:
    """What a courier can report.

    Attributes
    ----------
    event_type
        Custody event it becomes.
    direction
        Which parcels it fits, None for both.
    ends_stop
        Whether it shows that the courier has been at the stop.
    custodians
        Gives from and to custodian for a courier, a region and a site; None leaves it to the event type.
    """

    event_type: str
    direction: str | None
    ends_stop: bool
    custodians: Callable[[str, str, str | None], tuple[str | None, str | None]]


def _loaded(courier: str, _region: str, _site: str | None) -> tuple[str | None, str | None]:
    return None, f"courier:{courier}"


def _kept(courier: str, _region: str, _site: str | None) -> tuple[str | None, str | None]:
    return f"courier:{courier}", None


def _into_site(courier: str, _region: str, site: str | None) -> tuple[str | None, str | None]:
    return f"courier:{courier}", None if site is None else f"site:{site}"


def _from_sender(courier: str, _region: str, site: str | None) -> tuple[str | None, str | None]:
    return "sender" if site is None else f"site:{site}", f"courier:{courier}"


def _to_office(courier: str, region: str, _site: str | None) -> tuple[str | None, str | None]:
    return f"courier:{courier}", f"office:{region}"


OUTCOME_KINDS: Mapping[str, OutcomeKind] = MappingProxyType(
    {
        "loaded": OutcomeKind("loaded", "deliver", False, _loaded),
        "departed": OutcomeKind("departed", "deliver", False, lambda *_: (None, None)),
        "delivered": OutcomeKind("delivered", "deliver", True, _kept),
        "deposited": OutcomeKind("deposited", "deliver", True, _into_site),
        "attempted": OutcomeKind("attempted", None, True, lambda *_: (None, None)),
        "collected": OutcomeKind("accepted_from_sender", "collect", True, _from_sender),
        "returned": OutcomeKind("returned_to_office", None, False, _to_office),
    }
)
"""Kinds of reports: 装车, 出班, 妥投, 入柜入站, 未妥投, 揽收, 带回."""


def report_outcome(session: Session, ledger: Ledger, courier_id: str, report: OutcomeReport) -> Appended:
    """Record what a courier did with a parcel, in the caller's transaction.

    The report is accepted for every parcel that was on a published route of this courier on that day, also when
    it has moved to another route meanwhile: facts are facts. It then carries ``moved_away`` in its body.

    Returns
    -------
    ``stored``, ``duplicate`` or ``conflict`` with the report's event id (HH-03, HH-05).

    Raises
    ------
    OutcomeError
        If the kind is unknown, does not fit the parcel's direction, or names no site where it needs one.
    ParcelNotOnRouteError
        If the parcel was never this courier's on that day.
    CustodyEventError
        If a failed attempt lacks cause or next action, or another field cannot be true.
    """
    kind = OUTCOME_KINDS.get(report.kind)
    if kind is None:
        raise OutcomeError(f"outcome kind {report.kind!r} is unknown", kind=report.kind, known=list(OUTCOME_KINDS))
    region = FleetRepository(session).courier(courier_id).region
    spot = _spot(session, region, courier_id, report)
    if kind.direction is not None and kind.direction != spot.direction:
        raise OutcomeError(
            f"parcel {report.parcel_id} is to {spot.direction}, it cannot be reported {report.kind}",
            kind=report.kind,
            parcel=report.parcel_id,
        )
    if report.kind == "deposited" and spot.site_id is None:
        raise OutcomeError(f"parcel {report.parcel_id}: its stop is no registered station or cabinet", kind=report.kind)
    seen = _as_first_reported(session, report.event_id, spot)
    appended = ledger.append(session, _custody_event(courier_id, kind, seen, report))
    if appended.outcome == "stored" and kind.ends_stop:
        PlanRepository(session).add_progress(
            {
                "event_id": appended.event_id,
                "plan_id": spot.plan_id,
                "vehicle_id": spot.vehicle_id,
                "stop_key": spot.stop_key,
                "parcel_id": report.parcel_id,
                "kind": report.kind,
                "fact_at": report.fact_at,
            }
        )
    return appended


def _spot(session: Session, region: str, courier_id: str, report: OutcomeReport) -> _Spot:
    """Find the parcel on the latest published version that had it on a route of this courier."""
    plan = PlanRepository(session).plan(region, report.day)
    query = (
        select(PlanPublication.version_id, PlanRoute, PlanStop, PlanStopParcel.direction)
        .join(PlanVersionRoute, PlanVersionRoute.version_id == PlanPublication.version_id)
        .join(PlanRoute, PlanRoute.id == PlanVersionRoute.route_id)
        .join(PlanStop, PlanStop.route_id == PlanRoute.id)
        .join(PlanStopParcel, PlanStopParcel.stop_id == PlanStop.id)
        .where(PlanPublication.plan_id == plan.id, PlanRoute.courier_id == courier_id)
        .where(PlanStopParcel.parcel_id == report.parcel_id)
        .order_by(PlanPublication.sequence.desc())
        .limit(1)
    )
    found = session.execute(query).first()
    if found is None:
        raise ParcelNotOnRouteError(
            f"parcel {report.parcel_id} is not on a route of courier {courier_id} on {report.day}",
            parcel=report.parcel_id,
        )
    version_id, route, stop, direction = found
    current = PlanRepository(session).publication(plan.id)
    return _Spot(
        plan_id=plan.id,
        region=plan.region,
        version_id=version_id,
        route_id=route.id,
        vehicle_id=route.vehicle_id,
        stop_key=stop.key,
        site_id=stop.site_id,
        kind=stop.kind,
        direction=direction,
        in_force=current is not None and current.version_id == version_id,
    )


def _as_first_reported(session: Session, event_id: str, spot: _Spot) -> _Spot:
    """Keep what was added to the report when it came first: the plan may have changed before a retry."""
    query = select(CustodyEvent.route_id, CustodyEvent.stop_id, CustodyEvent.body)
    stored = session.execute(query.where(CustodyEvent.event_id == event_id)).first()
    if stored is None:
        return spot
    route_id, stop_id, body = stored
    return replace(
        spot,
        route_id=route_id or spot.route_id,
        stop_key=stop_id or spot.stop_key,
        in_force=not body.get("moved_away", False),
    )


def _custody_event(courier_id: str, kind: OutcomeKind, spot: _Spot, report: OutcomeReport) -> NewCustodyEvent:
    giver, taker = kind.custodians(courier_id, spot.region, spot.site_id)
    place = f"site:{spot.site_id}" if spot.site_id is not None and kind.ends_stop else None
    return NewCustodyEvent(
        type=kind.event_type,
        fact_at=report.fact_at,
        actor=f"courier:{courier_id}",
        parcel_id=report.parcel_id,
        event_id=report.event_id,
        device_id=report.device_id,
        store=report.store,
        seq=report.seq,
        device_at=report.device_at,
        uploaded_at=report.uploaded_at,
        clock_offset_ms=report.clock_offset_ms,
        place=place if taker is None else None,
        from_custodian=giver,
        to_custodian=taker,
        plan_version_id=report.plan_version_id,
        route_id=spot.route_id,
        stop_id=spot.stop_key[:_STOP_ID_LENGTH],
        cause=report.cause,
        next_action=report.next_action,
        next_on=report.next_on,
        amount_fen=report.amount_fen,
        means=report.means,
        body=dict(report.body) | ({} if spot.in_force else {"moved_away": True}),
    )
