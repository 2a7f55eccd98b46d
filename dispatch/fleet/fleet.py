"""A fleet as planning sees it: frozen values, checked once, independent of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatch.fleet.errors import InvalidFleetError
from kernel.money import Fen

PROFILES: Final = ("van", "etrike", "motorcycle")
DIMENSIONS: Final = ("weight_g", "volume_cm3", "count")
_DAY_S: Final = 86_400
_LONGEST_ID: Final = 64
_LARGEST: Final = 2_000_000_000  # fits the 32-bit columns with room for sums in 64 bits


@dataclass(frozen=True)
class Load:
    """An amount in the three dimensions a vehicle is limited by."""

    weight_g: int = 0
    volume_cm3: int = 0
    count: int = 0

    def __add__(self, other: Load) -> Load:
        """Add dimension by dimension."""
        return Load(self.weight_g + other.weight_g, self.volume_cm3 + other.volume_cm3, self.count + other.count)

    def __sub__(self, other: Load) -> Load:
        """Subtract dimension by dimension."""
        return Load(self.weight_g - other.weight_g, self.volume_cm3 - other.volume_cm3, self.count - other.count)

    def fits(self, capacity: Load) -> bool:
        """Tell whether no dimension exceeds the capacity."""
        return self.exceeded(capacity) is None

    def exceeded(self, capacity: Load) -> str | None:
        """Return the first dimension in which the capacity is exceeded, nothing when it fits."""
        for name in DIMENSIONS:
            if getattr(self, name) > getattr(capacity, name):
                return name
        return None

    def as_list(self) -> list[int]:
        """Return weight, volume and count, in this order."""
        return [self.weight_g, self.volume_cm3, self.count]


@dataclass(frozen=True)
class TypeSpec:
    """A vehicle type, ready for planning."""

    id: str
    name: str
    profile: str
    capacity: Load
    fixed_fen: Fen
    per_km_fen: Fen
    per_hour_fen: Fen
    shift_start_s: int
    shift_end_s: int
    max_stops: int | None = None
    max_distance_m: int | None = None  # what one charge or tank allows in a day


@dataclass(frozen=True)
class VehicleSpec:
    """One vehicle of a type, who drives it by habit, and what it has along."""

    id: str
    type_id: str
    plate: str
    courier_id: str | None = None
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CourierSpec:
    """One courier."""

    id: str
    name: str


@dataclass(frozen=True)
class Fleet:
    """All active vehicles of a region with their types and couriers, each sorted by id."""

    types: tuple[TypeSpec, ...]
    vehicles: tuple[VehicleSpec, ...]
    couriers: tuple[CourierSpec, ...] = ()

    def type_of(self, vehicle: VehicleSpec) -> TypeSpec:
        """Return the type of one of this fleet's vehicles."""
        return next(kind for kind in self.types if kind.id == vehicle.type_id)

    @property
    def used_types(self) -> tuple[TypeSpec, ...]:
        """Return the types that have at least one vehicle."""
        used = {vehicle.type_id for vehicle in self.vehicles}
        return tuple(kind for kind in self.types if kind.id in used)

    @property
    def profiles(self) -> tuple[str, ...]:
        """Return the road profiles of the vehicles, each once, sorted."""
        return tuple(sorted({kind.profile for kind in self.used_types}))


def check_fleet(fleet: Fleet) -> Fleet:
    """Return the fleet when it is consistent.

    Raises
    ------
    InvalidFleetError
        Naming the object and the field.
    """
    _check_unique("vehicle type", [kind.id for kind in fleet.types])
    _check_unique("vehicle", [vehicle.id for vehicle in fleet.vehicles])
    _check_unique("courier", [courier.id for courier in fleet.couriers])
    for kind in fleet.types:
        check_type(kind)
    type_ids = {kind.id for kind in fleet.types}
    courier_ids = {courier.id for courier in fleet.couriers}
    for vehicle in fleet.vehicles:
        if vehicle.type_id not in type_ids:
            raise _wrong("vehicle", vehicle.id, "type_id", f"names {vehicle.type_id!r}, which is no vehicle type")
        if vehicle.courier_id is not None and vehicle.courier_id not in courier_ids:
            raise _wrong("vehicle", vehicle.id, "courier_id", f"names {vehicle.courier_id!r}, who is no courier")
    drivers = [vehicle.courier_id for vehicle in fleet.vehicles if vehicle.courier_id is not None]
    _check_unique("driver", drivers)
    return fleet


def check_type(kind: TypeSpec) -> TypeSpec:
    """Return the vehicle type when every field can be true.

    Raises
    ------
    InvalidFleetError
        Naming the type and the field.
    """
    if kind.profile not in PROFILES:
        raise _wrong("vehicle type", kind.id, "profile", f"must be one of {', '.join(PROFILES)}")
    for name in DIMENSIONS:
        if not 0 < getattr(kind.capacity, name) <= _LARGEST:
            raise _wrong("vehicle type", kind.id, f"capacity_{name}", f"must lie between 1 and {_LARGEST}")
    for name in ("fixed_fen", "per_km_fen", "per_hour_fen"):
        if not 0 <= getattr(kind, name) <= _LARGEST:
            raise _wrong("vehicle type", kind.id, name, f"must lie between 0 and {_LARGEST}")
    if not 0 <= kind.shift_start_s < kind.shift_end_s <= 2 * _DAY_S:
        raise _wrong("vehicle type", kind.id, "shift", "must start before it ends, within two days")
    if kind.max_stops is not None and kind.max_stops < 1:
        raise _wrong("vehicle type", kind.id, "max_stops", "must be at least 1 or left out")
    if kind.max_distance_m is not None and not 0 < kind.max_distance_m <= _LARGEST:
        raise _wrong("vehicle type", kind.id, "max_distance_m", f"must lie between 1 and {_LARGEST} or be left out")
    return kind


def _check_unique(what: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise _wrong(what, one, "id", "occurs twice")
        if not 0 < len(one) <= _LONGEST_ID:
            raise _wrong(what, one, "id", f"must have 1 to {_LONGEST_ID} characters")
        seen.add(one)


def _wrong(what: str, one: str, field: str, how: str) -> InvalidFleetError:
    return InvalidFleetError(f"{what} {one}: {field} {how}", object=what, id=one, field=field)
