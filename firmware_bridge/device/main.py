"""The command ``cunda-agent``: what a kiosk's small computer runs."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from firmware_bridge.bus.cabinet import BoxMoved, Cabinet
from firmware_bridge.device.agent import Agent, serve
from firmware_bridge.device.config import read_config
from firmware_bridge.device.hardware import build_cabinet
from kernel.clock import SystemClock
from kernel.errors import CundaError
from kernel.ids import SystemIds
from kernel.log import set_up_logging


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="cunda-agent", description="Cunda's program for kiosks and cabinets")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (("run", "serve until stopped"), ("check", "read the configuration and the store, then end")):
        commands.add_parser(name, help=purpose).add_argument("config", type=Path, help="path of agent.toml")
    chosen = parser.parse_args(arguments)
    set_up_logging(chosen.log_level)
    try:
        agent, cabinet = _assemble(chosen.config)
    except CundaError as problem:
        sys.stderr.write(f"{problem.message}\n{problem.remedy}\n")
        return 2
    if chosen.command == "check":
        sys.stdout.write(json.dumps(_summary(agent)) + "\n")
        agent.store.close()
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watcher = threading.Thread(target=_watch, args=(cabinet, stop), name="doors", daemon=True)
    if cabinet is not None:
        cabinet.poll()  # doors are known before anything left undecided is settled
        agent.start_cabinet()
        watcher.start()
    serve([agent], stop)
    if cabinet is not None:
        watcher.join(5)
    agent.close()
    return 0


def _assemble(path: Path) -> tuple[Agent, Cabinet | None]:
    agents: list[Agent] = []

    def moved(move: BoxMoved) -> None:
        if agents and agents[0].commander is not None:
            agents[0].commander.actuator.moved(move)

    cabinet = build_cabinet(path, moved)
    hardware = (cabinet, cabinet.targets) if cabinet is not None else None
    agents.append(Agent(read_config(path), SystemClock(), SystemIds(), cabinet=hardware))
    return agents[0], cabinet


def _watch(cabinet: Cabinet, stop: threading.Event) -> None:
    """Look at the doors as often as is due; a failing line leaves them unknown and is tried again."""
    while not stop.wait(cabinet.due_in_s()):
        cabinet.poll()


def _summary(agent: Agent) -> dict[str, object]:
    return {
        "device": agent.config.address.device,
        "store": agent.store.store_id,
        "boot": agent.store.boot,
        "waiting": agent.store.count(),
        "next_seq": agent.store.next_seq(),
    }


if __name__ == "__main__":
    sys.exit(run())
