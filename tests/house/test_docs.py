"""Documentation is a contract: what it says exists, and what exists is said."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"


def _pages() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return [PROJECT / name for name in names]


def test_generated_pages_equal_the_program() -> None:
    """Settings, errors, commands and the API description are printed from the program and not out of date."""
    from api.reference import reference_pages

    stale = [
        name
        for name, text in reference_pages().items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    assert not stale, f"run scripts/docs: {', '.join(stale)}"


def test_every_link_leads_somewhere() -> None:
    """No page sends its reader to a file that is not there."""
    dead = []
    for page in _pages():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                dead.append(f"{page.relative_to(PROJECT)} -> {target}")
    assert not dead, "\n".join(dead)


def test_every_decision_is_listed_and_dated() -> None:
    """The index of decisions names each record once, and each record says its status."""
    index = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")
    records = sorted(path for path in (DOCS / "adr").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04d}" for number in range(1, len(records) + 1)]
    for path in records:
        text = path.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix("# ").split(" ", 1)[1]
        assert index.count(f"({path.name})") == 1, path.name
        assert title in index, path.name
        assert re.search(r"^Status: (accepted|superseded by \d{4}) · \d{4}-\d\d-\d\d$", text, re.M), path.name
        for part in ("## Context", "## Decision", "## Consequences", "## Alternatives"):
            assert part in text, f"{path.name} lacks {part}"


def _names_in(path: Path) -> set[str]:
    """Return functions, classes and Class.method names a module defines."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}.{child.name}"
                for child in node.body
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return names


def test_the_walk_of_a_parcel_names_real_places() -> None:
    """Each step of the walk through the house names a file and a function that exist."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"`([\w/]+\.py)::([\w.]+)`", text)
    assert len(steps) >= 15
    wrong = []
    for file, name in steps:
        path = PROJECT / file
        if not path.is_file():
            wrong.append(f"{file} is not there")
        elif name not in _names_in(path):
            wrong.append(f"{file} has no {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("module", "enum", "page"),
    [
        ("dispatch.demand.reasons", "ReasonCode", "planning.md"),
    ],
)
def test_every_code_is_described(module: str, enum: str, page: str) -> None:
    """A reason a dispatcher can meet on the screen is described in the documentation."""
    from importlib import import_module

    text = (DOCS / page).read_text(encoding="utf-8")
    missing = [member.value for member in getattr(import_module(module), enum) if f"`{member.value}`" not in text]
    assert not missing, f"docs/{page} lacks {', '.join(missing)}"


def test_every_custody_event_is_described() -> None:
    """Each type of custody event stands in the ledger's documentation."""
    from dispatch.custody.events import EVENT_TYPES

    text = (DOCS / "custody.md").read_text(encoding="utf-8")
    missing = [name for name in EVENT_TYPES if f"`{name}`" not in text]
    assert not missing, f"docs/custody.md lacks {', '.join(missing)}"


def test_the_changelog_knows_this_version() -> None:
    """Whoever installs a version finds what changed in it."""
    version = re.search(r'^version = "([^"]+)"', (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert version is not None
    assert f"## {version[1]} " in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
