"""The device program itself: agent, doors, kiosk, badge reader, health page and watchdog in one process."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from firmware_bridge.bus.cabinet import BoxMoved, Cabinet
from firmware_bridge.device.agent import Agent, serve
from firmware_bridge.device.badges import BadgeDesk
from firmware_bridge.device.config import AgentConfig, read_config
from firmware_bridge.device.hardware import build_cabinet
from firmware_bridge.device.kiosk import KioskDesk, read_kiosk
from firmware_bridge.device.supervisor import EXIT_RESTART
from firmware_bridge.device.watchdog import LIMIT_S, WatchdogState
from firmware_bridge.errors import AgentConfigError
from firmware_bridge.link import Waker
from firmware_bridge.peripherals.assembly import Peripherals, open_peripherals
from firmware_bridge.peripherals.printer import SqliteJournal
from kernel.clock import SystemClock
from kernel.ids import SystemIds
from kernel.log import get_logger, set_up_logging

if TYPE_CHECKING:
    from firmware_bridge.device.health_page import HealthPage

log = get_logger("firmware_bridge.device")

_OWNER_WAIT_S: Final = 20.0


def check(path: Path) -> dict[str, object]:
    """Read configuration and store, say what is there, and end."""
    agent = Agent(read_config(path), SystemClock(), SystemIds())
    try:
        return {
            "device": agent.config.address.device,
            "store": agent.store.store_id,
            "boot": agent.store.boot,
            "waiting": agent.store.count(),
            "next_seq": agent.store.next_seq(),
        }
    finally:
        agent.store.close()


def work(path: Path, *, release: str | None = None, supervised: bool = False) -> int:
    """Serve until SIGTERM, SIGINT or, when supervised, the supervisor's end; return the exit code.

    Raises
    ------
    AgentConfigError
        If the configuration cannot be used, or another program owns this store.
    BusError
        If the line cannot be opened.
    """
    config = read_config(path)
    if release is not None:
        config = replace(config, firmware=f"{config.firmware} {release}"[:40])
    stop, restart = threading.Event(), threading.Event()
    with ExitStack() as stack:
        stack.enter_context(_sole_owner(config))
        waker = Waker()
        stack.callback(waker.close)

        def end() -> None:
            stop.set()
            waker.wake()

        def begin_again() -> None:
            restart.set()
            end()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: end())
        if supervised:
            threading.Thread(target=_end_with_supervisor, args=(end,), name="supervisor", daemon=True).start()
        device = _assemble(path, config, begin_again if supervised else None)
        agent = device.agent
        stack.callback(device.devices.close)
        parts = device.start(stop)
        page = _open_page(agent, device.kiosk)
        watchdog = WatchdogState(parts)
        serve([agent], stop, waker, turn=lambda: _turn(agent, watchdog))
        watchdog.rest()
        if page is not None:
            page.close()
        device.join()  # nobody writes into a store that is closed
        agent.close()
    return EXIT_RESTART if restart.is_set() else 0


class _Doors:
    """The thread that looks at the doors as often as is due."""

    def __init__(self, cabinet: Cabinet) -> None:
        self.cabinet = cabinet
        self._beat_s = time.monotonic()
        self._thread: threading.Thread | None = None

    def start(self, stop: threading.Event) -> None:
        """Begin to look; a failing line leaves the doors unknown and is tried again."""
        self._thread = threading.Thread(target=self._run, args=(stop,), name="doors", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Tell whether the thread has come round lately."""
        return self._thread is not None and self._thread.is_alive() and time.monotonic() - self._beat_s < LIMIT_S

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self.cabinet.due_in_s()):
            self._beat_s = time.monotonic()
            self.cabinet.poll()


@dataclass
class _Device:
    """The parts that run; None where ``agent.toml`` does not describe them."""

    agent: Agent
    devices: Peripherals
    doors: _Doors | None = None
    kiosk: KioskDesk | None = None
    badges: BadgeDesk | None = None

    def moved(self, move: BoxMoved) -> None:
        """Tell everybody who must know of a door."""
        self.agent.commander.actuator.moved(move)
        if self.kiosk is not None:
            self.kiosk.moved(move)

    def start(self, stop: threading.Event) -> list[Callable[[], bool]]:
        """Begin; return what tells whether each part still works."""
        parts: list[Callable[[], bool]] = []
        if self.doors is not None:
            self.doors.cabinet.poll()  # doors are known before anything left undecided is settled
            self.agent.start_cabinet()
            self.doors.start(stop)
            parts += [self.doors.alive, lambda: self.agent.commander.actuator.running]
        if self.kiosk is not None:
            self.kiosk.start(stop)
            parts.append(self.kiosk.alive)
        if self.badges is not None:
            self.badges.start(stop)
        return parts

    def join(self) -> None:
        """Wait for the parts that were told to stop."""
        for part in (self.kiosk, self.badges):
            if part is not None:
                part.join()


def _assemble(path: Path, config: AgentConfig, restart: Any) -> _Device:
    made: list[_Device] = []
    clock, ids = SystemClock(), SystemIds()

    def moved(move: BoxMoved) -> None:
        if made:
            made[0].moved(move)

    cabinet = build_cabinet(path, moved)
    hardware = (cabinet, cabinet.targets) if cabinet is not None else None
    devices = open_peripherals(path, secrets.token_bytes, SqliteJournal(config.store_path.with_name("printed.db")))
    agent = Agent(config, clock, ids, cabinet=hardware, restart=restart)
    device = _Device(agent, devices, _Doors(cabinet) if cabinet is not None else None)
    described = tomllib.loads(path.read_text(encoding="utf-8"))
    if "kiosk" in described:
        device.kiosk = KioskDesk(read_kiosk(path, described["kiosk"]), agent, cabinet, devices, clock, ids)
    if devices.reader is not None:
        if cabinet is None or devices.reader_opens not in cabinet.targets:
            raise AgentConfigError(f"{path}: reader: opens is no box of the cabinet", path=str(path))
        device.badges = BadgeDesk(devices.reader, devices.reader_opens, agent, clock)
    made.append(device)
    return device


def _turn(agent: Agent, watchdog: WatchdogState) -> None:
    watchdog.turn()
    wanted = agent.upkeep.settings.current.log_level
    if wanted != _LogLevel.now:
        _LogLevel.now = wanted
        set_up_logging(wanted)


class _LogLevel:
    """The level in force; the command line's until a setting says otherwise."""

    now = "info"


def _open_page(agent: Agent, kiosk: KioskDesk | None) -> HealthPage | None:
    def status() -> dict[str, Any]:
        return agent.upkeep.report(agent.link.connection) | {"born": agent.born}

    if agent.config.health_port == 0:
        return None
    from firmware_bridge.device.health_page import HealthPage

    try:
        return HealthPage(agent.config.address.device, status, agent.config.health_port, kiosk)
    except OSError as problem:  # another agent on the same machine has it: no reason to serve nobody
        log.warning("health_page_missing", port=agent.config.health_port, why=str(problem))
        return None


def _end_with_supervisor(end: Any) -> None:
    while os.read(0, 1):
        pass
    end()


@contextmanager
def _sole_owner(config: AgentConfig) -> Iterator[None]:
    """Own the store and the line: one killed a moment ago may take a while to be gone."""
    config.store_path.parent.mkdir(parents=True, exist_ok=True)
    with config.store_path.with_name(config.store_path.name + ".owner").open("w") as file:
        until_s = time.monotonic() + _OWNER_WAIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until_s:
                    raise AgentConfigError(f"{config.store_path} belongs to another running program") from None
                time.sleep(0.05)
        yield
