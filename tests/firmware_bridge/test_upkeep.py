"""Heartbeats, settings, lists, reports and rollouts, from the server to the device and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from firmware_bridge.codecs.board import Door
from firmware_bridge.device.agent import Agent
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.settings import DeviceSettings
from firmware_bridge.device.store import Fact
from firmware_bridge.errors import DeviceSettingsError, LocalListError, OutboxFullError, RolloutError
from firmware_bridge.link import InMessage
from firmware_bridge.schemas import Birth, BirthReply, DesiredSettings, Progress, parse_message
from firmware_bridge.server import alarms
from firmware_bridge.server.alarms import open_alarms
from firmware_bridge.server.commands import CommandDesk, CommandFinishedHandler
from firmware_bridge.server.diagnosis import (
    DeviceReportedHandler,
    StoreReplacedHandler,
    ask_for_report,
    device_lines,
    report_of,
    telemetry_of,
)
from firmware_bridge.server.intake import Arrival, Intake
from firmware_bridge.server.local_lists import MOST_LINES, Permission
from firmware_bridge.server.model import DeviceCommand, DeviceConfig, DeviceTelemetry, RolloutDevice
from firmware_bridge.server.presence import TIERS
from firmware_bridge.server.rollouts import PARTS, RolloutPlan
from firmware_bridge.server.upkeep import Upkeep
from firmware_bridge.signing import Direction, seal, unseal
from kernel.clock import ManualClock

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Doors:
    """Doors that are where the test puts them, and count their pulses."""

    state: dict[str, Door] = field(default_factory=lambda: {"c1-1": Door.CLOSED, "c1-2": Door.CLOSED})
    pulses: list[str] = field(default_factory=list)

    def has_sensor(self, target: str) -> bool:
        """Tell that doors can be seen."""
        return True

    def door(self, target: str) -> Door:
        """Return what is known."""
        return self.state[target]

    def look(self, target: str) -> Door:
        """Read a door."""
        return self.state[target]

    def pulse(self, target: str) -> Any:
        """Count a pulse."""
        self.pulses.append(target)


@dataclass
class Office:
    """The server with its upkeep, and kiosks whose messages it carries to and fro by hand."""

    server: Any
    commands: CommandDesk
    upkeep: Upkeep
    intake: Intake
    clock: ManualClock
    kiosks: dict[str, Any] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)

    def turn(self, after_s: float = 0.0, times: int = 1) -> None:
        """Let time pass and everybody work once: devices speak, the server stores, answers and wishes."""
        for _ in range(times):
            self.clock.advance(after_s)
            for name, kiosk in self.kiosks.items():
                if name not in self.away:
                    kiosk.agent.step()
                    self._carry(kiosk)
            self.upkeep.tend(self.clock.now() - timedelta(days=1))
            for outgoing in self.commands.due():
                self._deliver(outgoing.topic, outgoing.wire)
            for sealed in self.upkeep.outgoing():
                self._deliver(sealed.topic, sealed.wire)

    def alarms(self) -> list[str]:
        """Name the open alarms."""
        with self.server.database.read() as session:
            return [alarm.kind for alarm in open_alarms(session)]

    def start_rollout(self, settings: dict[str, Any], **plan: Any) -> int:
        """Begin to give all kiosks new settings."""
        with self.server.database.begin() as session:
            return self.upkeep.rollouts.start_settings(
                session, "qianjiang", settings, "user:ma", RolloutPlan(**plan)
            ).id

    def parts(self, rollout: int) -> dict[str, int]:
        """Count the devices of a rollout by state."""
        with self.server.database.read() as session:
            desk = self.upkeep.rollouts
            return dict(desk.progress(session, desk.get(session, rollout)).parts)

    def rollout(self, number: int) -> tuple[str, str]:
        """Read state and reason of a rollout."""
        with self.server.database.read() as session:
            found = self.upkeep.rollouts.get(session, number)
            return found.state, found.why

    def _carry(self, kiosk: Any) -> None:
        sent, kiosk.wire.sent = kiosk.wire.sent, []
        for topic, payload, _ in sent:
            device = self.server.keyring.device(topic.split("/")[3])
            kind = topic.split("/")[4]
            if kind == "evt":
                self._answer(kiosk, self.intake.take([Arrival(topic, payload)]))
            elif kind == "tel":
                raw = unseal(lambda _, key=device.key: key, Direction.TELEMETRY, topic, payload)
                self.upkeep.hear(device, topic.split("/")[5], raw)
            elif kind == "rsp":
                raw = unseal(lambda _, key=device.key: key, Direction.RESPONSE, topic, payload)
                self.commands.hear(parse_message(Progress, raw))
            elif kind == "state":
                raw = unseal(lambda _, key=device.key: key, Direction.STATE, topic, payload)
                self._greet(kiosk, parse_message(Birth, raw))

    def _answer(self, kiosk: Any, batch: Any) -> None:
        for (_, store), seqs in batch.acks.items():
            kiosk.hear(self.intake.acknowledgement(store, seqs))

    def _greet(self, kiosk: Any, birth: Birth) -> None:
        acked = self.upkeep.presence.note(birth)
        lists, configs = self.upkeep.versions(birth)
        kiosk.hear(
            BirthReply(
                dev=birth.dev, store=birth.store, nonce=birth.nonce, server_time=self.clock.now(), acked_seq=acked,
                list_version=lists, config_version=configs, counter_floor=self.commands.counter_floor(birth.dev),
            )
        )  # fmt: skip

    def _deliver(self, topic: str, wire: bytes) -> None:
        name = topic.split("/")[3]
        if name not in self.away:
            self.kiosks[name].wire.inbox.append(InMessage(topic, wire, False, (1, 1)))


@pytest.fixture
def office(server: Any, ids: Any, clock: ManualClock) -> Office:
    """Give a server with upkeep and no device yet."""
    commands = CommandDesk(server.database, server.keyring, clock, ids)
    upkeep = Upkeep(server.database, server.keyring, commands, clock)
    handlers = {
        "command.finished": CommandFinishedHandler(commands),
        "device.reported": DeviceReportedHandler(),
        "store.replaced": StoreReplacedHandler(clock),
    }
    return Office(server, commands, upkeep, Intake(server.database, server.keyring, clock, handlers), clock)


@pytest.fixture
def doors() -> Doors:
    """Give two closed doors."""
    return Doors()


@pytest.fixture
def add_kiosk(
    office: Office, enrolled: Callable[..., AgentConfig], new_kiosk: Callable[..., Any], ids: Any, doors: Doors
) -> Callable[..., Any]:
    """Add a kiosk with two doors to the office's world."""

    def add(name: str = "qj-kiosk-017", objections: Callable[[DeviceSettings], dict[str, str]] | None = None) -> Any:
        kiosk = new_kiosk(enrolled(office.server, name))
        kiosk.agent.store.close()
        kiosk.agent = Agent(
            kiosk.agent.config, office.clock, ids, wire=kiosk.wire, cabinet=(doors, list(doors.state)),
            objections=objections or (lambda settings: {}),
        )  # fmt: skip
        office.kiosks[name] = kiosk
        return kiosk

    return add


def test_dev_011_telemetry_thinned_transactions_kept(office: Office, add_kiosk: Callable[..., Any]) -> None:
    """While the line is full only the newest heartbeat is kept, and every drop-off."""
    kiosk = add_kiosk()
    office.turn()
    kiosk.wire.full = True
    for number in range(20):
        kiosk.agent.record(Fact("test", "test.happened", {"n": number}))
        office.turn(after_s=31)
    kiosk.wire.full = False
    thinned = kiosk.agent.upkeep.telemetry.thinned
    kiosk.agent.step()
    beats = [topic for topic, _, _ in kiosk.wire.sent if topic.endswith("tel/health")]
    assert (len(beats), thinned) == (1, 19)
    office.turn(after_s=1, times=6)
    assert kiosk.agent.store.count() == 0
    with office.server.database.read() as session:
        progress = office.intake.standing(timedelta(days=1))
        assert [seqs.contiguous for _, _, seqs in progress] == [kiosk.agent.store.next_seq() - 1]
        assert session.get(DeviceTelemetry, ("qj-kiosk-017", "health")) is not None


def test_dev_036_rebirth_restores_full_state(office: Office, add_kiosk: Callable[..., Any], doors: Doors) -> None:
    """A server that knows nothing of a kiosk asks, and hears what it is and where every door stands; nothing moves."""
    kiosk = add_kiosk()
    office.turn(after_s=1, times=4)
    with office.server.database.begin() as session:
        told = telemetry_of(session, "qj-kiosk-017")
        assert told["description"].digest == kiosk.agent.upkeep.digest
        assert told["description"].body["boxes"] == ["c1-1", "c1-2"]
        for row in told.values():
            session.delete(row)
    doors.state["c1-2"] = Door.OPEN
    office.turn(after_s=301)
    office.turn(after_s=1, times=3)
    with office.server.database.read() as session:
        told = {kind: row.body for kind, row in telemetry_of(session, "qj-kiosk-017").items()}
    assert set(told) == {"description", "doors", "config", "health"}
    assert told["doors"]["doors"] == {"c1-1": "closed", "c1-2": "open"}
    assert doors.pulses == []


def test_dev_039_config_versions_converge(office: Office, add_kiosk: Callable[..., Any], doors: Doors) -> None:
    """Settings reach a kiosk that was away, wrong ones are reported and change nothing, and none opens a door."""
    kiosk = add_kiosk(objections=lambda s: {"confirm_s": "too long for this lock"} if s.confirm_s > 5 else {})
    office.turn()
    desk, database = office.upkeep.configs, office.server.database
    office.away.add("qj-kiosk-017")
    with database.begin() as session:
        desk.wish(session, "qj-kiosk-017", {"heartbeat_s": 20}, "user:ma")
        desk.wish(session, "qj-kiosk-017", {"heartbeat_s": 10, "maintenance": True}, "user:ma")
    office.turn(after_s=20, times=3)
    office.away.clear()
    office.turn(after_s=21, times=3)
    assert kiosk.agent.upkeep.settings.current == DeviceSettings(heartbeat_s=10, maintenance=True)
    assert kiosk.agent.commander.actuator.maintenance
    with database.begin() as session:
        desk.wish(session, "qj-kiosk-017", {"heartbeat_s": 5, "confirm_s": 9.0}, "user:ma")
    office.turn(after_s=1, times=3)
    with database.read() as session:
        row = session.get(DeviceConfig, "qj-kiosk-017")
        assert (row.version, row.in_force, row.heard) == (3, 2, 3)
        assert row.errors == {"confirm_s": "too long for this lock"}
    assert kiosk.agent.upkeep.settings.current.heartbeat_s == 10  # all of a version or nothing of it
    assert office.alarms() == ["config_refused"]
    with database.begin() as session:
        desk.wish(session, "qj-kiosk-017", {"heartbeat_s": 15}, "user:ma")
    office.turn(after_s=1, times=3)
    assert office.alarms() == []
    again = DesiredSettings(dev="qj-kiosk-017", version=2, settings={"maintenance": True})
    opening = DesiredSettings(dev="qj-kiosk-017", version=9, settings={"open": "c1-1"})
    topic = kiosk.agent.config.address.config
    for message in (again, opening):
        wire = seal(kiosk.agent.config.key, Direction.CONFIG, topic, message.to_bytes())
        kiosk.wire.inbox.append(InMessage(topic, wire, False, (1, 1)))
        office.turn(after_s=1)
    assert kiosk.agent.upkeep.settings.current == DeviceSettings(heartbeat_s=15)
    assert kiosk.agent.upkeep.settings.errors.keys() == {"open"}
    assert doors.pulses == []


def test_settings_no_device_takes_are_refused_where_they_are_made(office: Office, add_kiosk: Any) -> None:
    """A misspelt setting never leaves the office."""
    add_kiosk()
    for wrong in ({"heart_beat": 30}, {"heartbeat_s": 600}, {"heartbeat_s": "30"}, {"open": "c1-1"}):
        with office.server.database.begin() as session, pytest.raises(DeviceSettingsError):
            office.upkeep.configs.wish(session, "qj-kiosk-017", wrong, "user:ma")


def test_settings_survive_a_restart(office: Office, add_kiosk: Any, new_kiosk: Callable[..., Any]) -> None:
    """What was set holds after the program was started again."""
    kiosk = add_kiosk()
    office.turn()
    with office.server.database.begin() as session:
        office.upkeep.configs.wish(session, "qj-kiosk-017", {"heartbeat_s": 12}, "user:ma")
    office.turn(after_s=1, times=2)
    kiosk.agent.store.close()
    again = new_kiosk(kiosk.agent.config)
    settings = again.agent.upkeep.settings
    assert (settings.current.heartbeat_s, settings.version, settings.heard) == (12, 1, 1)


def test_a_forged_wish_changes_nothing(office: Office, add_kiosk: Any) -> None:
    """Settings signed with another key, or for another device, are not taken."""
    kiosk = add_kiosk()
    office.turn()
    config, topic = kiosk.agent.config, kiosk.agent.config.address.config
    wish = DesiredSettings(dev=config.address.device, version=1, settings={"maintenance": True})
    forged = seal(type(config.key)(config.key.kid, bytes(32)), Direction.CONFIG, topic, wish.to_bytes())
    other = seal(config.key, Direction.CONFIG, topic, wish.model_copy(update={"dev": "qj-kiosk-018"}).to_bytes())
    as_ack = seal(config.key, Direction.ACK, topic, wish.to_bytes())
    for wire in (forged, other, as_ack):
        kiosk.wire.inbox.append(InMessage(topic, wire, False, (1, 1)))
        kiosk.agent.step()
    assert kiosk.agent.upkeep.settings.heard == 0


def test_dev_093_offline_list_versions(office: Office, add_kiosk: Any) -> None:
    """A list comes whole, then as differences; a damaged one changes nothing; after its end it opens nothing."""
    kiosk = add_kiosk()
    office.turn()
    now, desk, database = office.clock.now(), office.upkeep.lists, office.server.database
    device = office.server.keyring.device("qj-kiosk-017")
    listed = kiosk.agent.upkeep.local_list
    week = now + timedelta(days=7)

    def change(permissions: list[Permission], removed: tuple[str, ...] = ()) -> None:
        with database.begin() as session:
            desk.change(session, device, permissions, removed, week)
        office.turn(after_s=31, times=3)

    assert listed.judge("badge-7", "c1-1").reason == "no_list"
    change([Permission("keeper-7", "c1-1", "badge-7", week), Permission("keeper-8", "c1-1", "badge-8", week)])
    assert (listed.version, listed.judge("badge-7", "c1-1").grant) == (1, "keeper-7")
    assert listed.judge("badge-7", "c1-2").reason == "unknown"
    change([Permission("courier-1", "c1-2", "badge-1", now + timedelta(hours=1))], removed=("keeper-8",))
    assert (listed.version, [grant.id for grant in listed.grants()]) == (2, ["courier-1", "keeper-7"])
    assert listed.judge("badge-8", "c1-1").reason == "unknown"
    with database.read() as session:
        whole, newest = desk.update_for(session, "qj-kiosk-017", None), desk.update_for(session, "qj-kiosk-017", 1)
    assert (newest.base, [grant.id for grant in newest.grants], newest.removed) == (1, ["courier-1"], ("keeper-8",))
    damaged = whole.model_copy(update={"version": 3, "grants": whole.grants[:1]})
    assert listed.take(damaged) == "digest"
    assert listed.take(newest.model_copy(update={"version": 5, "base": 4})) == "other_base"
    assert (listed.take(whole), listed.version) == ("old", 2)
    office.clock.advance(3700)
    assert listed.judge("badge-1", "c1-2").reason == "grant_expired"
    office.clock.advance(7 * 86400)
    assert listed.judge("badge-7", "c1-1").reason == "list_expired"
    office.clock.set(now)  # turning the clock back revives nothing
    assert listed.judge("badge-7", "c1-1").reason == "list_expired"
    raw = "".join(str(row) for row in kiosk.agent.store.query("SELECT * FROM grant_line"))
    assert "badge" not in raw


def test_a_badge_opens_without_network(office: Office, add_kiosk: Any, doors: Doors) -> None:
    """Offline, a keeper's badge opens its box by the usual path; a strange badge is told and opens nothing."""
    kiosk = add_kiosk()
    office.turn()
    end = office.clock.now() + timedelta(days=1)
    with office.server.database.begin() as session:
        device = office.server.keyring.device("qj-kiosk-017")
        office.upkeep.lists.change(session, device, [Permission("keeper-7", "c1-1", "badge-7", end)], (), end)
    office.turn(after_s=31, times=3)
    office.away.add("qj-kiosk-017")
    kiosk.wire.connected = False
    doors.pulse = lambda target: (doors.pulses.append(target), doors.state.update({target: Door.OPEN}), _PULSED)[2]  # type: ignore[method-assign]
    kiosk.agent.start_cabinet()
    assert kiosk.agent.present("badge-7", "c1-1").grant == "keeper-7"
    assert kiosk.agent.present("badge-8", "c1-1").reason == "unknown"
    kiosk.agent.commander.actuator.stop()
    assert doors.pulses == ["c1-1"]
    told = [row[0] for row in kiosk.agent.store.query("SELECT type FROM event WHERE type <> 'command.finished'")]
    assert sorted(told[-4:]) == ["access.presented", "access.presented", "door.opened", "door.pulsed"]


def test_a_lost_list_comes_again(office: Office, add_kiosk: Any) -> None:
    """A kiosk whose store was lost gets its list again without anybody asking."""
    kiosk = add_kiosk()
    office.turn()
    device = office.server.keyring.device("qj-kiosk-017")
    end = office.clock.now() + timedelta(days=1)
    with office.server.database.begin() as session:
        office.upkeep.lists.change(session, device, [Permission("k", "c1-1", "badge", end)], (), end)
    office.turn(after_s=31, times=3)
    kiosk.agent.store.change({"local_list": None})
    office.turn(after_s=31, times=3)
    assert kiosk.agent.upkeep.local_list.version == 1


def test_a_list_has_an_end(office: Office, add_kiosk: Any) -> None:
    """More lines than fit into one message are refused."""
    add_kiosk()
    end = office.clock.now() + timedelta(days=1)
    device = office.server.keyring.device("qj-kiosk-017")
    many = [Permission(f"k{n}", "c1-1", f"b{n}", end) for n in range(MOST_LINES + 1)]
    with office.server.database.begin() as session:
        office.upkeep.lists.change(session, device, many[:-1], (), end)
        update = office.upkeep.lists.update_for(session, "qj-kiosk-017", None)
        assert len(update.to_bytes()) < 40_000
    with pytest.raises(LocalListError), office.server.database.begin() as session:
        office.upkeep.lists.change(session, device, many[-1:], (), end)


def test_a_report_is_asked_for_and_moves_nothing(office: Office, add_kiosk: Any, doors: Doors) -> None:
    """A person far away asks a kiosk how it is; the answer comes once, signed, and no door moves."""
    kiosk = add_kiosk()
    office.turn()
    with office.server.database.begin() as session:
        command = ask_for_report(office.commands, session, "qj-kiosk-017", "user:ma")
    office.turn(after_s=1, times=4)
    with office.server.database.read() as session:
        report = report_of(session, command)
        assert session.get(DeviceCommand, command).state == "confirmed"
    assert report is not None
    assert (report["health"]["dead"], report["doors"]) == (0, {"c1-1": "closed", "c1-2": "closed"})
    seq = kiosk.agent.store.next_seq()
    with office.server.database.read() as session:
        row = session.get(DeviceCommand, command)
        kiosk.wire.inbox.append(InMessage(kiosk.agent.config.address.command("report"), row.wire, False, (1, 1)))
    office.turn(after_s=1, times=2)
    assert (kiosk.agent.store.next_seq(), doors.pulses) == (seq, [])


def test_a_report_command_cannot_open(office: Office, add_kiosk: Any, doors: Doors) -> None:
    """An operation that moves nothing has the whole device as its target, and an opening has a box."""
    add_kiosk()
    office.turn()
    with office.server.database.begin() as session:
        wrong = [
            office.commands.issue(session, "qj-kiosk-017", "c1-1", "user:ma", "test", op="report"),
            office.commands.issue(session, "qj-kiosk-017", "device", "user:ma", "test"),
        ]
    office.turn(after_s=1, times=3)
    with office.server.database.read() as session:
        assert [session.get(DeviceCommand, one).code for one in wrong] == ["wrong_target"] * 2
    assert doors.pulses == []


def test_dev_040_rollout_stops_and_rolls_back(office: Office, add_kiosk: Any) -> None:
    """Settings that every third kiosk refuses stop by themselves after ten, and all go back to what they had."""
    stubborn = {f"qj-kiosk-{number:03d}" for number in range(0, 24, 3)}
    for number in range(24):
        name = f"qj-kiosk-{number:03d}"
        refuses = (lambda s: {"heartbeat_s": "no"} if s.heartbeat_s == 7 else {}) if name in stubborn else None
        add_kiosk(name, refuses)
    office.turn()
    with office.server.database.begin() as session:
        office.upkeep.configs.wish(session, "qj-kiosk-001", {"confirm_s": 3.0}, "user:ma")
    office.turn(after_s=1, times=3)
    rollout = office.start_rollout({"heartbeat_s": 7}, stages=(10, 50, 100), soak_s=10)
    office.turn(after_s=5, times=16)
    state, why = office.rollout(rollout)
    assert state == "stopped"
    assert "of 12 executed have failed" in why
    assert office.parts(rollout) == {"succeeded": 8, "failed": 4, "skipped": 12}
    office.turn(after_s=25, times=3)
    settings = {name: kiosk.agent.upkeep.settings.current for name, kiosk in office.kiosks.items()}
    assert settings.pop("qj-kiosk-001") == DeviceSettings(confirm_s=3.0)
    assert set(settings.values()) == {DeviceSettings()}
    untouched = [kiosk.agent.upkeep.settings.heard for name, kiosk in office.kiosks.items() if name > "qj-kiosk-011"]
    assert untouched == [0] * 12


def test_a_good_rollout_reaches_everybody(office: Office, add_kiosk: Any) -> None:
    """Settings that all take go through stage by stage; a kiosk out of reach is skipped and not called a failure."""
    for number in range(8):
        add_kiosk(f"qj-kiosk-{number:03d}")
    office.turn()
    office.away.add("qj-kiosk-007")
    office.turn(after_s=30, times=12)
    rollout = office.start_rollout({"heartbeat_s": 9}, stages=(25, 100), soak_s=10, timeout_s=60)
    office.turn(after_s=5, times=3)
    assert office.parts(rollout)["waiting"] == 6
    office.turn(after_s=5, times=24)
    assert office.rollout(rollout) == ("completed", "")
    assert office.parts(rollout) == {"succeeded": 7, "skipped": 1}


def test_a_device_that_goes_silent_with_new_settings_has_failed(office: Office, add_kiosk: Any) -> None:
    """A kiosk that takes new settings and is never heard again counts as failed."""
    add_kiosk()
    office.turn()
    rollout = office.start_rollout({"heartbeat_s": 9}, stages=(100,), soak_s=600)
    office.turn(after_s=1, times=4)
    office.away.add("qj-kiosk-017")
    office.turn(after_s=60, times=7)
    with office.server.database.read() as session:
        part = session.scalars(select(RolloutDevice)).one()
        assert (part.state, part.detail) == ("failed", "was not heard any more after it had applied")
    assert office.rollout(rollout)[0] == "completed"


def test_a_person_can_stop_a_rollout_once(office: Office, add_kiosk: Any) -> None:
    """A rollout that a person stops is taken back; stopping it twice, or without rising stages, is refused."""
    kiosk = add_kiosk()
    office.turn()
    rollout = office.start_rollout({"heartbeat_s": 9}, stages=(100,), soak_s=600)
    office.turn(after_s=1, times=4)
    assert kiosk.agent.upkeep.settings.current.heartbeat_s == 9
    with office.server.database.begin() as session:
        office.upkeep.rollouts.stop(session, rollout, "user:ma")
    office.turn(after_s=21, times=3)
    assert kiosk.agent.upkeep.settings.current.heartbeat_s == 30
    with office.server.database.begin() as session, pytest.raises(RolloutError):
        office.upkeep.rollouts.stop(session, rollout, "user:ma")
    for stages in ((), (50,), (100, 50), (0, 100)):
        with pytest.raises(RolloutError):
            office.start_rollout({"heartbeat_s": 9}, stages=stages)


def test_dev_090_disk_full_collection_works(office: Office, add_kiosk: Any, doors: Doors) -> None:
    """With a full disk a kiosk takes nothing in, still opens for collection and says so, and one alarm tells us."""
    kiosk = add_kiosk()
    office.turn()
    agent = kiosk.agent
    agent.store.query(f"PRAGMA max_page_count = {agent.store.query('PRAGMA page_count')[0][0] + 3}")
    assert agent.accepts_deposits
    with pytest.raises(OutboxFullError):
        for _ in range(500):
            agent.record(Fact("test", "test.happened", {"text": "x" * 900}))
    assert not agent.accepts_deposits
    assert not agent.store._reserve.exists()
    agent.store.query("PRAGMA max_page_count = 100000")  # the room that the reserve gave back
    doors.pulse = lambda target: (doors.pulses.append(target), doors.state.update({target: Door.OPEN}), _PULSED)[2]  # type: ignore[method-assign]
    agent.store._looked_s = office.clock.monotonic_s() + 10_000  # the test's disk is not really full
    agent.start_cabinet()
    with office.server.database.begin() as session:
        command = office.commands.issue(session, "qj-kiosk-017", "c1-1", "courier:831", "collection")
    for _ in range(400):
        office.turn(after_s=0.05)
        with office.server.database.read() as session:
            if session.get(DeviceCommand, command).state == "confirmed":
                break
    agent.commander.actuator.stop()
    office.turn(after_s=31, times=3)
    with office.server.database.read() as session:
        assert session.get(DeviceCommand, command).state == "confirmed"
        line = device_lines(session, "qianjiang")[0]
    assert (office.alarms(), line.grade) == (["disk_full"], "bad")
    agent.store._looked_s = float("-inf")
    office.turn(after_s=31, times=2)
    assert (agent.accepts_deposits, office.alarms()) == (True, [])


def test_a_damaged_store_is_told(office: Office, add_kiosk: Any, ids: Any, doors: Doors) -> None:
    """A kiosk whose database was damaged says so with its first event, and a person is told."""
    kiosk = add_kiosk()
    office.turn()
    kiosk.agent.store.close()
    path = kiosk.agent.config.store_path
    path.write_bytes(b"SQLite format 3\x00" + bytes(5000))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    kiosk.agent = Agent(kiosk.agent.config, office.clock, ids, wire=kiosk.wire, cabinet=(doors, list(doors.state)))
    kiosk.wire.reconnect()
    office.turn(after_s=1, times=3)
    assert office.alarms() == ["store_replaced"]
    kiosk.agent.store.close()


def test_the_list_of_devices_says_how_they_are(office: Office, add_kiosk: Any) -> None:
    """Each device stands in the list with its tier, its alarms and one word about its health."""
    add_kiosk("qj-kiosk-001")
    add_kiosk("qj-kiosk-002")
    office.turn(after_s=1, times=3)
    office.away.add("qj-kiosk-002")
    office.turn(after_s=30, times=12)
    with office.server.database.read() as session:
        lines = device_lines(session, "qianjiang")
        assert device_lines(session, "elsewhere") == []
    assert [(line.id, line.presence, line.grade, line.alarms) for line in lines] == [
        ("qj-kiosk-001", "online", "good", ()),
        ("qj-kiosk-002", "offline", "bad", ("offline",)),
    ]


def test_the_page_about_the_fleet_says_what_the_program_does() -> None:
    """Tiers, alarms, settings and states of a rollout stand on the page, and in both languages on the screen."""
    page = (PROJECT / "docs" / "devices" / "fleet.md").read_text(encoding="utf-8")
    own = [alarms.OFFLINE, alarms.FLAPPING, alarms.DISK_FULL, alarms.OUTBOX_STUCK, alarms.STORE_REPLACED,
           alarms.CONFIG_REFUSED]  # fmt: skip
    for word in (*TIERS, *PARTS, *DeviceSettings.model_fields, *own):
        assert f"`{word}`" in page, word
    for language in ("en", "zh-CN"):
        texts = json.loads((PROJECT / "web" / "src" / "i18n" / f"{language}.json").read_text(encoding="utf-8"))
        wanted = [f"presence.{tier}" for tier in TIERS] + [f"part.{part}" for part in PARTS]
        wanted += [f"alarm.{kind}" for kind in (*own, alarms.GAP, alarms.CLOCK_SKEW, alarms.FORK, alarms.BAD_SIGNATURE)]
        assert [key for key in wanted if key not in texts] == []


class _Pulsed:
    refused = False
    reason = ""


_PULSED = _Pulsed()
