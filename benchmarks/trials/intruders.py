"""What attacks in the trials use: kiosks whose coils count, the broker's own hand, and a crowd of strangers.

``python -m benchmarks.trials.intruders PORT SECONDS PER_S SLOW`` is the crowd, in a process of its own.
"""

from __future__ import annotations

import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random
from types import TracebackType
from typing import Final

from benchmarks.trials import mqtt
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


def crowd(port: int, seconds: float, per_s: int, slow: int) -> int:
    """Come with wrong passwords at a rate, and hold silent or trickling connections; return the attempts made."""
    hello = mqtt.connect("kiosk-0000", "kiosk-0000", "guess", 30)
    held: list[socket.socket] = []
    watch = selectors.DefaultSelector()
    started_s, made = time.perf_counter(), 0
    while (now_s := time.perf_counter() - started_s) < seconds:
        while len(held) < slow and (silent := _connected(port)) is not None:
            held.append(silent)
        for one in held[:: max(len(held) // 50, 1)]:
            _trickle(one, hello)
        while made < now_s * per_s:
            stranger = _connected(port)
            made += 1
            if stranger is None:
                break
            _trickle(stranger, hello, whole=True)
            watch.register(stranger, selectors.EVENT_READ)
        for key, _ in watch.select(0.01):
            watch.unregister(key.fileobj)
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
    return made


def _connected(port: int) -> socket.socket | None:
    link = socket.socket()
    link.settimeout(0.2)
    try:
        link.connect(("127.0.0.1", port))
    except OSError:
        link.close()
        return None
    return link


def _trickle(link: socket.socket, hello: bytes, *, whole: bool = False) -> None:
    try:
        link.send(hello if whole else hello[:1])
    except OSError:
        return


if __name__ == "__main__":
    print(crowd(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
