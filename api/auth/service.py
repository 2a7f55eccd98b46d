"""Users and sessions: making them, proving them, ending them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from api.auth.model import ROLES, LoginFailure, RefreshToken, User, UserSession
from api.auth.passwords import hash_password, password_fits
from api.auth.tokens import Claims, issue_token, read_token
from api.errors import (
    BadCredentialsError,
    RefreshTokenError,
    TokenError,
    TooManyLoginsError,
    UnknownUserError,
    UserExistsError,
    UserFieldError,
)
from kernel.clock import Clock
from kernel.db import Database
from kernel.ids import Ids, new_secret

_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._-]{1,63}$")
#: OWASP's authentication advice: slow guessing per account, and per address against many accounts.
MAX_FAILURES_PER_USER = 8
MAX_FAILURES_PER_ADDRESS = 40
FAILURE_WINDOW_S = 300
#: Two tabs of one browser refresh at the same moment with the same cookie; that is not a theft.
REUSE_GRACE_S = 10
_FORGET_ENDED_AFTER = timedelta(days=30)


@dataclass(frozen=True)
class Identity:
    """The person behind a request; everything that depends on the caller depends on this."""

    user_id: str
    username: str
    role: str
    session_id: str
    region: str | None = None
    courier_id: str | None = None
    company_id: str | None = None
    site_id: str | None = None


@dataclass(frozen=True)
class NewUser:
    """What is needed to make a user."""

    username: str
    password: str
    role: str
    region: str | None = None
    courier_id: str | None = None
    company_id: str | None = None
    site_id: str | None = None


@dataclass(frozen=True)
class Tokens:
    """What a login gives: a short access token and a refresh token that serves once."""

    access_token: str
    access_expires_in_s: int
    refresh_token: str
    refresh_expires_in_s: int


@dataclass(frozen=True)
class TokenPolicy:
    """How tokens are signed and how long they live."""

    secret: str
    access_s: int
    refresh_s: int


class Accounts:
    """All dealings with users and their sessions.

    Parameters
    ----------
    database, clock, ids
        Where users live, what time it is, how new rows are named.
    policy
        Signature and life of tokens.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, policy: TokenPolicy) -> None:
        self.database = database
        self.clock = clock
        self.ids = ids
        self.policy = policy

    def add(self, new: NewUser) -> Identity:
        """Make a user.

        Raises
        ------
        UserFieldError
            If the name is malformed, the role unknown, or a link the role needs is missing.
        UserExistsError
            If the name is taken.
        WeakPasswordError
            If the password is too short or too long.
        """
        check_new_user(new)
        digest = hash_password(new.password)  # outside the transaction: it is slow on purpose
        with self.database.begin() as session:
            return self.add_hashed(session, new, digest)

    def add_hashed(self, session: Session, new: NewUser, digest: str) -> Identity:
        """Make a user within the caller's transaction; the password is hashed already."""
        if session.scalar(select(User.id).where(User.username == new.username)) is not None:
            raise UserExistsError(f"user {new.username} exists", username=new.username)
        now = self.clock.now()
        user = User(
            id=self.ids.new(),
            username=new.username,
            password_hash=digest,
            role=new.role,
            region=new.region,
            courier_id=new.courier_id,
            company_id=new.company_id,
            site_id=new.site_id,
            active=True,
            created_at=now,
            password_set_at=now,
        )
        session.add(user)
        session.flush()
        return _identity(user, session_id="")

    def list_users(self) -> Sequence[Identity]:
        """Return every active user, by name."""
        with self.database.read() as session:
            rows = session.scalars(select(User).where(User.active).order_by(User.username))
            return [_identity(user, session_id="") for user in rows]

    def set_password(self, username: str, password: str) -> None:
        """Give a user a new password and end all of their sessions."""
        digest = hash_password(password)
        with self.database.begin() as session:
            user = _user_named(session, username)
            user.password_hash = digest
            user.password_set_at = self.clock.now()
            _revoke(session, UserSession.user_id == user.id, self.clock.now(), "password_changed")

    def deactivate(self, username: str) -> None:
        """Take a user's access away and end all of their sessions; what they did keeps their name."""
        with self.database.begin() as session:
            user = _user_named(session, username)
            user.active = False
            _revoke(session, UserSession.user_id == user.id, self.clock.now(), "deactivated")

    def log_in(self, username: str, password: str, address: str) -> tuple[Identity, Tokens]:
        """Open a session.

        Parameters
        ----------
        username, password
            What the person typed.
        address
            Where the request came from, for the rate limit.

        Raises
        ------
        TooManyLoginsError
            After 8 failures for a name or 40 from an address within five minutes.
        BadCredentialsError
            If they do not belong together, whether or not the name exists.
        """
        name = username.strip().lower()
        with self.database.read() as session:
            self._check_rate(session, _subjects(name, address))
            user = session.scalar(select(User).where(User.username == name, User.active))
            digest = user.password_hash if user is not None else None
            found = _identity(user, session_id="") if user is not None else None
        if not password_fits(password, digest) or found is None:
            self._note_failure(name, address)
            raise BadCredentialsError("user name and password do not belong together")
        with self.database.begin() as session:
            session.execute(delete(LoginFailure).where(LoginFailure.subject == _subjects(name, address)[0]))
            session.execute(delete(UserSession).where(UserSession.expires_at < self.clock.now() - _FORGET_ENDED_AFTER))
            opened = UserSession(
                id=self.ids.new(),
                user_id=found.user_id,
                started_at=self.clock.now(),
                expires_at=self.clock.now() + timedelta(seconds=self.policy.refresh_s),
            )
            session.add(opened)
            session.flush()
            return replace(found, session_id=opened.id), self._issue(session, opened)

    def refresh(self, token: str) -> tuple[Identity, Tokens]:
        """Trade a refresh token for fresh tokens; a token used again later ends the whole session.

        Raises
        ------
        RefreshTokenError
            If the token is unknown, out of date, withdrawn or was used before.
        """
        reused = False
        with self.database.begin() as session:
            row = session.get(RefreshToken, _digest(token), with_for_update=True)
            if row is None:
                raise RefreshTokenError("the refresh token is not one of ours", reason="unknown")
            opened = session.get_one(UserSession, row.session_id)
            user = session.get_one(User, opened.user_id)
            if row.used_at is not None and self.clock.now() - row.used_at > timedelta(seconds=REUSE_GRACE_S):
                # Two parties hold the same token: one of them stole it. Neither may go on.
                _revoke(session, UserSession.id == opened.id, self.clock.now(), "token_reused")
                reused = True
            elif self._alive(opened, user):
                row.used_at = row.used_at or self.clock.now()
                return _identity(user, opened.id), self._issue(session, opened)
        reason = "reused" if reused else "ended"
        raise RefreshTokenError("the session has ended", reason=reason)

    def log_out(self, identity: Identity) -> None:
        """End the session of a request; its tokens stop working at once."""
        with self.database.begin() as session:
            _revoke(session, UserSession.id == identity.session_id, self.clock.now(), "logged_out")

    def identify(self, token: str) -> Identity:
        """Return who an access token belongs to.

        Raises
        ------
        TokenError
            If the token is malformed or out of date, or its session or user was ended.
        """
        claims = read_token(token, self.policy.secret, self.clock.now())
        with self.database.read() as session:
            user = session.get(User, claims.user_id)
            opened = session.get(UserSession, claims.session_id)
            if user is None or opened is None or not self._alive(opened, user):
                raise TokenError("the session has ended", reason="ended")
            return _identity(user, opened.id)

    def _alive(self, opened: UserSession, user: User) -> bool:
        return user.active and opened.revoked_at is None and opened.expires_at > self.clock.now()

    def _issue(self, session: Session, opened: UserSession) -> Tokens:
        refresh = new_secret()
        now = self.clock.now()
        session.add(RefreshToken(digest=_digest(refresh), session_id=opened.id, issued_at=now))
        access = issue_token(Claims(opened.user_id, opened.id), self.policy.secret, now, self.policy.access_s)
        left_s = int((opened.expires_at - now).total_seconds())
        return Tokens(access, self.policy.access_s, refresh, left_s)

    def _check_rate(self, session: Session, subjects: tuple[str, str]) -> None:
        since = self.clock.now() - timedelta(seconds=FAILURE_WINDOW_S)
        for subject, most in zip(subjects, (MAX_FAILURES_PER_USER, MAX_FAILURES_PER_ADDRESS), strict=True):
            failures = session.scalar(
                select(func.count())
                .select_from(LoginFailure)
                .where(LoginFailure.subject == subject, LoginFailure.failed_at > since)
            )
            if (failures or 0) >= most:
                raise TooManyLoginsError("too many failed logins", retry_after_s=FAILURE_WINDOW_S)

    def _note_failure(self, name: str, address: str) -> None:
        now = self.clock.now()
        with self.database.begin() as session:
            session.execute(
                delete(LoginFailure).where(LoginFailure.failed_at <= now - timedelta(seconds=FAILURE_WINDOW_S))
            )
            for subject in _subjects(name, address):
                session.add(LoginFailure(id=self.ids.new(), subject=subject, failed_at=now))


def check_new_user(new: NewUser) -> None:
    """Refuse a user whose name, role and links do not fit together.

    Raises
    ------
    UserFieldError
        Naming the field.
    """
    if not _USERNAME.match(new.username):
        raise UserFieldError(
            f"user name {new.username!r}: use 2 to 64 of a-z 0-9 . _ -, starting with a letter or digit",
            field="username",
        )
    if new.role not in ROLES:
        raise UserFieldError(f"role {new.role!r} does not exist", field="role", known=list(ROLES))
    if new.role == "courier" and not new.courier_id:
        raise UserFieldError(f"user {new.username}: a courier's login needs courier_id", field="courier_id")
    if new.role == "company_viewer" and not new.company_id:
        raise UserFieldError(f"user {new.username}: a company's login needs company_id", field="company_id")


def _user_named(session: Session, username: str) -> User:
    user = session.scalar(select(User).where(User.username == username))
    if user is None:
        raise UnknownUserError(f"there is no user {username}", username=username)
    return user


def _revoke(session: Session, which: ColumnElement[bool], now: datetime, because: str) -> None:
    rows = session.scalars(select(UserSession).where(which, UserSession.revoked_at.is_(None)))
    for row in rows:
        row.revoked_at = now
        row.revoked_because = because


def _identity(user: User, session_id: str) -> Identity:
    return Identity(
        user_id=user.id,
        username=user.username,
        role=user.role,
        session_id=session_id,
        region=user.region,
        courier_id=user.courier_id,
        company_id=user.company_id,
        site_id=user.site_id,
    )


def _digest(token: str) -> str:
    # The token has 256 random bits, so a plain digest is enough; only passwords need a slow one.
    return hashlib.sha256(token.encode()).hexdigest()


def _subjects(name: str, address: str) -> tuple[str, str]:
    # Names are hashed: people type passwords into the name field.
    return f"user:{hashlib.sha256(name.encode()).hexdigest()[:40]}", f"address:{address[:45]}"
