"""The command ``cunda-agent``: what a kiosk's small computer runs.

With ``[update]`` in ``agent.toml``, ``run`` is the supervisor and the program itself a child of it; the child's modules
are imported in the child only, so that the supervisor stays small.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from firmware_bridge.device.config import read_config
from firmware_bridge.device.supervisor import become_supervisor
from kernel.errors import CundaError


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.command == "enrol":
            return _enrol(chosen)
        if chosen.command == "run":
            update = read_config(chosen.config).update
            if update is not None:
                become_supervisor(chosen.config, update.folder, chosen.log_level, update.trial_s)
        return _serve(chosen)
    except CundaError as problem:
        sys.stderr.write(f"{problem.message}\n{problem.remedy}\n")
        return 2


def _enrol(chosen: argparse.Namespace) -> int:
    from firmware_bridge.device.enrolment import fetch_credentials

    config = fetch_credentials(chosen.server, sys.stdin.readline().strip(), chosen.config, chosen.ca)
    sys.stdout.write(f"{config.address.device} is enrolled; its configuration is {chosen.config}\n")
    return 0


def _serve(chosen: argparse.Namespace) -> int:
    from firmware_bridge.device.worker import check, work
    from kernel.log import set_up_logging

    set_up_logging(chosen.log_level)
    if chosen.command == "check":
        sys.stdout.write(json.dumps(check(chosen.config)) + "\n")
        return 0
    supervised = chosen.command == "work"
    return work(chosen.config, release=chosen.release if supervised else None, supervised=supervised)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cunda-agent", description="Cunda's program for kiosks and cabinets")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("run", "serve until stopped; with [update], as supervisor of a program that can be replaced"),
        ("work", "serve as the supervisor's child"),
        ("check", "read the configuration and the store, then end"),
        ("enrol", "fetch credentials with a one-time code, read from standard input, and write the configuration"),
    ):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("config", type=Path, help="path of agent.toml")
        if name == "work":
            command.add_argument("--release", default=None, help="release that this program is")
        if name == "enrol":
            command.add_argument("--server", required=True, help="address of the Cunda server, https://…")
            command.add_argument("--ca", type=Path, help="certificate of the authority that signed the server's")
    return parser


if __name__ == "__main__":
    sys.exit(run())
