"""A bad network between devices, broker and server: R9."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace

from benchmarks.trials.proxy import FaultProxy
from benchmarks.trials.stage import COMPANIES, Stage, configs_of, score, until
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_most, exactly, noted
from firmware_bridge.endpoint import BrokerAddress
from firmware_bridge.simulator.kiosks import KioskFleet
from kernel.clock import SystemClock
from kernel.ids import SystemIds

_PATIENCE = 1.5  # keep-alives until both ends must know (MQTT 3.1.1, section 3.1.2.10)
_DRAIN_S = 120.0


def bad_network(settings: TrialSettings) -> TrialResult:
    """Let connections fall silent, trickle, lag and break between devices, broker and server."""
    keepalive_s, kiosks = settings.size(30, 5), settings.size(10, 3)
    with ExitStack() as ends:
        stage = ends.enter_context(Stage(settings, kiosks))
        to_devices = ends.enter_context(FaultProxy(stage.port))
        to_server = ends.enter_context(FaultProxy(stage.port))
        stage.server(port=to_server.port, keepalive_s=keepalive_s)
        through = BrokerAddress("127.0.0.1", to_devices.port)
        configs = [replace(one, broker=through, keepalive_s=keepalive_s) for one in configs_of(stage.folder)]
        fleet = KioskFleet(configs, SystemClock(), SystemIds(), companies=COMPANIES, seed=settings.seed)
        fleet.start()
        until(lambda: fleet.connected() == kiosks, 30)
        # Short keep-alives, as tests use them, are no longer than the broker's own look-around.
        limit_s = _PATIENCE * keepalive_s + settings.size(0, 10)
        found: list[tuple[str, float]] = []
        for name, proxy in (("device", to_devices), ("server", to_server)):
            settings.progress("half-open", len(found), 4, name)
            found += _half_open(fleet, proxy, limit_s, name)
        for weather in ("delay", "trickle", "cut"):
            settings.progress("bad weather", 0, None, weather)
            _suffer(fleet, (to_devices, to_server), weather, settings.size(20, 3))
        drained_s = until(lambda: fleet.waiting() == 0, _DRAIN_S)
        report = fleet.stop()
        counted = score(stage.database, report.events)
        return TrialResult(
            (
                *(at_most(f"half-open found by {who}", seconds, limit_s, "s") for who, seconds in found),
                *counted.figures,
                exactly("still waiting", report.waiting, 0, "events"),
                noted("drop-offs meanwhile", len(report.events), "events"),
                noted("drained after the weather cleared", drained_s, "s"),
                noted("reconnects", report.reconnects),
            )
        )


def _half_open(fleet: KioskFleet, proxy: FaultProxy, limit_s: float, name: str) -> list[tuple[str, float]]:
    """Freeze the connections of one proxy and measure when each end gave up."""
    frozen_s = proxy.freeze()
    fleet.drop()

    def last_s(side: str) -> float:
        return max(proxy.gave_up("client" if side == "client" else "server"))

    until(lambda: last_s("client") < float("inf") and last_s("server") < float("inf"), 2 * limit_s + 10)
    until(lambda: fleet.connected() == len(fleet.agents), 60)
    return [(f"the {name}", last_s("client") - frozen_s), (f"the broker ({name})", last_s("server") - frozen_s)]


def _suffer(fleet: KioskFleet, proxies: tuple[FaultProxy, ...], weather: str, seconds: float) -> None:
    """Let customers come while the weather lasts."""
    for proxy in proxies:
        if weather == "cut":
            proxy.cut()
        else:
            proxy.weather = "delay" if weather == "delay" else "trickle"
    for _ in range(int(seconds * 5)):
        fleet.drop()
        time.sleep(0.2)
    for proxy in proxies:
        proxy.weather = "clear"


TRIALS: tuple[Trial, ...] = (
    Trial("R9", "half-open connections are found at both ends; delay, trickle and cuts cost nothing", bad_network),
)
