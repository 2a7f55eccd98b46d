"""The small parts of a simulated day: chance by name, the timeline, and how a landslide is chosen."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from api.simulation.incidents import choose_landslide, late_township
from api.simulation.options import Draws
from api.simulation.roads import TrueRoads
from api.simulation.timeline import Timeline
from kernel.clock import ManualClock, at_second
from kernel.progress import silent
from maps.store import RegionStore

DAY = date(2026, 3, 4)
ZONE = "Asia/Shanghai"


def test_chance_does_not_depend_on_what_was_drawn_before() -> None:
    """The noise on one drive stays the same when another courier drives less."""
    draws = Draws(7)
    before = draws.factor(0.2, "drive", "li", 3)
    draws.of("drive", "wang", 1).random()
    assert draws.factor(0.2, "drive", "li", 3) == before
    assert Draws(8).factor(0.2, "drive", "li", 3) != before


def test_noise_is_fair_on_average() -> None:
    """Over many drives the noise neither shortens nor lengthens the day."""
    factors = [Draws(1).factor(0.25, number) for number in range(2_000)]
    assert abs(sum(factors) / len(factors) - 1) < 0.03


def test_things_happen_in_order_and_the_clock_stands_still_meanwhile() -> None:
    """What is put at an earlier second happens earlier; at one second, in the order it was put there."""
    timeline = Timeline(ManualClock(at_second(DAY, 100, ZONE)), DAY, ZONE)
    seen: list[tuple[str, int]] = []
    timeline.at(300, lambda: seen.append(("late", timeline.now_s)))
    timeline.at(200, lambda: seen.append(("first", timeline.now_s)))
    timeline.at(200, lambda: timeline.at(50, lambda: seen.append(("already past", timeline.now_s))))
    timeline.at(900, lambda: seen.append(("never", timeline.now_s)))
    timeline.run(600, silent)
    assert seen == [("first", 200), ("already past", 200), ("late", 300)]
    assert timeline.now_s == 600


def test_the_late_trunk_run_brings_a_share_of_the_day() -> None:
    """Of three townships the one with about a twelfth of the parcels comes late, not the largest."""
    stops = [
        {"place_id": "a", "deliveries": ["p"] * 60},
        {"place_id": "b", "deliveries": ["p"] * 8},
        {"place_id": "c", "deliveries": ["p"] * 32},
    ]
    assert late_township(stops, {"a": "one", "b": "two", "c": "three"}) == "two"


def test_a_landslide_delays_and_strands_nobody_where_there_is_a_way_round(grid_regions: Path) -> None:
    """In a county of a grid of roads a closed road costs time, and every village is still reached."""
    region = RegionStore(grid_regions).load("grid")
    depot = region.depot.lonlat
    places = [place.lonlat for place in region.located_places]
    legs = [(depot, place, 5_000) for place in places if place != depot]
    found = choose_landslide(region.engine(), depot, legs, Draws(1).of("landslide"))
    assert found is not None
    assert found.delay_s > 0
    assert found.cut_off == 0


def test_a_closed_road_is_really_closed_until_it_is_cleared(grid_regions: Path) -> None:
    """Couriers drive round a landslide the dispatcher may not know of, and straight on once it is cleared."""
    region = RegionStore(grid_regions).load("grid")
    centre = region.depot.lonlat
    neighbour = min(
        (place.lonlat for place in region.located_places if place.lonlat != centre),
        key=lambda point: (abs(point[0] - centre[0]) + abs(point[1] - centre[1]), point),
    )
    roads = TrueRoads(region.engine())
    straight = roads.drive([centre, neighbour], "van")
    roads.close(((centre[0] + neighbour[0]) / 2, (centre[1] + neighbour[1]) / 2))
    round_about = roads.drive([centre, neighbour], "van")
    roads.clear()
    assert straight is not None
    assert round_about is not None
    assert round_about.distance_m > 2 * straight.distance_m
    assert roads.drive([centre, neighbour], "van") == straight
