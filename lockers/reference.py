"""The page of state machines, printed from the tables: ``python -m lockers.reference``."""

from __future__ import annotations

import sys
from typing import Final

from lockers.activity import METRICS, VERSION
from lockers.book import BOOK
from lockers.dock import DOCK
from lockers.sending import PATIENCE_S, SENDING
from lockers.visit import VISIT

_HEAD: Final = """# Compartments, kiosks, stations

Printed from the tables by `python -m lockers.reference`; a test keeps both equal. What is not in a table cannot happen.
Flows follow analogous systems and press reports; times and limits are settings.

A compartment (格口) has **three separate facts**: its door and what lies in it come from sensors, its book from events.
When they disagree that is a doubt for a person; nothing is silently corrected. When a board falls silent, door and
inside are unknown and the book stays.
"""


def page() -> str:
    """Return the page in Markdown."""
    patience = ", ".join(f"`{state}` {seconds} s" for state, seconds in PATIENCE_S.items())
    return "\n".join(
        [
            _HEAD,
            "## The book of a compartment",
            "",
            BOOK.table(),
            "## Sending at a kiosk (寄件)",
            "",
            "Before anything is asked of the customer the kiosk says why it cannot: door left open, full, no paper, or "
            f"no network and no waybills in stock. Patience: {patience}.",
            "",
            SENDING.table(),
            "## A visit to a 24-hour station (自助驿站)",
            "",
            "Leaving is always possible, by hardware; the program only records it.",
            "",
            VISIT.table(),
            "## An unmanned vehicle at the dock (无人车对接)",
            "",
            "Vehicle and station prove themselves with the run's one-time code under a shared key, each in its own "
            "direction. Nothing is released while scans and manifest differ, in either direction, unless a person "
            "answers for it.",
            "",
            DOCK.table(),
            f"## Activity of kiosks (活跃度), metrics version {VERSION}",
            "",
            "Pure functions of events (`lockers.activity.daily_report`), by branch, scene or device. Time is corrected "
            "event time in the region's zone; late events restate their day, and a report says as of when it speaks.",
            "",
            "| metric | 中文 | definition |",
            "|---|---|---|",
            *(f"| `{name}` | {zh} | {definition} |" for name, (zh, definition) in METRICS.items()),
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(page())
