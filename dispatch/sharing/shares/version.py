"""The shares of a stored plan version: its routes as they are driven, or searched anew for every coalition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy.orm import Session

import routing
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import Fleet, Load
from dispatch.fleet.repository import FleetRepository
from dispatch.parcels.model import Parcel
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.loading import Atlas
from dispatch.plans.matrices import DayMatrices, rounded
from dispatch.plans.model import PlanVersion
from dispatch.plans.problem import day_problem
from dispatch.plans.repository import PlanRepository, StoredRoute, types_of
from dispatch.plans.routes import route_cost
from dispatch.sharing.errors import SharesError
from dispatch.sharing.shares.choices import Pricing, ShareRule
from dispatch.sharing.shares.executed import ExecutedPrices, Part, SharedCall, SharedRoute, SharedStop
from dispatch.sharing.shares.game import CostGame
from dispatch.sharing.shares.rules import CostShares, share_game
from kernel.progress import Progress, silent
from routing.checker import check
from routing.stop import MaxIterations

SOLVER_ITERATIONS: Final = 3_000


@dataclass(frozen=True, eq=False)
class SharedVersion:
    """A plan version as sharing its cost needs it."""

    version_id: str
    digest: str
    region: str
    routes: tuple[SharedRoute, ...]
    stops: tuple[Stop, ...]
    parcels: dict[str, Parcel]
    fleet: Fleet
    matrices: DayMatrices
    times: ServiceTimes


@dataclass(frozen=True)
class VersionShares:
    """The shares of a version, with what made them: equal inputs give equal shares."""

    version_id: str
    digest: str
    pricing: Pricing
    iterations: int | None
    shares: CostShares

    def document(self, company: str | None = None) -> dict[str, Any]:
        """Return the shares as plain JSON, or one company's line of them.

        Notes
        -----
        A single company sees what it pays, what it would pay alone, and the total; no other company's line and
        no coalition (SHR-13).
        """
        found = self.shares
        lines = [
            {
                "company_id": one,
                "share_fen": found.shares_fen[one],
                "alone_fen": found.alone_fen[one],
                "saving_fen": found.alone_fen[one] - found.shares_fen[one],
            }
            for one in found.shares_fen
            if company in (None, one)
        ]
        complaints = [
            {
                "companies": list(one.companies),
                "pays_fen": one.pays_fen,
                "alone_fen": one.alone_fen,
                "better_off_fen": one.better_off_fen,
            }
            for one in found.complaints
        ]
        return {
            "version_id": self.version_id,
            "digest": self.digest,
            "rule": found.rule.value,
            "pricing": self.pricing.value,
            "iterations": self.iterations,
            "seed": found.seed,
            "exact": found.exact,
            "total_fen": found.total_fen,
            "lines": lines,
            "complaints": complaints if company is None else [],
            "coalitions_compared": found.looked_at,
        }


def load_shared(session: Session, version: PlanVersion, region: str, atlas: Atlas) -> SharedVersion:
    """Read a version's routes with the roads between all their stops.

    Raises
    ------
    SharesError
        If no parcel is on a route.
    """
    stored = PlanRepository(session).routes(version)
    ids = [parcel_id for one in stored for parcel_id in one.route.parcel_ids]
    if not ids:
        raise SharesError(f"version {version.id} has no parcel on a route", version=version.id)
    parcels = {one.id: one for one in ParcelRepository(session).by_ids(ids)}
    for parcel in parcels.values():
        session.expunge(parcel)
    stops = tuple(one.stop for route in stored for one in route.route.stops)
    fleet = FleetRepository(session).load(region)
    points = [atlas.depot, *(rounded(stop.lon, stop.lat) for stop in stops)]
    profiles = sorted({one.route.kind.profile for one in stored} | set(fleet.profiles))
    closures = tuple(version.assumptions.get("closures", ()))
    matrices = atlas.matrices(atlas.store.find(version.assumptions["matrix"]), points, profiles, closures)
    times = ServiceTimes.from_dict(version.assumptions["service_times"])
    rows = matrices.index()
    routes = tuple(_route(one, parcels, matrices, rows[atlas.depot], times) for one in stored)
    kinds = types_of(version)
    known = Fleet(tuple(kinds.get(kind.id, kind) for kind in fleet.types), fleet.vehicles)
    return SharedVersion(version.id, version.digest, region, routes, stops, parcels, known, matrices, times)


def _route(
    stored: StoredRoute, parcels: dict[str, Parcel], matrices: DayMatrices, depot: int, times: ServiceTimes
) -> SharedRoute:
    route, rows = stored.route, matrices.index()
    roads = matrices.profiles[route.kind.profile]
    stops = []
    for one in route.stops:
        stop = one.stop
        window = next((w for w in stop.windows if w[0] <= one.start_s <= w[1]), stop.windows[-1])
        call = SharedCall(stop.setup_s, 0, _parts(stop, parcels, times))
        stops.append(SharedStop(rows[rounded(stop.lon, stop.lat)], window, (call,)))
    return SharedRoute(route.kind, roads.time_s, roads.distance_m, tuple(stops), route.cost.total_fen, depot)


def _parts(stop: Stop, parcels: dict[str, Parcel], times: ServiceTimes) -> dict[str, Part]:
    of_kind = times.of(stop.kind)
    parts: dict[str, Part] = {}
    for ids, work_s in ((stop.deliveries, of_kind.per_delivery_s), (stop.collections, of_kind.per_collection_s)):
        for parcel_id in ids:
            parcel = parcels[parcel_id]
            own = Part(work_s, 1, parcel.weight_g)
            known = parts.get(parcel.company_id)
            parts[parcel.company_id] = own if known is None else known + own
    return parts


def share_version(
    shared: SharedVersion,
    rule: ShareRule,
    *,
    pricing: Pricing = Pricing.EXECUTED,
    seed: int = 1,
    iterations: int = SOLVER_ITERATIONS,
    progress: Progress = silent,
) -> VersionShares:
    """Share a version's cost between the companies whose parcels are on its routes.

    Parameters
    ----------
    iterations
        Of the routing search for each coalition, when coalitions are priced by it.

    Raises
    ------
    SharesError
        If the rule cannot be computed for so many companies.
    """
    executed = ExecutedPrices(shared.routes)
    price = executed if pricing is Pricing.EXECUTED else _Searched(shared, executed, seed, iterations, progress)
    game = CostGame(executed.companies, price, executed.total_fen)
    found = share_game(rule, game, shared.routes, seed)
    used = iterations if pricing is Pricing.SOLVER else None
    return VersionShares(shared.version_id, shared.digest, pricing, used, found)


class _Searched:
    """Prices coalitions by planning their stops alone; never dearer than the routes as driven without the others."""

    def __init__(
        self, shared: SharedVersion, executed: ExecutedPrices, seed: int, iterations: int, progress: Progress
    ) -> None:
        self._shared, self._executed = shared, executed
        self._seed, self._iterations, self._progress = seed, iterations, progress
        self._done = 0

    def __call__(self, companies: frozenset[str]) -> int:
        """Return the cheaper of both prices."""
        self._done += 1
        self._progress("coalitions", self._done, None, ", ".join(sorted(companies)))
        searched = self._search_fen(companies)
        executed = self._executed(companies)
        return executed if searched is None else min(searched, executed)

    def _search_fen(self, companies: frozenset[str]) -> int | None:
        """Return the cost of the best plan found, nothing when it leaves a stop out or the checker refuses it."""
        shared = self._shared
        stops = [own for stop in shared.stops if (own := _own_part(stop, companies, shared)) is not None]
        day = day_problem(_distinct(stops), shared.fleet, shared.matrices)
        if not day.stops or day.reasons:
            return None
        planned = routing.solve(day.problem, MaxIterations(self._iterations), self._seed).solution
        report = check(day.problem, planned)
        if not report.feasible or planned.unassigned:
            return None
        return sum(
            route_cost(day.type_of(one.vehicle), one.distance_m, one.duration_s).total_fen
            for one in report.schedules
            if one.stops
        )


def _own_part(stop: Stop, companies: frozenset[str], shared: SharedVersion) -> Stop | None:
    """Return a stop with some companies' parcels only, nothing when it has none of them."""
    deliveries, collections = (
        tuple(one for one in ids if shared.parcels[one].company_id in companies)
        for ids in (stop.deliveries, stop.collections)
    )
    if not deliveries and not collections:
        return None
    return replace(
        stop,
        deliveries=deliveries,
        collections=collections,
        delivery_load=_load(shared.parcels[one] for one in deliveries),
        collection_load=_load(shared.parcels[one] for one in collections),
        service_s=shared.times.work_s(stop.kind, len(deliveries), len(collections)),
    )


def _load(parcels: Any) -> Load:
    load = Load()
    for parcel in parcels:
        load += Load(parcel.weight_g, parcel.volume_cm3, 1)
    return load


def _distinct(stops: Sequence[Stop]) -> list[Stop]:
    """Give stops that share a key (a site visited twice) keys of their own."""
    seen: dict[str, int] = {}
    found = []
    for stop in stops:
        seen[stop.key] = seen.get(stop.key, 0) + 1
        found.append(stop if seen[stop.key] == 1 else replace(stop, key=f"{stop.key}-v{seen[stop.key]}"))
    return found
