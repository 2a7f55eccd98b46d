"""What attacks in the trials use: kiosks whose coils count, and the broker's own hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random
from types import TracebackType
from typing import Final

from benchmarks.trials.stage import PASSWORD
from firmware_bridge.broker.accounts import SERVER_USER
from firmware_bridge.bus.cabinet import Pulse
from firmware_bridge.codecs.board import Door
from firmware_bridge.device.agent import Agent, serve
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.endpoint import BrokerAddress, Login, Profile
from firmware_bridge.link import Link, LinkOptions, drive
from kernel.clock import SystemClock
from kernel.ids import SystemIds

BOX: Final = "c1-1"


class CountingDoors:
    """One box with a sensor; its coil counts, and whoever opened it shuts it again at once."""

    def __init__(self) -> None:
        self.pulses = 0
        self._open_looks = 0

    def has_sensor(self, target: str) -> bool:
        """Tell that the door can be seen."""
        return True

    def door(self, target: str) -> Door:
        """Return what was seen last."""
        return Door.OPEN if self._open_looks > 0 else Door.CLOSED

    def look(self, target: str) -> Door:
        """Look: open for a short while after a pulse."""
        self._open_looks = max(self._open_looks - 1, 0)
        return Door.OPEN if self._open_looks > 0 else Door.CLOSED

    def pulse(self, target: str) -> Pulse:
        """Count."""
        self.pulses += 1
        self._open_looks = 3
        return Pulse(target)


class Kiosk(AbstractContextManager["Kiosk"]):
    """The real device program with :class:`CountingDoors`, in a thread."""

    def __init__(self, config: AgentConfig, doors: CountingDoors | None = None) -> None:
        self.doors = doors or CountingDoors()
        self.agent = Agent(config, SystemClock(), SystemIds(), cabinet=(self.doors, [BOX]))
        self.agent.start_cabinet()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=serve, args=([self.agent], self._stop), daemon=True)
        self._thread.start()
        self._gone = False

    def vanish(self) -> None:
        """Stop without a word to anybody, as a power cut would."""
        self._end()
        self.agent.commander.actuator.stop()
        self.agent.link.drop()
        self.agent.store.close()

    def _end(self) -> None:
        self._gone = True
        self._stop.set()
        self._thread.join(10)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop in order, unless it is gone."""
        if not self._gone:
            self._end()
            self.agent.close()


class Visitor(AbstractContextManager["Visitor"]):
    """A plain client with somebody's credentials, driven by hand."""

    def __init__(self, address: BrokerAddress, login: Login, *filters: str, options: LinkOptions) -> None:
        self.link = Link(address, login, filters, SystemClock(), Random(1), options=options)

    @classmethod
    def server_account(cls, address: BrokerAddress, *filters: str) -> Visitor:
        """Be whoever runs the broker: it can make itself the server's account, and has no signing key."""
        return cls(address, Login(SERVER_USER, PASSWORD), *filters, options=LinkOptions(profile=Profile.V311))

    def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Drive the connection until something holds."""
        ends_s = time.perf_counter() + seconds
        while not holds() and time.perf_counter() < ends_s:
            drive([self.link], 0.02)
        return holds()

    def stay(self, seconds: float) -> None:
        """Drive the connection for a time."""
        self.until(lambda: False, seconds)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self.link.close()
