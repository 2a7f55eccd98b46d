"""Access tokens: short signed statements of who is asking.

HS256 JSON Web Tokens (RFC 7519). Expiry is judged by our own clock, so that tests and simulated days can
move it; signature, issuer and audience are judged by PyJWT.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from api.errors import TokenError

ISSUER = "cunda"
AUDIENCE = "cunda-api"
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class Claims:
    """What an access token states."""

    user_id: str
    session_id: str


def issue_token(claims: Claims, secret: str, now: datetime, life_s: int) -> str:
    """Sign an access token that ends ``life_s`` seconds from now."""
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.user_id,
        "sid": claims.session_id,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=life_s)).timestamp()),
    }
    return jwt.encode(payload, secret, algorithm=_ALGORITHM)


def read_token(token: str, secret: str, now: datetime) -> Claims:
    """Read an access token.

    Raises
    ------
    TokenError
        If it is malformed, signed by somebody else or out of date.
    """
    try:
        payload = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["sub", "sid", "exp"], "verify_exp": False, "verify_iat": False},
        )
        expires_s = int(payload["exp"])
    except (jwt.InvalidTokenError, ValueError, TypeError) as problem:
        raise TokenError("the access token is not one of ours", reason="malformed") from problem
    if expires_s <= now.timestamp():
        raise TokenError("the access token is out of date", reason="expired")
    return Claims(str(payload["sub"]), str(payload["sid"]))
