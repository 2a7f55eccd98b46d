"""What all lock-board families have in common: settings, requests, readings, capabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, Protocol

from firmware_bridge.errors import BoardSettingsError

#: Returned by :meth:`Codec.measure` when the bytes so far cannot tell the frame's length.
MORE: Final = -1
#: Returned by :meth:`Codec.measure` when no frame starts at the first byte.
NO_FRAME: Final = 0


class Door(StrEnum):
    """What a door sensor says."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Purpose(StrEnum):
    """What a request is for; an unlock is sent once, a read may be repeated."""

    UNLOCK = "unlock"
    READ = "read"


@dataclass(frozen=True)
class Line:
    """Settings of the serial line a family uses by default."""

    baud: int
    parity: Literal["N", "E", "O"] = "N"

    @property
    def char_s(self) -> float:
        """Return the time of one character with start, stop and parity bit, seconds."""
        return (10 if self.parity == "N" else 11) / self.baud


@dataclass(frozen=True)
class Capabilities:
    """What a family can do.

    Parameters
    ----------
    sensor
        Whether it reports doors at all; without it the best outcome of an opening is "unknown".
    unsolicited
        Whether it speaks without being asked.
    check
        How it protects its frames; an 8-bit check lets one in 256 random corruptions through.
    echoes_unlock
        Whether its answer to an unlock may equal the request, so that an echoing adapter looks like success.
    pulse_ms
        Shortest and longest pulse that can be asked for, where the board times it.
    experimental
        Its sources contradict themselves or nobody vouches for them: every board must be allowed by its settings.
    """

    sensor: bool
    unsolicited: bool
    check: Literal["xor", "sum", "crc16", "none"]
    echoes_unlock: bool
    pulse_ms: tuple[int, int] | None = None
    items: bool = False
    experimental: bool = False


@dataclass(frozen=True)
class BoardSettings:
    """One board on a bus, as commissioning found it.

    Parameters
    ----------
    one_is_open
        Polarity: whether a set bit, or the value 1 (``11`` in family 8A), means an open door.
    lock_before_status
        Order of the fields in Winnsen's status reply, which differs between revisions.
    turnaround_s
        Pause the board needs between its answer and the next request.
    reply_s, unlock_reply_s
        Longest wait for an answer to a read and to an unlock; family 8A answers an unlock after about a second.
    experimental
        Whoever commissioned it accepts a family whose frames are doubtful.
    """

    address: int
    locks: int
    one_is_open: bool = False
    lock_before_status: bool = True
    pulse_ms: int = 500
    turnaround_s: float = 0.0
    reply_s: float = 0.3
    unlock_reply_s: float = 0.5
    experimental: bool = False

    def wait_s(self, purpose: Purpose) -> float:
        """Return the longest wait for an answer."""
        return self.unlock_reply_s if purpose is Purpose.UNLOCK else self.reply_s


@dataclass(frozen=True)
class Request:
    """A frame to be sent and what its answer must be about.

    Parameters
    ----------
    expects_reply
        False where no answer can be relied on.
    """

    frame: bytes
    purpose: Purpose
    settings: BoardSettings
    lock: int | None = None
    expects_reply: bool = True


@dataclass(frozen=True)
class States:
    """Doors, and where the board sees them items, by lock number."""

    doors: Mapping[int, Door]
    items: Mapping[int, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """A board's answer to an unlock: ``refused`` may be believed, anything else proves nothing."""

    lock: int
    refused: bool
    reason: str = ""


@dataclass(frozen=True)
class Changed:
    """A board's own report that a door moved."""

    address: int
    lock: int
    door: Door


Reading = States | Answered | Changed


class Framing(Protocol):
    """How frames are cut out of a stream."""

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Return the length of the frame that starts at the first byte, :data:`MORE` or :data:`NO_FRAME`.

        Parameters
        ----------
        request
            The pending one: some families' frames can only be measured with it.
        """
        ...

    def valid(self, frame: bytes) -> bool:
        """Tell whether a whole frame's check, head and tail fit."""
        ...


class Codec(Framing, Protocol):
    """One family: pure, without memory.

    There is deliberately no way to say "open all" or "stay open".
    """

    @property
    def family(self) -> str:
        """Return the family's name."""
        ...

    @property
    def line(self) -> Line:
        """Return the line settings boards leave the factory with."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Return what the family can do."""
        ...

    @property
    def longest(self) -> int:
        """Return the length of its longest frame, bytes."""
        ...

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Make the one frame that pulses one lock.

        Raises
        ------
        BoardSettingsError
            If address, lock or pulse are outside what the family allows.
        """
        ...

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Make the requests that together read all doors; none where there is no sensor."""
        ...

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Read a valid frame; None when it does not answer the pending request."""
        ...


def checked_lock(settings: BoardSettings, lock: int, addresses: range, locks: range) -> None:
    """Refuse an address or lock that the family does not have, or that would mean several at once.

    Raises
    ------
    BoardSettingsError
        Naming address or lock.
    """
    if settings.address not in addresses:
        raise BoardSettingsError(f"board address {settings.address} is outside {addresses}", field="address")
    if lock not in locks or lock > settings.locks:
        raise BoardSettingsError(f"board {settings.address} has no lock {lock}", field="lock")


def refuse_unless_allowed(settings: BoardSettings, family: str) -> None:
    """Refuse an experimental family on a board whose settings do not allow it.

    Raises
    ------
    BoardSettingsError
        If ``experimental`` is not set.
    """
    if not settings.experimental:
        raise BoardSettingsError(
            f"family {family} is experimental; board {settings.address} does not allow it", field="experimental"
        )


def door_of(value: bool, settings: BoardSettings) -> Door:
    """Apply the board's polarity to a bit."""
    return Door.OPEN if value == settings.one_is_open else Door.CLOSED
