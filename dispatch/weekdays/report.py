"""Promised weekdays for people: a document, a week table, and villages on a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from dispatch.weekdays.patterns import NAMES, pattern_text, piled_up
from dispatch.weekdays.problem import Unreached, WeekPlan
from dispatch.weekdays.survey import WeekSurvey
from kernel.money import Fen, format_yuan
from maps.picture import MapPicture, PictureDot
from routing.problem import to_fen

VILLAGE_COLUMNS: Final = ("village", "name", "parcels a day", "promised", *NAMES, "changed")
DAY_COLUMNS: Final = ("day", "routes", "villages", "parcels", "km", "hours", "yuan")
UNREACHED_COLUMNS: Final = ("village", "name", "reason", "days", "yuan a week")
_COLOURS: Final = (
    "#1b6ca8", "#c8553d", "#2a9d62", "#8a5aab", "#d99c1c", "#4a8f8f", "#a8456b", "#6b6b6b",
    "#00c2d1", "#ff9b85", "#9acd32", "#d4a5ff", "#7a4b00", "#003f2d", "#ff4fa3", "#000080",
)  # fmt: skip


def week_document(survey: WeekSurvey, plan: WeekPlan, every_day: WeekPlan | None = None) -> dict[str, Any]:
    """Return figures, days, villages and those not reached, ready for JSON."""
    return {
        "source": survey.source,
        "seed": plan.seed,
        "cost_fen": to_fen(plan.cost),
        "cost_before_even_routes_fen": to_fen(int(plan.stats.get("cost_before_even_routes", plan.cost))),
        "every_day_cost_fen": None if every_day is None else to_fen(every_day.cost),
        "saved_percent": None if every_day is None else round(100 * (1 - plan.cost / max(1, every_day.cost)), 2),
        "route_spread": round(plan.route_spread, 3),
        "day_spread": round(plan.day_spread, 3),
        "changed": list(plan.changed),
        "days": [dict(zip(DAY_COLUMNS, row, strict=True)) for row in day_rows(plan)],
        "villages": [
            {
                "id": village.id,
                "name": village.name,
                "parcels_a_day": round(sum(village.arrivals) / 7, 2),
                "visits": village.visits,
                "longest_gap": village.longest_gap,
                "days": None if pattern is None else list(pattern),
                "previous": None if village.previous is None else list(village.previous),
            }
            for village, pattern in zip(survey.problem.villages, plan.patterns, strict=True)
        ],
        "unreached": [_unreached(one) for one in all_unreached(survey, plan)],
    }


def all_unreached(survey: WeekSurvey, plan: WeekPlan) -> tuple[Unreached, ...]:
    """Return villages whose promise is not kept, those without a position included."""
    return (*plan.unreached, *survey.unlocated)


def day_rows(plan: WeekPlan) -> list[list[Any]]:
    """Return what each weekday is made of."""
    return [
        [
            NAMES[day],
            len(routes),
            len({village for route in routes for village in route.villages}),
            sum(route.parcels for route in routes),
            round(sum(route.distance_m for route in routes) / 1000),
            round(sum(route.duration_s for route in routes) / 3600, 1),
            _yuan(sum(route.cost for route in routes)),
        ]
        for day, routes in sorted(plan.days.items())
    ]


def village_rows(survey: WeekSurvey, plan: WeekPlan) -> list[list[Any]]:
    """Return the week table (班期表): a row for each village with the parcels expected on each of its days."""
    rows = []
    for village, pattern in zip(survey.problem.villages, plan.patterns, strict=True):
        waiting = {} if pattern is None else piled_up(village.arrivals, pattern)
        cells = [f"{waiting[day]:.0f}" if day in waiting else "" for day in range(len(NAMES))]
        changed = "" if village.id not in plan.changed else f"was {pattern_text(village.previous or ())}"
        a_day = f"{sum(village.arrivals) / 7:.1f}"
        rows.append([village.id, village.name, a_day, village.visits, *cells, changed])
    return rows


def unreached_rows(unreached: Sequence[Unreached]) -> list[list[Any]]:
    """Return the villages whose promise is not kept, with the price of reaching each."""
    return [
        [
            one.village,
            one.name,
            one.reason,
            pattern_text(one.days) if one.days else "all",
            None if one.weekly_price is None else _yuan(one.weekly_price),
        ]
        for one in unreached
    ]


def week_map(survey: WeekSurvey, plan: WeekPlan, title: str) -> MapPicture:
    """Draw the villages, a colour for each set of weekdays."""
    patterns = sorted({pattern for pattern in plan.patterns if pattern is not None}, key=lambda p: (-len(p), p))
    colour = {pattern: _COLOURS[index % len(_COLOURS)] for index, pattern in enumerate(patterns)}
    dots = tuple(
        PictureDot(
            (village.lon, village.lat),
            "#000000" if pattern is None else colour[pattern],
            3.0,
            village.name,
            {"kind": "village", "village": village.id, "days": None if pattern is None else list(pattern)},
        )
        for village, pattern in zip(survey.problem.villages, plan.patterns, strict=True)
    )
    legend = tuple((colour[pattern], pattern_text(pattern)) for pattern in patterns)
    return MapPicture(title, (), dots, legend)


def _yuan(units: int) -> str:
    return format_yuan(Fen(to_fen(units)))


def _unreached(one: Unreached) -> dict[str, Any]:
    return {
        "village": one.village,
        "name": one.name,
        "reason": one.reason,
        "days": list(one.days),
        "weekly_price_fen": None if one.weekly_price is None else to_fen(one.weekly_price),
    }
