"""A sensible fleet for a county and a daily volume, for the demo and for a first plan.

Costs are orders of magnitude a Chinese county dispatcher would recognise (fuel or current, wear, wages),
house defaults to be replaced by the tenant's own; no source publishes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Final

from sqlalchemy.orm import Session

from dispatch.fleet.errors import InvalidFleetError
from dispatch.fleet.fleet import CourierSpec, Fleet, Load, TypeSpec, VehicleSpec
from dispatch.fleet.repository import FleetRepository
from kernel.money import Fen

SHIFT_START_S: Final = 8 * 3600
SHIFT_END_S: Final = 18 * 3600
_LARGEST_DEMO: Final = 200_000


@dataclass(frozen=True)
class _Kind:
    code: str
    name: str
    profile: str
    capacity: Load
    fixed_fen: int
    per_km_fen: int
    per_hour_fen: int
    max_distance_m: int | None
    parcels_per_vehicle: int  # one vehicle of this type for so many parcels of the day's volume


# A county van (4.2 m box) serves stations, a small van is the workhorse of the valleys,
# an electric tricycle the town around the depot, as far as one charge takes it (our assumption: 80 km).
_KINDS: Final = (
    _Kind("county-van", "厢式货车", "van", Load(1_500_000, 12_000_000, 700), 26_000, 140, 3_000, None, 500),
    _Kind("small-van", "微型面包车", "van", Load(600_000, 3_200_000, 260), 12_000, 80, 2_800, None, 94),
    _Kind("etrike", "电动三轮车", "etrike", Load(300_000, 1_800_000, 160), 4_000, 20, 2_400, 80_000, 250),
)
_SURNAMES: Final = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN: Final = ("建国", "志强", "秀英", "海燕", "永明", "春花", "国庆", "晓东", "玉兰", "文斌", "小军", "丽华")


def demo_fleet(region: str, parcels: int, seed: int = 1) -> Fleet:
    """Return a mixed fleet that can carry a day's volume.

    Parameters
    ----------
    parcels
        Volume of the day to size for, 1 to 200,000; at 3,000 it gives 6 county vans, 32 small vans and
        12 electric tricycles.
    seed
        Decides the couriers' fictional names only.

    Raises
    ------
    InvalidFleetError
        If the volume is outside its range.
    """
    if not 1 <= parcels <= _LARGEST_DEMO:
        raise InvalidFleetError(
            f"demo fleet of {region}: parcels must lie between 1 and {_LARGEST_DEMO}", field="parcels", value=parcels
        )
    names = Random(f"{seed}/{region}")  # noqa: S311 - fictional names, not a secret
    vehicles, couriers = [], []
    for kind in _KINDS:
        for number in range(1, ceil(parcels / kind.parcels_per_vehicle) + 1):
            courier = CourierSpec(
                id=f"{region}-{kind.code}-{number:02d}",
                name=names.choice(_SURNAMES) + names.choice(_GIVEN),
            )
            couriers.append(courier)
            vehicles.append(
                VehicleSpec(
                    id=f"{region}-{kind.code}-{number:02d}",
                    type_id=f"{region}-{kind.code}",
                    plate=f"村{kind.code[0].upper()}{number:04d}",
                    courier_id=courier.id,
                )
            )
    return Fleet(tuple(_spec(region, kind) for kind in _KINDS), tuple(vehicles), tuple(couriers))


def seed_demo_fleet(session: Session, region: str, parcels: int, seed: int = 1) -> Fleet:
    """Store the demo fleet unless the region has vehicles already, and return the fleet in force."""
    repository = FleetRepository(session)
    known = repository.load(region)
    if known.vehicles:
        return known
    repository.add(region, demo_fleet(region, parcels, seed))
    return repository.load(region)


def _spec(region: str, kind: _Kind) -> TypeSpec:
    return TypeSpec(
        id=f"{region}-{kind.code}",
        name=kind.name,
        profile=kind.profile,
        capacity=kind.capacity,
        fixed_fen=Fen(kind.fixed_fen),
        per_km_fen=Fen(kind.per_km_fen),
        per_hour_fen=Fen(kind.per_hour_fen),
        shift_start_s=SHIFT_START_S,
        shift_end_s=SHIFT_END_S,
        max_distance_m=kind.max_distance_m,
    )
