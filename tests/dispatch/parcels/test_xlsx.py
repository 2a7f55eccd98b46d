"""Reading XLSX: what people's spreadsheets hold, and what attackers put into them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.errors import ManifestArchiveError, ManifestBombError, ManifestError, ManifestTooLargeError
from dispatch.parcels.manifest.importer import ImportReport
from dispatch.parcels.manifest.table import ManifestLimits, open_table
from dispatch.parcels.manifest.xlsx_rows import check_archive, xlsx_rows

XlsxOf = Callable[..., bytes]
Repack = Callable[..., bytes]
_SHEET = "xl/worksheets/sheet1.xml"
_HEADER = ["company", "waybill", "recipient_name", "recipient_phone", "address", "village", "weight_kg", "due_day"]
_LINE = ["yunlu", "YL0001", "李小龙", 15412345678, "石桥村1组", "石桥村", 0.9, date(2026, 3, 5)]


def _shared(*texts: str) -> bytes:
    items = "".join(f"<si><t>{text}</t></si>" for text in texts)
    return f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{items}</sst>'.encode()


def test_numbers_dates_and_times_come_as_people_see_them(xlsx_of: XlsxOf) -> None:
    """A phone typed as a number, a weight, a day, a time and a tick are read as the cell shows them."""
    odd = [15412345678, 0.1 + 0.2, 2.0, date(2026, 3, 5), datetime(2026, 3, 5, 9, 30), time(9, 30), True, 1e-05, None]  # noqa: DTZ001
    (row,) = xlsx_rows(xlsx_of([odd]))
    assert row.cells == (
        "15412345678", "0.3", "2", "2026-03-05T00:00:00", "2026-03-05T09:30:00", "09:30:00", "TRUE",
        "0.00001",
    )  # fmt: skip


def test_a_spreadsheet_imports_like_a_csv(xlsx_of: XlsxOf, checking: Callable[..., ImportReport]) -> None:
    """The same day in XLSX gives good parcels, its typed cells understood."""
    report = checking(xlsx_of([_HEADER, _LINE]), "day.xlsx")
    assert (report.added, report.rejected, report.file_format, report.encoding) == (1, 0, "xlsx", None)


def test_blank_rows_are_skipped_and_lines_keep_their_numbers(xlsx_of: XlsxOf) -> None:
    """Rows are named by the number at the sheet's edge."""
    rows = list(xlsx_rows(xlsx_of([["a"], [], [None, " "], ["b"]])))
    assert [row.line for row in rows] == [1, 4]


def test_the_first_visible_sheet_is_read(xlsx_of: XlsxOf) -> None:
    """A hidden first sheet is not the manifest."""

    def hide_first(workbook: Any) -> None:
        workbook.create_sheet("second").append(["seen"])
        workbook.active.sheet_state = "hidden"
        workbook.active = 1

    (row,) = xlsx_rows(xlsx_of([["hidden"]], hide_first))
    assert row.cells == ("seen",)


def test_shared_and_rich_texts_are_read_without_their_phonetic_guides(xlsx_of: XlsxOf, repacked: Repack) -> None:
    """Texts kept in the common table, in several formats or with reading aids, come out plain."""
    cell = b'<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row></sheetData>'
    data = repacked(xlsx_of([["x"]]), _SHEET, lambda old: old[: old.index(b"<sheetData>")] + cell + b"</worksheet>")
    rich = b"<si><r><t>\xe7\x9f\xb3</t></r><r><t>\xe6\xa1\xa5</t></r><rPh><t>shi</t></rPh></si></sst>"
    data = repacked(data, "xl/sharedStrings.xml", lambda _: _shared("YL0001").replace(b"</sst>", rich))
    (row,) = xlsx_rows(data)
    assert row.cells == ("YL0001", "石桥")


@pytest.mark.parametrize("formula", ["=1+1", '=HYPERLINK("http://x","y")', "=cmd|'/c calc'!A1"])
def test_a_formula_cell_is_that_rows_error(
    xlsx_of: XlsxOf, checking: Callable[..., ImportReport], formula: str
) -> None:
    """A formula is refused with its line and column, whatever value it would have; other rows are kept."""
    wrong = ["yunlu", "YL0002", formula, 15412345678, "石桥村1组", "石桥村", formula, None]
    report = checking(xlsx_of([_HEADER, _LINE, wrong]), "day.xlsx")
    assert (report.added, report.rejected) == (1, 1)
    assert [(problem.line, problem.column, problem.code) for problem in report.problems] == [
        (3, "recipient_name", "formula_cell"),
        (3, "weight_kg", "formula_cell"),
    ]


def test_a_formula_with_a_stored_value_is_still_a_formula(xlsx_of: XlsxOf, repacked: Repack) -> None:
    """The value a program once computed does not hide the formula behind it, nor does an error cell."""
    cells = b'<row r="1"><c r="A1"><f>6*7</f><v>42</v></c><c r="B1" t="e"><v>#REF!</v></c></row></sheetData>'
    data = repacked(xlsx_of([["x"]]), _SHEET, lambda old: old[: old.index(b"<row")] + cells + b"</worksheet>")
    (row,) = xlsx_rows(data)
    assert row.cells == ("=42", "=#REF!")


def test_a_long_number_that_lost_its_digits_is_noticed(xlsx_of: XlsxOf, checking: Callable[..., ImportReport]) -> None:
    """A waybill of eighteen digits typed as a number has lost its last ones, and the row says so."""
    line = ["yunlu", 7.73123456789012e17, *_LINE[2:]]
    (problem,) = checking(xlsx_of([_HEADER, line]), "day.xlsx").problems
    assert (problem.column, problem.code) == ("waybill", "digits_lost")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(xlsx_of: XlsxOf, repacked: Repack) -> None:
    """A part that unpacks a thousandfold, or all parts together beyond the limit, are refused unread."""
    bomb = repacked(xlsx_of([_HEADER]), _SHEET, lambda old: old + b" " * 4_000_000)
    with pytest.raises(ManifestBombError, match=": 1"):
        open_table(bomb)
    with pytest.raises(ManifestBombError, match="unpacks to"):
        check_archive(xlsx_of([_HEADER]), max_bytes=100)


def test_a_table_of_texts_beyond_the_limit_is_refused(xlsx_of: XlsxOf, repacked: Repack) -> None:
    """Texts are held in memory, so their part may not be larger than a whole file."""
    many = repacked(xlsx_of([_HEADER]), "xl/sharedStrings.xml", lambda _: bytes(range(32, 127)) * 300)
    with pytest.raises(ManifestBombError, match="sharedStrings"):
        check_archive(many, max_bytes=20_000)


def test_an_archive_of_very_many_parts_is_refused(xlsx_of: XlsxOf) -> None:
    """Thousands of parts are no manifest."""
    file = io.BytesIO(xlsx_of([_HEADER]))
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(600):
            archive.writestr(f"junk/{number}", b"")
    with pytest.raises(ManifestBombError, match="parts"):
        open_table(file.getvalue())


_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>"""


@pytest.mark.parametrize("part", [_SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_billion_laughs_are_refused_in_every_part(xlsx_of: XlsxOf, repacked: Repack, part: str) -> None:
    """Entities that multiply when read are refused at their declaration."""

    def laugh(old: bytes) -> bytes:
        body = old or _shared("x")
        return _LAUGHS + body[body.index(b"?>") + 2 if body.startswith(b"<?xml") else 0 :]

    with pytest.raises(ManifestBombError, match="document type"):
        list(open_table(repacked(xlsx_of([_HEADER, _LINE]), part, laugh)).rows)


def test_an_external_entity_is_refused(xlsx_of: XlsxOf, repacked: Repack) -> None:
    """A spreadsheet cannot make us read a file of the server."""
    declared = b'<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    data = repacked(xlsx_of([_HEADER, _LINE]), _SHEET, lambda old: declared + old)
    with pytest.raises(ManifestBombError):
        list(open_table(data).rows)


def test_a_cell_with_a_book_in_it_is_refused(xlsx_of: XlsxOf, repacked: Repack) -> None:
    """A single cell of megabytes is stopped while it is read."""
    text = bytes(range(97, 122)) * 4_000
    data = repacked(xlsx_of([_HEADER, ["MARK"]]), _SHEET, lambda old: old.replace(b"MARK", text))
    with pytest.raises(ManifestBombError, match="characters"):
        list(open_table(data).rows)


def test_a_truncated_file_is_damaged(xlsx_of: XlsxOf) -> None:
    """A download that broke off is said to be damaged, wherever it was cut."""
    whole = xlsx_of([_HEADER, _LINE])
    for part in (10, len(whole) // 2, len(whole) - 30):
        with pytest.raises(ManifestArchiveError):
            list(open_table(whole[:part]).rows)


def test_another_zip_is_not_a_workbook() -> None:
    """A zip of photos is not taken for a spreadsheet."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("photo.jpg", b"x")
    with pytest.raises(ManifestArchiveError, match="no XLSX"):
        open_table(file.getvalue())


@pytest.mark.parametrize(
    ("part", "old", "new", "error"),
    [
        (_SHEET, b'r="2"', b'r="1"', ManifestArchiveError),
        (_SHEET, b'r="2"', b'r="99999999999"', ManifestTooLargeError),
        (_SHEET, b'r="2"', b'r="two"', ManifestArchiveError),
        (_SHEET, b'r="A2"', b'r="ABCDE2"', ManifestArchiveError),
        (_SHEET, b"<v>15412345678</v>", b"<v>a lot</v>", ManifestArchiveError),
        (_SHEET, b"</sheetData>", b"", ManifestArchiveError),
        ("xl/workbook.xml", b'state="visible"', b'state="hidden"', ManifestArchiveError),
        ("xl/_rels/workbook.xml.rels", b"sheet1.xml", b"sheet9.xml", ManifestArchiveError),
    ],
    ids=["row twice", "row far out", "no row number", "no column", "no number", "unclosed", "hidden", "lost sheet"],
)
def test_a_sheet_that_contradicts_itself_is_refused(
    xlsx_of: XlsxOf, repacked: Repack, part: str, old: bytes, new: bytes, error: type[ManifestError]
) -> None:
    """Broken row numbers, cell names, numbers and references end in a named error."""
    data = xlsx_of([_HEADER, _LINE])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert old in archive.read(part)
    with pytest.raises(error):
        list(open_table(repacked(data, part, lambda content: content.replace(old, new))).rows)


@settings(max_examples=50, deadline=None)
@given(position=st.floats(0, 1), junk=st.binary(min_size=1, max_size=8))
def test_random_damage_gives_rows_or_a_named_error(position: float, junk: bytes) -> None:
    """However a byte of the file is damaged, the answer is rows or one of our own errors."""
    data = bytearray(_PLAIN)
    at = int(position * (len(data) - len(junk)))
    data[at : at + len(junk)] = junk
    with suppress(ManifestError):
        list(open_table(bytes(data), ManifestLimits(max_bytes=1_000_000)).rows)


def _plain_workbook() -> bytes:
    workbook = openpyxl.Workbook()
    for line in (_HEADER, _LINE):
        workbook.active.append(line)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


_PLAIN = _plain_workbook()
