"""Long work: look, listen, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.errors import UnknownOperationError
from api.native.form import View, problems
from api.native.stream import LastEventId, Sent, parse_position, stream_log
from api.operations.model import Operation
from api.services import Services

router = APIRouter(tags=["operations"])

_FOLLOWERS = ("dispatcher", "finance", "admin")
"""Finance follows what it started itself: comparisons of modes and shares of a cost."""


class OperationView(View):
    """Long work as it stands; `result` when it succeeded or was cancelled with something kept."""

    id: str
    kind: str
    state: Literal["pending", "running", "succeeded", "failed", "cancelled"]
    stage: str
    done: int
    total: int | None
    note: str
    best_cost_fen: int | None
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    request: dict[str, Any]
    result: dict[str, Any] | None
    problem: dict[str, Any] | None


@router.get("/operations/{operation_id}", responses=problems(404))
def get_operation(operation_id: str, services: ServicesDep, identity: Identity = allow(*_FOLLOWERS)) -> OperationView:
    """Tell how long work stands."""
    return OperationView.model_validate(_visible(services, operation_id, identity))


@router.post("/operations/{operation_id}:cancel", responses=problems(404))
def cancel_operation(
    operation_id: str, services: ServicesDep, identity: Identity = allow(*_FOLLOWERS)
) -> OperationView:
    """Ask long work to stop and keep the best it has; asking twice changes nothing."""
    _visible(services, operation_id, identity)
    return OperationView.model_validate(services.operations.cancel(operation_id))


@router.get("/operations/{operation_id}/events", response_class=StreamingResponse, responses=problems(404))
def operation_events(
    operation_id: str,
    request: Request,
    services: ServicesDep,
    last_event_id: LastEventId = None,
    identity: Identity = allow(*_FOLLOWERS),
) -> StreamingResponse:
    """Listen to long work as server-sent events: `progress`, `state`, and `done` at its end."""
    _visible(services, operation_id, identity)
    runner = services.operations
    newest = runner.newest_position(operation_id)

    def read_after(position: int) -> Sequence[Sent]:
        return [
            Sent(event.position, event.kind, event.body, last=event.kind == "done")
            for event in runner.events_after(operation_id, position)
        ]

    start = parse_position(last_event_id, newest)
    return stream_log(request, services.clock, read_after, start if start is not None else 0, newest)


def _visible(services: Services, operation_id: str, identity: Identity) -> Operation:
    operation = services.operations.get(operation_id)
    if identity.role != "admin" and identity.region not in (None, operation.request.get("region")):
        raise UnknownOperationError(f"there is no operation {operation_id}", id=operation_id)
    if identity.role == "finance" and operation.created_by != identity.user_id:
        raise UnknownOperationError(f"there is no operation {operation_id}", id=operation_id)
    return operation
