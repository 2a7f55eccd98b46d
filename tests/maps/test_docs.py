"""docs/maps.md tells what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import maps.errors
from kernel.errors import CundaError
from maps.demo.passage import BRIDGES
from maps.demo.settlements import HAMLETS, TOWNS, VILLAGES
from maps.engines.geodesic import BAND_KM, TERRAINS
from maps.osm_tags import CLASS_CODE
from maps.profiles import PROFILES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "maps.md").read_text(encoding="utf-8")


def rows(first_heading: str) -> list[list[str]]:
    """Return a table of the page by its first column's heading, heading row included."""
    lines = PAGE.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    table = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return [table[0], *table[2:]]


def test_the_profile_table_is_what_vehicles_do() -> None:
    """Every speed in the table is the one the profile drives at."""
    heading, *body = rows("profile")
    classes = heading[3:]
    codes = np.array([CLASS_CODE[name] for name in classes], dtype=np.uint8)
    assert {row[0].split("`")[1] for row in body} == set(PROFILES)
    for row in body:
        profile = PROFILES[row[0].split("`")[1]]
        speeds = profile.speeds_kmh(codes, np.zeros(len(codes), dtype=np.float32))
        written = [0.0 if cell == "–" else float(cell) for cell in row[3:]]
        usable = np.array([not (profile.name == "van" and name == "path") for name in classes])
        assert float(row[2]) == profile.cap_kmh
        np.testing.assert_allclose(written, speeds * usable)


def test_the_terrain_table_is_what_estimates_use() -> None:
    """Every detour and time in the table is the one estimates are made with."""
    heading, *body = rows("terrain")
    assert tuple(float(cell.split()[0]) for cell in heading[1:5]) == BAND_KM
    written = {row[0].strip("`"): tuple(float(cell) for cell in row[1:7]) for row in body}
    assert written == {name: (*kind.detour, kind.start_s, kind.per_km_s) for name, kind in TERRAINS.items()}


def test_every_error_code_on_the_page_exists() -> None:
    """A reader who searches the page for a code finds one the program really gives."""
    known = {
        item.code for item in vars(maps.errors).values() if isinstance(item, type) and issubclass(item, CundaError)
    }
    named = {code for row in rows("code")[1:] for code in re.findall(r"`([a-z_]+)`", row[0])}
    assert named <= known
    assert {"osm_file", "no_roads", "boundary_open"} <= named


@pytest.mark.parametrize(
    "words", [f"{TOWNS}\ntownships", f"{VILLAGES} villages", f"{HAMLETS} hamlets", {7: "seven"}[BRIDGES] + " bridges"]
)
def test_the_demo_county_is_described_as_it_is(words: str) -> None:
    """The numbers of the demo county on the page are those of the generator."""
    assert words in PAGE
