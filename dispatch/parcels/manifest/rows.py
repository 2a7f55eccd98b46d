"""From a row of text to a parcel, or to everything that is wrong with the row."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from dispatch.errors import CellError
from dispatch.parcels.manifest import cells as read
from dispatch.parcels.manifest.columns import COLUMN_NAMES, ColumnMap, column
from dispatch.parcels.manifest.gazetteer import Gazetteer, Spot
from dispatch.parcels.manifest.problems import RowProblem
from dispatch.parcels.manifest.raw import RawRow
from dispatch.parcels.model import CABINET, COLLECT, DELIVER, DOOR, STATION
from dispatch.parcels.repository import PieceKey
from dispatch.products.product import ServiceProduct, allowed_channels
from kernel.privacy import masked
from maps.datum import convert

# Without a measured volume: carriers bill 6,000 cm³ as one kilogram (industry's volumetric divisor).
_CM3_PER_G = 6

# A village's houses lie within a few kilometres of its centre; beyond this one of the two is wrong.
_DOUBTFUL_DISTANCE_M = 15_000
_M_PER_DEGREE = 111_320  # on the mean meridian

_SHOWN_VALUE_CHARACTERS = 40

_Parser = Callable[[str], Any]
_PARSERS: Mapping[str, _Parser] = MappingProxyType(
    {
        "company": read.plain_text(80),
        "waybill": read.waybill,
        "piece": read.count,
        "pieces": read.count,
        "direction": read.direction,
        "product": read.plain_text(40),
        "recipient_name": read.plain_text(80),
        "recipient_phone": read.phone,
        "address": read.plain_text(300),
        "village": read.plain_text(80),
        "township": read.plain_text(80),
        "lon": read.degrees(180),
        "lat": read.degrees(90),
        "datum": read.datum,
        "channel": read.channel,
        "site": read.site,
        "consent": read.plain_text(80),
        "weight_g": read.weight_g,
        "weight_kg": read.weight_kg_to_g,
        "volume_cm3": read.volume_cm3,
        "volume_m3": read.volume_m3_to_cm3,
        "due_day": read.day,
        "window_start": read.second_of_day,
        "window_end": read.second_of_day,
        "declared_value": read.amount_fen,
        "cod": read.amount_fen,
    }
)
# Cells that differ from row to row; remembering them would only cost memory.
_UNLIKE = frozenset({"waybill", "recipient_name", "recipient_phone", "address", "lon", "lat", "consent"})


@dataclass(frozen=True)
class RowRules:
    """Everything a row is checked against.

    Parameters
    ----------
    day
        Due day of rows that state none.
    companies
        Company id by id and by name.
    admit_companies
        Whether a company nobody registered may be registered by this import.
    default_company
        Company of rows that state none.
    only_company
        The one company whose parcels may be in the file, or None.
    defaults
        Product code by direction, for rows that state none.
    site_ids
        Ids of stations and cabinets, or None when they cannot be checked.
    """

    day: date
    gazetteer: Gazetteer
    products: Mapping[str, ServiceProduct]
    defaults: Mapping[str, str]
    companies: Mapping[str, str]
    admit_companies: bool = False
    default_company: str | None = None
    only_company: str | None = None
    site_ids: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A good row: the parcel's columns but its id, what of it the file did not say, and the position it gave."""

    line: int
    key: PieceKey
    values: dict[str, Any]
    states_day: bool
    given_position: tuple[float, float] | None = None


@dataclass
class _RowState:
    line: int
    values: dict[str, Any]
    texts: dict[str, str]
    problems: list[tuple[str, CellError]] = field(default_factory=list)

    def add(self, name: str, code: str, message: str) -> None:
        self.problems.append((name, CellError(code, message)))

    def has_problem(self, *names: str) -> bool:
        return any(name in names for name, _ in self.problems)


class RowReader:
    """Reads rows of one file.

    Parameters
    ----------
    columns, width
        Where our columns stand, and how many columns the header has.
    rules
        What rows are checked against.
    """

    def __init__(self, columns: ColumnMap, width: int, rules: RowRules) -> None:
        self._columns = columns
        self._width = width
        self._rules = rules
        self._add_ons = tuple(product for product in rules.products.values() if product.kind == "add_on")
        self._plan = [
            (name, columns.positions[name], _PARSERS[name] if name in _UNLIKE else lru_cache(8_192)(_PARSERS[name]))
            for name in COLUMN_NAMES
            if name in columns.positions
        ]
        self._channels = lru_cache(1_024)(self._find_channels)

    def read(self, raw: RawRow) -> Draft | tuple[RowProblem, ...]:
        """Read one row: a parcel, or every reason why it is none."""
        if raw.fault:
            return (RowProblem(raw.line, "", "row_malformed", f"the line cannot be split into cells: {raw.fault}"),)
        state = self._parsed(raw)
        for check in (_check_required, self._check_company, _check_pieces, self._check_product, self._check_channel):
            check(state)
        _check_window(state, self._rules.products)
        spot = self._find_spot(state)
        self._check_position(state)
        if state.problems or spot is None:
            return tuple(self._problem(state, name, error) for name, error in state.problems)
        return self._draft(state, spot)

    def cells(self, raw: RawRow) -> dict[str, str]:
        """Give the row's cells by our column names, shortened, for a person to correct."""
        return {name: text[:200] for name, text in self._texts(raw).items() if text}

    def problem(self, line: int, name: str, code: str, message: str) -> RowProblem:
        """Make a problem about a column of a row that was read."""
        return RowProblem(line, self._columns.header_of(name), code, message)

    def _texts(self, raw: RawRow) -> dict[str, str]:
        given = raw.cells
        return {name: given[at].strip() if at < len(given) else "" for name, at, _ in self._plan}

    def _parsed(self, raw: RawRow) -> _RowState:
        state = _RowState(raw.line, {}, self._texts(raw))
        texts, values = state.texts, state.values
        for name, _, parse in self._plan:
            text = texts[name]
            if not text or text in read.ABSENT:
                continue
            try:
                values[name] = parse(text) if text[0] != "=" else read.refuse_formula(text)
            except CellError as error:
                state.problems.append((name, error))
        if len(raw.cells) > self._width and any(cell.strip() for cell in raw.cells[self._width :]):
            state.add("", "extra_cells", f"the row has {len(raw.cells)} cells, the header {self._width}")
        return state

    def _check_company(self, state: _RowState) -> None:
        rules = self._rules
        said = state.values.get("company") or rules.default_company
        if said is None:
            if not state.has_problem("company"):
                state.add("company", "required_missing", "the company is missing")
            return
        known = rules.companies.get(said) or rules.companies.get(said.lower())
        if known is None and rules.admit_companies:
            try:
                known = read.company(said)
            except CellError as error:
                state.problems.append(("company", error))
                return
        if known is None:
            state.add("company", "company_unknown", f"no company {said!r} is registered")
        elif rules.only_company not in (None, known):
            state.add("company", "company_not_allowed", f"only parcels of {rules.only_company} may be in this file")
        else:
            state.values["company_id"] = known

    def _check_product(self, state: _RowState) -> None:
        direction = state.values.setdefault("direction", DELIVER)
        code = state.values.setdefault("product", self._rules.defaults.get(direction, ""))
        product = self._rules.products.get(code)
        if product is None or product.kind != "carrier":
            state.add("product", "product_unknown", f"no service product {code!r} is in force")

    def _check_channel(self, state: _RowState) -> None:
        """Refuse a channel without consent (LAW-01, LAW-02) or against the product (LAW-03)."""
        values = state.values
        channel = values.setdefault("channel", DOOR)
        if channel == DOOR and "site" in values:
            state.add("site", "site_without_channel", "a site is named, and the channel is the door")
        if self._rules.site_ids is not None and values.get("site", "") not in {"", *self._rules.site_ids}:
            state.add("site", "site_unknown", f"no station or cabinet {values['site']!r} is registered")
        if state.has_problem("product", "channel", "direction"):
            return
        allowed = self._channels(values["product"], values.get("cod", 0) > 0, values.get("declared_value", 0) > 0)
        if channel not in allowed:
            state.add("channel", "channel_not_allowed", f"this parcel may go by {', '.join(allowed)} only")
        elif _needs_consent(values) and "consent" not in values and not state.has_problem("consent"):
            state.add("consent", "consent_missing", f"nobody consented to the channel {channel}")

    def _find_channels(self, code: str, with_cod: bool, with_value: bool) -> tuple[str, ...]:
        amounts = {"cod_fen": int(with_cod), "declared_value_fen": int(with_value)}
        extra = [product for product in self._add_ons if product.applies(**amounts)]
        return allowed_channels([self._rules.products[code], *extra])

    def _find_spot(self, state: _RowState) -> Spot | None:
        village = state.values.get("village")
        if village is None:
            return None
        try:
            return self._rules.gazetteer.find(village, state.values.get("township", ""))
        except CellError as error:
            state.problems.append(("village", error))
            return None

    def _check_position(self, state: _RowState) -> None:
        values = state.values
        if ("lon" in values) != ("lat" in values) and not state.has_problem("lon", "lat"):
            name = "lat" if "lon" in values else "lon"
            state.add(name, "position_incomplete", "one of longitude and latitude is missing")
        elif values.get("lon") == 0 and values.get("lat") == 0:
            state.add("lon", "position_out_of_range", "the position is 0, 0: unknown, not in the Gulf of Guinea")

    def _position(self, values: dict[str, Any], spot: Spot) -> dict[str, Any]:
        datum = values.get("datum", "wgs84")
        if "lon" not in values:
            return {
                "lon": None,
                "lat": None,
                "datum": "wgs84",
                "position_source": "village",
                "position_confidence": "village",
            }
        lon, lat = values["lon"], values["lat"]
        if datum != "wgs84":
            lon, lat = (round(float(degrees), 7) for degrees in convert([[lon, lat]], datum)[0])
        confidence = "doubtful" if _is_far(lon, lat, spot) else "exact"
        return {
            "lon": lon,
            "lat": lat,
            "datum": datum,
            "position_source": "manifest",
            "position_confidence": confidence,
        }

    def _draft(self, state: _RowState, spot: Spot) -> Draft:
        values = state.values
        weight_g = values.get("weight_g") or values["weight_kg"]
        row = {
            "company_id": values["company_id"],
            "waybill": values["waybill"],
            "piece": values.get("piece", 1),
            "pieces": values.get("pieces", 1),
            "direction": values["direction"],
            "product": values["product"],
            "recipient_name": values.get("recipient_name", ""),
            "recipient_phone": values.get("recipient_phone", ""),
            "address": values.get("address", ""),
            "place_id": spot.id,
            "channel": values["channel"],
            "channel_site_id": values.get("site"),
            "consent_reference": values.get("consent"),
            "weight_g": weight_g,
            "volume_cm3": values.get("volume_cm3") or values.get("volume_m3") or weight_g * _CM3_PER_G,
            "due_day": values.get("due_day", self._rules.day),
            "window_start_s": values.get("window_start"),
            "window_end_s": values.get("window_end"),
            "declared_value_fen": values.get("declared_value", 0),
            "cod_fen": values.get("cod", 0),
        } | self._position(values, spot)
        key = (row["company_id"], row["waybill"], row["piece"])
        given = (values["lon"], values["lat"]) if "lon" in values else None
        return Draft(state.line, key, row, "due_day" in values, given)

    def _problem(self, state: _RowState, name: str, error: CellError) -> RowProblem:
        header = self._columns.header_of(name) if name else ""
        shown = _shown(name, state.texts.get(name, ""))
        return RowProblem(state.line, header, error.problem, error.message, shown, error.candidates)


def _shown(name: str, text: str) -> str:
    personal = column(name).personal if name else None
    return masked(personal, text)[:_SHOWN_VALUE_CHARACTERS] if personal else text[:_SHOWN_VALUE_CHARACTERS]


_REQUIRED_TO_DELIVER = ("recipient_name", "recipient_phone", "address")


def _check_required(state: _RowState) -> None:
    wanted = ["waybill", "village"]
    if state.values.get("direction", DELIVER) != COLLECT:
        wanted += _REQUIRED_TO_DELIVER
    for name in wanted:
        if name not in state.values and not state.has_problem(name):
            state.add(name, "required_missing", f"{column(name).title_zh} ({name}) is missing")
    weights = ("weight_g", "weight_kg")
    if not any(name in state.values for name in weights) and not state.has_problem(*weights):
        state.add("weight_kg", "required_missing", "the weight is missing")


def _needs_consent(values: Mapping[str, Any]) -> bool:
    return (values["channel"], values["direction"]) in ((STATION, DELIVER), (CABINET, DELIVER))


def _check_pieces(state: _RowState) -> None:
    piece, pieces = state.values.get("piece", 1), state.values.get("pieces", 1)
    if piece > pieces and not state.has_problem("piece", "pieces"):
        state.add("piece", "pieces_order", f"piece {piece} of {pieces}")


def _check_window(state: _RowState, products: Mapping[str, ServiceProduct]) -> None:
    start, end = state.values.get("window_start"), state.values.get("window_end")
    if state.has_problem("window_start", "window_end"):
        return
    if (start is None) != (end is None):
        name = "window_end" if end is None else "window_start"
        state.add(name, "window_incomplete", "one end of the time window is missing")
    elif start is not None and end is not None and start >= end:
        state.add("window_end", "window_order", "the time window ends before it starts")
    product = products.get(state.values.get("product", ""))
    if start is None and end is None and product is not None and product.rules.requires_window:
        state.add("window_start", "window_missing", f"product {product.code} is delivered by appointment")


def _is_far(lon: float, lat: float, spot: Spot) -> bool:
    if spot.lon is None or spot.lat is None:
        return False
    east_m = (lon - spot.lon) * _M_PER_DEGREE * math.cos(math.radians(spot.lat))
    north_m = (lat - spot.lat) * _M_PER_DEGREE
    return math.hypot(east_m, north_m) > _DOUBTFUL_DISTANCE_M
