"""A simulated day as a page: map of what was driven, charts of plan against actual, tables; nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from statistics import mean
from typing import Any, Final

from api.charts import BarChart, Panel
from api.simulation import report as reporting
from api.simulation.day import DayState
from maps.picture import MapPicture, PictureDot, PictureLine

LANGUAGES: Final = ("zh", "en")
_PLANNED, _ACTUAL, _TROUBLE, _FAILED = "#9aa3ab", "#0072B2", "#D55E00", "#CC79A7"  # told apart without colour sight
_BIN_MIN: Final = 10
_EDGE_MIN: Final = 90

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "zh": {
        "lang": "zh-CN",
        "title": "模拟日",
        "map": "计划线路与实际行驶",
        "planned": "最后一版计划",
        "driven": "实际行驶",
        "landslide": "塌方封路",
        "breakdown": "车辆故障",
        "failed": "未妥投",
        "depot": "县中心",
        "deviation": "到达时刻：实际减计划（分钟）",
        "in_force": "对当时生效的计划",
        "morning": "对早晨的计划",
        "hours": "各时段平均偏差（分钟）",
        "km": "各线路公里数：早晨计划与实际",
        "morning_km": "早晨计划",
        "more_km": "实际减早晨计划",
        "stops": "站点",
        "figures": "数字",
        "incidents": "当日事件与调整",
        "couriers": "快递员",
        "account": "平衡合拢",
        "places": "邮件去向",
        "holds": "相符",
        "broken": "不符",
        "versions": "计划版本",
        "ok": "每件邮件都有着落，没有一版计划丢失。",
        "not_ok": "有邮件或计划版本对不上，见下表。",
        "left": "左边",
        "right": "右边",
        "whose": "单位",
        "code": "恒等式",
        "parcels": "件数",
        "on_time": "准点",
        "of": "共",
        "incident_columns": "时刻,事件,版本,换车件数,换序站点,改时站点,快递员,撤下站点,放宽程度,在限额内",
        "courier_columns": "快递员,站点,准点率,早晨计划公里,末版计划公里,实际公里,早晨计划返回,末版计划返回,实际返回",
    },
    "en": {
        "lang": "en",
        "title": "Simulated day",
        "map": "Planned lines and what was driven",
        "planned": "last plan",
        "driven": "driven",
        "landslide": "landslide",
        "breakdown": "breakdown",
        "failed": "attempt failed",
        "depot": "county centre",
        "deviation": "Arrivals: actual minus planned (minutes)",
        "in_force": "against the plan in force",
        "morning": "against the morning's plan",
        "hours": "Mean deviation by hour (minutes)",
        "km": "Kilometres by route: morning's plan and driven",
        "morning_km": "morning's plan",
        "more_km": "driven minus morning's plan",
        "stops": "stops",
        "figures": "Figures",
        "incidents": "Events and what was done",
        "couriers": "Couriers",
        "account": "The evening's account",
        "places": "Where parcels came to",
        "holds": "holds",
        "broken": "DOES NOT HOLD",
        "versions": "plan versions",
        "ok": "Every parcel is accounted for, and no plan version is lost.",
        "not_ok": "Parcels or plan versions do not add up; see below.",
        "left": "one side",
        "right": "other side",
        "whose": "whose",
        "code": "identity",
        "parcels": "parcels",
        "on_time": "on time",
        "of": "of",
        "incident_columns": ",".join(reporting.INCIDENT_COLUMNS),
        "courier_columns": ",".join(reporting.COURIER_COLUMNS),
    },
}

_ZH: Final[Mapping[str, str]] = {
    "late_trunk": "干线晚到",
    "new_order": "新增揽收",
    "closed_road": "塌方封路",
    "breakdown": "车辆故障",
    "second visits": "当日再投",
    "refused changes": "快递员拒绝的调整",
    "times": "只改时刻",
    "sequence": "可换顺序",
    "vehicle": "可换车辆",
    "unrestricted": "不限",
    "yes": "是",
    "no": "否",
    "none": "未发布",
    "arrived": "到达",
    "brought_back": "带回",
    "sectioned": "下段",
    "forwarded": "转出",
    "closing_stock": "留存",
    "delivered": "妥投",
    "deposited": "入柜入站",
    "stored": "入柜入站",
    "collected": "已取",
    "failed": "未妥投",
    "loaded": "装车",
    "taken_over": "接收",
    "accepted": "揽收",
    "handed_over": "交出",
    "office": "在局",
    "site": "在站点",
    "sender": "在寄件人处",
    "company": "在快递公司",
}
"""Words of the report in Chinese; codes of causes and reasons stay as they are."""

_STYLE: Final = """
body { font-family: system-ui, "Noto Sans CJK SC", sans-serif; margin: 1.5rem auto; max-width: 70rem; padding: 0 1rem;
  color: #1b1f23; background: #fff }
table { border-collapse: collapse; font-size: .85rem; margin: .5rem 0 }
th, td { padding: .2rem .55rem; border-bottom: 1px solid #d8dde2; text-align: right }
th:first-child, td:first-child { text-align: left }
svg { max-width: 100%; height: auto }
h2 { margin-top: 2rem }
.good { color: #00603a }
.bad { color: #a3300b; font-weight: bold }
.wide { overflow-x: auto }
"""


def picture(state: DayState, lines: Sequence[Mapping[str, Any]], language: str) -> MapPicture:
    """Draw the last plan's lines under what was driven.

    Parameters
    ----------
    lines
        The last version's map as the API gives it: GeoJSON features.
    """
    words = _WORDS[language]
    planned = [
        PictureLine(_points(one["geometry"]), _PLANNED, 3.0, f"{words['planned']} {one['properties']['route']}")
        for one in lines
        if one["properties"]["kind"] == "route"
    ]
    agents = sorted(state.couriers.values(), key=lambda agent: agent.id)
    driven = [
        PictureLine(tuple(point for leg in one.shift.track for point in leg), _ACTUAL, 1.2, one.id)
        for one in agents
        if one.shift.track
    ]
    where = {one["properties"]["key"]: _points(one["geometry"])[0] for one in lines if "key" in one["properties"]}
    dots = [
        PictureDot(where[visit.key], _FAILED, 3.0, f"{visit.name}: {words['failed']}")
        for agent in agents
        for visit in agent.shift.visits
        if visit.outcomes.get("attempted") and visit.key in where
    ]
    if state.broken is not None:
        dots.append(PictureDot(state.broken.at, _TROUBLE, 7.0, f"{words['breakdown']}: {state.broken.id}"))
    if state.landslide is not None:
        dots.append(PictureDot(state.landslide.point, "#000000", 7.0, words["landslide"]))
    dots.append(PictureDot(state.world.region.depot.lonlat, "#009E73", 6.0, words["depot"]))
    legend = (
        (_PLANNED, words["planned"]), (_ACTUAL, words["driven"]), (_FAILED, words["failed"]),
        (_TROUBLE, words["breakdown"]), ("#000000", words["landslide"]), ("#009E73", words["depot"]),
    )  # fmt: skip
    return MapPicture(words["map"], tuple(planned + driven), tuple(dots), legend)


def page(report: Mapping[str, Any], map_svg: str, language: str) -> str:
    """Return the whole page as HTML."""
    words = _WORDS[language]
    title = f"{words['title']} {report['region']['title']} {report['options']['day']}"
    verdict = f'<p class="{"good" if report["ok"] else "bad"}">{words["ok"] if report["ok"] else words["not_ok"]}</p>'
    parts = [
        f'<!doctype html><html lang="{words["lang"]}"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>",
        verdict,
        _table((words["figures"], ""), _figure_rows(report, words)),
        _section(words["incidents"]),
        _table(words["incident_columns"].split(","), _incident_rows(report, language)),
        _section(words["map"]),
        map_svg,
        _deviations(report["stops"], words).svg(),
        _by_hour(report["stops"], words).svg(),
        _kilometres(report["couriers"], words).svg(),
        _section(words["couriers"]),
        _table(words["courier_columns"].split(","), reporting.courier_rows(report)),
        _section(words["account"]),
        _table((words["places"], words["parcels"]), _place_rows(report, language)),
        _table((words["code"], words["whose"], words["left"], words["right"], ""), _identity_rows(report, language)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _points(geometry: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    pairs = geometry["coordinates"] if geometry["type"] == "LineString" else [geometry["coordinates"]]
    return tuple((float(x), float(y)) for x, y in pairs)


def _section(name: str) -> str:
    return f"<h2>{escape(name)}</h2>"


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure_rows(report: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    figures = report["figures"]
    rows = [(words["parcels"], str(figures["parcels"])), (words["stops"], str(figures["stops_visited"]))]
    for name, key in (("in_force", "against_plan_in_force"), ("morning", "against_morning_plan")):
        found = figures[key]
        rows.append(
            (f"{words['on_time']}, {words[name]}", f"{found['on_time_percent']} % {words['of']} {found['stops']}")
        )
    rows += [
        (f"km, {words[name]}", f"{figures[key] / 1000:.1f}")
        for name, key in (("morning_km", "planned_m"), ("planned", "last_plan_m"), ("driven", "driven_m"))
    ]
    return [*rows, (words["versions"], str(report["plan"]["versions"]))]


def _in(language: str, word: object) -> str:
    """Return a word of the report in a language."""
    return _ZH.get(str(word), str(word)) if language == "zh" else str(word)


def _incident_rows(report: Mapping[str, Any], language: str) -> list[list[str]]:
    kinds = [one["kind"] for one in report["incidents"]]
    return [
        [_in(language, cell) for cell in (row[0], kind.replace("_", " ") if language == "en" else kind, *row[2:])]
        for kind, row in zip(kinds, reporting.incident_rows(report), strict=True)
    ]


def _place_rows(report: Mapping[str, Any], language: str) -> list[tuple[str, int]]:
    rows = []
    for place, count in sorted(report["account"]["places"].items()):
        holder, colon, why = place.partition(": ")
        rows.append((_in(language, holder) + colon + why, count))
    return rows


def _identity_rows(report: Mapping[str, Any], language: str) -> list[tuple[str, ...]]:
    words = _WORDS[language]

    def side(counted: Mapping[str, int]) -> str:
        return " + ".join(f"{count} {_in(language, name)}" for name, count in counted.items()) or "0"

    return [
        (
            one["code"], one["whose"], side(one["left"]), side(one["right"]),
            words["holds"] if one["holds"] else words["broken"],
        )
        for one in report["account"]["identities"]
    ]  # fmt: skip


# -- charts --------------------------------------------------------------------------------------------------


def _deviations(stops: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> BarChart:
    """Draw how many stops were how much earlier or later than planned."""
    bins = range(-_EDGE_MIN, _EDGE_MIN + _BIN_MIN, _BIN_MIN)
    panels = []
    for name, planned in (("in_force", "planned_s"), ("morning", "morning_s")):
        off = [(one["arrived_s"] - one[planned]) // 60 for one in stops if one[planned] is not None]
        where = [min(max(minute // _BIN_MIN * _BIN_MIN, -_EDGE_MIN), _EDGE_MIN) for minute in off]
        panels.append(Panel(words[name], tuple(float(where.count(edge)) for edge in bins)))
    return BarChart(words["deviation"], tuple(f"{edge:+d}…" for edge in bins), tuple(panels))


def _by_hour(stops: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> BarChart:
    late: dict[int, list[int]] = {}
    for one in stops:
        late.setdefault(one["arrived_s"] // 3600, []).append(one["arrived_s"] - one["planned_s"])
    means = tuple(round(mean(late[hour]) / 60, 1) for hour in sorted(late))
    return BarChart(words["hours"], tuple(f"{hour:02d}:00" for hour in sorted(late)), (Panel("", means),))


def _kilometres(couriers: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> BarChart:
    km = [(round((one["planned_m"] or 0) / 1000, 1), round(one["driven_m"] / 1000, 1)) for one in couriers]
    panels = (
        Panel(words["morning_km"], tuple(planned for planned, _ in km)),
        Panel(words["driven"], tuple(driven for _, driven in km)),
        Panel(words["more_km"], tuple(round(driven - planned, 1) for planned, driven in km)),
    )
    return BarChart(words["km"], tuple(one["courier"] for one in couriers), panels)
