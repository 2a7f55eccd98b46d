"""Where people live in the demo county: county town, townships, villages, hamlets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import generic_gradient_magnitude, sobel
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from maps.demo.names import Name, Namer
from maps.demo.passage import grid_links
from maps.demo.terrain import STEP_M, WIDTH_M, Terrain
from maps.geodesy import FloatArray

IntArray = NDArray[np.int64]

TOWNS, VILLAGES, HAMLETS = 16, 292, 190
_ROUNDS = 6
_VILLAGE_APART_M = 1_150.0
_HAMLET_APART_M = 700.0
_BANK_M = 200.0


@dataclass(frozen=True)
class Settlement:
    """One place: ``node`` is its grid point, ``township`` the index of its town."""

    node: int
    kind: str
    township: int
    name: Name
    population: int


def settle(rng: np.random.Generator, terrain: Terrain) -> list[Settlement]:
    """Choose places: the county town first, then the other towns, villages and hamlets.

    Valley floors are settled before slopes, and places keep their distance from each other.
    """
    points = terrain.points
    pull = _attraction(terrain)
    county = _county_town(terrain, pull)
    larger = _spread(rng, points, pull, [county], VILLAGES + TOWNS, _VILLAGE_APART_M)
    towns = _seats(terrain, larger)
    villages = [node for node in larger if node not in towns]
    hamlets = _spread(rng, points, pull**0.5, towns + villages, HAMLETS + VILLAGES + TOWNS, _HAMLET_APART_M)
    owner = township_of(terrain, towns)
    namer = Namer(rng)
    found = []
    for index, node in enumerate(towns):
        name = Name("城关镇", "Chengguan Town") if index == 0 else namer.town()
        people = 61_000 if index == 0 else int(rng.lognormal(8.9, 0.35))
        found.append(Settlement(node, "town", index, name, people))
    for node in villages:
        found.append(
            Settlement(node, "village", int(owner[node]), namer.village(owner[node]), int(rng.lognormal(7.0, 0.5)))
        )
    for node in hamlets[VILLAGES + TOWNS :]:
        found.append(
            Settlement(node, "hamlet", int(owner[node]), namer.hamlet(owner[node]), int(rng.lognormal(4.6, 0.5)))
        )
    return found


def township_of(terrain: Terrain, towns: list[int]) -> IntArray:
    """Give every grid point of the county to the town nearest over land, -1 outside.

    Borders so follow ridges. Neighbours count on four sides, so every township is in one piece.
    """
    return _nearest_town(grid_links(terrain, diagonal=False, keep_off_water=False), towns)


def _nearest_town(links: csr_array, towns: list[int]) -> IntArray:
    _, _, source = dijkstra(links, directed=False, indices=towns, min_only=True, return_predecessors=True)
    index_of = np.full(source.max() + 2, -1, dtype=np.int64)
    index_of[towns] = np.arange(len(towns))
    return np.where(source >= 0, index_of[source], -1)


def _attraction(terrain: Terrain) -> FloatArray:
    """Return how much each grid point invites settling, 0 to 1, flattened."""
    grade = generic_gradient_magnitude(terrain.height_m, sobel) / (8 * STEP_M)
    pull = np.exp(-terrain.above_valley_m / 110.0) * np.exp(-((grade / 0.14) ** 2))
    apart, _ = cKDTree(terrain.river).query(terrain.points)
    pull = pull.ravel() * terrain.inside.ravel() * (apart > _BANK_M)
    edge = _near_border(terrain)
    return np.asarray(pull * ~edge, dtype=np.float64)


def _near_border(terrain: Terrain) -> NDArray[np.bool_]:
    """Return the points within a kilometre of the county's border."""
    outside = terrain.points[~terrain.inside.ravel()]
    apart, _ = cKDTree(outside).query(terrain.points)
    near: NDArray[np.bool_] = apart < 1_000.0
    return near


def _county_town(terrain: Terrain, pull: FloatArray) -> int:
    """Put the county town on flat ground by the river, near the middle of the county."""
    x, y = terrain.points.T
    apart, _ = cKDTree(terrain.river).query(terrain.points)
    score = pull * np.exp(-(((x - WIDTH_M / 2) / 6_000) ** 2)) * ((apart > 450) & (apart < 1_200))
    del y
    return int(score.argmax())


def _seats(terrain: Terrain, nodes: list[int]) -> list[int]:
    """Choose towns among the villages so that each is central to those it is nearest to; the first is fixed.

    Farthest-first, then medoids in turn (Park, Jun 2009), with villages assigned over land.
    """
    points = terrain.points[nodes]
    apart = np.hypot(*(points[:, None] - points[None, :]).transpose(2, 0, 1))
    links = grid_links(terrain, diagonal=False, keep_off_water=False)
    chosen = [0]
    while len(chosen) < TOWNS:
        chosen.append(int(apart[chosen].min(axis=0).argmax()))
    for _ in range(_ROUNDS):
        owner = _nearest_town(links, [nodes[index] for index in chosen])[nodes]
        for index in range(1, TOWNS):
            members = np.flatnonzero(owner == index)
            chosen[index] = int(members[apart[np.ix_(members, members)].sum(axis=1).argmin()])
    return [nodes[index] for index in chosen]


def _spread(
    rng: np.random.Generator, points: FloatArray, pull: FloatArray, taken: list[int], count: int, apart_m: float
) -> list[int]:
    """Add points by weighted chance until there are ``count``, none nearer than ``apart_m`` to another.

    The distance gives way a little when the land is full.
    """
    # Order of a weighted draw without replacement: exponential times over weights (Efraimidis, Spirakis 2006).
    with np.errstate(divide="ignore"):
        order = np.argsort(rng.exponential(size=len(pull)) / pull, kind="stable")
    order = order[pull[order] > 1e-6]
    chosen = list(taken)
    while len(chosen) < count:
        for node in order:
            if len(chosen) == count:
                break
            if np.hypot(*(points[chosen] - points[node]).T).min() >= apart_m:
                chosen.append(int(node))
        apart_m *= 0.9
    return chosen
