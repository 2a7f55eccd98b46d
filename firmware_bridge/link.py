"""One MQTT connection, driven by its owner's thread: the only file that touches the MQTT library.

There is no hidden network thread that could die unseen, and no queue in memory that could be taken for a
store: every connection starts empty, and what must survive lies in its owner's database.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from firmware_bridge.endpoint import BrokerAddress, Extras, Login, Profile, TlsFiles, Will
from kernel.clock import Clock
from kernel.log import get_logger

log = get_logger("firmware_bridge")

_READS_PER_ROUND: Final = 16
_CONNECT_TIMEOUT_S: Final = 5.0
_ANSWER_TIMEOUT_S: Final = 5.0
_STEADY_S: Final = 5.0  # a connection that lived this long ends the growth of the reconnect delay
_RECONNECT_MIN_S: Final = 1.0
_RECONNECT_MAX_S: Final = 60.0
_SILENCE_FACTOR: Final = 1.4  # of the keep-alive: pings go at 1.0, so silence until here means half-open
_WILL_DELAY_S: Final = 20
_SEND_RETAINED: Final = 0
_DO_NOT_SEND_RETAINED: Final = 2


@dataclass(frozen=True)
class Subscription:
    """A filter at QoS 1, and with MQTT 5 what to do about retained messages.

    Parameters
    ----------
    kept
        Whether the broker shall send what it keeps.
    as_published
        Whether the retain flag shows as it was published; else it only tells kept messages from new ones.
    """

    topic: str
    kept: bool = False
    as_published: bool = True


@dataclass(frozen=True)
class InMessage:
    """A message that arrived; ``token`` names it when it is to be acknowledged by hand."""

    topic: str
    payload: bytes
    retain: bool
    token: tuple[int, int]


@dataclass(frozen=True)
class LinkOptions:
    """How a link behaves; the defaults suit a device.

    Parameters
    ----------
    session_s
        With MQTT 5: how long the broker keeps the session of a connection that broke off, seconds. With 0 the will
        is published at once, whatever its delay (MQTT 5, 3.1.3.2.2).
    """

    profile: Profile = Profile.AUTO
    keepalive_s: int = 30
    inflight: int = 64
    queued: int = 1024
    manual_ack: bool = False
    inbox: int = 4096
    tls: TlsFiles | None = None
    session_s: int = 0


class Wire(Protocol):
    """A connection as the agent sees it; :class:`Link` is the real one."""

    inbox: deque[InMessage]
    connection: int

    @property
    def connected(self) -> bool:
        """Tell whether the broker has accepted us."""
        ...

    @property
    def descriptor(self) -> int | None:
        """Return the descriptor to wait on, if there is one."""
        ...

    @property
    def has_buffered(self) -> bool:
        """Tell whether bytes wait that no descriptor shows."""
        ...

    @property
    def wants_write(self) -> bool:
        """Tell whether bytes wait to be written."""
        ...

    @property
    def retry_in_s(self) -> float:
        """Return how long until the next attempt to connect."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, extras: Extras | None = None) -> bool:
        """Hand over a QoS 1 message; False when it cannot be taken now."""
        ...

    def tend(self) -> None:
        """Do what is due."""
        ...

    def handle(self, readable: bool, writable: bool) -> None:
        """Move bytes."""
        ...

    def drop(self) -> None:
        """End the connection and come back."""
        ...

    def close(self) -> None:
        """End the connection in order, for good."""
        ...


class Link:
    """A connection that comes back by itself.

    Parameters
    ----------
    subscriptions
        What to ask for at every connection; a plain filter wants nothing kept and shows the retain flag.
    will
        Made anew for every connection, from its number.
    rng
        Spreads the reconnects of many devices.

    Notes
    -----
    All methods belong to the thread that calls :func:`drive`, except :meth:`post`.
    """

    def __init__(
        self,
        address: BrokerAddress,
        login: Login,
        subscriptions: Sequence[str | Subscription],
        clock: Clock,
        rng: Random,
        *,
        will: Callable[[int], Will] | None = None,
        options: LinkOptions = LinkOptions(),
    ) -> None:
        self._address = address
        self._login = login
        self._subscriptions = tuple(
            Subscription(wanted) if isinstance(wanted, str) else wanted for wanted in subscriptions
        )
        self._clock = clock
        self._rng = rng
        self._make_will = will
        self._options = options
        self._client: mqtt.Client | None = None
        self._up = False
        self._version5 = options.profile is not Profile.V311
        self._accepted = False
        self._window = options.inflight
        self._failures = 0
        self._due_s = clock.monotonic_s()
        self._since_s = 0.0
        self._heard_s = 0.0
        self.connection = 0
        self.lost_in_memory = 0
        self.inbox: deque[InMessage] = deque()
        self._outbox: deque[tuple[str, bytes, bool, Extras | None]] = deque()
        self._outbox_lock = threading.Lock()

    @property
    def connected(self) -> bool:
        """Tell whether the broker has accepted us and our subscriptions, and nothing has ended it since."""
        return self._up

    @property
    def descriptor(self) -> int | None:
        """Return the descriptor to wait on, if there is one."""
        sock = self._client.socket() if self._client is not None else None
        return None if sock is None else sock.fileno()

    @property
    def has_buffered(self) -> bool:
        """Tell whether bytes were decrypted and not yet read; no descriptor shows them."""
        sock = self._client.socket() if self._client is not None else None
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    @property
    def wants_write(self) -> bool:
        """Tell whether bytes wait to be written."""
        return self._client is not None and self._client.want_write()

    @property
    def retry_in_s(self) -> float:
        """Return how long until the next attempt to connect."""
        return max(0.0, self._due_s - self._clock.monotonic_s()) if self._client is None else 0.0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, extras: Extras | None = None) -> bool:
        """Hand a QoS 1 message to the connection; False when it cannot take it now."""
        if self._client is None or not self._up:
            return False
        properties = _message_properties(extras) if extras is not None and self._version5 else None
        sent = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        return sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def post(self, topic: str, payload: bytes, *, retain: bool = False, extras: Extras | None = None) -> bool:
        """Hand over a message from any thread; False when too many wait already."""
        with self._outbox_lock:
            if len(self._outbox) >= self._options.queued:
                self.lost_in_memory += 1
                return False
            self._outbox.append((topic, payload, retain, extras))
            return True

    def acknowledge(self, token: tuple[int, int]) -> None:
        """Tell the broker that a message was dealt with; without effect when its connection is over."""
        connection, mid = token
        if self._client is not None and connection == self.connection:
            self._client.ack(mid, 1)

    def tend(self) -> None:
        """Do what is due: connect, ping, give up on silence, send what other threads posted."""
        now_s = self._clock.monotonic_s()
        if self._client is None:
            if now_s >= self._due_s:
                self._connect(now_s)
            return
        limit_s = self._options.keepalive_s * _SILENCE_FACTOR if self._up else _ANSWER_TIMEOUT_S
        if now_s - self._heard_s > limit_s:
            log.warning("mqtt_silent", user=self._login.username, silent_s=round(now_s - self._heard_s, 1))
            self._drop(now_s)
            return
        if self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._drop(now_s)
            return
        if self._up and self._outbox:
            self._send_posted()

    def handle(self, readable: bool, writable: bool) -> None:
        """Move bytes after the socket became ready."""
        if self._client is None:
            return
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        if writable:
            result = self._client.loop_write()
        for _ in range(_READS_PER_ROUND if readable else 0):
            if result != MQTTErrorCode.MQTT_ERR_SUCCESS or self._client is None:
                break
            self._heard_s = self._clock.monotonic_s()
            result = self._client.loop_read()
        if result != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._drop(self._clock.monotonic_s())

    def drop(self) -> None:
        """End the connection without a word and come back: for a watchdog that sees no progress."""
        self._drop(self._clock.monotonic_s())

    def close(self) -> None:
        """End the connection in order; the will is not sent."""
        client, self._client, self._up = self._client, None, False
        self._due_s = float("inf")
        if client is not None:
            client.disconnect(properties=self._farewell())
            client.loop_write()

    def _connect(self, now_s: float) -> None:
        self.connection += 1
        client = self._new_client()
        try:
            client.connect(
                self._address.host,
                self._address.port,
                keepalive=self._options.keepalive_s,
                clean_start=self._options.session_s == 0 if self._version5 else MQTT_CLEAN_START_FIRST_ONLY,
                properties=self._connect_properties(),
            )
        except (OSError, ValueError) as problem:
            log.debug("mqtt_unreachable", broker=self._address.url, why=str(problem))
            self._retry_later(now_s)
            return
        self._client, self._heard_s = client, self._clock.monotonic_s()

    def _new_client(self) -> mqtt.Client:
        version5 = self._version5
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._login.username,
            clean_session=None if version5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if version5 else MQTTProtocolVersion.MQTTv311,
            manual_ack=self._options.manual_ack,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(self._window)
        client.max_queued_messages_set(self._options.queued)
        client.username_pw_set(self._login.username, self._login.password)
        if self._address.tls:
            tls = self._options.tls
            if tls is not None:
                client.tls_set(str(tls.ca), _text(tls.certificate), _text(tls.key))
            else:
                client.tls_set()  # whom this machine trusts
        if self._make_will is not None:
            will = self._make_will(self.connection)
            client.will_set(will.topic, will.payload, qos=1, retain=True, properties=_will_properties(version5))
        connection = self.connection
        client.on_connect = lambda c, _user, _flags, reason, props: self._on_connect(c, reason, props)
        client.on_message = lambda _c, _user, message: self._on_message(connection, message)
        return client

    def _connect_properties(self) -> Properties | None:
        if not self._version5:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = self._options.inflight
        if self._options.session_s:
            properties.SessionExpiryInterval = self._options.session_s
        return properties

    def _farewell(self) -> Properties | None:
        """Who leaves in order needs no session any more."""
        if not (self._version5 and self._options.session_s):
            return None
        properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        return properties

    def _on_connect(self, client: mqtt.Client, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            log.warning("mqtt_refused", user=self._login.username, why=str(reason))
            return
        self._accepted = True
        granted = getattr(properties, "ReceiveMaximum", self._window)
        if granted < self._window:
            # A broker may end a connection that has more on its way than it granted (MQTT 5, 4.9); the client's
            # window cannot be changed while it is connected, so it comes back with the smaller one.
            log.info("mqtt_window_smaller", user=self._login.username, wanted=self._window, granted=granted)
            self._window = granted
            client.disconnect()
            return
        if not self._subscriptions:
            self._set_up()
            return
        # What others publish before the broker has read the subscription passes us by, so only its answer makes
        # us connected.
        client.on_subscribe = lambda _c, _user, _mid, _reasons, _props: self._set_up()
        if self._version5:
            client.subscribe([(wanted.topic, _options(wanted)) for wanted in self._subscriptions])
        else:
            client.subscribe([(wanted.topic, 1) for wanted in self._subscriptions])

    def _set_up(self) -> None:
        self._up, self._since_s = True, self._clock.monotonic_s()

    def _on_message(self, connection: int, message: mqtt.MQTTMessage) -> None:
        if len(self.inbox) >= self._options.inbox:
            self.lost_in_memory += 1
            return
        self.inbox.append(
            InMessage(_topic(message), bytes(message.payload), bool(message.retain), (connection, message.mid))
        )

    def _send_posted(self) -> None:
        while self._outbox:
            with self._outbox_lock:
                topic, payload, retain, extras = self._outbox[0]
            if not self.publish(topic, payload, retain=retain, extras=extras):
                return
            with self._outbox_lock:
                self._outbox.popleft()

    def _drop(self, now_s: float) -> None:
        client, self._client = self._client, None
        if client is not None and (sock := client.socket()) is not None:
            sock.close()
        if self._up and now_s - self._since_s >= _STEADY_S:
            self._failures = 0
        if not self._up and self._options.profile is Profile.AUTO and not self._accepted:
            self._version5 = not self._version5  # it hung up on our first word: try the other version
        self._up = False
        self._retry_later(now_s)

    def _retry_later(self, now_s: float) -> None:
        ceiling_s = min(_RECONNECT_MAX_S, 2.0**self._failures * 2 * _RECONNECT_MIN_S)
        self._failures = min(self._failures + 1, 10)
        self._due_s = now_s + self._rng.uniform(_RECONNECT_MIN_S, ceiling_s)


class Waker:
    """Wakes a thread that waits in :func:`drive`, from any other thread."""

    def __init__(self) -> None:
        self.receiver, self._sender = socket.socketpair()
        self.receiver.setblocking(False)
        self._sender.setblocking(False)

    def wake(self) -> None:
        """End the wait."""
        try:
            self._sender.send(b"\x00")
        except BlockingIOError:
            return  # enough wake-ups wait already

    def drain(self) -> None:
        """Forget the wake-ups that came."""
        try:
            while self.receiver.recv(4096):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give both ends back."""
        self.receiver.close()
        self._sender.close()


def drive(links: Iterable[Wire], timeout_s: float, waker: Waker | None = None) -> None:
    """Serve several links for one round: tend each, wait until something moves, move it.

    Parameters
    ----------
    timeout_s
        Longest wait.
    """
    poll = select.poll()
    waiting: dict[int, Wire] = {}
    for link in links:
        link.tend()
        if link.has_buffered:
            link.handle(readable=True, writable=False)
            timeout_s = 0.0
        number = link.descriptor
        if number is not None:
            poll.register(number, select.POLLIN | (select.POLLOUT if link.wants_write else 0))
            waiting[number] = link
    if waker is not None:
        poll.register(waker.receiver, select.POLLIN)
    for number, happened in poll.poll(timeout_s * 1000):
        owner = waiting.get(number)
        if owner is not None:
            owner.handle(bool(happened & ~select.POLLOUT), bool(happened & select.POLLOUT))
        elif waker is not None:
            waker.drain()


def _options(wanted: Subscription) -> SubscribeOptions:
    handling = _SEND_RETAINED if wanted.kept else _DO_NOT_SEND_RETAINED
    return SubscribeOptions(qos=1, retainAsPublished=wanted.as_published, retainHandling=handling)


def _message_properties(extras: Extras) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if extras.expiry_s is not None:
        properties.MessageExpiryInterval = extras.expiry_s
    if extras.response_topic:
        properties.ResponseTopic = extras.response_topic
    if extras.correlation:
        properties.CorrelationData = extras.correlation
    if extras.user:
        properties.UserProperty = list(extras.user)
    return properties


def _will_properties(version5: bool) -> Properties | None:
    if not version5:
        return None
    properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
    properties.WillDelayInterval = _WILL_DELAY_S
    return properties


def _topic(message: mqtt.MQTTMessage) -> str:
    try:
        return str(message.topic)
    except UnicodeDecodeError:
        return ""


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
