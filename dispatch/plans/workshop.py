"""What the edits of a draft reach for outside the board: closed roads, more points, parcels, vans, couriers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import shape

from dispatch.demand.stops import Demand
from dispatch.fleet.fleet import Fleet
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.errors import EditCommandError
from dispatch.plans.loading import Atlas, demand_of, free_key
from dispatch.plans.matrices import DayMatrices, Point, rounded
from dispatch.plans.model import Plan, PlanVersion
from dispatch.plans.scene import Van
from kernel.db import Database


@dataclass(frozen=True, eq=False)
class DraftWorkshop:
    """What edits of one draft need beyond the board."""

    database: Database
    plan: Plan
    version: PlanVersion
    fleet: Fleet
    roads: Atlas

    def close_roads(self, matrices: DayMatrices, closures: Sequence[Mapping[str, Any]]) -> DayMatrices:
        """Return the matrices of the same points with roads closed.

        Raises
        ------
        EditCommandError
            If the closure is no GeoJSON geometry.
        """
        try:
            known = all(not shape(one).is_empty for one in closures)
        except (ShapelyError, KeyError, TypeError, ValueError, AttributeError, IndexError) as wrong:
            raise EditCommandError(f"field area: is no GeoJSON geometry ({wrong})", field="area") from wrong
        if not known:
            raise EditCommandError("field area: is empty", field="area")
        return self.roads.closed(matrices, closures)

    def with_points(
        self, matrices: DayMatrices, points: Sequence[Point], closures: Sequence[Mapping[str, Any]]
    ) -> DayMatrices:
        """Return the matrices with more points."""
        wanted = [rounded(*point) for point in points]
        return self.roads.matrices(matrices, wanted, sorted(matrices.profiles), closures)

    def demand(self, parcel_ids: Sequence[str], taken: set[str]) -> Demand:
        """Return parcels as stops with keys that are free.

        Raises
        ------
        EditCommandError
            If the region has no such parcel.
        """
        with self.database.read() as session:
            parcels = ParcelRepository(session).by_ids(parcel_ids)
            missing = sorted(set(parcel_ids) - {one.id for one in parcels if one.region == self.plan.region})
            if missing:
                raise EditCommandError(
                    f"field parcels: there is no parcel {missing[0]}", field="parcels", id=missing[0]
                )
            made = demand_of(session, self.plan, self.version, self.roads.region, parcels)
        return replace(made, stops=tuple(replace(stop, key=free_key(stop.key, taken)) for stop in made.stops))

    def van(self, vehicle_id: str) -> Van:
        """Return a vehicle of the region's fleet that the plan does not know yet.

        Raises
        ------
        EditCommandError
            If the fleet has none of this id.
        """
        spec = next((one for one in self.fleet.vehicles if one.id == vehicle_id), None)
        if spec is None:
            raise EditCommandError(
                f"field vehicle: the fleet has no vehicle {vehicle_id}", field="vehicle", id=vehicle_id
            )
        return Van(spec.id, self.fleet.type_of(spec), spec.courier_id)

    def courier(self, courier_id: str) -> str:
        """Return the courier's id when the region has this courier.

        Raises
        ------
        EditCommandError
            If it has not.
        """
        if courier_id not in {one.id for one in self.fleet.couriers}:
            raise EditCommandError(f"field courier: there is no courier {courier_id}", field="courier", id=courier_id)
        return courier_id
