"""Finding the village that is meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dispatch.errors import CellError
from dispatch.parcels.manifest.gazetteer import Gazetteer


@pytest.mark.parametrize(
    ("village", "township", "place_id"),
    [
        ("v1", "", "v1"),
        ("石桥村", "", "v1"),
        ("石桥", "", "v1"),
        ("石桥村委会", "", "v1"),
        ("石桥村民委员会", "", "v1"),
        ("石桥 村", "", "v1"),
        ("王场镇石桥村", "", "v1"),
        ("王场石桥", "", "v1"),
        ("竹溪", "", "v4"),
        ("竹溪社区居委会", "", "v4"),
        ("新建村", "王场镇", "v2"),
        ("新建", "王场", "v2"),
        ("新建村", "竹根滩乡", "v3"),
        ("竹根滩乡新建村", "", "v3"),
        ("新建村", "t2", "v3"),
    ],
)
def test_a_village_is_found_by_the_names_people_use(
    gazetteer: Gazetteer, village: str, township: str, place_id: str
) -> None:
    """By id, by name, with or without its ending, and with its township before it or beside it."""
    assert gazetteer.find(village, township).id == place_id


def test_a_name_that_stands_twice_is_not_guessed(gazetteer: Gazetteer) -> None:
    """Two villages of one name are both offered, with their townships."""
    with pytest.raises(CellError) as caught:
        gazetteer.find("新建村")
    assert caught.value.problem == "village_ambiguous"
    assert caught.value.candidates == ("v2", "v3")
    assert "王场镇" in caught.value.message


def test_an_unknown_name_brings_candidates(gazetteer: Gazetteer) -> None:
    """A mistyped name offers the village it looks like, preferring the township that was given."""
    with pytest.raises(CellError) as caught:
        gazetteer.find("石乔村")
    assert (caught.value.problem, caught.value.candidates) == ("village_unknown", ("v1",))
    with pytest.raises(CellError) as caught:
        gazetteer.find("新见村", "竹根滩乡")
    assert caught.value.candidates == ("v3",)


def test_a_file_of_another_region_is_answered_in_time(gazetteer: Gazetteer) -> None:
    """When thousands of names are unknown, guessing stops and the answer stays."""
    find: Callable[[str], object] = gazetteer.find
    for number in range(3_000):
        with pytest.raises(CellError) as caught:
            find(f"石桥{number}")
    assert caught.value.candidates == ()
