"""The index of one published plan: from what a scanner read to the parcels it may mean, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from dispatch.sorting.chutes import ChuteTable
from dispatch.sorting.plan import SortedParcel, SortPlan, SortRoute


def codes_of(waybill: str, piece: int, pieces: int, parcel_id: str) -> tuple[str, ...]:
    """Return what may be printed on a parcel: its waybill, its waybill with the piece, our own id."""
    numbered = (f"{waybill}-{piece}", f"{waybill}-{piece}-{pieces}")
    return tuple(code.upper() for code in (waybill, *numbered, parcel_id))


RouteCodes = Mapping[str, Sequence[SortedParcel]]
"""The parcels of one route by every code that may be printed on them."""


def route_codes(route: SortRoute) -> RouteCodes:
    """Give a route's parcels by their codes, in the order of loading."""
    found: dict[str, list[SortedParcel]] = defaultdict(list)
    for parcel in route.parcels:
        facts = parcel.facts
        for code in codes_of(facts.waybill, facts.piece, facts.pieces, facts.parcel_id):
            found[code].append(parcel)
    return dict(found)


class ScanIndex:
    """Answers which parcels of a plan a code means.

    Parameters
    ----------
    routes
        The codes of each route; an edit of the plan changes those of few.
    before
        Vehicle each parcel was last published with before the version in force.
    chutes_of
        Chute of each vehicle's route.
    """

    def __init__(
        self,
        plan: SortPlan,
        table: ChuteTable,
        routes: Sequence[RouteCodes],
        before: Mapping[str, str],
        chutes_of: Mapping[str, str],
    ) -> None:
        self.plan = plan
        self.before = before
        self.chutes_of = chutes_of
        rest, reject = table.only("rest"), table.only("reject")
        self.rest = "" if rest is None else rest.id
        self.reject = "" if reject is None else reject.id
        self._routes = tuple(routes)

    def find(self, code: str) -> list[SortedParcel]:
        """Return the parcels a code means, in the order of loading; none when the plan has none."""
        wanted = code.strip().upper()
        return [parcel for codes in self._routes for parcel in codes.get(wanted, ())]

    def published_before(self, parcel: SortedParcel) -> str | None:
        """Return the vehicle it was published with before, when that is another one."""
        vehicle_id = self.before.get(parcel.facts.parcel_id)
        return None if vehicle_id == parcel.vehicle_id else vehicle_id
