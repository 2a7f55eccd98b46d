"""The page on stations says what the rules say."""

from __future__ import annotations

import re
from pathlib import Path

from dispatch.stations.cells import SHELF
from dispatch.stations.policy import load_policies

PROJECT = Path(__file__).resolve().parents[3]


def test_every_law_of_the_rules_stands_on_the_page_with_a_test() -> None:
    """Each reading of the law is on the page, and each has at least one test that carries its number."""
    policy = load_policies().common
    page = (PROJECT / "docs" / "stations.md").read_text("utf-8")
    tests = "\n".join(path.read_text("utf-8") for path in (PROJECT / "tests").rglob("test_*.py"))
    for law_id, _ in policy.laws():
        assert law_id in page, law_id
        assert re.search(rf"def test_law_{law_id[-2:]}_", tests), law_id
    assert f"version {policy.version}," in page
    assert len(SHELF) == 4
