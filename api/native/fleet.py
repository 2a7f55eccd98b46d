"""Couriers and vehicles of a region."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import View, problems
from api.native.scope import check_region
from dispatch.fleet.fleet import TypeSpec
from dispatch.fleet.repository import FleetRepository

router = APIRouter(tags=["fleet"])

RegionQuery = Annotated[str, Query(max_length=64, description="Name of the region.")]


class CourierView(View):
    """A courier."""

    id: str
    name: str


class VehicleTypeView(View):
    """What vehicles of one kind carry and cost; the shift is in seconds since local midnight."""

    id: str
    name: str
    profile: str
    capacity_weight_g: int
    capacity_volume_cm3: int
    capacity_count: int
    fixed_fen: int
    per_km_fen: int
    per_hour_fen: int
    shift_start_s: int
    shift_end_s: int
    max_stops: int | None
    max_distance_m: int | None


class VehicleView(View):
    """A vehicle and who usually drives it."""

    id: str
    type_id: str
    plate: str
    courier_id: str | None


class FleetView(View):
    """The active fleet of a region."""

    types: list[VehicleTypeView]
    vehicles: list[VehicleView]
    couriers: list[CourierView]


@router.get("/fleet", responses=problems(404))
def get_fleet(
    services: ServicesDep, region: RegionQuery, identity: Identity = allow("dispatcher", "admin")
) -> FleetView:
    """Describe a region's vehicles, their types and their couriers."""
    check_region(identity, region)
    with services.database.read() as session:
        fleet = FleetRepository(session).load(region)
    return FleetView(
        types=[_type_view(kind) for kind in fleet.types],
        vehicles=[VehicleView.model_validate(one) for one in fleet.vehicles],
        couriers=[CourierView.model_validate(one) for one in fleet.couriers],
    )


def _type_view(kind: TypeSpec) -> VehicleTypeView:
    return VehicleTypeView(
        id=kind.id,
        name=kind.name,
        profile=kind.profile,
        capacity_weight_g=kind.capacity.weight_g,
        capacity_volume_cm3=kind.capacity.volume_cm3,
        capacity_count=kind.capacity.count,
        fixed_fen=kind.fixed_fen,
        per_km_fen=kind.per_km_fen,
        per_hour_fen=kind.per_hour_fen,
        shift_start_s=kind.shift_start_s,
        shift_end_s=kind.shift_end_s,
        max_stops=kind.max_stops,
        max_distance_m=kind.max_distance_m,
    )
