"""Maps of plans: lines and dots as GeoJSON for a map page, and as an SVG picture that needs nothing to be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from math import cos, radians
from typing import Any, Final

LonLat = tuple[float, float]
_WIDTH: Final = 960
_MARGIN: Final = 24
_LINE_HEIGHT: Final = 18
_FONT: Final = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"


@dataclass(frozen=True)
class PictureLine:
    """A drive on the map."""

    points: tuple[LonLat, ...]
    colour: str
    width: float
    label: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PictureDot:
    """A place on the map; `text` stands beside it, `label` is told when it is pointed at."""

    point: LonLat
    colour: str
    radius: float
    label: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class MapPicture:
    """What is to be seen; `legend` pairs a colour with its meaning."""

    title: str
    lines: tuple[PictureLine, ...]
    dots: tuple[PictureDot, ...]
    legend: tuple[tuple[str, str], ...] = ()

    def geojson(self) -> dict[str, Any]:
        """Return a feature collection in WGS-84; colours are properties."""
        lines = [
            _feature({"type": "LineString", "coordinates": [list(p) for p in line.points]}, line) for line in self.lines
        ]
        dots = [_feature({"type": "Point", "coordinates": list(dot.point)}, dot) for dot in self.dots]
        return {"type": "FeatureCollection", "title": self.title, "features": lines + dots}

    def svg(self) -> str:
        """Return the picture as SVG text, north up, true to scale at its middle latitude."""
        points = [point for line in self.lines for point in line.points] + [dot.point for dot in self.dots]
        if not points:
            points = [(0.0, 0.0)]
        west, east = min(p[0] for p in points), max(p[0] for p in points)
        south, north = min(p[1] for p in points), max(p[1] for p in points)
        squeeze = cos(radians((south + north) / 2))
        scale = (_WIDTH - 2 * _MARGIN) / max((east - west) * squeeze, 0.6 * (north - south), 1e-6)
        height = int((north - south) * scale + 2 * _MARGIN) + _LINE_HEIGHT * (len(self.legend) + 2)

        def place(point: LonLat) -> tuple[float, float]:
            x = _MARGIN + (point[0] - west) * squeeze * scale
            return round(x, 1), round(2 * _LINE_HEIGHT + _MARGIN + (north - point[1]) * scale, 1)

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="{_FONT}">',
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="{_MARGIN}" y="{_LINE_HEIGHT + 4}" font-size="16">{escape(self.title)}</text>',
        ]
        parts += [_svg_line(line, [place(p) for p in line.points]) for line in self.lines]
        parts += [_svg_dot(dot, place(dot.point)) for dot in self.dots]
        for row, (colour, meaning) in enumerate(self.legend):
            y = height - _LINE_HEIGHT * (len(self.legend) - row) + 4
            parts.append(f'<rect x="{_MARGIN}" y="{y - 9}" width="14" height="10" fill="{escape(colour)}"/>')
            parts.append(f'<text x="{_MARGIN + 22}" y="{y}" font-size="12">{escape(meaning)}</text>')
        return "\n".join([*parts, "</svg>", ""])


def _feature(geometry: dict[str, Any], what: PictureLine | PictureDot) -> dict[str, Any]:
    properties = {"label": what.label, "colour": what.colour, **what.properties}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _svg_line(line: PictureLine, places: list[tuple[float, float]]) -> str:
    points = " ".join(f"{x},{y}" for x, y in places)
    return (
        f'<polyline points="{points}" fill="none" stroke="{escape(line.colour)}" stroke-width="{line.width}" '
        f'stroke-opacity="0.8"><title>{escape(line.label)}</title></polyline>'
    )


def _svg_dot(dot: PictureDot, place: tuple[float, float]) -> str:
    x, y = place
    title = f"<title>{escape(dot.label)}</title>"
    circle = f'<circle cx="{x}" cy="{y}" r="{dot.radius}" fill="{escape(dot.colour)}">{title}</circle>'
    if not dot.text:
        return circle
    text = f'<text x="{x + dot.radius + 2}" y="{y + 4}" font-size="12">{escape(dot.text)}</text>'
    return f"{circle}\n{text}"
