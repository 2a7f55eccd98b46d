"""A bench for one cabinet: the whole device program over a simulated lock board, run again and again, killed anywhere.

The program's lives are lived by :mod:`benchmarks.trials.lives` in processes of their own.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from firmware_bridge.device.config import AgentConfig, write_config
from firmware_bridge.endpoint import BrokerAddress, Login
from firmware_bridge.schemas import Command
from firmware_bridge.signing import DeviceKey, Direction, decode_bytes, encode_bytes, seal
from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard
from firmware_bridge.simulator.line import SimLine
from firmware_bridge.topics import Address
from kernel.clock import SystemClock
from kernel.ids import SystemIds

LOCKS: Final = 24
ADDRESS: Final = Address("trial", "cabinet-1")
KEY: Final = DeviceKey("cabinet-1.1", bytes(range(32)))
_PROJECT: Final = Path(__file__).resolve().parent.parent.parent
_RUN_S: Final = 30.0
_ENDS: Final = ("confirmed", "failed", "unknown", "refused")
_BOARD: Final = """
[cabinet]
port = "{port}"
protocol = "8a"
[[cabinet.board]]
address = 1
locks = {locks}
prefix = "c1-"
pulse_ms = 20
reply_s = 0.1
unlock_reply_s = 0.05
"""


@dataclass(frozen=True)
class Delivery:
    """One message on a command topic, as the broker would hand it over."""

    topic: str
    wire: str
    retain: bool = False


@dataclass(frozen=True)
class Run:
    """One life of the device program.

    Parameters
    ----------
    cut
        Point of the actuator at which the power is cut; the run ends by itself without one.
    wait_for
        Commands whose end is waited for.
    skew_s
        The device's own clock is off by so much.
    fill
        Record events until the disk is full before anything is delivered.
    confirm_s
        How long a pulse waits for its door.
    answered
        Whether the server answers the birth.
    """

    deliveries: tuple[Delivery, ...] = ()
    cut: str = ""
    wait_for: tuple[str, ...] = ()
    skew_s: float = 0.0
    fill: bool = False
    confirm_s: float = 0.6
    answered: bool = True


@dataclass(frozen=True)
class Life:
    """What came of a run; a cut one says nothing."""

    cut: bool
    told: dict[str, Any] = field(default_factory=dict)


class Bench:
    """A cabinet of 24 boxes and the process that lives its lives; ends with the block.

    Parameters
    ----------
    store
        Folder of the device's database; the bench's own when omitted.
    """

    def __init__(self, folder: Path, store: Path | None = None) -> None:
        self.folder, self._store_folder = folder, store or folder
        self.board: SimBoard = SIM_BOARDS["8a"](1, LOCKS)
        self._ends = ExitStack()
        self.ctr = 0

    def __enter__(self) -> Bench:
        line = self._ends.enter_context(SimLine([self.board]))
        store = os.path.relpath(self._store_folder / "device.db", self.folder)
        config = AgentConfig(
            ADDRESS, BrokerAddress("127.0.0.1", 1), Login("cabinet-1", "unused"), KEY, Path("device.db"), health_port=0
        )
        write_config(self.folder / "agent.toml", config)
        text = (self.folder / "agent.toml").read_text(encoding="utf-8").replace("device.db", store)
        (self.folder / "agent.toml").write_text(text + _BOARD.format(port=line.path, locks=LOCKS), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.trials.lives", str(self.folder / "agent.toml")]
        self._forker = subprocess.Popen(
            command, cwd=_PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        self._ends.callback(self._close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def live(self, run: Run) -> Life:
        """Let the device program live once."""
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.write(json.dumps(asdict(run)) + "\n")
        self._forker.stdin.flush()
        line = self._forker.stdout.readline()
        if not line:
            raise RuntimeError("the bench's process ended")
        told = json.loads(line)
        return Life(cut=told is None, told=told or {})

    def command(self, lock: int, **changes: Any) -> tuple[str, Delivery]:
        """Make a signed command for one box; changes are made before it is signed."""
        self.ctr += 1
        now = SystemClock().now()
        fields = {
            "cmd_id": SystemIds().new(), "dev": ADDRESS.device, "store": self.store_id(), "op": "open",
            "target": f"c1-{lock}", "issued_at": now, "exp": now + timedelta(seconds=60), "ctr": self.ctr,
            "actor": "courier:831", "reason": "collection", "expect": "closed",
        } | changes  # fmt: skip
        command = Command.model_validate(fields)
        topic = ADDRESS.command("open")
        wire = seal(KEY, Direction.COMMAND, topic, command.to_bytes()).decode()
        return command.cmd_id, Delivery(topic, wire)

    def store_id(self) -> str:
        """Read the store's id from outside."""
        return str(self.rows("SELECT value FROM meta WHERE key = 'store'")[0][0])

    def ends(self, command: str) -> list[str]:
        """Read every end that was recorded for a command."""
        bodies = [json.loads(row[0]) for row in self.rows("SELECT body FROM event WHERE type = 'command.finished'")]
        return [body["state"] for body in bodies if body["cmd_id"] == command]

    def security_events(self) -> list[tuple[str, int]]:
        """Read reason and count of every recorded attack."""
        bodies = [json.loads(row[0]) for row in self.rows("SELECT body FROM event WHERE type = 'security.refused'")]
        return [(body["reason_code"], body["count"]) for body in bodies]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the device's database from outside."""
        path = self._store_folder / "device.db"
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=15)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def pulses(self) -> int:
        """Return how often any coil was pulsed."""
        return sum(door.pulses for door in self.board.doors.values())

    def _close(self) -> None:
        assert self._forker.stdin is not None
        self._forker.stdin.close()
        self._forker.wait(20)
        if self._forker.stdout is not None:
            self._forker.stdout.close()


def edited(wire: str, **changes: Any) -> str:
    """Change fields of a signed command and leave its signature."""
    outer = json.loads(wire)
    body = json.loads(decode_bytes(outer["body"])) | changes
    return json.dumps(outer | {"body": encode_bytes(json.dumps(body).encode())})
