"""The bridge: between broker and database, two threads and nothing that is kept only in memory.

One thread moves bytes, the other stores batches. A message is acknowledged to the broker after its
transaction, and to its device by a signed ``ack``; if the program dies anywhere in between, the device sends
again and the database knows the event already.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from firmware_bridge.broker.accounts import SERVER_USER
from firmware_bridge.endpoint import BrokerAddress, Login, Profile, TlsFiles
from firmware_bridge.errors import PayloadError, PayloadTooLargeError, SignatureError, TopicError
from firmware_bridge.link import InMessage, Link, LinkOptions, Subscription, Waker, drive
from firmware_bridge.schemas import AnyMessage, Birth, BirthReply, Message, Progress, parse_message
from firmware_bridge.server.clones import CloneWatch
from firmware_bridge.server.commands import CommandDesk, CommandFinishedHandler, SecurityRefusedHandler
from firmware_bridge.server.diagnosis import DeviceReportedHandler, StoreReplacedHandler
from firmware_bridge.server.dropoffs import DropOffHandler
from firmware_bridge.server.enrolment import Keyring, KnownDevice
from firmware_bridge.server.happening import EventHandler
from firmware_bridge.server.intake import Arrival, BatchState, Intake
from firmware_bridge.server.rollouts import UpdateFinishedHandler
from firmware_bridge.server.upkeep import Upkeep
from firmware_bridge.signing import Direction, seal, unseal
from firmware_bridge.topics import all_devices, parse_topic
from kernel.clock import Clock
from kernel.db import Database
from kernel.errors import CundaError, UnavailableError
from kernel.ids import Ids
from kernel.log import get_logger
from lockers.dropoffs import EVENT_TYPE as PARCEL_DROPPED

log = get_logger("firmware_bridge.server")

BATCH: Final = 128  # half of what the broker lets be on its way
_ACTIVE_WITHIN: Final = timedelta(days=7)
_PERIODIC_S: Final = 5.0
_PAUSE_S: Final = 1.0
_COMMANDS_S: Final = 0.05  # commands issued by another process are found within this time: a person waits
_LOOK_S: Final = 0.02
_KIND_EVENT: Final = "/evt/"


@dataclass(frozen=True)
class BridgeOptions:
    """How a bridge connects.

    Parameters
    ----------
    password
        Of the broker's user ``cunda-server``.
    zone
        Time zone of drop-offs.
    username
        Another user when several bridges share the load (a broker ends the older of two equal ones).
    share_group
        Name of a shared subscription, on brokers with MQTT 5.
    """

    password: str
    zone: str
    username: str = SERVER_USER
    share_group: str | None = None
    profile: Profile = Profile.AUTO
    keepalive_s: int = 30
    tls: TlsFiles | None = None


@dataclass
class BridgeStatsState:
    """What a bridge did since it started; read for health pages and tests."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    put_aside: int = 0
    batches: int = 0
    failed_batches: int = 0
    acks: int = 0


class Bridge:
    """Takes in what devices report and answers them.

    Parameters
    ----------
    master
        The server's secret that all device keys are derived from.
    handlers
        Further event types and what to do with them.
    on_dropoff
        Called with a parcel's id after its drop-off was committed for the first time. A hint, not a
        guarantee: after a crash between commit and call the parcel is in the ledger all the same.
    """

    def __init__(
        self,
        address: BrokerAddress,
        options: BridgeOptions,
        database: Database,
        clock: Clock,
        ids: Ids,
        master: bytes,
        *,
        on_dropoff: Callable[[str], None] | None = None,
        handlers: Mapping[str, EventHandler] | None = None,
    ) -> None:
        self._clock = clock
        self._on_dropoff = on_dropoff
        self.keyring = Keyring(database, master, clock)
        self.commands = CommandDesk(database, self.keyring, clock, ids)
        self.upkeep = Upkeep(database, self.keyring, self.commands, clock)
        self.presence = self.upkeep.presence
        known: dict[str, EventHandler] = {
            PARCEL_DROPPED: DropOffHandler(ids, clock, options.zone),
            "command.finished": CommandFinishedHandler(self.commands),
            "security.refused": SecurityRefusedHandler(clock),
            "device.reported": DeviceReportedHandler(),
            "store.replaced": StoreReplacedHandler(clock),
            "update.finished": UpdateFinishedHandler(self.upkeep.rollouts),
        }
        self.intake = Intake(database, self.keyring, clock, known | dict(handlers or {}))
        self._clones = CloneWatch(database, clock)
        self.stats = BridgeStatsState()
        filters = (
            Subscription(all_devices("evt/#", options.share_group)),
            Subscription(all_devices("state"), kept=True, as_published=False),
            Subscription(all_devices("rsp")),
            Subscription(all_devices("tel/#")),
            # The auditor sees what the broker keeps and what is published to be kept.
            Subscription(all_devices("cmd/#"), kept=True),
        )
        self._link = Link(
            address,
            Login(options.username, options.password),
            filters,
            clock,
            Random(options.username),  # noqa: S311 - spreads reconnects
            options=LinkOptions(
                profile=options.profile,
                keepalive_s=options.keepalive_s,
                manual_ack=True,
                inflight=256,  # what our own broker grants
                queued=20_000,
                tls=options.tls,
            ),
        )
        self._waker = Waker()
        self._stop = threading.Event()
        self._arrived = threading.Event()
        self._greeting_due = threading.Event()
        self._done: deque[tuple[int, int]] = deque()
        self._threads: list[threading.Thread] = []
        self._hurry = threading.Event()
        self._commands_s = float("-inf")
        self._hearing_since = clock.now()

    @property
    def connected(self) -> bool:
        """Tell whether the broker has accepted this bridge."""
        return self._link.connected

    def start(self) -> None:
        """Start both threads and return at once."""
        for target in (self._move, self._store):
            thread = threading.Thread(target=target, name=f"bridge-{target.__name__.strip('_')}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the batch in hand, disconnect in order, and wait for both threads; a second call does nothing."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._waker.wake()
        for thread in self._threads:
            thread.join(timeout_s)
        self._link.close()
        self._waker.close()

    def alive(self) -> bool:
        """Tell whether both threads run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def _move(self) -> None:
        greeted = 0
        while not self._stop.is_set():
            try:
                drive([self._link], 0.2, self._waker)
                while self._done:
                    self._link.acknowledge(self._done.popleft())
                if self._link.connected and self._link.connection != greeted:
                    greeted = self._link.connection
                    self._hearing_since = self._clock.now()
                    log.info("bridge_connected", connection=greeted)
                    self._greeting_due.set()
                if self._link.inbox or self._greeting_due.is_set():
                    self._arrived.set()
            except (OSError, CundaError) as problem:
                log.error("bridge_network_step_failed", why=str(problem))
                self._stop.wait(_PAUSE_S)

    def _store(self) -> None:
        periodic_s = self._clock.monotonic_s()
        while not self._stop.is_set():
            if not self._link.inbox:
                self._arrived.wait(_LOOK_S)
            self._arrived.clear()
            if self._greeting_due.is_set():
                self._greeting_due.clear()
                self._serve_surely([])
            # What came while the last batch was stored is the next one: the busier, the bigger, and the cheaper.
            count = min(len(self._link.inbox), BATCH)
            if count:
                self._serve_surely([self._link.inbox.popleft() for _ in range(count)])
            if self._clock.monotonic_s() - periodic_s >= _PERIODIC_S:
                periodic_s = self._clock.monotonic_s()
                self._do_periodic()
            self._send_commands()

    def _serve_surely(self, batch: list[InMessage]) -> None:
        """Serve a batch until it is stored; one message that breaks the program must not stop its neighbours."""
        while not self._stop.is_set():
            try:
                self._serve(batch)
                return
            except UnavailableError as problem:
                # Nothing was committed, so nothing is acknowledged; without a database nothing else can be done.
                log.error("bridge_database_away", why=str(problem))
                self.stats.failed_batches += 1
                self._stop.wait(_PAUSE_S)
            except Exception as problem:  # the thread must outlive any one message
                log.exception("bridge_batch_failed", why=str(problem), messages=len(batch))
                self.stats.failed_batches += 1
                if len(batch) > 1:
                    for message in batch:
                        self._serve_surely([message])
                else:  # its device sends it again, ever more rarely, until the mistake is mended
                    self._finish(batch)
                return

    def _do_periodic(self) -> None:
        try:
            self.intake.alarm_old_gaps()
            self.upkeep.tend(self._hearing_since if self._link.connected else None)
            self.commands.expire()
            for sealed in self.upkeep.outgoing():
                self._link.post(sealed.topic, sealed.wire)
            self._waker.wake()
        except CundaError as problem:
            log.error("bridge_periodic_failed", why=str(problem))

    def _send_commands(self) -> None:
        now_s = self._clock.monotonic_s()
        if not self._link.connected or (now_s - self._commands_s < _COMMANDS_S and not self._hurry.is_set()):
            return
        self._commands_s = now_s
        self._hurry.clear()
        try:
            for outgoing in self.commands.due():
                self._link.post(outgoing.topic, outgoing.wire, extras=outgoing.extras)
            self._waker.wake()
        except CundaError as problem:
            log.error("bridge_commands_failed", why=str(problem))

    def hurry(self) -> None:
        """Look for new commands at once; call it after the transaction that issued one."""
        self._hurry.set()

    def _finish(self, batch: list[InMessage]) -> None:
        """Acknowledge messages to the broker, so that it can send more."""
        self._done.extend(message.token for message in batch)
        self._waker.wake()

    def _serve(self, batch: list[InMessage]) -> None:
        if not batch:
            self._greet()
            return
        events = [message for message in batch if _KIND_EVENT in message.topic]
        others = [message for message in batch if _KIND_EVENT not in message.topic]
        self.stats.received += len(events)
        if events:
            result = self.intake.take([Arrival(message.topic, message.payload) for message in events])
            self._answer(result)
        births: list[tuple[KnownDevice, Birth]] = []
        for message in others:
            births.extend(self._take_other(message))
        self._take_births(births)
        self._finish(batch)
        if events:
            self._tell(result)

    def _answer(self, result: BatchState) -> None:
        self.stats.batches += 1
        self.stats.stored += len(result.applied)
        self.stats.duplicates += result.duplicates
        self.stats.put_aside += result.put_aside
        for (device_id, store), seqs in result.acks.items():
            device = self.keyring.device(device_id)
            if device is not None:
                dead = result.dead.get((device_id, store), ())
                self._send(device, Direction.ACK, self.intake.acknowledgement(store, seqs, dead))
        self._waker.wake()

    def _tell(self, result: BatchState) -> None:
        if self._on_dropoff is None:
            return
        for applied in result.applied:
            if applied.type != PARCEL_DROPPED or applied.subject is None:
                continue
            try:
                self._on_dropoff(applied.subject)
            except Exception as problem:  # a failing listener must not stop the wire
                log.exception("dropoff_hook_failed", parcel=applied.subject, why=str(problem))

    def _greet(self) -> None:
        """Tell every device lately heard of what is committed: its unanswered events need not wait for a timer."""
        for device_id, store, seqs in self.intake.standing(_ACTIVE_WITHIN):
            device = self.keyring.device(device_id)
            if device is not None:
                self._send(device, Direction.ACK, self.intake.acknowledgement(store, seqs))
        self._waker.wake()

    def _take_other(self, message: InMessage) -> list[tuple[KnownDevice, Birth]]:
        """Take a command's progress, or what passes on a command topic; a birth is given back."""
        try:
            parsed = parse_topic(message.topic)
            device = self.keyring.device(parsed.address.device)
            if device is None or parsed.address != device.address:
                return []
            if parsed.kind == "cmd":
                self._audit(device, message)
            elif parsed.kind == "tel":
                self.upkeep.hear(device, parsed.rest, self._unsealed(device, Direction.TELEMETRY, message))
            elif parsed.kind == "rsp":
                progress = self._opened(device, Direction.RESPONSE, message, Progress)
                if progress.dev == device.address.device:
                    self.commands.hear(progress)
            else:
                return self._birth(device, self._opened(device, Direction.STATE, message, Birth))
        except (TopicError, SignatureError, PayloadError, PayloadTooLargeError) as problem:
            log.warning("message_refused", topic=message.topic, error_code=problem.code)
        return []

    @staticmethod
    def _opened(device: KnownDevice, direction: Direction, message: InMessage, kind: type[AnyMessage]) -> AnyMessage:
        return parse_message(kind, Bridge._unsealed(device, direction, message))

    @staticmethod
    def _unsealed(device: KnownDevice, direction: Direction, message: InMessage) -> bytes:
        key = device.key
        return unseal(lambda kid: key if kid == key.kid else None, direction, message.topic, message.payload)

    def _audit(self, device: KnownDevice, message: InMessage) -> None:
        if self.commands.audit(device.address.device, message.payload, retained=message.retain):
            self._link.post(message.topic, b"", retain=True)
            self._waker.wake()

    def _birth(self, device: KnownDevice, birth: Birth) -> list[tuple[KnownDevice, Birth]]:
        if birth.dev != device.address.device:
            log.warning("birth_of_another", device=device.address.device)
            return []
        self._clones.look(birth)
        return [(device, birth)]

    def _take_births(self, births: list[tuple[KnownDevice, Birth]]) -> None:
        """Note births, wills and good-byes; a whole county's come in the same second after an outage."""
        if not births:
            return
        acked = self.presence.note_many([birth for _, birth in births])
        for (device, birth), acked_seq in zip(births, acked, strict=True):
            if birth.kind == "birth":  # also a kept one: its device may wait for an answer since before we came
                self._send(device, Direction.BIRTH_REPLY, self._reply(birth, acked_seq))
        self._waker.wake()

    def _reply(self, birth: Birth, acked_seq: int) -> BirthReply:
        list_version, config_version = self.upkeep.versions(birth)
        return BirthReply(
            dev=birth.dev,
            store=birth.store,
            nonce=birth.nonce,
            server_time=self._clock.now(),
            acked_seq=acked_seq,
            list_version=list_version,
            config_version=config_version,
            counter_floor=self.commands.counter_floor(birth.dev),
        )

    def _send(self, device: KnownDevice, direction: Direction, message: Message) -> None:
        topic = device.address.ack if direction is Direction.ACK else device.address.birth_reply
        if self._link.post(topic, seal(device.key, direction, topic, message.to_bytes())):
            self.stats.acks += direction is Direction.ACK
