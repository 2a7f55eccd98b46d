"""The daily report on kiosks: every figure has one exact meaning."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockers.activity import METRICS, ActivityRow, Drop, InstalledSite, Outage, SiteOperations, daily_report

DAY = date(2026, 3, 4)
ZONE = "Asia/Shanghai"
NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
LATER = datetime(2026, 3, 20, tzinfo=UTC)
LONG_AGO = date(2026, 1, 1)
HOUR = timedelta(hours=1)


def site(number: int, **more: object) -> InstalledSite:
    """Make a site of one of two branches."""
    made = InstalledSite(f"k-{number}", f"branch-{number % 2}", "pharmacy", LONG_AGO)
    return replace(made, **more)  # type: ignore[arg-type]


def drop(number: int, at: int = 1, **more: object) -> Drop:
    """Make a drop-off at noon of the day at one of the sites."""
    return replace(Drop(f"d-{number}", f"k-{at}", NOON), **more)  # type: ignore[arg-type]


SITES = [site(number) for number in range(1, 5)]


def test_a_day_with_everything() -> None:
    """Four kiosks, two used today, one yesterday: each figure as its definition says."""
    drops = [
        drop(1, accepted_at=NOON + 2 * HOUR),
        drop(2, accepted_at=NOON + 4 * HOUR, return_platform="douyin"),
        drop(3, at=2, refused_at=NOON + HOUR, refusal_reason="liquid"),
        drop(4, at=2, voided=True),
        drop(5, at=3, dropped_at=NOON - timedelta(days=1), accepted_at=NOON),
        drop(6, at=3, dropped_at=NOON - timedelta(days=2)),
    ]
    report = daily_report(DAY, ZONE, SITES, drops, LATER)
    row = report.total
    assert (row.installed, row.eligible, row.active) == (4, 4, 2)
    assert (row.active_share, row.active_share_week) == (Fraction(1, 2), Fraction(3, 4))
    assert (row.drop_offs, row.drop_offs_per_device) == (3, Fraction(3, 4))
    assert (row.collected, row.refused, row.refusal_rate) == (3, 1, Fraction(1, 4))
    assert row.return_share == Fraction(1, 3)
    assert (row.hours_median, row.hours_p90) == (4, 24)
    assert (row.open, row.oldest_open_hours) == (1, 60)
    assert (row.sleepers, report.sleeping) == (1, ("k-4",))
    assert (report.open_drops, report.refusals, report.returns) == (("d-6",), {"liquid": 1}, {"douyin": 1})
    assert [(group.group, group.drop_offs) for group in report.groups] == [("branch-0", 1), ("branch-1", 2)]


def test_the_day_is_the_region_s() -> None:
    """A drop-off at 00:30 in Shanghai belongs to that day, although it is the day before in London."""
    early = drop(1, dropped_at=datetime(2026, 3, 3, 16, 30, tzinfo=UTC))
    assert daily_report(DAY, ZONE, SITES, [early], LATER).total.drop_offs == 1
    assert daily_report(DAY, "UTC", SITES, [early], LATER).total.drop_offs == 0


@pytest.mark.parametrize(
    ("changes", "installed", "eligible"),
    [
        ({}, 1, 1),
        ({"commissioned_on": None}, 0, 0),
        ({"commissioned_on": DAY}, 1, 1),
        ({"commissioned_on": DAY + timedelta(days=1)}, 0, 0),
        ({"retired_on": DAY}, 0, 0),
        ({"retired_on": DAY + timedelta(days=1)}, 1, 1),
        ({"maintenance": ((DAY, DAY),)}, 1, 0),
        ({"maintenance": ((LONG_AGO, DAY - timedelta(days=1)),)}, 1, 1),
    ],
)
def test_who_counts(changes: dict[str, object], installed: int, eligible: int) -> None:
    """A site counts from its commissioning until its retirement; in maintenance it is installed, not eligible."""
    row = daily_report(DAY, ZONE, [site(1, **changes)], [], LATER).total
    assert (row.installed, row.eligible) == (installed, eligible)


def test_a_new_kiosk_does_not_sleep() -> None:
    """A kiosk is a sleeper after fourteen days without a parcel, not before it had them."""
    fresh = site(1, commissioned_on=DAY - timedelta(days=12))
    old = site(2, commissioned_on=DAY - timedelta(days=13))
    assert daily_report(DAY, ZONE, [fresh, old], [], LATER).sleeping == ("k-2",)
    last = drop(1, at=2, dropped_at=NOON - timedelta(days=13))
    assert daily_report(DAY, ZONE, [old], [last], LATER).sleeping == ()
    assert daily_report(DAY, ZONE, [old], [replace(last, dropped_at=NOON - timedelta(days=14))], LATER).sleeping


def test_nothing_to_divide_by_is_no_zero() -> None:
    """Where there is nothing a share is absent, not zero."""
    row = daily_report(DAY, ZONE, [], [], LATER).total
    assert (row.active_share, row.refusal_rate, row.hours_median, row.oldest_open_hours) == (None, None, None, None)


def test_a_report_during_the_day_says_as_of() -> None:
    """During the day an open parcel's age counts to the moment of the report; a late event restates the day."""
    at_one = daily_report(DAY, ZONE, SITES, [drop(1)], NOON + HOUR)
    assert (at_one.as_of, at_one.total.open, at_one.total.oldest_open_hours) == (NOON + HOUR, 1, 1)
    restated = daily_report(DAY, ZONE, SITES, [drop(1), drop(2, at=2)], LATER)
    assert restated.total.drop_offs == 2
    assert restated.total.oldest_open_hours == 12


@given(st.permutations(range(8)), st.integers(0, 7))
@settings(max_examples=50, deadline=None)
def test_order_and_repetition_change_nothing(order: list[int], doubled: int) -> None:
    """Events in any order, and one of them twice, give the same report."""
    drops = [drop(number, at=number % 4 + 1, accepted_at=NOON + number * HOUR) for number in range(8)]
    shuffled = [drops[number] for number in order] + [drops[doubled]]
    assert daily_report(DAY, ZONE, SITES, shuffled, LATER) == daily_report(DAY, ZONE, SITES, drops, LATER)


def test_groups_add_up() -> None:
    """Whatever sites are grouped by, the groups' counts add up to the total."""
    drops = [drop(number, at=number % 4 + 1) for number in range(9)]
    for key in (lambda site: site.branch, lambda site: site.scene, lambda site: site.id):
        report = daily_report(DAY, ZONE, SITES, drops, LATER, key)
        for name in ("installed", "eligible", "active", "drop_offs", "collected", "refused", "open", "sleepers"):
            assert sum(getattr(row, name) for row in report.groups) == getattr(report.total, name), name


def test_a_site_that_was_out_counts_by_the_second_of_its_day() -> None:
    """Uptime is what is left of the eligible time; an outage counts within the day, a repair on the day it ended."""
    outages = [
        Outage("k-1", "outage", NOON - 14 * HOUR, NOON - 10 * HOUR), Outage("k-2", "outage", NOON + 6 * HOUR),
        Outage("k-3", "paper", NOON, NOON + 2 * HOUR), Outage("k-9", "outage", NOON, None),
    ]  # fmt: skip
    row = daily_report(DAY, ZONE, SITES, [], LATER, outages=outages).total
    assert row.uptime == 1 - Fraction(2 + 6, 4 * 24)
    assert (row.repair_hours, row.paper_out_hours) == (4, 2)
    assert daily_report(DAY, ZONE, [], [], LATER).total.uptime is None


def test_codes_picks_and_wires_are_counted_by_site() -> None:
    """Refused codes, overdue parcels, wrong picks, unknown commands: shares of all, and nothing without anything."""
    operations = {
        "k-1": SiteOperations(codes=8, codes_refused=2, overdue=1, left_in_time=3, picks=10, picks_wrong=1,
                              light_to_pick_s=(20, 40)),
        "k-2": SiteOperations(commands=4, commands_unknown=1, wire_faults=2, light_to_pick_s=(90,)),
        "unknown": SiteOperations(codes=99),
    }  # fmt: skip
    row = daily_report(DAY, ZONE, SITES, [], LATER, operations=operations).total
    assert (row.code_fail_rate, row.overdue, row.overdue_rate) == (Fraction(1, 4), 1, Fraction(1, 4))
    assert (row.wrong_pick_rate, row.light_to_pick_s) == (Fraction(1, 10), 40)
    assert (row.unknown_rate, row.wire_faults) == (Fraction(1, 4), 2)
    assert daily_report(DAY, ZONE, SITES, [], LATER).total.unknown_rate is None


def test_every_metric_is_defined() -> None:
    """Each figure of a row has a definition, and each definition a figure."""
    assert {field.name for field in fields(ActivityRow)} - {"group"} == set(METRICS)
