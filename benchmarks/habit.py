"""Measures what habit costs: ten days of the demo county at several territory prices, cost against stability.

    python -m benchmarks.habit --region-root FOLDER --json habit.json --svg habit.svg

Ten days planned without habit are the history. Sections are designed on it, five days planned by them give the usual
hours, and then ten other days are planned at every price, each by the same number of search steps, so that a busy
machine finds the same. Two more ways stand beside: habit learned from the history instead of designed, and no price
but the same first plan, which tells the price's effect from the start's. Exit code 0 when every plan keeps the day's
rules, nothing more is left out than without a price, and stability does not fall as the price rises.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.county_echelons import generated_stops
from dispatch.fleet.demo import demo_fleet
from dispatch.fleet.fleet import Fleet
from dispatch.habit.day import HabitDay
from dispatch.habit.learning import DrivenDay, learn_hours, learn_sections
from dispatch.habit.master import Habit, Section
from dispatch.habit.report import TRADE_OFF_COLUMNS, trade_off_chart, trade_off_rows
from dispatch.habit.rule import HabitRule
from dispatch.habit.stability import DrivenRoute, Steadiness, measure
from dispatch.habit.territory import Territory, design_territory
from dispatch.plans.content import PlanContent, read_solution
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.problem import DayProblem, day_points, day_problem
from kernel.progress import silent
from maps.region import Region
from maps.store import RegionStore
from routing import solve, warm_up
from routing.solution import Solution
from routing.stop import MaxIterations

HISTORY, LEARNING, DAYS = date(2026, 11, 2), date(2026, 11, 16), date(2026, 11, 23)
PRICES = (100, 300, 1_000)
BOUNDED = HabitRule(territory_fen=300, most_moved_percent=25, most_reordered_percent=25, most_shifted_percent=50)
UNBOUNDED = HabitRule(
    territory_fen=300, most_moved_percent=None, most_reordered_percent=None, most_shifted_percent=None
)


@dataclass(frozen=True)
class County:
    """What every day shares."""

    region: Region
    fleet: Fleet
    parcels: int
    matrices: MatrixStore
    iterations: int
    seed: int

    def problem(self, day: date) -> DayProblem:
        """Return a generated day's problem."""
        stops = generated_stops(self.region, self.parcels, self.fleet, day)
        points = day_points(self.region.depot.lonlat, stops)
        version = self.region.version or self.region.name
        roads = self.region.engine()
        found = self.matrices.obtain(roads, version, points, self.fleet.profiles, silent)
        return day_problem(stops, self.fleet, found)

    def solve(self, day: DayProblem, initial: Solution | None) -> Solution:
        """Return the plan the search finds."""
        return solve(day.problem, MaxIterations(self.iterations), self.seed, initial).solution

    def content(self, when: date, day: DayProblem, solution: Solution) -> PlanContent:
        """Return a plan as it would be stored, after the independent checker agreed."""
        due = [parcel for stop in day.stops for parcel in stop.parcel_ids]
        return read_solution(self.region.name, when, "road", [*due, *day.reasons], {}, day, solution)[0]


@dataclass(frozen=True)
class Planned:
    """One day planned one way."""

    cost_fen: int
    routes: int
    left_out: int
    steady: Steadiness
    undone: int = 0
    exceeded: int = 0


def workdays(first: date, count: int) -> list[date]:
    """Return so many days from a Monday on, Sundays left out."""
    days = (first + timedelta(days=number) for number in range(2 * count))
    return [day for day in days if day.weekday() < 6][:count]


def driven(when: date, content: PlanContent) -> DrivenDay:
    """Return a plan as habit sees it."""
    return DrivenDay(when, tuple(DrivenRoute.of(route) for route in content.routes))


def plan_with(
    county: County, when: date, day: DayProblem, habit: Habit, rules: Sequence[HabitRule]
) -> list[tuple[PlanContent, Planned]]:
    """Plan a day once by a habit's prices, and keep it within the bounds of each of some rules."""
    first = HabitDay(replace(habit, rule=rules[0]), county.fleet)
    dear = first.price(day)
    found = county.solve(dear, first.start(dear))
    made = []
    for rule in rules:
        ours = replace(habit, rule=rule)
        kept, notes = HabitDay(ours, county.fleet).keep(dear, found)
        content = county.content(when, dear, kept)
        undone = sum(notes["undone"].values())
        made.append((content, _planned(content, ours, undone, notes["exceeded_count"])))
    return made


def _planned(content: PlanContent, habit: Habit, undone: int = 0, exceeded: int = 0) -> Planned:
    steady = measure([DrivenRoute.of(route) for route in content.routes], habit).day
    return Planned(content.cost_fen, len(content.routes), len(content.reasons), steady, undone, exceeded)


def figures(planned: Sequence[Planned]) -> dict[str, Any]:
    """Return the means of some days."""
    steady = [one.steady for one in planned]
    known, habitual = sum(one.known for one in steady), sum(one.habitual for one in steady)
    shifts = [one.median_shift_s for one in steady if one.median_shift_s is not None]
    return {
        "cost_fen": round(fmean(one.cost_fen for one in planned)),
        "routes": round(fmean(one.routes for one in planned), 1),
        "left_out": sum(one.left_out for one in planned),
        "habitual_share": round(habitual / max(1, known), 4),
        "ordered_share": round(sum(one.ordered for one in steady) / max(1, habitual), 4),
        "shifted_share": round(sum(one.shifted for one in steady) / max(1, sum(one.timed for one in steady)), 4),
        "median_shift_min": round(fmean(shifts) / 60, 1) if shifts else None,
        "undone": sum(one.undone for one in planned),
        "exceeded": sum(one.exceeded for one in planned),
    }


def make_habits(county: County) -> tuple[Habit, Habit, Territory, float]:
    """Return the designed and the learned habit, the territory, and the seconds designing took."""
    history, demand = [], []
    for when in workdays(HISTORY, 10):
        day = county.problem(when)
        content = county.content(when, day, county.solve(day, None))
        history.append(driven(when, content))
        demand.append(_stops_by_place(day))
    count = round(fmean(len(one.routes) for one in history))
    began = time.perf_counter()
    territory = design_territory(
        county.region, demand, county.fleet, count, driven=history, parcels_per_stop=2.7, seed=county.seed
    )
    seconds = time.perf_counter() - began
    designed = _habit(1, territory.sections)
    week = []
    for when in workdays(LEARNING, 5):
        content, _ = plan_with(county, when, county.problem(when), designed, [UNBOUNDED])[0]
        week.append(driven(when, content))
    designed = replace(designed, sections=learn_hours(designed.sections, week))
    return designed, _habit(2, learn_sections(history)), territory, seconds


def _habit(number: int, sections: tuple[Section, ...]) -> Habit:
    return Habit(f"habit-{number}", number, "demo", HISTORY, None, HabitRule(), sections)


def _stops_by_place(day: DayProblem) -> dict[str, float]:
    found: dict[str, float] = {}
    for stop in day.stops:
        found[stop.place_id] = found.get(stop.place_id, 0.0) + 1.0
    return found


def run(county: County) -> dict[str, Any]:
    """Plan every day every way."""
    designed, learned, territory, seconds = make_habits(county)
    ways: dict[str, list[Planned]] = {}
    for when in workdays(DAYS, 10):
        day = county.problem(when)
        content = county.content(when, day, county.solve(day, None))
        ways.setdefault("0", []).append(_planned(content, designed))
        begun = HabitDay(designed, county.fleet)
        started = county.content(when, day, county.solve(day, begun.start(day)))
        ways.setdefault("0, habit's first plan", []).append(_planned(started, designed))
        for price in PRICES:
            rules = [replace(UNBOUNDED, territory_fen=price)]
            rules += [BOUNDED] if price == BOUNDED.territory_fen else []
            made = plan_with(county, when, day, designed, rules)
            ways.setdefault(str(price), []).append(made[0][1])
            if len(made) > 1:
                ways.setdefault(f"{price} with bounds", []).append(made[1][1])
        _, by_history = plan_with(county, when, day, learned, [BOUNDED])[0]
        ways.setdefault("300 with bounds, learned", []).append(by_history)
        print(when, {name: round(days[-1].cost_fen / 100) for name, days in ways.items()}, file=sys.stderr, flush=True)
    return {
        "sections": len(designed.sections),
        "design_seconds": round(seconds, 1),
        "territory": territory.document(),
        "bounded_rule": BOUNDED.as_dict(),
        "ways": {name: figures(days) for name, days in ways.items()},
    }


def passed(ways: dict[str, dict[str, Any]]) -> bool:
    """Tell whether stability grows with the price, within a point, and nothing is left out."""
    shares = [ways[name]["habitual_share"] for name in ("0", *map(str, PRICES))]
    rising = all(later >= earlier - 0.01 for earlier, later in pairwise(shares))
    return rising and all(one["left_out"] == ways["0"]["left_out"] for one in ways.values())


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--region-root", type=Path, help="folder of imported regions; the demo county when absent")
    parser.add_argument("--region", default="demo")
    parser.add_argument("--parcels", type=int, default=3_000)
    parser.add_argument("--iterations", type=int, default=20_000, help="steps of the search for each plan")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path, help="the trade-off curve")
    options = parser.parse_args(arguments)
    warm_up()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        store = RegionStore(options.region_root or Path(folder))
        region = store.load(options.region) if options.region_root else store.build_demo(options.region)
        fleet = demo_fleet(region.name, options.parcels)
        matrices = MatrixStore(Path(folder) / "matrices")
        county = County(region, fleet, options.parcels, matrices, options.iterations, options.seed)
        document = run(county)
    document = {
        "machine": f"{platform.machine()} {platform.processor()}",
        "python": platform.python_version(),
        "region": options.region,
        "parcels": options.parcels,
        "iterations": options.iterations,
        "seed": options.seed,
        "seconds": round(time.perf_counter() - began),
        **document,
    }
    for row in [TRADE_OFF_COLUMNS, *trade_off_rows(document["ways"])]:
        print("  ".join(f"{cell!s:>12s}" for cell in row))
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False))
    if options.svg is not None:
        options.svg.write_text(trade_off_chart(document["ways"]), encoding="utf-8")
    return 0 if passed(document["ways"]) else 1


if __name__ == "__main__":
    sys.exit(main())
