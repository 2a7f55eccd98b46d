"""A plain county of two townships, its policy, and routes that companies share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dispatch.fleet.fleet import Load, TypeSpec
from dispatch.sharing.policy import SharingPolicy, default_policy, policy_document, read_policy
from dispatch.sharing.shares.executed import Part, SharedCall, SharedRoute, SharedStop
from kernel.money import Fen
from maps.places import Place, Township
from maps.region import Region

MakePolicy = Callable[..., SharingPolicy]
MakeRoute = Callable[..., SharedRoute]


@pytest.fixture
def two_townships() -> Region:
    """Give a county with the townships east and west, a village in each, and distances as the crow flies."""
    from maps.engines.geodesic import GeodesicEngine

    places = (
        Place("v-east", "东村", "village", "east", 109.30, 29.90, 900),
        Place("v-east-2", "东二村", "village", "east", 109.32, 29.91, 700),
        Place("v-west", "西村", "village", "west", 109.10, 29.90, 800),
        Place("v-lost", "无名村", "village", "west", None, None, 100),
    )
    return Region(
        name="plain",
        title="平县",
        zone="Asia/Shanghai",
        source="geodesic",
        attribution="made up",
        depot=Place("centre", "县城", "county", "east", 109.20, 29.90, 9_000),
        townships=(Township("east", "东乡", 109.30, 29.90), Township("west", "西乡", 109.10, 29.90)),
        places=places,
        open_engine=lambda: GeodesicEngine(),
    )


@pytest.fixture
def make_policy() -> MakePolicy:
    """Make the plain county's policy; keyword arguments replace entries of the file."""

    def make(**changes: Any) -> SharingPolicy:
        return read_policy(policy_document(default_policy("plain")) | changes)

    return make


@pytest.fixture(scope="session")
def small_van() -> TypeSpec:
    """Give a van that costs 100 yuan a day, 1 yuan a kilometre and 30 yuan an hour."""
    return TypeSpec(
        "plain-small-van",
        "面包车",
        "van",
        Load(600_000, 3_000_000, 200),
        Fen(10_000),
        Fen(100),
        Fen(3_000),
        28_800,
        64_800,
    )


@pytest.fixture(scope="session")
def make_route(small_van: TypeSpec) -> MakeRoute:
    """Make a route over stops on a line, ten kilometres apart; each stop says which company has how many parcels."""

    def make(*stops: dict[str, int], window: tuple[int, int] = (0, 86_400)) -> SharedRoute:
        count = len(stops) + 1
        metres = (np.abs(np.subtract.outer(np.arange(count), np.arange(count))) * 10_000).astype(np.int32)
        visits = tuple(
            SharedStop(
                row,
                window,
                (SharedCall(60, 0, {one: Part(30 * n, n, 1_000 * n) for one, n in pieces.items()}),),
            )
            for row, pieces in enumerate(stops, start=1)
        )
        plain = SharedRoute(small_van, metres // 10, metres, visits, 0)
        everybody = frozenset(company for pieces in stops for company in pieces)
        return SharedRoute(small_van, metres // 10, metres, visits, plain.price_fen(everybody))

    return make
