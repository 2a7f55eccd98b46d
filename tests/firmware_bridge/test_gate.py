"""The gate: what a device obeys and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.device.gate import Accepted, Gate, Known, Refused
from firmware_bridge.link import InMessage
from firmware_bridge.schemas import Command, RefusalCode
from firmware_bridge.signing import DeviceKey, Direction, seal

ID = "0193f0d0-0000-7000-8000-{:012d}"


@pytest.fixture
def gate(kiosk: Any) -> Gate:
    """Give the gate of a kiosk that knows the server's time."""
    kiosk.agent.time.hear(kiosk.clock.now(), fresh=True)
    return Gate(kiosk.agent.config, kiosk.agent.store, kiosk.agent.time, ["c3-12", "c3-13"])


@pytest.fixture
def order(kiosk: Any) -> Callable[..., InMessage]:
    """Make a signed command for the kiosk, or one that differs in what is named."""

    def make(number: int = 1, *, key: DeviceKey | None = None, retain: bool = False, **changes: object) -> InMessage:
        now, config = kiosk.clock.now(), kiosk.agent.config
        fields = {
            "cmd_id": ID.format(number), "dev": config.address.device, "store": kiosk.agent.store.store_id,
            "op": "open", "target": "c3-12", "issued_at": now, "exp": now + timedelta(seconds=30), "ctr": number,
            "actor": "courier:831", "reason": "collection", "expect": "closed",
        } | changes  # fmt: skip
        topic = config.address.command(str(fields["op"]))
        body = Command(**fields).to_bytes()
        return InMessage(topic, seal(key or config.key, Direction.COMMAND, topic, body), retain, (1, 1))

    return make


def code(gate: Gate, message: InMessage, *, born: bool = True) -> RefusalCode | None:
    """Judge a message; None when it is accepted."""
    verdict = gate.judge(message, born=born)
    return verdict.code if isinstance(verdict, Refused) else None


def test_a_proper_command_is_accepted(gate: Gate, order: Callable[..., InMessage]) -> None:
    """A fresh, signed command for a box of this device is obeyed."""
    verdict = gate.judge(order(), born=True)
    assert isinstance(verdict, Accepted)
    assert (verdict.command.target, verdict.command.actor) == ("c3-12", "courier:831")


def test_dev_050_retained_command_refused(gate: Gate, order: Callable[..., InMessage]) -> None:
    """A command that the broker kept is refused, however well signed."""
    assert code(gate, order(retain=True)) is RefusalCode.RETAINED


@pytest.mark.parametrize("missing", list(Command.model_fields))
def test_dev_052_incomplete_command_refused(gate: Gate, kiosk: Any, missing: str) -> None:
    """A command that lacks any one of its fields is refused."""
    config, now = kiosk.agent.config, kiosk.clock.now()
    fields = {
        "cmd_id": ID.format(1), "dev": config.address.device, "store": kiosk.agent.store.store_id, "op": "open",
        "target": "c3-12", "issued_at": now.isoformat(), "exp": (now + timedelta(seconds=30)).isoformat(), "ctr": 1,
        "actor": "courier:831", "reason": "collection", "expect": "closed",
    }  # fmt: skip
    del fields[missing]
    topic = config.address.command("open")
    wire = seal(config.key, Direction.COMMAND, topic, json.dumps(fields).encode())
    assert code(gate, InMessage(topic, wire, False, (1, 1))) is RefusalCode.INCOMPLETE


def test_dev_053_unsigned_or_edited_refused(gate: Gate, kiosk: Any, order: Callable[..., InMessage]) -> None:
    """Unsigned commands, ones signed with another key, under another topic, and every edited byte are refused."""
    good = order()
    other = DeviceKey(kiosk.agent.config.key.kid, bytes(32))
    assert code(gate, order(key=other)) is RefusalCode.BAD_SIGNATURE
    moved = InMessage(good.topic.replace("open", "reboot"), good.payload, False, (1, 1))
    assert code(gate, moved) is RefusalCode.BAD_SIGNATURE
    for position in range(0, len(good.payload), 7):
        edited = bytearray(good.payload)
        edited[position] ^= 1
        assert code(gate, InMessage(good.topic, bytes(edited), False, (1, 1))) is RefusalCode.BAD_SIGNATURE
    assert code(gate, InMessage(good.topic, b'{"op":"open","target":"c3-12"}', False, (1, 1))) is (
        RefusalCode.BAD_SIGNATURE
    )
    assert code(gate, good) is None


def test_dev_054_retargeted_command_refused(gate: Gate, order: Callable[..., InMessage]) -> None:
    """A command for another device, store, box or operation is refused."""
    assert code(gate, order(dev="qj-kiosk-018")) is RefusalCode.WRONG_DEVICE
    assert code(gate, order(store="ffff")) is RefusalCode.WRONG_STORE
    assert code(gate, order(target="c9-99")) is RefusalCode.WRONG_TARGET
    assert code(gate, order(op="open_all")) is RefusalCode.UNKNOWN_OP


def test_dev_055_expired_command_refused(gate: Gate, kiosk: Any, order: Callable[..., InMessage]) -> None:
    """A command is refused after its time, and after two minutes whatever time it gives itself."""
    fresh, greedy = order(1), order(2, exp=kiosk.clock.now() + timedelta(hours=5))
    kiosk.clock.advance(31)
    assert code(gate, fresh) is RefusalCode.EXPIRED
    kiosk.clock.advance(90)
    assert code(gate, greedy) is RefusalCode.EXPIRED


def test_dev_056_clock_rollback_cannot_revive(
    gate: Gate, kiosk: Any, new_kiosk: Any, order: Callable[..., InMessage]
) -> None:
    """Turning the device's clock back revives no command, and without the server's time none is obeyed at all."""
    old = order(1)
    issued = kiosk.clock.now()
    kiosk.clock.advance(300)
    kiosk.agent.store.raise_time_floor(kiosk.clock.now())
    kiosk.clock.set(issued)
    assert code(gate, old) is RefusalCode.EXPIRED
    kiosk.agent.store.close()
    again = new_kiosk(kiosk.agent.config)
    reopened = Gate(again.agent.config, again.agent.store, again.agent.time, ["c3-12"])
    assert code(reopened, old) is RefusalCode.CLOCK_UNSYNCED
    again.agent.time.hear(issued, fresh=True)
    assert code(reopened, old) is RefusalCode.EXPIRED


def test_dev_030_no_actuation_before_birth_reply(gate: Gate, order: Callable[..., InMessage]) -> None:
    """Until the server has answered this connection's birth nothing is opened from afar."""
    assert code(gate, order(), born=False) is RefusalCode.NOT_BORN
    assert code(gate, order(), born=True) is None


def test_dev_057_replay_refused_after_reboot(
    gate: Gate, kiosk: Any, new_kiosk: Any, order: Callable[..., InMessage]
) -> None:
    """A used counter, a known id after its time, and anything below the floor is refused, also after a restart."""
    first = order(1)
    assert code(gate, first) is None
    kiosk.agent.store.close()
    again = new_kiosk(kiosk.agent.config)
    again.agent.time.hear(kiosk.clock.now(), fresh=True)
    gate = Gate(again.agent.config, again.agent.store, again.agent.time, ["c3-12"])
    assert code(gate, order(2, cmd_id=ID.format(99), ctr=1)) is RefusalCode.REPLAYED
    kiosk.clock.advance(31)
    assert code(gate, first) is RefusalCode.REPLAYED
    gate.floor(500)
    assert code(gate, order(499)) is RefusalCode.REPLAYED
    assert code(gate, order(501)) is None
    gate.floor(5)  # an older floor changes nothing
    assert code(gate, order(400)) is RefusalCode.REPLAYED


@given(counters=st.lists(st.integers(1, 200), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_counter_is_accepted_twice(gate: Gate, order: Callable[..., InMessage], counters: list[int]) -> None:
    """However counters arrive, none is accepted twice, and those far behind are refused."""
    with gate._store.transaction() as cursor:
        cursor.execute("DELETE FROM counter")
        cursor.execute("DELETE FROM command")
    accepted: list[int] = []
    for number, counter in enumerate(counters):
        if code(gate, order(1000 + number, ctr=counter)) is None:
            assert counter not in accepted
            assert counter > max(accepted, default=0) - 64
            accepted.append(counter)
    newest_first = sorted(set(counters), reverse=True)
    assert newest_first[0] in accepted


def test_a_command_that_came_again_is_told_not_done(gate: Gate, kiosk: Any, order: Callable[..., InMessage]) -> None:
    """The same bytes again while they are fresh tell what became of the command; nothing is done twice."""
    message = order()
    assert isinstance(gate.judge(message, born=True), Accepted)
    assert isinstance(gate.judge(message, born=True), Accepted)  # no intent yet: the actuator decides who is first
    with kiosk.agent.store.transaction() as cursor:
        cursor.execute("UPDATE command SET state = 'intent'")
    verdict = gate.judge(message, born=True)
    assert isinstance(verdict, Known)
    assert verdict.state == "accepted"
