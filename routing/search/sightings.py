"""Routes that searches pass through while they are cold: what a plan may be put together from.

A search keeps one plan and forgets the rest, but a corner of a plan it left behind may be better than what it has
there now. So the routes it passes through are noted, each with its price, and those of other searches of the same
tasks before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from routing.search.kernels import arrays as a
from routing.search.model import Model
from routing.search.pieces import Part
from routing.search.variants import kernels

FROM, EVERY = 0.5, 500
"""Fraction of an annealing from which on its routes are noted, hot ones being seldom good; iterations between looks."""
MOST = 30_000
"""Routes that are remembered; the oldest are forgotten first."""


class Sighting(NamedTuple):
    """A route for any vehicle of a kind: its tasks in driving order, and its price in cost units."""

    kind: int
    tasks: tuple[int, ...]
    cost: int


class RouteWatch:
    """Notes the routes one search passes through, in the numbers of its own problem."""

    begins, every = FROM, EVERY

    def __init__(self, model: Model) -> None:
        self.model = model
        self._seen: dict[tuple[int, bytes], int] = {}
        self._price: int = kernels(model.flags).PRICE

    def look(self, state: a.State) -> None:
        """Note the routes of the present plan, all but overloaded ones."""
        used = state.used_list[: int(state.info[a.NROUTES])]
        if state.info[a.OVERLOADED]:
            used = used[(state.load[used, :, 0] <= self.model.data.capacity[0]).all(axis=1)]
        figures = state.rint[used][:, [a.CLS, a.LEN, self._price]].tolist()
        for row, (c, length, cost) in zip(state.seq[used], figures, strict=True):
            self._seen[c, row[1 : length + 1].tobytes()] = cost

    def routes(self) -> Iterator[Sighting]:
        """Yield what was noted, in cost units of the problem."""
        for (c, order), cost in self._seen.items():
            tasks = tuple(np.frombuffer(order, dtype=np.int32).tolist())
            yield Sighting(self.model.classes[c].kind, tasks, cost * self.model.scale)


class Sightings:
    """The cheapest order seen of each set of tasks a vehicle of some kind had, in numbers of the whole problem."""

    def __init__(self) -> None:
        self._cheapest: dict[tuple[int, frozenset[int]], Sighting] = {}

    def add(self, part: Part, routes: Iterable[Sighting]) -> None:
        """Remember routes of a part, the oldest of all giving way."""
        for route in routes:
            tasks = tuple(part.tasks[task] for task in route.tasks)
            kind = part.kinds[route.kind]
            key = kind, frozenset(tasks)
            seen = Sighting(kind, tasks, route.cost)
            known = self._cheapest.pop(key, seen)
            self._cheapest[key] = known if known.cost < seen.cost else seen
        for key in list(self._cheapest)[: max(0, len(self._cheapest) - MOST)]:
            del self._cheapest[key]

    def within(self, part: Part) -> Iterator[Sighting]:
        """Yield the routes that serve tasks of a part only, in its numbers."""
        local = {task: number for number, task in enumerate(part.tasks)}
        kinds = {kind: number for number, kind in enumerate(part.kinds)}
        inside = frozenset(local)
        for (kind, tasks), route in self._cheapest.items():
            if kind in kinds and tasks <= inside:
                yield Sighting(kinds[kind], tuple(local[task] for task in route.tasks), route.cost)
