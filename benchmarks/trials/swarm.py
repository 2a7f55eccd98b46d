"""A thousand light devices in one process: real connections, credentials and signatures, outboxes in memory.

They are for load and disorder; what a device's own store survives is tried with the real device program.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from benchmarks.trials import mqtt
from benchmarks.trials.trial import percentile
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.window import JITTER, RESEND_MAX_S, RESEND_S
from firmware_bridge.schemas import Birth
from firmware_bridge.signing import Direction, encode_bytes, seal, unseal
from kernel.clock import SystemClock

_KEEPALIVE_S = 30
_TICK_S = 0.005
_CLOCK = SystemClock()


@dataclass(frozen=True)
class Orders:
    """What a swarm does after its births.

    Parameters
    ----------
    per_s
        Events of all devices together, each second; due times are fixed beforehand, so that a slow server does not
        slow its own measurement.
    copies
        How often each event is sent.
    shuffled
        Whether devices send what they have in any order.
    deaf
        Share of acknowledgements devices do not hear.
    epoch
        Time of the devices' clocks for the first event; now when 0. Two swarms with one epoch and seed say the same.
    hold_s
        Seconds to stay connected after the last acknowledgement.
    """

    events: int = 0
    per_s: float = 500.0
    copies: int = 1
    shuffled: bool = False
    deaf: float = 0.0
    epoch: float = 0.0
    hold_s: float = 0.0
    drain_s: float = 60.0
    connects_per_s: float = 500.0
    seed: int = 1


@dataclass
class ReportState:
    """What a swarm saw."""

    devices: int = 0
    born: int = 0
    births_s: float = 0.0
    sent: int = 0
    acked: int = 0
    dead: int = 0
    resent: int = 0
    closed: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    longest_ms: float = 0.0
    sending_s: float = 0.0
    drained_s: float = 0.0
    acked_in_time: int = 0
    ids: list[str] = field(default_factory=list)


@dataclass
class _FlyingState:
    due_s: float
    again_s: float
    packet: bytes
    sends: int = 1


class _DeviceState(asyncio.Protocol):
    """One device on one connection."""

    def __init__(self, swarm: Swarm, config: AgentConfig, number: int) -> None:
        self.swarm, self.config, self.number = swarm, config, number
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.flying: dict[int, _FlyingState] = {}
        self.born = asyncio.get_running_loop().create_future()
        self.seq = self.mid = 0
        self.store = f"swarm{number:04d}"
        self.nonce = encode_bytes(f"nonce-{number:04d}-{swarm.orders.seed}".encode().ljust(18, b"."))
        self.topic = config.address.event("parcel")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        login = self.config.login
        transport.write(mqtt.connect(login.username, login.username, login.password, _KEEPALIVE_S))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        for kind, body in mqtt.packets(self.buffer):
            if kind == mqtt.CONNACK:
                address = self.config.address
                self.write(mqtt.subscribe(self.next_mid(), (address.ack, address.birth_reply)))
            elif kind == mqtt.SUBACK:
                self.send_birth()
            elif kind == mqtt.PUBLISH:
                topic, mid, payload = mqtt.published(body)
                self.write(mqtt.puback(mid))
                self.hear(topic, payload)

    def connection_lost(self, problem: Exception | None) -> None:
        self.transport = None
        self.swarm.report.closed += not self.swarm.over

    def write(self, packet: bytes) -> None:
        if self.transport is not None:
            self.transport.write(packet)

    def next_mid(self) -> int:
        self.mid = self.mid % 65_000 + 1
        return self.mid

    def send_birth(self) -> None:
        birth = Birth(
            dev=self.config.address.device, store=self.store, boot=1, connection=1, next_seq=self.seq + 1,
            nonce=self.nonce, ts=_CLOCK.now(),
        )  # fmt: skip
        topic = self.config.address.state
        wire = seal(self.config.key, Direction.STATE, topic, birth.to_bytes())
        self.write(mqtt.publish(topic, wire, self.next_mid(), retain=True))

    def record(self, due_s: float) -> None:
        """Make the next drop-off and send it."""
        self.seq += 1
        event = self.swarm.event(self, self.seq)
        raw = json.dumps(event, separators=(",", ":")).encode()
        packet = mqtt.publish(self.topic, seal(self.config.key, Direction.EVENT, self.topic, raw), self.next_mid())
        self.flying[self.seq] = _FlyingState(due_s, time.perf_counter() + self.swarm.pause_s(1), packet)
        self.swarm.report.ids.append(event["id"])
        self.swarm.launch(self, packet)

    def resend(self, now_s: float) -> None:
        """Send again what nobody acknowledged, ever more rarely, as a device does (DEV-012)."""
        for flying in self.flying.values():
            if now_s >= flying.again_s:
                flying.sends += 1
                flying.again_s = now_s + self.swarm.pause_s(flying.sends)
                self.swarm.report.resent += 1
                self.write(flying.packet)

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a signed word of the server."""
        address, key = self.config.address, self.config.key
        if topic == address.birth_reply:
            unseal(lambda _: key, Direction.BIRTH_REPLY, topic, payload)
            if not self.born.done():
                self.born.set_result(None)
        elif topic == address.ack and self.swarm.hears():
            self.settle(json.loads(unseal(lambda _: key, Direction.ACK, topic, payload)))

    def settle(self, ack: dict[str, Any]) -> None:
        """Forget what an acknowledgement covers."""
        if ack["store"] != self.store:
            return
        missing = {
            seq
            for entry in ack["missing"]
            for seq in (range(entry[0], entry[1] + 1) if isinstance(entry, list) else (entry,))
        }
        self.swarm.report.dead += len(ack["dead"])
        for seq in [seq for seq in self.flying if seq <= ack["upto"] and seq not in missing]:
            self.swarm.landed(self.flying.pop(seq))


class Swarm:
    """Devices and what they were told to do."""

    def __init__(self, configs: Sequence[AgentConfig], orders: Orders) -> None:
        self.configs, self.orders = configs, orders
        self.report = ReportState(devices=len(configs))
        self.over = False
        self._rng = Random(f"swarm/{orders.seed}")
        self._took_ms: list[float] = []
        self._pending: deque[tuple[_DeviceState, bytes]] = deque()
        self._epoch = orders.epoch or _CLOCK.now().timestamp()
        self._fixed = bool(orders.epoch)

    async def run(self) -> ReportState:
        """Connect, be born, send, wait for every acknowledgement."""
        devices = await self._connect()
        started_s = time.perf_counter()
        await self._send(devices)
        sent_s = time.perf_counter()
        self.report.acked_in_time = self.report.acked
        while any(device.flying for device in devices) and time.perf_counter() - sent_s < self.orders.drain_s:
            self._resend(devices)
            await asyncio.sleep(0.05)
        self.report.sending_s, self.report.drained_s = sent_s - started_s, time.perf_counter() - sent_s
        await self._hold(devices)
        self.over = True
        for device in devices:
            device.write(mqtt.DISCONNECT)
        self.report.p50_ms = percentile(self._took_ms, 0.5)
        self.report.p99_ms = percentile(self._took_ms, 0.99)
        self.report.longest_ms = max(self._took_ms, default=0.0)
        return self.report

    def event(self, device: _DeviceState, seq: int) -> dict[str, Any]:
        """Write a drop-off; with an epoch of its own nothing in it depends on when it is made."""
        number = device.number * 1_000_000 + seq
        at = datetime.fromtimestamp(self._epoch + seq, UTC) if self._fixed else _CLOCK.now()
        rng = Random(f"{self.orders.seed}/{number}")
        return {
            "id": f"0193f0c2-{self.orders.seed % 65536:04x}-7000-8000-{number:012d}",
            "dev": device.config.address.device, "store": device.store, "boot": 1, "seq": seq,
            "ts": (at - timedelta(milliseconds=3)).isoformat(timespec="milliseconds"), "mono_ms": seq * 10,
            "clock": {"synced": True, "offset_ms": 3}, "type": "parcel.dropped", "schema": 1, "txn": f"t-{seq}",
            "offline": False, "historical": False,
            "body": {
                "waybill": f"SW{number:012d}", "company": "zto", "weight_g": rng.randint(100, 8000), "size": "M",
                "compartment": f"c1-{rng.randint(1, 24)}", "item_class": "clothing", "proof": f"rn-{seq}",
                "evidence": ["item_seen", "weight", "door_closed"],
            },
        }  # fmt: skip

    def pause_s(self, sends: int) -> float:
        """Return how long to wait for an acknowledgement before the next attempt."""
        return min(RESEND_S * 2.0 ** (sends - 1), RESEND_MAX_S) * self._rng.uniform(1.0, 1.0 + JITTER)

    def launch(self, device: _DeviceState, packet: bytes) -> None:
        """Send a packet as often and in such order as was ordered."""
        self.report.sent += 1
        if self.orders.copies == 1 and not self.orders.shuffled:
            device.write(packet)
            return
        self._pending.extend([(device, packet)] * self.orders.copies)

    def landed(self, flying: _FlyingState) -> None:
        """Note how long an event took from when it was due."""
        self.report.acked += 1
        self._took_ms.append((time.perf_counter() - flying.due_s) * 1000)

    def hears(self) -> bool:
        """Decide whether an acknowledgement reaches its device."""
        return not self.orders.deaf or self._rng.random() >= self.orders.deaf

    async def _connect(self) -> list[_DeviceState]:
        loop, started_s = asyncio.get_running_loop(), time.perf_counter()
        devices = []
        for number, config in enumerate(self.configs):
            ahead_s = number / self.orders.connects_per_s - (time.perf_counter() - started_s)
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
            device = _DeviceState(self, config, number)
            await loop.create_connection(lambda one=device: one, config.broker.host, config.broker.port)  # type: ignore[misc]
            devices.append(device)
        done, _ = await asyncio.wait([device.born for device in devices], timeout=self.orders.drain_s)
        self.report.born, self.report.births_s = len(done), time.perf_counter() - started_s
        return devices

    async def _send(self, devices: Sequence[_DeviceState]) -> None:
        started_s, made = time.perf_counter(), 0
        next_look_s = started_s + 1.0
        while made < self.orders.events or self._pending:
            now_s = time.perf_counter()
            while made < self.orders.events and made / self.orders.per_s <= now_s - started_s:
                devices[made % len(devices)].record(started_s + made / self.orders.per_s)
                made += 1
            self._release(everything=made >= self.orders.events)
            if now_s >= next_look_s:
                next_look_s = now_s + 1.0
                self._resend(devices)
            await asyncio.sleep(_TICK_S)

    def _release(self, *, everything: bool) -> None:
        """Send a random share of what waits, so that copies and neighbours pass each other."""
        if not self._pending:
            return
        waiting = list(self._pending)
        self._pending.clear()
        self._rng.shuffle(waiting)
        now, later = (
            (waiting, []) if everything else (waiting[: len(waiting) // 2 + 1], waiting[len(waiting) // 2 + 1 :])
        )
        self._pending.extend(later)
        for device, packet in now:
            device.write(packet)

    def _resend(self, devices: Sequence[_DeviceState]) -> None:
        now_s = time.perf_counter()
        for device in devices:
            device.resend(now_s)

    async def _hold(self, devices: Sequence[_DeviceState]) -> None:
        ends_s = time.perf_counter() + self.orders.hold_s
        while time.perf_counter() < ends_s:
            await asyncio.sleep(min(_KEEPALIVE_S / 2, self.orders.hold_s))
            for device in devices:
                device.write(mqtt.PINGREQ)


def fly(configs: Sequence[AgentConfig], orders: Orders) -> str:
    """Run a swarm and return its report as one line of JSON."""
    return json.dumps(asdict(asyncio.run(Swarm(configs, orders).run())))
