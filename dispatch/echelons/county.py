"""From a county's day to the two-echelon problem: stops, depots, trunk runs, roads, cut-offs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dispatch.demand.stops import Stop
from dispatch.echelons.errors import EchelonModelError
from dispatch.echelons.fleet import courier_kinds, profiles_of
from dispatch.echelons.network import Network
from dispatch.echelons.problem import TimetabledRun, TransferDepot, TrunkKind, TwoEchelonProblem
from dispatch.fleet.fleet import DIMENSIONS, Fleet
from dispatch.plans.matrices import DayMatrices, Point, compute_matrices, distinct, rounded
from dispatch.plans.problem import LEFT_OUT_PARCEL_FEN, LEFT_OUT_PRIORITY_FEN, LEFT_OUT_STOP_FEN
from kernel.progress import Progress, silent
from maps.region import Region
from routing.problem import UNREACHABLE, Task, fen, per_hour, per_km

CENTRE = "centre"
_SHORTEST_ROUTE_S = 3_600  # a cut-off that leaves a courier less than an hour on the road cannot be meant for the day


@dataclass(frozen=True, eq=False)
class CountyDay:
    """A county's two-echelon problem and what its numbers mean.

    Attributes
    ----------
    stops
        Of each task.
    unreachable
        Stops that no vehicle reaches by road from any depot; they are no tasks.
    missed_cut_offs
        Companies whose line-haul leaves before anything could be back; their collections wait for the next one.
    """

    problem: TwoEchelonProblem
    stops: tuple[Stop, ...]
    unreachable: tuple[Stop, ...]
    missed_cut_offs: tuple[str, ...]
    matrices: DayMatrices


def county_day(
    region: Region,
    network: Network,
    stops: Sequence[Stop],
    fleet: Fleet,
    *,
    collecting: Iterable[str] = (),
    progress: Progress = silent,
) -> CountyDay:
    """State a county's day.

    Parameters
    ----------
    stops
        As `dispatch.demand.stops.build_stops` made them.
    collecting
        Companies that have collections on the day; their cut-offs count.

    Raises
    ------
    EchelonModelError
        If the network belongs to another region, or names a profile no vehicle has.
    """
    if network.region != region.name:
        raise EchelonModelError(f"the network is {network.region}'s, not {region.name}'s", region=region.name)
    centre = rounded(*region.depot.lonlat)
    seats = [rounded(one.lon, one.lat) for one in network.depots]
    doors = [rounded(stop.lon, stop.lat) for stop in stops]
    matrices = _matrices(region, distinct([centre, *seats, *doors]), fleet, network, progress)
    rows = matrices.index()
    names, profiles = profiles_of(matrices)
    depots = _depots(network, rows, centre)
    couriers = courier_kinds(fleet, names)
    starts = [depot.location for depot in depots]
    reachable = [
        any(
            max(profiles[kind.profile].leg(start, rows[door])) < UNREACHABLE
            and max(profiles[kind.profile].leg(rows[door], start)) < UNREACHABLE
            for kind in couriers
            for start in starts
        )
        for door in doors
    ]
    kept = tuple(stop for stop, there in zip(stops, reachable, strict=True) if there)
    back_by_s, missed = _cut_off(network, collecting)
    problem = TwoEchelonProblem(
        dimensions=DIMENSIONS,
        centre=rows[centre],
        depots=depots,
        trunks=tuple(_trunks(network, names)),
        couriers=couriers,
        tasks=tuple(_task(stop, rows[rounded(stop.lon, stop.lat)]) for stop in kept),
        profiles=profiles,
        timetable=tuple(_timetable(network, depots)),
        back_by_s=back_by_s,
        centre_ready_s=network.centre_ready_s,
    )
    left = tuple(stop for stop, there in zip(stops, reachable, strict=True) if not there)
    return CountyDay(problem, kept, left, missed, matrices)


def _matrices(
    region: Region, points: tuple[Point, ...], fleet: Fleet, network: Network, progress: Progress
) -> DayMatrices:
    profiles = sorted({*fleet.profiles, *(trunk.profile for trunk in network.trunks)})
    return compute_matrices(region.engine(), points, profiles, progress=progress)


def _depots(network: Network, rows: dict[Point, int], centre: Point) -> tuple[TransferDepot, ...]:
    townships = tuple(
        TransferDepot(
            id=one.id,
            location=rows[rounded(one.lon, one.lat)],
            name=one.name,
            unload_s=one.unload_s,
            sorted_per_hour=one.sorted_per_hour,
            open_cost=fen(one.open_fen),
            unit_cost=fen(one.parcel_fen),
            most_vehicles=one.most_vehicles,
        )
        for one in network.depots
    )
    if not network.direct:
        return townships
    return (TransferDepot(CENTRE, rows[centre], direct=True), *townships)


def _trunks(network: Network, names: Sequence[str]) -> Iterable[TrunkKind]:
    for one in network.trunks:
        if one.profile not in names:
            raise EchelonModelError(f"trunk {one.id}: there are no roads for the profile {one.profile}", trunk=one.id)
        yield TrunkKind(
            id=one.id,
            count=one.count,
            capacity=one.capacity,
            profile=list(names).index(one.profile),
            fixed_cost=fen(one.fixed_fen),
            cost_per_m=per_km(one.per_km_fen),
            cost_per_s=per_hour(one.per_hour_fen),
            depart_s=one.depart_s,
            most_depots=one.most_depots,
        )


def _timetable(network: Network, depots: Sequence[TransferDepot]) -> Iterable[TimetabledRun]:
    number = {depot.id: index for index, depot in enumerate(depots)}
    for bus in network.buses:
        calls = tuple((number[call.depot], call.at_s) for call in bus.calls)
        yield TimetabledRun(bus.id, bus.outward, calls, bus.centre_s, bus.capacity, fen(bus.price_fen))


def _task(stop: Stop, row: int) -> Task:
    longest = max(stop.windows, key=lambda window: (window[1] - window[0], -window[0]))
    price = LEFT_OUT_STOP_FEN + LEFT_OUT_PARCEL_FEN * len(stop.parcel_ids) + LEFT_OUT_PRIORITY_FEN * stop.priority
    return Task(
        stop.key,
        row,
        delivery=tuple(stop.delivery_load.as_list()),
        pickup=tuple(stop.collection_load.as_list()),
        windows=(longest,),
        service_s=stop.work_s,
        required=False,
        prize=fen(price),
    )


def _cut_off(network: Network, collecting: Iterable[str]) -> tuple[int | None, tuple[str, ...]]:
    """Return when collections must be at the centre, and the companies for which that is impossible."""
    wanted = {company: network.cut_offs.get(company, network.cut_offs.get("*")) for company in sorted(set(collecting))}
    earliest_s = network.centre_ready_s + _SHORTEST_ROUTE_S + network.centre_handling_s
    missed = tuple(company for company, cut in wanted.items() if cut is not None and cut < earliest_s)
    real = [
        cut - network.centre_handling_s for company, cut in wanted.items() if cut is not None and company not in missed
    ]
    return (min(real) if real else None), missed
