"""Regions, their places and their roads, for lists and maps."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.auth.access import ServicesDep, allow
from api.auth.model import ROLES
from api.auth.service import Identity
from api.native.etag import etag_of, json_with_etag
from api.native.form import View, problems
from api.native.scope import check_region
from maps.places import Place
from maps.region import Region

router = APIRouter(tags=["regions"])


class DepotView(View):
    """The county centre."""

    id: str
    name: str
    lon: float | None
    lat: float | None


class TownshipView(View):
    """A township."""

    id: str
    name: str
    lon: float | None
    lat: float | None


class RegionView(View):
    """A region; `source` is `geodesic` when its distances are estimates."""

    name: str
    title: str
    zone: str
    source: str
    attribution: str
    version: str
    terrain: str | None
    depot: DepotView
    townships: list[TownshipView]
    place_count: int
    unlocated_count: int
    notes: list[str]


class RegionList(View):
    """The regions the caller may see."""

    items: list[RegionView]


@router.get("/regions", responses=problems())
def list_regions(services: ServicesDep, identity: Identity = allow(*ROLES)) -> RegionList:
    """List the imported regions."""
    names = [name for name in services.regions.names() if identity.region in (None, name)]
    return RegionList(items=[_view(services.regions.load(name)) for name in names])


@router.get("/regions/{region}", responses=problems(404))
def get_region(region: str, services: ServicesDep, identity: Identity = allow(*ROLES)) -> RegionView:
    """Describe one region."""
    check_region(identity, region)
    return _view(services.regions.load(region))


@router.get("/regions/{region}/places", responses=problems(304, 404), response_model=dict[str, Any])
def region_places(region: str, request: Request, services: ServicesDep, identity: Identity = allow(*ROLES)) -> Response:
    """Return the places as GeoJSON points; those without a position are in the list `unlocated`."""
    check_region(identity, region)
    found = services.regions.load(region)
    tag = etag_of(["places", found.name, found.version])
    return json_with_etag(request, _places_geojson(found), tag)


@router.get("/regions/{region}/roads", responses=problems(304, 404), response_model=dict[str, Any])
def region_roads(
    region: str,
    request: Request,
    services: ServicesDep,
    tolerance_m: Annotated[int, Query(ge=0, le=500, description="How far a line may leave the road.")] = 25,
    identity: Identity = allow(*ROLES),
) -> Response:
    """Return the router's own roads as GeoJSON, simplified; a map needs no tiles to show them (WEB-01)."""
    check_region(identity, region)
    found = services.regions.load(region)
    tag = etag_of(["roads", found.name, found.version, tolerance_m])
    return json_with_etag(request, services.regions.roads(region, tolerance_m), tag)


def _view(region: Region) -> RegionView:
    depot = region.depot
    return RegionView(
        name=region.name,
        title=region.title,
        zone=region.zone,
        source=region.source,
        attribution=region.attribution,
        version=region.version,
        terrain=region.terrain,
        depot=DepotView(id=depot.id, name=depot.name, lon=depot.lon, lat=depot.lat),
        townships=[TownshipView(id=one.id, name=one.name, lon=one.lon, lat=one.lat) for one in region.townships],
        place_count=len(region.places),
        unlocated_count=len(region.unlocated_places),
        notes=list(region.notes),
    )


def _places_geojson(region: Region) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "attribution": region.attribution,
        "features": [_point(place) for place in (region.depot, *region.located_places)],
        "unlocated": [_properties(place) for place in region.unlocated_places],
    }


def _point(place: Place) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [place.lon, place.lat]}
    return {"type": "Feature", "id": place.id, "geometry": geometry, "properties": _properties(place)}


def _properties(place: Place) -> dict[str, Any]:
    return {
        "id": place.id,
        "name": place.name,
        "kind": place.kind,
        "township_id": place.township_id,
        "population": place.population,
        "suspect": place.suspect,
        "note": place.note,
    }
