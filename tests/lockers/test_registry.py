"""The registry of kiosks, stations and cabinets."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.clock import Clock
from kernel.db import Database
from lockers.errors import InvalidSiteError, SiteExistsError, UnknownSiteError
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import Scene, SiteKind


@pytest.fixture
def pharmacy(clock: Clock) -> dict[str, Any]:
    """Give the registration of a kiosk in a pharmacy."""
    return {
        "id": "qj-kiosk-017", "region": "demo", "kind": "kiosk", "scene": "pharmacy", "name": "康泰药店",
        "place_id": "p-1", "lon": 112.9, "lat": 30.4, "compartments": {"S": 8, "M": 4},
        "opening": [[0, 28_800, 75_600]], "status": "active", "registered_at": clock.now(),
    }  # fmt: skip


def test_a_registered_site_is_found_in_its_region(database: Database, pharmacy: dict[str, Any]) -> None:
    """A kiosk that was registered appears among its region's kiosks and nowhere else."""
    with database.begin() as session:
        SiteRepository(session).add(Site(**pharmacy))
    with database.read() as session:
        sites = SiteRepository(session)
        assert [site.id for site in sites.in_region("demo", SiteKind.KIOSK)] == ["qj-kiosk-017"]
        assert sites.in_region("demo", SiteKind.CABINET) == []
        assert sites.in_region("elsewhere") == []
        assert sites.get("qj-kiosk-017").compartments == {"S": 8, "M": 4}


def test_a_site_id_is_taken_once(sqlite_database: Database, pharmacy: dict[str, Any]) -> None:
    """Two kiosks cannot share an id."""
    with sqlite_database.begin() as session:
        SiteRepository(session).add(Site(**pharmacy))
    with sqlite_database.begin() as session, pytest.raises(SiteExistsError):
        SiteRepository(session).add(Site(**pharmacy))


def test_an_unknown_site_is_named(sqlite_database: Database) -> None:
    """Asking for a site that does not exist says which one was meant."""
    with sqlite_database.read() as session, pytest.raises(UnknownSiteError, match="no-such"):
        SiteRepository(session).get("no-such")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "A/+#"),  # would break topics
        ("id", "ab"),  # too short
        ("kind", "drone"),
        ("scene", "moon"),
        ("status", "asleep"),
        ("lon", 200.0),
        ("lat", -91.0),
        ("compartments", {"HUGE": 1}),
        ("opening", [[0, 10, 5]]),  # closes before it opens
        ("opening", [[0, 10]]),
    ],
)
def test_a_registration_that_cannot_be_true_is_refused(
    sqlite_database: Database, pharmacy: dict[str, Any], field: str, value: object
) -> None:
    """A wrong field is refused by name and leaves nothing behind."""
    with sqlite_database.begin() as session, pytest.raises(InvalidSiteError, match=field):
        SiteRepository(session).add(Site(**(pharmacy | {field: value})))
    with sqlite_database.read() as session:
        assert SiteRepository(session).in_region("demo") == []


def test_ten_scenes_have_names_in_chinese() -> None:
    """The ten scene types of the field reports all have a Chinese name of their own."""
    assert len(Scene) == 10
    assert len({scene.zh for scene in Scene}) == 10
