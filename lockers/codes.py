"""Codes: for pick-up, drop-off, courier and entrance. One kind never opens what another is for.

Server codes are random and kept as a keyed digest. Offline codes are computed by server and cabinet from a key both
hold, for a window of time. Each is used once; guessing is limited per cabinet and per account.
A shelf code such as ``1-3-1257`` says where a parcel lies; it is public and opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from lockers.errors import CodeFormError

DIGITS: Final = 8
_TEN_POWER: Final = 10**DIGITS
#: Cabinet clocks may be off by this much before a code at the edge of its window is refused.
DRIFT: Final = timedelta(minutes=15)
_KEY_BYTES: Final = 32
_CODE: Final = re.compile(rf"[0-9]{{{DIGITS}}}")


class CodeKind(StrEnum):
    """What a code is for."""

    PICK_UP = "pick_up"
    DROP_OFF = "drop_off"
    COURIER = "courier"
    PROXY = "proxy"


class CodeState(StrEnum):
    """Whether a code still opens."""

    VALID = "valid"
    USED = "used"
    REVOKED = "revoked"


class CodeVerdict(StrEnum):
    """What came of presenting a code. A customer is told only: open, or not."""

    OPEN = "open"
    WRONG = "wrong"
    USED = "used"
    REVOKED = "revoked"
    TOO_EARLY = "too_early"
    EXPIRED = "expired"
    LOCKED_OUT = "locked_out"


@dataclass(frozen=True)
class IssuedCode:
    """A code as the server keeps it: never the digits, only their keyed digest.

    Parameters
    ----------
    cabinet
        The one cabinet it opens at.
    compartment
        The one box it opens.
    """

    id: str
    kind: CodeKind
    cabinet: str
    compartment: str
    parcel_id: str
    digest: str
    valid_from: datetime
    valid_to: datetime
    state: CodeState = CodeState.VALID

    def revoked(self) -> IssuedCode:
        """Return the code revoked; one that was used stays used."""
        return replace(self, state=CodeState.REVOKED) if self.state is CodeState.VALID else self

    def used(self) -> IssuedCode:
        """Return the code marked as used; to be stored before the box opens."""
        return replace(self, state=CodeState.USED)


def code_digest(key: bytes, kind: CodeKind, cabinet: str, digits: str) -> str:
    """Return the digest a server code is kept as: useless without the key, different at every cabinet.

    Raises
    ------
    CodeFormError
        If the digits are not eight, or the key is not 32 bytes.
    """
    _check(key, digits)
    return hmac.new(key, f"{kind.value}\x00{cabinet}\x00{digits}".encode(), hashlib.sha256).hexdigest()


def present(
    digits: str, kind: CodeKind, cabinet: str, codes: Iterable[IssuedCode], key: bytes, now: datetime
) -> tuple[CodeVerdict, IssuedCode | None]:
    """Judge a presented server code against those of a cabinet.

    Every code is compared, in constant time each, so that the time it takes tells nothing.

    Returns
    -------
    The verdict, and the code when it opens; it must be stored as used before the box is opened.
    """
    if _CODE.fullmatch(digits) is None:
        return CodeVerdict.WRONG, None
    wanted = code_digest(key, kind, cabinet, digits)
    matching: IssuedCode | None = None
    for code in codes:
        same = hmac.compare_digest(code.digest, wanted)
        if same and (code.kind, code.cabinet) == (kind, cabinet):
            # Of several with the same digits (rare, and then of different times) a valid one counts.
            matching = code if matching is None or code.state is CodeState.VALID else matching
    if matching is None:
        return CodeVerdict.WRONG, None
    verdict = _verdict(matching, now)
    return verdict, matching if verdict is CodeVerdict.OPEN else None


def _verdict(code: IssuedCode, now: datetime) -> CodeVerdict:
    if code.state is not CodeState.VALID:
        return CodeVerdict.USED if code.state is CodeState.USED else CodeVerdict.REVOKED
    if now < code.valid_from:
        return CodeVerdict.TOO_EARLY
    return CodeVerdict.EXPIRED if now >= code.valid_to else CodeVerdict.OPEN


@dataclass(frozen=True)
class OfflineWindow:
    """The window an offline code counts for, agreed by server and cabinet without talking.

    Parameters
    ----------
    index
        Number of the window since 1970, by its length.
    """

    index: int
    length: timedelta

    @classmethod
    def at(cls, moment: datetime, length: timedelta) -> OfflineWindow:
        """Return the window a moment lies in."""
        return cls(int(moment.timestamp() // length.total_seconds()), length)


def offline_code(key: bytes, compartment: str, parcel_id: str, window: OfflineWindow) -> str:
    """Compute the code that opens one box for one parcel within one window.

    Truncation as in RFC 4226 (HOTP), to eight digits; the key is the cabinet's own and rotates.

    Raises
    ------
    CodeFormError
        If the key is not 32 bytes.
    """
    if len(key) != _KEY_BYTES:
        raise CodeFormError("a code key has 32 bytes")
    length_s = int(window.length.total_seconds())
    label = f"offline\x00{compartment}\x00{parcel_id}\x00{length_s}\x00{window.index}".encode()
    digest = hmac.new(key, label, hashlib.sha256).digest()
    place = digest[-1] & 0x0F
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFF_FFFF
    return f"{number % _TEN_POWER:0{DIGITS}d}"


@dataclass(frozen=True)
class WaitingParcel:
    """A parcel in a box of this cabinet, as its local list has it."""

    compartment: str
    parcel_id: str


def present_offline(
    digits: str,
    parcels: Iterable[WaitingParcel],
    keys: Iterable[bytes],
    now: datetime,
    length: timedelta,
    used: frozenset[str] = frozenset(),
) -> tuple[CodeVerdict, WaitingParcel | None, str | None]:
    """Judge a presented offline code, with the network down.

    Parameters
    ----------
    keys
        The cabinet's present key and, for a while, the one before.
    now
        The cabinet's own idea of time; :data:`DRIFT` to either side is tolerated.
    used
        Marks of the codes used so far, kept by the cabinet over restarts.

    Returns
    -------
    Verdict, parcel, and the mark to be stored before the box is opened.
    """
    if _CODE.fullmatch(digits) is None:
        return CodeVerdict.WRONG, None, None
    windows = {OfflineWindow.at(now + drift, length) for drift in (-DRIFT, timedelta(0), DRIFT)}
    found: tuple[WaitingParcel, str] | None = None
    for key in keys:
        for parcel in parcels:
            for window in windows:
                if hmac.compare_digest(offline_code(key, parcel.compartment, parcel.parcel_id, window), digits):
                    found = (parcel, f"{parcel.compartment}/{parcel.parcel_id}/{window.index}")
    if found is None:
        return CodeVerdict.WRONG, None, None
    parcel, mark = found
    # One use for the parcel: the code of the next window does not open an emptied box again.
    if any(earlier.rpartition("/")[0] == mark.rpartition("/")[0] for earlier in used):
        return CodeVerdict.USED, None, None
    return CodeVerdict.OPEN, parcel, mark


@dataclass(frozen=True)
class GuessRules:
    """How many wrong codes are borne, and how long a lock-out lasts: it doubles each time."""

    wrong: int = 5
    within: timedelta = timedelta(minutes=10)
    first_lock_out: timedelta = timedelta(minutes=10)
    longest_lock_out: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class Guesses:
    """Wrong codes of one cabinet, or of one account or address; kept over restarts."""

    wrong_at: tuple[datetime, ...] = ()
    locked_until: datetime | None = None
    lock_outs: int = 0

    def locked(self, now: datetime) -> bool:
        """Tell whether nothing is judged now."""
        return self.locked_until is not None and now < self.locked_until

    def after_wrong(self, now: datetime, rules: GuessRules = GuessRules()) -> Guesses:
        """Return what is kept after one more wrong code."""
        recent = (*(moment for moment in self.wrong_at if now - moment < rules.within), now)
        if len(recent) < rules.wrong:
            return replace(self, wrong_at=recent)
        pause = min(rules.first_lock_out * 2**self.lock_outs, rules.longest_lock_out)
        return Guesses((), now + pause, self.lock_outs + 1)

    def after_right(self) -> Guesses:
        """Return what is kept after a right code: earlier slips are forgiven, lock-outs keep growing."""
        return replace(self, wrong_at=())


@dataclass
class GuessLimitState:
    """Limits per cabinet and per account; both must be free.

    Parameters
    ----------
    kept
        Guesses by ``cabinet:…`` and ``account:…``; to be stored after each change.
    """

    rules: GuessRules = field(default_factory=GuessRules)
    kept: dict[str, Guesses] = field(default_factory=dict)

    def free(self, subjects: Iterable[str], now: datetime) -> bool:
        """Tell whether a code may be judged now."""
        return not any(self.kept.get(subject, Guesses()).locked(now) for subject in subjects)

    def note(self, subjects: Iterable[str], verdict: CodeVerdict, now: datetime) -> Mapping[str, Guesses]:
        """Count a verdict for all subjects and return what changed; anything but "open" counts as a guess."""
        changed = {}
        for subject in subjects:
            guesses = self.kept.get(subject, Guesses())
            opened = verdict is CodeVerdict.OPEN
            changed[subject] = guesses.after_right() if opened else guesses.after_wrong(now, self.rules)
        self.kept |= changed
        return changed


def entry_code(key: bytes, station: str, moment: datetime, step_s: int = 30) -> str:
    """Return the code inside an entrance QR at a moment: a screenshot is worthless half a minute later.

    Source: RFC 6238 (TOTP), with SHA-256 and eight digits; the station is part of what is signed.

    Raises
    ------
    CodeFormError
        If the key is not 32 bytes.
    """
    if len(key) != _KEY_BYTES:
        raise CodeFormError("a code key has 32 bytes")
    counter = int(moment.timestamp()) // step_s
    digest = hmac.new(key, station.encode() + b"\x00" + counter.to_bytes(8, "big"), hashlib.sha256).digest()
    place = digest[-1] & 0x0F
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFF_FFFF
    return f"{number % _TEN_POWER:0{DIGITS}d}"


def entry_fits(
    digits: str, key: bytes, station: str, now: datetime, *, last_step: int = -1, step_s: int = 30
) -> int | None:
    """Judge an entrance code, one step to either side; return its step, to be stored as the last one used.

    Parameters
    ----------
    last_step
        Step of the last code this key opened with: the same or an earlier one is refused.
    """
    fitting: int | None = None
    for drift in (-1, 0, 1):
        moment = now + timedelta(seconds=drift * step_s)
        step = int(moment.timestamp()) // step_s
        if hmac.compare_digest(entry_code(key, station, moment, step_s), digits) and step > last_step:
            fitting = step
    return fitting


def _check(key: bytes, digits: str) -> None:
    if len(key) != _KEY_BYTES:
        raise CodeFormError("a code key has 32 bytes")
    if _CODE.fullmatch(digits) is None:
        raise CodeFormError(f"a code has {DIGITS} digits")
