"""Drawing of the demo county's roads: winding lines, town streets, village lanes, a roundabout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import shapely

from maps.demo.names import Namer
from maps.demo.roads import CLASSES, Line, NetworkState
from maps.demo.settlements import Settlement
from maps.demo.terrain import STEP_M, Terrain
from maps.geodesy import FloatArray

_JITTER_M = 55.0
_HAIRPIN_GRADE = 0.085
_ROUNDABOUT_M = 28.0
_SPEEDS = {"trunk": ("80", "60"), "primary": ("60", "60"), "secondary": ("50", "40"), "tertiary": ("40", "")}
_NARROW_SHARE = 0.15
"""Share of last links to hamlets that are footpaths open to motorcycles only."""


def draw_roads(rng: np.random.Generator, terrain: Terrain, state: NetworkState, places: list[Settlement]) -> list[Line]:
    """Turn chosen links into winding lines, one per stretch between junctions."""
    points = terrain.points + rng.uniform(-_JITTER_M, _JITTER_M, size=terrain.points.shape)
    homes = {place.node: place for place in places}
    points = _off_water(terrain, points)
    points[list(homes)] = terrain.points[list(homes)]
    lines = []
    for chain, rank in _chains(state, set(homes)):
        drawn = _wind(rng, terrain, chain, points, hairpins=rank >= 2)
        lines.extend(_cut_at_water(terrain, Line(drawn, _tags(rng, rank, chain, homes))))
    return lines


def _off_water(terrain: Terrain, points: FloatArray) -> FloatArray:
    """Undo the jitter where it would push a point towards the river."""
    river = shapely.LineString(terrain.river)
    near = shapely.dwithin(shapely.points(points), river, 160.0)
    return np.where(near[:, None], terrain.points, points)


def _chains(state: NetworkState, stops: set[int]) -> Iterator[tuple[list[int], int]]:
    """Yield stretches of equal class between junctions and places, in a fixed order."""
    around: dict[int, list[int]] = defaultdict(list)
    for a, b in sorted(state.rank):
        around[a].append(b)
        around[b].append(a)

    def ends(node: int) -> bool:
        kinds = {state.rank[min(node, other), max(node, other)] for other in around[node]}
        return node in stops or len(around[node]) != 2 or len(kinds) > 1

    done: set[tuple[int, int]] = set()
    for start in sorted(around):
        if not ends(start):
            continue
        for step in around[start]:
            if (min(start, step), max(start, step)) in done:
                continue
            chain = [start, step]
            done.add((min(start, step), max(start, step)))
            while not ends(chain[-1]):
                onward = next(node for node in around[chain[-1]] if node != chain[-2])
                done.add((min(chain[-1], onward), max(chain[-1], onward)))
                chain.append(onward)
            yield chain, state.rank[min(start, step), max(start, step)]


def _wind(
    rng: np.random.Generator, terrain: Terrain, chain: list[int], points: FloatArray, hairpins: bool
) -> FloatArray:
    """Draw a chain of grid points as a road: hairpins where it is steep, rounded everywhere."""
    height = terrain.height_m.ravel()
    corners = [points[chain[0]]]
    for a, b in pairwise(chain):
        if hairpins and abs(height[b] - height[a]) / STEP_M > _HAIRPIN_GRADE:
            corners.extend(_hairpins(rng, points[a], points[b]))
        corners.append(points[b])
    line = np.array(corners)
    for _ in range(2):
        line = _rounded(line)
    return line


def _hairpins(rng: np.random.Generator, start: FloatArray, end: FloatArray) -> list[FloatArray]:
    """Return corners of a zigzag between two points."""
    along = end - start
    across = np.array([-along[1], along[0]]) / np.hypot(*along)
    swing = rng.uniform(45.0, 85.0) * rng.choice([-1.0, 1.0])
    return [start + share * along + sign * swing * across for share, sign in ((0.25, 1), (0.5, -1), (0.75, 1))]


def _rounded(line: FloatArray) -> FloatArray:
    """Cut the corners of a line, keeping its ends (Chaikin 1974)."""
    cut = np.empty((2 * len(line) - 2, 2))
    cut[0::2] = 0.75 * line[:-1] + 0.25 * line[1:]
    cut[1::2] = 0.25 * line[:-1] + 0.75 * line[1:]
    return np.concatenate([line[:1], cut[1:-1] if len(line) > 2 else cut[:0], line[-1:]])


def _tags(rng: np.random.Generator, rank: int, chain: list[int], homes: dict[int, Settlement]) -> dict[str, str]:
    highway = CLASSES[rank]
    tags = {"highway": highway}
    fast, slow = _SPEEDS.get(highway, ("", ""))
    if fast and rng.random() < 0.7:
        town = any(homes[node].kind == "town" for node in (chain[0], chain[-1]) if node in homes)
        tags["maxspeed"] = "40" if town else fast if rng.random() < 0.6 or not slow else slow
    if highway == "track":
        last = len(chain) <= 3 and any(homes[node].kind == "hamlet" for node in (chain[0], chain[-1]) if node in homes)
        if last and rng.random() < _NARROW_SHARE:
            return {"highway": "path", "motorcycle": "yes", "surface": "unpaved"}
        tags |= {"tracktype": "grade2", "surface": "gravel"}
    return tags


def _cut_at_water(terrain: Terrain, line: Line) -> list[Line]:
    """Cut a line at the river's banks; the piece between is a bridge."""
    drawn = shapely.LineString(line.points)
    if not drawn.intersects(terrain.water):
        return [line]
    over = [Line(shapely.get_coordinates(part), line.tags | {"bridge": "yes", "layer": "1"})
            for part in _parts(drawn.intersection(terrain.water))]  # fmt: skip
    land = [Line(shapely.get_coordinates(part), line.tags) for part in _parts(drawn.difference(terrain.water))]
    return over + land


def _parts(geometry: shapely.Geometry) -> list[shapely.Geometry]:
    return [part for part in shapely.get_parts(geometry) if part.geom_type == "LineString" and part.length > 0.5]


def draw_settlements(
    rng: np.random.Generator, terrain: Terrain, roads: list[Line], places: list[Settlement], namer: Namer
) -> list[Line]:
    """Draw streets of the towns and lanes of the villages and hamlets, off the water."""
    middles = terrain.points[[place.node for place in places]]
    tree = shapely.STRtree([shapely.LineString(line.points) for line in roads])
    drawn: list[Line] = []
    for place, middle in zip(places, middles, strict=True):
        near = tree.query_nearest(shapely.Point(middle))[0]
        at = shapely.Point(
            shapely.get_coordinates(shapely.shortest_line(shapely.Point(middle), tree.geometries[near]))[1]
        )
        line = tree.geometries[near]
        heading = _heading(line, line.project(at))
        centre = np.array([at.x, at.y])
        if place.kind == "town":
            size = (8, 6, 170.0) if place.township == 0 else (4, 3, 130.0)
            drawn.extend(_streets(rng, centre, heading, size, namer))
        else:
            drawn.extend(_lanes(rng, line, line.project(at), 6 if place.kind == "village" else 2))
    return [
        Line(shapely.get_coordinates(part), line.tags)
        for line in drawn
        for part in _parts(shapely.LineString(line.points).difference(terrain.water))
    ]


def _heading(line: shapely.LineString, at: float) -> float:
    a, b = line.interpolate(max(at - 60.0, 0.0)), line.interpolate(at + 60.0)
    return float(np.arctan2(b.y - a.y, b.x - a.x))


def _streets(
    rng: np.random.Generator, centre: FloatArray, heading: float, size: tuple[int, int, float], namer: Namer
) -> list[Line]:
    """Draw a grid of streets turned to the main road; in the county town some are one-way."""
    columns, rows, apart = size
    turn = np.array([[np.cos(heading), -np.sin(heading)], [np.sin(heading), np.cos(heading)]])
    across = (np.arange(columns) - (columns - 1) / 2) * apart + rng.uniform(-18, 18, size=columns)
    along = (np.arange(rows) - (rows - 1) / 2) * apart + rng.uniform(-18, 18, size=rows)
    ends = [((x, along[0]), (x, along[-1])) for x in across] + [((across[0], y), (across[-1], y)) for y in along]
    names = namer.streets(len(ends))
    lines = []
    for index, (a, b) in enumerate(ends):
        points = centre + np.array([a, b]) @ turn.T
        tags = {"highway": "residential", "name": names[index].zh, "name:en": names[index].en, "maxspeed": "40"}
        if columns > 4 and 0 < index < columns - 1 and index % 3 != 0:
            tags["oneway"] = "yes"
            points = points[::-1] if index % 3 == 1 else points
        lines.append(Line(points, tags))
    return lines


def _lanes(rng: np.random.Generator, road: shapely.LineString, at: float, count: int) -> list[Line]:
    """Draw lanes that leave a road near a place, some with a lane of their own."""
    lines = []
    for _ in range(max(1, int(rng.poisson(count)))):
        begin = road.interpolate(float(np.clip(at + rng.normal(0.0, 130.0), 0.0, road.length)))
        heading = _heading(road, road.project(begin)) + rng.choice([-1.0, 1.0]) * rng.uniform(0.9, 2.2)
        lane = _lane(rng, np.array([begin.x, begin.y]), heading, rng.uniform(70.0, 260.0))
        lines.append(Line(lane, {"highway": "residential" if rng.random() < 0.75 else "service"}))
        if rng.random() < 0.45:
            joint = lane[len(lane) // 2]
            side = _lane(
                rng, joint, heading + rng.choice([-1.0, 1.0]) * rng.uniform(0.9, 1.6), rng.uniform(50.0, 150.0)
            )
            lines.append(Line(side, {"highway": "service"}))
    return lines


def _lane(rng: np.random.Generator, start: FloatArray, heading: float, length_m: float) -> FloatArray:
    steps = max(2, int(length_m / 35.0))
    angle = heading + np.cumsum(rng.normal(0.0, 0.22, size=steps))
    moves = length_m / steps * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([start[None], start + np.cumsum(moves, axis=0)])


def add_roundabout(lines: list[Line], centre: FloatArray) -> list[Line]:
    """Replace the middle of the county town by a roundabout, driven counter-clockwise."""
    angle = np.linspace(0.0, 2 * np.pi, 17)
    ring = centre + _ROUNDABOUT_M * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    island = shapely.Polygon(ring)
    kept: list[Line] = []
    for line in lines:
        drawn = shapely.LineString(line.points)
        if drawn.intersects(island):
            kept.extend(Line(shapely.get_coordinates(part), line.tags) for part in _parts(drawn.difference(island)))
        else:
            kept.append(line)
    return [*kept, Line(ring, {"highway": "trunk", "junction": "roundabout", "maxspeed": "30", "name": "中心环岛"})]
