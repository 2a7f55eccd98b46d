"""Reading single cells strictly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from dispatch.errors import CellError
from dispatch.parcels.manifest import cells
from dispatch.parcels.manifest.problems import REMEDIES

_TEXT = cells.plain_text(20)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (cells.waybill, "ＹＬ００１", "YL001"),
        (cells.waybill, "SF-1234-5", "SF-1234-5"),
        (cells.phone, "154 1234 5678", "15412345678"),
        (cells.phone, "154-1234-5678", "15412345678"),
        (cells.phone, "+8615412345678", "+8615412345678"),
        (cells.phone, "15412345678-1234", "15412345678-1234"),
        (cells.phone, "154****5678", "154****5678"),
        (cells.phone, "0728-6241234", "0728-6241234"),
        (cells.phone, "+376312345", "+376312345"),
        (cells.phone, "400-123-4567", "400-123-4567"),
        (cells.weight_kg_to_g, "0.9", 900),
        (cells.weight_kg_to_g, "0.9kg", 900),
        (cells.weight_kg_to_g, "1,000", 1_000_000),
        (cells.weight_g, "0.2", 1),
        (cells.volume_m3_to_cm3, "0.012 m³", 12_000),
        (cells.amount_fen, "¥1,234.50", 123_450),
        (cells.amount_fen, "12元", 1_200),
        (cells.count, "２", 2),
        (cells.day, "2026-03-04", date(2026, 3, 4)),
        (cells.day, "2026/3/4", date(2026, 3, 4)),
        (cells.day, "20260304", date(2026, 3, 4)),
        (cells.day, "2026年3月4日", date(2026, 3, 4)),
        (cells.day, "2026-03-04T00:00:00", date(2026, 3, 4)),
        (cells.second_of_day, "9:30", 34_200),
        (cells.second_of_day, "24:00", 86_400),
        (cells.second_of_day, "09：30", 34_200),
        (cells.channel, "驿站", "station"),
        (cells.channel, "Locker", "cabinet"),
        (cells.direction, "揽收", "collect"),
        (cells.datum, "GCJ-02", "gcj02"),
        (cells.degrees(90), "-30.5", -30.5),
        (_TEXT, "  石桥\n村 ", "石桥 村"),
        (_TEXT, "O'Brien-Smith", "O'Brien-Smith"),
    ],
)
def test_what_people_write_is_understood(parse: Callable[[str], Any], text: str, value: Any) -> None:
    """Full-width digits, units, separators and Chinese words are read as they are meant."""
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "code"),
    [
        (cells.waybill, "7.73E+17", "digits_lost"),
        (cells.waybill, "AB", "waybill_form"),
        (cells.waybill, "AB 12 34", "waybill_form"),
        (cells.waybill, "x" * 41, "waybill_form"),
        (cells.company, "云鹿速递", "company_unknown"),
        (cells.site, "S!", "site_unknown"),
        (cells.phone, "12345", "phone_form"),
        (cells.phone, "1541234567", "phone_form"),
        (cells.phone, "call me", "phone_form"),
        (cells.weight_kg_to_g, "heavy", "number_form"),
        (cells.weight_kg_to_g, "-1", "number_range"),
        (cells.weight_kg_to_g, "0", "number_range"),
        (cells.weight_kg_to_g, "2000", "number_range"),
        (cells.weight_kg_to_g, "1e3", "number_form"),
        (cells.weight_kg_to_g, "NaN", "number_form"),
        (cells.amount_fen, "12.345", "amount_form"),
        (cells.amount_fen, "-5", "amount_range"),
        (cells.amount_fen, "99999999", "amount_range"),
        (cells.count, "1.5", "number_range"),
        (cells.day, "04/03/2026", "date_form"),
        (cells.day, "2026-02-30", "date_form"),
        (cells.day, "1900-01-01", "date_range"),
        (cells.second_of_day, "25:00", "time_form"),
        (cells.second_of_day, "24:30", "time_form"),
        (cells.second_of_day, "noon", "time_form"),
        (cells.channel, "drone", "channel_unknown"),
        (cells.direction, "sideways", "direction_unknown"),
        (cells.datum, "mars", "datum_unknown"),
        (cells.degrees(90), "112.8", "position_out_of_range"),
        (_TEXT, "=HYPERLINK(1)", "formula_cell"),
        (_TEXT, "@SUM(A1)", "formula_cell"),
        (_TEXT, "+cmd|x", "formula_cell"),
        (_TEXT, "-2+3", "formula_cell"),
        (_TEXT, "李\x07龙", "control_character"),
        (_TEXT, "李\u202e龙", "control_character"),
        (_TEXT, "李\u200b龙", "control_character"),
        (_TEXT, "李\ufffd", "lost_character"),
        (_TEXT, "长" * 21, "too_long"),
        (cells.refuse_formula, "=1", "formula_cell"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_code(parse: Callable[[str], Any], text: str, code: str) -> None:
    """Each kind of wrong cell has its own stable code, and each code has a remedy."""
    with pytest.raises(CellError) as caught:
        parse(text)
    assert caught.value.problem == code
    assert REMEDIES[code]
