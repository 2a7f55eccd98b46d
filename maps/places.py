"""Places of a county: townships (乡镇), villages (村) and smaller settlements.

A position that is unknown is ``None``, never 0: such a place can be listed, searched and counted, but
not driven to.
"""

from __future__ import annotations

from dataclasses import dataclass

from maps.errors import PlaceUnlocatedError

PLACE_KINDS = ("county", "town", "village", "hamlet", "isolated_dwelling")
"""Kinds of a place, largest first; ``county`` is the county centre (县城)."""


@dataclass(frozen=True)
class Township:
    """A township or sub-district (乡镇、街道), the second echelon of county logistics.

    Attributes
    ----------
    id
        Stable over re-imports of the same source: ``r<relation>`` from OSM, the official code from CSV.
    lon, lat
        Seat of the township in WGS-84 degrees, or None when unknown.
    rings
        Outer boundary, each ring as (lon, lat) pairs; empty when the source has no polygon.
    """

    id: str
    name: str
    lon: float | None
    lat: float | None
    rings: tuple[tuple[tuple[float, float], ...], ...] = ()

    @property
    def lonlat(self) -> tuple[float, float]:
        """Return the seat's position.

        Raises
        ------
        PlaceUnlocatedError
            If it is unknown.
        """
        return _position("township", self.id, self.name, self.lon, self.lat)


@dataclass(frozen=True)
class Place:
    """A settlement parcels are addressed to.

    Attributes
    ----------
    id
        Stable over re-imports of the same source: ``n<node>`` from OSM, the official code from CSV.
    kind
        One of :data:`PLACE_KINDS`.
    lon, lat
        WGS-84 degrees, or None when unknown.
    suspect
        The source doubts the position, for example far from the rest of its township.
    note
        Why it is suspect or unlocated, for a reader.
    """

    id: str
    name: str
    kind: str
    township_id: str
    lon: float | None
    lat: float | None
    population: int | None = None
    suspect: bool = False
    note: str = ""

    @property
    def located(self) -> bool:
        """Return whether the position is known."""
        return self.lon is not None and self.lat is not None

    @property
    def lonlat(self) -> tuple[float, float]:
        """Return the position.

        Raises
        ------
        PlaceUnlocatedError
            If it is unknown; names the place.
        """
        return _position("place", self.id, self.name, self.lon, self.lat)


def _position(what: str, ident: str, name: str, lon: float | None, lat: float | None) -> tuple[float, float]:
    if lon is None or lat is None:
        raise PlaceUnlocatedError(f"{what} {name} ({ident}) has no coordinates", id=ident, name=name)
    return lon, lat
