"""What vehicles may use and how fast they are."""

from __future__ import annotations

import numpy as np
import pytest

from maps.errors import ProfileError
from maps.osm_tags import CLASS_CODE, ROAD_CLASSES
from maps.profiles import PROFILES, profile_of

ALL = np.arange(len(ROAD_CLASSES), dtype=np.uint8)


@pytest.mark.parametrize("name", list(PROFILES))
def test_no_vehicle_exceeds_its_cap(name: str) -> None:
    """Whatever a sign allows, a vehicle keeps to what it can do."""
    profile = profile_of(name)
    speeds = profile.speeds_kmh(ALL, np.full(len(ALL), 130, dtype=np.float32))
    assert speeds.max() <= profile.cap_kmh


def test_signed_limits_are_driven_at_four_fifths() -> None:
    """A limit of 50 means 40 on average, and no sign means the class decides."""
    codes = np.array([CLASS_CODE["tertiary"]] * 2, dtype=np.uint8)
    assert profile_of("van").speeds_kmh(codes, np.array([50, 0], dtype=np.float32)).tolist() == [40, 36]


def test_tricycles_stay_off_motorways() -> None:
    """A motorway is closed to tricycles and motorcycles, even with a signed limit."""
    code = np.array([CLASS_CODE["motorway"]], dtype=np.uint8)
    for name in ("etrike", "motorcycle"):
        assert profile_of(name).speeds_kmh(code, np.array([120], dtype=np.float32)).tolist() == [0]


def test_unknown_profiles_are_named() -> None:
    """A misspelt profile is named in the error."""
    with pytest.raises(ProfileError, match="lorry"):
        profile_of("lorry")
