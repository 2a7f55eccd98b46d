"""From a region to cells: work of villages, parts of large towns, minutes, neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maps.errors import SectionsImpossibleError
from maps.geodesy import FloatArray, as_points, straight_m
from maps.picture import MapPicture, PictureDot
from maps.places import Place
from maps.region import Region
from maps.sections.design import SectionDesign
from maps.sections.problem import Cell, SectionProblem, road_neighbours

SERVICE_MIN = 3.0
BETWEEN_MIN = 1.5
LARGEST_PART = 0.2
"""A town is cut into parts of at most this share of a section's work, so that sections can become even."""
_STRAIGHT_DETOUR = 0.15  # in the plane this leaves about six neighbours, as touching areas have
_NAMED = 8
SECTION_COLOURS = ("#0077bb", "#771100", "#777711", "#cc0088", "#116655", "#3300aa", "#552266")
"""Told apart with every kind of colour blindness, as the console's routes are; sections also have numbers."""


@dataclass(frozen=True)
class WorkRule:
    """How stops become minutes, until routes through sections were measured.

    Attributes
    ----------
    service_min
        At the door.
    between_min
        From one door of a village to the next.
    """

    service_min: float = SERVICE_MIN
    between_min: float = BETWEEN_MIN

    def minutes(self, stops: float, approach_min: float) -> float:
        """Return the work of a village: its stops, and the drive there from the nearest one."""
        return stops * (self.service_min + self.between_min) + (approach_min if stops > 0 else 0.0)


def survey_sections(
    region: Region,
    stops: Mapping[str, float],
    count: int,
    rule: WorkRule | None = None,
    profile: str = "van",
) -> SectionProblem:
    """Make cells of a region's places with their work on an average day.

    Parameters
    ----------
    stops
        Stops a day by place id; places that are not named have none, but belong to a section all the same.
    count
        How many sections it will be: towns with much of a section's work are cut into parts at one point, which
        border on each other in a row. Which streets a part holds is for people to say.

    Raises
    ------
    PlaceNotFoundError
        If a place is not in the region.
    SectionsImpossibleError
        If no place can be reached, or the count is not positive.
    """
    if count < 1:
        raise SectionsImpossibleError(f"{count} sections", count=count)
    for place_id in stops:
        region.place(place_id)
    places, minutes, source, notes = _reachable(region, profile)
    nearest = np.where(np.eye(len(places), dtype=np.bool_), np.inf, minutes).min(axis=1, initial=np.inf)
    nearest = np.where(np.isfinite(nearest), nearest, 0.0)
    rule = rule or WorkRule()
    work = [rule.minutes(stops.get(place.id, 0.0), float(near)) for place, near in zip(places, nearest, strict=True)]
    most = LARGEST_PART * sum(work) / count
    parts = [max(1, math.ceil(amount / most)) if most > 0 else 1 for amount in work]
    cells = [cell for item in zip(places, work, parts, strict=True) for cell in _cells(*item)]
    whole = np.repeat(np.arange(len(places)), parts)
    return SectionProblem(
        tuple(cells), minutes[np.ix_(whole, whole)], _with_parts(_neighbours(places, minutes, source), parts), source,
        region.attribution, notes,
    )  # fmt: skip


def _reachable(region: Region, profile: str) -> tuple[list[Place], FloatArray, Any, tuple[str, ...]]:
    """Return the places one can drive to and from, with the minutes between them."""
    located = list(region.located_places)
    lonlat = as_points([place.lonlat for place in located])
    engine = region.engine()
    there = engine.matrix([region.depot.lonlat], lonlat, profile).time_s[0]
    back = engine.matrix(lonlat, [region.depot.lonlat], profile).time_s[:, 0]
    good = np.isfinite(there) & np.isfinite(back)
    if not good.any():
        raise SectionsImpossibleError(f"region {region.name}: no place can be reached from {region.depot.name}")
    places = [place for place, is_good in zip(located, good, strict=True) if is_good]
    matrix = engine.matrix(lonlat[good], lonlat[good], profile)
    minutes = matrix.time_s.astype(np.float64) / 60.0
    minutes = (minutes + minutes.T) / 2
    np.fill_diagonal(minutes, 0.0)
    left_out = (
        ([place.name for place, is_good in zip(located, good, strict=True) if not is_good], "no road leads there"),
        ([place.name for place in region.unlocated_places], "their position is unknown"),
    )
    notes = tuple(f"in no section, for {why}: {_named(names)}" for names, why in left_out if names)
    return places, minutes, matrix.source, (*notes, *(matrix.warnings if matrix.source != "road" else ()))


def _neighbours(places: list[Place], minutes: FloatArray, source: str) -> tuple[tuple[int, ...], ...]:
    """Find neighbours by road, or by straight lines where minutes are estimated.

    An estimate holds minutes for starting: going through any third village would cost them twice, and all
    villages would be neighbours.
    """
    if source == "road":
        return road_neighbours(minutes)
    lonlat = as_points([place.lonlat for place in places])
    return road_neighbours(straight_m(lonlat[:, None, :], lonlat[None, :, :]), _STRAIGHT_DETOUR)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _cells(place: Place, work: float, parts: int) -> list[Cell]:
    lon, lat = place.lonlat
    if parts == 1:
        return [Cell(place.id, place.id, place.name, lon, lat, work)]
    return [
        Cell(f"{place.id}/{part}", place.id, f"{place.name}{part}", lon, lat, work / parts)
        for part in range(1, parts + 1)
    ]


def _with_parts(neighbours: tuple[tuple[int, ...], ...], parts: list[int]) -> tuple[tuple[int, ...], ...]:
    """Let the parts of a town border on each other, and each on all the town borders on."""
    first = np.concatenate([[0], np.cumsum(parts)]).tolist()
    found: list[tuple[int, ...]] = []
    for place, others in enumerate(neighbours):
        around = [cell for other in others for cell in range(first[other], first[other + 1])]
        town = range(first[place], first[place + 1])
        found.extend(tuple(sorted({*around, *town} - {cell})) for cell in town)
    return tuple(found)


def design_rows(problem: SectionProblem, design: SectionDesign) -> list[tuple[str, ...]]:
    """Return one row per section: number, centre, cells, hours of work, its share of the mean."""
    mean = max(float(design.load_min.mean()), 1e-12)
    return [
        (
            str(section + 1),
            problem.cells[int(centre)].name,
            str(int((design.section_of == section).sum())),
            f"{load / 60:.2f}",
            f"{load / mean:.2f}",
        )
        for section, (centre, load) in enumerate(zip(design.centres, design.load_min, strict=True))
    ]


DESIGN_COLUMNS = ("section", "centre", "cells", "hours", "of the mean")


def design_document(problem: SectionProblem, design: SectionDesign) -> dict[str, Any]:
    """Return a design for JSON."""
    return {
        "sections": [
            {
                "number": section + 1,
                "centre": problem.cells[int(design.centres[section])].place_id,
                "work_min": round(float(design.load_min[section]), 2),
                "cells": [problem.cells[index].id for index in np.flatnonzero(design.section_of == section)],
            }
            for section in range(len(design.load_min))
        ],
        "max_over_mean": round(design.max_over_mean, 4),
        "min_over_mean": round(design.min_over_mean, 4),
        "mean_min_to_centre": round(design.mean_min_to_centre, 3),
        "even": design.even,
        "source": problem.source,
        "attribution": problem.attribution,
        "notes": [*problem.notes, *design.notes],
    }


def design_picture(problem: SectionProblem, design: SectionDesign, title: str) -> MapPicture:
    """Draw the cells in the colours of their sections, larger with more work, each section's number at its centre."""
    most = max((cell.work_min for cell in problem.cells), default=1.0) or 1.0
    centres = {int(cell): section + 1 for section, cell in enumerate(design.centres)}
    colours = _colours(problem, design)
    dots = tuple(
        PictureDot(
            (cell.lon, cell.lat),
            colours[int(design.section_of[index])],
            2.0 + 6.0 * (cell.work_min / most) ** 0.5,
            f"{cell.name}: section {int(design.section_of[index]) + 1}, {cell.work_min:.0f} min",
            text=str(centres.get(index, "")),
        )
        for index, cell in enumerate(problem.cells)
    )
    return MapPicture(f"{title} · {problem.attribution}", (), dots)


def _colours(problem: SectionProblem, design: SectionDesign) -> list[str]:
    """Give each section a colour that none of those it borders on has, as far as there are enough."""
    section_of = design.section_of.tolist()
    borders: dict[int, set[int]] = {section: set() for section in range(len(design.centres))}
    for cell, near in enumerate(problem.neighbours):
        borders[section_of[cell]] |= {section_of[other] for other in near} - {section_of[cell]}
    chosen: dict[int, int] = {}
    for section in sorted(borders, key=lambda one: (-len(borders[one]), one)):
        taken = [chosen[other] for other in borders[section] if other in chosen]
        chosen[section] = min(range(len(SECTION_COLOURS)), key=lambda colour: (taken.count(colour), colour))
    return [SECTION_COLOURS[chosen[section]] for section in sorted(chosen)]


def design_geojson(problem: SectionProblem, design: SectionDesign) -> dict[str, Any]:
    """Return cells as points with their section, for a map (RFC 7946), with the attribution to show."""
    centres = set(design.centres.tolist())
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [cell.lon, cell.lat]},
            "properties": {
                "id": cell.id, "name": cell.name, "section": int(design.section_of[index]) + 1,
                "work_min": round(cell.work_min, 2), "centre": index in centres,
            },
        }
        for index, cell in enumerate(problem.cells)
    ]  # fmt: skip
    return {"type": "FeatureCollection", "attribution": problem.attribution, "features": features}
