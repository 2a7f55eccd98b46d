"""Maps of a region and of a plan version as pictures: what the console draws, for a report or a wall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.region_catalog import roads_geojson
from dispatch.plans.repository import PlanRepository, StoredRoute
from kernel.money import Fen, format_yuan
from maps.picture import LonLat, MapPicture, PictureDot, PictureLine
from maps.sections.survey import SECTION_COLOURS

if TYPE_CHECKING:
    from api.services import Services
    from maps.region import Region

_ROADS_M: Final = 60
_ROAD, _PLACE, _TOWN, _DEPOT = "#d2ccbb", "#8d8778", "#4a554f", "#1b2420"


def region_picture(region: Region) -> MapPicture:
    """Draw a region's roads, places, townships with their names, and the county centre."""
    places = [
        PictureDot((place.lon, place.lat), _PLACE, 1.6, place.name)
        for place in region.places
        if place.lon is not None and place.lat is not None
    ]
    legend = ((_ROAD, "roads"), (_PLACE, "places"), (_TOWN, "townships"), (_DEPOT, "county centre"))
    return MapPicture(f"{region.title} · {region.attribution}", _roads(region), (*places, *_towns(region)), legend)


def version_picture(services: Services, version_id: str, region: Region) -> MapPicture:
    """Draw the routes of a plan version over the roads, each with its number; the legend has their figures."""
    with services.database.read() as session:
        repository = PlanRepository(session)
        version = repository.version(version_id)
        routes = repository.routes(version)
        lines = {one.id: _points(repository, one) for one in routes}
        title = f"{region.title} {repository.plan_of(version.plan_id).day}, version {version.number}"
    drawn = tuple(
        PictureLine(lines[one.id], _colour(one), 2.4, _figures(one)) for one in routes if len(lines[one.id]) > 1
    )
    stops = tuple(
        PictureDot((stop.stop.lon, stop.stop.lat), _colour(one), 2.0, f"{one.route.number}: {stop.stop.name}")
        for one in routes
        for stop in one.route.stops
    )
    ends = tuple(
        PictureDot((last.lon, last.lat), _colour(one), 5.0, _figures(one), text=str(one.route.number))
        for one in routes
        if one.route.stops
        for last in (one.route.stops[len(one.route.stops) // 2].stop,)
    )
    legend = tuple((_colour(one), _figures(one)) for one in routes)
    roads = _roads(region)
    return MapPicture(f"{title} · {region.attribution}", (*roads, *drawn), (*stops, *_towns(region), *ends), legend)


def _roads(region: Region) -> tuple[PictureLine, ...]:
    return tuple(
        PictureLine(tuple((lon, lat) for lon, lat in part), _ROAD, 0.8, feature["properties"]["class"])
        for feature in roads_geojson(region, _ROADS_M)["features"]
        for part in feature["geometry"]["coordinates"]
    )


def _towns(region: Region) -> list[PictureDot]:
    towns = [
        PictureDot((town.lon, town.lat), _TOWN, 3.0, town.name, text=town.name)
        for town in region.townships
        if town.lon is not None and town.lat is not None
    ]
    return [*towns, PictureDot(region.depot.lonlat, _DEPOT, 6.0, region.depot.name)]


def _points(repository: PlanRepository, one: StoredRoute) -> tuple[LonLat, ...]:
    if one.geometry_id is None:
        return tuple((stop.stop.lon, stop.stop.lat) for stop in one.route.stops)
    line, _ = repository.line(one.geometry_id)
    return tuple((float(lon), float(lat)) for lon, lat in line.coordinates)


def _colour(one: StoredRoute) -> str:
    return SECTION_COLOURS[(one.route.number - 1) % len(SECTION_COLOURS)]


def _figures(one: StoredRoute) -> str:
    route = one.route
    parcels = sum(len(stop.stop.parcel_ids) for stop in route.stops)
    cost = format_yuan(Fen(route.cost.total_fen))
    return (
        f"{route.number}: {route.vehicle_id}, {len(route.stops)} stops, {parcels} parcels, "
        f"{route.distance_m // 1000} km, {cost} yuan"
    )
