"""Territory prices: a stop that another than its habitual courier serves costs more to plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dispatch.fleet.fleet import Fleet, VehicleSpec
from dispatch.habit.master import Habit, Section
from dispatch.plans.problem import DayProblem
from routing.problem import VehicleType, fen
from routing.solution import Solution


def owners_of_places(habit: Habit, fleet: Fleet) -> dict[str, tuple[tuple[str, Section], ...]]:
    """Return for each place who is used to serve it today: vehicle and section, those on duty only."""
    vehicle_of = {section.number: section.vehicle_in(fleet) for section in habit.sections}
    found = {
        place: tuple((vehicle, one) for one in sections if (vehicle := vehicle_of[one.number]) is not None)
        for place, sections in habit.sections_of.items()
    }
    return {place: owners for place, owners in found.items() if owners}


def priced(day: DayProblem, owners: Mapping[str, Sequence[tuple[str, Section]]], territory_fen: int) -> DayProblem:
    """Return a day's problem in which leaving one's section costs something.

    Vehicles that own a section become types of their own, for only their row of prices tells them apart; all
    others stay together, so that the search does not try the same thing on each of them.

    Parameters
    ----------
    owners
        Vehicle and section of each place that has one; stops elsewhere cost nothing extra.
    territory_fen
        Price of each stop of a section on a vehicle that does not own it; 0 leaves the problem as it is.
    """
    owning = {vehicle for some in owners.values() for vehicle, _ in some}
    if not territory_fen or not owning:
        return day
    home = [{vehicle for vehicle, _ in owners.get(stop.place_id, ())} for stop in day.stops]
    kinds: list[VehicleType] = []
    specs, vehicles, prices = [], [], []
    away = np.array([fen(territory_fen) if one else 0 for one in home], dtype=np.int64)
    for index, kind in enumerate(day.problem.vehicle_types):
        for name, members in _groups(day, index, owning):
            kinds.append(replace(kind, id=f"{kind.id}/{name}" if name else kind.id, count=len(members)))
            specs.append(day.types[index])
            vehicles += members
            mine = np.array([name in one for one in home], dtype=np.bool_)
            prices.append(np.where(mine, 0, away))
    table = np.array(prices, dtype=np.int64).reshape(len(kinds), len(home))
    problem = replace(day.problem, vehicle_types=tuple(kinds), task_prices=table)
    return replace(day, problem=problem, types=tuple(specs), vehicles=tuple(vehicles))


def _groups(day: DayProblem, index: int, owning: set[str]) -> list[tuple[str, list[VehicleSpec]]]:
    """Part a type's vehicles: those without a section together, under no name, then each owner under its own."""
    first = day.problem.first_vehicle_of_type[index]
    mine = day.vehicles[first : first + day.problem.vehicle_types[index].count]
    plain = [one for one in mine if one.id not in owning]
    groups: list[tuple[str, list[VehicleSpec]]] = [("", plain)] if plain else []
    return groups + [(one.id, [one]) for one in mine if one.id in owning]


def habitual_start(day: DayProblem, owners: Mapping[str, Sequence[tuple[str, Section]]]) -> Solution:
    """Return the plan couriers would drive if nothing but habit counted: a first plan for the search.

    It may break limits; the search plans anew what does. A shared place is left to the search.
    """
    number_of = {vehicle.id: number for number, vehicle in enumerate(day.vehicles)}
    rank = {
        (section.number, stop.place_id): position
        for some in owners.values()
        for _, section in some
        for position, stop in enumerate(section.stops)
    }
    orders: dict[int, list[tuple[int, int, int]]] = {}
    for task, stop in enumerate(day.stops):
        at = owners.get(stop.place_id, ())
        if len(at) == 1 and at[0][0] in number_of:
            section = at[0][1]
            place = (section.number, rank[section.number, stop.place_id], task)
            orders.setdefault(number_of[at[0][0]], []).append(place)
    tasks = [[task for _, _, task in sorted(order)] for order in orders.values()]
    return Solution.from_orders(day.problem, tasks, list(orders))
