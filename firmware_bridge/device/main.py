"""The command ``cunda-agent``: what a kiosk's small computer runs."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from firmware_bridge.device.agent import Agent, serve
from firmware_bridge.device.config import read_config
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
        agent = Agent(read_config(chosen.config), SystemClock(), SystemIds())
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
    serve([agent], stop)
    agent.close()
    return 0


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
