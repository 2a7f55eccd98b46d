"""Waiting parcels, lights for visitors, counting the shelves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.clock import ManualClock
from kernel.money import Fen
from lockers.errors import RetentionRulesError
from lockers.lights import COLOURS, SHARED, free_colour, light_orders
from lockers.retention import RetentionRules, RetentionStage
from lockers.stocktake import compare, zones


def test_law_05_nothing_is_charged_within_the_promised_time(clock: ManualClock) -> None:
    """The default charge is nothing; a tariff begins after the free time, counts begun steps and ends at its cap."""
    stored = clock.now()
    assert RetentionRules().charge(stored, stored + timedelta(days=30)) == 0
    rules = RetentionRules(promised_h=18, free_h=18, step_h=12, step_fen=Fen(50), cap_fen=Fen(300))
    charges = [rules.charge(stored, stored + timedelta(hours=hours)) for hours in (0, 18, 19, 30, 31, 500)]
    assert charges == [0, 0, 50, 50, 100, 300]
    with pytest.raises(RetentionRulesError, match="free_h"):
        RetentionRules(promised_h=24, free_h=18)


def test_law_05_reminder_call_and_return_follow_one_another(clock: ManualClock) -> None:
    """After a day a reminder, after three a call, after five the way back; overdue is what was promised."""
    rules, stored = RetentionRules(), clock.now()
    stages = [rules.stage(stored, stored + timedelta(hours=hours)) for hours in (0, 23, 24, 71, 72, 119, 120)]
    assert stages == [
        RetentionStage.KEPT, RetentionStage.KEPT, RetentionStage.REMIND, RetentionStage.REMIND, RetentionStage.CALL,
        RetentionStage.CALL, RetentionStage.RETURN,
    ]  # fmt: skip
    assert not rules.overdue(stored, stored + timedelta(hours=71))
    assert rules.overdue(stored, stored + timedelta(hours=72))
    with pytest.raises(RetentionRulesError):
        RetentionRules(remind_h=80, call_h=72)


def test_each_visitor_has_a_colour_and_a_shared_cell_blinks() -> None:
    """Two visitors get two colours; the cell both want blinks white; with all colours taken nobody gets a wrong one."""
    orders = light_orders({"v-1": ["A-1", "A-2"], "v-2": ["A-2", "B-1"]}, {"v-1": COLOURS[0], "v-2": COLOURS[1]})
    assert [(order.cells, order.colour, order.pattern) for order in orders] == [
        (("A-1",), COLOURS[0], "steady"), (("B-1",), COLOURS[1], "steady"), (("A-2",), SHARED, "blink"),
    ]  # fmt: skip
    assert free_colour(COLOURS[:2]) == COLOURS[2]
    assert free_colour(COLOURS) is None
    assert light_orders({"v-1": ["A-1"]}, {}) == ()


def test_a_count_finds_missing_surplus_and_wrong_cells() -> None:
    """Book against shelves: one is missing, one too many, one lies in another cell."""
    found = compare({"p-1": "A-1", "p-2": "A-2", "p-3": "B-1"}, {"p-1": "A-1", "p-3": "B-2", "x": "A-9"})
    assert (found.missing, found.surplus, dict(found.wrong_cell)) == (("p-2",), ("x",), {"p-3": ("B-1", "B-2")})
    assert not found.agrees
    assert compare({"p-1": "A-1"}, {"p-1": "A-1"}).agrees


def test_what_moves_during_a_count_is_no_difference() -> None:
    """A parcel collected or brought while the count goes on is neither missing nor surplus, scanned or not."""
    book = {"p-1": "A-1", "p-2": "A-2"}
    for seen in ({"p-2": "A-2"}, {"p-1": "A-1", "p-2": "A-2"}, {"p-2": "A-2", "n-1": "B-1"}):
        assert compare(book, seen, came={"n-1": "B-1"}, went={"p-1"}).agrees


def test_zones_are_lit_one_after_the_other() -> None:
    """Cells are counted zone by zone, by what stands before the first hyphen."""
    assert zones(["B-1", "A-2", "A-1"]) == {"A": ("A-1", "A-2"), "B": ("B-1",)}
