"""The sorting desk: sort plans of published plans, kept in memory so that a scan is answered at once.

What is kept follows from the publications alone: whoever computes it anew finds the same. A publication that changes
one route reads and stows that route only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.fleet.model import Courier, Vehicle
from dispatch.parcels.model import Parcel
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.model import Plan, PlanPublication, PlanRoute, PlanVersionRoute
from dispatch.plans.repository import PlanRepository, RouteShelf
from dispatch.plans.routes import PlannedRoute
from dispatch.products.product import AreaClass
from dispatch.promises.reading import promises_for
from dispatch.sorting.assigning import assign_chutes, walking_m
from dispatch.sorting.bags import BagKind
from dispatch.sorting.chutes import ChuteTable, RouteFlow, Slot
from dispatch.sorting.errors import NoSortPlanError, NoSuchSortRouteError
from dispatch.sorting.index import RouteCodes, ScanIndex, route_codes
from dispatch.sorting.manifest import ManifestSource
from dispatch.sorting.plan import ParcelFacts, SortPlan, SortRoute, VehicleSheet, sheet_of, sort_route
from dispatch.sorting.tables import chutes_numbered, number_in_force
from kernel.clock import second_of
from kernel.db import Database

Areas = Callable[[str], Mapping[str, AreaClass]]
"""Gives the area class of each place of a region."""

_PLANS_KEPT: Final = 8


@dataclass
class _PlanState:
    """What is known of one plan's sorting, as far as its publications were read."""

    sequence: int = 0
    table_number: int = -1
    histories: dict[str, list[str]] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    routes: dict[str, PlannedRoute] = field(default_factory=dict)
    facts: dict[str, ParcelFacts] = field(default_factory=dict)
    sheets: dict[str, tuple[tuple[str, ...], VehicleSheet]] = field(default_factory=dict)
    laid: dict[str, tuple[VehicleSheet, Slot, SortRoute, RouteCodes]] = field(default_factory=dict)
    parcels: dict[str, int] = field(default_factory=dict)
    present: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    plan: SortPlan | None = None
    index: ScanIndex | None = None


class SortingDesk:
    """Gives sort plans and the index that answers scans.

    Parameters
    ----------
    areas
        Area classes of a region's places: deadlines of fresh goods depend on them.
    """

    def __init__(self, database: Database, areas: Areas) -> None:
        self._database = database
        self._areas = areas
        self._plans: OrderedDict[str, _PlanState] = OrderedDict()
        self._shelf = RouteShelf(2_048)
        self._lock = Lock()

    def sort_plan(self, region: str, day: date) -> SortPlan:
        """Give the sort plan of what is published for a day.

        Raises
        ------
        NoSortPlanError
            If nothing is published.
        TooFewChutesError
            If the routes need a second wave and no chute takes the parcels that wait for it.
        """
        with self._database.read() as session:
            return self.look(session, region, day)[0]

    def look(self, session: Session, region: str, day: date) -> tuple[SortPlan, ScanIndex]:
        """Give sort plan and index of a day within the caller's transaction; as `sort_plan`."""
        query = (
            select(Plan, PlanPublication.sequence)
            .join(PlanPublication, PlanPublication.plan_id == Plan.id)
            .where(Plan.region == region, Plan.day == day)
            .order_by(PlanPublication.sequence.desc())
            .limit(1)
        )
        found = session.execute(query).first()
        if found is None:
            raise NoSortPlanError(f"nothing is published for {region} on {day}", region=region, day=day.isoformat())
        plan, sequence = found
        number = number_in_force(session, region, day)
        with self._lock:
            state = self._plans.setdefault(plan.id, _PlanState())
            self._plans.move_to_end(plan.id)
            while len(self._plans) > _PLANS_KEPT:
                self._plans.popitem(last=False)
            if state.table_number not in (-1, number):
                state = self._plans[plan.id] = _PlanState()
            if state.plan is None or state.index is None or state.sequence < sequence:
                self._follow(session, plan, state, chutes_numbered(session, region, number))
                state.table_number = number
            assert state.plan is not None
            assert state.index is not None
            return state.plan, state.index

    def manifest(self, session: Session, region: str, day: date, route: int) -> ManifestSource:
        """Gather what a route's manifest says.

        Raises
        ------
        NoSortPlanError, NoSuchSortRouteError
            If nothing is published, or no route has this number.
        """
        plan, _ = self.look(session, region, day)
        found = next((one for one in plan.routes if one.number == route), None)
        if found is None:
            raise NoSuchSortRouteError(f"the sort plan of {region} for {day} has no route {route}", route=route)
        version = PlanRepository(session).version(plan.version_id)
        stored = next(
            one for one in PlanRepository(session).routes(version, shelf=self._shelf) if one.route.number == route
        )
        parcels = ParcelRepository(session).by_ids(stored.route.parcel_ids)
        promises = promises_for(session, region, day, parcels, self._areas(region), plan.zone)
        return ManifestSource(plan, found, stored.route, {one.id: one for one in parcels}, promises)

    def _follow(self, session: Session, plan: Plan, state: _PlanState, table: ChuteTable) -> None:
        """Read the publications made since the last look, and lay the newest out."""
        repository = PlanRepository(session)
        newest: PlanPublication | None = None
        in_force: list[PlanRoute] = []
        for publication in repository.publications(plan.id):
            if publication.sequence <= state.sequence:
                continue
            in_force = self._publication(session, publication.version_id)
            _remember(state, in_force)
            fresh = [row for row in in_force if row.id not in state.routes]
            version = repository.version(publication.version_id)
            for stored in repository.routes(version, [row.id for row in fresh], self._shelf):
                state.routes[stored.id] = stored.route
            self._learn(session, plan, state, [row.id for row in fresh])
            self._place(state, in_force, table)
            newest = publication
        if newest is None:
            return
        self._lay_out(session, plan, state, table, newest, in_force)

    def _publication(self, session: Session, version_id: str) -> list[PlanRoute]:
        query = (
            select(PlanRoute)
            .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
            .where(PlanVersionRoute.version_id == version_id)
            .order_by(PlanRoute.number)
        )
        return list(session.scalars(query))

    def _learn(self, session: Session, plan: Plan, state: _PlanState, route_ids: Sequence[str]) -> None:
        """Read the parcels of routes that were not seen before."""
        wanted = {
            parcel_id
            for route_id in route_ids
            for one in state.routes[route_id].stops
            for parcel_id in one.stop.deliveries
            if parcel_id not in state.facts
        }
        parcels = ParcelRepository(session).by_ids(wanted)
        promises = promises_for(session, plan.region, plan.day, parcels, self._areas(plan.region), plan.zone)
        for parcel in parcels:
            promise = promises[parcel.id]
            kind: BagKind = "cold" if promise.is_cold else "listed" if promise.is_listed else "plain"
            clock = promise.clock
            expires_s = second_of(clock.deadline_at, plan.day, plan.zone) if promise.is_cold and clock else None
            state.facts[parcel.id] = _facts(parcel, kind, expires_s)

    def _place(self, state: _PlanState, rows: Sequence[PlanRoute], table: ChuteTable) -> None:
        """Give the routes of one publication their chutes; those who have one keep it."""
        for row in rows:
            history = state.histories.setdefault(row.vehicle_id, [])
            if not history or history[-1] != row.id:
                history.append(row.id)
        state.slots = assign_chutes([_flow(row, state) for row in rows], table, state.slots)

    def _lay_out(
        self,
        session: Session,
        plan: Plan,
        state: _PlanState,
        table: ChuteTable,
        newest: PlanPublication,
        rows: Sequence[PlanRoute],
    ) -> None:
        cold = table.only("cold")
        plates = dict(session.execute(select(Vehicle.id, Vehicle.plate).where(Vehicle.region == plan.region)).all())
        names = dict(session.execute(select(Courier.id, Courier.name).where(Courier.region == plan.region)).all())
        for row in rows:
            sheet, slot = self._sheet(state, row.vehicle_id, table), state.slots[row.vehicle_id]
            known = state.laid.get(row.vehicle_id)
            if known is not None and known[0] is sheet and known[1] == slot:
                continue
            route = sort_route(
                sheet,
                state.facts,
                day=plan.day,
                wave=slot.wave,
                chute=slot.chute,
                cold_chute=None if cold is None else cold.id,
                plate=plates.get(row.vehicle_id, ""),
                courier=names.get(row.courier_id or "", ""),
            )
            state.laid[row.vehicle_id] = (sheet, slot, route, route_codes(route))
        laid = [state.laid[row.vehicle_id] for row in rows]
        routes = [route for _, _, route, _ in laid]
        version = PlanRepository(session).version(newest.version_id)
        state.plan = SortPlan(
            region=plan.region,
            day=plan.day,
            zone=plan.zone,
            plan_id=plan.id,
            version_id=version.id,
            version_number=version.number,
            sequence=newest.sequence,
            published_at=newest.published_at,
            table_from=table.valid_from,
            waves=max((route.wave for route in routes), default=0),
            walked_m=walking_m([_flow(row, state) for row in rows], state.slots, table),
            routes=tuple(routes),
        )
        chutes_of = {vehicle_id: slot.chute for vehicle_id, slot in state.slots.items()}
        state.index = ScanIndex(state.plan, table, [codes for *_, codes in laid], dict(state.before), chutes_of)
        state.sequence = newest.sequence

    def _sheet(self, state: _PlanState, vehicle_id: str, table: ChuteTable) -> VehicleSheet:
        history = tuple(state.histories[vehicle_id])
        known = state.sheets.get(vehicle_id)
        if known is None or known[0] != history:
            sheet = sheet_of([state.routes[route_id] for route_id in history], state.facts, table.bag)
            known = state.sheets[vehicle_id] = (history, sheet)
        return known[1]


def _remember(state: _PlanState, rows: Sequence[PlanRoute]) -> None:
    """Keep with which vehicle the parcels of routes that are not in force any more were published."""
    present = {row.id: row.vehicle_id for row in rows}
    for route_id, vehicle_id in state.present.items():
        if route_id not in present:
            for one in state.routes[route_id].stops:
                state.before |= dict.fromkeys(one.stop.deliveries, vehicle_id)
    state.present = present


def _flow(row: PlanRoute, state: _PlanState) -> RouteFlow:
    parcels = state.parcels.get(row.id)
    if parcels is None:
        parcels = state.parcels[row.id] = sum(len(one.stop.deliveries) for one in state.routes[row.id].stops)
    return RouteFlow(row.vehicle_id, row.number, parcels, row.start_s)


def _facts(parcel: Parcel, kind: BagKind, expires_s: int | None) -> ParcelFacts:
    return ParcelFacts(
        parcel_id=parcel.id,
        company_id=parcel.company_id,
        waybill=parcel.waybill,
        piece=parcel.piece,
        pieces=parcel.pieces,
        weight_g=parcel.weight_g,
        volume_cm3=parcel.volume_cm3,
        kind=kind,
        expires_s=expires_s,
    )
