"""A day keeps within its master routes: prices weigh in the search, bounds hold after it, the rest is listed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.habit.day import HabitDay
from dispatch.habit.keeping import keep_habit
from dispatch.habit.pricing import habitual_start, owners_of_places, priced
from dispatch.habit.rule import HabitRule
from routing import solve
from routing.checker import check
from routing.problem import fen
from routing.solution import Solution
from routing.stop import MaxIterations

HOUR = 3600


def _owners(county, habit):
    return owners_of_places(habit, county.fleet)


def _orders(day, **routes: str) -> Solution:
    """Give a plan by vehicle and places, `van_1="a1 a2"`."""
    number = {vehicle.id.replace("-", "_"): at for at, vehicle in enumerate(day.vehicles)}
    task = {stop.place_id: at for at, stop in enumerate(day.stops)}
    orders = [[task[place] for place in places.split()] for places in routes.values()]
    return Solution.from_orders(day.problem, orders, [number[name] for name in routes])


def _places(day, solution: Solution) -> dict[str, str]:
    """Give back the plan as `_orders` takes it."""
    return {
        day.vehicles[route.vehicle].id: " ".join(day.stops[task].place_id for task in route.tasks)
        for route in solution.routes
    }


def test_leaving_a_section_has_its_price(two_valleys) -> None:
    """The checker finds the territory price for each stop away from home, and none at home."""
    day = priced(two_valleys.problem(["a1", "a2", "b1"]), _owners(two_valleys, two_valleys.habit()), 300)
    assert check(day.problem, _orders(day, van_1="a1 a2", van_2="b1")).cost.territory == 0
    assert check(day.problem, _orders(day, van_2="a1 a2 b1")).cost.territory == 2 * fen(300)
    assert check(day.problem, _orders(day, van_3="a1 a2 b1")).cost.territory == 3 * fen(300)


def test_a_price_of_zero_changes_nothing(two_valleys) -> None:
    """Without a price the solver gets the very same problem."""
    day = two_valleys.problem(["a1", "b1"])
    assert priced(day, _owners(two_valleys, two_valleys.habit()), 0) is day
    free = replace(two_valleys.habit(), rule=HabitRule.given({"territory_fen": 0}))
    assert HabitDay(free, two_valleys.fleet).start(day) is None


def test_vehicles_keep_their_meaning_when_types_are_split(two_valleys) -> None:
    """Every vehicle number still stands for one vehicle with its own limits."""
    day = priced(two_valleys.problem(["a1", "b1"]), _owners(two_valleys, two_valleys.habit()), 300)
    assert sorted(vehicle.id for vehicle in day.vehicles) == ["van-1", "van-2", "van-3"]
    assert [day.type_of(number).id for number in range(3)] == ["van", "van", "van"]
    assert day.problem.vehicle_count == 3


def test_the_search_follows_the_price(two_valleys) -> None:
    """One van would do all more cheaply; from a price on each courier keeps the own villages."""
    county = two_valleys
    plain = county.problem(["a1", "b1", "a2", "b2"])
    free = solve(plain.problem, MaxIterations(300), 1).solution
    assert len(free.routes) == 1
    day = priced(plain, _owners(county, county.habit()), 2_000)
    start = habitual_start(day, _owners(county, county.habit()))
    found = solve(day.problem, MaxIterations(300), 1, start).solution
    assert _places(day, start) == {"van-1": "a1 a2", "van-2": "b1 b2"}
    assert check(day.problem, found).cost.territory == 0


def test_bound_brings_the_cheapest_stops_back(two_valleys) -> None:
    """Of four villages on the wrong van, as many go home as the bound wants, whatever they cost."""
    habit = two_valleys.habit(HabitRule(most_moved_percent=25))
    day = priced(two_valleys.problem(["a1", "a2", "a3", "a4", "b1"]), _owners(two_valleys, habit), 1)
    kept = keep_habit(day, _orders(day, van_2="b1 a1 a2 a3 a4"), _owners(two_valleys, habit), habit.rule)
    report = check(day.problem, kept.solution)
    assert report.feasible
    assert kept.undone["courier"] == 3
    assert report.cost.territory == fen(1)
    assert kept.exceeded == ()
    assert kept.cost_fen > 0


def test_what_cannot_come_back_is_listed_with_the_rule(small_vans) -> None:
    """A van that holds two parcels takes no third: the stop stays away, named with reason and remedy."""
    county = small_vans(capacity=2)
    habit = county.habit(HabitRule(most_moved_percent=0))
    day = priced(county.problem(["a1", "a2", "a3"]), _owners(county, habit), 300)
    kept = keep_habit(day, _orders(day, van_1="a1 a2", van_2="a3"), _owners(county, habit), habit.rule)
    (one,) = kept.exceeded
    assert (one.kind, one.section, one.place_id, one.reason, one.amount) == ("courier", 1, "a3", "overload", 1)
    assert "larger vehicle" in one.as_dict()["remedy"]
    assert _places(day, kept.solution) == {"van-1": "a1 a2", "van-2": "a3"}


def test_order_is_restored_where_it_is_cheap(two_valleys) -> None:
    """Driving out in the usual order costs nothing more here, so the courier gets it."""
    habit = two_valleys.habit()
    day = two_valleys.problem(["a1", "a2", "a3"])
    kept = keep_habit(day, _orders(day, van_1="a3 a2 a1"), _owners(two_valleys, habit), habit.rule)
    assert _places(day, kept.solution) == {"van-1": "a1 a2 a3"}
    assert kept.undone["order"] == 2


def test_a_dear_order_is_kept_only_within_the_bound(two_valleys) -> None:
    """A detour dearer than its price is left alone, until the bound wants it undone."""
    day = two_valleys.problem(["a1", "a2", "b1"])
    west, east = two_valleys.habit().sections
    odd = (west.stops[0], east.stops[0], west.stops[1])
    rule = HabitRule(order_fen=1, most_reordered_percent=100)
    habit = replace(two_valleys.habit(rule), sections=(replace(west, stops=odd),))
    plan = _orders(day, van_1="a1 a2 b1")
    loose = keep_habit(day, plan, _owners(two_valleys, habit), rule)
    assert _places(day, loose.solution) == {"van-1": "a1 a2 b1"}
    tight = keep_habit(day, plan, _owners(two_valleys, habit), replace(rule, most_reordered_percent=0))
    assert _places(day, tight.solution) == {"van-1": "a1 b1 a2"}
    assert tight.exceeded == ()


def test_an_order_that_a_window_forbids_is_listed(two_valleys) -> None:
    """A village that only opens early cannot come last: it is listed with the rule it would break."""
    day = two_valleys.problem(["a1", "a2", "a4"], a4=(8 * HOUR, 8 * HOUR + 900))
    habit = two_valleys.habit(HabitRule(most_reordered_percent=0))
    kept = keep_habit(day, _orders(day, van_1="a4 a2 a1"), _owners(two_valleys, habit), habit.rule)
    assert check(day.problem, kept.solution).feasible
    assert [(one.kind, one.place_id, one.reason) for one in kept.exceeded] == [("order", "a4", "late")]


def test_a_route_leaves_when_people_expect_it(two_valleys) -> None:
    """A route that would leave at eight leaves later, for its villages know it at half past nine."""
    usual = {"a1": 34_200, "a2": 34_600}
    habit = two_valleys.habit(HabitRule(tolerance_s=600), **usual)
    day = two_valleys.problem(["a1", "a2"])
    kept = keep_habit(day, _orders(day, van_1="a1 a2"), _owners(two_valleys, habit), habit.rule)
    assert kept.undone["arrival"] == 2
    assert abs(kept.solution.routes[0].start_s + 200 - 34_200) <= 600


def test_nobody_leaves_before_the_shift(two_valleys) -> None:
    """Villages usually reached before the shift begins today are listed, and the route leaves when it may."""
    habit = two_valleys.habit(HabitRule(tolerance_s=600, most_shifted_percent=0), a1=20_000, a2=20_400)
    day = two_valleys.problem(["a1", "a2"])
    kept = keep_habit(day, _orders(day, van_1="a1 a2"), _owners(two_valleys, habit), habit.rule)
    assert check(day.problem, kept.solution).feasible
    assert [(one.kind, one.place_id) for one in kept.exceeded] == [("arrival", "a1"), ("arrival", "a2")]


def test_hours_no_departure_can_keep_are_listed(two_valleys) -> None:
    """Villages usually reached hours apart cannot both be on time: what is beyond the bound is named."""
    habit = two_valleys.habit(HabitRule(tolerance_s=300, most_shifted_percent=0), a1=30_000, a2=50_000)
    day = two_valleys.problem(["a1", "a2"])
    kept = keep_habit(day, _orders(day, van_1="a1 a2"), _owners(two_valleys, habit), habit.rule)
    (one,) = kept.exceeded
    assert (one.kind, one.reason) == ("arrival", "day_differs")
    assert abs(one.amount) > 300


def test_absent_owners_and_unknown_places_are_told(two_valleys) -> None:
    """A section whose courier is ill costs nothing to leave, and the plan says so for each of its villages."""
    fleet = replace(two_valleys.fleet, vehicles=two_valleys.fleet.vehicles[1:])
    habit = two_valleys.habit()
    today = HabitDay(habit, fleet)
    day = today.price(replace(two_valleys, fleet=fleet).problem(["a1", "b1"]))
    assert check(day.problem, _orders(day, van_3="a1")).cost.territory == 0
    solution, notes = today.keep(day, _orders(day, van_2="a1 b1"))
    assert [(one["place_id"], one["reason"]) for one in notes["exceeded"]] == [("a1", "owner_absent")]
    assert solution.unassigned == ()
    partial = HabitDay(replace(habit, sections=habit.sections[1:]), two_valleys.fleet)
    assert partial.keep(day, _orders(day, van_2="a1 b1"))[1]["in_no_section"] == ["a1"]


@pytest.mark.parametrize("seed", range(6))
def test_keeping_never_breaks_a_rule_or_loses_a_stop(small_vans, seed: int) -> None:
    """From any plan that holds, what comes out holds, and every stop is where it can be accounted for."""
    import random

    luck = random.Random(seed)
    county = small_vans(capacity=6)
    usual = {place: luck.randrange(20_000, 70_000) for place in ("a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4")}
    habit = county.habit(HabitRule(most_moved_percent=10, most_reordered_percent=10), **usual)
    places = [luck.choice(list(usual)) for _ in range(10)]
    day = priced(county.problem(places), _owners(county, habit), 300)
    tasks = list(range(10))
    luck.shuffle(tasks)
    before = Solution.from_orders(day.problem, [tasks[:5], tasks[5:]], luck.sample(range(3), 2))
    assert check(day.problem, before).feasible
    kept = keep_habit(day, before, _owners(county, habit), habit.rule)
    report = check(day.problem, kept.solution)
    assert report.feasible
    assert sorted(task for route in kept.solution.routes for task in route.tasks) == sorted(tasks)
