"""Kiosks, cabinets and stations of an invented county, where its people live."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from sqlalchemy.orm import Session

from kernel.clock import Clock
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import Scene, SiteKind, SiteStatus
from maps.places import Place
from maps.region import Region

_BOXES = {"S": 10, "M": 6, "L": 2}
#: Where a kiosk stands, by the share of scenes in a county: shops and service points most of all.
_SCENES = (
    (Scene.VILLAGE_SERVICE_POINT, 8), (Scene.CONVENIENCE_STORE, 8), (Scene.PHARMACY, 5), (Scene.SCHOOL, 3),
    (Scene.STATION, 3), (Scene.SPECIALITY_SHOP, 3), (Scene.OFFICE, 3), (Scene.HOTEL, 2),
    (Scene.SCENIC_SPOT, 2), (Scene.INDUSTRIAL_PARK, 2),
)  # fmt: skip


def demo_sites(region: Region, clock: Clock, kiosks: int = 40, seed: int = 1) -> list[Site]:
    """Invent a region's sites: kiosks in its largest places, and a station and a cabinet in every place.

    Parameters
    ----------
    kiosks
        How many sending kiosks (寄件宝).
    """
    places = sorted(region.located_places, key=lambda place: (-(place.population or 0), place.id))
    rng = Random(f"{seed}/{region.name}")  # noqa: S311 - invented shops, not a secret
    sites = []
    for number in range(1, kiosks + 1):
        place = places[(number - 1) % len(places)]
        scene = rng.choices([scene for scene, _ in _SCENES], [share for _, share in _SCENES])[0]
        name = f"{region.name}-kiosk-{number:03d}"
        sites.append(_site(name, region, SiteKind.KIOSK, scene, place, clock, number + seed))
    for number, place in enumerate(places, start=1):
        for kind in (SiteKind.STATION, SiteKind.CABINET):
            name = f"{region.name}-{kind.value}-{number:04d}"
            sites.append(_site(name, region, kind, Scene.VILLAGE_SERVICE_POINT, place, clock, number + seed))
    return sites


def register_sites(session: Session, region: str, sites: Iterable[Site]) -> list[str]:
    """Register the sites that are not there yet; give the ids of the region's kiosks, sorted."""
    repository = SiteRepository(session)
    known = {site.id for site in repository.in_region(region)}
    for site in sites:
        if site.id not in known:
            repository.add(site)
    return [site.id for site in repository.in_region(region, SiteKind.KIOSK)]


def _site(name: str, region: Region, kind: SiteKind, scene: Scene, place: Place, clock: Clock, seed: int) -> Site:
    lon, lat = region.door_points(place.id, 1, seed)[0].tolist()
    return Site(
        id=name,
        region=region.name,
        kind=kind.value,
        scene=scene.value,
        name=f"{place.name}{scene.zh}{kind.zh}",
        place_id=place.id,
        lon=round(lon, 6),
        lat=round(lat, 6),
        compartments={} if kind is SiteKind.STATION else dict(_BOXES),
        opening=[],
        status=SiteStatus.ACTIVE.value,
        registered_at=clock.now(),
    )
