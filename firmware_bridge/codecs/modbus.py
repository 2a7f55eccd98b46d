"""Modbus RTU boards: Xunming's lock board, plain relay boards and, experimental, CU48; the board times its pulses.

A crash of ours between "on" and "off" would burn a coil, so "on" is never said: Xunming takes the pulse length
in milliseconds as the value of the coil, relays of Waveshare's kind in tenths of a second at coil 0200 + n.
Function 05 answers with a copy of the request: no evidence of anything.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.codecs.board import (
    MORE,
    NO_FRAME,
    Answered,
    BoardSettings,
    Capabilities,
    Line,
    Purpose,
    Reading,
    Request,
    States,
    checked_lock,
    door_of,
    refuse_unless_allowed,
)
from firmware_bridge.codecs.checks import crc16_modbus
from firmware_bridge.errors import BoardSettingsError

_READ_COILS: Final = 0x01
_WRITE_COIL: Final = 0x05
_EXCEPTION: Final = 0x80
_EXCEPTION_BYTES: Final = 5
_ECHO_BYTES: Final = 8
_CU48_REPLY_BYTES: Final = 11  # node, function, count, six bytes of coils, CRC
_CU48_HEAD: Final = bytes((_READ_COILS, 6))
_CU48_NODES: Final = range(1, 11)
# FE and FF mean "any board": only for commissioning with one board connected, never here.
_NODES: Final = range(1, 248)
_EXCEPTIONS: Final = {1: "function unknown to the board", 2: "no such lock on the board", 3: "value refused"}


class _PulsedCoils:
    """What both kinds share: one coil written once, answered by its copy or an exception."""

    longest = _ECHO_BYTES

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Return no request: these boards report no doors."""
        return ()

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure by function: a copy has eight bytes, an exception five."""
        if request is None or buffer[:1] != request.frame[: len(buffer[:1])]:
            return NO_FRAME
        if len(buffer) < 2:
            return MORE
        return {_WRITE_COIL: _ECHO_BYTES, _WRITE_COIL | _EXCEPTION: _EXCEPTION_BYTES}.get(buffer[1], NO_FRAME)

    def valid(self, frame: bytes) -> bool:
        """Compare the CRC."""
        return len(frame) >= _EXCEPTION_BYTES and crc16_modbus(frame[:-2]) == frame[-2:]

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Read a refusal; a copy of the request says only that something heard it."""
        if request is None or request.lock is None or frame[0] != request.settings.address:
            return None
        if frame[1] == _WRITE_COIL | _EXCEPTION:
            return Answered(request.lock, refused=True, reason=_EXCEPTIONS.get(frame[2], f"exception {frame[2]}"))
        return Answered(request.lock, refused=False) if frame == request.frame else None


class XunmingModbus(_PulsedCoils):
    """Codec of Xunming's 16-lock Modbus board (shipped from 2024)."""

    family = "xunming-modbus"
    line = Line(115_200)
    capabilities = Capabilities(sensor=False, unsolicited=False, check="crc16", echoes_unlock=True, pulse_ms=(50, 5000))
    _FIRST = 0x65
    _LOCKS = range(1, 17)

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Pulse one lock for the board's set time; the board ends the pulse itself."""
        checked_lock(settings, lock, _NODES, self._LOCKS)
        pulse_ms = _checked_pulse(settings, self.capabilities)
        frame = _write_coil(settings, self._FIRST + lock - 1, pulse_ms)
        return Request(frame, Purpose.UNLOCK, settings, lock)


class RelayModbus(_PulsedCoils):
    """Codec of relay boards with "flash on" coils, as Waveshare's; the pulse counts in tenths of a second."""

    family = "relay-modbus"
    line = Line(9600)
    capabilities = Capabilities(
        sensor=False, unsolicited=False, check="crc16", echoes_unlock=True, pulse_ms=(100, 5000)
    )
    _FLASH_ON = 0x0200
    _LOCKS = range(1, 33)

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Switch one relay on for the set time; the board switches it off itself."""
        checked_lock(settings, lock, _NODES, self._LOCKS)
        tenths = _checked_pulse(settings, self.capabilities) // 100
        return Request(_write_coil(settings, self._FLASH_ON + lock - 1, tenths), Purpose.UNLOCK, settings, lock)

    def coils(self, settings: BoardSettings) -> bytes:
        """Return the frame that asks which relays are on, for diagnosis: in rest none may be."""
        checked_lock(settings, 1, _NODES, self._LOCKS)
        return _read_coils(settings, settings.locks)


class Cu48Modbus(_PulsedCoils):
    """Codec of CU48 boards that speak Modbus: experimental, because it is the inverse of relay boards.

    Writing 0000 unlocks and FF00 locks; a set coil is a closed door. "Unlock lock 1" is byte for byte "relay 1 off"
    of a relay board, so a family set wrongly opens nothing there and everything here. Known from one emulator only.
    """

    family = "cu48-modbus"
    line = Line(115_200)
    capabilities = Capabilities(sensor=True, unsolicited=False, check="crc16", echoes_unlock=True, experimental=True)
    longest = _CU48_REPLY_BYTES
    _LOCKS = range(1, 49)

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Write 0000 to a lock's coil; the board ends the pulse."""
        refuse_unless_allowed(settings, self.family)
        checked_lock(settings, lock, _CU48_NODES, self._LOCKS)
        return Request(_write_coil(settings, lock - 1, 0), Purpose.UNLOCK, settings, lock)

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Read all 48 coils with one request."""
        refuse_unless_allowed(settings, self.family)
        checked_lock(settings, 1, _CU48_NODES, self._LOCKS)
        return (Request(_read_coils(settings, len(self._LOCKS)), Purpose.READ, settings),)

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure by function: 48 coils come in eleven bytes."""
        if request is not None and request.purpose is Purpose.READ and buffer[:1] == request.frame[:1]:
            if len(buffer) < 2:
                return MORE
            return {_READ_COILS: _CU48_REPLY_BYTES, _READ_COILS | _EXCEPTION: _EXCEPTION_BYTES}.get(buffer[1], NO_FRAME)
        return super().measure(buffer, request)

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Read the doors, least significant bit first, or an answer to an unlock."""
        if request is None or request.purpose is not Purpose.READ:
            return super().understand(frame, request)
        if frame[0] != request.settings.address or frame[1:3] != _CU48_HEAD:
            return None
        bits = int.from_bytes(frame[3:-2], "little")
        locks = range(1, request.settings.locks + 1)
        return States({lock: door_of(bool(bits >> (lock - 1) & 1), request.settings) for lock in locks})


def _checked_pulse(settings: BoardSettings, capabilities: Capabilities) -> int:
    assert capabilities.pulse_ms is not None
    shortest, longest = capabilities.pulse_ms
    if not shortest <= settings.pulse_ms <= longest:
        raise BoardSettingsError(
            f"a pulse of {settings.pulse_ms} ms is outside {shortest} to {longest} ms", field="pulse_ms"
        )
    return settings.pulse_ms


def _write_coil(settings: BoardSettings, coil: int, value: int) -> bytes:
    return _closed(bytes((settings.address, _WRITE_COIL)) + coil.to_bytes(2, "big") + value.to_bytes(2, "big"))


def _read_coils(settings: BoardSettings, count: int) -> bytes:
    return _closed(bytes((settings.address, _READ_COILS)) + bytes(2) + count.to_bytes(2, "big"))


def _closed(head: bytes) -> bytes:
    return head + crc16_modbus(head)
