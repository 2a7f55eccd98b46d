"""The programs trials start in processes of their own: ``python -m benchmarks.trials.roles ROLE FOLDER …``.

``server`` is a bridge, ``api`` the whole server with its HTTP interface, ``kiosks`` a group of kiosks with real stores,
``swarm`` many light devices.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from benchmarks.trials.stage import COMPANIES, MASTER, PASSWORD, configs_of
from benchmarks.trials.swarm import Orders, fly
from firmware_bridge.device.store import DeviceStore
from firmware_bridge.endpoint import BrokerAddress
from firmware_bridge.server.bridge import Bridge, BridgeOptions
from firmware_bridge.server.intake import Arrival, BatchState, Intake
from firmware_bridge.simulator.kiosks import KioskFleet
from kernel.clock import SystemClock
from kernel.db import Database
from kernel.ids import SystemIds
from kernel.log import set_up_logging
from kernel.settings import load_settings


class _MortalIntake:
    """Dies after a commit and before anybody hears of it, once it is told to: the worst moment there is."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.doomed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._intake, name)

    def take(self, arrivals: Sequence[Arrival]) -> BatchState:
        batch = self._intake.take(arrivals)
        if self.doomed and batch.applied:
            os.kill(os.getpid(), signal.SIGKILL)
        return batch


def server(folder: Path, database_url: str, url: str, keepalive_s: str) -> None:
    """Be the server until told to end; says ``ready`` when the broker has accepted it. SIGUSR1 dooms it."""
    stop = _until_told()
    options = BridgeOptions(PASSWORD, "Asia/Shanghai", keepalive_s=int(keepalive_s))
    bridge = Bridge(BrokerAddress.parse(url), options, Database(database_url), SystemClock(), SystemIds(), MASTER)
    mortal = _MortalIntake(bridge.intake)
    bridge.intake = cast(Intake, mortal)
    signal.signal(signal.SIGUSR1, lambda *_: setattr(mortal, "doomed", True))
    bridge.start()
    while not bridge.connected and not stop.wait(0.02):
        pass
    _say("ready")
    stop.wait()
    bridge.stop()
    _say(json.dumps(vars(bridge.stats)))


def api(home: Path) -> None:
    """Be what ``cunda serve`` is, over a database that is ready and a broker that runs; says its address."""
    from api.app import create_app
    from api.bootstrap import open_services
    from api.devices import running_bridge, using_broker
    from api.server import bound_socket, serve_forever

    settings = load_settings(home=home, database_url=None, broker_url=None, http_port=0)
    with open_services(settings) as services, using_broker(services) as broker, running_bridge(services, broker):
        at = bound_socket(settings.http_host, 0)
        _say(f"http://{settings.http_host}:{at.getsockname()[1]}")
        serve_forever(create_app(services), at)


def kiosks(folder: Path, group: str, groups: str, quota: str, per_s: str, seed: str) -> None:
    """Be a group of kiosks until told to end; each makes drop-offs until it has recorded its quota."""
    stop = _until_told()
    configs = configs_of(folder)[int(group) :: int(groups)]
    fleet = KioskFleet(configs, SystemClock(), SystemIds(), companies=COMPANIES, seed=int(seed))
    fleet.start()
    made = {id(agent): _made(agent.store) for agent in fleet.agents}
    while not stop.wait(1 / float(per_s)):
        hungry = [agent for agent in fleet.agents if made[id(agent)] < int(quota)]
        if hungry:
            agent = min(hungry, key=lambda one: made[id(one)])
            made[id(agent)] += 1
            fleet.drop(agent, note=f"made/{made[id(agent)]}")
    fleet.stop()


def swarm(folder: Path, orders: str) -> None:
    """Be many light devices; says its report when it is done."""
    _say(fly(configs_of(folder), Orders(**json.loads(orders))))


def _made(store: DeviceStore) -> int:
    return int(store.query("SELECT count(*) FROM state WHERE key LIKE 'made/%'")[0][0])


def _until_told() -> threading.Event:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return stop


def _say(line: str) -> None:
    print(line, flush=True)


ROLES: dict[str, Callable[..., None]] = {"server": server, "api": api, "kiosks": kiosks, "swarm": swarm}

if __name__ == "__main__":
    set_up_logging("error", "text")
    ROLES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
