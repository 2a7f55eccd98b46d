"""Who gets which chute: larger flows nearer, in waves when there are more routes than chutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.sorting.chutes import ChuteTable, RouteFlow, Slot
from dispatch.sorting.errors import TooFewChutesError


def assign_chutes(
    flows: Sequence[RouteFlow], table: ChuteTable, kept: Mapping[str, Slot] | None = None
) -> dict[str, Slot]:
    """Give every vehicle's route a wave and a chute.

    Parameters
    ----------
    kept
        Slots given before: they stay, because their chute is labelled and half full.

    Returns
    -------
    Slot by vehicle, those included that were given before and are free again. With more routes than chutes the ones
    that leave first are sorted in the first wave (频次); within a wave the larger flow gets the nearer chute. Chutes
    that a vehicle had before are given away last: they hold parcels that must be sorted again.

    Raises
    ------
    TooFewChutesError
        If a second wave is needed and no chute takes the parcels that wait for it.
    """
    known, before = {flow.vehicle_id for flow in flows}, dict(kept or {})
    slots = {vehicle_id: slot for vehicle_id, slot in before.items() if vehicle_id in known}
    left = {vehicle_id: slot for vehicle_id, slot in before.items() if vehicle_id not in known}
    fresh = [flow for flow in flows if flow.vehicle_id not in slots]
    waiting = sorted(fresh, key=lambda flow: (flow.start_s, flow.number, flow.vehicle_id))
    wave = 0
    while waiting:
        wave += 1
        free = _free(wave, table, slots, left)
        now, waiting = waiting[: len(free)], waiting[len(free) :]
        nearest = [chute.id for chute in table.for_routes if chute.id in free[: len(now)]]
        by_flow = sorted(now, key=lambda flow: (-flow.parcels, flow.number, flow.vehicle_id))
        slots |= {flow.vehicle_id: Slot(wave, chute) for flow, chute in zip(by_flow, nearest, strict=True)}
    if table.only("rest") is None and any(slot.wave > 1 for slot in slots.values()):
        raise TooFewChutesError(
            f"{len(flows)} routes share {len(table.for_routes)} chutes and no chute takes the later waves",
            routes=len(flows),
            chutes=len(table.for_routes),
        )
    used = set(slots.values())
    return slots | {vehicle_id: slot for vehicle_id, slot in left.items() if slot not in used}


def _free(wave: int, table: ChuteTable, slots: Mapping[str, Slot], left: Mapping[str, Slot]) -> list[str]:
    """List the chutes nobody has in a wave, those that nobody had either before the others."""
    taken = {slot.chute for slot in slots.values() if slot.wave == wave}
    stale = {slot.chute for slot in left.values() if slot.wave == wave}
    free = [chute.id for chute in table.for_routes if chute.id not in taken]
    return sorted(free, key=lambda chute: chute in stale)


def walking_m(flows: Sequence[RouteFlow], slots: Mapping[str, Slot], table: ChuteTable) -> int:
    """Return the metres walked to put every parcel into its chute, there and not back."""
    distance = {chute.id: chute.distance_m for chute in table.chute}
    return sum(flow.parcels * distance[slots[flow.vehicle_id].chute] for flow in flows)
