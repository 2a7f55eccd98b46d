"""A region: one county with its townships, places, roads and county centre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maps.doors import DoorSampler
from maps.engines.protocol import RoadEngine
from maps.errors import PlaceNotFoundError, RegionDataError
from maps.places import Place, Township


@dataclass(frozen=True)
class Region:
    """One county, as imported.

    Attributes
    ----------
    name
        Short name used in addresses and on the command line.
    title
        Name for people, such as 云岭县.
    zone
        Time zone of the plan's days.
    source
        ``road`` when a road network stands behind it, ``geodesic`` when distances are estimates.
    attribution
        Line to show wherever the map or a figure made from it shows.
    depot
        The county centre (县级集散中心), where routes begin and end.
    version
        Fingerprint of the imported data; equal data, equal version.
    terrain
        Terrain class distances are estimated with; None where there are roads.
    notes
        What the import wants a reader to know: places left out, unlocated or suspect.
    """

    name: str
    title: str
    zone: str
    source: Literal["road", "geodesic"]
    attribution: str
    depot: Place
    townships: tuple[Township, ...]
    places: tuple[Place, ...]
    version: str = ""
    notes: tuple[str, ...] = ()
    terrain: str | None = None
    open_engine: Callable[[], RoadEngine] | None = field(default=None, compare=False, repr=False)
    open_doors: Callable[[], DoorSampler] | None = field(default=None, compare=False, repr=False)

    @cached_property
    def _places_by_id(self) -> dict[str, Place]:
        return {place.id: place for place in (*self.places, self.depot)}

    @cached_property
    def _townships_by_id(self) -> dict[str, Township]:
        return {township.id: township for township in self.townships}

    def place(self, place_id: str) -> Place:
        """Return a place by id.

        Raises
        ------
        PlaceNotFoundError
            If the region has none of that id.
        """
        try:
            return self._places_by_id[place_id]
        except KeyError:
            raise PlaceNotFoundError(f"region {self.name} has no place {place_id}", id=place_id) from None

    def township(self, township_id: str) -> Township:
        """Return a township by id.

        Raises
        ------
        PlaceNotFoundError
            If the region has none of that id.
        """
        try:
            return self._townships_by_id[township_id]
        except KeyError:
            raise PlaceNotFoundError(f"region {self.name} has no township {township_id}", id=township_id) from None

    def places_in(self, township_id: str) -> tuple[Place, ...]:
        """Return the places of one township, in the region's order."""
        return tuple(place for place in self.places if place.township_id == township_id)

    @property
    def located_places(self) -> tuple[Place, ...]:
        """Return the places whose position is known."""
        return tuple(place for place in self.places if place.located)

    @property
    def unlocated_places(self) -> tuple[Place, ...]:
        """Return the places whose position is unknown; they can be listed, not driven to."""
        return tuple(place for place in self.places if not place.located)

    @cached_property
    def _engine(self) -> RoadEngine:
        if self.open_engine is None:
            raise RegionDataError(f"region {self.name} was made without a road engine", name=self.name)
        return self.open_engine()

    @cached_property
    def _doors(self) -> DoorSampler:
        if self.open_doors is None:
            raise RegionDataError(f"region {self.name} was made without a road network", name=self.name)
        return self.open_doors()

    def engine(self) -> RoadEngine:
        """Return the region's road engine; the first call loads it, later calls return the same one."""
        return self._engine

    def door_points(self, place_id: str, n: int, seed: int) -> NDArray[np.float64]:
        """Sample plausible front doors of a place.

        Along the lanes near the place where there are roads, scattered within some 400 m where not.
        Equal arguments give equal doors.

        Parameters
        ----------
        place_id
            A place with coordinates.
        n
            How many doors.

        Returns
        -------
        shape (n, 2), longitude and latitude in WGS-84.

        Raises
        ------
        PlaceNotFoundError, PlaceUnlocatedError
            If there is no such place, or its position is unknown.
        """
        return self._doors(self.place(place_id), n, seed)
