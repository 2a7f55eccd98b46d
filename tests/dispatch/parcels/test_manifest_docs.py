"""The manifest's documentation says what the program does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from dispatch import errors
from dispatch.parcels.manifest.columns import COLUMNS
from dispatch.parcels.manifest.importer import ImportReport
from dispatch.parcels.manifest.problems import REMEDIES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "manifest.md"


def _table(text: str, heading: str) -> list[list[str]]:
    """Give the cells of the first table below a heading."""
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_column_is_described() -> None:
    """Each column stands in the documentation with its Chinese name, meaning and other headers, and no other."""
    described = [(row[0].strip("`"), row[1], row[2], row[4]) for row in _table(PAGE.read_text("utf-8"), "Columns")]
    assert described == [
        (column.name, column.title_zh, column.meaning, "、".join(column.synonyms)) for column in COLUMNS
    ]


def test_every_problem_code_is_described() -> None:
    """Each code a row can come back with is listed with its remedy, and no other."""
    described = {row[0].strip("`"): row[1] for row in _table(PAGE.read_text("utf-8"), "Problems of a row")}
    assert described == dict(REMEDIES)


def test_every_error_of_a_file_is_described() -> None:
    """Each way a whole file can fail is listed with its remedy, and no other."""
    described = {row[0].strip("`"): row[2] for row in _table(PAGE.read_text("utf-8"), "Errors of a whole file")}
    leaves = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__base__ is errors.ManifestError
    ]
    assert described == {kind.code: kind.remedy for kind in leaves}


def test_every_code_the_program_raises_has_a_remedy() -> None:
    """No row comes back with a code that nobody explains, and no remedy is left over."""
    folder = Path(errors.__file__).parent / "parcels" / "manifest"
    text = "\n".join(path.read_text("utf-8") for path in folder.glob("*.py") if path.name != "problems.py")
    assert set(REMEDIES) <= set(re.findall(r'"([a-z_]+)"', text))


def test_the_example_imports(checking: Callable[..., ImportReport]) -> None:
    """The example at the top of the page is a manifest that works."""
    example = re.search(r"```csv\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    report = checking(example[1].encode())
    assert (report.added, report.problems) == (2, ())
