"""The sending kiosk in the device program: a whole session, its refusals, badges, and its screen's interface."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from firmware_bridge.bus.cabinet import BoxMoved
from firmware_bridge.codecs.board import Door as Seen
from firmware_bridge.device.agent import Agent
from firmware_bridge.device.badges import BadgeDesk
from firmware_bridge.device.config import AgentConfig, write_config
from firmware_bridge.device.hardware import build_cabinet
from firmware_bridge.device.health_page import HealthPage
from firmware_bridge.device.kiosk import KioskDesk, read_kiosk
from firmware_bridge.device.kiosk_screen import POLICY
from firmware_bridge.errors import AgentConfigError, KioskStepError
from firmware_bridge.grants import credential_digest, list_digest
from firmware_bridge.peripherals.assembly import open_peripherals
from firmware_bridge.peripherals.printer import MemoryJournal
from firmware_bridge.readers.reader import OsdpReader
from firmware_bridge.readers.wiegand import WiegandCard
from firmware_bridge.schemas import Grant, ListUpdate
from firmware_bridge.simulator.boards import SimCu16
from firmware_bridge.simulator.line import SimLine
from firmware_bridge.simulator.peripherals import SimScanner, SimSicsScale, SimTsplPrinter
from firmware_bridge.simulator.reader import SimReader
from firmware_bridge.simulator.wled import SimWled, WledServer
from kernel.clock import SystemClock
from kernel.ids import SeededIds
from lockers.errors import ImpossibleStepError, KioskRefusedError
from lockers.sending import SENDING

PATIENCE_S = 60.0
KEY = bytes(range(1, 17))
PARTIES = {
    "recipient": {"name": "欧阳明", "phone": "13812345678", "address": "河阳县青石镇柳树村3组12号"},
    "sender": {"name": "李小红", "phone": "13987654321", "address": "河阳县城关镇人民路8号"},
}
PARCEL = {"company": "sf", "item_class": "clothing", "size": "S", "stated_weight_g": 600}


def until(holds: Callable[[], Any]) -> Any:
    """Wait until something holds and return it."""
    ends_s = time.monotonic() + PATIENCE_S
    while not (found := holds()) and time.monotonic() < ends_s:
        time.sleep(0.02)
    return found


class Bench:
    """Simulated cabinet, scale, printer, reader and scanner, each on a pseudo-terminal, and a light strip."""

    def __init__(self, stack: ExitStack) -> None:
        self.board, self.scale = SimCu16(0, 4), SimSicsScale()
        self.printer, self.reader = SimTsplPrinter(), SimReader(key=KEY)
        self.scanner, self.wled = SimScanner(), SimWled(20)
        self.strip = stack.enter_context(WledServer(self.wled))
        devices = (self.board, self.scale, self.printer, self.reader, self.scanner)
        self.lines = [stack.enter_context(SimLine([device])) for device in devices]

    def describe(self) -> str:
        """Return the tables of agent.toml."""
        cabinet, scale, printer, reader, scanner = (line.path for line in self.lines)
        return f"""
[cabinet]
protocol = "cu16"
port = "{cabinet}"
[[cabinet.board]]
prefix = "c1-"
address = 0
locks = 4
[scale]
port = "{scale}"
protocol = "sics"
[printer]
port = "{printer}"
language = "tspl"
[reader]
port = "{reader}"
key = "{KEY.hex()}"
opens = "c1-4"
[scanner]
port = "{scanner}"
[lights.front]
kind = "wled-http"
host = "127.0.0.1"
http_port = {self.strip.port}
lamps = 20
cells = {{ "c1-1" = [0, 8] }}
[kiosk.boxes]
c1-1 = "S"
c1-2 = "M"
[kiosk.tariffs.sf]
version = 3
first_g = 1000
first_fen = 800
step_g = 500
step_fen = 200
"""

    def put_in(self, lock: int) -> None:
        """Put a parcel into a box and shut its door."""
        self.board.doors[lock].occupied = True
        self.board.doors[lock].move(closed=True)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Give simulated devices."""
    with ExitStack() as stack:
        yield Bench(stack)


class Caller:
    """A screen, or somebody with curl, on the same machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Send one request; return status and what was said."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            raw = None if body is None else json.dumps(body)
            kind = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(
                method, path, raw, kind | {name.replace("_", "-"): said for name, said in headers.items()}
            )
            answer = connection.getresponse()
            said = answer.read().decode()
            return answer.status, json.loads(said) if said.startswith("{") else said
        finally:
            connection.close()

    def take(self, step: str, **body: object) -> Any:
        """Take a step that must succeed."""
        status, said = self.ask("POST", f"/kiosk/{step}", body)
        assert status == 200, said
        return said

    def state(self) -> Any:
        """Return the kiosk's state; nothing before it listens."""
        try:
            return self.ask("GET", "/kiosk")[1]
        except OSError:
            return None


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def program(tmp_path: Path, bench: Bench, kiosk: Any) -> Iterator[Caller]:
    """Run the device program itself over the simulated devices, without network."""
    folder = tmp_path / "kiosk"
    folder.mkdir()
    config = AgentConfig(
        **(vars(kiosk.agent.config) | {"store_path": folder / "device.db", "health_port": free_port()})
    )
    path = folder / "agent.toml"
    write_config(path, config)
    path.write_text(path.read_text(encoding="utf-8") + bench.describe(), encoding="utf-8")
    command = [sys.executable, "-m", "firmware_bridge.device.main", "--log-level", "error", "run", str(path)]
    process = subprocess.Popen(command)
    try:
        yield Caller(config.health_port)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def outbox(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Read what waits for the server."""
    database = sqlite3.connect(f"file:{folder / 'kiosk' / 'device.db'}?mode=ro", uri=True, timeout=15)
    try:
        rows = database.execute("SELECT type, body FROM event ORDER BY seq").fetchall()
    finally:
        database.close()
    return [(kind, json.loads(body)) for kind, body in rows]


def test_a_customer_sends_a_parcel_through_the_device_program(tmp_path: Path, bench: Bench, program: Caller) -> None:
    """From identity to receipt over real lines: masked label, one pulse, drop-off with weight in the outbox."""
    assert until(program.state)["state"] == "idle"
    assert until(lambda: not program.state()["network"])
    assert program.ask("POST", "/kiosk/identify", {"proof": "rn-1"})[1]["params"]["reason"] == "no_waybills"
    program.take("stock", company="sf", numbers=["SF0000000001"])
    program.take("identify", proof="rn-1")
    assert program.take("declare", **PARCEL)["price_fen"] == 800
    program.take("agree")
    assert program.take("label", **PARTIES)["waybill"] == "SF0000000001"
    bench.scanner.see(bench.lines[4], "SF0000000001")
    assert program.take("scan")["state"] == "stuck"
    bench.scale.put(740)
    assert program.take("weigh")["weight_g"] == 740
    assert program.take("open")["cell"] == "c1-1"
    assert until(lambda: program.state()["boxes"]["c1-1"]["door"] == "open")
    assert until(lambda: set(bench.wled.shining()) == set(range(8)))
    bench.put_in(1)
    assert until(lambda: program.state()["state"] == "dropped")
    assert program.take("receipt")["state"] == "idle"
    assert until(lambda: not bench.wled.shining())

    label = b"".join(bench.printer.printed).decode("gb18030", "replace")
    assert "SF0000000001" in label
    for party in PARTIES.values():
        assert party["name"] not in label
        assert party["phone"] not in label
    told = outbox(tmp_path)
    (dropped,) = [body for kind, body in told if kind == "parcel.dropped"]
    assert (dropped["waybill"], dropped["weight_g"], dropped["compartment"]) == ("SF0000000001", 740, "c1-1")
    assert "item_seen" in dropped["evidence"]
    assert bench.board.doors[1].pulses == 1
    assert [kind for kind, _ in told].count("door.pulsed") == 1
    assert {"target": "c1-1", "inside": "occupied"} in [body for kind, body in told if kind == "door.closed"]
    assert "欧阳" not in (tmp_path / "kiosk" / "device.db").read_bytes().decode("utf-8", "replace")


@dataclass
class Device:
    """The parts of a device program in the test's hands."""

    agent: Agent
    reader: OsdpReader
    make: Callable[[], KioskDesk]

    def __post_init__(self) -> None:
        self.kiosk = self.make()

    def power_back(self) -> KioskDesk:
        """Start the kiosk's program anew over what was kept."""
        self.kiosk = self.make()
        return self.kiosk


@pytest.fixture
def desk(tmp_path: Path, bench: Bench, kiosk: Any, ids: SeededIds) -> Iterator[Device]:
    """Give the kiosk's desk and its agent in this process, for faults that a program cannot be given from outside."""
    path = tmp_path / "agent.toml"
    path.write_text(bench.describe(), encoding="utf-8")
    made: list[Device] = []

    def moved(move: BoxMoved) -> None:
        agent.commander.actuator.moved(move)
        made[0].kiosk.moved(move)

    cabinet = build_cabinet(path, moved)
    assert cabinet is not None
    devices = open_peripherals(path, Random(1).randbytes, MemoryJournal())
    config = replace(kiosk.agent.config, store_path=tmp_path / "desk" / "device.db")
    clock = SystemClock()
    agent = Agent(config, clock, ids, wire=kiosk.wire, cabinet=(cabinet, cabinet.targets))
    table = read_kiosk(path, {"boxes": {"c1-1": "S", "c1-2": "M"}})
    assert devices.reader is not None
    made.append(Device(agent, devices.reader, lambda: KioskDesk(table, agent, cabinet, devices, clock, ids)))
    cabinet.poll()
    agent.start_cabinet()
    made[0].kiosk.turn()
    yield made[0]
    agent.close()
    devices.close()


def to_the_door(desk: KioskDesk, bench: Bench, waybill: str) -> None:
    """Walk a customer up to the door."""
    desk.act("identify", {"proof": "rn-1"})
    desk.act("declare", PARCEL)
    desk.act("agree", {})
    desk.act("label", {**PARTIES, "waybill": waybill})
    desk.act("scan", {"code": waybill})
    bench.scale.put(600)
    desk.act("weigh", {})


def test_paper_out_is_refused_before_anything_is_asked(desk: Device, bench: Bench) -> None:
    """Without paper nobody begins; when it runs out later the label is refused; a second label needs a new session."""
    kiosk = desk.kiosk
    bench.printer.trouble = "paper_out"
    with pytest.raises(KioskRefusedError) as refused:
        kiosk.act("identify", {"proof": "rn-1"})
    assert refused.value.params["reason"] == "no_paper"
    assert kiosk.view()["hindrance"] == "no_paper"
    bench.printer.trouble = "ready"
    kiosk.act("identify", {"proof": "rn-1"})
    kiosk.act("declare", PARCEL)
    kiosk.act("agree", {})
    bench.printer.trouble = "paper_out"
    with pytest.raises(KioskRefusedError):
        kiosk.act("label", {**PARTIES, "waybill": "SF0000000001"})
    bench.printer.trouble = "ready"
    kiosk.act("label", {**PARTIES, "waybill": "SF0000000001"})
    with pytest.raises(ImpossibleStepError):
        kiosk.act("label", {**PARTIES, "waybill": "SF0000000002"})
    assert len(bench.printer.printed) == 1


def test_a_full_disk_takes_nothing_in(desk: Device, bench: Bench) -> None:
    """While the disk is full nobody begins and no door opens for a parcel; whoever was on the way may give up."""
    kiosk, agent = desk.kiosk, desk.agent
    to_the_door(kiosk, bench, "SF0000000001")
    agent.store.deposits_refused = True
    with pytest.raises(KioskRefusedError) as refused:
        kiosk.act("open", {})
    assert refused.value.params["reason"] == "disk_full"
    assert kiosk.act("give_up", {})["hindrance"] == "disk_full"
    with pytest.raises(KioskRefusedError):
        kiosk.act("identify", {"proof": "rn-1"})
    assert [door.pulses for door in bench.board.doors.values()] == [0, 0, 0, 0]


def test_a_jammed_lock_can_be_tried_again(desk: Device, bench: Bench) -> None:
    """A lock that pulses and stays shut leaves the parcel with the customer, who asks again; nothing retries alone."""
    kiosk, agent = desk.kiosk, desk.agent
    agent.commander.actuator.confirm_s = 0.3
    to_the_door(kiosk, bench, "SF0000000001")
    bench.board.doors[1].jammed = True
    kiosk.act("open", {})

    def failed() -> bool:
        kiosk.turn()
        return bool(kiosk.view()["state"] == "weighed")

    assert until(failed)
    assert bench.board.doors[1].pulses == 1
    bench.board.doors[1].jammed = False
    assert kiosk.act("open", {})["cell"] == "c1-1"
    assert until(lambda: bench.board.doors[1].pulses == 2)


def test_an_unclear_session_is_settled_by_a_right(desk: Device, bench: Bench) -> None:
    """After a power cut at the open door only somebody whose badge opens that box may say what became of it."""
    kiosk, agent = desk.kiosk, desk.agent
    allow(agent, "keeper-badge", "c1-1")
    to_the_door(kiosk, bench, "SF0000000001")
    kiosk.act("open", {})
    kiosk = desk.power_back()
    with pytest.raises(KioskRefusedError):
        kiosk.act("settle", {"credential": "a-guess", "dropped": True, "reason": "seen"})
    assert kiosk.view()["state"] == "unclear"
    told = kiosk.act("settle", {"credential": "keeper-badge", "dropped": False, "reason": "empty"})
    assert told["state"] == "idle"


def allow(agent: Agent, credential: str, target: str) -> None:
    """Put one right on the local list."""
    until_ = SystemClock().now() + timedelta(days=1)
    grant = Grant(id="keeper-1", target=target, digest=credential_digest(agent.config.key, credential), until=until_)
    update = ListUpdate(
        dev=agent.config.address.device, version=1, expires_at=until_, grants=(grant,), digest=list_digest([grant])
    )
    assert agent.upkeep.local_list.take(update) == "taken"


def test_badges_open_or_are_told(desk: Device, bench: Bench) -> None:
    """A Wiegand card opens with its PIN only, without network; alone or with a wrong PIN it is an event."""
    agent = desk.agent
    allow(agent, "w26-90-324-1234", "c1-4")
    badges = BadgeDesk(desk.reader, "c1-4", agent, SystemClock())

    def verdicts() -> list[str]:
        rows = agent.store.query("SELECT body FROM event WHERE type = 'access.presented' ORDER BY seq")
        return [json.loads(body)["verdict"] for (body,) in rows]

    def told(count: int) -> bool:
        badges.turn()
        return len(verdicts()) == count

    assert until(lambda: badges.turn() or bench.reader.secure)
    bench.reader.show_card(WiegandCard(90, 324))
    bench.reader.press("1234#")
    assert until(lambda: told(1))
    assert until(lambda: bench.board.doors[4].pulses == 1)
    bench.reader.show_card(WiegandCard(90, 324))
    bench.reader.press("9999#")
    assert until(lambda: told(2))
    badges = BadgeDesk(desk.reader, "c1-4", agent, SystemClock(), pin_s=0.0)
    bench.reader.show_card(WiegandCard(90, 324))
    assert until(lambda: told(3))
    badges = BadgeDesk(desk.reader, "c1-4", agent, SystemClock())
    assert verdicts() == ["allowed", "unknown", "second_factor"]
    for count in range(4, 10):
        bench.reader.show_card(WiegandCard(90, 324))
        bench.reader.press("0000#")
        assert until(lambda count=count: told(count))
    assert verdicts()[-1] == "locked_out"
    assert bench.board.doors[4].pulses == 1


def test_a_board_without_item_sensors_says_nothing_of_the_inside(desk: Device) -> None:
    """What lies behind a shut door is told where a sensor sees it, and left out where none does."""
    for occupied in (True, False, None):
        desk.agent.commander.actuator.moved(BoxMoved("c1-3", Seen.OPEN, Seen.CLOSED, occupied=occupied))
    rows = desk.agent.store.query("SELECT body FROM event WHERE type = 'door.closed' ORDER BY seq")
    assert [json.loads(body).get("inside") for (body,) in rows] == ["occupied", "empty", None]


class FakeScreen:
    """A kiosk that only notes what it is asked."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def view(self) -> dict[str, Any]:
        """Say that nobody is there."""
        return {"state": "idle"}

    def act(self, step: str, body: Any) -> dict[str, Any]:
        """Note a step; a wrong one is refused."""
        if step == "dance":
            raise KioskStepError("there is no step dance", step=step)
        self.steps.append(step)
        return self.view()


def test_only_this_machines_own_screen_is_served() -> None:
    """A foreign page, a name made to point here, a form without JSON and a flood are refused; nothing is done."""
    screen = FakeScreen()
    page = HealthPage("qj-kiosk-017", dict, 0, screen)
    try:
        caller = Caller(page.port)
        own = f"http://127.0.0.1:{page.port}"
        assert caller.ask("GET", "/kiosk", Origin=own) == (200, {"state": "idle"})
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example:8631"}, {"Origin": "null"}):
            assert caller.ask("POST", "/kiosk/agree", {}, **headers)[0] == 403
            assert caller.ask("GET", "/kiosk", **headers)[0] == 403
        assert caller.ask("POST", "/kiosk/agree", {}, Content_Type="text/plain")[0] == 415
        assert caller.ask("POST", "/kiosk/agree", {"x": "y" * 20_000})[0] == 413
        assert caller.ask("POST", "/elsewhere", {})[0] == 404
        status, said = caller.ask("POST", "/kiosk/dance", {})
        assert (status, said["code"]) == (400, "kiosk_step")
        assert screen.steps == []
        assert caller.ask("POST", "/kiosk/agree", {}, Origin=own)[0] == 200
        assert screen.steps == ["agree"]
    finally:
        page.close()


def test_the_screens_page_knows_every_state_and_loads_nothing_from_elsewhere() -> None:
    """The page has words and buttons for each state a customer can be in, and its policy shuts everybody else out."""
    page = HealthPage("qj-kiosk-017", dict, 0, FakeScreen())
    try:
        caller = Caller(page.port)
        status, text = caller.ask("GET", "/kiosk/screen")
        assert status == 200
        named = set(re.findall(r"^  (\w+): \[\"", text, re.MULTILINE))
        assert set(SENDING.states) - {"receipted", "voided"} <= named
        assert "default-src 'none'" in POLICY
        assert "http" not in text
        assert caller.ask("GET", "/kiosk/screen", Host="evil.example")[0] == 403
    finally:
        page.close()


@pytest.mark.parametrize("table", [{"boxes": {}}, {"boxes": {"c1-1": "Q"}}, {"boxes": {"c1-1": "S"}, "tarifs": {}}, {}])
def test_a_wrong_kiosk_table_is_named(tmp_path: Path, table: dict[str, Any]) -> None:
    """A mistake in the kiosk's table is answered with the field that is wrong."""
    with pytest.raises(AgentConfigError, match="kiosk"):
        read_kiosk(tmp_path / "agent.toml", table)
