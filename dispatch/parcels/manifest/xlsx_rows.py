"""XLSX manifests: a zip of XML from a stranger, opened with care, then read row by row.

The sheet is read with expat itself. The safe mode of the usual library builds its tree in Python and takes
several times as long for 200,000 rows (measured in ``benchmarks/ingest.py``); what is dangerous in XML,
document types and entities, is refused here by two handlers.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import Any
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from dispatch.errors import ManifestArchiveError, ManifestBombError, ManifestTooLargeError
from dispatch.parcels.manifest.raw import RawRow

_MAX_MEMBERS = 500
# Deflate reaches about 1,030 : 1 on one repeated byte; sheets of parcels stay far below 100 : 1.
_MAX_RATIO = 200
_RATIO_MATTERS_FROM_BYTES = 1 << 20
_UNPACKED_PER_PACKED_LIMIT = 10
_MAX_COLUMNS = 128
# Both limits are the format's own (ECMA-376): lines of a sheet, characters of a cell.
_MAX_SHEET_LINES = 1_048_576
_MAX_CELL_CHARACTERS = 32_767
_MAX_SMALL_PART_BYTES = 8 << 20  # workbook, relations, styles
_CHUNK_BYTES = 1 << 18
_MOST_NAMES = 200  # element names worth remembering; a hostile part may hold millions

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, KeyError)


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
        If it would unpack to too much. A part that unpacks to more than it declares is cut there.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except _DAMAGE as problem:
        raise ManifestArchiveError(f"the XLSX file is damaged: {problem}") from problem
    if "xl/workbook.xml" not in {member.filename for member in members}:
        raise ManifestArchiveError("the file is a zip archive, but no XLSX workbook")
    if len(members) > _MAX_MEMBERS:
        raise ManifestBombError(f"the XLSX holds {len(members)} parts, more than {_MAX_MEMBERS}", parts=len(members))
    if any(member.flag_bits & 0x1 for member in members):
        raise ManifestArchiveError("the XLSX is locked with a password")
    whole = sum(member.file_size for member in members)
    if whole > max_bytes * _UNPACKED_PER_PACKED_LIMIT:
        raise ManifestBombError(f"the XLSX unpacks to {whole} bytes", unpacked_bytes=whole)
    for member in members:
        _check_member(member, max_bytes)


def _check_member(member: zipfile.ZipInfo, max_bytes: int) -> None:
    packed = max(member.compress_size, 1)
    if member.file_size > _RATIO_MATTERS_FROM_BYTES and member.file_size > packed * _MAX_RATIO:
        raise ManifestBombError(f"part {member.filename!r} unpacks {member.file_size // packed} : 1")
    if member.filename.endswith("sharedStrings.xml") and member.file_size > max_bytes:
        raise ManifestBombError(f"part {member.filename!r} unpacks to {member.file_size} bytes")


def xlsx_rows(data: bytes) -> Iterator[RawRow]:
    """Give the rows of the first visible sheet; blank rows are left out.

    All cells are texts. A formula, or the error it left, comes as a text that begins with ``=``, never as
    the value somebody's program once computed.

    Raises
    ------
    ManifestArchiveError
        If a part breaks off or contradicts the format.
    ManifestBombError
        If a part declares a document type or entities, or a cell holds more text than the format allows.
    ManifestTooLargeError
        If the sheet claims more lines than the format has.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            workbook = _Workbook()
            workbook.read(archive, "xl/workbook.xml", _MAX_SMALL_PART_BYTES)
            relations = _Relations()
            relations.read(archive, "xl/_rels/workbook.xml.rels", _MAX_SMALL_PART_BYTES)
            styles, texts = _Styles(), _Texts()
            names = set(archive.namelist())
            if "xl/styles.xml" in names:
                styles.read(archive, "xl/styles.xml", _MAX_SMALL_PART_BYTES)
            if "xl/sharedStrings.xml" in names:
                texts.read(archive, "xl/sharedStrings.xml")
            part = relations.part_of(workbook.first_sheet())
            sheet = _Sheet(texts.found, styles.date_styles(), workbook.epoch)
            for _ in sheet.parse(archive, part):
                yield from sheet.take_rows()
    except _DAMAGE as problem:
        raise ManifestArchiveError(f"the XLSX cannot be read: {problem}") from problem
    except expat.ExpatError as problem:
        raise ManifestArchiveError(f"the XLSX holds broken XML: {problem}") from problem
    except (ValueError, IndexError, OverflowError) as problem:
        raise ManifestArchiveError(f"the XLSX contradicts its format: {problem}") from problem


class _Part:
    """An XML part, read as a stream: subclasses act on elements by their local names."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._text: list[str] = []
        self._length = 0
        self._is_collecting = False

    def read(self, archive: zipfile.ZipFile, part: str, max_bytes: int | None = None) -> None:
        """Read a whole part."""
        if max_bytes is not None and archive.getinfo(part).file_size > max_bytes:
            raise ManifestBombError(f"part {part!r} unpacks to {archive.getinfo(part).file_size} bytes")
        for _ in self.parse(archive, part):
            pass

    def parse(self, archive: zipfile.ZipFile, part: str) -> Iterator[None]:
        """Read a part piece by piece, pausing after each."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _refuse_declaration
        parser.EntityDeclHandler = _refuse_declaration
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                parser.Parse(chunk, False)
                yield
        parser.Parse(b"", True)
        yield

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """Act on the start of an element."""

    def closed(self, name: str) -> None:
        """Act on the end of an element."""

    def collect(self) -> None:
        """Keep the characters that follow."""
        self._is_collecting = True

    def collected(self) -> str:
        """Give the characters kept, and keep no more."""
        text = "".join(self._text)
        self._text.clear()
        self._length = 0
        self._is_collecting = False
        return text

    def _local(self, name: str) -> str:
        local = name.rpartition(":")[2]
        if len(self._names) < _MOST_NAMES:
            self._names[name] = local
        return local

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.opened(self._names.get(name) or self._local(name), attributes)

    def _end(self, name: str) -> None:
        self.closed(self._names.get(name) or self._local(name))

    def _characters(self, text: str) -> None:
        if self._is_collecting:
            self._text.append(text)
            self._length += len(text)
            if self._length > _MAX_CELL_CHARACTERS:
                raise ManifestBombError(f"a cell holds more than {_MAX_CELL_CHARACTERS} characters")


def _refuse_declaration(*_: Any) -> None:
    raise ManifestBombError("the XLSX declares a document type or entities")


class _Workbook(_Part):
    """``xl/workbook.xml``: which sheets there are, and from which day dates count."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = CALENDAR_WINDOWS_1900
        self._sheets: list[str] = []

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr" and attributes.get("date1904", "0") in {"1", "true"}:
            self.epoch = CALENDAR_MAC_1904
        elif name == "sheet" and attributes.get("state", "visible") == "visible":
            self._sheets.extend(value for key, value in attributes.items() if key.rpartition(":")[2] == "id")

    def first_sheet(self) -> str:
        """Give the relation id of the first visible sheet."""
        if not self._sheets:
            raise ManifestArchiveError("the workbook has no visible sheet")
        return self._sheets[0]


class _Relations(_Part):
    """``xl/_rels/workbook.xml.rels``: which part a relation id means."""

    def __init__(self) -> None:
        super().__init__()
        self._targets: dict[str, str] = {}

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            self._targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def part_of(self, relation: str) -> str:
        """Give the name of the part inside the archive."""
        target = self._targets.get(relation, "")
        return target[1:] if target.startswith("/") else f"xl/{target}"


class _Styles(_Part):
    """``xl/styles.xml``: which cell styles show a number as a date or time."""

    def __init__(self) -> None:
        super().__init__()
        self._formats: dict[str, str] = {str(number): text for number, text in BUILTIN_FORMATS.items()}
        self._cell_formats: list[str] = []
        self._in_cell_styles = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self._formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")[:255]
        elif name == "cellXfs":
            self._in_cell_styles = True
        elif name == "xf" and self._in_cell_styles:
            self._cell_formats.append(attributes.get("numFmtId", "0"))

    def closed(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cell_styles = False

    def date_styles(self) -> frozenset[str]:
        """Give the indexes of date styles, as cells write them."""
        return frozenset(
            str(index)
            for index, number in enumerate(self._cell_formats)
            if is_date_format(self._formats.get(number, "General"))
        )


class _Texts(_Part):
    """``xl/sharedStrings.xml``: the texts that cells refer to by number."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._runs: list[str] = []
        self._in_phonetic = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "t" and not self._in_phonetic:
            self.collect()
        elif name == "rPh":
            self._in_phonetic = True
        elif name == "si":
            self._runs = []

    def closed(self, name: str) -> None:
        if name == "t" and not self._in_phonetic:
            self._runs.append(self.collected())
        elif name == "rPh":
            self._in_phonetic = False
        elif name == "si":
            self.found.append("".join(self._runs))


class _Sheet(_Part):
    """A sheet: its rows, each cell as text."""

    def __init__(self, texts: list[str], date_styles: frozenset[str], epoch: Any) -> None:
        super().__init__()
        self._texts = texts
        self._date_styles = date_styles
        self._epoch = epoch
        self._columns: dict[str, int] = {}
        self._rows: list[RawRow] = []
        self._line = 0
        self._cells: dict[int, str] = {}
        self._column = -1
        self._attributes: Mapping[str, str] = {}
        self._value = ""
        self._has_formula = False
        self._in_phonetic = False

    def take_rows(self) -> list[RawRow]:
        """Give the rows read since last asked."""
        rows, self._rows = self._rows, []
        return rows

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._attributes = attributes
            self._value = ""
            self._has_formula = False
            reference = attributes.get("r", "")
            self._column = self._column_of(reference) if reference else self._column + 1
        elif name in ("v", "t"):
            if not self._in_phonetic:
                self.collect()
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            self._begin_row(attributes.get("r"))
        elif name == "rPh":
            self._in_phonetic = True

    def closed(self, name: str) -> None:
        if name in ("v", "t"):
            if not self._in_phonetic:
                self._value += self.collected()
        elif name == "c":
            if self._column < _MAX_COLUMNS and (self._value or self._has_formula):
                self._cells[self._column] = self._cell_text()
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._in_phonetic = False

    def _begin_row(self, number: str | None) -> None:
        line = int(number) if number else self._line + 1
        if line <= self._line:
            raise ManifestArchiveError(f"row {line} of the sheet comes after row {self._line}")
        if line > _MAX_SHEET_LINES:
            raise ManifestTooLargeError(f"the sheet claims more than {_MAX_SHEET_LINES} lines")
        self._line = line
        self._cells = {}
        self._column = -1

    def _end_row(self) -> None:
        if any(text.strip() for text in self._cells.values()):
            width = max(self._cells) + 1
            self._rows.append(RawRow(self._line, tuple(self._cells.get(index, "") for index in range(width))))

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        known = self._columns.get(letters)
        if known is not None:
            return known
        if not 1 <= len(letters) <= 3 or not letters.isascii() or not letters.isupper():
            raise ManifestArchiveError(f"{reference[:20]!r} is not the name of a cell")
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        self._columns[letters] = column - 1
        return column - 1

    def _cell_text(self) -> str:
        kind = self._attributes.get("t", "n")
        if self._has_formula or kind == "e":
            return f"={self._value}"
        if kind == "s":
            return self._texts[int(self._value)]
        if kind == "b":
            return "TRUE" if self._value == "1" else "FALSE"
        if kind != "n":
            return self._value
        if self._attributes.get("s") in self._date_styles:
            return self._date_text()
        return _number_text(self._value)

    def _date_text(self) -> str:
        moment = from_excel(float(self._value), self._epoch)
        if isinstance(moment, timedelta):  # day zero: a time of day alone
            moment = time(moment.seconds // 3600, moment.seconds // 60 % 60, moment.seconds % 60)
        return moment.isoformat() if moment is not None else self._value


def _number_text(text: str) -> str:
    """Write a spreadsheet's number as a person would: 0.9, not 0.90000000000000002."""
    if text.isdigit():
        return text
    number = float(text)
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    short = repr(number)
    return f"{number:.9f}".rstrip("0") if "e-" in short else short
