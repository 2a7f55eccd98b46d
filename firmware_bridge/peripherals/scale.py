"""Scales: what they show, when it may be believed, and whether their zero still holds.

Two protocols that most scales sold for parcels speak. Toledo's continuous output comes ten times a second without
being asked: ``STX A B C wwwwww tttttt CR [sum]``, three status bytes, weight and tare. MT-SICS answers: ``SI`` asks for
a weight at once, ``Z`` sets zero. Sources: Mettler Toledo Wildcat and IND445 manuals; MT-SICS reference, level 0.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Protocol

from firmware_bridge.bus.deframer import hear
from firmware_bridge.bus.port import Port
from firmware_bridge.codecs.board import MORE, NO_FRAME, Request
from firmware_bridge.peripherals.errors import ScaleError

_STX, _CR, _LF = 0x02, 0x0D, 0x0A
_TOLEDO_BYTES: Final = 17
_SEVEN_BITS: Final = 0x7F
_ALWAYS: Final = 0x20  # set in every status byte
_POINT: Final = 0x07
_NET, _NEGATIVE, _OUT_OF_RANGE, _MOVING, _KILOGRAMS = 0x01, 0x02, 0x04, 0x08, 0x10
_UNIT_IN_C: Final = 0x07
_SICS_LONGEST: Final = 40
_SICS_WEIGHT: Final = re.compile(rb"S ([SD]) +(-?[0-9]{1,9}(?:\.[0-9]{1,6})?) (g|kg|mg|t)\r\n")
_SICS_STATE: Final = re.compile(rb"(S|Z) ([AIL+-])\r\n")
_GRAMS: Final = {"mg": Decimal("0.001"), "g": Decimal(1), "kg": Decimal(1000), "t": Decimal(1_000_000)}
_HEAVIEST_G: Final = 10_000_000


@dataclass(frozen=True)
class Weighing:
    """One look at a scale.

    Parameters
    ----------
    grams
        What lies on it, to the gram; None when it cannot say.
    stable
        Whether the scale itself calls it settled.
    problem
        Why there is no weight: ``overload``, ``underload`` or ``busy``.
    """

    grams: int | None
    stable: bool = False
    problem: str = ""


class Scale(Protocol):
    """A scale on a line."""

    def read(self) -> Weighing | None:
        """Return what it shows now; None when it says nothing in its time.

        Raises
        ------
        BusError
            If the line is gone.
        """
        ...

    def zero(self) -> bool:
        """Take the empty platform for zero; True when the scale confirms, False when it cannot or does not say.

        Raises
        ------
        BusError
            If the line is gone.
        """
        ...


class ToledoFraming:
    """Cuts continuous output, with or without its check, out of a stream."""

    longest = _TOLEDO_BYTES + 1

    def __init__(self, checked: bool = True) -> None:
        self._checked = checked

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure: all frames have one length."""
        if buffer and buffer[0] & _SEVEN_BITS != _STX:
            return NO_FRAME
        return _TOLEDO_BYTES + self._checked if buffer else MORE

    def valid(self, frame: bytes) -> bool:
        """Compare head, end, what is always so, and the sum where there is one."""
        said = bytes(byte & _SEVEN_BITS for byte in frame)  # an eighth bit is parity
        if len(said) != _TOLEDO_BYTES + self._checked or said[0] != _STX or said[16] != _CR:
            return False
        if not all(byte & _ALWAYS for byte in said[1:4]):
            return False
        return not self._checked or sum(said) & _SEVEN_BITS == 0


def read_toledo(frame: bytes) -> Weighing | None:
    """Read one valid frame; None when its weight is no number or its unit is not metric."""
    said = bytes(byte & _SEVEN_BITS for byte in frame)
    status_a, status_b, status_c = said[1:4]
    if status_b & _OUT_OF_RANGE:
        return Weighing(None, problem="underload" if status_b & _NEGATIVE else "overload")
    digits = said[4:10].decode("ascii").strip()
    grams_per_unit = _toledo_unit(status_b, status_c)
    if grams_per_unit is None or not re.fullmatch(r"[0-9]{1,6}", digits):
        return None
    # 2 in the low bits means whole units, 3 one decimal place, 1 a fixed zero behind.
    weight = Decimal(digits).scaleb(2 - (status_a & _POINT)) * grams_per_unit
    grams = _whole_grams(-weight if status_b & _NEGATIVE else weight)
    return None if grams is None else Weighing(grams, stable=not status_b & _MOVING)


def _toledo_unit(status_b: int, status_c: int) -> Decimal | None:
    described = status_c & _UNIT_IN_C
    if described == 0:
        return _GRAMS["kg"] if status_b & _KILOGRAMS else None  # pounds
    return {1: _GRAMS["g"], 2: _GRAMS["t"]}.get(described)


class SicsFraming:
    """Cuts MT-SICS lines out of a stream."""

    longest = _SICS_LONGEST

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure by the end of the line."""
        if buffer and buffer[0] not in b"SZE":
            return NO_FRAME
        end = buffer.find(b"\r\n")
        if end >= 0:
            return end + 2
        return MORE if len(buffer) < _SICS_LONGEST else NO_FRAME

    def valid(self, frame: bytes) -> bool:
        """Compare the form; the protocol has no check."""
        return bool(_SICS_WEIGHT.fullmatch(frame) or _SICS_STATE.fullmatch(frame))


def read_sics(frame: bytes) -> Weighing | None:
    """Read one line about a weight; None when it is about something else."""
    weight = _SICS_WEIGHT.fullmatch(frame)
    if weight is not None:
        try:
            grams = _whole_grams(Decimal(weight[2].decode("ascii")) * _GRAMS[weight[3].decode("ascii")])
        except InvalidOperation:
            return None
        return None if grams is None else Weighing(grams, stable=weight[1] == b"S")
    state = _SICS_STATE.fullmatch(frame)
    if state is None or state[1] != b"S":
        return None
    problem = {b"+": "overload", b"-": "underload"}.get(state[2], "busy")
    return Weighing(None, problem=problem)


class ToledoScale:
    """A scale with continuous output."""

    def __init__(self, port: Port, *, checked: bool = True, reply_s: float = 0.5) -> None:
        self._port = port
        self._framing = ToledoFraming(checked)
        self._reply_s = reply_s

    def read(self) -> Weighing | None:
        """Return the newest of what it says; what lies in the buffer is older and is thrown away."""
        self._port.flush_input()
        return hear(self._port, self._framing, self._reply_s, read_toledo)

    def zero(self) -> bool:
        """Ask for zero; it does not answer, so look at the weight afterwards."""
        self._port.write(b"Z\r\n")
        return False


class SicsScale:
    """A scale that answers."""

    def __init__(self, port: Port, *, reply_s: float = 0.5) -> None:
        self._port = port
        self._framing = SicsFraming()
        self._reply_s = reply_s

    def read(self) -> Weighing | None:
        """Ask for the weight at once, settled or not."""
        self._port.flush_input()
        self._port.write(b"SI\r\n")
        return hear(self._port, self._framing, self._reply_s, read_sics)

    def zero(self) -> bool:
        """Set zero; the scale waits until it is stable, and refuses outside its range."""
        self._port.flush_input()
        self._port.write(b"Z\r\n")
        return bool(hear(self._port, self._framing, self._reply_s * 4, _zeroed))


@dataclass(frozen=True)
class WeighingRules:
    """When a weight counts.

    Parameters
    ----------
    equal_g
        Stable readings may differ by so much.
    readings
        So many must agree.
    drift_g
        An empty platform may show so much; beyond it the zero is off.
    """

    equal_g: int = 5
    readings: int = 3
    step_s: float = 0.1
    timeout_s: float = 5.0
    drift_g: int = 20
    lightest_g: int = 1
    heaviest_g: int = 50_000


@dataclass(frozen=True)
class Weighed:
    """A weight for a price.

    ``provisional`` is set when the zero was off before: it is weighed again at collection.
    """

    grams: int
    provisional: bool


class ZeroWatchState:
    """Looks at the empty platform between customers.

    Parameters
    ----------
    empty
        Tells whether nothing lies on the platform by other evidence (door shut, item sensor); without that a
        forgotten parcel would be taken for drift.
    """

    def __init__(self, scale: Scale, rules: WeighingRules, empty: Callable[[], bool]) -> None:
        self._scale = scale
        self._rules = rules
        self._empty = empty
        self.off_by_g: int | None = None

    @property
    def drifted(self) -> bool:
        """Tell whether the zero is off, or has never been seen."""
        return self.off_by_g is None or abs(self.off_by_g) > self._rules.drift_g

    def check(self) -> bool:
        """Look once; set zero where it is off but near; return whether the zero holds."""
        if not self._empty():
            return not self.drifted
        seen = self._scale.read()
        self.off_by_g = seen.grams if seen is not None and seen.stable else None
        if self.off_by_g is not None and 0 < abs(self.off_by_g) <= self._rules.drift_g:
            self._scale.zero()
        return not self.drifted


def weigh(scale: Scale, rules: WeighingRules, *, zero_holds: bool) -> Weighed:
    """Return a weight after several equal stable readings.

    Raises
    ------
    ScaleError
        If the scale is silent, overloaded, never settles, or shows less than any parcel weighs.
    """
    until_s, equal, why = time.monotonic() + rules.timeout_s, list[int](), "does not settle"
    while time.monotonic() < until_s:
        seen = scale.read()
        if seen is None or seen.grams is None or not seen.stable:
            why = "is silent" if seen is None else seen.problem or "does not settle"
            equal = []
        else:
            equal = [*equal, seen.grams] if not equal or abs(seen.grams - equal[0]) <= rules.equal_g else [seen.grams]
            if len(equal) >= rules.readings:
                return _in_range(equal[-1], rules, zero_holds)
        time.sleep(rules.step_s)
    raise ScaleError(f"the scale {why}", why=why)


def _in_range(grams: int, rules: WeighingRules, zero_holds: bool) -> Weighed:
    if not rules.lightest_g <= grams <= rules.heaviest_g:
        raise ScaleError(f"{grams} g is no parcel", grams=grams)
    return Weighed(grams, provisional=not zero_holds)


def _zeroed(frame: bytes) -> bool | None:
    state = _SICS_STATE.fullmatch(frame)
    return state[2] == b"A" if state is not None and state[1] == b"Z" else None


def _whole_grams(grams: Decimal) -> int | None:
    return int(grams.to_integral_value()) if abs(grams) <= _HEAVIEST_G else None
