"""Answers kept for repeated requests (API-03; IETF draft "The Idempotency-Key HTTP Header Field", 07).

A key belongs to one actor and one route. The same key with the same content gets the first answer again,
with other content it is refused, and while the first is still running it is told to wait.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.auth.service import Identity
from api.errors import IdempotencyKeyBusyError, IdempotencyKeyMissingError, IdempotencyKeyReusedError
from api.operations.model import KeptAnswer
from api.services import Services
from kernel.clock import Clock
from kernel.db import Database

KEPT_S = 48 * 3600
#: A claim older than this belongs to a process that died; the effect behind it is repeatable or absent.
CLAIM_LEASE_S = 120
_MAX_KEY = 255

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=_MAX_KEY,
        description="A value of the caller's own, the same on every retry. Required.",
    ),
]


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    def response(self, replayed: bool = False) -> JSONResponse:
        """Write it as an HTTP response."""
        extra = {"Idempotency-Replayed": "true"} if replayed else {}
        return JSONResponse(self.body, status_code=self.status, headers={**self.headers, **extra})


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """Make an answer; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, jsonable_encoder(body), named)


@dataclass(frozen=True)
class Once:
    """Does things once per Idempotency-Key, for one actor on one route."""

    database: Database
    clock: Clock
    scope: str
    digest: str

    def together(self, act: Callable[[Session], Answer], then: Callable[[Answer], None] | None = None) -> JSONResponse:
        """Do something to our own tables and keep the answer in the same transaction.

        Parameters
        ----------
        then
            Called after the commit of a first request, never of a repeat.

        Raises
        ------
        IdempotencyKeyReusedError, IdempotencyKeyBusyError
            As their names say.
        """
        try:
            with self.database.begin() as session:
                kept = self._claim(session)
                made = None
                if kept is None:
                    made = act(session)
                    self._keep(session, made)
        except IntegrityError as lost_race:
            raise _busy() from lost_race
        if kept is not None:
            return kept.response(replayed=True)
        assert made is not None
        if then is not None:
            then(made)
        return made.response()

    def around(self, act: Callable[[], Answer]) -> JSONResponse:
        """Do something that brings its own transaction and may safely be done again after a crash.

        An error is not kept: the caller may repair the cause and repeat with the same key.
        """
        try:
            with self.database.begin() as session:
                kept = self._claim(session)
        except IntegrityError as lost_race:
            raise _busy() from lost_race
        if kept is not None:
            return kept.response(replayed=True)
        try:
            made = act()
        except BaseException:
            with self.database.begin() as session:
                session.execute(delete(KeptAnswer).where(KeptAnswer.scope == self.scope, KeptAnswer.status.is_(None)))
            raise
        with self.database.begin() as session:
            self._keep(session, made)
        return made.response()

    def _claim(self, session: Session) -> Answer | None:
        now = self.clock.now()
        session.execute(delete(KeptAnswer).where(KeptAnswer.claimed_at < now - timedelta(seconds=KEPT_S)))
        row = session.get(KeptAnswer, self.scope, with_for_update=True)
        if row is None:
            session.add(KeptAnswer(scope=self.scope, content_digest=self.digest, claimed_at=now))
            session.flush()
            return None
        return _found(row, self.digest, now)

    def _keep(self, session: Session, made: Answer) -> None:
        row = session.get_one(KeptAnswer, self.scope)
        row.status, row.headers, row.body = made.status, made.headers, made.body


def once(request: Request, key: str | None, content: object, identity: Identity, services: Services) -> Once:
    """Bind an Idempotency-Key to its actor, route and content.

    Raises
    ------
    IdempotencyKeyMissingError
        If the request carries none.
    """
    if not key:
        raise IdempotencyKeyMissingError("header Idempotency-Key is missing", header="Idempotency-Key")
    scope = _digest([identity.user_id, request.method, request.url.path, key])
    return Once(services.database, services.clock, scope, _digest(content))


def _found(row: KeptAnswer, digest: str, now: datetime) -> Answer | None:
    if row.content_digest != digest:
        raise IdempotencyKeyReusedError("this Idempotency-Key was used for another request")
    if row.status is not None:
        return Answer(row.status, row.body or {}, row.headers or {})
    if row.claimed_at > now - timedelta(seconds=CLAIM_LEASE_S):
        raise _busy()
    row.claimed_at = now
    return None


def _busy() -> IdempotencyKeyBusyError:
    return IdempotencyKeyBusyError("the first request with this Idempotency-Key is still running")


def _digest(content: object) -> str:
    text = json.dumps(jsonable_encoder(content), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
