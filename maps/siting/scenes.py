"""Scene types and deployment patterns of sending kiosks (寄件宝)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from maps.errors import SitingInputError

SCENES: Mapping[str, str] = MappingProxyType({
    "village_service_point": "村级服务点",
    "convenience_store": "便利店",
    "speciality_shop": "专卖店",
    "office": "写字楼",
    "hotel": "酒店",
    "station": "车站",
    "pharmacy": "药店",
    "school": "学校",
    "scenic_spot": "景区",
    "industrial_park": "工业园区",
})  # fmt: skip
"""The ten scene types (场景) with their Chinese names; the registry of sites has the same.

Source: China Post news report on 寄件宝 in Qianjiang, 2023.
"""


@dataclass(frozen=True)
class Pattern:
    """A way of spreading kiosks over a county, as constraints.

    Attributes
    ----------
    scenes
        Where new kiosks may stand; existing ones stay wherever they are.
    min_spacing_m
        Least straight distance of a new kiosk to any other.
    cluster_size
        How many kiosks of one scene, existing ones included, must stand within ``cluster_m`` of a new one,
        itself counted; 1 asks for nothing.
    """

    name: str
    zh: str
    scenes: frozenset[str]
    min_spacing_m: float = 0.0
    cluster_size: int = 1
    cluster_m: float = 0.0


PATTERNS: Mapping[str, Pattern] = MappingProxyType({
    "any": Pattern("any", "不限", frozenset(SCENES)),
    "spread": Pattern("spread", "村点铺开", frozenset({"village_service_point"}), min_spacing_m=1_500.0),
    "cluster": Pattern(
        "cluster", "商圈集群", frozenset({"pharmacy", "convenience_store", "speciality_shop"}),
        cluster_size=5, cluster_m=2_000.0,
    ),
    "anchor": Pattern(
        "anchor", "大户带动", frozenset({"school", "hotel", "industrial_park", "scenic_spot", "office", "station"}),
        min_spacing_m=300.0,
    ),
})  # fmt: skip
"""Presets. The report names a cluster of five pharmacies and ten scenes; distances, and what makes a
pattern besides, are our inference and meant to be changed."""


def pattern_of(name: str) -> Pattern:
    """Return a preset.

    Raises
    ------
    SitingInputError
        If there is none of that name.
    """
    try:
        return PATTERNS[name]
    except KeyError:
        raise SitingInputError(
            f"unknown deployment pattern {name!r}", remedy=f"Use one of: {', '.join(PATTERNS)}.", name=name
        ) from None


def check_scene(scene: str, what: str) -> str:
    """Return a scene type.

    Raises
    ------
    SitingInputError
        If it is none of the ten; names what it belongs to.
    """
    if scene not in SCENES:
        raise SitingInputError(
            f"{what}: {scene!r} is not a scene type", remedy=f"Use one of: {', '.join(SCENES)}.", scene=scene
        )
    return scene
