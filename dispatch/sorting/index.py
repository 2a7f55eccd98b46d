"""The index of one published plan: from what a scanner read to the parcels it may mean, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from dispatch.sorting.chutes import ChuteTable
from dispatch.sorting.plan import SortedParcel, SortPlan


def codes_of(waybill: str, piece: int, pieces: int, parcel_id: str) -> tuple[str, ...]:
    """Return what may be printed on a parcel: its waybill, its waybill with the piece, our own id."""
    numbered = (f"{waybill}-{piece}", f"{waybill}-{piece}-{pieces}")
    return tuple(code.upper() for code in (waybill, *numbered, parcel_id))


class ScanIndex:
    """Answers which parcels of a plan a code means.

    Parameters
    ----------
    before
        Vehicle each parcel was last published with before the version in force.
    chutes_of
        Chute of each vehicle's route.
    """

    def __init__(
        self, plan: SortPlan, table: ChuteTable, before: Mapping[str, str], chutes_of: Mapping[str, str]
    ) -> None:
        self.plan = plan
        self.before = before
        self.chutes_of = chutes_of
        self.chute_ids = frozenset(chute.id for chute in table.chute)
        rest, reject = table.only("rest"), table.only("reject")
        self.rest = "" if rest is None else rest.id
        self.reject = "" if reject is None else reject.id
        self._by_code: dict[str, list[SortedParcel]] = defaultdict(list)
        for parcel in plan.parcels:
            facts = parcel.facts
            for code in codes_of(facts.waybill, facts.piece, facts.pieces, facts.parcel_id):
                self._by_code[code].append(parcel)

    def find(self, code: str) -> list[SortedParcel]:
        """Return the parcels a code means, in the order of loading; none when the plan has none."""
        return self._by_code.get(code.strip().upper(), [])

    def published_before(self, parcel: SortedParcel) -> str | None:
        """Return the vehicle it was published with before, when that is another one."""
        vehicle_id = self.before.get(parcel.facts.parcel_id)
        return None if vehicle_id == parcel.vehicle_id else vehicle_id
