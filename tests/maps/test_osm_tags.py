"""What the tags of a way mean."""

from __future__ import annotations

import pytest

from maps.osm_tags import BACKWARD, CAR, CLASS_CODE, FORWARD, MOTORCYCLE, read_road, read_speed


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, FORWARD | BACKWARD),
        ({"oneway": "yes"}, FORWARD),
        ({"oneway": "1"}, FORWARD),
        ({"oneway": "-1"}, BACKWARD),
        ({"oneway": "reverse"}, BACKWARD),
        ({"junction": "roundabout"}, FORWARD),
        ({"junction": "roundabout", "oneway": "no"}, FORWARD | BACKWARD),
        ({"oneway": "alternating"}, FORWARD | BACKWARD),
    ],
)
def test_one_way_streets_are_read_from_tags_and_from_roundabouts(tags: dict[str, str], expected: int) -> None:
    """A roundabout is one-way without saying so; a sign that is no one-way sign changes nothing."""
    road = read_road({"highway": "tertiary", **tags})
    assert road is not None
    assert road.directions == expected


def test_motorways_are_one_way_unless_they_say_otherwise() -> None:
    """Each carriageway of a motorway is drawn on its own and driven one way."""
    road = read_road({"highway": "motorway"})
    assert road is not None
    assert road.directions == FORWARD


@pytest.mark.parametrize(
    ("tags", "access"),
    [
        ({"highway": "residential"}, CAR | MOTORCYCLE),
        ({"highway": "residential", "access": "private"}, None),
        ({"highway": "residential", "access": "no", "motor_vehicle": "yes"}, CAR | MOTORCYCLE),
        ({"highway": "residential", "motor_vehicle": "no", "motorcycle": "yes"}, MOTORCYCLE),
        ({"highway": "service", "access": "delivery"}, CAR | MOTORCYCLE),
        ({"highway": "service", "motorcar": "no"}, MOTORCYCLE),
        ({"highway": "track"}, CAR | MOTORCYCLE),
        ({"highway": "track", "tracktype": "grade4"}, MOTORCYCLE),
        ({"highway": "track", "tracktype": "grade4", "motorcar": "yes"}, CAR | MOTORCYCLE),
        ({"highway": "track", "tracktype": "grade2"}, CAR | MOTORCYCLE),
        ({"highway": "track", "motor_vehicle": "agricultural"}, None),
        ({"highway": "path"}, None),
        ({"highway": "path", "motorcycle": "yes"}, MOTORCYCLE),
        ({"highway": "footway", "access": "yes"}, None),
        ({"highway": "steps"}, None),
        ({"highway": "construction"}, None),
        ({"highway": "residential", "area": "yes"}, None),
        ({"waterway": "river"}, None),
    ],
)
def test_access_follows_the_most_specific_sign(tags: dict[str, str], access: int | None) -> None:
    """A sign for motorcycles outranks one for all vehicles, and private roads are left out."""
    road = read_road(tags)
    assert (road.access if road else None) == access


def test_narrow_ways_count_as_paths() -> None:
    """A footway open to motorcycles is as slow as a path."""
    road = read_road({"highway": "footway", "motorcycle": "designated"})
    assert road is not None
    assert road.class_code == CLASS_CODE["path"]


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("60", 60),
        ("60 km/h", 60),
        ("30 mph", 48.28),
        ("walk", 6),
        ("1", 5),
        ("999", 130),
        ("none", 0),
        ("CN:urban", 0),
        ("", 0),
        ("50;30", 0),
    ],
)
def test_speed_limits_are_read_or_left_unknown(text: str, kmh: float) -> None:
    """A limit that is no number is unknown, not zero speed."""
    assert read_speed(text) == pytest.approx(kmh, abs=0.01)
