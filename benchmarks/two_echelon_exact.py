"""What a 2E-VRP plan is measured against: an exact model for small instances, and a lower bound for all.

Both use the route-based formulation of Baldacci, Mingozzi, Roberti and Wolfler Calvo (2013): a column for each route
of the second echelon, an integer number of trucks on each tour over satellites, and the quantities they bring.

* Exact: every subset of at most a freighter's load is a route, its cost by dynamic programming over subsets (Held and
  Karp 1962). Up to about twelve customers.
* Bound: the linear relaxation over q-routes without two-cycles (Christofides, Mingozzi and Toth 1981), priced by
  dynamic programming over the load until no route has a negative reduced cost. Its value bounds every plan from below.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise, permutations
from math import inf

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from dispatch.echelons.problem import TwoEchelonProblem

FloatArray = NDArray[np.float64]
MOST_CUSTOMERS = 13


@dataclass(frozen=True)
class Classical:
    """The numbers of a classical instance: one load, one truck kind, one freighter kind, symmetric distances."""

    depot_to: FloatArray
    between: FloatArray
    to_customer: FloatArray
    customers: FloatArray
    demand: NDArray[np.int64]
    truck: tuple[int, int]
    freighter: tuple[int, int]

    @classmethod
    def of(cls, problem: TwoEchelonProblem) -> Classical:
        """Read the numbers off a classical problem."""
        way = problem.profiles[0].distance_m.astype(np.float64)
        places = [one.location for one in problem.depots]
        doors = [task.location for task in problem.tasks]
        truck, freighter = problem.trunks[0], problem.couriers[0]
        return cls(
            way[problem.centre, places] * truck.cost_per_m,
            way[np.ix_(places, places)] * truck.cost_per_m,
            way[np.ix_(places, doors)] * freighter.cost_per_m,
            way[np.ix_(doors, doors)] * freighter.cost_per_m,
            problem.deliveries[:, 0],
            (truck.count, truck.capacity[0]),
            (freighter.count, freighter.capacity[0]),
        )


def truck_tours(case: Classical) -> list[tuple[tuple[int, ...], float]]:
    """Return every set of satellites with the cheapest tour over it."""
    found = []
    for size in range(1, len(case.depot_to) + 1):
        for group in combinations(range(len(case.depot_to)), size):
            lengths = []
            for order in permutations(group):
                inner = sum(case.between[a, b] for a, b in pairwise(order))
                lengths.append(case.depot_to[order[0]] + inner + case.depot_to[order[-1]])
            found.append((group, float(min(lengths))))
    return found


def exact_cost(problem: TwoEchelonProblem) -> float | None:
    """Return the optimal cost of a small classical instance, None when HiGHS does not finish in ten minutes."""
    case = Classical.of(problem)
    columns = []
    masks, loads = _subsets(case)
    for satellite in range(len(case.depot_to)):
        cost = _tour_costs(case, satellite)
        columns += [
            (satellite, int(mask), float(cost[mask]), int(load)) for mask, load in zip(masks, loads, strict=True)
        ]
    tours = truck_tours(case)
    model = _rows(case, columns, tours)
    answer = milp(
        model.cost,
        integrality=model.whole,
        bounds=Bounds(np.zeros(len(model.cost)), model.high),
        constraints=LinearConstraint(model.matrix, model.low_row, model.high_row),
        options={"time_limit": 600.0, "mip_rel_gap": 0.0},
    )
    return float(answer.fun) if answer.status == 0 else None


def _subsets(case: Classical) -> tuple[list[int], list[int]]:
    count = len(case.demand)
    loads = np.zeros(1 << count, dtype=np.int64)
    for customer in range(count):
        loads[1 << customer : 1 << (customer + 1)] = loads[: 1 << customer] + case.demand[customer]
    fitting = np.flatnonzero((loads <= case.freighter[1]) & (np.arange(1 << count) > 0))
    return fitting.tolist(), loads[fitting].tolist()


def _tour_costs(case: Classical, satellite: int) -> FloatArray:
    count = len(case.demand)
    ends = np.full((1 << count, count), inf)
    for customer in range(count):
        ends[1 << customer, customer] = case.to_customer[satellite, customer]
    for mask in range(1, 1 << count):
        inside = [c for c in range(count) if mask >> c & 1]
        if len(inside) < 2:
            continue
        for last in inside:
            before = ends[mask ^ (1 << last)]
            ends[mask, last] = (before + case.customers[:, last]).min()
    return np.asarray((ends + case.to_customer[satellite][None, :]).min(axis=1), dtype=np.float64)


@dataclass(frozen=True)
class _Model:
    cost: FloatArray
    whole: NDArray[np.int64]
    high: FloatArray
    matrix: csr_array
    low_row: FloatArray
    high_row: FloatArray


def _rows(
    case: Classical, columns: list[tuple[int, int, float, int]], tours: list[tuple[tuple[int, ...], float]]
) -> _Model:
    """Build the model: rows are customers, freighters, trucks, satellites, tours."""
    customers, satellites = len(case.demand), len(case.depot_to)
    carried = [(tour, satellite) for tour, (group, _) in enumerate(tours) for satellite in group]
    entries: list[tuple[int, int, float]] = []
    for column, (satellite, mask, _, load) in enumerate(columns):
        entries += [(c, column, 1.0) for c in range(customers) if mask >> c & 1]
        entries += [(customers, column, 1.0), (customers + 2 + satellite, column, -float(load))]
    first_tour, first_part = len(columns), len(columns) + len(tours)
    tour_row = customers + 2 + satellites
    for tour in range(len(tours)):
        entries += [
            (customers + 1, first_tour + tour, 1.0),
            (tour_row + tour, first_tour + tour, -float(case.truck[1])),
        ]
    for part, (tour, satellite) in enumerate(carried):
        entries += [(customers + 2 + satellite, first_part + part, 1.0), (tour_row + tour, first_part + part, 1.0)]
    rows = tour_row + len(tours)
    r, c, v = zip(*entries, strict=True)
    low = np.full(rows, -np.inf)
    high = np.zeros(rows)
    low[:customers] = high[:customers] = 1.0
    high[customers], high[customers + 1] = case.freighter[0], case.truck[0]
    low[customers + 2 : tour_row] = 0.0
    cost = np.array([cost for _, _, cost, _ in columns] + [cost for _, cost in tours] + [0.0] * len(carried))
    whole = np.array([1] * first_part + [0] * len(carried))
    top = np.array([1.0] * first_tour + [float(case.truck[0])] * len(tours) + [np.inf] * len(carried))
    return _Model(cost, whole, top, csr_array((v, (r, c)), shape=(rows, len(cost))), low, high)


def lower_bound(problem: TwoEchelonProblem, most_rounds: int = 400) -> float:
    """Return a bound that no plan of a classical instance can go below."""
    case = Classical.of(problem)
    tours = truck_tours(case)
    count, satellites = len(case.demand), len(case.depot_to)
    routes: list[tuple[int, tuple[int, ...], float]] = [
        (s, (c,), 2 * float(case.to_customer[s, c])) for s in range(satellites) for c in range(count)
    ]
    known = {(s, path) for s, path, _ in routes}
    scale = float(case.to_customer.max())
    for _ in range(most_rounds):
        value, duals = _relaxed(case, tours, routes, scale)
        fresh = _price(case, duals)
        gains = [gain for _, _, _, gain in fresh]
        added = [(s, path, cost) for s, path, cost, gain in fresh if gain < -1e-6 * scale and (s, path) not in known]
        if not added:
            return value + min(0.0, *gains) * case.freighter[0]  # what rounding may still hide
        known.update((s, path) for s, path, _ in added)
        routes += added
    _, duals = _relaxed(case, tours, routes, scale)
    worst = min(gain for _, _, _, gain in _price(case, duals))
    return value + min(0.0, worst) * case.freighter[0]


@dataclass(frozen=True)
class _Duals:
    customer: FloatArray
    fleet: float
    satellite: FloatArray


def _relaxed(
    case: Classical,
    tours: list[tuple[tuple[int, ...], float]],
    routes: list[tuple[int, tuple[int, ...], float]],
    scale: float,
) -> tuple[float, _Duals]:
    customers, satellites = len(case.demand), len(case.depot_to)
    entries: list[tuple[int, int, float]] = []
    equal: list[tuple[int, int, float]] = []
    for column, (satellite, path, _) in enumerate(routes):
        for customer in path:
            equal.append((customer, column, 1.0))
        load = float(case.demand[list(path)].sum())
        entries += [(0, column, 1.0), (2 + satellite, column, load)]
    first = len(routes)
    room = float(min(case.truck[1], case.demand.sum()))  # no truck brings more than there is
    for tour in range(len(tours)):
        entries += [(1, first + tour, 1.0), (2 + satellites + tour, first + tour, -room)]
    carried = [(tour, satellite) for tour, (group, _) in enumerate(tours) for satellite in group]
    for part, (tour, satellite) in enumerate(carried):
        column = first + len(tours) + part
        entries += [(2 + satellite, column, -1.0), (2 + satellites + tour, column, 1.0)]
    # The first columns are out-and-back trips, more than there are freighters: more of them at a price, which only
    # relaxes the problem further, so the bound stays valid.
    entries.append((0, first + len(tours) + len(carried), -1.0))
    cost = np.array([c for _, _, c in routes] + [c for _, c in tours] + [0.0] * len(carried) + [10 * scale]) / scale
    rows = 2 + satellites + len(tours)
    bound = np.zeros(rows)
    bound[0], bound[1] = case.freighter[0], case.truck[0]
    # As many trucks as the whole demand needs: valid for whole numbers, and lifts the relaxation.
    needed = -(-int(case.demand.sum()) // case.truck[1])
    entries += [(rows, first + tour, -1.0) for tour in range(len(tours))]
    answer = linprog(
        cost,
        A_ub=_sparse(entries, rows + 1, len(cost)),
        b_ub=np.append(bound, -float(needed)),
        A_eq=_sparse(equal, customers, len(cost)),
        b_eq=np.ones(customers),
        method="highs",
    )
    upper = answer.ineqlin.marginals * scale
    return float(answer.fun) * scale, _Duals(answer.eqlin.marginals * scale, float(upper[0]), upper[2 : 2 + satellites])


def _sparse(entries: list[tuple[int, int, float]], rows: int, columns: int) -> csr_array:
    summed: dict[tuple[int, int], float] = {}
    for row, column, value in entries:
        summed[row, column] = summed.get((row, column), 0.0) + value
    places = np.array(list(summed))
    return csr_array((list(summed.values()), (places[:, 0], places[:, 1])), shape=(rows, columns))


def _price(case: Classical, duals: _Duals) -> list[tuple[int, tuple[int, ...], float, float]]:
    """Return promising routes of every satellite: path, real cost, reduced cost."""
    found = []
    for satellite in range(len(case.depot_to)):
        worth = duals.customer + duals.satellite[satellite] * case.demand
        ends, before, second = _walks(
            case.demand, case.freighter[1], case.to_customer[satellite], case.customers, worth
        )
        closed = ends + case.to_customer[satellite][None, :] - duals.fleet
        for customer in range(len(case.demand)):
            load = int(closed[:, customer].argmin())
            gain = float(closed[load, customer])
            if gain == inf:
                continue
            path = _trace(case.demand, before, second, load, customer)
            inner = sum(case.customers[a, b] for a, b in pairwise(path))
            cost = float(case.to_customer[satellite, path[0]] + inner + case.to_customer[satellite, path[-1]])
            found.append((satellite, path, cost, gain))
    return found


def _trace(
    demand: NDArray[np.int64], before: NDArray[np.int64], second: NDArray[np.int64], load: int, customer: int
) -> tuple[int, ...]:
    """Walk back; the second best predecessor is taken where the best would turn round at once."""
    path, banned = [customer], -1
    while True:
        here = path[-1]
        previous = int(before[load, here])
        if previous == banned and previous >= 0:
            previous = int(second[load, here])
        if previous < 0:
            return tuple(reversed(path))
        load, banned = load - int(demand[here]), here
        path.append(previous)


@njit(cache=True)
def _walks(
    demand: NDArray[np.int64], capacity: int, to: FloatArray, between: FloatArray, worth: FloatArray
) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.int64]]:
    """Compute the cheapest walk of each load to each end without two-cycles, with its predecessors.

    Shape (capacity + 1, customers) each; a predecessor of -1 means the walk begins there.
    """
    count = demand.shape[0]
    best = np.full((capacity + 1, count), np.inf)
    other = np.full((capacity + 1, count), np.inf)
    before = np.full((capacity + 1, count), -1, np.int64)
    second = np.full((capacity + 1, count), -1, np.int64)
    for load in range(1, capacity + 1):
        for here in range(count):
            rest = load - demand[here]
            if rest < 0:
                continue
            if rest == 0:
                best[load, here] = to[here] - worth[here]
                continue
            for last in range(count):
                if last == here:
                    continue
                value = other[rest, last] if before[rest, last] == here else best[rest, last]
                value += between[last, here] - worth[here]
                if value < best[load, here]:
                    other[load, here], second[load, here] = best[load, here], before[load, here]
                    best[load, here], before[load, here] = value, last
                elif value < other[load, here]:
                    other[load, here], second[load, here] = value, last
    return best, before, second
