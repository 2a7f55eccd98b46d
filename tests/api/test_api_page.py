"""The page about the API names every route, and its rules are the program's."""

from __future__ import annotations

import re
from pathlib import Path

from api.app import PREFIX, describe_api
from api.auth.service import FAILURE_WINDOW_S, MAX_FAILURES_PER_USER
from api.native.courier import MOST_EVENTS
from api.native.idempotency import KEPT_S
from api.native.paging import DEFAULT_LIMIT, MAX_LIMIT
from api.native.stream import HEARTBEAT_S

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_route_stands_on_the_page() -> None:
    """Whoever reads the page about the API learns of every route, and of none that is gone."""
    served = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in describe_api()["paths"].items()
        for method in methods
    }
    described = set(re.findall(r"`((?:GET|POST|DELETE|PUT|PATCH) /[^`]*)`", PAGE))
    assert described == served


def test_the_figures_on_the_page_are_the_program_s() -> None:
    """The limits the page promises are the ones the program keeps."""
    assert f"After {MAX_FAILURES_PER_USER} failed attempts" in PAGE
    assert FAILURE_WINDOW_S == 5 * 60
    assert "within five minutes" in PAGE
    assert f"kept for {KEPT_S // 3600} hours" in PAGE
    assert f"`limit` ({DEFAULT_LIMIT}, at most {MAX_LIMIT})" in PAGE
    assert f"{MOST_EVENTS} courier events at once" in PAGE
    assert f"every {HEARTBEAT_S:.0f}\n  seconds" in PAGE or f"every {HEARTBEAT_S:.0f} seconds" in PAGE
