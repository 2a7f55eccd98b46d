"""Siting from what the database knows, and its commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from api.cli.main import main
from api.siting import survey_kiosks
from dispatch.parcels.model import CABINET, COLLECT, DELIVER, Company, Parcel
from kernel.clock import Clock
from kernel.db import Database
from kernel.log import set_up_logging
from lockers.registry.model import Site
from maps.region import Region
from maps.siting.forecast import KioskHistory
from maps.store import RegionStore

MONDAY = date(2026, 3, 2)
HEADER = "code,name,town_code,lon,lat\n"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give tables of a small county: five villages along a road of 20 km."""
    folder = tmp_path_factory.mktemp("tables")
    villages, towns = folder / "villages.csv", folder / "towns.csv"
    rows = [f"v{n},{name}村,t1,{109.6 + n / 20:.3f},29.9" for n, name in enumerate("东西南北中")]
    villages.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    towns.write_text("code,name,lon,lat\nt1,河口镇,109.6,29.9\n", encoding="utf-8")
    return villages, towns


@pytest.fixture
def county(tables: tuple[Path, Path], tmp_path: Path) -> Region:
    """Give that county."""
    return RegionStore(tmp_path / "regions").import_csv(*tables, "county", terrain="flat")


@pytest.fixture
def add_parcels(clock: Clock) -> Callable[..., None]:
    """Give a function that stores parcels of a village, or drop-offs of a kiosk."""
    numbers = iter(range(10_000))

    def add(session: Session, place_id: str, count: int, day: date, kiosk: str | None = None) -> None:
        if session.get(Company, "yunlu") is None:
            session.add(Company(id="yunlu", name="云鹿速递"))
            session.flush()
        for _ in range(count):
            number = next(numbers)
            session.add(
                Parcel(
                    id=f"p{number}", region="county", company_id="yunlu", waybill=f"W{number}", product="standard",
                    direction=COLLECT if kiosk else DELIVER, channel=CABINET, channel_site_id=kiosk,
                    place_id=place_id, weight_g=500, volume_cm3=900, due_day=day, imported_at=clock.now(),
                )
            )  # fmt: skip

    return add


@pytest.fixture
def add_kiosk(clock: Clock) -> Callable[..., None]:
    """Give a function that registers a pharmacy's kiosk."""

    def add(session: Session, site_id: str, place_id: str, lon: float, **other: Any) -> None:
        session.add(
            Site(
                id=site_id, region="county", kind="kiosk", scene="pharmacy", name=site_id, place_id=place_id, lon=lon,
                lat=29.9, registered_at=clock.now(), **({"status": "active"} | other),
            )
        )  # fmt: skip

    return add


def test_without_parcels_inhabitants_are_the_demand(sqlite_database: Database, county: Region) -> None:
    """Before the first manifest the number of inhabitants stands in for parcels, and that is said."""
    with sqlite_database.read() as session:
        found = survey_kiosks(session, county)
    assert found.problem.demand_unit == "residents"
    assert "no parcels" in found.demand_from
    assert found.histories == ()


def test_demand_kiosks_and_drop_offs_come_from_the_database(
    database: Database, county: Region, add_parcels: Callable[..., None], add_kiosk: Callable[..., None]
) -> None:
    """Parcels count per village and day, kiosks that stand are kept, and their drop-offs become their history."""
    with database.begin() as session:
        add_kiosk(session, "kiosk-a", "v0", 109.6)
        add_kiosk(session, "kiosk-b", "v1", 109.65, commissioned_on=MONDAY + timedelta(days=7))
        add_kiosk(session, "kiosk-gone", "v2", 109.7, status="retired")
        add_parcels(session, "v0", 6, MONDAY)
        add_parcels(session, "v3", 2, MONDAY + timedelta(days=1))
        add_parcels(session, "lost-village", 9, MONDAY)
        add_parcels(session, "v0", 4, MONDAY, kiosk="kiosk-a")
        add_parcels(session, "v1", 3, MONDAY + timedelta(days=9), kiosk="kiosk-b")
    with database.read() as session:
        found = survey_kiosks(session, county)
        recent = survey_kiosks(session, county, recent_days=3)
    assert {one.id: one.weight for one in found.problem.demands} == {"v0": 6 / 3, "v3": 2 / 3}
    assert [one.id for one in found.problem.candidates if one.existing] == ["kiosk-a", "kiosk-b"]
    assert found.histories == (
        KioskHistory("kiosk-a", "pharmacy", 4, 10.0), KioskHistory("kiosk-b", "pharmacy", 3, 3.0)
    )  # fmt: skip
    assert [(one.drop_offs, one.days) for one in recent.histories] == [(0, 3.0), (3, 3.0)]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tables: tuple[Path, Path]
) -> Callable[..., Any]:
    """Give a way to run a command in an installation that holds the small county."""
    monkeypatch.setenv("CUNDA_LOG_LEVEL", "error")
    set_up_logging("error", "json")

    def command(*arguments: str) -> Any:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        printed = capsys.readouterr()
        return (code, json.loads(printed.out if code == 0 else printed.err.splitlines()[-1]))

    imported = command("region", "import", str(tables[0]), "--towns", str(tables[1]), "--name", "county")
    assert imported[0] == 0
    return command


def test_the_command_proposes_kiosks_and_draws_them(run: Callable[..., Any], tmp_path: Path) -> None:
    """Two kiosks for a county of five villages, as JSON and on a map."""
    path = tmp_path / "kiosks.geojson"
    code, plan = run("kiosks", "site", "--region", "county", "--budget", "2", "--minutes", "25", "--geojson", str(path))
    assert code == 0
    assert len(plan["sites"]) == 2
    assert plan["proven"] is True
    assert plan["demand_from"].startswith("inhabitants")
    assert all(site["drop_offs_low"] <= site["drop_offs_a_day"] <= site["drop_offs_high"] for site in plan["sites"])
    shown = json.loads(path.read_text(encoding="utf-8"))
    assert sum(one["properties"]["kind"] == "kiosk" for one in shown["features"]) == 2
    quick = run("kiosks", "site", "--region", "county", "--budget", "2", "--minutes", "25", "--quick")[1]
    assert quick["covered"] == plan["covered"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--pattern", "ring"), "siting_input"),
        (("--model", "centre"), "siting_input"),
        (("--minutes", "0"), "siting_input"),
        (("--model", "fewest", "--minutes", "0.01", "--pattern", "anchor"), "coverage_impossible"),
        (("--pattern", "cluster", "--quick"), "siting_method"),
        (("--geojson", "/nowhere/x.geojson"), "usage"),
    ],
)
def test_what_cannot_be_sited_is_named(run: Callable[..., Any], arguments: tuple[str, ...], code: str) -> None:
    """Each impossible wish ends with exit code 2, a code and a remedy."""
    exit_code, answer = run("kiosks", "site", "--region", "county", "--budget", "2", *arguments)
    assert exit_code == 2
    assert answer["error"]["code"] == code
    assert answer["error"]["remedy"]


def test_the_command_for_sleeping_kiosks_answers_without_any(run: Callable[..., Any]) -> None:
    """Where no kiosk stands, none sleeps."""
    assert run("kiosks", "sleepers", "--region", "county") == (0, [])


def test_the_command_cuts_a_county_into_sections(run: Callable[..., Any], tmp_path: Path) -> None:
    """Two couriers for five villages, as JSON and on a map; more couriers than villages are refused."""
    path = tmp_path / "sections.geojson"
    code, design = run("region", "sections", "--region", "county", "--count", "2", "--geojson", str(path))
    assert code == 0
    assert len(design["sections"]) == 2
    assert design["work_from"].startswith("inhabitants")
    assert json.loads(path.read_text(encoding="utf-8"))["features"]
    again = run("region", "sections", "--region", "county", "--count", "2")[1]
    assert again == design
    assert run("region", "sections", "--region", "county", "--count", "2", "--geojson", "/nowhere/x")[0] == 2
