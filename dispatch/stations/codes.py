"""Codes of cabinets and stations: issued, presented, taken back; guessing is limited per cabinet and per account.

The digits of a code come from its id under a secret of the server, so that a reminder can repeat them although they
are stored nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.stations.errors import CodeLockedOutError, CodeRefusedError, UnknownCodeError
from dispatch.stations.model import StationCode, StationGuess
from kernel.clock import Clock
from kernel.ids import Ids
from lockers.codes import (
    DIGITS,
    CodeKind,
    CodeState,
    CodeVerdict,
    Guesses,
    GuessLimitState,
    GuessRules,
    IssuedCode,
    OfflineWindow,
    code_digest,
    offline_code,
    present,
)

_TEN_POWER: Final = 10**DIGITS
_REMEMBERED: Final = timedelta(days=30)  # afterwards an old code is simply wrong


def derived_key(secret: bytes, *label: str) -> bytes:
    """Return a 32-byte key for one purpose; the secret itself signs nothing."""
    return hmac.new(secret, "\x00".join(label).encode(), hashlib.sha256).digest()


@dataclass(frozen=True)
class Presented:
    """What came of presenting a code; the code only when it opens."""

    verdict: CodeVerdict
    code: StationCode | None = None
    locked_s: int = 0

    def must_open(self) -> StationCode:
        """Return the code that opens.

        Raises
        ------
        CodeLockedOutError
            If nothing is judged now.
        CodeRefusedError
            If it opens nothing; the reason is on record and not told.
        """
        if self.verdict is CodeVerdict.LOCKED_OUT:
            raise CodeLockedOutError("too many wrong codes", retry_after_s=self.locked_s)
        if self.code is None:
            raise CodeRefusedError("the code opens nothing here")
        return self.code


class CodeDesk:
    """Deals with codes in the caller's transaction.

    Parameters
    ----------
    secret
        The server's secret for codes; who knows it and the ids knows the digits.
    """

    def __init__(self, secret: bytes, clock: Clock, ids: Ids) -> None:
        self._secret = secret
        self._digest_key = derived_key(secret, "code", "digest")
        self._clock = clock
        self._ids = ids

    def issue(
        self, session: Session, kind: CodeKind, site_id: str, cell: str, parcel_id: str, valid_for: timedelta, by: str
    ) -> StationCode:
        """Make a code for one parcel in one cell; no two that count have the same digits at one cabinet."""
        now = self._clock.now()
        while True:
            code_id = self._ids.new()
            digest = code_digest(self._digest_key, kind, site_id, self._digits(code_id))
            if not self._taken(session, site_id, digest):
                break
        code = StationCode(
            id=code_id, kind=kind.value, site_id=site_id, cell=cell, parcel_id=parcel_id, digest=digest, valid_from=now,
            valid_to=now + valid_for, state=CodeState.VALID.value, issued_by=by, used_at=None,
        )  # fmt: skip
        session.add(code)
        session.flush()
        return code

    def digits(self, code: StationCode) -> str:
        """Return the digits of a code, for the message to its holder."""
        return self._digits(code.id)

    def offline_digits(self, site_id: str, cell: str, parcel_id: str, at: datetime, window_h: int) -> str:
        """Return the code a cabinet accepts without network within the window of a moment."""
        window = OfflineWindow.at(at, timedelta(hours=window_h))
        return offline_code(self.cabinet_key(site_id), cell, parcel_id, window)

    def cabinet_key(self, site_id: str, generation: int = 1) -> bytes:
        """Return the key a cabinet computes offline codes with; another generation is another key."""
        return derived_key(self._secret, "cabinet", site_id, str(generation))

    def key_for(self, *label: str) -> bytes:
        """Return a key for another purpose of stations, such as one entrance pass or one vehicle."""
        return derived_key(self._secret, *label)

    def one_time_digits(self, *label: str) -> str:
        """Return eight digits for one purpose, for example a vehicle's run."""
        return self._digits("\x00".join(label))

    def present(
        self, session: Session, kinds: Sequence[CodeKind], site_id: str, digits: str, account: str, rules: GuessRules
    ) -> Presented:
        """Judge digits at a cabinet; a code that opens is marked as used before anything moves.

        Commit also after a refusal: wrong codes are counted.

        Parameters
        ----------
        account
            Who presents it: ``account:…`` or ``address:…``; counted beside the cabinet.
        """
        subjects = (f"cabinet:{site_id}", account)
        locked_s = self.locked_s(session, subjects)
        if locked_s:
            return Presented(CodeVerdict.LOCKED_OUT, locked_s=locked_s)
        now = self._clock.now()
        verdict, code = self._judge(session, kinds, site_id, digits, now)
        self.count(session, subjects, verdict, rules)
        if code is not None:
            code.state, code.used_at = CodeState.USED.value, now
        session.flush()
        return Presented(verdict, code)

    def count(self, session: Session, subjects: Sequence[str], verdict: CodeVerdict, rules: GuessRules) -> None:
        """Count a verdict for cabinet and account; anything but "open" is a guess."""
        limits = GuessLimitState(rules, {subject: self._guesses(session, subject) for subject in subjects})
        for subject, guesses in limits.note(subjects, verdict, self._clock.now()).items():
            self._keep_guesses(session, subject, guesses)

    def locked_s(self, session: Session, subjects: Sequence[str]) -> int:
        """Return for how many seconds nothing is judged, 0 when codes are judged."""
        now = self._clock.now()
        ends = [self._guesses(session, subject).locked_until for subject in subjects]
        later = [end for end in ends if end is not None and end > now]
        return max(1, int((max(later) - now).total_seconds())) if later else 0

    def revoke(self, session: Session, code_id: str) -> StationCode:
        """Take a code back; one that was used stays used.

        Raises
        ------
        UnknownCodeError
            If there is none with this id.
        """
        code = session.get(StationCode, code_id, with_for_update=True)
        if code is None:
            raise UnknownCodeError(f"there is no code {code_id}", code=code_id)
        if code.state == CodeState.VALID.value:
            code.state = CodeState.REVOKED.value
        session.flush()
        return code

    def revoke_all(self, session: Session, parcel_id: str) -> None:
        """Take back every code of a parcel that is gone or moved."""
        query = select(StationCode).where(
            StationCode.parcel_id == parcel_id, StationCode.state == CodeState.VALID.value
        )
        for code in session.scalars(query):
            code.state = CodeState.REVOKED.value
        session.flush()

    def _judge(
        self, session: Session, kinds: Sequence[CodeKind], site_id: str, digits: str, now: datetime
    ) -> tuple[CodeVerdict, StationCode | None]:
        recent = select(StationCode).where(StationCode.site_id == site_id, StationCode.valid_to > now - _REMEMBERED)
        rows = session.scalars(recent.with_for_update()).all()
        by_id = {row.id: row for row in rows}
        issued = [_issued(row) for row in rows]
        verdict = CodeVerdict.WRONG
        for kind in kinds:  # every kind is compared, so that the time it takes tells nothing
            said, code = present(digits, kind, site_id, issued, self._digest_key, now)
            if code is not None:
                return said, by_id[code.id]
            verdict = said if verdict is CodeVerdict.WRONG else verdict
        return verdict, None

    def _digits(self, label: str) -> str:
        digest = hmac.new(derived_key(self._secret, "code", "digits"), label.encode(), hashlib.sha256).digest()
        return f"{int.from_bytes(digest[:8], 'big') % _TEN_POWER:0{DIGITS}d}"

    @staticmethod
    def _taken(session: Session, site_id: str, digest: str) -> bool:
        query = select(StationCode.id).where(
            StationCode.site_id == site_id, StationCode.digest == digest, StationCode.state == CodeState.VALID.value
        )
        return session.scalar(query.limit(1)) is not None

    @staticmethod
    def _guesses(session: Session, subject: str) -> Guesses:
        row = session.get(StationGuess, subject, with_for_update=True)
        if row is None:
            return Guesses()
        return Guesses(tuple(datetime.fromisoformat(at) for at in row.wrong_at), row.locked_until, row.lock_outs)

    @staticmethod
    def _keep_guesses(session: Session, subject: str, guesses: Guesses) -> None:
        session.merge(
            StationGuess(
                subject=subject, wrong_at=[at.isoformat() for at in guesses.wrong_at],
                locked_until=guesses.locked_until, lock_outs=guesses.lock_outs,
            )
        )  # fmt: skip
        session.flush()


def _issued(row: StationCode) -> IssuedCode:
    return IssuedCode(
        row.id, CodeKind(row.kind), row.site_id, row.cell, row.parcel_id, row.digest, row.valid_from, row.valid_to,
        CodeState(row.state),
    )  # fmt: skip
