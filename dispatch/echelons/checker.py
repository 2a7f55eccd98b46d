"""Judge a two-echelon plan from its problem alone: every rule and every cost, in plain Python.

Nothing here is shared with the search. A parcel's way is followed: the run leaves the centre, calls, is unloaded,
the batch is sorted after the one before it, the courier leaves with it, serves every stop within its windows, is back
before the run to the centre calls, and the run arrives before the line-haul's cut-off.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from dispatch.echelons.plan import CourierRoute, TrunkRun, TwoEchelonPlan
from dispatch.echelons.problem import TwoEchelonProblem
from routing.problem import UNREACHABLE


class EchelonRule(StrEnum):
    """Each way in which a plan can break its problem's rules."""

    TASK_TWICE = "task_twice"
    """A task is on two routes, or on a route and among the unassigned."""
    TASK_LOST = "task_lost"
    """A task is neither on a route nor among the unassigned."""
    REQUIRED_LEFT_OUT = "required_left_out"
    """A required task is among the unassigned."""
    UNKNOWN = "unknown"
    """The plan names a depot, task, run or kind that does not exist."""
    RUN_TIMES = "run_times"
    """A run is somewhere earlier than it can be, or a timetabled one elsewhere than its timetable says."""
    RUN_LATE = "run_late"
    """A run back arrives after the line-haul's cut-off."""
    RUN_OVERLOAD = "run_overload"
    """More on a run than fits."""
    TRUNKS_EXCEEDED = "trunks_exceeded"
    """More runs of a kind at once than there are vehicles, or a timetabled run used twice."""
    FREIGHT_MISMATCH = "freight_mismatch"
    """What runs carry for a task is not what it gets or gives, or goes to another depot than its route starts at."""
    NOT_SORTED = "not_sorted"
    """A courier leaves before the freight is sorted."""
    BACK_TOO_LATE = "back_too_late"
    """A courier returns with collections after their run has called."""
    VEHICLES_EXCEEDED = "vehicles_exceeded"
    """More couriers' vehicles of a kind, or at a depot, than there are."""
    ROUTE_OVERLOAD = "route_overload"
    """More on board than fits."""
    ROUTE_TIMES = "route_times"
    """A window, a shift or the plan's own times are not kept."""
    ROUTE_LIMIT = "route_limit"
    """Too far or too many stops for the vehicle."""
    DEPOT_CAPACITY = "depot_capacity"
    """More passes a depot than it holds."""
    COST = "cost"
    """A cost of the plan is not what its runs and routes cost."""


@dataclass(frozen=True)
class EchelonViolation:
    """One broken rule, with a sentence for people."""

    rule: EchelonRule
    message: str


def check_two_echelon(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> tuple[EchelonViolation, ...]:
    """Return every broken rule of a plan; none when it holds."""
    unknown = list(_names(problem, plan))
    if unknown:
        return tuple(unknown)
    found = [
        *_tasks(problem, plan),
        *_runs(problem, plan),
        *_freight(problem, plan),
        *_routes(problem, plan),
        *_costs(problem, plan),
    ]
    return tuple(found)


def _names(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> Iterator[EchelonViolation]:
    trunks = {kind.id for kind in problem.trunks}
    timetable = {run.id for run in problem.timetable}
    for number, run in enumerate(plan.runs):
        if run.kind not in (timetable if run.timetabled else trunks):
            yield EchelonViolation(EchelonRule.UNKNOWN, f"run {number} is of the unknown kind {run.kind}")
        if any(not 0 <= depot < len(problem.depots) for depot in run.depots) or len(run.depots) != len(run.calls_s):
            yield EchelonViolation(EchelonRule.UNKNOWN, f"run {number} calls at an unknown depot")
    for one in plan.carriages:
        if not (0 <= one.run < len(plan.runs) and 0 <= one.task < len(problem.tasks)):
            yield EchelonViolation(EchelonRule.UNKNOWN, f"a carriage names run {one.run} and task {one.task}")
    for number, route in enumerate(plan.routes):
        tasks = (0 <= task < len(problem.tasks) for task in route.tasks)
        if not (0 <= route.kind < len(problem.couriers) and 0 <= route.depot < len(problem.depots) and all(tasks)):
            yield EchelonViolation(EchelonRule.UNKNOWN, f"route {number} names what does not exist")


def _tasks(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> Iterator[EchelonViolation]:
    seen = Counter(task for route in plan.routes for task in route.tasks)
    seen.update(plan.unassigned)
    for index, task in enumerate(problem.tasks):
        if seen[index] > 1:
            yield EchelonViolation(EchelonRule.TASK_TWICE, f"task {task.id} is planned {seen[index]} times")
        if not seen[index]:
            yield EchelonViolation(EchelonRule.TASK_LOST, f"task {task.id} is nowhere in the plan")
    for index in plan.unassigned:
        if problem.tasks[index].required:
            yield EchelonViolation(EchelonRule.REQUIRED_LEFT_OUT, f"task {problem.tasks[index].id} must be served")


def _runs(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> Iterator[EchelonViolation]:
    for number, run in enumerate(plan.runs):
        wrong = _timetable_fault(problem, run) if run.timetabled else _driving_fault(problem, run)
        if wrong:
            yield EchelonViolation(EchelonRule.RUN_TIMES, f"run {number} ({run.kind}): {wrong}")
        if run.direction == "back" and problem.back_by_s is not None and run.ends_s > problem.back_by_s:
            late_s = run.ends_s - problem.back_by_s
            yield EchelonViolation(EchelonRule.RUN_LATE, f"run {number} arrives {late_s} s after the cut-off")
    together = Counter((run.kind, run.direction) for run in plan.runs if not run.timetabled)
    for trunk in problem.trunks:
        if max(together[trunk.id, "out"], together[trunk.id, "back"]) > trunk.count:
            yield EchelonViolation(EchelonRule.TRUNKS_EXCEEDED, f"more than {trunk.count} of {trunk.id} at once")
    for name, times in Counter(run.kind for run in plan.runs if run.timetabled).items():
        if times > 1:
            yield EchelonViolation(EchelonRule.TRUNKS_EXCEEDED, f"timetabled run {name} is used {times} times")


def _timetable_fault(problem: TwoEchelonProblem, run: TrunkRun) -> str:
    listed = next(one for one in problem.timetable if one.id == run.kind)
    if listed.outward != (run.direction == "out"):
        return "it runs the other way"
    calls = dict(listed.calls)
    for depot, call in zip(run.depots, run.calls_s, strict=True):
        if calls.get(depot) != call:
            return f"it does not call at {problem.depots[depot].id} at {call}"
    centre_s = run.starts_s if listed.outward else run.ends_s
    return "" if centre_s == listed.centre_s else "it is at the centre at another time"


def _driving_fault(problem: TwoEchelonProblem, run: TrunkRun) -> str:
    trunk = next(one for one in problem.trunks if one.id == run.kind)
    if run.direction == "out" and run.starts_s < trunk.depart_s:
        return "it leaves before the freight is ready"
    if run.starts_s < 0:
        return "it would have to leave the day before"
    roads = problem.profiles[trunk.profile]
    here, clock, metres = problem.centre, run.starts_s, 0
    for depot, call in zip(run.depots, run.calls_s, strict=True):
        there = problem.depots[depot].location
        clock += int(roads.duration_s[here, there])
        metres += int(roads.distance_m[here, there])
        if call < clock:
            return f"it is at {problem.depots[depot].id} {clock - call} s too early"
        clock, here = call + problem.depots[depot].unload_s, there
    clock += int(roads.duration_s[here, problem.centre])
    metres += int(roads.distance_m[here, problem.centre])
    if max(clock, metres) >= UNREACHABLE:
        return "there is no road"
    if run.ends_s < clock:
        return f"it is back {clock - run.ends_s} s too early"
    return "" if run.distance_m == metres else f"it drives {metres} m, not {run.distance_m} m"


def _freight(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> Iterator[EchelonViolation]:
    depot_of = {task: route.depot for route in plan.routes for task in route.tasks}
    carried: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0] * len(problem.dimensions))
    on_run: dict[int, list[int]] = defaultdict(lambda: [0] * len(problem.dimensions))
    for one in plan.carriages:
        run = plan.runs[one.run]
        if depot_of.get(one.task) not in run.depots:
            name = problem.tasks[one.task].id
            yield EchelonViolation(EchelonRule.FREIGHT_MISMATCH, f"run {one.run} does not call where {name} is served")
        for dimension, amount in enumerate(one.amount):
            carried[one.task, run.direction][dimension] += amount
            on_run[one.run][dimension] += amount
            if amount < 0:
                yield EchelonViolation(EchelonRule.FREIGHT_MISMATCH, f"run {one.run} carries less than nothing")
    for task, depot in depot_of.items():
        through = not problem.depots[depot].direct
        for direction, whole in (("out", problem.tasks[task].delivery), ("back", problem.tasks[task].pickup)):
            wanted = list(whole) if through else [0] * len(whole)
            if carried[task, direction] != wanted:
                text = f"{problem.tasks[task].id}: runs {direction} carry {carried[task, direction]}, not {wanted}"
                yield EchelonViolation(EchelonRule.FREIGHT_MISMATCH, text)
    for number, load in on_run.items():
        if any(have > room for have, room in zip(load, _room(problem, plan.runs[number]), strict=True)):
            yield EchelonViolation(EchelonRule.RUN_OVERLOAD, f"run {number} carries {load}")
    yield from _depot_loads(problem, plan)


def _room(problem: TwoEchelonProblem, run: TrunkRun) -> tuple[int, ...]:
    if run.timetabled:
        return next(one.capacity for one in problem.timetable if one.id == run.kind)
    return next(one.capacity for one in problem.trunks if one.id == run.kind)


def _depot_loads(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> Iterator[EchelonViolation]:
    for depot, one in enumerate(problem.depots):
        tasks = [task for route in plan.routes if route.depot == depot for task in route.tasks]
        for dimension, room in enumerate(one.capacity or ()):
            if sum(problem.tasks[task].delivery[dimension] for task in tasks) > room:
                yield EchelonViolation(EchelonRule.DEPOT_CAPACITY, f"depot {one.id} holds less than passes")


def _routes(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> Iterator[EchelonViolation]:
    released = _released(problem, plan)
    leaves = _collection_calls(problem, plan)
    for number, route in enumerate(plan.routes):
        for rule, text in _route_faults(problem, route):
            yield EchelonViolation(rule, f"route {number}: {text}")
        late = [task for task in route.tasks if released.get(task, 0) > route.start_s]
        if late:
            yield EchelonViolation(EchelonRule.NOT_SORTED, f"route {number} leaves before {problem.tasks[late[0]].id}")
        missed = [task for task in route.tasks if any(problem.tasks[task].pickup) and leaves[task] < route.end_s]
        if missed:
            name = problem.tasks[missed[0]].id
            yield EchelonViolation(EchelonRule.BACK_TOO_LATE, f"route {number} is back too late with {name}")
    used = Counter(route.kind for route in plan.routes)
    for kind, courier in enumerate(problem.couriers):
        if used[kind] > courier.count:
            text = f"{used[kind]} vehicles of {courier.id}, there are {courier.count}"
            yield EchelonViolation(EchelonRule.VEHICLES_EXCEEDED, text)
    at = Counter(route.depot for route in plan.routes)
    for depot, one in enumerate(problem.depots):
        if one.most_vehicles is not None and at[depot] > one.most_vehicles:
            yield EchelonViolation(EchelonRule.VEHICLES_EXCEEDED, f"{at[depot]} vehicles at depot {one.id}")


def _released(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> dict[int, int]:
    """Follow the batches through sorting; give when each task's last part is ready."""
    depot_of = {task: route.depot for route in plan.routes for task in route.tasks}
    batches = _batches(plan, depot_of)
    queues: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for depot, number in batches:
        run = plan.runs[number]
        if depot in run.depots:
            queues[depot].append((run.calls_s[run.depots.index(depot)], number))
    ready: dict[int, int] = {}
    for depot, queue in queues.items():
        at, free_s = problem.depots[depot], 0
        for call, number in sorted(queue):
            free_s = max(free_s, call + at.unload_s)
            if at.sorted_per_hour is not None:
                units = sum(amount for _, amount in batches[depot, number])
                free_s += (units * 3600 + at.sorted_per_hour - 1) // at.sorted_per_hour
            for task, _ in batches[depot, number]:
                ready[task] = max(ready.get(task, 0), free_s)
    for task, depot in depot_of.items():
        if problem.depots[depot].direct and any(problem.tasks[task].delivery):
            ready[task] = problem.centre_ready_s
    return ready


def _batches(plan: TwoEchelonPlan, depot_of: dict[int, int]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return what each run unloads at each depot: (task, units of the last dimension)."""
    batches: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for one in plan.carriages:
        if plan.runs[one.run].direction == "out" and one.task in depot_of:
            batches[depot_of[one.task], one.run].append((one.task, one.amount[-1]))
    return batches


def _collection_calls(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> dict[int, float]:
    """Return when the first run that takes a task's collections calls; without limit where nothing limits it."""
    calls: dict[int, float] = defaultdict(lambda: float("inf"))
    depot_of = {task: route.depot for route in plan.routes for task in route.tasks}
    for one in plan.carriages:
        run = plan.runs[one.run]
        depot = depot_of.get(one.task)
        if run.direction == "back" and depot in run.depots:
            calls[one.task] = min(calls[one.task], run.calls_s[run.depots.index(depot)])
    for task, depot in depot_of.items():
        if problem.depots[depot].direct and problem.back_by_s is not None:
            calls[task] = problem.back_by_s
    return calls


def _route_faults(problem: TwoEchelonProblem, route: CourierRoute) -> Iterator[tuple[EchelonRule, str]]:
    kind, roads = problem.couriers[route.kind], problem.profiles[problem.couriers[route.kind].profile]
    home = problem.depots[route.depot].location
    here, clock, metres = home, route.start_s, 0
    load = [sum(problem.tasks[task].delivery[d] for task in route.tasks) for d in range(len(problem.dimensions))]
    peak = list(load)
    for index in route.tasks:
        task = problem.tasks[index]
        clock += int(roads.duration_s[here, task.location])
        metres += int(roads.distance_m[here, task.location])
        start = next((max(clock, opens) for opens, closes in task.windows if clock <= closes), None)
        if start is None:
            yield EchelonRule.ROUTE_TIMES, f"{task.id} is reached after its last window"
        # Two stops at one place are set up for once.
        setup_s = 0 if here == task.location and index != route.tasks[0] else task.setup_s
        clock, here = (clock if start is None else start) + setup_s + task.service_s, task.location
        for d in range(len(load)):
            load[d] += task.pickup[d] - task.delivery[d]
            peak[d] = max(peak[d], load[d])
    clock += int(roads.duration_s[here, home])
    metres += int(roads.distance_m[here, home])
    if clock > route.end_s or metres != route.distance_m:
        yield EchelonRule.ROUTE_TIMES, f"it ends at {clock} after {metres} m, not as planned"
    if route.start_s < kind.shift_start_s or route.end_s > kind.shift_end_s or metres >= UNREACHABLE:
        yield EchelonRule.ROUTE_TIMES, "it leaves its shift or the road"
    if any(have > room for have, room in zip(peak, kind.capacity, strict=True)):
        yield EchelonRule.ROUTE_OVERLOAD, f"{peak} on board of {kind.id}"
    too_far = kind.max_distance_m is not None and metres > kind.max_distance_m
    if too_far or (kind.max_tasks is not None and len(route.tasks) > kind.max_tasks):
        yield EchelonRule.ROUTE_LIMIT, f"{metres} m and {len(route.tasks)} stops"


def _costs(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> Iterator[EchelonViolation]:
    for name, stated, real in (
        ("trunk", plan.trunk_cost, _trunk_cost(problem, plan)),
        ("route", plan.route_cost, sum(_route_cost(problem, route) for route in plan.routes)),
        ("depot", plan.depot_cost, _depot_cost(problem, plan)),
        ("left out", plan.left_out_cost, _left_out_cost(problem, plan)),
    ):
        if stated != real:
            yield EchelonViolation(EchelonRule.COST, f"the {name} cost is {real}, not {stated}")


def _trunk_cost(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> int:
    prices = {run.id: run.price for run in problem.timetable}
    total = sum(prices[run.kind] for run in plan.runs if run.timetabled)
    for trunk in problem.trunks:
        mine = [run for run in plan.runs if run.kind == trunk.id and not run.timetabled]
        total += sum(run.distance_m * trunk.cost_per_m + (run.ends_s - run.starts_s) * trunk.cost_per_s for run in mine)
        out = sum(run.direction == "out" for run in mine)
        total += trunk.fixed_cost * max(out, len(mine) - out)
    return total


def _route_cost(problem: TwoEchelonProblem, route: CourierRoute) -> int:
    kind = problem.couriers[route.kind]
    return kind.fixed_cost + route.distance_m * kind.cost_per_m + (route.end_s - route.start_s) * kind.cost_per_s


def _depot_cost(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> int:
    total = sum(problem.depots[depot].open_cost for depot in {route.depot for route in plan.routes})
    for route in plan.routes:
        for task in route.tasks:
            units = problem.tasks[task].delivery[-1] + problem.tasks[task].pickup[-1]
            total += units * problem.depots[route.depot].unit_cost
    return total


def _left_out_cost(problem: TwoEchelonProblem, plan: TwoEchelonPlan) -> int:
    return sum(problem.tasks[task].prize for task in plan.unassigned if not problem.tasks[task].required)
