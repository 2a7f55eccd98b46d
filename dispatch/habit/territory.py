"""Design courier sections (段道): connected on the roads, of equal work as routes through them measure it, with owners.

The work of a place is first reckoned from its stops, then corrected by routing every section with the solver on days
there were, two or three times. Owners are chosen by whose villages they were, and by what fits in their vehicle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dispatch.fleet.fleet import Fleet, TypeSpec, VehicleSpec
from dispatch.habit.errors import HabitModelError
from dispatch.habit.learning import DrivenDay
from dispatch.habit.master import MasterStop, Section
from kernel.progress import Progress, silent
from maps.geodesy import FloatArray
from maps.region import Region
from maps.sections.design import SectionDesign, design_sections, measured_work
from maps.sections.problem import SectionProblem, is_connected
from maps.sections.survey import BETWEEN_MIN, SERVICE_MIN, survey_sections
from routing import ProblemBuilder, solve
from routing.stop import MaxIterations

ROUNDS: Final = 3
"""Designs, each from what routes through the one before measured."""
_ITERATIONS: Final = 300  # a section has some twenty villages: the tour is found long before
_SAMPLE_DAYS: Final = 3
_KNOWN: Final = 1.0
_TOO_SMALL: Final = 10.0
_DEARER: Final = 0.2  # cheap vehicles first where history does not decide

DayStops = Mapping[str, float]
"""Stops of each place on one day."""


@dataclass(frozen=True, eq=False)
class Territory:
    """Sections with what they were designed by.

    Attributes
    ----------
    route_min : shape (sections,)
        Minutes of an average day's route through each section, depot to depot.
    spread
        Largest and smallest route over the mean, of the first design and of the last.
    """

    sections: tuple[Section, ...]
    problem: SectionProblem
    design: SectionDesign
    route_min: FloatArray
    spread: tuple[tuple[float, float], tuple[float, float]]

    @property
    def connected(self) -> bool:
        """Tell whether every section hangs together by road."""
        cells = [np.flatnonzero(self.design.section_of == one).tolist() for one in range(len(self.sections))]
        return all(is_connected(self.problem.neighbours, set(members)) for members in cells)

    def document(self) -> dict[str, Any]:
        """Return its figures as plain JSON."""
        (first_most, first_least), (most, least) = self.spread
        return {
            "connected": self.connected,
            "work_spread": [round(self.design.max_over_mean, 4), round(self.design.min_over_mean, 4)],
            "route_spread_first": [round(first_most, 4), round(first_least, 4)],
            "route_spread": [round(most, 4), round(least, 4)],
            "mean_min_to_centre": round(self.design.mean_min_to_centre, 3),
            "source": self.problem.source,
            "notes": [*self.problem.notes, *self.design.notes],
        }


def design_territory(
    region: Region,
    days: Sequence[DayStops],
    fleet: Fleet,
    count: int,
    *,
    driven: Sequence[DrivenDay] = (),
    parcels_per_stop: float = 1.0,
    seed: int = 1,
    progress: Progress = silent,
) -> Territory:
    """Cut a region into sections of equal measured work and give each an owner.

    Parameters
    ----------
    days
        Demand of some days; the mean makes the work, up to three of the days measure it.
    driven
        Published days, for who is used to which place.
    parcels_per_stop
        For judging which vehicle a section fits into.

    Raises
    ------
    HabitModelError
        If there are more sections than vehicles, or no demand.
    SectionsImpossibleError
        If the county cannot be cut into so many.
    """
    if count > len(fleet.vehicles):
        raise HabitModelError(
            f"region {region.name}: {count} sections, but {len(fleet.vehicles)} vehicles",
            remedy="Ask for fewer sections, or add vehicles.", region=region.name,
        )  # fmt: skip
    places = {place for day in days for place in day if region.place(place).located}
    mean = {place: sum(day.get(place, 0.0) for day in days) / len(days) for place in sorted(places)}
    if not mean:
        raise HabitModelError(
            f"region {region.name}: there are no stops to design sections by",
            remedy="Import some days' manifests first.", region=region.name,
        )  # fmt: skip
    problem = survey_sections(region, mean, count)
    tried: list[tuple[SectionProblem, SectionDesign, FloatArray]] = []
    for turn in range(ROUNDS):
        progress("sections", turn, ROUNDS)
        design = design_sections(problem, count, seed)
        tours = _Tours(region, problem, design, seed)
        measured = np.array([tours.minutes(day) for day in _sample(days)], dtype=np.float64)
        route_min: FloatArray = np.asarray(measured.mean(axis=0), dtype=np.float64)
        tried.append((problem, design, route_min))
        problem = problem.reworked(measured_work(problem, design, route_min).tolist())
    progress("sections", ROUNDS, ROUNDS)
    first = _spread(tried[0][2])
    problem, design, route_min = min(tried, key=lambda one: _spread(one[2])[0] - _spread(one[2])[1])
    orders = _Tours(region, problem, design, seed).orders()
    volume = np.bincount(design.section_of, _stops_of_cells(problem, mean) * parcels_per_stop, count)
    owners = _owners(problem, design, fleet, driven, volume.astype(np.float64))
    sections = tuple(
        Section(number, owner.id, owner.courier_id, order, round(float(minutes), 1))
        for number, (owner, order, minutes) in enumerate(zip(owners, orders, route_min, strict=True), start=1)
    )
    return Territory(sections, problem, design, route_min, (first, _spread(route_min)))


def _sample(days: Sequence[DayStops]) -> list[DayStops]:
    """Return up to three days, evenly apart."""
    chosen = np.linspace(0, len(days) - 1, min(_SAMPLE_DAYS, len(days))).round().astype(int)
    return [days[at] for at in chosen]


def _spread(route_min: FloatArray) -> tuple[float, float]:
    mean = max(float(route_min.mean()), 1e-9)
    return float(route_min.max()) / mean, float(route_min.min()) / mean


def _stops_of_cells(problem: SectionProblem, mean: DayStops) -> FloatArray:
    """Return the stops of each cell; the parts of a town have equal shares."""
    parts: dict[str, int] = {}
    for cell in problem.cells:
        parts[cell.place_id] = parts.get(cell.place_id, 0) + 1
    return np.array([mean.get(cell.place_id, 0.0) / parts[cell.place_id] for cell in problem.cells])


class _Tours:
    """Routes through the sections of a design: one vehicle each, from the county centre and back."""

    def __init__(self, region: Region, problem: SectionProblem, design: SectionDesign, seed: int) -> None:
        self._problem, self._design, self._seed = problem, design, seed
        points = [region.depot.lonlat, *((cell.lon, cell.lat) for cell in problem.cells)]
        matrix = region.engine().matrix(points, points, "van")
        self._time_s = np.where(np.isfinite(matrix.time_s), matrix.time_s, 1e8).round().astype(np.int32)

    def minutes(self, day: DayStops) -> FloatArray:
        """Return how long the route of each section takes on a day, shape (sections,)."""
        stops = _stops_of_cells(self._problem, day)
        found = []
        for section in range(len(self._design.load_min)):
            cells = np.flatnonzero((self._design.section_of == section) & (stops > 0))
            tour = self._tour(cells.tolist())
            rows = [0, *(cell + 1 for cell in tour), 0]
            drive_s = int(sum(self._time_s[a, b] for a, b in pairwise(rows)))
            inside = np.maximum(stops[cells] - 1.0, 0.0).sum() * BETWEEN_MIN
            found.append(drive_s / 60 + stops[cells].sum() * SERVICE_MIN + inside)
        return np.array(found, dtype=np.float64)

    def orders(self) -> list[tuple[MasterStop, ...]]:
        """Return the places of each section in the order of the shortest round through all of them."""
        holders: dict[str, set[int]] = {}
        for cell, section in zip(self._problem.cells, self._design.section_of.tolist(), strict=True):
            holders.setdefault(cell.place_id, set()).add(section)
        found = []
        for section in range(len(self._design.load_min)):
            tour = self._tour(np.flatnonzero(self._design.section_of == section).tolist())
            places = dict.fromkeys(self._problem.cells[cell].place_id for cell in tour)
            found.append(tuple(MasterStop(place, shared=len(holders[place]) > 1) for place in places))
        return found

    def _tour(self, cells: Sequence[int]) -> list[int]:
        if len(cells) < 2:
            return list(cells)
        rows = [0, *(cell + 1 for cell in cells)]
        matrix = self._time_s[np.ix_(rows, rows)]
        builder = ProblemBuilder().profile("van", matrix, matrix).depot("centre", 0)
        builder.vehicle_type("van", count=1, profile="van", cost_per_m=1)
        for at in range(len(cells)):
            builder.task(str(at), at + 1)
        result = solve(builder.build(), MaxIterations(_ITERATIONS), self._seed)
        return [cells[task] for route in result.solution.routes for task in route.tasks]


def _owners(
    problem: SectionProblem,
    design: SectionDesign,
    fleet: Fleet,
    driven: Sequence[DrivenDay],
    volume: FloatArray,
) -> list[VehicleSpec]:
    """Choose a vehicle for each section: whose villages they were, what it holds, what a day of it costs.

    An assignment problem (Kuhn 1955); a vehicle too small for the section's mean day only when no other is left.
    """
    kinds = {kind.id: kind for kind in fleet.types}
    known = _known_work(problem, design, fleet, driven)
    cheapest_first = sorted({int(kind.fixed_fen) for kind in fleet.used_types})
    price = np.zeros((len(design.load_min), len(fleet.vehicles)))
    for column, vehicle in enumerate(fleet.vehicles):
        kind = kinds[vehicle.type_id]
        rank = cheapest_first.index(int(kind.fixed_fen))
        price[:, column] = _DEARER * rank / len(cheapest_first) - _KNOWN * known[:, column]
        price[:, column] += _TOO_SMALL * ~_fits(kind, volume, design.load_min)
    rows, columns = linear_sum_assignment(price)
    return [fleet.vehicles[columns[row]] for row in np.argsort(rows)]


def _fits(kind: TypeSpec, volume: FloatArray, load_min: FloatArray) -> NDArray[np.bool_]:
    """Tell which sections a vehicle type can serve; one that is slow or of short range has the town around it."""
    fits = np.asarray((volume <= kind.capacity.count) & (load_min <= (kind.shift_end_s - kind.shift_start_s) / 60))
    return fits & (kind.profile == "van")


def _known_work(
    problem: SectionProblem, design: SectionDesign, fleet: Fleet, driven: Sequence[DrivenDay]
) -> FloatArray:
    """Return the share of each section's past stops that each vehicle served, shape (sections, vehicles)."""
    column = {vehicle.id: at for at, vehicle in enumerate(fleet.vehicles)}
    section_of = {cell.place_id: int(one) for cell, one in zip(problem.cells, design.section_of, strict=True)}
    served = np.zeros((len(design.load_min), len(fleet.vehicles)))
    for day in driven:
        for route in day.routes:
            for stop in route.stops:
                if stop.place_id in section_of and route.vehicle_id in column:
                    served[section_of[stop.place_id], column[route.vehicle_id]] += 1
    return np.asarray(served / np.maximum(served.sum(axis=1, keepdims=True), 1.0))
