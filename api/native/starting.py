"""Starting long work: the operation is stored with the answer, and runs once however often the request comes."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from api.auth.service import Identity
from api.native.form import Body
from api.native.idempotency import Answer, answer, once
from api.native.operations import OperationView
from api.operations.service import Work
from api.services import Services


def started(
    request: Request,
    services: Services,
    identity: Identity,
    key: str | None,
    kind: str,
    body: Body,
    work: Work,
    **named: Any,
) -> JSONResponse:
    """Start work that takes longer than a request and answer 202 with where to follow it.

    Parameters
    ----------
    key
        The request's idempotency key; a repeat gets the first answer and starts nothing.
    named
        What the operation is about beyond the body: its region above all, by which it is seen.

    Raises
    ------
    IdempotencyKeyMissingError, IdempotencyKeyReusedError, IdempotencyKeyBusyError, OperationsBusyError
        As their names say.
    """

    def act(session: Session) -> Answer:
        asked = body.model_dump(mode="json") | named
        operation = services.operations.create(session, kind, identity.user_id, asked)
        view = OperationView.model_validate(operation)
        return answer(view, 202, Location=f"/api/v1/operations/{operation.id}")

    def launch(made: Answer) -> None:
        services.operations.launch(made.body["id"], work)

    return once(request, key, body, identity, services).together(act, launch)
