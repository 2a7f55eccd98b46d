"""Parsers of single cells: text in, value out, or a :class:`CellError` that says what is wrong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import NoReturn

from dispatch.errors import CellError
from dispatch.parcels.model import CABINET, COLLECT, DELIVER, DOOR, STATION
from kernel.money import InvalidAmountError, parse_yuan

# C0 and C1 controls, zero-width marks, and marks that reverse the direction of reading: a label that
# shows another number than the one stored. Tab, CR and LF become blanks before this is asked.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_FORMULA_START = ("=", "+", "-", "@")
_BLANKS = re.compile(r"\s+")
ABSENT = frozenset({"-", "--", "—", "/", "无", "null", "NULL", "None", "N/A", "#N/A"})
"""What people write where there is nothing."""

_WAYBILL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d{2,}")
_COMPANY = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SITE = re.compile(r"[a-z0-9-]{3,32}")
_PHONE = re.compile(
    r"(?:\+?86)?1[3-9]\d{9}(?:(?:-|转|,)\d{1,6})?"  # mobile, with the extension of a privacy number
    r"|1\d{2}\*{4,6}\d{2,4}"  # masked by the company that announces it
    r"|0\d{2,3}-?\d{7,8}(?:-\d{1,6})?"  # landline with area code
    r"|[48]00-?\d{3}-?\d{4}"
    r"|\+[1-9]\d{6,14}"  # E.164
)
_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,9})?")
_UNIT = re.compile(r"\s*(kg|g|千克|公斤|克|cm3|cm³|m3|m³|立方米|立方厘米)$", re.I)
_DAY = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?)?")
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?")

_MAX_WEIGHT_G = 1_000_000
_MAX_VOLUME_CM3 = 10_000_000
_MAX_AMOUNT_FEN = 100_000_000
_MAX_PIECES = 999

DIRECTION_WORDS: Mapping[str, str] = MappingProxyType(
    {"deliver": DELIVER, "派件": DELIVER, "派送": DELIVER, "投递": DELIVER}
    | {"collect": COLLECT, "揽收": COLLECT, "收件": COLLECT, "揽件": COLLECT, "pickup": COLLECT}
)
CHANNEL_WORDS: Mapping[str, str] = MappingProxyType(
    {"door": DOOR, "上门": DOOR, "送货上门": DOOR, "home": DOOR}
    | {"station": STATION, "驿站": STATION, "站点": STATION, "代收点": STATION, "自提点": STATION}
    | {"cabinet": CABINET, "快递柜": CABINET, "柜": CABINET, "智能柜": CABINET, "locker": CABINET}
)
DATUM_WORDS: Mapping[str, str] = MappingProxyType(
    {"wgs84": "wgs84", "wgs-84": "wgs84", "cgcs2000": "wgs84", "gps": "wgs84"}
    | {"gcj02": "gcj02", "gcj-02": "gcj02", "高德": "gcj02", "bd09": "bd09", "bd-09": "bd09", "百度": "bd09"}
)


def refuse_formula(text: str) -> NoReturn:
    """Refuse a cell that a spreadsheet would compute."""
    raise CellError("formula_cell", f"the cell holds a formula of {len(text)} characters, or the error one left")


def plain_text(limit: int) -> Callable[[str], str]:
    """Make a parser of free text of at most ``limit`` characters."""

    def parse(text: str) -> str:
        if text.isalnum() and len(text) <= limit:  # nearly all cells; letters and digits carry no tricks
            return text
        cleaned = _BLANKS.sub(" ", text).strip()
        if cleaned.startswith(_FORMULA_START):
            raise CellError("formula_cell", f"the text begins with {cleaned[0]!r}, as a formula does")
        if _INVISIBLE.search(cleaned):
            raise CellError("control_character", "the text holds an invisible character")
        if "\ufffd" in cleaned:
            raise CellError("lost_character", "the text holds the mark of a lost character (U+FFFD)")
        if len(cleaned) > limit:
            raise CellError("too_long", f"the text has {len(cleaned)} characters, more than {limit}")
        return cleaned

    return parse


def _code(text: str) -> str:
    """Read full-width letters and digits as plain ones; refuse what a spreadsheet mangled."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if _SCIENTIFIC.fullmatch(folded):
        raise CellError("digits_lost", f"{folded} is a long number in short form; its last digits are lost")
    return folded


def waybill(text: str) -> str:
    """Read a waybill number."""
    value = _code(text)
    if not _WAYBILL.fullmatch(value):
        raise CellError("waybill_form", "a waybill has 4 to 40 letters, digits and hyphens")
    return value


def company(text: str) -> str:
    """Read a company id."""
    value = _code(text).lower()
    if not _COMPANY.fullmatch(value):
        raise CellError("company_unknown", f"{value[:40]!r} has not the form of a company id")
    return value


def site(text: str) -> str:
    """Read the id of a station or cabinet."""
    value = _code(text).lower()
    if not _SITE.fullmatch(value):
        raise CellError("site_unknown", f"{value[:40]!r} has not the form of a site id")
    return value


def phone(text: str) -> str:
    """Read a telephone number; blanks go, hyphens stay where they mean an extension."""
    value = _BLANKS.sub("", _code(text))
    if _PHONE.fullmatch(value):
        return value
    joined = value.replace("-", "").replace("(", "").replace(")", "")
    if _PHONE.fullmatch(joined):
        return joined
    raise CellError("phone_form", "this is not a telephone number")


def _word(words: Mapping[str, str], code: str, what: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        found = words.get(unicodedata.normalize("NFKC", text).strip().casefold())
        if found is None:
            raise CellError(code, f"{text[:20]!r} is not a {what}")
        return found

    return parse


direction = _word(DIRECTION_WORDS, "direction_unknown", "direction")
channel = _word(CHANNEL_WORDS, "channel_unknown", "channel")
datum = _word(DATUM_WORDS, "datum_unknown", "datum")


def _number(text: str) -> Decimal:
    value = _UNIT.sub("", unicodedata.normalize("NFKC", text).replace(",", ""))
    if not _NUMBER.fullmatch(value):
        raise CellError("number_form", f"{text[:20]!r} is not a number")
    try:
        return Decimal(value)
    except InvalidOperation as problem:  # pragma: no cover - the pattern admits decimals only
        raise CellError("number_form", f"{text[:20]!r} is not a number") from problem


def _scaled(factor: int, low: int, high: int, unit: str) -> Callable[[str], int]:
    """Make a parser of a quantity; what is smaller than one unit counts as one."""

    def parse(text: str) -> int:
        exact = _number(text) * factor
        value = int(exact.to_integral_value(rounding="ROUND_CEILING"))
        if not low <= value <= high:
            raise CellError("number_range", f"{value} {unit} is not between {low} and {high}")
        return value

    return parse


def count(text: str) -> int:
    """Read a number of pieces, or which piece it is."""
    value = _number(text)
    if value != value.to_integral_value() or not 1 <= value <= _MAX_PIECES:
        raise CellError("number_range", f"{text[:20]} is not a whole number between 1 and {_MAX_PIECES}")
    return int(value)


weight_g = _scaled(1, 1, _MAX_WEIGHT_G, "g")
weight_kg_to_g = _scaled(1_000, 1, _MAX_WEIGHT_G, "g")
volume_cm3 = _scaled(1, 1, _MAX_VOLUME_CM3, "cm³")
volume_m3_to_cm3 = _scaled(1_000_000, 1, _MAX_VOLUME_CM3, "cm³")


def degrees(limit: int) -> Callable[[str], float]:
    """Make a parser of an angle between minus and plus ``limit`` degrees."""

    def parse(text: str) -> float:
        value = float(_number(text))
        if not -limit <= value <= limit:
            raise CellError("position_out_of_range", f"{text[:20]} is not between -{limit} and {limit} degrees")
        return value

    return parse


def amount_fen(text: str) -> int:
    """Read an amount in yuan as fen."""
    try:
        amount = parse_yuan(unicodedata.normalize("NFKC", text).replace(",", ""))
    except InvalidAmountError as problem:
        raise CellError("amount_form", f"{text[:20]!r} is not an amount in yuan") from problem
    if not 0 <= amount <= _MAX_AMOUNT_FEN:
        raise CellError("amount_range", f"{text[:20]} yuan is not between 0 and {_MAX_AMOUNT_FEN // 100}")
    return amount


def day(text: str) -> date:
    """Read a calendar day."""
    match = _DAY.fullmatch(unicodedata.normalize("NFKC", text))
    if match is None:
        raise CellError("date_form", f"{text[:20]!r} is not a day")
    try:
        value = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as problem:
        raise CellError("date_form", f"{text[:20]!r} is no day of the calendar") from problem
    if not 2000 <= value.year <= 2100:
        raise CellError("date_range", f"the year {value.year} cannot be meant")
    return value


def second_of_day(text: str) -> int:
    """Read a time of day as seconds since midnight; 24:00 is the day's end."""
    match = _TIME.fullmatch(unicodedata.normalize("NFKC", text))
    second = -1 if match is None else int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
    if not 0 <= second <= 86_400:
        raise CellError("time_form", f"{text[:20]!r} is no time of day")
    return second
