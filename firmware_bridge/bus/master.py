"""The bus master: the only one who speaks on a line, one request at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from firmware_bridge.bus.deframer import DeframerState
from firmware_bridge.bus.port import Port
from firmware_bridge.codecs.board import Changed, Codec, Line, Purpose, Reading, Request
from kernel.log import get_logger

log = get_logger("firmware_bridge.bus")

READ_TRIES: Final = 3
_GAP_CHARS: Final = 3.5
#: A read whose answer broke off is asked again after so long without a byte; USB adapters hold bytes for 16 ms.
_BROKEN_S: Final = 0.1
_FAST_GAP_S: Final = 0.00175  # fixed above 19200 baud, as Modbus over serial line says


@dataclass
class BusStatsState:
    """What a line went through since the start."""

    requests: int = 0
    answered: int = 0
    silent: int = 0
    foreign: int = 0
    skipped_bytes: int = 0
    stale_bytes: int = 0


class BusMaster:
    """Owns a line.

    Parameters
    ----------
    strips_echo
        The adapter returns what was sent (found at commissioning): that many equal bytes are dropped first.
    on_change
        Called with a board's own reports; it must return at once.

    Notes
    -----
    Safe to use from several threads: requests queue up on a lock. Reads are tried three times; an unlock is sent
    once, whatever comes back, because no answer does not mean that nothing opened.
    """

    def __init__(
        self,
        port: Port,
        codec: Codec,
        line: Line | None = None,
        *,
        strips_echo: bool = False,
        on_change: Callable[[Changed], None] | None = None,
    ) -> None:
        self._port = port
        self.codec = codec
        self._line = line or codec.line
        self._strips_echo = strips_echo
        self._on_change = on_change
        self._lock = threading.Lock()
        self._quiet_since_s = float("-inf")
        self._turnaround_s = 0.0
        self.stats = BusStatsState()

    def ask(self, request: Request) -> Reading | None:
        """Send a request and return its answer, None when none came that fits.

        Raises
        ------
        BusError
            If the line itself is gone.
        """
        tries = READ_TRIES if request.purpose is Purpose.READ else 1
        with self._lock:
            for _ in range(tries):
                reading = self._once(request)
                if reading is not None or not request.expects_reply:
                    return reading
        return None

    def listen(self, seconds: float) -> None:
        """Take in boards' own reports for a while."""
        with self._lock:
            frames = DeframerState(self.codec, None)
            ends_s = time.monotonic() + seconds
            while (left_s := ends_s - time.monotonic()) > 0:
                for frame in frames.feed(self._port.read(left_s)):
                    self._report(self.codec.understand(frame, None))

    def close(self) -> None:
        """Give the line back."""
        with self._lock:
            self._port.close()

    def _once(self, request: Request) -> Reading | None:
        self._keep_gap()
        self._drop_stale()
        self.stats.requests += 1
        self._port.write(request.frame)
        sent_s = time.monotonic() + len(request.frame) * self._line.char_s
        reading = (
            self._await(request, sent_s + request.settings.wait_s(request.purpose)) if request.expects_reply else None
        )
        self._quiet_since_s = max(time.monotonic(), sent_s)
        self._turnaround_s = request.settings.turnaround_s
        if reading is not None:
            self.stats.answered += 1
        elif request.expects_reply:
            self.stats.silent += 1
        return reading

    def _await(self, request: Request, until_s: float) -> Reading | None:
        frames = DeframerState(self.codec, request)
        echo = request.frame if self._strips_echo else b""
        broken_s = _BROKEN_S if request.purpose is Purpose.READ else float("inf")
        try:
            while (left_s := until_s - time.monotonic()) > 0:
                data, echo = _without_echo(self._port.read(left_s), echo)
                if data:
                    until_s = min(until_s, time.monotonic() + broken_s)
                reading = self._first_fitting(frames.feed(data), request)
                if reading is not None:
                    return reading
            return self._first_fitting(frames.settle(), request)
        finally:
            self.stats.skipped_bytes += frames.skipped

    def _first_fitting(self, frames: list[bytes], request: Request) -> Reading | None:
        for frame in frames:
            reading = self.codec.understand(frame, request)
            if isinstance(reading, Changed):
                self._report(reading)
            elif reading is not None:
                return reading
            else:
                self.stats.foreign += 1
        return None

    def _drop_stale(self) -> None:
        stale = self._port.flush_input()
        if not stale:
            return
        self.stats.stale_bytes += len(stale)
        log.debug("stale_bytes", count=len(stale))
        if self.codec.capabilities.unsolicited:
            frames = DeframerState(self.codec, None)
            for frame in frames.feed(stale) + frames.settle():
                self._report(self.codec.understand(frame, None))

    def _report(self, reading: Reading | None) -> None:
        if isinstance(reading, Changed) and self._on_change is not None:
            self._on_change(reading)

    def _keep_gap(self) -> None:
        gap_s = _FAST_GAP_S if self._line.baud > 19_200 else _GAP_CHARS * self._line.char_s
        wait_s = self._quiet_since_s + max(gap_s, self._turnaround_s) - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)


def _without_echo(data: bytes, echo: bytes) -> tuple[bytes, bytes]:
    """Drop the part of ``data`` that is the echo still expected; return the rest of both."""
    length = 0
    while length < min(len(data), len(echo)) and data[length] == echo[length]:
        length += 1
    if length < len(data):
        return data[length:], b""  # something else came: no more echo is to be expected
    return b"", echo[length:]
