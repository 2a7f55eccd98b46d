"""One opening end to end: command desk, broker, agent program, serial line, lock board, and back."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from firmware_bridge.broker.launcher import RunningBroker, launch
from firmware_bridge.broker.mosquitto import find_mosquitto
from firmware_bridge.device.config import AgentConfig, write_config
from firmware_bridge.endpoint import Login, Profile
from firmware_bridge.link import Link, LinkOptions, drive
from firmware_bridge.server.bridge import Bridge, BridgeOptions
from firmware_bridge.server.enrolment import DeviceRegistry, broker_accounts
from firmware_bridge.server.model import DeviceAlarm, DeviceCommand, DevicePresence, InboundEvent
from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard
from firmware_bridge.simulator.line import SimLine
from firmware_bridge.topics import Address
from kernel.clock import SystemClock
from kernel.db import Database
from kernel.ids import SystemIds

pytestmark = pytest.mark.integration
MASTER = bytes(range(32))
PASSWORD = "the-server"
CABINET = '\n[cabinet]\nport = "{path}"\nprotocol = "8a"\n[[cabinet.board]]\naddress = 1\nlocks = 8\nprefix = "c1-"\n' \
    'reply_s = 0.1\nunlock_reply_s = 0.1\npulse_ms = 100\n'  # fmt: skip


@dataclass
class Cabinet:
    """A cabinet's program in a process of its own, its simulated board, and the server it talks to."""

    bridge: Bridge
    broker: RunningBroker
    database: Database
    board: SimBoard
    config: AgentConfig
    program: subprocess.Popen[bytes]
    start: Callable[[], subprocess.Popen[bytes]]

    def open(self, target: str, **more: Any) -> str:
        """Ask for a box; return the command's id."""
        with self.database.begin() as session:
            command = self.bridge.commands.issue(session, "cabinet-1", target, "courier:831", "collection", **more)
        self.bridge.hurry()
        return command

    def state(self, command: str) -> str:
        """Read a command's state."""
        with self.database.read() as session:
            return str(session.get(DeviceCommand, command).state)

    def ends(self, command: str, seconds: float = 15.0) -> str:
        """Wait for a command's end and return it."""
        until(lambda: self.state(command) not in ("queued", "sent", "accepted", "actuated"), seconds)
        return self.state(command)

    def pulses(self) -> list[int]:
        """Return how often each coil was pulsed."""
        return [door.pulses for door in self.board.doors.values()]

    def online(self) -> bool:
        """Tell whether the server has heard the cabinet."""
        with self.database.read() as session:
            presence = session.get(DevicePresence, "cabinet-1")
            return presence is not None and presence.state == "online"

    def alarms(self) -> set[str]:
        """Name the alarms that were raised."""
        with self.database.read() as session:
            return set(session.scalars(select(DeviceAlarm.kind)))


def until(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until something holds."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        if holds():
            return True
        time.sleep(0.005)
    return holds()


@pytest.fixture
def cabinet(sqlite_database: Database, tmp_path: Path) -> Iterator[Cabinet]:
    """Start broker, bridge, board and the real agent program."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    clock, folder = SystemClock(), tmp_path / "cabinet-1"
    with sqlite_database.begin() as session:
        credentials = DeviceRegistry(MASTER, clock).enrol(session, Address("area", "cabinet-1"))
        session.flush()
        broker = launch(tmp_path / "broker", broker_accounts(session, PASSWORD), kind="mosquitto")
    config = AgentConfig(
        credentials.address, broker.address, Login("cabinet-1", credentials.password), credentials.key,
        folder / "device.db",
    )  # fmt: skip
    write_config(folder / "agent.toml", config)
    bridge = Bridge(
        broker.address, BridgeOptions(PASSWORD, "Asia/Shanghai"), sqlite_database, clock, SystemIds(), MASTER
    )
    with ExitStack() as stack:
        stack.callback(broker.stop)
        board = SIM_BOARDS["8a"](1, 8)
        line = stack.enter_context(SimLine([board]))
        with (folder / "agent.toml").open("a") as file:
            file.write(CABINET.format(path=line.path))
        bridge.start()
        stack.callback(bridge.stop)
        programs: list[subprocess.Popen[bytes]] = []

        def start() -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "firmware_bridge.device.main", "--log-level", "error", "run"]
            programs.append(subprocess.Popen([*command, str(folder / "agent.toml")]))
            return programs[-1]

        made = Cabinet(bridge, broker, sqlite_database, board, config, start(), start)
        try:
            assert until(made.online)
            yield made
        finally:
            for program in programs:
                program.terminate()
                program.wait(10)


def test_a_box_opens_and_is_known_to_be_open(cabinet: Cabinet) -> None:
    """Asked for once, the right coil is pulsed once, and the command is confirmed because the door was seen."""
    command = cabinet.open("c1-3")
    assert cabinet.ends(command) == "confirmed"
    assert cabinet.pulses() == [0, 0, 1, 0, 0, 0, 0, 0]

    def recorded() -> bool:
        with cabinet.database.read() as session:
            kinds = list(session.scalars(select(InboundEvent.type).order_by(InboundEvent.seq)))
        return kinds == ["door.pulsed", "door.opened", "command.finished"]

    assert until(recorded)


def test_a_jammed_box_is_known_to_be_closed(cabinet: Cabinet) -> None:
    """A coil that moves nothing ends as failed, not as opened."""
    cabinet.board.doors[5].jammed = True
    assert cabinet.ends(cabinet.open("c1-5")) == "failed"


def test_from_asking_to_the_pulse(cabinet: Cabinet) -> None:
    """From asking to the pulse of the coil most openings take less than a second, half of them far less."""
    waits = []
    for lock in range(1, 9):
        door = cabinet.board.doors[lock]
        started_s = time.perf_counter()
        command = cabinet.open(f"c1-{lock}")
        assert until(lambda door=door: door.pulses == 1)
        waits.append(time.perf_counter() - started_s)
        cabinet.ends(command)
    sys.stdout.write(f"asking to pulse: median {statistics.median(waits):.3f} s, longest {max(waits):.3f} s\n")
    assert statistics.median(waits) < 0.5  # 150 ms on a quiet machine, see benchmarks; CI shares its cores
    assert max(waits) < 5


def test_what_an_attacker_with_the_broker_can_do(cabinet: Cabinet) -> None:
    """Whoever runs the broker opens nothing: not by inventing, replaying, keeping, editing or redirecting."""
    command = cabinet.open("c1-1")
    assert cabinet.ends(command) == "confirmed"
    cabinet.board.doors[1].move(closed=True)
    with cabinet.database.read() as session:
        wire = session.get(DeviceCommand, command).wire
        broker_password = "whoever"
        accounts = broker_accounts(session, broker_password)
    cabinet.bridge.stop()
    cabinet.broker.set_accounts(accounts)  # the attacker is the broker: it makes itself the server's account
    time.sleep(0.3)
    mallory = Link(cabinet.broker.address, Login("cunda-server", broker_password), (), SystemClock(), Random(1))
    assert until(lambda: drive([mallory], 0.02) is None and mallory.connected)
    topic = cabinet.config.address.command("open")
    for number in range(20):
        edited = bytearray(wire)
        edited[40 + number] ^= 1
        for payload, retain in ((wire, False), (wire, True), (bytes(edited), False), (b'{"op":"open"}', True)):
            mallory.publish(topic, payload, retain=retain)
        drive([mallory], 0.02)
    until(lambda: drive([mallory], 0.02) is not None, 1.5)
    cabinet.program.kill()
    cabinet.program.wait()
    cabinet.start()  # a fresh program meets the kept command
    until(lambda: drive([mallory], 0.02) is not None, 3)
    mallory.close()
    assert cabinet.pulses() == [1, 0, 0, 0, 0, 0, 0, 0]


def test_a_planted_command_is_cleared(cabinet: Cabinet) -> None:
    """A command that somebody has the broker keep is cleared by the auditor, with an alarm, and opens nothing."""
    cabinet.bridge.stop()
    planter = Link(cabinet.broker.address, Login("cunda-server", PASSWORD), (), SystemClock(), Random(1))
    assert until(lambda: drive([planter], 0.02) is None and planter.connected)
    planter.publish(cabinet.config.address.command("open"), b"planted", retain=True)
    until(lambda: drive([planter], 0.02) is not None, 0.5)
    planter.close()
    auditor = Bridge(
        cabinet.broker.address, BridgeOptions(PASSWORD, "Asia/Shanghai"), cabinet.database, SystemClock(), SystemIds(),
        MASTER,
    )  # fmt: skip
    auditor.start()
    try:
        assert until(lambda: "security.planted_command" in cabinet.alarms())
        time.sleep(0.5)
    finally:
        auditor.stop()
    late = Link(
        cabinet.broker.address, Login("cunda-server", PASSWORD), ("cunda/v1/+/+/cmd/#",), SystemClock(), Random(2),
        options=LinkOptions(profile=Profile.V311),
    )  # fmt: skip
    until(lambda: drive([late], 0.02) is not None, 1.0)
    assert [message.payload for message in late.inbox] == []
    late.close()
    assert sum(cabinet.pulses()) == 0


def test_a_program_killed_at_any_moment_pulses_once(cabinet: Cabinet) -> None:
    """Killed with -9 while it opens, the program never pulses twice, and every command ends honestly."""
    rng = Random(5)
    commands = []
    for lock in range(1, 7):
        commands.append(cabinet.open(f"c1-{lock}", ttl_s=20))
        time.sleep(rng.uniform(0.0, 0.4))
        cabinet.program.send_signal(signal.SIGKILL)
        cabinet.program.wait()
        cabinet.program = cabinet.start()
        assert until(lambda: os.path.exists(f"/proc/{cabinet.program.pid}"))
        time.sleep(1.2)
    ends = [cabinet.ends(command, 40) for command in commands]
    assert all(pulses <= 1 for pulses in cabinet.pulses())
    for lock, end in enumerate(ends, start=1):
        opened = cabinet.board.doors[lock].pulses == 1
        assert end in ({"confirmed", "unknown"} if opened else {"unknown", "expired", "refused"}), (lock, end)
