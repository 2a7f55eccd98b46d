"""Badges at the door reader: what the local list allows opens, with or without network; the rest is an event."""

from __future__ import annotations

import threading
import time
from typing import Final

from firmware_bridge.device.agent import Agent
from firmware_bridge.device.store import Fact
from firmware_bridge.readers.reader import POLL_S, CardRead, KeysPressed, Lamp, OsdpReader, ReaderEvent
from firmware_bridge.readers.wiegand import WiegandCard
from kernel.clock import Clock
from kernel.errors import CundaError
from kernel.log import get_logger
from lockers.codes import CodeVerdict, GuessLimitState

log = get_logger("firmware_bridge.device")

PIN_S: Final = 15.0
_LONGEST_PIN: Final = 12
_AGAIN_S: Final = 5.0
_END_S: Final = 5.0


class BadgeDesk:
    """Takes badges from one reader to the agent.

    Parameters
    ----------
    opens
        Box or door the reader stands for.
    pin_s
        So long a card that needs a PIN waits for it.

    Notes
    -----
    The credential of a Wiegand card is ``w26-FACILITY-NUMBER-PIN``: such a card alone proves nothing, so its PIN on
    the keypad, ended by ``#``, belongs to it. Any other card is ``card-BITS-HEX``. Five wrong ones lock the reader
    out for ten minutes and longer, until the program starts anew.
    """

    def __init__(self, reader: OsdpReader, opens: str, agent: Agent, clock: Clock, pin_s: float = PIN_S) -> None:
        self._reader = reader
        self._opens = opens
        self._agent = agent
        self._clock = clock
        self._pin_s = pin_s
        self._limits = GuessLimitState()
        self._card: tuple[WiegandCard, float] | None = None
        self._pin = ""
        self._thread: threading.Thread | None = None

    def start(self, stop: threading.Event) -> None:
        """Begin to poll."""
        self._thread = threading.Thread(target=self._run, args=(stop,), name="badges", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread once it was told to stop."""
        if self._thread is not None:
            self._thread.join(_END_S)

    def turn(self) -> None:
        """Ask the reader once and act on what it tells.

        Raises
        ------
        BusError
            If the line is gone.
        """
        for event in self._reader.poll():
            self._take(event)
        if self._card is not None and time.monotonic() > self._card[1]:
            self._card = None
            self._refuse("second_factor")

    def _take(self, event: ReaderEvent) -> None:
        if isinstance(event, CardRead):
            card, self._pin = event.card, ""
            if card is None:
                self._card = None
                self._judge(f"card-{event.bit_count}-{event.data.hex()}")
            elif not card.opens_with(()):
                self._card = (card, time.monotonic() + self._pin_s)
                self._reader.lamp(Lamp.AMBER)
        elif isinstance(event, KeysPressed) and self._card is not None:
            for key in event.keys:
                self._press(key)

    def _press(self, key: str) -> None:
        if key == "#" and self._card is not None and self._pin:
            card, self._card = self._card[0], None
            self._judge(f"w26-{card.facility}-{card.number}-{self._pin}")
        elif key == "*" or len(self._pin) >= _LONGEST_PIN:
            self._pin = ""
        elif key.isdigit():
            self._pin += key

    def _judge(self, credential: str) -> None:
        self._pin = ""
        subjects, now = (f"reader:{self._opens}",), self._clock.now()
        if not self._limits.free(subjects, now):
            self._refuse("locked_out")
            return
        allowed = self._agent.present(credential, self._opens).grant is not None
        self._limits.note(subjects, CodeVerdict.OPEN if allowed else CodeVerdict.WRONG, now)
        self._reader.lamp(Lamp.GREEN if allowed else Lamp.RED)
        self._reader.beep(1 if allowed else 3)

    def _refuse(self, verdict: str) -> None:
        self._agent.record(Fact("access", "access.presented", {"target": self._opens, "verdict": verdict}))
        self._reader.lamp(Lamp.RED)
        self._reader.beep(3)

    def _run(self, stop: threading.Event) -> None:
        pause_s = POLL_S
        while not stop.wait(pause_s):
            try:
                self.turn()
                pause_s = POLL_S
            except (CundaError, OSError) as problem:
                log.error("reader_turn_failed", why=str(problem))
                pause_s = _AGAIN_S
