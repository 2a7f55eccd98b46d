"""What a coalition of companies would have cost on routes as they are driven: the order kept, others' stops left out.

This is the price SHR-20 shares by: it needs no search, everybody can recompute it from the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatch.fleet.fleet import TypeSpec
from dispatch.plans.matrices import Int32Array
from dispatch.plans.routes import route_cost


@dataclass(frozen=True, slots=True)
class Part:
    """One company's part of a call: seconds of work, parcels, grams."""

    work_s: int
    pieces: int
    weight_g: int

    def __add__(self, other: Part) -> Part:
        """Add part to part."""
        return Part(self.work_s + other.work_s, self.pieces + other.pieces, self.weight_g + other.weight_g)


@dataclass(frozen=True)
class SharedCall:
    """One door or counter of a stop.

    Attributes
    ----------
    setup_s, way_m
        What calling there takes at all, and the metres walked or ridden to it.
    parts
        By company.
    """

    setup_s: int
    way_m: int
    parts: Mapping[str, Part]

    @property
    def work_s(self) -> int:
        """Return how long the whole call takes."""
        return self.setup_s + sum(part.work_s for part in self.parts.values())


@dataclass(frozen=True)
class SharedStop:
    """A stop of a route: row of the matrices, the window it is served in, its calls."""

    row: int
    window: tuple[int, int]
    calls: tuple[SharedCall, ...]

    def companies(self) -> frozenset[str]:
        """Return whose parcels are handled here."""
        return frozenset(company for call in self.calls for company in call.parts)


@dataclass(frozen=True, eq=False)
class SharedRoute:
    """A route as it is driven.

    Attributes
    ----------
    cost_fen
        What it costs in the plan.
    start
        Row of the depot.
    """

    kind: TypeSpec
    time_s: Int32Array
    distance_m: Int32Array
    stops: tuple[SharedStop, ...]
    cost_fen: int
    start: int = 0

    def price_fen(self, companies: frozenset[str]) -> int:
        """Price the route for some companies: order and vehicle kept, the others' calls left out.

        Notes
        -----
        The departure is chosen so that the least time is spent waiting, by concatenation of segments with one
        window each: Vidal et al. (2013).
        """
        at, length_s, way_m = self.start, 0, 0
        earliest_s, latest_s = self.kind.shift_start_s, self.kind.shift_end_s
        stops = 0
        for stop in self.stops:
            calls = [call for call in stop.calls if not companies.isdisjoint(call.parts)]
            if not calls:
                continue
            stops += 1
            length_s += int(self.time_s[at, stop.row])
            way_m += int(self.distance_m[at, stop.row]) + sum(call.way_m for call in calls)
            open_s, close_s = stop.window
            wait_s = max(0, open_s - length_s - latest_s)
            late_s = max(0, earliest_s + length_s - close_s)
            earliest_s, latest_s = (
                max(earliest_s, open_s - length_s) - wait_s,
                min(latest_s, close_s - length_s) + late_s,
            )
            length_s += wait_s + sum(_work_s(call, companies) for call in calls)
            at = stop.row
        if not stops:
            return 0
        length_s += int(self.time_s[at, self.start])
        way_m += int(self.distance_m[at, self.start])
        return route_cost(self.kind, way_m, length_s).total_fen


def _work_s(call: SharedCall, companies: frozenset[str]) -> int:
    return call.setup_s + sum(part.work_s for company, part in call.parts.items() if company in companies)


class ExecutedPrices:
    """Prices coalitions on routes as they are driven.

    The grand coalition costs what the plan costs; where a plan holds waiting that its order does not need, that
    rest belongs to nobody else.
    """

    def __init__(self, routes: Sequence[SharedRoute]) -> None:
        self._routes = [(route, _present(route)) for route in routes]
        self.companies = tuple(sorted(frozenset[str]().union(*(present for _, present in self._routes))))
        self.total_fen = sum(route.cost_fen for route in routes)

    def __call__(self, companies: frozenset[str]) -> int:
        """Return what the stops of some companies cost, in fen."""
        return sum(
            route.cost_fen if present <= companies else route.price_fen(companies)
            for route, present in self._routes
            if not present.isdisjoint(companies)
        )


def _present(route: SharedRoute) -> frozenset[str]:
    return frozenset[str]().union(*(stop.companies() for stop in route.stops))
