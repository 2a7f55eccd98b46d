"""Habit as tables, JSON, maps and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from dispatch.habit.master import Habit, section_document
from maps.picture import MapPicture, PictureDot, PictureLine
from maps.region import Region

SECTION_COLUMNS: Final = ("section", "owner", "places", "first", "last", "work h", "of the mean")
DAY_COLUMNS: Final = ("day", "version", "by", "stops", "habitual %", "in order %", "shift min", "exceeded")
TRADE_OFF_COLUMNS: Final = (
    "price fen", "cost yuan", "against 0 %", "routes", "habitual %", "in order %", "shift min", "undone", "exceeded",
)  # fmt: skip
_COLOURS: Final = (
    "#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
    "#393b79", "#ad494a", "#637939", "#8c6d31", "#7b4173", "#3182bd", "#e6550d", "#31a354", "#756bb1", "#636363",
)  # fmt: skip
_SHARED: Final = "#000000"


def section_rows(habit: Habit, region: Region) -> list[tuple[str, ...]]:
    """Return one row for each section."""
    names = {place.id: place.name for place in region.places}
    works = [one.work_min for one in habit.sections if one.work_min is not None]
    mean = sum(works) / len(works) if works else 0.0
    return [
        (
            str(one.number),
            one.courier_id or one.vehicle_id,
            str(len(one.stops)),
            names.get(one.places[0], one.places[0]) if one.stops else "",
            names.get(one.places[-1], one.places[-1]) if one.stops else "",
            "" if one.work_min is None else f"{one.work_min / 60:.1f}",
            "" if one.work_min is None or not mean else f"{one.work_min / mean:.2f}",
        )
        for one in habit.sections
    ]


def section_map(habit: Habit, region: Region, title: str) -> MapPicture:
    """Draw the places of each section in its colour, and its master route as a line through them."""
    where = {place.id: place for place in region.places if place.located}
    lines, dots = [], []
    for at, section in enumerate(habit.sections):
        colour = _COLOURS[at % len(_COLOURS)]
        owner = section.courier_id or section.vehicle_id
        known = [stop for stop in section.stops if stop.place_id in where]
        points = tuple(where[stop.place_id].lonlat for stop in known)
        if len(points) > 1:
            properties = {"kind": "master_route", "section": section.number, "owner": owner}
            lines.append(PictureLine(points, colour, 1.5, f"{section.number} {owner}", properties))
        for position, stop in enumerate(known, start=1):
            place = where[stop.place_id]
            properties = {
                "kind": "place", "id": place.id, "name": place.name, "section": section.number, "owner": owner,
                "position": position, "arrival_s": stop.arrival_s, "shared": stop.shared,
            }  # fmt: skip
            dots.append(PictureDot(place.lonlat, _SHARED if stop.shared else colour, 3.5, place.name, properties))
    legend = tuple(
        (_COLOURS[at % len(_COLOURS)], f"{one.number} {one.courier_id or one.vehicle_id}")
        for at, one in enumerate(habit.sections)
    )
    return MapPicture(title, tuple(lines), tuple(dots), legend)


def habit_document(habit: Habit, region: Region) -> dict[str, Any]:
    """Return a habit as plain JSON, places with their names."""
    names = {place.id: place.name for place in region.places}
    body = habit.as_dict()
    for section, entry in zip(habit.sections, body["sections"], strict=True):
        entry["stops"] = [
            {**stop, "name": names.get(stop["place_id"], stop["place_id"])}
            for stop in section_document(section)["stops"]
        ]
    return body


def day_rows(days: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return one row for each day of `HabitService.over_days`."""
    return [
        (
            one["day"], str(one["plan_number"]), one["basis"], str(one["stops"]),
            percent(one["habitual_share"]), percent(one["ordered_share"]), _minutes(one["median_shift_s"]),
            "" if one["exceeded_count"] is None else str(one["exceeded_count"]),
        )
        for one in days
    ]  # fmt: skip


def trade_off_rows(ways: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return one row for each way of planning some days, cost beside stability; the first is what others compare to."""
    base = next(iter(ways.values()))["cost_fen"]
    return [
        (
            name, f"{one['cost_fen'] / 100:.0f}", f"{100 * (one['cost_fen'] / base - 1):+.2f}", str(one["routes"]),
            percent(one["habitual_share"]), percent(one["ordered_share"]),
            "" if one["median_shift_min"] is None else str(one["median_shift_min"]),
            str(one["undone"]), str(one["exceeded"]),
        )
        for name, one in ways.items()
    ]  # fmt: skip


@dataclass(frozen=True)
class ChartPoint:
    """A point of a chart with what stands beside it."""

    x: float
    y: float
    label: str
    joined: bool = True


def trade_off_chart(ways: Mapping[str, Mapping[str, Any]]) -> str:
    """Draw the trade-off: added cost against the share of stops with their habitual courier; plain prices joined."""
    base = next(iter(ways.values()))["cost_fen"]
    points = [
        ChartPoint(
            100 * one["habitual_share"],
            100 * (one["cost_fen"] / base - 1),
            name if name.isdecimal() else name.replace("with bounds", "bounded"),
            name.isdecimal(),
        )
        for name, one in ways.items()
    ]
    return line_chart(
        points, "Stops with their habitual courier, %", "Cost against no price, %", "Price per stop away, fen"
    )


def day_chart(days: Sequence[Mapping[str, Any]]) -> str:
    """Draw the share of stops with their habitual courier, day by day."""
    points = [
        ChartPoint(float(at), 100 * one["habitual_share"], one["day"][5:])
        for at, one in enumerate(days)
        if one["habitual_share"] is not None
    ]
    return line_chart(points, "Day", "Stops with their habitual courier, %", "Stability")


_WIDTH, _HEIGHT, _EDGE = 720, 400, 60


def line_chart(points: Sequence[ChartPoint], x_title: str, y_title: str, title: str) -> str:
    """Return points as an SVG chart, the joined ones with a line through them in the order given."""
    xs, ys = [one.x for one in points] or [0.0], [one.y for one in points] or [0.0]
    low_x, high_x = min(xs), max(max(xs), min(xs) + 1e-9)
    low_y, high_y = min(ys), max(max(ys), min(ys) + 1e-9)

    def at(one: ChartPoint) -> tuple[float, float]:
        x = _EDGE + (one.x - low_x) / (high_x - low_x) * (_WIDTH - 2.5 * _EDGE)
        y = _HEIGHT - _EDGE - (one.y - low_y) / (high_y - low_y) * (_HEIGHT - 2 * _EDGE)
        return round(x, 1), round(y, 1)

    path = " ".join(f"{x},{y}" for x, y in map(at, (one for one in points if one.joined)))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_EDGE}" y="24" font-size="15">{escape(title)}</text>',
        f'<path d="M{_EDGE},{_EDGE - 15}V{_HEIGHT - _EDGE + 10}H{_WIDTH - _EDGE}" fill="none" stroke="#666666"/>',
        f'<text x="{_WIDTH // 2}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(x_title)}</text>',
        f'<text x="16" y="{_HEIGHT // 2}" text-anchor="middle" transform="rotate(-90 16 {_HEIGHT // 2})">'
        f"{escape(y_title)}</text>",
        f'<polyline points="{path}" fill="none" stroke="#1f77b4" stroke-width="2"/>',
    ]
    for value in (low_y, (low_y + high_y) / 2, high_y):
        y = at(ChartPoint(low_x, value, ""))[1]
        parts.append(f'<text x="{_EDGE - 6}" y="{y + 4}" text-anchor="end">{value:.1f}</text>')
    for value in (low_x, (low_x + high_x) / 2, high_x) if high_x - low_x > 1e-6 and points and x_title != "Day" else ():
        x = at(ChartPoint(value, low_y, ""))[0]
        parts.append(f'<text x="{x}" y="{_HEIGHT - _EDGE + 26}" text-anchor="middle">{value:.1f}</text>')
    for one in points:
        x, y = at(one)
        colour = "#1f77b4" if one.joined else "#d62728"
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 7}" y="{y - 6}">{escape(one.label)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def percent(share: float | None) -> str:
    """Return a share as percent with one digit, nothing where there is none."""
    return "" if share is None else f"{100 * share:.1f}"


def _minutes(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds / 60:.0f}"
