"""The page about security promises only what a test shows or says openly what is waived."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "devices" / "security.md"

#: How many items each section of OWASP ISVS 1.0 has, and numbers its authors left out.
ISVS = {
    "1.1": 6, "1.2": 9, "1.3": 15, "1.4": 7, "2.1": 7, "2.2": 5, "2.3": 4, "2.4": 6, "3.1": 8, "3.2": 10, "3.3": 6,
    "3.4": 11, "3.5": 4, "3.6": 2, "4.1": 7, "4.2": 7, "4.3": 7, "4.4": 4, "5.1": 9,
}  # fmt: skip
LEFT_OUT = {"3.3.3", "4.1.5", "4.2.4", "4.2.5", "4.2.6"}


def rows() -> list[tuple[str, str]]:
    """Return item and answer of each line of the lists."""
    found = re.findall(r"^\| ((?:ISVS|TOP10)-[\d.–]+) \|.*\| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [(item, answer) for item, answer in found]


def single_items(item: str) -> list[str]:
    """Name every item of a line: ``1.2.4–1.2.7`` are four."""
    first, _, last = item.partition("-")[2].partition("–")
    if not last:
        return [first]
    section = first.rpartition(".")[0]
    return [f"{section}.{number}" for number in range(int(first.rpartition(".")[2]), int(last.rpartition(".")[2]) + 1)]


def test_every_item_of_the_lists_is_answered_once() -> None:
    """No item of OWASP's chapters V1 to V5, nor of the Top 10, is missing or answered twice."""
    isvs = [one for item, _ in rows() if item.startswith("ISVS") for one in single_items(item)]
    wanted = {f"{section}.{number}" for section, count in ISVS.items() for number in range(1, count + 1)} - LEFT_OUT
    assert len(isvs) == len(set(isvs))
    assert set(isvs) == wanted
    assert [item for item, _ in rows() if item.startswith("TOP10")] == [f"TOP10-{number}" for number in range(1, 11)]


def test_every_answer_is_a_test_that_exists_or_a_reason() -> None:
    """Each named test is there, and each waiver says of which kind it is."""
    known: set[str] = set()
    for path in (PROJECT / "tests").rglob("test_*.py"):
        known.update(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    for item, answer in rows():
        if answer.startswith("waived"):
            assert re.match(r"waived \((hardware|system|process)(, hardware)?\)", answer), item
            continue
        named = re.findall(r"`(test_\w+)`", answer)
        assert named, item
        assert set(named) <= known, (item, set(named) - known)


def test_every_test_named_elsewhere_on_the_page_exists() -> None:
    """The table of attackers names real tests too."""
    text = PAGE.read_text(encoding="utf-8")
    everywhere = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("test_*.py"))
    for name in set(re.findall(r"`(test_\w+)`", text)):
        assert f"def {name}(" in everywhere, name
