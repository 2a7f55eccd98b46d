"""CSV manifests: encoding, delimiter and rows, strictly."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from dispatch.errors import ManifestBinaryError, ManifestEncodingError, ManifestMalformedError, ManifestTooLargeError
from dispatch.parcels.manifest.columns import recognised
from dispatch.parcels.manifest.raw import RawRow

DELIMITERS = (",", "\t", ";")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = 1 << 20

# A row of parcels has some hundred characters on one line, a few more with a line break in an address.
_MAX_LINE_CHARACTERS = 1_000_000
_MAX_LINES_OF_A_ROW = 1_000
_MAX_LINES = 2_000_000

# GB18030 gives nearly every byte pair a meaning, so a text in another encoding "decodes" too, into rare
# characters. Real Chinese is almost wholly inside the 6,763 characters of GB 2312; names may not be.
_RARE_SHARE_LIMIT_PERCENT = 20


def detect_encoding(data: bytes) -> str:
    """Tell UTF-8 from GB18030 by decoding everything.

    Returns
    -------
    ``utf-8-sig`` or ``gb18030``, ready for decoding.

    Raises
    ------
    ManifestBinaryError
        If the bytes hold NUL: a picture, an old .xls, a program.
    ManifestEncodingError
        If it is UTF-16, or neither UTF-8 nor plausible GB18030; names the first offending byte.
    """
    if data.startswith(_UTF16_MARKS):
        raise ManifestEncodingError("the file is UTF-16", encoding="utf-16")
    if b"\0" in data:
        raise ManifestBinaryError(f"byte {data.index(0)} is NUL, which no text has", offset=data.index(0))
    bad_utf8 = _first_bad_byte(data, "utf-8")
    if bad_utf8 is None:
        return "utf-8-sig"
    bad_gb = _first_bad_byte(data, "gb18030")
    if bad_gb is not None:
        raise ManifestEncodingError(
            f"byte {bad_utf8} is not UTF-8 and byte {bad_gb} is not GB18030",
            utf8_offset=bad_utf8,
            gb18030_offset=bad_gb,
        )
    if _mostly_rare(data):
        raise ManifestEncodingError(
            f"byte {bad_utf8} is not UTF-8, and read as GB18030 the text is not Chinese", utf8_offset=bad_utf8
        )
    return "gb18030"


def _first_bad_byte(data: bytes, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    view = memoryview(data)
    for start in range(0, len(data), _CHUNK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start : start + _CHUNK], final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as problem:
            return start - pending + problem.start
    return None


def _mostly_rare(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("gb18030")("strict")
    foreign = rare = 0
    for start in range(0, len(data), _CHUNK):
        text = decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data))
        letters = "".join(letter for letter in text if letter > "\x7f")
        foreign += len(letters)
        rare += len(letters) - len(letters.encode("gb2312", "ignore").decode("gb2312"))
    return rare * 100 > foreign * _RARE_SHARE_LIMIT_PERCENT


def detect_delimiter(first_lines: list[str]) -> str:
    """Choose the delimiter under which the first lines show most headers we know; a comma when none does."""

    def score(delimiter: str) -> int:
        try:
            return max((recognised(cells) for cells in csv.reader(first_lines, delimiter=delimiter)), default=0)
        except csv.Error:
            return 0

    return max(DELIMITERS, key=lambda delimiter: (score(delimiter), -DELIMITERS.index(delimiter)))


def csv_rows(data: bytes, encoding: str, delimiter: str) -> Iterator[RawRow]:
    """Give the rows of a CSV file with the line each starts on; blank rows are left out.

    Raises
    ------
    ManifestMalformedError
        If a quoted field swallows lines (it is never closed, or closed far below), or a line is endless.
    ManifestTooLargeError
        If there are millions of lines, blank ones included.
    """
    lines = _LinesState(io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        lines.in_record = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            # Inside one line it is that row's fault. Over several, good rows would vanish unseen.
            if reader.line_num > line or "unexpected end of data" in str(problem):
                raise ManifestMalformedError(
                    f"line {line}: a quoted field does not end ({problem})", line=line
                ) from problem
            yield RawRow(line, (), fault=str(problem))
            continue
        if any(cell.strip() for cell in cells):
            yield RawRow(line, tuple(cells))


class _LinesState:
    """The lines of a text, counted, so that no line and no record can fill the memory."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._count = 0
        self.in_record = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(_MAX_LINE_CHARACTERS + 1)
        if not line:
            raise StopIteration
        self._count += 1
        self.in_record += 1
        if len(line) > _MAX_LINE_CHARACTERS or self.in_record > _MAX_LINES_OF_A_ROW:
            raise ManifestMalformedError(f"line {self._count} does not end where a row should", line=self._count)
        if self._count > _MAX_LINES:
            raise ManifestTooLargeError(f"the file has more than {_MAX_LINES} lines")
        return line
