"""Plan a day, publish the plan, and insert what kiosks take in later: the commands of plans.

Every command is one or two transactions: planning reads in one and stores in another, because the solver
works for seconds in between; publishing and inserting decide and store in the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any, Final, Protocol

from sqlalchemy.orm import Session

from dispatch.demand.parcel import DueParcel
from dispatch.demand.reasons import Reason
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.stops import Demand, build_stops
from dispatch.fleet.equipment import EquipmentBook, none_recorded
from dispatch.fleet.errors import NoFleetError
from dispatch.fleet.fleet import Fleet
from dispatch.plans.content import PlanContent, read_solution
from dispatch.plans.deadlines import (
    beyond_deadline,
    left_out_by_deadline,
    skill_notes,
    without_deadline,
    without_skills,
)
from dispatch.plans.errors import NothingDueError, PlanNotFoundError
from dispatch.plans.geometry import RouteLine, line_through
from dispatch.plans.inserting import Insertion, insert_into
from dispatch.plans.loading import EQUIPMENT, SKILLS, Atlas, RegionSource, roads_version
from dispatch.plans.matrices import DayMatrices, MatrixStore, Roads
from dispatch.plans.notes import road_notes
from dispatch.plans.problem import DayProblem, day_points, day_problem
from dispatch.plans.publishing import publish_version, stale
from dispatch.plans.repository import NewRoute, PlanRepository, RouteShelf, type_record
from dispatch.plans.routes import PlannedRoute
from dispatch.plans.running import waiting_by_site
from dispatch.plans.sources import DayInput, load_day
from dispatch.plans.summary import VersionSummary, summarise
from kernel.clock import Clock
from kernel.db import Database
from kernel.events import append_event
from kernel.ids import Ids
from kernel.progress import Progress, silent
from maps.region import Region
from routing.problem import Problem
from routing.solution import Result, Solution

_LONGEST_REASON: Final = 255


class Solver(Protocol):
    """Something that solves a routing problem within some seconds."""

    def __call__(
        self,
        problem: Problem,
        seconds: float,
        *,
        seed: int,
        threads: int,
        progress: Progress,
        initial: Solution | None = None,
    ) -> Result:
        """Return the best plan found, from a first one where there is one."""
        ...


class Rhythm(Protocol):
    """Something that knows which parcels wait for their village's next service day."""

    def __call__(
        self, session: Session, region: str, day: date, parcels: Sequence[DueParcel]
    ) -> tuple[Sequence[DueParcel], Mapping[str, Reason]]:
        """Return the parcels to plan, and a reason for each of the others."""
        ...


def every_day(
    session: Session, region: str, day: date, parcels: Sequence[DueParcel]
) -> tuple[Sequence[DueParcel], Mapping[str, Reason]]:
    """Serve every village on every day."""
    return parcels, {}


class DayHabit(Protocol):
    """What couriers are used to, as it bears on one day's plan."""

    def price(self, day: DayProblem) -> DayProblem:
        """Return the problem with what leaving habit costs; its vehicles may be numbered anew."""
        ...

    def start(self, day: DayProblem) -> Solution | None:
        """Return a first plan for the search, nothing where habit says none."""
        ...

    def keep(self, day: DayProblem, solution: Solution) -> tuple[Solution, dict[str, Any]]:
        """Return the plan within habit's bounds, and what was done and what exceeds them."""
        ...

    def report(self, routes: Sequence[PlannedRoute]) -> dict[str, Any]:
        """Return how steady the plan is."""
        ...


class Habits(Protocol):
    """Something that knows the habit in force on a day."""

    def __call__(self, session: Session, region: str, day: date, fleet: Fleet) -> DayHabit | None:
        """Return the day's habit, nothing where couriers have none."""
        ...


def no_habit(session: Session, region: str, day: date, fleet: Fleet) -> DayHabit | None:
    """Plan every day anew."""
    return None


@dataclass(frozen=True)
class PlanSettings:
    """How a day is planned.

    Attributes
    ----------
    seconds
        Time the solver gets.
    service_times
        What a stop takes; kept with the version.
    """

    seconds: float = 20.0
    seed: int = 1
    threads: int = 1
    service_times: ServiceTimes = field(default_factory=ServiceTimes)


@dataclass(frozen=True, eq=False)
class PreparedDay:
    """A day right before the solver starts: also what a benchmark takes.

    Attributes
    ----------
    today
        The parcels that are planned, each with the deadline that is tried to be kept.
    notes
        What the plan could not look at.
    has_equipment
        Whether the region records what its vehicles have along.
    """

    region: Region
    given: DayInput
    demand: Demand
    matrices: DayMatrices
    problem: DayProblem
    habit: DayHabit | None = None
    today: tuple[DueParcel, ...] = ()
    notes: tuple[str, ...] = ()
    has_equipment: bool = False


class Planner:
    """Makes, publishes and extends plans.

    Parameters
    ----------
    regions
        Where regions are loaded from; a region's roads are kept in memory until it is imported anew.
    matrices
        Where road matrices of planned days are kept.
    solver
        The search; the routing core in production.
    software
        Versions that made the plan, kept with it.
    rhythm
        Which parcels wait for their village's next service day.
    habits
        Whose villages they are by habit.
    equipment
        What vehicles have along, by region.
    """

    def __init__(
        self,
        database: Database,
        regions: RegionSource,
        ids: Ids,
        clock: Clock,
        matrices: MatrixStore,
        solver: Solver,
        software: Mapping[str, str],
        rhythm: Rhythm = every_day,
        habits: Habits = no_habit,
        equipment: EquipmentBook = none_recorded,
    ) -> None:
        self._database = database
        self._equipment = equipment
        self._rhythm = rhythm
        self._habits = habits
        self._regions = regions
        self._ids = ids
        self._clock = clock
        self._matrices = matrices
        self._solver = solver
        self._software = dict(software)
        self._open_regions: dict[str, Region] = {}
        self._shelf = RouteShelf()

    # -- making a plan ------------------------------------------------------------------------------------

    def make_plan(
        self,
        region: str,
        day: date,
        *,
        actor: str,
        reason: str = "",
        settings: PlanSettings | None = None,
        progress: Progress = silent,
    ) -> VersionSummary:
        """Plan a region's day and store the result as a new, unpublished version.

        Parameters
        ----------
        actor
            Who asked for it, ``kind:id``.

        Raises
        ------
        RegionNotFoundError, NoFleetError, NothingDueError
            If there is nothing to plan with or for.
        PlanRejectedError
            If the independent checker finds the solver's plan to break a rule; nothing is stored.
        UnaccountedParcelsError
            If a parcel were lost on the way; nothing is stored.
        """
        settings = settings or PlanSettings()
        watch = _Watch(self._clock)
        prepared = self.prepare(region, day, settings=settings, progress=progress, lap=watch.lap)
        problem, result, solution, kept = self._search(prepared, settings, progress)
        left_out = left_out_by_deadline(prepared.today, problem, solution)
        if left_out:  # late is better than not at all
            prepared = self.prepare(region, day, settings=settings, progress=progress, late=left_out)
            problem, result, solution, kept = self._search(prepared, settings, progress)
        watch.lap("solve_s")
        content, report = read_solution(
            region,
            day,
            prepared.matrices.source,
            [parcel.id for parcel in prepared.given.parcels],
            prepared.demand.reasons,
            problem,
            solution,
        )
        watch.lap("check_s")
        lines = [self._line(prepared.region, prepared.given, route, progress, at) for at, route in _of(content.routes)]
        watch.lap("geometry_s")
        statistics = {
            "seconds": watch.seconds,
            "solver": {
                "iterations": result.iterations,
                "runtime_s": round(result.runtime_s, 3),
                "threads": result.threads,
                "cost_units": report.cost.total,
                "left_out_units": report.cost.left_out,
            },
            "stops": len(prepared.demand.stops),
            "points": len(prepared.matrices.points),
        }
        if prepared.habit is not None and kept is not None:
            statistics["habit"] = prepared.habit.report(content.routes) | kept
        record = {
            "reason": reason[:_LONGEST_REASON],
            "actor": actor,
            "seed": settings.seed,
            "statistics": statistics,
            "assumptions": _assumptions(prepared, settings),
        }
        with self._database.begin() as session:
            version_id = self._store(session, prepared.region, content, lines, record)
            progress("store", 1, 1)
            return summarise(session, version_id)

    def prepare(
        self,
        region: str,
        day: date,
        *,
        settings: PlanSettings | None = None,
        progress: Progress = silent,
        lap: Callable[[str], None] | None = None,
        late: Collection[str] = (),
    ) -> PreparedDay:
        """Do everything that comes before the solver: load, merge into stops, measure roads, build the problem.

        Parameters
        ----------
        late
            Parcels whose deadline is given up; those of which no vehicle can keep it are found here.

        Raises
        ------
        RegionNotFoundError, NoFleetError, NothingDueError
            As `make_plan`.
        """
        settings, lap = settings or PlanSettings(), lap or (lambda _name: None)
        progress("load", 0, 1)
        opened = self._region(region)
        with self._database.read() as session:
            given = load_day(session, opened, day)
            today, waiting = self._rhythm(session, region, day, given.parcels)
            habit = self._habits(session, region, day, given.fleet)
        lap("load_s")
        _refuse_empty(region, day, given)
        equipment = self._equipment(region)
        if equipment is not None:
            given = replace(given, fleet=equipment.outfit(given.fleet))
        today = without_deadline(today, late)
        notes = () if equipment is not None else skill_notes(today)
        today = today if equipment is not None else without_skills(today)
        demand = _demand(today, waiting, given, settings)
        lap("stops_s")
        points = day_points(given.depot, demand.stops, given.site_points)
        roads: Roads = opened.engine()
        matrices = self._matrices.obtain(roads, roads_version(opened), points, given.fleet.profiles, progress)
        lap("matrix_s")
        hopeless = beyond_deadline(today, demand.stops, given.fleet, matrices)
        if hopeless:
            today = without_deadline(today, hopeless)
            demand = _demand(today, waiting, given, settings)
        problem = day_problem(demand.stops, given.fleet, matrices)
        lap("problem_s")
        return PreparedDay(opened, given, demand, matrices, problem, habit, tuple(today), notes, equipment is not None)

    def _search(
        self, prepared: PreparedDay, settings: PlanSettings, progress: Progress
    ) -> tuple[DayProblem, Result, Solution, dict[str, Any] | None]:
        """Search a plan, within habit where there is one: the problem searched, the result, the plan, habit's notes."""
        habit, problem = prepared.habit, prepared.problem
        if habit is None:
            result = self._solve(problem, settings, progress, None)
            return problem, result, result.solution, None
        problem = habit.price(problem)
        result = self._solve(problem, settings, progress, habit.start(problem))
        solution, kept = habit.keep(problem, result.solution)
        return problem, result, solution, kept

    def _solve(self, problem: DayProblem, settings: PlanSettings, progress: Progress, start: Solution | None) -> Result:
        if not problem.stops:  # every parcel has its reason already
            return Result(Solution(()), 0, 0, 0, 0.0, settings.seed, settings.threads)
        search = self._solver if start is None else partial(self._solver, initial=start)
        return search(
            problem.problem, settings.seconds, seed=settings.seed, threads=settings.threads, progress=progress
        )

    def _line(
        self, region: Region, given: DayInput, route: PlannedRoute, progress: Progress, at: tuple[int, int]
    ) -> tuple[RouteLine, str]:
        progress("geometry", *at)
        points = [given.depot, *(one.visit.point for one in route.stops), given.depot]
        return line_through(region.engine(), points, route.kind.profile)

    def _store(
        self,
        session: Session,
        region: Region,
        content: PlanContent,
        lines: Sequence[tuple[RouteLine, str]],
        record: Mapping[str, Any],
    ) -> str:
        repository = PlanRepository(session)
        now = self._clock.now()
        plan = repository.open_plan(
            {
                "id": self._ids.new(),
                "region": content.region,
                "day": content.day,
                "zone": region.zone,
                "created_at": now,
            }
        )
        parent = repository.publication(plan.id)
        version_id = self._ids.new()
        row = dict(record) | {
            "id": version_id,
            "plan_id": plan.id,
            "number": repository.next_number(plan.id),
            "parent_id": None if parent is None else parent.version_id,
            "kind": "planned",
            "created_at": now,
            "source": content.source,
            "cost_fen": content.cost_fen,
            "cost": content.cost(),
            "software": self._software,
            "digest": content.digest(),
            "reasons_of": version_id,
        }
        routes = [
            NewRoute(self._ids.new(), route, geometry_id=repository.add_line(*line))
            for route, line in zip(content.routes, lines, strict=True)
        ]
        repository.add_version(row, routes, kept=())
        repository.add_reasons(version_id, content.reasons)
        body = {"version": version_id, "number": row["number"], "region": plan.region, "day": plan.day.isoformat()}
        append_event(session, "plan.made", f"plan:{plan.id}", body, fact_at=now, committed_at=now)
        return version_id

    # -- publishing ---------------------------------------------------------------------------------------

    def publish(self, version_id: str, *, actor: str, reason: str = "", expected: str | None = None) -> VersionSummary:
        """Put a version in force; publishing what is in force already changes nothing.

        Parameters
        ----------
        expected
            The version the caller believes to be in force; the version's own parent when omitted.

        Raises
        ------
        PlanVersionNotFoundError
            If there is no such version.
        StalePlanError
            If another version was published since this one was made.
        PlanUnderWayError
            If it would take parcels off vans that are loaded.
        """
        with self._database.begin() as session:
            repository = PlanRepository(session)
            version = repository.version(version_id)
            plan = repository.plan_of(version.plan_id, lock=True)
            current = repository.publication(plan.id)
            in_force = None if current is None else current.version_id
            if in_force != version.id:
                believed = version.parent_id if expected is None else expected
                if believed != in_force or version.parent_id != in_force:
                    raise stale(version, in_force)
                publish_version(session, plan, version, actor=actor, reason=reason, now=self._clock.now())
            return summarise(session, version_id)

    # -- drop-offs of the running day ---------------------------------------------------------------------

    def insert_collections(
        self, region: str, day: date, parcel_ids: Sequence[str], *, actor: str, reason: str = ""
    ) -> Insertion:
        """Put drop-offs of one site on the published routes of a day and publish the result.

        The other stops keep vehicle and order; what is done or under way does not move. Parcels that are on a
        route already stay there, so repeating a call changes nothing.

        Returns
        -------
        The new version in force, if one was made, and a reason for each parcel that could not be inserted;
        such a parcel keeps waiting at its site and is planned with the next day.

        Raises
        ------
        PlanNotFoundError
            If nothing is published for the day.
        NotACollectionError
            If a parcel is not waiting to be collected at a site.
        """
        opened = self._region(region)
        with self._database.begin() as session:
            repository = PlanRepository(session)
            plan = repository.plan(region, day, lock=True)
            current = repository.publication(plan.id)
            if current is None:
                raise PlanNotFoundError(f"no plan is published for {region} on {day}", region=region)
            version = repository.version(current.version_id)
            now = self._clock.now()
            made = insert_into(
                session,
                plan,
                version,
                Atlas(opened, self._matrices),
                parcel_ids,
                shelf=self._shelf,
                ids=self._ids,
                now=now,
                actor=actor,
                reason=reason[:_LONGEST_REASON],
                software=self._software,
            )
            if made.version_id is not None:
                newer = repository.version(made.version_id)
                publish_version(session, plan, newer, actor=actor, reason=reason, now=now)
            return made

    def insert_waiting(self, region: str, day: date, *, actor: str) -> list[Insertion]:
        """Try every drop-off that waits at a site and is on no published route of the day, site by site.

        Catches up after a stop of the program: a drop-off that was stored but not inserted is found again.
        """
        with self._database.read() as session:
            waiting = waiting_by_site(session, region, day)
        return [
            self.insert_collections(region, day, parcel_ids, actor=actor, reason="waiting drop-offs")
            for parcel_ids in waiting.values()
        ]

    # -- the rest -----------------------------------------------------------------------------------------

    def _region(self, name: str) -> Region:
        stored = self._regions.load(name)
        known = self._open_regions.get(name)
        if known is None or known.version != stored.version:
            self._open_regions[name] = known = stored
        return known


class _Watch:
    """Seconds of each part of a long command."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_s = clock.monotonic_s()
        self.seconds: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Note the seconds since the lap before under a name."""
        now_s = self._clock.monotonic_s()
        self.seconds[name] = round(now_s - self._since_s, 3)
        self._since_s = now_s


def _of(routes: Sequence[PlannedRoute]) -> list[tuple[tuple[int, int], PlannedRoute]]:
    return [((place, len(routes)), route) for place, route in enumerate(routes, start=1)]


def _refuse_empty(region: str, day: date, given: DayInput) -> None:
    if not given.fleet.vehicles:
        raise NoFleetError(f"region {region} has no vehicle", region=region)
    if not given.parcels:
        raise NothingDueError(f"no parcel is due in {region} on {day}", region=region, day=day.isoformat())


def _demand(
    today: Sequence[DueParcel], waiting: Mapping[str, Reason], given: DayInput, settings: PlanSettings
) -> Demand:
    capacities = [(kind.id, kind.capacity) for kind in given.fleet.used_types]
    demand = build_stops(today, given.day, given.places, given.sites, capacities, settings.service_times)
    return replace(demand, reasons={**demand.reasons, **waiting})


def _assumptions(prepared: PreparedDay, settings: PlanSettings) -> dict[str, Any]:
    fleet: Fleet = prepared.given.fleet
    asked = {stop.key: sorted(stop.skills) for stop in prepared.demand.stops if stop.skills}
    along = {one.id: sorted(one.skills) for one in fleet.vehicles if one.skills}
    return ({EQUIPMENT: along, SKILLS: asked} if prepared.has_equipment else {}) | {
        "seconds": settings.seconds,
        "threads": settings.threads,
        "service_times": settings.service_times.as_dict(),
        "types": {kind.id: type_record(kind) for kind in fleet.types},
        "depot": list(prepared.given.depot),
        "roads": roads_version(prepared.region),
        "matrix": prepared.matrices.digest,
        "warnings": [
            *road_notes(prepared.region.engine(), prepared.matrices, prepared.demand.stops),
            *prepared.notes,
        ],
    }
