"""From a click to the coil: A1, through HTTP API, broker, device program, serial line and a simulated lock board."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from api.auth.service import NewUser
from api.bootstrap import build_services
from api.demo.client import DemoClient
from api.devices import device_registry, renew_accounts, start_broker
from benchmarks.trials.stage import Program, register_sites, until
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_most, exactly, noted, percentile
from firmware_bridge.device.config import AgentConfig, write_config
from firmware_bridge.server.model import DevicePresence
from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard
from firmware_bridge.simulator.kiosks import enrol_kiosks
from firmware_bridge.simulator.line import SimLine
from kernel.db import Base
from kernel.ids import new_secret
from kernel.settings import load_settings

_LOCKS = 24
_USER = "trial-dispatcher"
_BOARD = """
[cabinet]
port = "{port}"
protocol = "8a"
[[cabinet.board]]
address = 1
locks = {locks}
prefix = "c1-"
pulse_ms = 100
"""
_ENDS = ("confirmed", "failed", "unknown", "refused", "expired")
_PULSE_LIMIT_S = 30.0


def click_to_pulse(settings: TrialSettings) -> TrialResult:
    """Click openings one after another; time each from the click to the pulse of the right coil."""
    clicks = settings.size(240, 12)
    with ExitStack() as ends:
        board = SIM_BOARDS["8a"](1, _LOCKS)
        client = _assembled(settings, board, ends)
        watcher = _CoilWatcher(board)
        ends.callback(watcher.stop)
        took_ms: list[float] = []
        states: list[str] = []
        for number in range(clicks):
            settings.progress("clicks", number + 1, clicks)
            lock = number % _LOCKS + 1
            started_s = time.perf_counter()
            asked = client.post(
                "/devices/kiosk-0000/openings", {"target": f"c1-{lock}", "reason": "collection"}, key=new_secret()
            )
            pulsed_s = watcher.next_pulse_s(lock)
            took_ms.append((pulsed_s - started_s) * 1000)
            states.append(_end(client, asked["id"]))
            board.doors[lock].move(closed=True)
        pulses = sum(door.pulses for door in board.doors.values())
    return TrialResult(
        (
            exactly("pulses", pulses, clicks),
            at_most("p50 from click to pulse", percentile(took_ms, 0.5), 150, "ms"),
            at_most("p99 from click to pulse", percentile(took_ms, 0.99), 1000, "ms"),
            noted("longest", max(took_ms), "ms"),
            exactly("confirmed by the door's sensor", states.count("confirmed"), clicks),
        )
    )


@dataclass
class _CoilWatcher:
    """Looks at every coil each millisecond and remembers when it was pulsed."""

    board: SimBoard

    def __post_init__(self) -> None:
        self._seen = {lock: door.pulses for lock, door in self.board.doors.items()}
        self._at_s: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="coils", daemon=True)
        self._thread.start()

    def next_pulse_s(self, lock: int) -> float:
        """Wait for a pulse of one coil; return when it came, infinity when none does."""
        until(lambda: lock in self._at_s, _PULSE_LIMIT_S, 0.002)
        return self._at_s.pop(lock, float("inf"))

    def stop(self) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join(5)

    def _watch(self) -> None:
        while not self._over.wait(0.001):
            for lock, door in self.board.doors.items():
                if door.pulses != self._seen[lock]:
                    self._seen[lock] = door.pulses
                    self._at_s[lock] = time.perf_counter()


def _assembled(settings: TrialSettings, board: SimBoard, ends: ExitStack) -> DemoClient:
    """Start broker, line, device program and API; return the client of a dispatcher who is logged in."""
    home, password = settings.folder / "home", new_secret()
    chosen = load_settings(home=home, database_url=None, broker_url=None, http_port=0, broker_port=0)
    services = build_services(chosen)
    ends.callback(services.database.close)
    Base.metadata.create_all(services.database.engine)
    services.accounts.add(NewUser(_USER, password, "dispatcher"))
    broker = start_broker(services)
    ends.callback(broker.stop)
    with services.database.begin() as session:
        [config] = enrol_kiosks(
            session, device_registry(services), register_sites(session, 1), broker.address, settings.folder / "kiosks",
            broker.profile,
        )  # fmt: skip
    renew_accounts(services, broker)
    line = ends.enter_context(SimLine([board]))
    path = _described(config, line.path)
    api = Program([sys.executable, "-m", "benchmarks.trials.roles", "api", str(home)], settings.folder / "api.log")
    ends.callback(api.stop)
    url = api.line()
    agent = [sys.executable, "-m", "firmware_bridge.device.main", "--log-level", "error", "run", path]
    ends.callback(Program(agent, settings.folder / "agent.log").stop)

    def heard() -> bool:
        with services.database.read() as session:
            presence = session.get(DevicePresence, config.address.device)
            return presence is not None and presence.state == "online"

    until(heard, 60)
    client = DemoClient(url)
    ends.callback(client.close)
    client.log_in(_USER, password)
    return client


def _described(config: AgentConfig, port: str) -> str:
    """Write the configuration of a device with one lock board."""
    path = config.store_path.parent / "agent.toml"
    write_config(path, config)
    with path.open("a", encoding="utf-8") as file:
        file.write(_BOARD.format(port=port, locks=_LOCKS))
    return str(path)


def _end(client: DemoClient, opening: str) -> str:
    """Wait for the end of an opening."""
    answer: dict[str, Any] = {"state": "queued"}

    def ended() -> bool:
        answer.update(client.get(f"/openings/{opening}"))
        return answer["state"] in _ENDS

    until(ended, 30, 0.05)
    return str(answer["state"])


TRIALS: tuple[Trial, ...] = (
    Trial("A1", "a dispatcher's click pulses the coil: HTTP, broker, device program, lock board", click_to_pulse),
)
