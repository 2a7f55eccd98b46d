"""A simulated serial line: devices on a pseudo-terminal, with the faults real lines have."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final, Protocol, runtime_checkable

from firmware_bridge.codecs.checks import crc16_osdp
from firmware_bridge.simulator.boards import SimBoard, SimDevice, SimWkly


class Fault(StrEnum):
    """What can go wrong with an answer."""

    NOISE = "noise"
    TRUNCATION = "truncation"
    MERGE = "merge"
    SPLIT = "split"
    LATE = "late"
    ECHO = "echo"
    WRONG_ADDRESS = "wrong_address"
    BAD_CHECK = "bad_check"
    SILENCE = "silence"


#: Position of the address in an answer, by the answer's first byte (Modbus: the first byte itself).
_ADDRESS_AT: Final = {0x8A: 1, 0x80: 1, 0x02: 1, 0x57: 5, 0x90: 3, 0x53: 1}


@runtime_checkable
class Talker(Protocol):
    """A device that speaks without being asked, as some scales do."""

    def unasked(self, now_s: float) -> bytes:
        """Return what it says now, nothing most of the time."""
        ...


@dataclass
class FaultsState:
    """Which answers are spoilt, and how.

    Parameters
    ----------
    share
        Share of answers that are spoilt at random, by ``kinds``.
    script
        Faults for the next answers, one each, before chance rules; None leaves an answer as it is.
    late_s
        How late a late answer comes.
    always_echo
        The adapter returns everything that is sent.
    """

    seed: int = 1
    share: float = 0.0
    kinds: tuple[Fault, ...] = tuple(Fault)
    script: list[Fault | None] = field(default_factory=list)
    late_s: float = 0.5
    always_echo: bool = False
    done: Counter[Fault] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)  # noqa: S311 - noise, not a secret

    def next(self) -> Fault | None:
        """Choose the fault of the next answer."""
        chosen = None
        if self.script:
            chosen = self.script.pop(0)
        elif self._rng.random() < self.share:
            chosen = self._rng.choice(self.kinds)
        if chosen is not None:
            self.done[chosen] += 1
        return chosen

    def spoil(self, fault: Fault | None, request: bytes, answer: bytes) -> list[bytes]:
        """Return what goes over the line instead of an answer, in pieces."""
        pieces = [answer] if fault is None or not answer else self._spoilt(fault, request, answer)
        return [request, *pieces] if self.always_echo else pieces

    def _spoilt(self, fault: Fault, request: bytes, answer: bytes) -> list[bytes]:
        makers: dict[Fault, list[bytes]] = {
            Fault.NOISE: [self._rng.randbytes(self._rng.randint(1, 12)), answer],
            Fault.TRUNCATION: [answer[: self._rng.randrange(len(answer))]],
            Fault.MERGE: [answer + answer],
            Fault.SPLIT: [bytes((byte,)) for byte in answer],
            Fault.ECHO: [request, answer],
            Fault.WRONG_ADDRESS: [_readdressed(answer)],
            Fault.BAD_CHECK: [answer[:-1] + bytes((answer[-1] ^ 0x5A,))],
            Fault.SILENCE: [],
        }
        return makers[fault]


class SimLine:
    """Devices on one line; the other end is a device file like ``/dev/ttyUSB0``.

    Use as a context manager; :attr:`path` is what a driver opens, :attr:`spoilt_s` when it last carried something bad.
    """

    def __init__(self, devices: Sequence[SimDevice], faults: FaultsState | None = None) -> None:
        self.devices = list(devices)
        self.faults = faults or FaultsState()
        self.requests: list[bytes] = []
        self.unanswered = False
        self.overrun = 0
        self.spoilt_s = float("-inf")
        self._ours, theirs = pty.openpty()
        tty.setraw(theirs)
        tty.setraw(self._ours)
        os.set_blocking(self._ours, False)  # nobody reading must not stop the simulator
        self._theirs = theirs  # kept open: otherwise the line breaks when a driver closes it
        self.path = os.ttyname(theirs)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="sim-line", daemon=True)
        self._late: list[tuple[float, bytes]] = []

    def __enter__(self) -> SimLine:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        """Stop and give the line back."""
        self._stop.set()
        self._thread.join(2)
        os.close(self._ours)
        os.close(self._theirs)

    def shout(self, data: bytes) -> None:
        """Put bytes on the line that nobody asked for."""
        self._put(data)

    def move_by_hand(self, board: SimBoard, lock: int, *, closed: bool) -> None:
        """Open or shut a door by hand; boards that report such things do so."""
        board.doors[lock].move(closed=closed)
        if isinstance(board, SimWkly):
            self.shout(board.report(lock))

    def _serve(self) -> None:
        buffer = b""
        while not self._stop.is_set():
            self._send_late()
            self._send_unasked()
            if not select.select([self._ours], [], [], 0.005)[0]:
                continue
            try:
                buffer += os.read(self._ours, 4096)
            except OSError:
                return
            buffer = self._cut_requests(buffer)

    def _cut_requests(self, buffer: bytes) -> bytes:
        while buffer:
            lengths = [board.cut(buffer) for board in self.devices]
            length = max(lengths)
            if length == 0:
                buffer = buffer[1:]
                continue
            if length < 0 or length > len(buffer):
                return buffer
            self._handle(buffer[:length])
            buffer = buffer[length:]
        return buffer

    def _handle(self, request: bytes) -> None:
        self.requests.append(request)
        for board in self.devices:
            answer = board.answer(request)
            if answer is None or self.unanswered:
                continue
            fault = self.faults.next() if answer else None
            if fault is Fault.LATE:
                self._late.append((time.monotonic() + self.faults.late_s, answer))
                continue
            for piece in self.faults.spoil(fault, request, answer):
                if piece:
                    self._put(piece)
                    if fault is not None:
                        self.spoilt_s = time.monotonic()
                    if fault is Fault.SPLIT:
                        time.sleep(0.001)

    def _send_late(self) -> None:
        now_s = time.monotonic()
        while self._late and self._late[0][0] <= now_s:
            self._put(self._late.pop(0)[1])
            self.spoilt_s = now_s

    def _send_unasked(self) -> None:
        for device in self.devices:
            said = device.unasked(time.monotonic()) if isinstance(device, Talker) and not self.unanswered else b""
            if not said:
                continue
            fault = self.faults.next()
            if fault is Fault.LATE:
                self._late.append((time.monotonic() + self.faults.late_s, said))
                continue
            for piece in self.faults.spoil(fault, b"", said):
                self._put(piece)

    def _put(self, data: bytes) -> None:
        """Send what fits; like a serial line, it drops what nobody takes."""
        try:
            os.write(self._ours, data)
        except BlockingIOError:
            self.overrun += len(data)


def _readdressed(answer: bytes) -> bytes:
    """Return the answer as another board would give it, with a check that fits where that is simple."""
    if not answer:
        return answer
    place = _ADDRESS_AT.get(answer[0], 0)
    changed = bytearray(answer)
    changed[place] ^= 0x11
    if answer[0] in (0x8A, 0x80, 0x57):
        changed[-1] ^= 0x11
    elif answer[0] == 0x53:
        changed[-2:] = crc16_osdp(bytes(changed[:-2]))
    elif answer[0] == 0x02:
        changed[-1] = sum(changed[:-1]) & 0xFF
    return bytes(changed)
