"""Messages nobody should have sent: A5 (kept and stale commands), S7 (bombs), S9 (the broker's administrator)."""

from __future__ import annotations

import gc
import gzip
import json
import socket
import time
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from benchmarks.trials import mqtt
from benchmarks.trials.intruders import BOX, Kiosk, Visitor
from benchmarks.trials.stage import MASTER, Program, Stage, configs_of, until
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_most, exactly, noted
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.store import Fact
from firmware_bridge.errors import PayloadError, PayloadTooLargeError
from firmware_bridge.link import LinkOptions
from firmware_bridge.payload import MAX_BODY_BYTES, parse_object
from firmware_bridge.schemas import Ack, Command, Event, parse_message
from firmware_bridge.server.alarms import open_alarms
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.enrolment import Keyring
from firmware_bridge.server.model import DeadLetter, DeviceCommand, InboundEvent
from firmware_bridge.signing import DeviceKey, Direction, decode_bytes, encode_bytes, seal
from kernel.clock import SystemClock
from kernel.ids import SystemIds

REJECTED_WITHIN_MS: Final = 50.0
GROWTH_MB: Final = 20.0


@dataclass(frozen=True)
class _Scene:
    """A stage with one kiosk that has opened its box once, by a command that anybody on the broker could record."""

    stage: Stage
    server: Program
    config: AgentConfig
    kiosk: Kiosk
    recorded: bytes

    @property
    def topic(self) -> str:
        return self.config.address.command("open")

    def alarms(self) -> set[str]:
        """Name the open alarms of the kiosk."""
        with self.stage.database.read() as session:
            return {alarm.kind for alarm in open_alarms(session, self.config.address.device)}

    def crafted(self, life_s: float, **changes: object) -> bytes:
        """Sign a command as the server would, so that nothing but the tried rule can stop it."""
        now = SystemClock().now()
        fields: dict[str, object] = {
            "cmd_id": SystemIds().new(), "dev": self.config.address.device, "store": self.kiosk.agent.store.store_id,
            "op": "open", "target": BOX, "issued_at": now, "exp": now + timedelta(seconds=life_s), "ctr": 1000,
            "actor": "user:trial", "reason": "collection", "expect": "closed",
        }  # fmt: skip
        command = Command.model_validate(fields | changes)
        return seal(self.config.key, Direction.COMMAND, self.topic, command.to_bytes())


def _set_up(settings: TrialSettings, ends: ExitStack) -> _Scene:
    stage = ends.enter_context(Stage(settings, 2))
    server = stage.server()
    config = configs_of(stage.folder)[0]
    kiosk = ends.enter_context(Kiosk(config))
    until(lambda: kiosk.agent.born, 30)
    desk = CommandDesk(stage.database, Keyring(stage.database, MASTER, SystemClock()), SystemClock(), SystemIds())
    with stage.database.begin() as session:
        command = desk.issue(session, config.address.device, BOX, "user:trial", "collection")

    def ended() -> bool:
        with stage.database.read() as session:
            return session.scalar(select(DeviceCommand.state).where(DeviceCommand.id == command)) == "confirmed"

    until(ended, 30)
    with stage.database.read() as session:
        row = session.get_one(DeviceCommand, command)
        return _Scene(stage, server, config, kiosk, row.wire)


def kept_and_stale_commands(settings: TrialSettings) -> TrialResult:
    """Plant a command that the broker keeps, and let one expire while its device is away; properly signed, both."""
    with ExitStack() as ends:
        scene = _set_up(settings, ends)
        before = scene.kiosk.doors.pulses
        scene.server.stop()  # its auditor would clear what is kept before the device could meet it
        scene.kiosk.vanish()  # without a word: a broker with MQTT 5 keeps its session
        with Visitor.server_account(scene.stage.broker.address) as broker:
            broker.until(lambda: broker.link.connected, 30)
            broker.link.publish(scene.topic, scene.crafted(1, ctr=1001))
            broker.link.publish(scene.topic, scene.crafted(120, ctr=1002), retain=True)
            broker.stay(settings.size(10, 2))
        again = ends.enter_context(Kiosk(scene.config, scene.kiosk.doors))
        until(lambda: again.agent.link.connected, 60)
        time.sleep(settings.size(5, 1))
        scene.stage.server()
        born = until(lambda: again.agent.born, 60)
        planted_s = until(lambda: "security.planted_command" in scene.alarms(), 30)
        time.sleep(settings.size(10, 2))
        return TrialResult(
            (
                exactly("openings by the command that opened", before, 1),
                exactly("openings by kept or stale commands", scene.kiosk.doors.pulses - before, 0),
                exactly("the device works on", str(born < float("inf")), "True"),
                at_most("the auditor found what was planted", planted_s, 30, "s"),
            )
        )


def the_brokers_administrator(settings: TrialSettings) -> TrialResult:
    """Let whoever runs the broker invent, replay, edit and keep commands, and forge acknowledgements and events."""
    with ExitStack() as ends:
        scene = _set_up(settings, ends)
        before, config = scene.kiosk.doors.pulses, scene.config
        scene.server.stop()
        guess = DeviceKey(config.key.kid, bytes(32))
        attempts = _inventions(scene, guess)
        attempts += [_edited(scene.recorded, number) for number in range(settings.size(200, 10))]
        forged = Ack(store=scene.kiosk.agent.store.store_id, upto=2**50, server_time=SystemClock().now()).to_bytes()
        with Visitor.server_account(scene.stage.broker.address) as broker:
            broker.until(lambda: broker.link.connected, 30)
            scene.kiosk.agent.record(Fact("parcel", "trial.happened", {"n": 1}))
            broker.stay(0.5)
            broker.link.publish(config.address.ack, seal(guess, Direction.ACK, config.address.ack, forged))
            for number, payload in enumerate(attempts):
                broker.link.publish(scene.topic, payload, retain=number % 7 == 3)
                broker.stay(0.0)
            broker.stay(settings.size(5, 2))
        waiting = scene.kiosk.agent.store.count()
        scene.stage.server()
        until(lambda: scene.kiosk.agent.born and scene.kiosk.agent.store.count() == 0, 90)
        told_s = until(lambda: "security.command_refused" in scene.alarms(), 60)
        scene.kiosk.vanish()
        stored, topic = _rows(scene.stage, InboundEvent), config.address.event("parcel")
        with Visitor(scene.stage.broker.address, config.login, options=_options(scene.stage)) as device:
            device.until(lambda: device.link.connected, 30)
            device.link.publish(topic, seal(guess, Direction.EVENT, topic, b'{"invented":true}'))
            found = device.until(lambda: "security.bad_signature" in scene.alarms(), 30)
        return TrialResult(
            (
                noted("commands tried", len(attempts)),
                exactly("openings", scene.kiosk.doors.pulses - before, 0),
                exactly("outboxes that a forged acknowledgement emptied", int(waiting == 0), 0),
                exactly("invented events stored", _rows(scene.stage, InboundEvent) - stored, 0),
                at_most("the device told of the commands after the server was back", told_s, 60, "s"),
                exactly("the invented event raised an alarm", str(found), "True"),
            )
        )


def bombs(settings: TrialSettings) -> TrialResult:
    """Feed what breaks parsers: to the parser itself, and through the broker to a server whose memory is watched."""
    slowest_ms, most_mb, accepted = _feed_parser()
    with ExitStack() as ends:
        scene = _set_up(settings, ends)
        config, other = configs_of(scene.stage.folder)
        scene.kiosk.vanish()
        before_mb, letters = scene.server.resident_mb(), _rows(scene.stage, DeadLetter)
        for make in _BOMBS.values():
            _throw(scene.stage.port, other, make())
        small = [body for make in _BOMBS.values() if len(body := make()) <= MAX_BODY_BYTES]
        topic = config.address.event("parcel")
        with Visitor(scene.stage.broker.address, config.login, options=_options(scene.stage)) as sender:
            sender.until(lambda: sender.link.connected, 30)
            for body in small:
                sender.link.publish(topic, seal(config.key, Direction.EVENT, topic, body))
            sender.until(lambda: _signed_letters(scene.stage) >= len(small), 40)
        grown_mb = scene.server.resident_mb() - before_mb
        return TrialResult(
            (
                exactly("bombs a parser accepted", accepted, 0),
                at_most("slowest rejection", slowest_ms, REJECTED_WITHIN_MS, "ms"),
                at_most("memory the parser needed", most_mb, GROWTH_MB, "MB"),
                exactly("small ones, signed, put aside by the server", _signed_letters(scene.stage), len(small)),
                at_most("memory the server grew by", grown_mb, GROWTH_MB, "MB"),
                exactly("the server runs on", str(scene.server.process.poll() is None), "True"),
                noted("put aside in all", _rows(scene.stage, DeadLetter) - letters),
            )
        )


def _inventions(scene: _Scene, guess: DeviceKey) -> list[bytes]:
    """Make commands somebody could who has no key, or has other messages of the device."""
    outer = json.loads(scene.recorded)
    body = json.loads(decode_bytes(outer["body"]))
    later = (SystemClock().now() + timedelta(seconds=60)).isoformat()
    fresh = json.dumps({**body, "cmd_id": SystemIds().new(), "ctr": 2000, "exp": later}).encode()
    return [
        fresh,
        seal(guess, Direction.COMMAND, scene.topic, fresh),
        json.dumps({**outer, "body": encode_bytes(fresh)}).encode(),
        # The very bytes, rightly signed, but as an event: another purpose.
        seal(scene.config.key, Direction.EVENT, scene.topic, fresh),
        scene.recorded,
        b"",
        b"{}",
        bytes(100),
    ]


def _edited(wire: bytes, number: int) -> bytes:
    place = 9 + number % (len(wire) - 10)
    return wire[:place] + bytes([wire[place] ^ 1]) + wire[place + 1 :]


def _throw(port: int, config: AgentConfig, payload: bytes) -> None:
    """Send one message over a connection of its own, as far as the broker takes it."""
    login = config.login
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        link.settimeout(5)
        try:
            link.sendall(mqtt.connect(login.username, login.username, login.password, 30))
            link.recv(4)
            link.sendall(mqtt.publish(config.address.event("parcel"), payload, 1))
            link.recv(4)
        except OSError:
            return  # it hung up, as it should


def _options(stage: Stage) -> LinkOptions:
    return LinkOptions(profile=stage.broker.profile)


def _rows(stage: Stage, table: type[InboundEvent] | type[DeadLetter]) -> int:
    with stage.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _signed_letters(stage: Stage) -> int:
    with stage.database.read() as session:
        query = select(func.count()).select_from(DeadLetter).where(DeadLetter.signed)
        return session.scalar(query) or 0


_BOMBS: Final[dict[str, Callable[[], bytes]]] = {
    "30 MB": lambda: b'{"a":"' + b"x" * 30_000_000 + b'"}',
    "depth 100,000": lambda: b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "depth that fits": lambda: b'{"a":' + b"[" * 15_000 + b"]" * 15_000 + b"}",
    "a million keys": lambda: json.dumps({str(number): 0 for number in range(1_000_000)}).encode(),
    "keys that fit": lambda: b"{" + b",".join(b'"a":0' for _ in range(5_000)) + b"}",
    "not a number": lambda: b'{"a":NaN}',
    "infinity": lambda: b'{"a":1e999}',
    "a huge whole number": lambda: b'{"a":' + b"9" * 30_000 + b"}",
    "bad UTF-8": lambda: b'{"a":"\xff\xfe"}',
    "zipped": lambda: gzip.compress(b"0" * 30_000_000),
    "unfinished": lambda: b'{"a":"' + b"\\" * 30_000,
}


def _feed_parser() -> tuple[float, float, int]:
    """Return the slowest rejection in ms, the most memory it took in MB, and how many were accepted."""
    slowest_ms, most, accepted = 0.0, 0, 0
    for make in _BOMBS.values():
        bomb = make()
        gc.collect()
        accepted += _accepted(bomb)
        # The best of three: what the machine does besides is not the parser's.
        slowest_ms = max(slowest_ms, min(_rejection_ms(bomb) for _ in range(3)))
        tracemalloc.start()
        _accepted(bomb)
        most = max(most, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return slowest_ms, most / 1e6, accepted


def _rejection_ms(bomb: bytes) -> float:
    started_s = time.perf_counter()
    _accepted(bomb)
    return (time.perf_counter() - started_s) * 1000


def _accepted(bomb: bytes) -> bool:
    try:
        parse_object(bomb)
        parse_message(Event, bomb)
    except (PayloadError, PayloadTooLargeError):
        return False
    return True


TRIALS: tuple[Trial, ...] = (
    Trial("A5", "commands that the broker kept or that came too late open nothing", kept_and_stale_commands),
    Trial("S7", "bombs are rejected quickly and cheaply", bombs),
    Trial("S9", "whoever runs the broker opens nothing", the_brokers_administrator),
)
