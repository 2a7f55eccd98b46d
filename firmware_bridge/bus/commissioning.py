"""Commissioning: find out what vendors do not agree about, by opening each door once and looking.

Speed and address are found by reading, which opens nothing. Polarity, an echoing adapter and the order of Winnsen's
fields are learned; a door whose sensor does not follow is named, and the one that moved instead. One board is
connected, a person stands in front of it, and says what opened where a board has no sensors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from firmware_bridge.bus.master import BusMaster
from firmware_bridge.bus.port import Port
from firmware_bridge.codecs.board import BoardSettings, Codec, Door, Line, Request, States
from firmware_bridge.errors import BoardSettingsError

_OPENING_S: Final = 2.0
_STEP_S: Final = 0.06
_EQUAL_READS: Final = 2
#: Speeds boards are found at; a family's own is tried first.
BAUDS: Final = (9600, 19_200, 115_200, 38_400, 57_600, 4800, 2400)
#: Addresses that can be set by switches on most boards.
ADDRESSES: Final = range(16)


@dataclass(frozen=True)
class Found:
    """A board that answered: the line's settings and its address."""

    line: Line
    address: int


def find_board(
    open_port: Callable[[Line], Port],
    codec: Codec,
    guess: BoardSettings,
    bauds: Iterable[int] = BAUDS,
    addresses: Iterable[int] = ADDRESSES,
) -> Found | None:
    """Look for the one connected board by asking for its doors at every speed and address; nothing is opened.

    Parameters
    ----------
    open_port
        Opens the line with given settings.
    guess
        Number of locks and time-outs; its address is tried first.

    Returns
    -------
    None when nobody answers, which is always so for families that report no doors.

    Raises
    ------
    BusError
        If the line is gone.
    """
    bauds, addresses = list(bauds), list(addresses)
    for baud in dict.fromkeys((codec.line.baud, *bauds)):
        line = replace(codec.line, baud=baud)
        with closing(open_port(line)) as port:
            master = BusMaster(port, codec, line)
            for address in dict.fromkeys((guess.address, *addresses)):
                if _answers(master, codec, replace(guess, address=address)):
                    return Found(line, address)
    return None


def _answers(master: BusMaster, codec: Codec, settings: BoardSettings) -> bool:
    for lock_first in (True, False):
        request = _last_read(codec, replace(settings, lock_before_status=lock_first))
        if request is not None and isinstance(master.ask(request), States):
            return True
    return False


def _last_read(codec: Codec, settings: BoardSettings) -> Request | None:
    """Return a read of the last lock, whose number cannot be mistaken for a status; None where nothing can be read."""
    try:
        requests = codec.reads(settings)
    except BoardSettingsError:  # an address the family does not have
        return None
    return requests[-1] if requests else None


@dataclass(frozen=True)
class LockFinding:
    """What one lock did: whether its sensor followed when it opened and when it was shut again.

    ``instead`` names another lock whose sensor moved when this one was opened: crossed wires.
    """

    lock: int
    opened: bool
    shut: bool
    instead: int | None = None

    @property
    def sound(self) -> bool:
        """Tell whether lock and sensor belong together."""
        return self.opened and self.shut


@dataclass(frozen=True)
class Commissioned:
    """The result: settings to be kept, findings to be signed by whoever did it.

    ``answered`` is False when the board never spoke; then the settings are those it was asked with.
    """

    settings: BoardSettings
    strips_echo: bool
    answered: bool
    locks: tuple[LockFinding, ...]

    @property
    def faulty(self) -> tuple[int, ...]:
        """Return the locks whose sensor did not follow."""
        return tuple(finding.lock for finding in self.locks if not finding.sound)


class Commissioning:
    """Learns one board.

    Parameters
    ----------
    ask_to_shut
        Tells the person which door to shut; returns when that is done.
    ask_if_opened
        Asks the person whether a door has opened, for boards without sensors; without it they cannot be commissioned.
    """

    def __init__(
        self,
        port: Port,
        codec: Codec,
        ask_to_shut: Callable[[int], None],
        ask_if_opened: Callable[[int], bool] | None = None,
    ) -> None:
        self._port = port
        self._codec = codec
        self._ask_to_shut = ask_to_shut
        self._ask_if_opened = ask_if_opened

    def learn(self, guess: BoardSettings) -> Commissioned:
        """Open every door once and return what was learned.

        Parameters
        ----------
        guess
            Address, number of locks and time-outs; polarity and order are found out.

        Raises
        ------
        BusError
            If the line is gone.
        """
        if not self._codec.capabilities.sensor:
            return self._by_eye(guess)
        # As long as polarity is unknown, "open" only means "the bit is set".
        bits = replace(guess, one_is_open=True)
        echo = self._echoes(bits)
        master = BusMaster(self._port, self._codec, strips_echo=echo)
        ordered = self._with_order(master, bits)
        if ordered is None:
            return Commissioned(guess, echo, False, ())
        findings, votes = [], []
        for lock in range(1, guess.locks + 1):
            finding, vote = self._try_lock(master, ordered, lock)
            findings.append(finding)
            if vote is not None:
                votes.append(vote)
        one_is_open = sum(votes) * 2 > len(votes) if votes else guess.one_is_open
        # A sensor wired the other way round than its neighbours would call an open door closed.
        agreeing = iter(votes)
        checked = tuple(
            replace(finding, opened=next(agreeing) == one_is_open) if finding.opened else finding
            for finding in findings
        )
        return Commissioned(replace(ordered, one_is_open=one_is_open), echo, True, checked)

    def _by_eye(self, guess: BoardSettings) -> Commissioned:
        """Open every door once and let the person say what happened."""
        if self._ask_if_opened is None:
            return Commissioned(guess, False, False, ())
        master, findings = BusMaster(self._port, self._codec), []
        for lock in range(1, guess.locks + 1):
            self._ask_to_shut(lock)
            master.ask(self._codec.unlock(guess, lock))
            time.sleep(guess.pulse_ms / 1000)  # one coil at a time, and the person looks when it is over
            findings.append(LockFinding(lock, self._ask_if_opened(lock), True))
        self._ask_to_shut(guess.locks)
        return Commissioned(guess, False, True, tuple(findings))

    def _try_lock(self, master: BusMaster, settings: BoardSettings, lock: int) -> tuple[LockFinding, bool | None]:
        """Open one door and return what it did, and whether its bit was set while it stood open."""
        self._ask_to_shut(lock)
        shut = self._settled(master, settings, lock, None)
        before = self._all_doors(master, settings)
        master.ask(self._codec.unlock(settings, lock))
        opened = self._settled(master, settings, lock, shut)
        if Door.UNKNOWN in (shut, opened) or shut is opened:
            after = self._all_doors(master, settings)
            moved = [other for other in before if other != lock and after.get(other) not in (before[other], None)]
            self._ask_to_shut(moved[0] if len(moved) == 1 else lock)
            return LockFinding(lock, False, False, moved[0] if len(moved) == 1 else None), None
        self._ask_to_shut(lock)
        again = self._settled(master, settings, lock, opened)
        return LockFinding(lock, True, again is shut), opened is Door.OPEN

    def _all_doors(self, master: BusMaster, settings: BoardSettings) -> dict[int, Door]:
        doors: dict[int, Door] = {}
        for request in self._codec.reads(settings):
            reading = master.ask(request)
            if isinstance(reading, States):
                doors |= reading.doors
        return doors

    def _echoes(self, settings: BoardSettings) -> bool:
        """Tell whether the adapter returns what is sent."""
        requests = self._codec.reads(settings)
        if not requests:
            return False
        self._port.flush_input()
        self._port.write(requests[0].frame)
        heard, until_s = b"", time.monotonic() + settings.reply_s
        while (left_s := until_s - time.monotonic()) > 0:
            heard += self._port.read(left_s)
        return heard.startswith(requests[0].frame)

    def _with_order(self, master: BusMaster, settings: BoardSettings) -> BoardSettings | None:
        """Find the order of the status fields the board uses; None when it never answers."""
        for lock_first in (True, False):
            candidate = replace(settings, lock_before_status=lock_first)
            request = _last_read(self._codec, candidate)
            if request is not None and isinstance(master.ask(request), States):
                return candidate
        return None

    def _settled(self, master: BusMaster, settings: BoardSettings, lock: int, other_than: Door | None) -> Door:
        """Return the door's state after two equal reads, waiting for one other than a given state."""
        until_s, last, equal = time.monotonic() + _OPENING_S, Door.UNKNOWN, 0
        while time.monotonic() < until_s:
            seen = self._door(master, settings, lock)
            equal = equal + 1 if seen is last else 1
            last = seen
            if equal >= _EQUAL_READS and seen not in (Door.UNKNOWN, other_than):
                return seen
            time.sleep(_STEP_S)
        return last

    def _door(self, master: BusMaster, settings: BoardSettings, lock: int) -> Door:
        for request in self._codec.reads(settings):
            if request.lock in (None, lock):
                reading = master.ask(request)
                return reading.doors.get(lock, Door.UNKNOWN) if isinstance(reading, States) else Door.UNKNOWN
        return Door.UNKNOWN
