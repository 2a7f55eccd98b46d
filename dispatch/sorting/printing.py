"""The sort plan on paper: chute overview, one load sheet for each route, one label for each bag (PDF, A4).

Chinese is set in STSong-Light, one of the fonts every PDF reader knows by name (Adobe-GB1), so that no font file has to
be shipped; figures and Latin letters are set in Helvetica.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont, stringWidth
from reportlab.pdfgen.canvas import Canvas

from dispatch.sorting.barcodes import bars, modules
from dispatch.sorting.errors import BarcodeError
from dispatch.sorting.plan import SortBag, SortedParcel, SortPlan, SortRoute
from kernel.clock import at_second, rfc3339
from kernel.progress import Progress, silent

HAN: Final = "STSong-Light"
_LATIN: Final = "Helvetica"
_BOLD: Final = "Helvetica-Bold"
_WIDE, _HIGH = A4
_EDGE: Final = 14 * mm
_MODULE: Final = 0.25 * mm  # a narrow bar a common hand scanner still reads
_KINDS: Final = {"plain": "普通 plain", "listed": "保价 valuables", "cold": "冷藏 cold"}
_LABELS_ACROSS: Final = 2
_LABELS_DOWN: Final = 5


def sort_plan_pdf(plan: SortPlan, progress: Progress = silent) -> bytes:
    """Print a sort plan.

    Returns
    -------
    A PDF: the chute overview, the load sheet of each route in the order of loading, the bag labels.
    """
    if HAN not in getRegisteredFontNames():
        registerFont(UnicodeCIDFont(HAN))
    file = BytesIO()
    canvas = Canvas(file, pagesize=A4, invariant=True)
    canvas.setTitle(f"Cunda {plan.region} {plan.day}")
    _overview(_Page(canvas, plan, "分拣总表 Sort plan"), plan)
    for number, route in enumerate(plan.routes, start=1):
        _load_sheet(_Page(canvas, plan, f"装车单 Load sheet · 路线 Route {route.number}"), plan, route)
        progress("print", number, len(plan.routes))
    _labels(canvas, plan)
    canvas.save()
    return file.getvalue()


class _Page:
    """A page that fills from the top and begins anew when it is full."""

    def __init__(self, canvas: Canvas, plan: SortPlan, title: str) -> None:
        self.canvas, self._plan, self._title = canvas, plan, title
        self.y = 0.0
        self._begin()

    def _begin(self) -> None:
        self.y = _HIGH - _EDGE
        self.text(_EDGE, self._title, 14)
        made = rfc3339(self._plan.published_at, self._plan.zone)[:16].replace("T", " ")
        right = f"{self._plan.region} · {self._plan.day} · 版本 version {self._plan.version_number} · 发布 {made}"
        self.text(_WIDE - _EDGE, right, 8, right=True)
        self.y -= 4 * mm
        self.canvas.line(_EDGE, self.y, _WIDE - _EDGE, self.y)
        self.y -= 6 * mm

    def room(self, height: float) -> None:
        """Begin another page unless so much is free."""
        if self.y - height < _EDGE:
            self.end()
            self._begin()

    def end(self) -> None:
        """Finish the page."""
        self.canvas.showPage()

    def text(self, x: float, words: str, size: float, *, right: bool = False, bold: bool = False) -> None:
        """Write words at the present height."""
        write(self.canvas, x, self.y, words, size, right=right, bold=bold)

    def cells(self, columns: Sequence[float], words: Sequence[str], size: float = 8.5, bold: bool = False) -> None:
        """Write one row of a table and go on below it."""
        for x, word in zip(columns, words, strict=True):
            self.text(_EDGE + x * mm, word, size, bold=bold)
        self.y -= 5 * mm


def write(
    canvas: Canvas, x: float, y: float, words: str, size: float, *, right: bool = False, bold: bool = False
) -> None:
    """Write a line, letters by the font that has them."""
    runs: list[tuple[str, str]] = []
    for letter in words:
        font = (_BOLD if bold else _LATIN) if letter.isascii() or letter in "·–" else HAN
        if runs and runs[-1][0] == font:
            runs[-1] = (font, runs[-1][1] + letter)
        else:
            runs.append((font, letter))
    if right:
        x -= sum(stringWidth(run, font, size) for font, run in runs)
    for font, run in runs:
        canvas.setFont(font, size)
        canvas.drawString(x, y, run)
        x += stringWidth(run, font, size)


def clipped(words: str, size: float, wide: float) -> str:
    """Return as much of a text as fits, an ellipsis where something is left out."""
    if len(words) * size <= wide:
        return words
    return words[: int(wide / size) - 1] + "…"


def draw_barcode(canvas: Canvas, x: float, y: float, text: str, height: float, widest: float) -> None:
    """Draw a code from its lower left corner on, narrower where it would not fit; text that is no code is left out."""
    try:
        wide = modules(text)
    except BarcodeError:
        return
    module = min(_MODULE, widest / wide)
    path = canvas.beginPath()
    for start, width in bars(text):
        path.rect(x + start * module, y, width * module, height)
    canvas.drawPath(path, stroke=0, fill=1)


def _overview(page: _Page, plan: SortPlan) -> None:
    parcels = sum(len(route.parcels) for route in plan.routes)
    bags = sum(len(route.bags) for route in plan.routes)
    page.text(
        _EDGE,
        f"{len(plan.routes)} 条路线 routes · {parcels} 件 parcels · {bags} 袋 bags · {plan.waves} 频次 waves · "
        f"步行 walking {plan.walked_m / 1000:.1f} km",
        9,
    )
    page.y -= 8 * mm
    columns = (0, 16, 36, 54, 84, 116, 134, 152)
    heads = (
        "频次 wave",
        "格口 chute",
        "路线 route",
        "车辆 vehicle",
        "投递员 courier",
        "件 pcs",
        "袋 bags",
        "出班 leaves",
    )
    page.cells(columns, heads, 8, bold=True)
    for route in sorted(plan.routes, key=lambda one: (one.wave, one.chute)):
        page.room(6 * mm)
        words = (
            str(route.wave), route.chute, str(route.number), route.plate, route.courier, str(len(route.parcels)),
            str(len(route.bags)), leaves_at(plan, route),
        )  # fmt: skip
        page.cells(columns, words, 10)
    page.end()


def leaves_at(plan: SortPlan, route: SortRoute) -> str:
    """Return when a route leaves, as the wall clock shows it."""
    return f"{at_second(plan.day, route.start_s, plan.zone):%H:%M}"


def _load_sheet(page: _Page, plan: SortPlan, route: SortRoute) -> None:
    facts = (
        f"格口 chute {route.chute} · 频次 wave {route.wave} · {route.plate} · {route.courier} · "
        f"出班 leaves {leaves_at(plan, route)}"
    )
    page.text(_EDGE, facts, 11)
    page.y -= 6 * mm
    page.text(_EDGE, "先装的在里面（后进先出）· What is loaded first lies deepest (last in, first out)", 8)
    page.y -= 8 * mm
    for bag in route.bags:
        _bag_of_sheet(page, bag, [parcel for parcel in route.parcels if parcel.bag == bag.code])
    page.end()


def _bag_of_sheet(page: _Page, bag: SortBag, parcels: Sequence[SortedParcel]) -> None:
    page.room(30 * mm)
    draw_barcode(page.canvas, _WIDE - _EDGE - 62 * mm, page.y - 4 * mm, bag.code, 8 * mm, 60 * mm)
    page.text(_EDGE, f"{bag.bag_order}.  {bag.code}", 12, bold=True)
    page.text(_EDGE + 52 * mm, f"{_KINDS[bag.kind]} · {bag.parcels} 件 · {bag.weight_g / 1000:.1f} kg", 9)
    page.y -= 9 * mm
    columns = (0, 13, 26, 36, 74, 86)
    page.cells(columns, ("装序 no.", "停靠 stop", "件 piece", "运单 waybill", "kg", "地点 place"), 7.5, bold=True)
    for parcel in parcels:
        page.room(8 * mm)
        piece = f"{parcel.facts.piece}/{parcel.facts.pieces}" if parcel.facts.pieces > 1 else ""
        words = (
            str(parcel.load_order), str(parcel.stop_label), piece, parcel.facts.waybill,
            f"{parcel.facts.weight_g / 1000:.2f}", clipped(parcel.stop_name, 8.5, 48 * mm),
        )  # fmt: skip
        draw_barcode(page.canvas, _EDGE + 136 * mm, page.y - 1 * mm, parcel.facts.waybill, 4.5 * mm, 46 * mm)
        page.cells(columns, words)
        page.y -= 1.2 * mm
    page.y -= 5 * mm


def _labels(canvas: Canvas, plan: SortPlan) -> None:
    """Print the bags' labels, ten on a page."""
    labels: list[tuple[SortRoute, SortBag]] = [(route, bag) for route in plan.routes for bag in route.bags]
    wide, high = _WIDE / _LABELS_ACROSS, _HIGH / _LABELS_DOWN
    for number, (route, bag) in enumerate(labels):
        place = number % (_LABELS_ACROSS * _LABELS_DOWN)
        if number and not place:
            canvas.showPage()
        x = (place % _LABELS_ACROSS) * wide
        y = _HIGH - (place // _LABELS_ACROSS + 1) * high
        _label(canvas, x, y, wide, high, plan, route, bag)
    if labels:
        canvas.showPage()


def _label(canvas: Canvas, x: float, y: float, wide: float, high: float, plan: Any, route: Any, bag: SortBag) -> None:
    canvas.rect(x, y, wide, high)
    left, top = x + 6 * mm, y + high
    write(canvas, left, top - 16 * mm, route.chute, 30, bold=True)
    write(canvas, x + wide - 6 * mm, top - 12 * mm, f"路线 {route.number}", 16, right=True)
    write(canvas, x + wide - 6 * mm, top - 18 * mm, f"{plan.day} · {leaves_at(plan, route)}", 9, right=True)
    write(canvas, left, top - 23 * mm, f"{route.plate} {route.courier}", 9)
    stops = f"{bag.stop_labels[0]}–{bag.stop_labels[-1]}"
    inside = f"{_KINDS[bag.kind]} · {bag.parcels} 件 pcs · 停靠 stops {stops} · 装序 load {bag.bag_order}"
    write(canvas, left, top - 28 * mm, inside, 9)
    draw_barcode(canvas, left, y + 9 * mm, bag.code, 14 * mm, wide - 16 * mm)
    write(canvas, left, y + 4 * mm, bag.code, 9)
