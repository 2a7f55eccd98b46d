"""Simulated lock boards: they take bytes and answer bytes, written from the sheets, apart from the codecs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import Final, Protocol

from firmware_bridge.codecs.checks import crc16_modbus

_FLICKERS: Final = 3


@dataclass
class SimDoorState:
    """One simulated box: its door, its coil, what lies in it.

    Parameters
    ----------
    jammed
        The coil pulses, the door stays shut.
    bounces
        The contact flickers for some readings after every movement.
    """

    closed: bool = True
    occupied: bool = False
    jammed: bool = False
    pulses: int = 0
    bounces: bool = False
    _flicker: int = 0

    def pulse(self) -> None:
        """Energise the coil once."""
        self.pulses += 1
        if not self.jammed:
            self.move(closed=False)

    def move(self, *, closed: bool) -> None:
        """Open or shut the door."""
        if self.closed != closed:
            self.closed = closed
            self._flicker = _FLICKERS if self.bounces else 0

    def sensed_closed(self) -> bool:
        """Read the contact, which may still bounce."""
        if self._flicker > 0:
            self._flicker -= 1
            return self.closed if self._flicker % 2 == 1 else not self.closed
        return self.closed


class SimDevice(Protocol):
    """Anything that answers on a line."""

    def answer(self, frame: bytes) -> bytes | None:
        """Act on a request meant for this board and return its answer; None when it is not for it."""
        ...

    def cut(self, buffer: bytes) -> int:
        """Return the length of the request at the start of the buffer: 0 when none starts there, -1 for more."""
        ...


class SimBoard(SimDevice, Protocol):
    """One simulated lock board on a line."""

    address: int
    doors: dict[int, SimDoorState]


@dataclass
class _Board:
    """What simulated boards share."""

    address: int
    locks: int
    doors: dict[int, SimDoorState] = field(default_factory=dict)
    one_is_open: bool = False

    def __post_init__(self) -> None:
        self.doors = {lock: SimDoorState() for lock in range(1, self.locks + 1)}

    def _bit(self, lock: int) -> bool:
        door = self.doors.get(lock)
        closed = door.sensed_closed() if door is not None else True
        return closed != self.one_is_open


class Sim8a(_Board):
    """A board of family 8A."""

    def cut(self, buffer: bytes) -> int:
        """Requests start with 8A or 80 and have five bytes."""
        return 5 if buffer[0] in (0x8A, 0x80) else 0

    def answer(self, frame: bytes) -> bytes | None:
        """Open a lock, tell one door or all."""
        if _xor(frame[:-1]) != frame[-1] or frame[1] != self.address:
            return None
        lock = frame[2]
        if frame[0] == 0x8A and frame[3] == 0x11 and lock in self.doors:
            self.doors[lock].pulse()
            return self._with_xor(bytes((0x8A, self.address, lock, 0x11 if self._bit(lock) else 0x00)))
        if frame[0] == 0x80 and frame[3] == 0x33 and lock == 0:
            width = 3 if self.locks <= 24 else 4
            bits = sum(1 << (number - 1) for number in self.doors if self._bit(number))
            bits |= (1 << width * 8) - (1 << self.locks)  # what is not there reads as ones
            return self._with_xor(bytes((0x80, self.address)) + bits.to_bytes(width, "big") + b"\x33")
        if frame[0] == 0x80 and frame[3] == 0x33 and lock in self.doors:
            return self._with_xor(bytes((0x80, self.address, lock, 0x11 if self._bit(lock) else 0x00)))
        return None

    @staticmethod
    def _with_xor(head: bytes) -> bytes:
        return head + bytes((_xor(head),))


class SimCu16(_Board):
    """A KERONG CU16."""

    def cut(self, buffer: bytes) -> int:
        """Requests start with STX and have five bytes."""
        return 5 if buffer[0] == 0x02 else 0

    def answer(self, frame: bytes) -> bytes | None:
        """Open without a word, or tell all locks and items."""
        if frame[3] != 0x03 or sum(frame[:-1]) & 0xFF != frame[-1] or frame[1] >> 4 != self.address:
            return None
        if frame[2] == 0x31:
            lock = (frame[1] & 15) + 1
            if lock in self.doors:
                self.doors[lock].pulse()
            return b""
        if frame[2] != 0x30:
            return None
        locked = sum(1 << (lock - 1) for lock in range(1, 17) if self._bit(lock))
        items = sum(1 << (lock - 1) for lock, door in self.doors.items() if door.occupied)
        head = b"\x02" + bytes((frame[1], 0x35)) + locked.to_bytes(2, "little") + items.to_bytes(2, "little") + b"\x03"
        return head + bytes((sum(head) & 0xFF,))


class SimWkly(_Board):
    """A WKLY board; moving a door by hand makes a report of its own."""

    def cut(self, buffer: bytes) -> int:
        """Requests start with WKLY and say their length."""
        if buffer[:4] != b"WKLY"[: len(buffer)]:
            return 0
        return -1 if len(buffer) < 5 else buffer[4] if 8 <= buffer[4] <= 60 else 0

    def answer(self, frame: bytes) -> bytes | None:
        """Open one, tell one or all."""
        if _xor(frame[:-1]) != frame[-1] or frame[5] != self.address:
            return None
        command, data = frame[6], frame[7:-1]
        if command == 0x84:
            states = bytes(int(self._bit(lock)) for lock in self.doors)
            return self._frame(0x84, bytes((0, self.locks)) + states)
        if command not in (0x82, 0x83) or len(data) != 1 or data[0] not in self.doors:
            return None
        if command == 0x82:
            self.doors[data[0]].pulse()
        return self._frame(command, bytes((0, data[0], int(self._bit(data[0])))))

    def report(self, lock: int) -> bytes:
        """Return the report a board sends when a door moves."""
        return self._frame(0x85, bytes((lock, int(self._bit(lock)))))

    def _frame(self, command: int, data: bytes) -> bytes:
        head = b"WKLY" + bytes((8 + len(data), self.address, command)) + data
        return head + bytes((_xor(head),))


@dataclass
class SimWinnsen(_Board):
    """A Winnsen board; ``cooling`` locks refuse."""

    one_is_open: bool = True
    lock_before_status: bool = True
    cooling: set[int] = field(default_factory=set)

    def cut(self, buffer: bytes) -> int:
        """Requests start with 90 06."""
        if buffer[:2] != b"\x90\x06"[: len(buffer)]:
            return 0
        return 6 if len(buffer) >= 2 else -1

    def answer(self, frame: bytes) -> bytes | None:
        """Open or tell one lock."""
        function, station, lock = frame[2], frame[3], frame[4]
        if frame[5] != 3 or station != self.address or lock not in self.doors:
            return None
        if function == 0x05:
            if lock in self.cooling:
                return bytes((0x90, 7, 0x85, station, lock, 2, 3))
            self.doors[lock].pulse()
            return bytes((0x90, 7, 0x85, station, lock, int(not self.doors[lock].jammed), 3))
        if function != 0x12:
            return None
        pair = (lock, int(self._bit(lock)))
        return bytes((0x90, 7, 0x92, station, *(pair if self.lock_before_status else pair[::-1]), 3))


@dataclass
class SimModbus(_Board):
    """A Modbus board whose coils from ``first`` on are pulses."""

    first: int = 0x65

    def cut(self, buffer: bytes) -> int:
        """Requests of functions 05 and 01 have eight bytes."""
        if len(buffer) < 2:
            return -1
        return 8 if buffer[1] in (0x05, 0x01) else 0

    def answer(self, frame: bytes) -> bytes | None:
        """Pulse a coil and copy the request, or refuse a coil that is not there."""
        if crc16_modbus(frame[:-2]) != frame[-2:] or frame[0] != self.address:
            return None
        lock = int.from_bytes(frame[2:4], "big") - self.first + 1
        if frame[1] != 0x05 or lock not in self.doors:
            head = bytes((self.address, frame[1] | 0x80, 2))
            return head + crc16_modbus(head)
        self.doors[lock].pulse()
        return frame


@dataclass
class SimCu48(_Board):
    """A CU48 as its only source lets one guess it."""

    def cut(self, buffer: bytes) -> int:
        """Requests start with STX and have six bytes."""
        return 6 if buffer[0] == 0x02 else 0

    def answer(self, frame: bytes) -> bytes | None:
        """Open without a word, or tell all 48 locks."""
        if frame[4] != 0x03 or sum(frame[:-1]) & 0xFF != frame[-1] or frame[1] != self.address:
            return None
        if frame[3] == 0x61:
            if frame[2] + 1 in self.doors:
                self.doors[frame[2] + 1].pulse()
            return b""
        if frame[3] != 0x60:
            return None
        bits = sum(1 << (lock - 1) for lock in range(1, 49) if self._bit(lock))
        head = bytes((0x02, self.address, frame[2], 0x75)) + bits.to_bytes(6, "little") + b"\x03"
        return head + bytes((sum(head) & 0xFF,))


@dataclass
class SimScu(_Board):
    """An SCU: one lock, no answers."""

    def cut(self, buffer: bytes) -> int:
        """Requests start with F5 and have eight bytes."""
        return 8 if buffer[0] == 0xF5 else 0

    def answer(self, frame: bytes) -> bytes | None:
        """Open without a word."""
        if frame[1] != self.address or frame[3] != 0x71 or sum(frame[:6]) & 0xFF != frame[6]:
            return None
        self.doors[1].pulse()
        return b""


@dataclass
class SimCu48Modbus(_Board):
    """A CU48 that speaks Modbus: 0000 unlocks, a set coil is a closed door."""

    def cut(self, buffer: bytes) -> int:
        """Requests of functions 05 and 01 have eight bytes."""
        if len(buffer) < 2:
            return -1
        return 8 if buffer[1] in (0x05, 0x01) else 0

    def answer(self, frame: bytes) -> bytes | None:
        """Unlock and copy the request, or tell 48 coils."""
        if crc16_modbus(frame[:-2]) != frame[-2:] or frame[0] != self.address:
            return None
        if frame[1] == 0x01:
            bits = sum(1 << (lock - 1) for lock in range(1, 49) if self._bit(lock))
            head = bytes((self.address, 0x01, 6)) + bits.to_bytes(6, "little")
            return head + crc16_modbus(head)
        lock = int.from_bytes(frame[2:4], "big") + 1
        if lock in self.doors and frame[4:6] == bytes(2):
            self.doors[lock].pulse()
        return frame


SIM_BOARDS: Final[dict[str, Callable[[int, int], SimBoard]]] = {
    "8a": lambda address, locks: Sim8a(address, locks),
    "cu16": lambda address, locks: SimCu16(address, locks),
    "wkly": lambda address, locks: SimWkly(address, locks),
    "winnsen": lambda address, locks: SimWinnsen(address, locks),
    "xunming-modbus": lambda address, locks: SimModbus(address, locks),
    "relay-modbus": lambda address, locks: SimModbus(address, locks, first=0x200),
    "cu48": lambda address, locks: SimCu48(address, locks),
    "scu": lambda address, _locks: SimScu(address, 1),
    "cu48-modbus": lambda address, locks: SimCu48Modbus(address, locks),
}
"""Makers of simulated boards by family: address and number of locks."""


def _xor(data: bytes) -> int:
    return reduce(xor, data, 0)
