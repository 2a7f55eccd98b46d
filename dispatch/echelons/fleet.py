"""The region's fleet and roads in the form two-echelon and weekday planning take."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.echelons.problem import CourierKind
from dispatch.fleet.fleet import Fleet
from dispatch.plans.matrices import DayMatrices
from routing.problem import Profile, fen, per_hour, per_km


def courier_kinds(fleet: Fleet, profiles: Sequence[str]) -> tuple[CourierKind, ...]:
    """Return the fleet's types that have vehicles.

    Parameters
    ----------
    profiles
        Names of the road profiles in the order of the problem's matrices.
    """
    return tuple(
        CourierKind(
            id=kind.id,
            count=sum(vehicle.type_id == kind.id for vehicle in fleet.vehicles),
            capacity=tuple(kind.capacity.as_list()),
            profile=list(profiles).index(kind.profile),
            fixed_cost=fen(kind.fixed_fen),
            cost_per_m=per_km(kind.per_km_fen),
            cost_per_s=per_hour(kind.per_hour_fen),
            shift_start_s=kind.shift_start_s,
            shift_end_s=kind.shift_end_s,
            max_distance_m=kind.max_distance_m,
            max_tasks=kind.max_stops,
        )
        for kind in fleet.used_types
    )


def profiles_of(matrices: DayMatrices) -> tuple[tuple[str, ...], tuple[Profile, ...]]:
    """Return the names of the road profiles and their matrices, sorted by name."""
    names = tuple(sorted(matrices.profiles))
    return names, tuple(
        Profile(name, matrices.profiles[name].distance_m, matrices.profiles[name].time_s) for name in names
    )
