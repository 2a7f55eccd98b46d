"""The lives of a cabinet's program on the bench: ``python -m benchmarks.trials.lives AGENT_TOML``.

It imports everything once and forks a child for every life, so that two hundred power cuts do not cost two hundred
starts of Python. The child is the real agent with its real store on a real (pseudo) line; only the connection is in the
bench's hands: it answers the birth and delivers commands byte for byte.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.trials.bench import ADDRESS, KEY
from firmware_bridge.bus.cabinet import Cabinet
from firmware_bridge.device.agent import Agent
from firmware_bridge.device.config import AgentConfig, read_config
from firmware_bridge.device.hardware import build_cabinet
from firmware_bridge.device.store import Fact
from firmware_bridge.endpoint import Extras
from firmware_bridge.errors import OutboxFullError
from firmware_bridge.link import InMessage
from firmware_bridge.schemas import Birth, BirthReply, parse_message
from firmware_bridge.signing import Direction, seal, unseal
from kernel.clock import SystemClock
from kernel.ids import SystemIds
from kernel.log import set_up_logging

_RUN_S: Final = 30.0
_ENDS: Final = ("confirmed", "failed", "unknown", "refused")


class _SkewedClock(SystemClock):
    def __init__(self, skew_s: float) -> None:
        self._skew = timedelta(seconds=skew_s)

    def now(self) -> datetime:
        return super().now() + self._skew


class _BenchWire:
    """A connection that stands, whose other end is the bench."""

    def __init__(self) -> None:
        self.inbox: deque[InMessage] = deque()
        self.connection = 1
        self.connected = True
        self.descriptor: int | None = None
        self.has_buffered = self.wants_write = False
        self.retry_in_s = 0.0
        self.births: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, extras: Extras | None = None) -> bool:
        if topic.endswith("/state"):
            self.births.append((topic, payload))
        return True

    def tend(self) -> None:
        return

    def handle(self, readable: bool, writable: bool) -> None:
        return

    def drop(self) -> None:
        return

    def close(self) -> None:
        self.connected = False


def _live(config: AgentConfig, path: Path, run: dict[str, Any]) -> dict[str, Any]:
    """Be the device program once."""

    def at(point: str) -> None:
        if point == run["cut"]:
            os.kill(os.getpid(), signal.SIGKILL)

    agents: list[Agent] = []
    cabinet = build_cabinet(path, lambda move: agents[0].commander.actuator.moved(move) if agents else None)
    assert cabinet is not None
    _know_doors(cabinet)
    wire, clock = _BenchWire(), _SkewedClock(run["skew_s"])
    agent = Agent(config, clock, SystemIds(), wire=wire, cabinet=(cabinet, cabinet.targets), at=at)
    agents.append(agent)
    agent.commander.actuator.confirm_s = run["confirm_s"]
    filled = _fill(agent) if run["fill"] else 0
    agent.start_cabinet()
    agent.step()
    if run["answered"]:
        _answer(agent, wire)
    for delivery in run["deliveries"]:
        wire.inbox.append(InMessage(delivery["topic"], delivery["wire"].encode(), delivery["retain"], (1, 1)))
    until_s = time.monotonic() + _RUN_S
    while time.monotonic() < until_s:
        agent.step()
        if all(_ended(agent, command) for command in run["wait_for"]) and not wire.inbox:
            break
        time.sleep(0.01)
    agent.commander.actuator.stop()
    agent.step()
    told = {
        "accepts_deposits": agent.accepts_deposits,
        "filled": filled,
        "quarantined": agent.store.quarantined is not None,
        "doors_known": sum(cabinet.door(target).value != "unknown" for target in cabinet.targets),
    }
    agent.store.close()
    return told


def _know_doors(cabinet: Cabinet) -> None:
    until_s = time.monotonic() + 5
    while time.monotonic() < until_s and any(cabinet.door(box).value == "unknown" for box in cabinet.targets):
        cabinet.poll()
        time.sleep(min(max(cabinet.due_in_s(), 0.005), 0.06))


def _answer(agent: Agent, wire: _BenchWire) -> None:
    topic, payload = wire.births[-1]
    birth = parse_message(Birth, unseal(lambda _: KEY, Direction.STATE, topic, payload))
    reply = BirthReply(
        dev=birth.dev, store=birth.store, nonce=birth.nonce, server_time=SystemClock().now(), acked_seq=0
    )  # fmt: skip
    sealed = seal(KEY, Direction.BIRTH_REPLY, ADDRESS.birth_reply, reply.to_bytes())
    wire.inbox.append(InMessage(ADDRESS.birth_reply, sealed, False, (1, 1)))
    agent.step()


def _ended(agent: Agent, command: str) -> bool:
    rows = agent.store.query("SELECT state FROM command WHERE id = ?", (command,))
    return bool(rows) and rows[0][0] in _ENDS


def _fill(agent: Agent) -> int:
    """Record until the disk is full; return how many events fitted."""
    for number in range(100_000):
        try:
            agent.record(Fact("test", "test.happened", {"text": "x" * 3000}))
        except OutboxFullError:
            return number
    return -1


def main(arguments: Sequence[str]) -> None:
    """Fork a child for every order that comes on standard input; say what it told, or null when it was cut."""
    path = Path(arguments[0])
    for line in sys.stdin:
        run = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            told = _live(read_config(path), path, run)
            os.write(writing, json.dumps(told).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        print(said.decode() if said else "null", flush=True)


if __name__ == "__main__":
    set_up_logging("error", "text")
    main(sys.argv[1:])
