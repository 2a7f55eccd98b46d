"""Long work is watched, resumed, cancelled, and never runs for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.errors import UnknownOperationError
from api.operations.model import Operation
from api.operations.service import LEASE_S, OperationRunner, RunningOperation, Work
from api.services import Services
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.errors import ConflictError
from kernel.events import append_event
from kernel.ids import SeededIds

Start = Callable[[Work], str]


@pytest.fixture
def start(services: Services) -> Start:
    """Give a way to start work as a dispatcher's program would."""

    def run(work: Work) -> str:
        with services.database.begin() as session:
            name = services.operations.create(session, "test", "u-1", {"region": "demo"}).id
        services.operations.launch(name, work)
        return name

    return run


def _lines_of(client: httpx.Client, path: str, last: str | None = None) -> list[dict[str, str]]:
    """Read a stream to its end, as events of id, event and data."""
    headers = {"Last-Event-ID": last} if last is not None else {}
    events, entry = [], {}
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                entry[name] = value
            elif entry.keys() >= {"id"}:
                events.append(entry)
                entry = {}
            else:
                entry = {}
    return events


def test_api_08_work_is_polled_to_its_result(dispatcher: httpx.Client, start: Start) -> None:
    """A program that polls sees the stage of the work, and its result at the end."""
    going = threading.Event()

    def work(run: RunningOperation) -> dict[str, Any]:
        run.progress("matrix", 1, 4)
        going.wait(10)
        return {"plan": "p-1"}

    name = start(work)
    for _ in range(400):
        seen = dispatcher.get(f"/operations/{name}").json()
        if seen["stage"] == "matrix":
            break
        going.wait(0.02)
    assert seen["state"] == "running"
    assert (seen["done"], seen["total"]) == (1, 4)
    going.set()
    events = _lines_of(dispatcher, f"/operations/{name}/events")
    assert events[-1]["event"] == "done"
    seen = dispatcher.get(f"/operations/{name}").json()
    assert seen["state"] == "succeeded"
    assert seen["result"] == {"plan": "p-1"}


def test_api_09_a_stream_resumes_after_the_last_event(dispatcher: httpx.Client, start: Start) -> None:
    """A listener that lost its connection goes on after the last event it saw, without loss or repeat."""

    def work(run: RunningOperation) -> dict[str, Any]:
        for stage in ("read", "matrix", "solve", "check"):
            run.progress(stage, 0)
        return {}

    name = start(work)
    whole = _lines_of(dispatcher, f"/operations/{name}/events")
    assert [event["event"] for event in whole] == ["state", *["progress"] * 4, "done"]
    assert all(event["id"] for event in whole)
    rest = _lines_of(dispatcher, f"/operations/{name}/events", last=whole[2]["id"])
    assert rest == whole[3:]


def test_progress_may_be_told_inside_a_transaction(dispatcher: httpx.Client, start: Start, services: Services) -> None:
    """Work that tells its progress while it writes to the database does not wait for itself."""

    def work(run: RunningOperation) -> dict[str, Any]:
        with services.database.begin() as session:
            append_event(session, "test.done", "test:1", {}, fact_at=run_at, committed_at=run_at)
            for number in range(50):
                run.progress(f"stage {number}", 0)
        return {}

    run_at = services.clock.now()
    name = start(work)
    events = _lines_of(dispatcher, f"/operations/{name}/events")
    assert len([event for event in events if event["event"] == "progress"]) == 50
    assert dispatcher.get(f"/operations/{name}").json()["state"] == "succeeded"


def test_a_failure_keeps_its_code(dispatcher: httpx.Client, start: Start) -> None:
    """Work that fails for a known reason says the reason; an unknown one stays inside."""

    def known(run: RunningOperation) -> dict[str, Any]:
        raise ConflictError("somebody else plans this day", day="2026-03-04")

    def unknown(run: RunningOperation) -> dict[str, Any]:
        raise KeyError("private detail")

    for work, code in ((known, "conflict"), (unknown, "internal")):
        name = start(work)
        _lines_of(dispatcher, f"/operations/{name}/events")
        seen = dispatcher.get(f"/operations/{name}").json()
        assert seen["state"] == "failed"
        assert seen["problem"]["code"] == code
        assert "private detail" not in str(seen)


def test_a_cancel_keeps_the_best_plan(dispatcher: httpx.Client, start: Start) -> None:
    """A dispatcher who stops the solver keeps the best plan found so far; asking twice changes nothing."""

    def work(run: RunningOperation) -> dict[str, Any]:
        assert run.cancel.wait(10)
        return {"plan": "best so far"}

    name = start(work)
    assert dispatcher.post(f"/operations/{name}:cancel").status_code == 200
    _lines_of(dispatcher, f"/operations/{name}/events")
    again = dispatcher.post(f"/operations/{name}:cancel").json()
    assert again["state"] == "cancelled"
    assert again["result"] == {"plan": "best so far"}


def test_an_unknown_operation_is_not_found(dispatcher: httpx.Client) -> None:
    """Work that was never started is not found, by polling, listening or cancelling."""
    for answer in (
        dispatcher.get("/operations/none"), dispatcher.get("/operations/none/events"),
        dispatcher.post("/operations/none:cancel"),
    ):  # fmt: skip
        assert answer.status_code == 404
        assert answer.json()["code"] == "unknown_operation"


def test_a_restart_leaves_nothing_running(database: Database, clock: ManualClock) -> None:
    """Work that a crashed server left behind is failed by the next one, with the reason."""
    crashed = OperationRunner(database, clock, SeededIds(1))
    with database.begin() as session:
        name = crashed.create(session, "test", "u-1", {}).id
        session.get_one(Operation, name).state = "running"
    clock.advance(LEASE_S + 1)
    restarted = OperationRunner(database, clock, SeededIds(2))
    restarted.start()
    try:
        found = restarted.get(name)
        assert found.state == "failed"
        assert found.problem is not None
        assert found.problem["code"] == "operation_interrupted"
        assert [event.kind for event in restarted.events_after(name, 0)] == ["done"]
    finally:
        restarted.close()


def test_a_living_neighbour_keeps_its_work(database: Database, clock: ManualClock) -> None:
    """On a shared database a second server does not touch what another one is running."""
    if database.kind != "postgresql":
        pytest.skip("two servers share a database only on PostgreSQL")
    neighbour = OperationRunner(database, clock, SeededIds(1))
    with database.begin() as session:
        name = neighbour.create(session, "test", "u-1", {}).id
    clock.advance(LEASE_S / 2)
    second = OperationRunner(database, clock, SeededIds(2))
    second.start()
    second.close()
    assert second.get(name).state == "pending"
    assert second.get(name).heartbeat_at > clock.now() - timedelta(seconds=LEASE_S)


def test_closing_asks_running_work_to_stop(database: Database, clock: ManualClock) -> None:
    """A server that is told to stop lets running work end cleanly instead of cutting it off."""
    runner = OperationRunner(database, clock, SeededIds(1))
    runner.start()
    with database.begin() as session:
        name = runner.create(session, "test", "u-1", {}).id
    runner.launch(name, lambda run: {"stopped": run.cancel.wait(20)})
    runner.close()
    assert runner.get(name).state in ("cancelled", "failed")
    with pytest.raises(UnknownOperationError):
        runner.get("never made")
