"""A day's planning with habit: prices before the search, bounds after it, and what the plan came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from dispatch.fleet.fleet import Fleet
from dispatch.habit.keeping import Departure, Kept, keep_habit
from dispatch.habit.master import Habit
from dispatch.habit.pricing import habitual_start, owners_of_places, priced
from dispatch.habit.repository import HabitRepository
from dispatch.habit.stability import DrivenRoute, measure, owners_absent
from dispatch.plans.problem import DayProblem
from dispatch.plans.routes import PlannedRoute
from routing.solution import Solution

_MOST_LISTED: Final = 200


@dataclass(frozen=True)
class HabitDay:
    """A region's habit with the fleet of one day: what `dispatch.plans.service.DayHabit` asks for."""

    habit: Habit
    fleet: Fleet

    def price(self, day: DayProblem) -> DayProblem:
        """Return the day's problem with territory prices."""
        return priced(day, owners_of_places(self.habit, self.fleet), self.habit.rule.territory_fen)

    def start(self, day: DayProblem) -> Solution | None:
        """Return the plan habit alone would give, for the search to begin with; none while nothing is priced."""
        if not self.habit.rule.territory_fen:
            return None
        return habitual_start(day, owners_of_places(self.habit, self.fleet))

    def keep(self, day: DayProblem, solution: Solution) -> tuple[Solution, dict[str, Any]]:
        """Return the plan with departures undone that are not worth it, and what was done."""
        kept = keep_habit(day, solution, owners_of_places(self.habit, self.fleet), self.habit.rule)
        return kept.solution, self._notes(day, kept)

    def report(self, routes: Sequence[PlannedRoute]) -> dict[str, Any]:
        """Return how steady the plan is, by which habit."""
        steady = measure([DrivenRoute.of(route) for route in routes], self.habit)
        return {
            "version_id": self.habit.version_id,
            "number": self.habit.number,
            "rule": self.habit.rule.as_dict(),
            "stability": steady.as_dict(),
        }

    def _notes(self, day: DayProblem, kept: Kept) -> dict[str, Any]:
        absent = self._absent(day)
        exceeded = [one.as_dict() for one in (*absent, *kept.exceeded)]
        unknown = sorted({stop.place_id for stop in day.stops} - self.habit.sections_of.keys())
        return {
            "undone": dict(kept.undone),
            "undone_fen": kept.cost_fen,
            "exceeded": exceeded[:_MOST_LISTED],
            "exceeded_count": len(exceeded),
            "in_no_section": unknown[:_MOST_LISTED],
            "in_no_section_count": len(unknown),
        }

    def _absent(self, day: DayProblem) -> list[Departure]:
        """List the stops whose section has nobody on duty, and those no vehicle reaches today, one for each place."""
        away = {one.number for one in owners_absent(self.habit, self.fleet)}
        found: dict[str, Departure] = {}
        for stop in day.stops:
            sections = self.habit.sections_of.get(stop.place_id, ())
            if sections and all(one.number in away for one in sections):
                number = sections[0].number
                one = Departure("courier", number, stop.place_id, stop.key, "owner_absent")
                found.setdefault(stop.place_id, one)
        return list(found.values())


def habit_of_day(session: Session, region: str, day: date, fleet: Fleet) -> HabitDay | None:
    """Return what couriers are used to on a day, nothing where no habit is in force."""
    habit = HabitRepository(session).in_force(region, day)
    return None if habit is None else HabitDay(habit, fleet)
