"""Users, for administrators."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.passwords import hash_password
from api.auth.service import Identity, NewUser, check_new_user
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.session import Me

router = APIRouter(tags=["users"])

Role = Literal["courier", "dispatcher", "station", "finance", "company_viewer", "admin"]


class NewUserBody(Body):
    """A user to make."""

    username: str = Field(min_length=2, max_length=64)
    password: str = Field(min_length=10, max_length=200)
    role: Role
    region: str | None = Field(default=None, max_length=64)
    courier_id: str | None = Field(default=None, max_length=64)
    company_id: str | None = Field(default=None, max_length=64)
    site_id: str | None = Field(default=None, max_length=64)


class UserList(View):
    """Every active user."""

    items: list[Me]


@router.get("/users", responses=problems())
def list_users(services: ServicesDep, identity: Identity = allow("admin")) -> UserList:
    """List the active users."""
    return UserList(items=[Me.model_validate(user) for user in services.accounts.list_users()])


@router.post("/users", status_code=201, response_model=Me, responses=problems(400, 409))
def add_user(
    body: NewUserBody,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("admin"),
) -> JSONResponse:
    """Make a user."""
    new = NewUser(**body.model_dump())
    check_new_user(new)
    turn = once(request, key, body, identity, services)
    digest = hash_password(new.password)

    def act(session: Session) -> Answer:
        made = services.accounts.add_hashed(session, new, digest)
        return answer(Me.model_validate(made), 201, Location=f"/api/v1/users/{made.username}")

    return turn.together(act)


@router.delete("/users/{username}", status_code=204, responses=problems(404))
def remove_user(username: str, services: ServicesDep, identity: Identity = allow("admin")) -> None:
    """Take a user's access away; what they did keeps their name."""
    services.accounts.deactivate(username)
