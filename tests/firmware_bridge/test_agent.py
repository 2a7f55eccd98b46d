"""The agent: what it sends, keeps, believes and refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.device.agent import STALL_S
from firmware_bridge.device.config import AgentConfig, read_config, write_config
from firmware_bridge.device.store import Fact
from firmware_bridge.errors import AgentConfigError, PayloadTooLargeError
from firmware_bridge.link import InMessage
from firmware_bridge.schemas import Ack, Birth, BirthReply, parse_message
from firmware_bridge.signing import Direction, unseal


def ack(kiosk: Any, upto: int, **more: object) -> Ack:
    """Make an acknowledgement for a kiosk's store."""
    agent = kiosk.agent
    fields = {"store": agent.store.store_id, "server_time": kiosk.clock.now()} | more
    return Ack(upto=upto, **fields)


def birth_of(kiosk: Any) -> Birth:
    """Read the last birth a kiosk published."""
    wire, config = kiosk.wire, kiosk.agent.config
    topic, payload, _ = [entry for entry in wire.sent if entry[0].endswith("/state")][-1]
    return parse_message(Birth, unseal(lambda _: config.key, Direction.STATE, topic, payload))


def births(kiosk: Any) -> int:
    """Count the births a kiosk has published."""
    return sum(topic.endswith("/state") for topic, _, _ in kiosk.wire.sent)


def reply_to(kiosk: Any, **changes: object) -> BirthReply:
    """Make the server's answer to the last birth."""
    birth = birth_of(kiosk)
    fields = {
        "dev": birth.dev, "store": birth.store, "nonce": birth.nonce, "server_time": kiosk.clock.now(),
        "acked_seq": 0,
    } | changes  # fmt: skip
    return BirthReply(**fields)


def test_dev_001_same_event_id_on_every_retry(kiosk: Any, new_kiosk: Any) -> None:
    """An event keeps its id over every retry, new connection and restart of the program."""
    made = kiosk.drop()
    seen = [kiosk.opened(arrival).id for arrival in kiosk.step()]
    seen += [kiosk.opened(arrival).id for arrival in kiosk.step(after_s=4)]
    kiosk.wire.reconnect()
    seen += [kiosk.opened(arrival).id for arrival in kiosk.step()]
    kiosk.agent.store.close()
    again = new_kiosk(kiosk.agent.config)
    seen += [again.opened(arrival).id for arrival in again.step()]
    assert seen == [made] * 4


def test_dev_006_puback_alone_keeps_row(kiosk: Any) -> None:
    """The broker taking a message deletes nothing; only the server's word about this very event does."""
    kiosk.drop()
    kiosk.drop("SF0000000002")
    assert len(kiosk.step()) == 2  # handed over, so the broker has acknowledged them
    for _ in range(5):
        kiosk.step(after_s=10)
    assert kiosk.agent.store.count() == 2
    kiosk.hear(ack(kiosk, upto=2, missing=(1,)))
    assert [event.seq for event in kiosk.agent.store.waiting(0, 9, backlog=False)] == [1]
    kiosk.hear(ack(kiosk, upto=2))
    assert kiosk.agent.store.count() == 0


def test_an_acknowledgement_settles_only_what_was_sent(kiosk: Any) -> None:
    """A word about numbers this device never sent belongs to a twin and deletes nothing."""
    kiosk.wire.connected = False
    kiosk.drop()
    kiosk.wire.connected = True
    kiosk.wire.full = True
    kiosk.step()
    kiosk.hear(ack(kiosk, upto=50))
    assert kiosk.agent.store.count() == 1


def test_an_acknowledgement_of_another_store_is_ignored(kiosk: Any) -> None:
    """The old store's acknowledgements do not empty a new store."""
    kiosk.drop()
    kiosk.step()
    kiosk.hear(ack(kiosk, upto=9, store="ffff"))
    assert kiosk.agent.store.count() == 1


def test_dev_024_forged_event_or_ack_refused(kiosk: Any, server: Any) -> None:
    """Whoever runs the broker can neither invent a drop-off nor empty an outbox."""
    kiosk.drop()
    arrival = kiosk.step()[0]
    kiosk.hear(ack(kiosk, upto=1), key=bytes(32))
    assert kiosk.agent.store.count() == 1
    assert kiosk.agent.refused == {"signature": 1}
    forged = type(arrival)(arrival.topic, arrival.payload.replace(b'"sig":"', b'"sig":"A', 1)[:-3] + b'"}')
    batch = server.take([forged, type(arrival)(arrival.topic, b'{"id":"plain"}')])
    assert (batch.applied, batch.acks, batch.put_aside) == ([], {}, 2)


def test_dev_013_historical_never_overwrites_live(kiosk: Any, server: Any) -> None:
    """What happened while offline or long before it is sent is marked, kept, and ordered by its number."""
    kiosk.wire.connected = False
    kiosk.drop("SF0000000001")
    kiosk.wire.connected = True
    kiosk.drop("SF0000000002")
    kiosk.wire.full = True
    kiosk.step(after_s=61)
    kiosk.drop("SF0000000003")
    kiosk.wire.full = False
    arrivals = kiosk.step()
    told = {kiosk.opened(arrival).seq: kiosk.opened(arrival) for arrival in arrivals}
    assert [(told[seq].offline, told[seq].historical) for seq in (1, 2, 3)] == [
        (True, True), (False, True), (False, False),
    ]  # fmt: skip
    # The live one arrives first; the old ones are stored beside it and change nothing about it.
    live = [arrival for arrival in arrivals if kiosk.opened(arrival).seq == 3]
    assert len(server.take(live).applied) == 1
    late = server.take([arrival for arrival in arrivals if arrival not in live])
    assert len(late.applied) == 2
    assert next(iter(late.acks.values())).contiguous == 3


def test_dev_018_live_not_starved_by_backlog(kiosk: Any) -> None:
    """While a long backlog drains, a fresh drop-off goes out in the very next step."""
    kiosk.wire.connected = False
    for number in range(100):
        kiosk.drop(f"SF{number:010d}")
    kiosk.wire.reconnect()
    for _ in range(5):
        kiosk.step()
    assert len(kiosk.agent.window) == 12
    kiosk.drop("SF9999999999")
    sent = [kiosk.opened(arrival) for arrival in kiosk.step()]
    assert [(event.seq, event.historical) for event in sent] == [(101, False)]


def test_dev_038_only_state_is_retained(kiosk: Any) -> None:
    """Births are kept by the broker for late listeners; events never are."""
    kiosk.drop()
    kiosk.agent.step()
    retained = {topic.rsplit("/", 1)[-1] for topic, _, retain in kiosk.wire.sent if retain}
    fleeting = {topic.split("/")[4] for topic, _, retain in kiosk.wire.sent if not retain}
    assert (retained, fleeting) == ({"state"}, {"evt", "tel"})


def test_dev_086_suback_is_not_proof(kiosk: Any) -> None:
    """A device counts as heard only when the server's signed answer to its own birth arrives."""
    kiosk.step()
    assert not kiosk.agent.born
    kiosk.hear(reply_to(kiosk, nonce="x" * 24))
    assert not kiosk.agent.born  # an answer to somebody else's question
    kiosk.hear(reply_to(kiosk))
    assert kiosk.agent.born
    asked = births(kiosk)
    kiosk.step(after_s=599)
    assert births(kiosk) == asked
    kiosk.step(after_s=2)  # asked again every ten minutes
    assert births(kiosk) == asked + 1
    kiosk.step(after_s=11)  # and soon again when nobody answers
    assert births(kiosk) == asked + 2


def test_dev_081_dead_thread_recovered(kiosk: Any) -> None:
    """A connection that stands but answers nothing is ended within thirty seconds, later ever more rarely."""
    kiosk.drop()
    waited_s = 0
    while kiosk.wire.drops == 0:
        kiosk.step(after_s=1)
        waited_s += 1
        assert waited_s <= 30
    kiosk.wire.reconnect()
    for _ in range(int(STALL_S * 2) - 1):
        kiosk.step(after_s=1)
    assert kiosk.wire.drops == 1


def test_an_idle_connection_is_not_ended_for_its_first_question(kiosk: Any) -> None:
    """After minutes without anything to answer, a drop-off gets its time to be answered before a watchdog acts."""
    kiosk.step()
    kiosk.hear(reply_to(kiosk))
    for _ in range(10):
        kiosk.step(after_s=30)
    kiosk.drop()
    for _ in range(int(STALL_S)):
        kiosk.step(after_s=1)
    assert kiosk.wire.drops == 0
    kiosk.hear(ack(kiosk, upto=1))
    kiosk.step(after_s=250)
    assert kiosk.wire.drops == 0
    kiosk.drop("SF0000000002")
    for _ in range(int(STALL_S) + 2):
        kiosk.step(after_s=1)
    assert kiosk.wire.drops == 1  # a question that stays unanswered still ends it


def test_a_lost_birth_reply_is_noticed_on_an_idle_connection(kiosk: Any) -> None:
    """When nobody answers the ten-minute question of an idle device, its connection is ended within half a minute."""
    kiosk.step()
    kiosk.hear(reply_to(kiosk))
    kiosk.step(after_s=601)
    for _ in range(30):
        kiosk.step(after_s=1)
    assert kiosk.wire.drops == 1


def test_dev_080_callback_exception_survived(kiosk: Any) -> None:
    """Whatever arrives, the agent goes on: rubbish is counted and dropped."""
    address = kiosk.agent.config.address
    for topic in (address.ack, address.birth_reply, address.config, "", "cunda/v1/x"):
        for payload in (b"", b"\xff", b"{}", b"[" * 5000, b'{"kid":1,"body":2,"sig":3}'):
            kiosk.wire.inbox.append(InMessage(topic, payload, False, (1, 1)))
    kiosk.drop()
    assert len(kiosk.step()) == 1
    assert sum(kiosk.agent.refused.values()) == 15


def test_dead_events_are_kept_for_diagnosis(kiosk: Any) -> None:
    """An event the server put aside leaves the outbox and stays readable on the device."""
    kiosk.drop()
    kiosk.step()
    kiosk.hear(ack(kiosk, upto=1, dead=(1,)))
    assert kiosk.agent.store.count() == 0
    assert [(seq, kind) for seq, _, kind in kiosk.agent.store.dead()] == [(1, "parcel.dropped")]


def test_dev_015_device_clock_never_orders(kiosk: Any, server: Any) -> None:
    """A device clock that jumps a day or to 1970 changes neither the order nor the time of what is stored."""
    kiosk.step()
    kiosk.hear(reply_to(kiosk))
    true_now = kiosk.clock.now()
    for moment in (true_now + timedelta(days=1), datetime(1970, 1, 1, tzinfo=UTC), true_now - timedelta(days=1)):
        kiosk.clock.set(moment)
        kiosk.drop(f"SF{kiosk.agent.store.next_seq():010d}")
    kiosk.clock.set(true_now + timedelta(seconds=5))
    kiosk.clock.elapsed_s += 5
    events = [kiosk.opened(arrival) for arrival in kiosk.step()]
    corrected = [event.ts + timedelta(milliseconds=event.clock.offset_ms) for event in events]
    assert [event.seq for event in events] == [1, 2, 3]
    assert all(abs(moment - true_now) < timedelta(seconds=1) for moment in corrected)


def test_server_time_never_goes_back(kiosk: Any, new_kiosk: Any) -> None:
    """Old acknowledgements cannot turn the clock back, not even after a restart."""
    kiosk.drop()
    kiosk.step()
    now = kiosk.clock.now()
    kiosk.hear(ack(kiosk, upto=1, server_time=now))
    kiosk.hear(ack(kiosk, upto=1, server_time=now - timedelta(hours=5)))
    assert kiosk.agent.time.now() == now
    kiosk.clock.advance(30)
    assert kiosk.agent.time.now() == now + timedelta(seconds=30)
    kiosk.agent.store.close()
    again = new_kiosk(kiosk.agent.config)
    again.step()
    again.hear(ack(again, upto=1, server_time=now - timedelta(days=2)))
    assert again.agent.time.now() == now


def test_configuration_is_written_and_read(kiosk: Any) -> None:
    """What enrolment writes is what the agent reads, and only its owner can read the file."""
    config: AgentConfig = kiosk.agent.config
    path = config.store_path.parent / "agent.toml"
    write_config(path, config)
    assert read_config(path) == config
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("area = 1", "broker"),
        ("not toml", "TOML"),
        ('area="a+b"\ndevice="kiosk"\n[broker]\nurl="mqtt://h"\npassword="x"\n[key]\nkid="k.1"\nsecret="AA"', "area"),
        ('area="abc"\ndevice="kiosk"\n[broker]\nurl="http://h"\npassword="x"\n[key]\nkid="k.1"\nsecret="AA"', "mqtt"),
        ('area="abc"\ndevice="kiosk"\n[broker]\nurl="mqtt://h"\npassword="x"\n[key]\nkid="k.1"\nsecret="AA"', "key"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    """A configuration that cannot be used is refused with the field that is wrong."""
    path = tmp_path / "agent.toml"
    path.write_text(text)
    with pytest.raises(AgentConfigError, match=named):
        read_config(path)


def test_an_event_too_large_is_refused_where_it_happens(kiosk: Any, fact: Callable[..., Fact]) -> None:
    """A device cannot record what the wire would refuse."""
    with pytest.raises(PayloadTooLargeError):
        kiosk.agent.record(fact(text="x" * 40_000))
    assert kiosk.agent.store.count() == 0
