"""Reading and writing the fleet."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.fleet.errors import UnknownCourierError
from dispatch.fleet.fleet import CourierSpec, Fleet, Load, TypeSpec, VehicleSpec, check_fleet
from dispatch.fleet.model import Courier, Vehicle, VehicleType
from kernel.money import Fen


class FleetRepository:
    """The fleets of one database, inside the caller's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load(self, region: str) -> Fleet:
        """Return a region's active vehicles with their types and couriers, in the order of their ids.

        Raises
        ------
        InvalidFleetError
            If what is stored contradicts itself.
        """
        types = self._session.scalars(select(VehicleType).where(VehicleType.region == region).order_by(VehicleType.id))
        vehicles = self._session.scalars(
            select(Vehicle).where(Vehicle.region == region, Vehicle.active).order_by(Vehicle.id)
        )
        return check_fleet(
            Fleet(
                types=tuple(_type_spec(row) for row in types),
                vehicles=tuple(VehicleSpec(row.id, row.type_id, row.plate, row.courier_id) for row in vehicles),
                couriers=tuple(CourierSpec(row.id, row.name) for row in self.couriers(region)),
            )
        )

    def add(self, region: str, fleet: Fleet) -> Fleet:
        """Store a whole fleet for a region that has none of these ids yet.

        Raises
        ------
        InvalidFleetError
            If the fleet contradicts itself; nothing is stored.
        """
        check_fleet(fleet)
        self._session.add_all(_type_row(region, kind) for kind in fleet.types)
        self._session.add_all(Courier(id=one.id, region=region, name=one.name) for one in fleet.couriers)
        self._session.flush()  # vehicles refer to both
        self._session.add_all(
            Vehicle(id=one.id, region=region, type_id=one.type_id, plate=one.plate, courier_id=one.courier_id)
            for one in fleet.vehicles
        )
        self._session.flush()
        return fleet

    def couriers(self, region: str) -> Sequence[Courier]:
        """Return a region's active couriers in the order of their ids."""
        query = select(Courier).where(Courier.region == region, Courier.active).order_by(Courier.id)
        return self._session.scalars(query).all()

    def courier(self, courier_id: str) -> Courier:
        """Return one courier.

        Raises
        ------
        UnknownCourierError
            If there is none with this id.
        """
        row = self._session.get(Courier, courier_id)
        if row is None:
            raise UnknownCourierError(f"there is no courier {courier_id}", courier=courier_id)
        return row


def _type_spec(row: VehicleType) -> TypeSpec:
    return TypeSpec(
        id=row.id,
        name=row.name,
        profile=row.profile,
        capacity=Load(row.capacity_weight_g, row.capacity_volume_cm3, row.capacity_count),
        fixed_fen=Fen(row.fixed_fen),
        per_km_fen=Fen(row.per_km_fen),
        per_hour_fen=Fen(row.per_hour_fen),
        shift_start_s=row.shift_start_s,
        shift_end_s=row.shift_end_s,
        max_stops=row.max_stops,
        max_distance_m=row.max_distance_m,
    )


def _type_row(region: str, kind: TypeSpec) -> VehicleType:
    return VehicleType(
        id=kind.id,
        region=region,
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
