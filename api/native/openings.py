"""Doors opened from afar: a signed command to one device for one box, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.scope import actor, check_region
from firmware_bridge.errors import UnknownCommandError, UnknownDeviceError
from firmware_bridge.server.model import Device, DeviceCommand

router = APIRouter(tags=["devices"])


class OpeningForm(Body):
    """Which box is to be opened, and why."""

    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]
    reason: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
    expect: Literal["closed", "any"] = "closed"


class OpeningView(View):
    """An opening asked for; `state` says what is known, and only a door's sensor makes it `confirmed` (DEV-063)."""

    id: str
    device_id: str
    target: str
    actor: str
    reason: str
    state: str
    code: str | None
    resolution: str | None
    issued_at: datetime
    exp_at: datetime


@router.post("/devices/{device_id}/openings", status_code=202, response_model=OpeningView, responses=problems(400, 404))
def ask_for_opening(
    device_id: str,
    request: Request,
    body: OpeningForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Ask a device to open one box; the answer says that it was asked, never that it is open."""

    def act(session: Session) -> Answer:
        _check_scope(session, identity, device_id)
        command = services.commands.issue(
            session, device_id, body.target, actor(identity), body.reason, expect=body.expect
        )
        return answer(OpeningView.model_validate(session.get_one(DeviceCommand, command)), 202)

    return once(request, key, body, identity, services).together(act)


@router.get("/openings/{opening_id}", responses=problems(404))
def opening(opening_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")) -> OpeningView:
    """Give what is known of an opening."""
    with services.database.read() as session:
        row = session.get(DeviceCommand, opening_id)
        if row is None:
            raise UnknownCommandError(f"there is no opening {opening_id}", command=opening_id)
        _check_scope(session, identity, row.device_id)
        return OpeningView.model_validate(row)


def _check_scope(session: Session, identity: Identity, device_id: str) -> None:
    area = session.scalar(select(Device.area).where(Device.id == device_id))
    if area is None:
        raise UnknownDeviceError(f"there is no device {device_id}", device=device_id)
    check_region(identity, area)
