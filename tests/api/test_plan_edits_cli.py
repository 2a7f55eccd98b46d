"""`cunda plan …`: a plan is edited, explained and published from the shell."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from api.cli.main import main
from api.services import Services
from dispatch.plans.service import PlanSettings
from dispatch.plans.summary import VersionSummary


@pytest.fixture
def planned(services: Services, due_day: date, two_villages: str) -> VersionSummary:
    """Plan the day without publishing: the shell's clock is today's, and that day is over."""
    return services.planner.make_plan(two_villages, due_day, actor="user:test", settings=PlanSettings(seconds=0.3))


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, services: Services, planned: VersionSummary
) -> Any:
    """Give a way to run a command on the planned day, and to read what it printed."""
    monkeypatch.setenv("CUNDA_LOG_LEVEL", "error")
    monkeypatch.setenv("CUNDA_HOME", str(services.settings.home))

    def command(*arguments: str, fails: bool = False) -> Any:
        capsys.readouterr()
        code = main(["plan", *arguments, "--json"])
        printed = capsys.readouterr()
        assert (code != 0) == fails, printed.err
        body = json.loads(printed.err if fails else printed.out)
        return body.get("error", body) if fails else body

    return command


def test_m_08_a_plan_is_edited_taken_back_and_published_from_the_shell(run: Any, planned: VersionSummary) -> None:
    """A draft is opened, edited, taken back, repeated, compared, explained, saved, and rolled back."""
    opened = run("draft", "-r", planned.region, "-d", planned.day.isoformat())
    draft, keys = opened["draft"], opened["vehicles"]["v-1"]
    swap = json.dumps({"kind": "swap", "first": keys[0], "second": keys[1]})
    tried = run("edit", draft, swap, "--try")
    assert run("edit", draft, swap)["added_fen"] == tried["added_fen"]
    run("undo", draft)
    assert run("undo", draft, "--redo")["steps"] == 3
    assert run("diff", draft)["disturbance"]["moved_order"] == 1
    assert run("explain", draft, keys[0])["planned"]
    assert run("places", draft, keys[0])[0]["vehicle_id"] == "v-1"
    assert run("save", draft, "--publish", "--reason", "nearer")["published"]
    assert run("rollback", planned.version_id, "--reason", "was better")["published"]


def test_an_edit_that_is_no_json_or_breaks_rules_is_refused_from_the_shell(run: Any, planned: VersionSummary) -> None:
    """A wrong edit leaves with an error that has a code and a remedy."""
    draft = run("draft", "-r", planned.region, "-d", planned.day.isoformat())["draft"]
    assert run("edit", draft, "{", fails=True)["code"] == "edit_command"
    shift = json.dumps({"kind": "shift", "vehicle": "v-1", "start_s": 28_800, "end_s": 28_900})
    assert run("edit", draft, shift, fails=True)["code"] == "edit_violates"
