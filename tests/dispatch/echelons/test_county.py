"""A county's file of depots, trunks and buses becomes the two-echelon problem, and plans become pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from dispatch.demand.parcel import StopKind
from dispatch.demand.stops import Stop
from dispatch.echelons.checker import check_two_echelon
from dispatch.echelons.county import county_day
from dispatch.echelons.errors import EchelonFileError, EchelonModelError
from dispatch.echelons.joint import Effort, solve_two_echelon
from dispatch.echelons.network import Network, default_network, load_network
from dispatch.echelons.report import echelon_document, echelon_map, route_rows, run_rows
from dispatch.fleet.demo import demo_fleet
from dispatch.fleet.fleet import Load
from maps.engines.protocol import Matrix
from maps.places import Place, Township
from maps.region import Region

FILE = """
region = "tiny"
centre_ready = "07:00"
direct = true
cut_offs = { early = "07:30", yunlu = "17:00", "*" = "20:00" }
[[depot]]
id = "north"
name = "北站"
township_id = "t2"
lon = 110.0
lat = 30.3
[[trunk]]
id = "lorry"
count = 2
capacity = [2500000, 18000000, 1500]
fixed_fen = 100
per_km_fen = 10
per_hour_fen = 0
depart = "06:00"
[[bus]]
id = "bus-1"
outward = true
centre = "06:30"
capacity = [150000, 1200000, 60]
price_fen = 100
calls = [{ depot = "north", at = "07:30" }]
"""


class StraightRoads:
    """Roads as the crow flies, ten metres a second; a degree is 100 km; none east of 120 degrees."""

    source = "road"

    def matrix(self, src: Any, dst: Any, profile: str = "van") -> Matrix:
        """Measure straight lines."""
        here, there = np.asarray(src, float).reshape(-1, 2), np.asarray(dst, float).reshape(-1, 2)
        metres = np.hypot(*np.moveaxis(here[:, None, :] - there[None, :, :], 2, 0)) * 100_000
        cut_off = (here[:, 0] > 120)[:, None] | (there[:, 0] > 120)[None, :]
        metres = np.where(cut_off & (metres > 0), np.inf, metres)
        return Matrix((metres / 10).astype("f4"), metres.astype("f4"), "road")

    def route(self, points: Any, profile: str = "van") -> Any:
        """Drive straight."""
        line = SimpleNamespace(coordinates=np.asarray(points, float))
        return SimpleNamespace(simplified=lambda _tolerance: line)


@pytest.fixture
def county() -> Region:
    """Give a county with a centre and one township 30 km north of it."""
    return Region(
        name="tiny",
        title="Tiny",
        zone="Asia/Shanghai",
        source="road",
        attribution="",
        depot=Place("c", "Centre", "county", "t1", 110.0, 30.0),
        townships=(Township("t1", "Town", 110.0, 30.0), Township("t2", "North", 110.0, 30.3)),
        places=(),
        open_engine=StraightRoads,  # type: ignore[arg-type]
    )


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """Read the county's file."""
    path = tmp_path / "county.toml"
    path.write_text(FILE, encoding="utf-8")
    return load_network(path)


@pytest.fixture
def make_stop() -> Callable[..., Stop]:
    """Make a door stop with one delivery."""

    def make(key: str, lon: float, lat: float, collect: bool = False) -> Stop:
        return Stop(
            key=key, kind=StopKind.DOOR, name=key, place_id="p", site_id=None, lon=lon, lat=lat,
            position_source="parcel", deliveries=(f"d-{key}",), collections=(f"c-{key}",) if collect else (),
            delivery_load=Load(1_000, 5_000, 1), collection_load=Load(1_000, 5_000, 1) if collect else Load(),
            setup_s=75, service_s=30,
        )  # fmt: skip

    return make


@pytest.fixture
def stops(make_stop: Callable[..., Stop]) -> list[Stop]:
    """Give four stops in the north, two near the centre, one behind a river without a bridge."""
    north = [make_stop(f"north-{n}", 110.0 + n / 100, 30.31, collect=n == 0) for n in range(4)]
    return [
        *north,
        make_stop("near-1", 110.01, 30.01),
        make_stop("near-2", 110.02, 30.0),
        make_stop("far", 121.0, 30.0),
    ]


def test_a_days_stops_become_a_plan_nobody_is_lost_from(county: Region, network: Network, stops: list[Stop]) -> None:
    """Every stop is on a route, or listed as out of reach; runs, routes and the map say so too."""
    fleet = demo_fleet("tiny", 300)
    day = county_day(county, network, stops, fleet, collecting=["yunlu"])
    plan = solve_two_echelon(day.problem, Effort(4, 300, 2))
    assert check_two_echelon(day.problem, plan) == ()
    document = echelon_document(day, plan)
    served = {key for route in document["routes"] for key in route["stops"]}
    assert served | {one["stop"] for one in document["left_out"]} == {stop.key for stop in stops}
    assert [(one["stop"], one["reason"]) for one in document["left_out"]] == [("far", "UNREACHABLE_BY_ROAD")]
    assert len(run_rows(day, plan)) == len(plan.runs)
    assert len(route_rows(day, plan)) == len(plan.routes)
    picture = echelon_map(day, plan, StraightRoads(), "Tiny <day>")  # type: ignore[arg-type]
    assert len(picture.geojson()["features"]) == len(plan.runs) + len(plan.routes) + len(day.stops) + 2
    assert ElementTree.fromstring(picture.svg()).tag.endswith("svg")


def test_the_earliest_reachable_cut_off_counts_and_the_others_are_listed(
    county: Region, network: Network, stops: list[Stop]
) -> None:
    """A company whose line-haul leaves before anybody could be back is listed; the next one's cut-off holds."""
    day = county_day(county, network, stops, demo_fleet("tiny", 300), collecting=["early", "yunlu", "baiyu"])
    assert day.missed_cut_offs == ("early",)
    assert day.problem.back_by_s == 17 * 3600 - 1_800


def test_without_collections_no_cut_off_binds(county: Region, network: Network, stops: list[Stop]) -> None:
    """On a day without collections nothing has to be back."""
    assert county_day(county, network, stops, demo_fleet("tiny", 300)).problem.back_by_s is None


def test_another_regions_network_is_refused(county: Region, network: Network, stops: list[Stop]) -> None:
    """A network is used for its own region only."""
    with pytest.raises(EchelonModelError, match="elsewhere"):
        county_day(county, network.model_copy(update={"region": "elsewhere"}), stops, demo_fleet("tiny", 300))


def test_every_township_seat_off_the_centre_is_a_depot_by_default(county: Region) -> None:
    """Without a file the northern township gets a depot and the centre's own none."""
    assert [one.township_id for one in default_network(county).depots] == ["t2"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            ("[[trunk]]", '[[depot]]\nid = "twin"\nname = "x"\ntownship_id = "t2"\nlon = 110.0\nlat = 30.0\n[[trunk]]'),
            "two depots",
        ),
        (('depot = "north"', 'depot = "nowhere"'), "no depot"),
        (("count = 2", "count = 0"), "trunk.0.count"),
        (("direct = true", "direkt = true"), "direkt"),
        (('region = "tiny"', "region = "), "cannot be read"),
    ],
)
def test_a_spoilt_file_is_refused_with_the_entry(tmp_path: Path, spoil: tuple[str, str], said: str) -> None:
    """A township covered twice, a bus to nowhere, a wrong number or field: the message says which."""
    path = tmp_path / "spoilt.toml"
    path.write_text(FILE.replace(*spoil), encoding="utf-8")
    with pytest.raises(EchelonFileError, match=said):
        load_network(path)
