"""Who may be whom: S1 (another's topics), S2 (a stolen credential), S3 (a clone), S8 (a crowd at the door)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

from sqlalchemy import func, select

from benchmarks.trials.intruders import BOX, Kiosk, Visitor
from benchmarks.trials.stage import AREA, COMPANIES, MASTER, PASSWORD, Stage, configs_of, until
from benchmarks.trials.trial import Figure, Trial, TrialResult, TrialSettings, at_least, at_most, exactly, noted
from firmware_bridge.broker.accounts import SERVER_USER, Account, hash_password
from firmware_bridge.broker.launcher import launch, tls_listener
from firmware_bridge.broker.mosquitto import find_mosquitto
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.store import Fact
from firmware_bridge.endpoint import Login, TlsFiles
from firmware_bridge.errors import DeviceLockedError
from firmware_bridge.link import LinkOptions
from firmware_bridge.pki.authority import Authority
from firmware_bridge.schemas import Event
from firmware_bridge.server.alarms import FORK, WRONG_TOPIC, open_alarms, settle_fork
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.enrolment import DeviceRegistry, Keyring, broker_accounts
from firmware_bridge.server.model import DeviceCommand, InboundEvent
from firmware_bridge.signing import Direction, seal
from firmware_bridge.simulator.kiosks import KioskFleet
from kernel.clock import SystemClock
from kernel.ids import SystemIds

_NO_TLS = "not tried: amqtt has no TLS of ours; install mosquitto"
REVOKED_WITHIN_S = 5.0
BACK_WITHIN_S = 60.0


def another_ones_topics(settings: TrialSettings) -> TrialResult:
    """Let a device with valid credentials try everything that is not its own; count at delivery."""
    with ExitStack() as ends:
        stage = ends.enter_context(Stage(settings, 2))
        stage.server()
        mine, other = configs_of(stage.folder)
        victim = ends.enter_context(Kiosk(other))
        until(lambda: victim.agent.born, 30)
        before = victim.agent.link.connection
        branch = f"cunda/v1/{AREA}"
        theirs = f"{branch}/{other.address.device}"
        filters = (
            "#", "+/#", "cunda/#", f"{theirs}/#", f"{theirs}/cmd/open", f"{branch}/+/evt/parcel", "$SYS/#",
            "$CONTROL/#", "$share/g/cunda/#", f"{branch}/{mine.address.device}/cmd/#",
        )  # fmt: skip
        options = LinkOptions(profile=stage.broker.profile)
        spy = ends.enter_context(Visitor(stage.broker.address, mine.login, *filters, options=options))
        entered = spy.until(lambda: spy.link.connected, 30)
        spy.link.publish(mine.address.event("parcel"), _event_of(other.address.device, mine))
        spy.stay(0.5)  # brokers may hang up at what follows
        for topic in (
            f"{theirs}/state", f"{theirs}/evt/parcel", f"{theirs}/cmd/open", f"{theirs}/ack", f"{theirs}/cfg",
            f"{branch}/{mine.address.device}/cmd/open", f"{branch}/{mine.address.device}/ack", "cunda/v1",
            "$CONTROL/dynamic-security/v1", "$SYS/broker/x",
        ):  # fmt: skip
            spy.link.publish(topic, b"spoofed", retain=topic.endswith("open"))
        with stage.database.begin() as session:
            desk = CommandDesk(stage.database, _keyring(stage), SystemClock(), SystemIds())
            desk.issue(session, other.address.device, BOX, "user:trial", "collection")
        victim.agent.record(Fact("parcel", "trial.happened", {"n": 1}))
        spy.until(lambda: victim.doors.pulses == 1 and _count(stage, InboundEvent) >= 2, 30)
        spy.stay(2.0)
        leaked = [message.topic for message in spy.link.inbox]
        heard = victim.agent.refused | {}
        with stage.database.read() as session:
            stored = set(session.scalars(select(InboundEvent.device_id)))
            alarms = {alarm.kind for alarm in open_alarms(session, mine.address.device)}
        return TrialResult(
            (
                exactly("the spy is connected", str(entered), "True"),
                exactly("messages of others delivered to it", len(leaked), 0),
                exactly("spoofed messages the victim heard", sum(heard.values()), 0),
                exactly("events stored under the spy's name", int(mine.address.device in stored), 0),
                exactly("a body that names another device raises the alarm", str(WRONG_TOPIC in alarms), "True"),
                exactly("connections of the victim ended", victim.agent.link.connection - before, 0),
                exactly("openings besides the one asked for", victim.doors.pulses - 1, 0),
            )
        )


def stolen_credential(settings: TrialSettings) -> TrialResult:
    """Revoke a device that is connected, by password and by certificate, and see how soon it is out."""
    figures = _revoke_password(settings)
    if settings.broker == "amqtt" or find_mosquitto() is None:
        return TrialResult((*figures, noted("by certificate", _NO_TLS)))
    tries = [_revoke_certificate(settings, number) for number in range(settings.size(5, 1))]
    longest_s = max(out_s for out_s, _ in tries)
    return TrialResult(
        (
            *figures,
            at_most("out after revocation, by certificate", longest_s, REVOKED_WITHIN_S, "s"),
            exactly("came in again by certificate", sum(again for _, again in tries), 0),
        )
    )


def cloned_device(settings: TrialSettings) -> TrialResult:
    """Start a copy of a device's disk beside it; both must open nothing until a person has decided."""
    with ExitStack() as ends:
        stage = ends.enter_context(Stage(settings, 1))
        stage.server()
        (config,) = configs_of(stage.folder)
        name = config.address.device
        with Kiosk(config) as real:
            real.agent.record(Fact("parcel", "trial.happened", {"n": 1}))
            until(lambda: real.agent.store.count() == 0, 30)
        copy = shutil.copytree(config.store_path.parent, stage.folder / "copy")
        twins = [ends.enter_context(Kiosk(one)) for one in (config, replace(config, store_path=copy / "device.db"))]
        started_s = time.perf_counter()
        desk = CommandDesk(stage.database, _keyring(stage), SystemClock(), SystemIds())
        found_s = until(lambda: FORK in _alarms(stage, name), 60)
        refused = _asks(stage, desk, name)
        for number, twin in enumerate(twins):
            twin.agent.record(Fact("parcel", "trial.happened", {"n": 2 + number}))
        time.sleep(settings.size(30, 4))
        with stage.database.read() as session:
            forks = [alarm for alarm in open_alarms(session, name) if alarm.kind == FORK]
            opened, alarms = len(forks), sum(alarm.count for alarm in forks)
        pulses = sum(twin.doors.pulses for twin in twins)
        with stage.database.begin() as session:
            DeviceRegistry(MASTER, SystemClock()).renew(session, name)
        time.sleep(3.0)  # every process has read the new keys by then, and the copies are nobody
        with stage.database.begin() as session:
            settle_fork(session, name, SystemClock().now(), "user:trial")
        return TrialResult(
            (
                at_most("alarm after both run", found_s, 60, "s"),
                exactly("alarms opened", opened, 1),
                at_least("times the alarm counted", alarms, 1),
                exactly("remote operation refused", refused, "device_locked"),
                exactly("openings of both", pulses, 0),
                exactly("with new credentials and a decision it may be", _asks(stage, desk, name), "asked"),
                exactly("openings of the copies with old credentials", sum(twin.doors.pulses for twin in twins), 0),
                noted("both ran for", time.perf_counter() - started_s, "s"),
            )
        )


def crowd_at_the_door(settings: TrialSettings) -> TrialResult:
    """Restart the broker while strangers knock a thousand times a second and others never finish their CONNECT."""
    kiosks, seconds = settings.size(200, 10), settings.size(60, 8)
    per_s, slow = settings.size(1000, 100), settings.size(2000, 50)
    with ExitStack() as ends:
        stage = ends.enter_context(Stage(settings, kiosks))
        stage.server()
        fleet = KioskFleet(
            configs_of(stage.folder), SystemClock(), SystemIds(), companies=COMPANIES, seed=settings.seed
        )
        fleet.start()
        until(lambda: fleet.connected() == kiosks, 120)
        command = [sys.executable, "-m", "benchmarks.trials.crowd", *map(str, (stage.port, seconds, per_s, slow))]
        strangers = ends.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        ends.callback(strangers.kill)
        time.sleep(1.0)
        stage.kill_broker()
        dropped = [fleet.drop() for _ in range(kiosks)]
        back_s = until(lambda: fleet.connected() == kiosks and all(one.born for one in fleet.agents), 2 * BACK_WITHIN_S)
        attempts = int(strangers.communicate()[0] or 0)
        drained_s = until(lambda: fleet.waiting() == 0, 60)
        report = fleet.stop()
        return TrialResult(
            (
                at_most("all legitimate devices back", back_s, BACK_WITHIN_S, "s"),
                exactly("drop-offs still waiting", report.waiting, 0),
                noted("drop-offs meanwhile", len(dropped)),
                noted("drained afterwards", drained_s, "s"),
                noted("attempts of strangers", attempts),
                noted("attempts a second", attempts / seconds),
                noted("connections that never finished their CONNECT", slow),
            )
        )


def _event_of(device: str, signer: AgentConfig) -> bytes:
    """Write an event of one device, signed with another's key for that one's topic."""
    now = SystemClock().now()
    event = Event.model_validate(
        {
            "id": SystemIds().new(), "dev": device, "store": "b41e", "boot": 1, "seq": 1, "ts": now, "mono_ms": 1,
            "clock": {"synced": False}, "type": "trial.happened", "schema": 1, "body": {"n": 1},
        }
    )  # fmt: skip
    return seal(signer.key, Direction.EVENT, signer.address.event("parcel"), event.to_bytes())


def _revoke_certificate(settings: TrialSettings, number: int) -> tuple[float, int]:
    """Return the seconds until a revoked certificate's connection ended, and whether it came in again."""
    clock, folder = SystemClock(), settings.folder / f"tls-{number}"
    authority = Authority(folder / "pki", clock)
    made = authority.issue_device("thief")
    (folder / "device.pem").write_text(made.certificate)
    (folder / "device.key").write_text(made.key)
    accounts = [Account(SERVER_USER, hash_password("s"))]
    tls = tls_listener("127.0.0.1", 0, ("localhost",), authority)
    assert tls is not None
    broker = launch(folder / "broker", [*accounts, Account("thief", hash_password("t"))], kind="mosquitto", tls=tls)
    files = TlsFiles(authority.ca_path, folder / "device.pem", folder / "device.key")
    assert broker.public is not None
    try:
        with Visitor(broker.public, Login("thief", "t"), options=LinkOptions(tls=files)) as thief:
            thief.until(lambda: thief.link.connected, 30)

            def revoke() -> None:
                authority.write_crl([(made.serial, clock.now())])
                broker.set_accounts(accounts)

            started_s = time.perf_counter()
            ending = threading.Thread(target=revoke)
            ending.start()
            thief.until(lambda: not thief.link.connected, 30)
            out_s = time.perf_counter() - started_s
            ending.join()
            return out_s, int(thief.until(lambda: thief.link.connected, settings.size(10, 3)))
    finally:
        broker.stop()


def _revoke_password(settings: TrialSettings) -> list[Figure]:
    with ExitStack() as ends:
        stage = ends.enter_context(Stage(settings, 2))
        stage.server()
        config, _ = configs_of(stage.folder)
        name = config.address.device
        kiosk = ends.enter_context(Kiosk(config))
        until(lambda: kiosk.agent.born, 30)
        kiosk.agent.record(Fact("parcel", "trial.happened", {"n": 1}))
        until(lambda: kiosk.agent.store.count() == 0, 30)
        before = _count(stage, InboundEvent)
        desk = CommandDesk(stage.database, _keyring(stage), SystemClock(), SystemIds())
        started_s = time.perf_counter()
        with stage.database.begin() as session:
            waiting = desk.issue(session, name, "c9-9", "user:trial", "collection", ttl_s=120)
            DeviceRegistry(MASTER, SystemClock()).revoke(session, name)
            desk.void(session, name)
        with stage.database.read() as session:
            stage.broker.set_accounts(broker_accounts(session, PASSWORD))
        until(lambda: not kiosk.agent.link.connected, 30, 0.01)
        out_s = time.perf_counter() - started_s
        until(lambda: _state(stage, waiting) == "refused", 30)
        void_s = time.perf_counter() - started_s
        kiosk.agent.record(Fact("parcel", "trial.happened", {"n": 2}))
        time.sleep(settings.size(10, 2))
        return [
            at_most("out after revocation, by password", out_s, REVOKED_WITHIN_S, "s"),
            exactly("came in again by password", str(kiosk.agent.link.connected), "False"),
            at_most("its commands void", void_s, REVOKED_WITHIN_S, "s"),
            exactly("its earlier events readable", _count(stage, InboundEvent), before),
            exactly("openings", kiosk.doors.pulses, 0),
        ]


def _keyring(stage: Stage) -> Keyring:
    return Keyring(stage.database, MASTER, SystemClock())


def _asks(stage: Stage, desk: CommandDesk, device: str) -> str:
    try:
        with stage.database.begin() as session:
            desk.issue(session, device, BOX, "user:trial", "collection")
    except DeviceLockedError as problem:
        return problem.code
    return "asked"


def _alarms(stage: Stage, device: str) -> set[str]:
    with stage.database.read() as session:
        return {alarm.kind for alarm in open_alarms(session, device)}


def _state(stage: Stage, command: str) -> str | None:
    with stage.database.read() as session:
        return session.scalar(select(DeviceCommand.state).where(DeviceCommand.id == command))


def _count(stage: Stage, table: type[InboundEvent]) -> int:
    with stage.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


TRIALS: tuple[Trial, ...] = (
    Trial("S1", "a device reads and writes nothing but its own branch", another_ones_topics),
    Trial("S2", "a revoked device is out within 5 s, and its commands are void", stolen_credential),
    Trial("S3", "a cloned device is found, and both open nothing until a person decides", cloned_device),
    Trial("S8", "a crowd of strangers does not keep devices out", crowd_at_the_door),
)
