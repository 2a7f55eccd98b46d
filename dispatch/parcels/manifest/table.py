"""From bytes to rows: which format, which encoding, which line is the header, which column is which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from dispatch.errors import (
    ManifestBinaryError,
    ManifestEmptyError,
    ManifestError,
    ManifestNoRowsError,
    ManifestTooLargeError,
)
from dispatch.parcels.manifest.columns import ColumnMap, map_columns, recognised
from dispatch.parcels.manifest.csv_rows import csv_rows, detect_delimiter, detect_encoding
from dispatch.parcels.manifest.raw import RawRow
from dispatch.parcels.manifest.xlsx_rows import check_archive, xlsx_rows

_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_OTHER_MARKS = {
    b"\xd0\xcf\x11\xe0": "an old .xls or another Office file of before 2007",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
}
# People put a title above the table; the header is among the first few rows or nowhere.
_HEADER_WITHIN_ROWS = 5
_SNIFF_BYTES = 65_536


@dataclass(frozen=True)
class ManifestLimits:
    """How much one manifest may hold; the defaults equal the settings of the same names."""

    max_bytes: int = 67_108_864
    max_rows: int = 500_000


@dataclass(frozen=True)
class Table:
    """An opened manifest.

    Parameters
    ----------
    rows
        Rows below the header, read as they are asked for; can be walked once.
    """

    file_format: str
    encoding: str | None
    delimiter: str | None
    columns: ColumnMap
    header_line: int
    width: int
    rows: Iterator[RawRow]


def read_manifest_file(path: Path, limits: ManifestLimits) -> bytes:
    """Read a file unless it is too large to be accepted.

    Raises
    ------
    ManifestTooLargeError
        If it holds more than ``limits.max_bytes``; nothing was read then.
    ManifestError
        If there is no such file, or it may not be read.
    """
    try:
        size = path.stat().st_size
    except OSError as problem:
        raise ManifestError(f"{path} cannot be read: {problem.strerror}") from problem
    _check_size(size, limits)
    return path.read_bytes()


def open_table(
    data: bytes,
    limits: ManifestLimits | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    default_company: str | None = None,
) -> Table:
    """Recognise a manifest and map its columns; rows are read when the table is walked.

    Raises
    ------
    ManifestError
        One of its leaves when the file as a whole cannot be used; some of them, such as too many rows
        or a sheet that breaks off, only while the rows are walked.
    """
    limits = limits or ManifestLimits()
    _check_size(len(data), limits)
    if not data.strip():
        raise ManifestEmptyError("the file is empty")
    encoding = delimiter = None
    if data.startswith(_ZIP_MARKS):
        check_archive(data, limits.max_bytes)
        rows = xlsx_rows(data)
    else:
        _refuse_foreign(data)
        encoding = detect_encoding(data)
        head = data[:_SNIFF_BYTES].decode(encoding, "ignore").splitlines()[:20]
        delimiter = detect_delimiter(head)
        rows = csv_rows(data, encoding, delimiter)
    header, below = _find_header(rows, set((mapping or {}).values()))
    names = [cell.strip() for cell in header.cells]
    columns = map_columns(names, mapping, default_company=default_company)
    first = next(below, None)
    if first is None:
        raise ManifestNoRowsError("the file has a header and no row below it")
    return Table(
        file_format="xlsx" if encoding is None else "csv",
        encoding={None: None, "utf-8-sig": "utf-8"}.get(encoding, encoding),
        delimiter=delimiter,
        columns=columns,
        header_line=header.line,
        width=len(names),
        rows=_limited(chain([first], below), limits.max_rows),
    )


def _check_size(size: int, limits: ManifestLimits) -> None:
    if size > limits.max_bytes:
        raise ManifestTooLargeError(
            f"the file holds {size} bytes, more than {limits.max_bytes}", size_bytes=size, max_bytes=limits.max_bytes
        )


def _refuse_foreign(data: bytes) -> None:
    for mark, kind in _OTHER_MARKS.items():
        if data.startswith(mark):
            raise ManifestBinaryError(f"the file is {kind}", kind=kind)


def _find_header(rows: Iterator[RawRow], mapped: set[str]) -> tuple[RawRow, Iterator[RawRow]]:
    """Take the row with most known headers among the first few; rows above it are titles."""
    first = list(islice(rows, _HEADER_WITHIN_ROWS))
    if not first:
        raise ManifestEmptyError("the file holds nothing but blank lines")
    texts = [[cell.strip() for cell in row.cells] for row in first]
    scores = [recognised(cells) + len(mapped.intersection(cells)) for cells in texts]
    best = scores.index(max(scores))
    return first[best], chain(first[best + 1 :], rows)


def _limited(rows: Iterator[RawRow], max_rows: int) -> Iterator[RawRow]:
    for count, row in enumerate(rows, start=1):
        if count > max_rows:
            raise ManifestTooLargeError(f"the file has more than {max_rows} rows", max_rows=max_rows)
        yield row
