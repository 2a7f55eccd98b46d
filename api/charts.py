"""Bar charts of any report that is about amounts, as SVG that needs nothing to be seen, or as PNG."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from api.errors import ChartError

Row = Mapping[str, Any]

MOST_BARS: Final = 60
_WIDTH, _NAME, _VALUE, _BAR, _GAP, _TITLE = 900, 220, 90, 16, 6, 30
_FONT: Final = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Of Okabe and Ito (2008); each panel is named as well, so colour is never alone."""


@dataclass(frozen=True)
class Panel:
    """One amount, a bar for each label, on a scale of its own; None where a row has no value."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class BarChart:
    """Amounts by label, the panels one below the other: what has different units shares no scale."""

    title: str
    labels: tuple[str, ...]
    panels: tuple[Panel, ...]

    def svg(self) -> str:
        """Return the chart as SVG text; every value is also written beside its bar."""
        each = _TITLE + len(self.labels) * (_BAR + _GAP) + _GAP
        height = _TITLE + each * len(self.panels) + _GAP
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" font-family="{_FONT}" '
            f'font-size="12" role="img" aria-label="{escape(self.title)}">',
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="12" y="20" font-size="16" font-weight="600">{escape(self.title)}</text>',
        ]
        for number, panel in enumerate(self.panels):
            parts += self._panel(panel, _TITLE + number * each, _COLOURS[number % len(_COLOURS)])
        return "\n".join([*parts, "</svg>", ""])

    def _panel(self, panel: Panel, top: int, colour: str) -> list[str]:
        """Draw the bars of one amount; those below zero run to the left of a common line."""
        known = [value for value in panel.values if value is not None]
        low, high = min([0.0, *known]), max([0.0, *known])
        scale = (_WIDTH - _NAME - _VALUE) / max(high - low, 1e-9)
        zero = _NAME - low * scale
        parts = [f'<text x="12" y="{top + 20}" font-weight="600" fill="{colour}">{escape(panel.name)}</text>']
        for row, (label, value) in enumerate(zip(self.labels, panel.values, strict=True)):
            y = top + _TITLE + row * (_BAR + _GAP)
            parts.append(f'<text x="{_NAME - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
            wide = abs(value or 0.0) * scale
            x = zero - wide if (value or 0.0) < 0 else zero
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{_BAR}" fill="{colour}"/>')
            parts.append(f'<text x="{max(x + wide, zero) + 6:.1f}" y="{y + 12}">{_written(value)}</text>')
        return parts


def _written(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def chart_of(
    text: str, title: str, *, rows: str | None = None, label: str | None = None, values: Sequence[str] = ()
) -> BarChart:
    """Make a chart of what a report wrote with ``--json``: a JSON document, or one document a line.

    Parameters
    ----------
    rows
        Where the rows are, names with dots between them; the first list of objects when omitted.
    label
        Field that names a row; the first text of it when omitted.
    values
        Fields to draw; the first four numbers when omitted. A name with dots reaches into objects.

    Raises
    ------
    ChartError
        If the text is no JSON, or has no such rows or fields; names what was not found and what there is.
    """
    found = _rows(_document(text), rows)
    first = found[0]
    flat = [_flat(row) for row in found[:MOST_BARS]]
    name = label or next((key for key, value in _flat(first).items() if isinstance(value, str)), None)
    wanted = list(values) or [key for key, value in _flat(first).items() if _is_number(value)][:4]
    for field in (*([name] if name else []), *wanted):
        if not any(field in row for row in flat):
            raise ChartError(f"the rows have no field {field}", field=field, known=sorted(flat[0]))
    if not wanted:
        raise ChartError("the rows have no number to draw", field="value", known=sorted(flat[0]))
    labels = tuple(str(at + 1) if name is None else str(row.get(name, "–")) for at, row in enumerate(flat))
    panels = tuple(Panel(field, tuple(_number(row.get(field)) for row in flat)) for field in wanted)
    return BarChart(title, labels, panels)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as wrong:
        raise ChartError(f"the file is no JSON: {wrong}", field="file", known=[]) from wrong


def _rows(document: Any, path: str | None) -> list[Row]:
    here = document
    for part in path.split(".") if path else ():
        here = here.get(part) if isinstance(here, dict) else None
    if path is None and isinstance(document, dict):
        lists = (value for value in document.values() if _is_table(value))
        here = next(lists, [document])
    if isinstance(here, dict) and all(isinstance(value, dict) for value in here.values()):
        here = [{"name": key} | value for key, value in here.items()]
    if not _is_table(here):
        known = sorted(document) if isinstance(document, dict) else []
        raise ChartError(f"there are no rows at {path or 'the top'}", field="rows", known=known)
    return list(here)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(row, dict) for row in value)


def _flat(row: Row, before: str = "") -> dict[str, Any]:
    """Return fields of fields under names with dots."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    """Read a number; figures that a table wrote as text count too."""
    if isinstance(value, str):
        try:
            return float(value.replace(",", "").removesuffix("%").strip())
        except ValueError:
            return None
    return float(value) if _is_number(value) else None


def png_of(svg: str) -> bytes:
    """Return an SVG picture as PNG, with the fonts of this machine."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg))
