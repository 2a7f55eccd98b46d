"""Planning by habit: published days teach it, a version in force prices the next day, and the plan says how steady."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from dispatch.habit.day import habit_of_day
from dispatch.habit.errors import HabitModelError
from dispatch.habit.rule import HabitRule
from dispatch.habit.service import HabitService
from dispatch.parcels.model import Parcel
from dispatch.plans.errors import PlanVersionNotFoundError
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.service import Planner
from kernel.progress import Progress
from routing.problem import Problem
from routing.solution import Result, Solution


class PatientSolver:
    """A solver that takes the first plan it is given, and remembers what it was asked."""

    def __init__(self, otherwise: Callable[..., Result]) -> None:
        self.otherwise = otherwise
        self.problems: list[Problem] = []

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
        """Give the first plan back; search where there is none."""
        self.problems.append(problem)
        if initial is None:
            return self.otherwise(problem, seconds, seed=seed, threads=threads, progress=progress, initial=initial)
        return Result(initial, 0, 0, 1, 0.0, seed, threads)


@pytest.fixture
def steady_office(two_villages_one_bridge, search) -> tuple[Any, PatientSolver, HabitService]:
    """Give the office a planner that knows habit, and its service."""
    office = two_villages_one_bridge
    solver = PatientSolver(search)
    matrices = MatrixStore(office.folder / "matrices")
    office.planner = Planner(
        office.database, office.shelf, office.ids, office.clock, matrices, solver, {}, habits=habit_of_day
    )
    return office, solver, HabitService(office.database, office.ids, office.clock)


def _published(office, day, **parcels: int) -> str:
    """Plan and publish a day with so many new doors in each village, those of the days before delivered."""
    with office.database.begin() as session:
        session.execute(update(Parcel).values(region="elsewhere"))
    for place, count in parcels.items():
        lon = {"upper": 110.05, "lower": 110.10}[place]
        for _ in range(count):
            office.add_parcels(1, place_id=place, lon=lon + office.made * 0.0001, lat=27.05, due_day=day)
    made = office.planner.make_plan("valley", day, actor="user:t")
    return office.planner.publish(made.version_id, actor="user:t").version_id


def test_published_days_teach_habit_and_habit_prices_the_next(steady_office, day) -> None:
    """After two published days the villages belong to who came; the next plan is priced by it and says how steady."""
    office, solver, service = steady_office
    region = office.shelf.load("valley")
    for ahead in (0, 1):
        _published(office, day + timedelta(days=ahead), upper=3, lower=2)
    made = service.learn(region, day + timedelta(days=2), actor="user:t", rule=HabitRule(territory_fen=500))
    assert made.figures["days"] == 2
    service.accept(made.id, actor="user:t")
    version_id = _published(office, day + timedelta(days=2), upper=2, lower=2)
    assert solver.problems[1].task_prices is None
    assert solver.problems[-1].task_prices is not None
    found = service.of_version(version_id)
    assert (found["basis"], found["known"], found["habitual_share"]) == ("habit 1", 4, 1.0)
    assert found["planned_with"]["rule"]["territory_fen"] == 500
    assert found["exceeded_count"] == len(found["planned_with"]["exceeded"])


def test_the_plans_cost_holds_no_price_of_habit(steady_office, day) -> None:
    """What a plan costs is what is paid: terms of routes add up, prices of habit are not among them."""
    office, _, service = steady_office
    _published(office, day, upper=3)
    learned = service.learn(
        office.shelf.load("valley"), day + timedelta(days=1), actor="user:t", rule=HabitRule(territory_fen=90_000)
    )
    service.accept(learned.id, actor="user:t")
    made = office.planner.make_plan("valley", day + timedelta(days=1), actor="user:t")
    assert made.cost_fen == sum(made.cost.values())
    assert made.cost_fen < 90_000


def test_stability_over_days_compares_with_the_weeks_before(steady_office, day) -> None:
    """Without a habit in force each day is compared with what the days before it taught; the first with nothing."""
    office, _, service = steady_office
    for ahead in range(3):
        _published(office, day + timedelta(days=ahead), upper=2, lower=2)
    days = service.over_days("valley", day, day + timedelta(days=9))
    assert [one["day"] for one in days] == [(day + timedelta(days=ahead)).isoformat() for ahead in (1, 2)]
    assert {one["basis"] for one in days} == {"history"}
    assert all(one["habitual_share"] is not None for one in days)


def test_a_first_day_has_nothing_to_be_compared_with(steady_office, day) -> None:
    """Asking how steady the first plan ever is says what is missing; an unknown plan is not found."""
    office, _, service = steady_office
    version_id = _published(office, day, upper=1)
    with pytest.raises(HabitModelError, match="no habit on"):
        service.of_version(version_id)
    with pytest.raises(PlanVersionNotFoundError):
        service.of_version("none")


def test_a_published_plan_stays_when_habit_changes(steady_office, day) -> None:
    """Accepting a habit does not touch what couriers drive by today."""
    office, _, service = steady_office
    version_id = _published(office, day, upper=2)
    before = service.learn(office.shelf.load("valley"), day + timedelta(days=1), actor="user:t")
    service.accept(before.id, actor="user:t")
    again = office.planner.publish(version_id, actor="user:t")
    assert again.published
    assert again.statistics.get("habit") is None
