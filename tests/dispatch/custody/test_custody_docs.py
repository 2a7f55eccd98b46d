"""The ledger's documentation says what the program does."""

from __future__ import annotations

from pathlib import Path

from dispatch.custody.events import CLOSED_STATUSES, EVENT_TYPES, NEXT_ACTIONS, NEXT_STEP_TITLES, STATUS_TITLES

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "custody.md").read_text(encoding="utf-8")


def _table(heading: str) -> list[list[str]]:
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_event_type_is_described_with_what_it_needs_and_does() -> None:
    """Each type stands on the page with its fields and status, and no other."""
    described = {
        row[0].strip("`"): (row[1], tuple(row[2].replace("`", "").split(", ")) if row[2] else (), row[3].strip("`"))
        for row in _table("Types")
    }
    assert described == {kind.name: (kind.title_zh, kind.needs, kind.status or "") for kind in EVENT_TYPES.values()}


def test_every_status_and_next_step_is_described() -> None:
    """Each status and next step stands on the page in both languages, and no other."""
    assert {row[0].strip("`"): (row[1], row[2]) for row in _table("Statuses")} == dict(STATUS_TITLES)
    assert {row[0].strip("`"): (row[1], row[2]) for row in _table("Next steps")} == dict(NEXT_STEP_TITLES)
    assert all(f"`{status}`" in TEXT.split("Nothing more is owed", 1)[1] for status in CLOSED_STATUSES)
    assert all(f"`{action}`" in TEXT for action in NEXT_ACTIONS)
