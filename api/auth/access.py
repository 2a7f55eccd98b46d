"""Dependencies of routes: who asks, and whether their role may.

The token comes in the Authorization header, or for the web pages in a cookie that scripts cannot read
(`EventSource` cannot send headers, API-09). A courier's identity comes from here and never from a body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api.auth.service import Identity, Tokens
from api.errors import ForeignOriginError, RoleError, TokenError
from api.services import Services

ACCESS_COOKIE = "cunda_access"
REFRESH_COOKIE = "cunda_refresh"
REFRESH_COOKIE_PATH = "/api/v1/session:refresh"  # exact: the browser sends it nowhere else
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="Access token of `POST /api/v1/session:login`.")
_cookie = APIKeyCookie(name=ACCESS_COOKIE, auto_error=False, description="The same token, set for web pages.")


def services_of(request: Request) -> Services:
    """Return what the application was wired with."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]


def identify(
    request: Request,
    services: ServicesDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    cookie: Annotated[str | None, Security(_cookie)] = None,
) -> Identity:
    """Return the caller, or refuse."""
    if bearer is not None:
        token = bearer.credentials
    elif cookie:
        check_origin(request)
        token = cookie
    else:
        raise TokenError("an access token is needed", reason="missing")
    identity = services.accounts.identify(token)
    request.state.user_id = identity.user_id
    return identity


def check_origin(request: Request) -> None:
    """Refuse an action by cookie that another origin's page started.

    SameSite=Strict already keeps other sites out; another port of the same machine counts as the same
    site, and this check keeps that out too.
    """
    origin = request.headers.get("origin")
    if request.method in _SAFE_METHODS or origin is None:
        return
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignOriginError("the request comes from a page of another origin", origin=origin)


def allow(*roles: str) -> Any:
    """Return a dependency that lets these roles pass and gives the caller's identity."""

    def check(identity: Annotated[Identity, Depends(identify)]) -> Identity:
        if identity.role not in roles:
            raise RoleError(f"role {identity.role} may not do this", role=identity.role, allowed=sorted(roles))
        return identity

    check.allowed_roles = frozenset(roles)  # type: ignore[attr-defined]  # read by the role matrix test
    return Depends(check)


def allowed_roles(call: Callable[..., Any] | None) -> frozenset[str] | None:
    """Return the roles a dependency lets pass, None for another kind of dependency."""
    found: frozenset[str] | None = getattr(call, "allowed_roles", None)
    return found


def set_cookies(request: Request, response: Response, tokens: Tokens) -> None:
    """Keep the tokens in the browser where scripts cannot read them."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        ACCESS_COOKIE, tokens.access_token, max_age=tokens.access_expires_in_s,
        path="/api", httponly=True, samesite="strict", secure=secure,
    )  # fmt: skip
    response.set_cookie(
        REFRESH_COOKIE, tokens.refresh_token, max_age=tokens.refresh_expires_in_s,
        path=REFRESH_COOKIE_PATH, httponly=True, samesite="strict", secure=secure,
    )  # fmt: skip


def clear_cookies(response: Response) -> None:
    """Forget the tokens in the browser."""
    response.delete_cookie(ACCESS_COOKIE, path="/api", httponly=True, samesite="strict")
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_COOKIE_PATH, httponly=True, samesite="strict")
