"""XLSX manifests: a zip of XML from a stranger, opened with care, then read row by row."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree
import openpyxl
from defusedxml import DefusedXmlException

from dispatch.errors import ManifestArchiveError, ManifestBombError, ManifestTooLargeError
from dispatch.parcels.manifest.raw import RawRow

_MAX_MEMBERS = 500
# Deflate reaches about 1,030 : 1 on one repeated byte; sheets of parcels stay far below 100 : 1.
_MAX_RATIO = 200
_RATIO_MATTERS_FROM_BYTES = 1 << 20
_UNPACKED_PER_PACKED_LIMIT = 10
_MAX_CELLS_IN_A_ROW = 128
# The sheet size of the format itself (ECMA-376): a file may be padded with blank rows up to here.
_MAX_SHEET_LINES = 1_048_576
_CHUNK_ROWS = 2_000


def check_archive(data: bytes, max_bytes: int) -> None:
    """Refuse an XLSX that is damaged, foreign, locked or made to fill the machine; nothing is unpacked.

    Parameters
    ----------
    max_bytes
        Largest file accepted; its parts together may unpack to ten times that, the table of texts to
        once, because it is held in memory.

    Raises
    ------
    ManifestArchiveError
        If the zip is cut off, encrypted or holds no workbook.
    ManifestBombError
        If it unpacks to too much, or a part declares XML entities or a document type.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(members, max_bytes)
            for member in members:
                if member.filename.endswith((".xml", ".rels")):
                    _check_prolog(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as problem:
        raise ManifestArchiveError(f"the XLSX file is damaged: {problem}") from problem


def _check_members(members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    names = {member.filename for member in members}
    if "xl/workbook.xml" not in names:
        raise ManifestArchiveError("the file is a zip archive, but no XLSX workbook")
    if len(members) > _MAX_MEMBERS:
        raise ManifestBombError(f"the XLSX holds {len(members)} parts, more than {_MAX_MEMBERS}", parts=len(members))
    if any(member.flag_bits & 0x1 for member in members):
        raise ManifestArchiveError("the XLSX is locked with a password")
    whole = sum(member.file_size for member in members)
    if whole > max_bytes * _UNPACKED_PER_PACKED_LIMIT:
        raise ManifestBombError(f"the XLSX unpacks to {whole} bytes", unpacked_bytes=whole)
    for member in members:
        packed = max(member.compress_size, 1)
        if member.file_size > _RATIO_MATTERS_FROM_BYTES and member.file_size > packed * _MAX_RATIO:
            raise ManifestBombError(f"part {member.filename!r} unpacks {member.file_size // packed} : 1")
        if member.filename.endswith("sharedStrings.xml") and member.file_size > max_bytes:
            raise ManifestBombError(f"part {member.filename!r} unpacks to {member.file_size} bytes")


def _check_prolog(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read a part up to its first element: a document type can only stand before it."""
    try:
        with archive.open(member) as part:
            next(iter(defusedxml.ElementTree.iterparse(part, events=("start",), forbid_dtd=True)), None)
    except DefusedXmlException as problem:
        raise ManifestBombError(f"part {member.filename!r} declares a document type or entities") from problem
    except ParseError as problem:
        raise ManifestArchiveError(f"part {member.filename!r} is not XML: {problem}") from problem


def xlsx_rows(data: bytes) -> Iterator[RawRow]:
    """Give the rows of the first visible sheet; blank rows are left out.

    Formulas come as text that begins with ``=``, never as the value somebody's program once computed.

    Raises
    ------
    ManifestArchiveError
        If a part breaks off or contradicts the format.
    ManifestTooLargeError
        If the sheet claims more lines than the format has.
    """
    workbook = _guarded(lambda: openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False))
    try:
        sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        if not sheets:
            raise ManifestArchiveError("the workbook has no visible sheet")
        sheets[0].reset_dimensions()  # what the file says about its own size is not to be trusted
        rows = sheets[0].iter_rows(max_col=_MAX_CELLS_IN_A_ROW, values_only=True)
        line = 0
        while chunk := _guarded(lambda: list(islice(rows, _CHUNK_ROWS))):
            for cells in chunk:
                line += 1
                if any(cell is not None and cell != "" for cell in cells):
                    yield RawRow(line, _trimmed(cells))
            if line > _MAX_SHEET_LINES:
                raise ManifestTooLargeError(f"the sheet claims more than {_MAX_SHEET_LINES} lines")
    finally:
        workbook.close()


def _trimmed(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    end = len(cells)
    while end and cells[end - 1] in (None, ""):
        end -= 1
    return cells[:end]


def _guarded(step: Any) -> Any:
    """Run a step of the spreadsheet library; whatever it stumbles over is the file's fault."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions we do not read
            return step()
    except DefusedXmlException as problem:
        raise ManifestBombError("the XLSX declares XML entities") from problem
    except MemoryError:
        raise
    except Exception as problem:
        raise ManifestArchiveError(f"the XLSX cannot be read: {type(problem).__name__}: {problem}") from problem
