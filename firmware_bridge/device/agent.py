"""The agent: sends what the outbox holds until the server says that it has it.

:class:`Agent` does one device's work in steps; :func:`serve` runs one or many of them in a thread.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from firmware_bridge.device.actuator import Doors
from firmware_bridge.device.commander import Commander, NoDoors
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.gate import REBIRTH, REPORT
from firmware_bridge.device.local_list import Allowance
from firmware_bridge.device.settings import DeviceSettings
from firmware_bridge.device.store import DeviceStore, Fact, StoredEvent
from firmware_bridge.device.timekeeping import ServerTime
from firmware_bridge.device.upkeep import Upkeep
from firmware_bridge.device.window import WindowState
from firmware_bridge.endpoint import Extras, Will
from firmware_bridge.errors import PayloadError, PayloadTooLargeError, SignatureError
from firmware_bridge.link import InMessage, Link, LinkOptions, Waker, Wire, drive
from firmware_bridge.schemas import Ack, Birth, BirthReply, Event, parse_message
from firmware_bridge.signing import DeviceKey, Direction, encode_bytes, seal, unseal
from kernel.clock import Clock
from kernel.errors import CundaError
from kernel.ids import Ids
from kernel.log import get_logger

log = get_logger("firmware_bridge.device")

HISTORICAL_S: Final = 60.0
BIRTH_EVERY_S: Final = 600.0
BIRTH_RETRY_S: Final = 10.0
#: No answer to anything for so long on a standing connection: the watchdog ends it.
STALL_S: Final = 25.0
STALL_MAX_S: Final = 300.0
#: How long a broker with MQTT 5 keeps what was meant for this device; short ones hide behind the will's delay.
SESSION_S: Final = 3600
_TURN_S: Final = 0.05
_IDLE_S: Final = 0.5
_BATCH: Final = 8


class Agent:
    """One device: its store, its connection, its window.

    Parameters
    ----------
    ids
        Makes event ids and nonces.
    wire
        The connection; one of its own to the configured broker when omitted.
    cabinet
        Doors this device may open and what they are called; none when omitted. Call
        :meth:`start_cabinet` before serving.
    at
        Passed to the actuator, for trials.
    restart
        Asks the program to end so that another release can start; releases are refused when omitted.
    objections
        What this device has against settings that are right in form.

    Notes
    -----
    :meth:`record` and :meth:`present` may be called from any thread; everything else belongs to the thread of
    :func:`serve`.
    """

    def __init__(
        self,
        config: AgentConfig,
        clock: Clock,
        ids: Ids,
        *,
        wire: Wire | None = None,
        cabinet: tuple[Doors, Sequence[str]] | None = None,
        at: Callable[[str], None] = lambda point: None,
        restart: Callable[[], None] | None = None,
        objections: Callable[[DeviceSettings], Mapping[str, str]] = lambda settings: {},
    ) -> None:
        self.config = config
        self._clock = clock
        self._ids = ids
        self.store = DeviceStore(config.store_path, clock, ids)
        self.time = ServerTime(self.store, clock)
        self._rng = Random(f"{config.address.device}/{self.store.store_id}/{self.store.boot}")  # noqa: S311 - jitter
        self.window = WindowState(self._rng)
        self.link: Wire = wire or self._make_link()
        self._commands = config.address.commands.removesuffix("#")
        self._cursors = {True: 0, False: 0}
        self._birth_connection = 0
        self._birth_due_s = 0.0
        self._nonce = ""
        self._start = self._new_nonce()
        self.born = False
        self._birth_open = False
        self._asked_s: float | None = None
        self._proven_s = clock.monotonic_s()
        self._stall_s = STALL_S
        self.refused: dict[str, int] = {}
        doors, targets = cabinet if cabinet is not None else (NoDoors(), ())
        self.commander = Commander(
            config, self.store, self.time, clock, ids, doors, targets, lambda fact: self.record(fact), at,
            {REPORT: lambda: self.upkeep.report(self.link.connection), REBIRTH: self._rebirth},
        )  # fmt: skip
        self.upkeep = Upkeep(
            config, self.store, self.time, clock, lambda: {name: doors.door(name).value for name in targets},
            lambda fact: self.record(fact), restart, objections,
        )  # fmt: skip
        self._apply_settings()
        self._tell_of_the_past()

    def start_cabinet(self) -> None:
        """Settle openings an earlier process left undecided, then begin to carry out new ones."""
        self.commander.actuator.start()

    @property
    def accepts_deposits(self) -> bool:
        """Tell whether a parcel may be taken in: not while the disk is full, for nobody would hear of it."""
        return not self.store.deposits_refused

    def present(self, credential: str, target: str, *, opens: bool = True) -> Allowance:
        """Open a box for a credential of the local list, with or without network; what came of it is recorded.

        The opening takes the same path as any other: intent first, one pulse, word of the sensor.

        Parameters
        ----------
        opens
            False: the right is judged and recorded, the box stays as it is.
        """
        allowance = self.upkeep.local_list.judge(credential, target)
        body: dict[str, Any] = {"target": target, "verdict": allowance.reason}
        if allowance.grant is not None:
            body["grant"] = allowance.grant
            if opens:
                body["cmd_id"] = self.commander.actuator.open_locally(target)
        self.record(Fact("access", "access.presented", body))
        return allowance

    def record(self, fact: Fact, changes: Mapping[str, Any] | None = None) -> StoredEvent:
        """Write down a fact; it is on its way from now on, whatever happens.

        Raises
        ------
        PersonalDataError
            If it would carry a name, phone, address or code.
        OutboxFullError
            If the disk is full.
        """
        now, mono_ms = self._clock.now(), int(self._clock.monotonic_s() * 1000)
        offset_ms = self.time.offset_ms(now, mono_ms)
        return self.store.record(fact, changes, offline=not self.link.connected, offset_ms=offset_ms)

    def step(self) -> None:
        """Read what arrived and send what is due."""
        while self.link.inbox:
            self._take(self.link.inbox.popleft())
        now_s = self._clock.monotonic_s()
        self.store.watch_disk(now_s)
        if not self.link.connected:
            self.born = False
            return
        if self.link.connection != self._birth_connection:
            self._begin_connection(now_s)
        if now_s >= self._birth_due_s:
            self._send_birth(now_s)
        self._send_again(now_s)
        for backlog in (False, True):
            self._send_new(now_s, backlog=backlog)
        self.commander.report_refusals()
        for topic, payload in self.commander.progress():
            self.link.publish(topic, payload)
        self.upkeep.step(now_s, self.link.connection, self.link.publish)
        self._watch(now_s)

    def wait_s(self) -> float:
        """Return how long nothing can become due."""
        if not self.link.connected:
            return min(max(self.link.retry_in_s, 0.01), _IDLE_S)
        return _TURN_S

    def close(self) -> None:
        """Say good-bye in order and close the store; events that wait stay in it."""
        if self.commander.actuator.running:
            self.commander.actuator.stop()
        if self.link.connected:
            self._publish_state("disconnected")
            drive([self.link], 0.05)
        self.link.close()
        self.store.close()

    def _make_link(self) -> Link:
        address, config = self.config.address, self.config
        return Link(
            config.broker,
            config.login,
            (address.ack, address.birth_reply, address.config, address.commands),
            self._clock,
            self._rng,
            will=self._will,
            options=LinkOptions(
                profile=config.profile, keepalive_s=config.keepalive_s, tls=config.tls, session_s=SESSION_S
            ),
        )

    def _begin_connection(self, now_s: float) -> None:
        self._birth_connection = self.link.connection
        self._birth_due_s = now_s
        self._proven_s, self._asked_s = now_s, None
        self.born = False
        self.window.hurry(now_s)

    def _will(self, connection: int) -> Will:
        topic = self.config.address.state
        return Will(topic, seal(self.config.key, Direction.STATE, topic, self._birth("death", connection).to_bytes()))

    def _birth(self, kind: str, connection: int) -> Birth:
        return Birth(
            kind=kind,
            dev=self.config.address.device,
            store=self.store.store_id,
            boot=self.store.boot,
            connection=max(connection, 1),
            next_seq=self.store.next_seq(),
            nonce=self._nonce or self._new_nonce(),
            start=self._start,
            ts=self._clock.now(),
            firmware=self.config.firmware,
            schemas={"parcel.dropped": 1},
            description=self.upkeep.digest,
        )

    def _send_birth(self, now_s: float) -> None:
        self._nonce = self._new_nonce()
        if self._publish_state("birth"):
            self._birth_open, self._birth_due_s = True, now_s + BIRTH_RETRY_S

    def _publish_state(self, kind: str) -> bool:
        topic = self.config.address.state
        body = self._birth(kind, self.link.connection).to_bytes()
        return self.link.publish(topic, seal(self.config.key, Direction.STATE, topic, body), retain=True)

    def _new_nonce(self) -> str:
        return encode_bytes(hashlib.sha256(self._ids.new().encode()).digest()[:24])

    def _send_again(self, now_s: float) -> None:
        for entry in self.window.due(now_s):
            event = self.store.get(entry.seq)
            if event is None:
                self.window.landed([entry.seq])
            elif not self._send(event, now_s, backlog=entry.backlog, historical=entry.historical):
                return

    def _send_new(self, now_s: float, *, backlog: bool) -> None:
        room = min(self.window.room(backlog=backlog), _BATCH)
        if room <= 0 or self._cursors[backlog] >= self.store.newest(backlog=backlog):
            return
        for event in self.store.waiting(self._cursors[backlog], room, backlog=backlog):
            if not self._send(event, now_s, backlog=backlog, historical=self._is_historical(event, now_s)):
                return
            self._cursors[backlog] = event.seq

    def _is_historical(self, event: StoredEvent, now_s: float) -> bool:
        return event.offline or event.boot != self.store.boot or now_s - event.mono_ms / 1000 > HISTORICAL_S

    def _send(self, event: StoredEvent, now_s: float, *, backlog: bool, historical: bool) -> bool:
        message = Event(
            id=event.id,
            dev=self.config.address.device,
            store=self.store.store_id,
            boot=event.boot,
            seq=event.seq,
            ts=event.ts,
            mono_ms=event.mono_ms,
            clock=self.time.report_for(event),
            type=event.type,
            schema=event.schema,
            txn=event.txn,
            offline=event.offline,
            historical=historical,
            body=event.body,
        )
        topic, body = self.config.address.event(event.kind), message.to_bytes()
        extras = Extras(user=(("schema", f"{event.type}/{event.schema}"), ("trace", event.txn or event.id)))
        if not self.link.publish(topic, seal(self.config.key, Direction.EVENT, topic, body), extras=extras):
            return False
        digest = hashlib.sha256(body).hexdigest()
        self.window.sent(event.seq, now_s, backlog=backlog, historical=historical, digest=digest)
        return True

    def _take(self, message: InMessage) -> None:
        address = self.config.address
        if message.topic.startswith(self._commands):
            self.commander.take(message, born=self.born)
            return
        try:
            if message.topic == address.ack:
                self._take_ack(parse_message(Ack, self._opened(message, Direction.ACK)))
            elif message.topic == address.birth_reply:
                self._take_reply(parse_message(BirthReply, self._opened(message, Direction.BIRTH_REPLY)))
            elif message.topic == address.config:
                self.upkeep.take(self._opened(message, Direction.CONFIG))
                self._apply_settings()
        except (SignatureError, PayloadError, PayloadTooLargeError) as problem:
            self._refuse(problem, message.topic)

    def _opened(self, message: InMessage, direction: Direction) -> bytes:
        return unseal(self._key_of, direction, message.topic, message.payload)

    def _key_of(self, kid: str) -> DeviceKey | None:
        return self.config.key if kid == self.config.key.kid else None

    def _refuse(self, problem: CundaError, topic: str) -> None:
        self.refused[problem.code] = self.refused.get(problem.code, 0) + 1
        log.warning("message_refused", topic=topic, error_code=problem.code)

    def _take_ack(self, ack: Ack) -> None:
        if ack.store != self.store.store_id:
            return
        now_s = self._clock.monotonic_s()
        self._proven_s, self._stall_s = now_s, STALL_S
        self.time.hear(ack.server_time, fresh=False)
        dead = {self.window.by_digest(entry[7:]) if isinstance(entry, str) else entry for entry in ack.dead}
        # Only what was sent is settled: an acknowledgement about numbers never sent belongs to a twin of this store.
        flying = self.window.seqs()
        put_aside = [seq for seq in flying if seq in dead]
        stored = [seq for seq in flying if seq not in dead and ack.covers(seq)]
        if stored or put_aside:
            self.store.settle(stored, put_aside, ack.server_time)
            self.window.landed([*stored, *put_aside])
        if put_aside:
            log.warning("events_put_aside", device=self.config.address.device, seqs=put_aside)
        self.window.hurry(now_s, {seq for seq in flying if seq <= ack.upto and seq in self.window})

    def _take_reply(self, reply: BirthReply) -> None:
        if (reply.store, reply.nonce, reply.dev) != (self.store.store_id, self._nonce, self.config.address.device):
            return  # an answer to an older question
        now_s = self._clock.monotonic_s()
        self._proven_s, self._stall_s = now_s, STALL_S
        self.time.hear(reply.server_time, fresh=True)
        self.store.raise_time_floor(reply.server_time)
        self.commander.gate.floor(reply.counter_floor)
        self.born, self._birth_open = True, False
        self._birth_due_s = now_s + BIRTH_EVERY_S
        if self.upkeep.updater is not None:
            self.upkeep.updater.confirm()  # it runs, its store is open, and it is heard: that is what "well" means

    def _rebirth(self) -> None:
        self._birth_due_s = self._clock.monotonic_s()
        self.upkeep.rebirth()

    def _apply_settings(self) -> None:
        settings, actuator = self.upkeep.settings.current, self.commander.actuator
        actuator.confirm_s, actuator.maintenance = settings.confirm_s, settings.maintenance

    def _tell_of_the_past(self) -> None:
        """Record what happened while no program could: a damaged store, a release that was taken back."""
        if self.store.quarantined is not None:
            self.record(Fact("device", "store.replaced", {"set_aside": self.store.quarantined.name[:80]}))
        if self.upkeep.updater is not None:
            self.upkeep.updater.tell_outcome()

    def _watch(self, now_s: float) -> None:
        """End a connection on which a question stays unanswered: half-open, or its reader is stuck.

        The time without a question does not count: on an idle connection nobody has anything to answer.
        """
        if len(self.window) == 0 and not self._birth_open:
            self._asked_s = None
            return
        if self._asked_s is None:
            self._asked_s = now_s
        silent_s = now_s - max(self._asked_s, self._proven_s)
        if silent_s > self._stall_s:
            log.warning("no_answer", device=self.config.address.device, silent_s=round(silent_s))
            # A server that is down for hours must not be met by a storm of reconnects.
            self._stall_s = min(self._stall_s * 2, STALL_MAX_S)
            self.link.drop()


def serve(
    agents: Sequence[Agent],
    stop: threading.Event,
    waker: Waker | None = None,
    *,
    turn: Callable[[], None] = lambda: None,
) -> None:
    """Run agents until told to stop; a failure of one step is logged and the next step is taken.

    Parameters
    ----------
    turn
        Called once a round: a watchdog learns from it that the program goes on.
    """
    links = [agent.link for agent in agents]
    while not stop.is_set():
        drive(links, min(agent.wait_s() for agent in agents), waker)
        turn()
        for agent in agents:
            try:
                agent.step()
            except (CundaError, OSError) as problem:
                log.error("step_failed", device=agent.config.address.device, why=str(problem))
