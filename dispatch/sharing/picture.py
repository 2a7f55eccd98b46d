"""A comparison as one SVG picture and as one page: bars by way to deliver, and the townships of the best mix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import cos, radians
from typing import Any, Final

from dispatch.sharing.report import (
    COLOURS,
    COMPANY_COLUMNS,
    MIX_COLUMNS,
    MODE_COLUMNS,
    company_rows,
    mix_rows,
    mode_rows,
)

WIDTH: Final = 1_120
_PANEL: Final = 360
_BAR: Final = 18
_GAP: Final = 8
_NAME: Final = 128
_MAP_HEIGHT: Final = 460
_HEAD: Final = 56
_FONT: Final = "Inter, 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', 'Noto Serif CJK SC', sans-serif"

NAMES: Final[Mapping[str, str]] = {
    "joint": "县域同分共配 joint",
    "township-contract": "乡镇承包 contract",
    "station-reuse": "站点复用 station",
    "separate": "各自配送 separate",
    "best-mix": "最优组合 best mix",
    "policy": "现行政策 policy",
}


@dataclass(frozen=True)
class _Measure:
    title: str
    value: Callable[[Mapping[str, Any]], float]
    form: str


_MEASURES: Final = (
    _Measure("成本 cost, ¥ / day", lambda one: one["cost_fen"] / 100 / one["days"], "{:,.0f}"),
    _Measure("里程 km / day", lambda one: one["distance_m"] / 1000 / one["days"], "{:,.0f}"),
    _Measure("工时 hours / day", lambda one: one["duration_s"] / 3600 / one["days"], "{:,.0f}"),
    _Measure("车辆 vehicles / day", lambda one: one["vehicles_a_day"] or 0, "{:,.1f}"),
    _Measure("CO2 kg / day", lambda one: one["co2_g"] / 1000 / one["days"], "{:,.0f}"),
    _Measure("准时率 on time, %", lambda one: 100 * (one["on_time_share"] or 0), "{:.1f}"),
)


def comparison_svg(document: Mapping[str, Any]) -> str:
    """Draw a comparison; equal documents give equal pictures."""
    scenarios = document["scenarios"]
    panel_height = 34 + len(scenarios) * (_BAR + _GAP)
    charts_height = 2 * (panel_height + 12)
    features = document["map"]["features"]
    height = _HEAD + charts_height + (_MAP_HEIGHT + 70 if features else 10)
    first, last = document["days"][0], document["days"][-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="{escape(_FONT)}" role="img">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(20, 32, f"{document['title']} · {first} – {last} · {len(document['companies'])} 家企业 companies", 18),
    ]
    for number, measure in enumerate(_MEASURES):
        x, y = 20 + number % 3 * _PANEL, _HEAD + number // 3 * (panel_height + 12)
        parts += _bars(scenarios, measure, x, y)
    if features:
        parts += _map(features, _HEAD + charts_height)
    return "\n".join([*parts, "</svg>", ""])


def _text(x: float, y: float, words: str, size: int, anchor: str = "start", colour: str = "#1d2430") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(words)}</text>"
    )


def _bars(scenarios: Sequence[Mapping[str, Any]], measure: _Measure, x: int, y: int) -> Iterator[str]:
    values = [measure.value(one["total"]) for one in scenarios]
    most = max([*values, 1e-9])
    room = _PANEL - _NAME - 80
    yield _text(x, y + 18, measure.title, 14)
    for number, (one, value) in enumerate(zip(scenarios, values, strict=True)):
        top = y + 30 + number * (_BAR + _GAP)
        width = max(1.0, room * value / most)
        yield _text(x + _NAME - 6, top + 13, NAMES[one["id"]], 11, "end")
        yield f'<rect x="{x + _NAME}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{COLOURS[one["id"]]}"/>'
        yield _text(x + _NAME + width + 5, top + 13, measure.form.format(value), 11)


def _map(features: Sequence[Mapping[str, Any]], top: int) -> Iterator[str]:
    points = [point for one in features for ring in _rings(one["geometry"]) for point in ring]
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    squeeze = cos(radians((south + north) / 2))
    scale = min((WIDTH - 280) / max((east - west) * squeeze, 1e-6), (_MAP_HEIGHT - 20) / max(north - south, 1e-6))

    def place(point: Sequence[float]) -> tuple[float, float]:
        return 20 + (point[0] - west) * squeeze * scale, top + 40 + (north - point[1]) * scale

    yield _text(20, top + 22, "最优组合 best mix by township", 14)
    for one in features:
        colour, rings = one["properties"]["colour"], _rings(one["geometry"])
        label = f"<title>{escape(one['properties']['name'])}: {escape(NAMES[one['properties']['mode']])}</title>"
        for ring in rings:
            spots = [place(point) for point in ring]
            if len(spots) == 1:
                yield f'<circle cx="{spots[0][0]:.1f}" cy="{spots[0][1]:.1f}" r="9" fill="{colour}">{label}</circle>'
            else:
                path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
                yield (
                    f'<polygon points="{path}" fill="{colour}" fill-opacity="0.75" stroke="#ffffff" '
                    f'stroke-width="1.5">{label}</polygon>'
                )
        middle = place(one["properties"]["label_at"])
        yield _text(middle[0], middle[1] + 4, one["properties"]["name"], 11, "middle", "#10131a")
    for row, mode in enumerate(sorted({one["properties"]["mode"] for one in features})):
        y = top + 48 + 24 * row
        yield f'<rect x="{WIDTH - 230}" y="{y}" width="16" height="14" fill="{COLOURS[mode]}"/>'
        yield _text(WIDTH - 206, y + 12, NAMES[mode], 12)


def _rings(geometry: Mapping[str, Any]) -> list[Sequence[Sequence[float]]]:
    """Return the outer rings of a geometry; a point is a ring of one."""
    if geometry["type"] == "Point":
        return [[geometry["coordinates"]]]
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [polygon[0] for polygon in polygons]


def comparison_page(document: Mapping[str, Any]) -> str:
    """Return a page that needs nothing else: the picture, the tables, the assumptions."""
    tables = [
        ("配送方式 Ways to deliver", MODE_COLUMNS, mode_rows(document)),
        ("各企业 Companies", COMPANY_COLUMNS, company_rows(document)),
        ("最优组合 Best mix", MIX_COLUMNS, mix_rows(document)),
    ]
    body = "\n".join(_table(*one) for one in tables if one[2])
    taken = "\n".join(f"<li>{escape(one['text'])}</li>" for one in document["assumptions"])
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(document["title"])} – 共配模式 modes</title>
<style>
body {{ font: 14px/1.45 {_FONT}; margin: 24px; color: #1d2430; }}
table {{ border-collapse: collapse; margin: 8px 0 24px; }}
th, td {{ border-bottom: 1px solid #d9dde3; padding: 4px 10px; text-align: right; }}
th:first-child, td:first-child, td:nth-child(2) {{ text-align: left; }}
svg {{ max-width: 100%; height: auto; }}
</style></head><body>
{comparison_svg(document)}
{body}
<h2>假设 Assumptions</h2>
<ul>{taken}</ul>
</body></html>
"""


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{'–' if cell is None else escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<h2>{escape(title)}</h2>\n<table><thead><tr>{head}</tr></thead><tbody>\n{lines}\n</tbody></table>"
