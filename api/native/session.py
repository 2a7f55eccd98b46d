"""Logging in, staying in, logging out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Request, Response
from pydantic import Field

from api.auth.access import REFRESH_COOKIE, ServicesDep, check_origin, clear_cookies, identify, set_cookies
from api.auth.service import Identity, Tokens
from api.errors import RefreshTokenError
from api.native.form import Body, View, problems

router = APIRouter(tags=["session"])


class Login(Body):
    """User name and password."""

    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1000)
    cookie: bool = Field(
        default=False, description="Keep the tokens in HttpOnly cookies instead of the answer, for web pages."
    )


class Refresh(Body):
    """The refresh token; absent when it is in the cookie."""

    refresh_token: str | None = Field(default=None, max_length=200)


class Me(View):
    """Who is logged in."""

    user_id: str
    username: str
    role: str
    region: str | None
    courier_id: str | None
    company_id: str | None
    site_id: str | None


class SessionView(View):
    """A session; the tokens are absent when they went into cookies."""

    me: Me
    access_expires_in_s: int
    refresh_expires_in_s: int
    token_type: str = "Bearer"  # noqa: S105 - the word of RFC 6750, not a secret
    access_token: str | None = None
    refresh_token: str | None = None


@router.post("/session:login", responses=problems(429))
def log_in(body: Login, request: Request, response: Response, services: ServicesDep) -> SessionView:
    """Open a session with user name and password."""
    check_origin(request)
    address = request.client.host if request.client is not None else "unknown"
    identity, tokens = services.accounts.log_in(body.username, body.password, address)
    return _session(request, response, identity, tokens, in_cookies=body.cookie)


@router.post("/session:refresh", responses=problems())
def refresh(
    body: Refresh,
    request: Request,
    response: Response,
    services: ServicesDep,
    kept: Annotated[str | None, Cookie(alias=REFRESH_COOKIE)] = None,
) -> SessionView:
    """Trade the refresh token for fresh tokens; each refresh token serves once."""
    in_cookies = body.refresh_token is None
    if in_cookies:
        check_origin(request)
    token = body.refresh_token or kept
    if not token:
        raise RefreshTokenError("a refresh token is needed", reason="missing")
    identity, tokens = services.accounts.refresh(token)
    return _session(request, response, identity, tokens, in_cookies=in_cookies)


@router.post("/session:logout", status_code=204, responses=problems())
def log_out(response: Response, services: ServicesDep, identity: Annotated[Identity, Depends(identify)]) -> None:
    """End the session; its tokens stop working at once."""
    services.accounts.log_out(identity)
    clear_cookies(response)


@router.get("/me", responses=problems())
def me(identity: Annotated[Identity, Depends(identify)]) -> Me:
    """Tell who is logged in."""
    return Me.model_validate(identity)


def _session(
    request: Request, response: Response, identity: Identity, tokens: Tokens, *, in_cookies: bool
) -> SessionView:
    response.headers["Cache-Control"] = "no-store"
    if in_cookies:
        set_cookies(request, response, tokens)
    return SessionView(
        me=Me.model_validate(identity),
        access_expires_in_s=tokens.access_expires_in_s,
        refresh_expires_in_s=tokens.refresh_expires_in_s,
        access_token=None if in_cookies else tokens.access_token,
        refresh_token=None if in_cookies else tokens.refresh_token,
    )
