"""Reading CSV: encodings, delimiters, quotes, and what is no CSV at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.errors import (
    ManifestBinaryError,
    ManifestColumnsError,
    ManifestEmptyError,
    ManifestEncodingError,
    ManifestError,
    ManifestMalformedError,
    ManifestNoRowsError,
    ManifestTooLargeError,
)
from dispatch.parcels.manifest.csv_rows import detect_encoding
from dispatch.parcels.manifest.table import ManifestLimits, open_table, read_manifest_file

_HEADER = "公司,运单号,收件人,电话,地址,村,重量\n"
_LINE = "yunlu,YL0001,李小龙,15412345678,石桥村1组,石桥村,0.9\n"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030"), ("gbk", "gb18030")],
)
def test_a_chinese_file_is_read_in_its_own_encoding(encoding: str, name: str) -> None:
    """UTF-8 with or without its mark and GB18030 are told apart by reading all of it."""
    table = open_table((_HEADER + _LINE).encode(encoding))
    (row,) = table.rows
    assert table.encoding == name
    assert row.cells[table.columns.positions["recipient_name"]] == "李小龙"


def test_rare_characters_of_names_survive_gb18030() -> None:
    """A name with a character outside the common set is read from GB18030 without loss."""
    table = open_table((_HEADER + _LINE.replace("李小龙", "䶮㛃")).encode("gb18030"))
    (row,) = table.rows
    assert row.cells[2] == "䶮㛃"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ManifestEmptyError),
        (b" \r\n\r\n", ManifestEmptyError),
        (b",,,\n,,\n", ManifestEmptyError),
        (_HEADER.encode(), ManifestNoRowsError),
        ((_HEADER + "\n,,,,,,\n").encode(), ManifestNoRowsError),
        ((_HEADER + _LINE).encode("utf-16"), ManifestEncodingError),
        ((_HEADER + _LINE).encode("utf-16-le"), ManifestBinaryError),
        ("運單號,收件人,地址\nYL1,陳先生,台北市信義區\n".encode("big5"), ManifestEncodingError),
        ("waybill,village,name\nYL1,Sant Julià,José\n".encode("latin-1"), ManifestEncodingError),
        ((_HEADER + _LINE).encode() + b"\xff\xff\n", ManifestEncodingError),
        ((_HEADER + _LINE).encode() + b"\0\0\0", ManifestBinaryError),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, ManifestBinaryError),
        (b"%PDF-1.7 something", ManifestBinaryError),
        (b"\x89PNG\r\n\x1a\n", ManifestBinaryError),
        (b"hello, world\nthis is, no manifest\n", ManifestColumnsError),
        ((_HEADER + 'yunlu,"YL0001,李小龙\n' + _LINE * 3).encode(), ManifestMalformedError),
        ((_HEADER + 'yunlu,"YL0001,李小龙').encode(), ManifestMalformedError),
    ],
    ids=[
        "empty", "blank", "only separators", "header only", "header and blank rows", "utf-16 with mark",
        "utf-16 without", "big5", "latin-1", "torn utf-8", "NUL bytes", "old xls", "pdf", "png", "other table",
        "quote swallows rows", "quote at the end",
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_why(data: bytes, error: type[ManifestError]) -> None:
    """Each kind of unusable file has its own error with a remedy, never a traceback or a silent zero."""
    with pytest.raises(error) as caught:
        list(open_table(data).rows)
    assert caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("delimiter", [",", "\t", ";"], ids=["comma", "tab", "semicolon"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_delimiter_and_line_ends_are_recognised(delimiter: str, end: str) -> None:
    """Whatever separates cells and lines, the same row comes out on the same line."""
    text = (_HEADER + _LINE).replace(",", delimiter).replace("\n", end)
    table = open_table(text.encode())
    (row,) = table.rows
    assert (row.line, row.cells[1], row.cells[6]) == (2, "YL0001", "0.9")


def test_quotes_may_hold_separators_line_breaks_and_quotes() -> None:
    """An address with comma, line break and quotation marks stays one cell, and later lines keep their numbers."""
    odd = 'yunlu,YL0001,李小龙,15412345678,"石桥村,1组\n""老屋""",石桥村,0.9\n'
    rows = list(open_table((_HEADER + odd + _LINE).encode()).rows)
    assert rows[0].cells[4] == '石桥村,1组\n"老屋"'
    assert [row.line for row in rows] == [2, 4]


def test_one_broken_line_does_not_take_its_neighbours_along() -> None:
    """A quotation mark in the wrong place spoils its own line only."""
    broken = 'yunlu,"YL"0001,李小龙,15412345678,石桥村,石桥村,0.9\n'
    rows = list(open_table((_HEADER + broken + _LINE).encode()).rows)
    assert [(row.line, bool(row.fault)) for row in rows] == [(2, True), (3, False)]


def test_a_huge_field_spoils_its_line_only() -> None:
    """A cell of two hundred thousand characters is refused without stopping the file."""
    huge = _LINE.replace("石桥村1组", "长" * 200_000)
    rows = list(open_table((_HEADER + huge + _LINE).encode()).rows)
    assert [bool(row.fault) for row in rows] == [True, False]


def test_titles_above_the_header_are_passed_over() -> None:
    """A sheet that begins with a title and a blank line is read from its real header on."""
    table = open_table(("三月四日派件清单,,,,,,\n\n" + _HEADER + _LINE).encode())
    assert table.header_line == 3
    assert [row.line for row in table.rows] == [4]


def test_size_and_row_limits_are_kept() -> None:
    """A file beyond the configured bytes or rows is refused by name of the limit."""
    data = (_HEADER + _LINE * 20).encode()
    with pytest.raises(ManifestTooLargeError, match="bytes"):
        open_table(data, ManifestLimits(max_bytes=100))
    with pytest.raises(ManifestTooLargeError, match="more than 19 rows"):
        list(open_table(data, ManifestLimits(max_rows=19)).rows)
    assert len(list(open_table(data, ManifestLimits(max_rows=20)).rows)) == 20


def test_a_file_is_measured_before_it_is_read(tmp_path: Path) -> None:
    """A file too large is refused by its size, and a missing one is named."""
    path = tmp_path / "day.csv"
    path.write_text(_HEADER + _LINE, encoding="utf-8")
    assert read_manifest_file(path, ManifestLimits()).startswith(_HEADER.encode())
    with pytest.raises(ManifestTooLargeError):
        read_manifest_file(path, ManifestLimits(max_bytes=10))
    with pytest.raises(ManifestError, match="none"):
        read_manifest_file(tmp_path / "none.csv", ManifestLimits())


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=400))
def test_random_bytes_give_rows_or_a_named_error(data: bytes) -> None:
    """No bytes whatever bring anything but rows or one of our own errors."""
    for content in (data, _HEADER.encode() + data):
        with suppress(ManifestError):
            list(open_table(content).rows)


def test_the_offending_byte_is_named() -> None:
    """The error for a wrong encoding says at which byte reading failed, also far into a large file."""
    filler = (_LINE * 30_000).encode()
    with pytest.raises(ManifestEncodingError) as caught:
        detect_encoding(_HEADER.encode() + filler + b"\xff\xff")
    assert caught.value.params["utf8_offset"] == len(_HEADER.encode()) + len(filler)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"," * 1_100_000, ManifestMalformedError),
        (b'x,"\n",' * 1_200, ManifestMalformedError),
        (b"\n" * 2_000_001, ManifestTooLargeError),
    ],
    ids=["one endless line", "one endless row", "blank lines without end"],
)
def test_a_file_made_to_fill_the_memory_is_stopped(body: bytes, error: type[ManifestError]) -> None:
    """A row of a million cells, a row over a thousand lines, or millions of blank lines end in a named error."""
    with pytest.raises(error):
        list(open_table((_HEADER + _LINE).encode() + body).rows)
