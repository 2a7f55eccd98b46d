"""Runs long work in threads of this process and writes its course into tables.

The tables are the truth: any process over the same database answers polls and streams, and asks for a
cancel. A process renews the heartbeat of what it runs; work whose heartbeat stopped is failed by whoever
notices, so that nothing stays "running" for ever (API-08).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from api.errors import OperationInterruptedError, OperationsBusyError, UnknownOperationError
from api.operations.model import FINAL_STATES, Operation, OperationEvent
from kernel.clock import Clock
from kernel.db import Database
from kernel.errors import CundaError, InternalError
from kernel.ids import Ids
from kernel.log import get_logger

HEARTBEAT_S = 3.0
LEASE_S = 20.0
_NOTICE_GAP_S = 0.25  # a listener needs no more than four notices a second
_MOST_WAITING = 20


class Work(Protocol):
    """What an operation does."""

    def __call__(self, run: RunningOperation) -> dict[str, Any]:
        """Do the work and return its result."""
        ...


class RunningOperation:
    """The handle that working code gets: tells progress, asks whether to stop.

    Telling only keeps the notice in memory; another thread stores it. Working code may be inside a write
    transaction of its own, and on SQLite a second one would wait for the first for ever.
    """

    def __init__(self, operation_id: str) -> None:
        self.operation_id = operation_id
        self.cancel = threading.Event()
        self._guard = threading.Lock()
        self._stage = ""
        self._best_cost_fen: int | None = None
        self._untold: list[dict[str, Any]] = []
        self.telling = threading.Lock()

    def progress(self, stage: str, done: int, total: int | None = None, note: str = "") -> None:
        """Tell how far the work is; fits :class:`kernel.progress.Progress`."""
        with self._guard:
            notice = {
                "stage": stage[:64], "done": done, "total": total, "note": note[:255],
                "best_cost_fen": self._best_cost_fen,
            }  # fmt: skip
            if self._untold and stage == self._stage:
                self._untold[-1] = notice  # of one stage only the latest matters
            else:
                self._untold.append(notice)
            self._stage = stage

    def best_cost(self, cost_fen: int) -> None:
        """Tell what the best plan found so far costs; it goes out with the next progress."""
        with self._guard:
            self._best_cost_fen = cost_fen

    def take_untold(self) -> list[dict[str, Any]]:
        """Give the notices that were not stored yet, and forget them."""
        with self._guard:
            taken, self._untold = self._untold, []
            return taken

    def cancelled(self) -> bool:
        """Tell whether somebody asked to stop; the best plan so far is kept."""
        return self.cancel.is_set()


class OperationRunner:
    """Starts, watches and ends long work.

    Parameters
    ----------
    database, clock, ids
        Where operations live, what time it is, how they are named.
    workers
        How many run at once in this process; the rest wait.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, workers: int = 1) -> None:
        self.database = database
        self.clock = clock
        self.ids = ids
        self.owner = ids.new()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="cunda-operation")
        self._running: dict[str, RunningOperation] = {}
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Fail what an earlier process left behind and begin to keep heartbeats."""
        if self.database.kind == "sqlite":  # one machine, one server: whatever runs is not ours and is dead
            self._fail_abandoned(Operation.owner != self.owner)
        else:
            self._fail_abandoned(self._lease_is_over())
        self._keeper = threading.Thread(target=self._keep, name="cunda-heartbeat", daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """Ask running work to stop, wait for it, and end the heartbeat."""
        self._closing.set()
        with self._guard:
            for run in self._running.values():
                run.cancel.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._keeper is not None:
            self._keeper.join()
        self._fail_abandoned(Operation.owner == self.owner)

    def create(self, session: Session, kind: str, user_id: str, request: dict[str, Any]) -> Operation:
        """Write a new operation within the caller's transaction; :meth:`launch` it after the commit.

        Raises
        ------
        OperationsBusyError
            If too much work waits already.
        """
        with self._guard:
            if len(self._running) >= _MOST_WAITING:
                raise OperationsBusyError(f"{_MOST_WAITING} operations wait already", retry_after_s=10)
        now = self.clock.now()
        operation = Operation(
            id=self.ids.new(), kind=kind, state="pending", created_by=user_id, request=request,
            stage="", done=0, note="", cancel_requested=False, owner=self.owner,
            created_at=now, heartbeat_at=now,
        )  # fmt: skip
        session.add(operation)
        session.flush()
        return operation

    def launch(self, operation_id: str, work: Work) -> Future[None]:
        """Hand a committed operation to a worker."""
        run = RunningOperation(operation_id)
        with self._guard:
            self._running[operation_id] = run
        return self._pool.submit(self._run, run, work)

    def cancel(self, operation_id: str) -> Operation:
        """Ask an operation to stop; asking again, or after its end, changes nothing.

        Raises
        ------
        UnknownOperationError
            If there is none of this id.
        """
        with self.database.begin() as session:
            operation = _operation(session, operation_id)
            if operation.state not in FINAL_STATES:
                operation.cancel_requested = True
        with self._guard:
            run = self._running.get(operation_id)
        if run is not None:
            run.cancel.set()
        return self.get(operation_id)

    def get(self, operation_id: str) -> Operation:
        """Return an operation as it stands.

        Raises
        ------
        UnknownOperationError
            If there is none of this id.
        """
        with self.database.read() as session:
            operation = _operation(session, operation_id)
            session.expunge(operation)
            return operation

    def events_after(self, operation_id: str, position: int, limit: int = 200) -> Sequence[OperationEvent]:
        """Return what was told about an operation after a position, oldest first."""
        query = (
            select(OperationEvent)
            .where(OperationEvent.operation_id == operation_id, OperationEvent.position > position)
            .order_by(OperationEvent.position)
            .limit(limit)
        )
        with self.database.read() as session:
            events = session.scalars(query).all()
            session.expunge_all()
            return events

    def newest_position(self, operation_id: str) -> int:
        """Return the position of the newest thing told about an operation, 0 when nothing was."""
        with self.database.read() as session:
            query = select(func.max(OperationEvent.position)).where(OperationEvent.operation_id == operation_id)
            return session.scalar(query) or 0

    def _store_notices(self, run: RunningOperation) -> None:
        with run.telling:  # the end is not told before what another thread is still storing
            notices = run.take_untold()
            if not notices:
                return
            with self.database.begin() as session:
                last = notices[-1]
                session.execute(update(Operation).where(Operation.id == run.operation_id).values(**last))
                for notice in notices:
                    session.add(OperationEvent(operation_id=run.operation_id, kind="progress", body=notice))

    def _run(self, run: RunningOperation, work: Work) -> None:
        try:
            if run.cancelled():
                self._finish(run.operation_id, "cancelled")
                return
            self._mark_running(run.operation_id)
            with _failures_become_problems() as outcome:
                outcome.result = work(run)
            self._store_notices(run)
            if outcome.problem is not None:
                self._finish(run.operation_id, "failed", problem=outcome.problem)
            else:
                state = "cancelled" if run.cancelled() else "succeeded"
                self._finish(run.operation_id, state, result=outcome.result)
        finally:
            with self._guard:
                self._running.pop(run.operation_id, None)

    def _mark_running(self, operation_id: str) -> None:
        now = self.clock.now()
        with self.database.begin() as session:
            operation = _operation(session, operation_id)
            operation.state, operation.started_at, operation.heartbeat_at = "running", now, now
            session.add(OperationEvent(operation_id=operation_id, kind="state", body={"state": "running"}))

    def _finish(
        self,
        operation_id: str,
        state: str,
        result: dict[str, Any] | None = None,
        problem: dict[str, Any] | None = None,
    ) -> None:
        with self.database.begin() as session:
            _end(session, _operation(session, operation_id), state, self.clock, result, problem)

    def _keep(self) -> None:
        renewed_s = self.clock.monotonic_s()
        while not self._closing.wait(_NOTICE_GAP_S):
            try:
                with self._guard:
                    runs = list(self._running.values())
                for run in runs:
                    self._store_notices(run)
                if self.clock.monotonic_s() - renewed_s >= HEARTBEAT_S:
                    renewed_s = self.clock.monotonic_s()
                    self._renew()
                    self._fail_abandoned(self._lease_is_over())
            except CundaError as problem:  # the database may be away for a moment; the next round tries again
                get_logger("api").warning("operation_keeper_failed", error_code=problem.code, detail=problem.message)

    def _renew(self) -> None:
        with self._guard:
            ours = list(self._running)
        if not ours:
            return
        with self.database.begin() as session:
            session.execute(update(Operation).where(Operation.id.in_(ours)).values(heartbeat_at=self.clock.now()))
            asked = session.scalars(select(Operation.id).where(Operation.id.in_(ours), Operation.cancel_requested))
            asked_ids = set(asked)
        with self._guard:
            for operation_id in asked_ids & self._running.keys():
                self._running[operation_id].cancel.set()

    def _lease_is_over(self) -> ColumnElement[bool]:
        return Operation.heartbeat_at < self.clock.now() - timedelta(seconds=LEASE_S)

    def _fail_abandoned(self, which: ColumnElement[bool]) -> None:
        interrupted = OperationInterruptedError("the server stopped while this was running")
        query = select(Operation).where(Operation.state.not_in(FINAL_STATES), which)
        with self.database.read() as session:
            if session.scalar(query.limit(1)) is None:
                return
        with self.database.begin() as session:
            for operation in session.scalars(query.with_for_update(skip_locked=True)):
                _end(session, operation, "failed", self.clock, None, interrupted.as_dict())


@dataclass
class _OutcomeState:
    result: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


@contextmanager
def _failures_become_problems() -> Iterator[_OutcomeState]:
    outcome = _OutcomeState()
    try:
        yield outcome
    except CundaError as problem:
        outcome.problem = problem.as_dict()
    except Exception as problem:  # a worker's edge: whatever broke must end as a failed operation
        get_logger("api").error("operation_broke", exc_info=(type(problem), problem, problem.__traceback__))
        outcome.problem = InternalError("an unexpected error happened").as_dict()


def _operation(session: Session, operation_id: str) -> Operation:
    operation = session.get(Operation, operation_id)
    if operation is None:
        raise UnknownOperationError(f"there is no operation {operation_id}", id=operation_id)
    return operation


def _end(
    session: Session,
    operation: Operation,
    state: str,
    clock: Clock,
    result: dict[str, Any] | None,
    problem: dict[str, Any] | None,
) -> None:
    now = clock.now()
    operation.state, operation.finished_at, operation.heartbeat_at = state, now, now
    operation.result, operation.problem = result, problem
    body = {"state": state, "result": result, "problem": problem}
    session.add(OperationEvent(operation_id=operation.id, kind="done", body=body))
