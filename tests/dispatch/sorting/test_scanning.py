"""Answers of the sorting table that need more than one van: waves, pieces, other days and regions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dispatch.demand.reasons import Reason, ReasonCode
from dispatch.parcels.model import Company, Parcel
from dispatch.plans.model import Plan, PlanUnassigned, PlanVersion
from dispatch.sorting.chutes import ChuteTable
from dispatch.sorting.index import ScanIndex, route_codes
from dispatch.sorting.plan import ParcelFacts, SortedParcel, SortPlan, SortRoute
from dispatch.sorting.scanning import ScanAnswer, answer_scan
from kernel.db import Database

DAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, tzinfo=UTC)


def _sorted(
    name: str, route: int, chute: str, wave: int = 1, piece: int = 1, pieces: int = 1, **more: Any
) -> SortedParcel:
    facts = ParcelFacts(f"{name}-{piece}".lower(), "yunlu", name, piece, pieces, 500, 5_000)
    given = SortedParcel(facts, route, f"v-{route}", wave, chute, "B1", "plain", 1, 1, 1, 1, "上坝村", "upper")
    return replace(given, **more)


@pytest.fixture
def answer(sqlite_database: Database, three_chutes: ChuteTable) -> Callable[..., ScanAnswer]:
    """Give a sorting table with three routes, the third one in the second wave."""
    parcels = (
        _sorted("ONE", 1, "NEAR"),
        _sorted("TWO", 1, "NEAR", pieces=2),
        _sorted("TWO", 2, "MID", piece=2, pieces=2),
        _sorted("LATE", 3, "NEAR", wave=2),
        _sorted("ICE", 3, "COLD", wave=2, bag_kind="cold"),
    )
    routes = tuple(
        SortRoute(n, f"v-{n}", "", "", 0, 1, "NEAR", tuple(one for one in parcels if one.route == n), ())
        for n in (1, 2, 3)
    )
    plan = SortPlan("valley", DAY, "Asia/Shanghai", "plan", "version", 1, 1, NOW, DAY, 2, 0, routes)
    index = ScanIndex(plan, three_chutes, [route_codes(route) for route in routes], {}, {})
    with sqlite_database.begin() as session:
        session.add(Company(id="yunlu", name="云鹿"))
        session.add(Plan(id="plan", region="valley", day=DAY, zone="Asia/Shanghai", created_at=NOW))
        session.flush()
        session.add(
            PlanVersion(
                id="version", plan_id="plan", number=1, kind="planned", created_at=NOW, actor="user:t", reason="",
                seed=1, source="road", cost_fen=0, cost={}, statistics={}, assumptions={}, software={}, digest="",
                reasons_of="version",
            )
        )  # fmt: skip
        strangers = {
            "ELSEWHERE": {"region": "plain"},
            "PICKUP": {"direction": "collect"},
            "TOMORROW": {"due_day": date(2026, 3, 5)},
            "ISLAND": {},
        }
        for name, changes in strangers.items():
            usual = {"region": "valley", "direction": "deliver", "due_day": DAY} | changes
            session.add(
                Parcel(
                    id=f"{name}-1".lower(), company_id="yunlu", waybill=name, product="p", place_id="upper", weight_g=1,
                    volume_cm3=1, imported_at=NOW, **usual,
                )
            )  # fmt: skip
        session.flush()
        reason = Reason(ReasonCode.UNREACHABLE_BY_ROAD)
        body = {"version_id": "version", "parcel_id": "island-1", "code": reason.code.value, "reason": reason.as_dict()}
        session.add(PlanUnassigned(**body))

    def ask(code: str, **more: Any) -> ScanAnswer:
        with sqlite_database.read() as session:
            return answer_scan(session, index, code, **more)

    return ask


def test_a_later_wave_waits_in_the_rest_chute(answer: Callable[..., ScanAnswer]):
    """While the first wave is sorted, a parcel of the second waits; cold goods go to the cold store's chute at once."""
    waiting = answer("LATE", wave=1)
    assert (waiting.outcome, waiting.chute, waiting.sentence("en")) == (
        "later_wave",
        "REST",
        "Sorted in wave 2; put it into REST until then",
    )
    assert (answer("LATE", wave=2).chute, answer("LATE").chute) == ("NEAR", "NEAR")
    assert answer("ICE", wave=1).chute == "COLD"


def test_pieces_of_one_waybill_are_told_apart(answer: Callable[..., ScanAnswer]):
    """Two pieces with different chutes are asked for by their own codes; each of those has one answer."""
    assert answer("TWO").outcome == "several"
    assert [answer(code).chute for code in ("TWO-1", "two-2-2")] == ["NEAR", "MID"]


def test_what_is_not_part_of_the_plan_says_why(answer: Callable[..., ScanAnswer]):
    """Another region's, a collection, a later day's and an unreachable parcel each say so in two languages."""
    found = {code: answer(code) for code in ("ELSEWHERE", "PICKUP", "TOMORROW", "ISLAND", "NOBODY")}
    outcomes = {code: one.outcome.value for code, one in found.items()}
    assert outcomes == {
        "ELSEWHERE": "other_region", "PICKUP": "to_collect", "TOMORROW": "not_planned", "ISLAND": "not_planned",
        "NOBODY": "unknown",
    }  # fmt: skip
    assert {one.chute for one in found.values()} == {"NO"}
    assert "2026-03-05" in found["TOMORROW"].sentence("zh")
    assert found["ISLAND"].sentence("zh") == "今日未排线：没有道路可达"
    assert found["ISLAND"].sentence("en") == "On no route today: No road leads there and back"
