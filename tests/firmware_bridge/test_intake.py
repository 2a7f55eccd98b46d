"""The server's intake: each fact once, together with all its effects, and nothing thrown away."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from dispatch.custody.model import CustodyEvent, CustodyStanding
from dispatch.parcels.model import Parcel
from dispatch.parcels.service import ParcelService
from firmware_bridge.device.store import Fact
from firmware_bridge.errors import UnknownDeadLetterError
from firmware_bridge.server.alarms import close_alarm, open_alarms
from firmware_bridge.server.intake import Arrival
from firmware_bridge.server.model import DeadLetter, DeviceAlarm, DeviceProgress, InboundEvent
from firmware_bridge.signing import Direction, seal
from kernel.db import Database


def rows(database: Database, table: Any) -> list[Any]:
    """Read a whole table."""
    with database.read() as session:
        found = list(session.scalars(select(table)))
        session.expunge_all()
        return found


def signed(kiosk: Any, body: bytes, topic: str | None = None) -> Arrival:
    """Sign any bytes as this kiosk would."""
    config = kiosk.agent.config
    topic = topic or config.address.event("parcel")
    return Arrival(topic, seal(config.key, Direction.EVENT, topic, body))


def altered(kiosk: Any, arrival: Arrival, **changes: object) -> Arrival:
    """Sign an event again with other content, as a cloned device could."""
    value = json.loads(kiosk.opened(arrival).to_bytes()) | changes
    return signed(kiosk, json.dumps(value).encode(), arrival.topic)


@pytest.fixture
def any_kiosk(any_server: Any, enrolled: Callable[..., Any], new_kiosk: Callable[..., Any]) -> Any:
    """Give one running kiosk known to ``any_server``."""
    return new_kiosk(enrolled(any_server))


def test_a_drop_off_becomes_a_parcel_that_waits_for_a_courier(any_kiosk: Any, any_server: Any) -> None:
    """A drop-off is one inbox row, one parcel to collect and one custody event, whose custodian is the kiosk."""
    made = any_kiosk.drop("SF0000000001", return_platform="douyin", weight_g=1250)
    batch = any_server.take(any_kiosk.step())
    parcel = rows(any_server.database, Parcel)[0]
    event = rows(any_server.database, CustodyEvent)[0]
    standing = rows(any_server.database, CustodyStanding)[0]
    inbox = rows(any_server.database, InboundEvent)[0]
    assert [applied.subject for applied in batch.applied] == [parcel.id]
    assert (parcel.direction, parcel.waybill, parcel.weight_g, parcel.channel_site_id) == (
        "collect", "SF0000000001", 1250, "qj-kiosk-017",
    )  # fmt: skip
    assert (event.event_id, event.type, event.to_custodian) == (made, "accepted_from_sender", "site:qj-kiosk-017")
    assert (event.device_id, event.seq, event.body["return_platform"]) == ("qj-kiosk-017", 1, "douyin")
    assert standing.custodian == "site:qj-kiosk-017"
    assert (inbox.id, inbox.subject, json.loads(inbox.raw)["id"]) == (made, parcel.id, made)


def test_dev_007_ack_follows_commit(any_kiosk: Any, any_server: Any) -> None:
    """Nothing is acknowledged when the transaction fails; the same message later is stored and acknowledged."""

    class Broken:
        def apply(self, session: Any, event: Any, device: Any, fact_at: Any) -> str:
            raise RuntimeError("the machine dies inside the transaction")

    any_kiosk.drop()
    arrivals = any_kiosk.step()
    intake = any_server.intake
    handlers, intake._handlers = intake._handlers, {"parcel.dropped": Broken()}
    with pytest.raises(RuntimeError, match="dies"):
        any_server.take(arrivals)
    assert rows(any_server.database, InboundEvent) == []
    assert rows(any_server.database, DeviceProgress) == []
    intake._handlers = handlers
    acks = any_server.answers(any_server.take(arrivals))
    assert [(ack.upto, ack.missing, ack.dead) for ack in acks] == [(1, (), ())]
    any_kiosk.hear(acks[0])
    assert any_kiosk.agent.store.count() == 0


def test_a_lost_acknowledgement_is_repeated(any_kiosk: Any, any_server: Any) -> None:
    """An event that arrives again changes nothing and is acknowledged again."""
    any_kiosk.drop()
    arrivals = any_kiosk.step()
    any_server.take(arrivals)
    again = any_server.take(arrivals * 3)
    assert (again.applied, again.duplicates) == ([], 3)
    assert [ack.upto for ack in any_server.answers(again)] == [1]
    assert len(rows(any_server.database, CustodyEvent)) == 1


def test_dev_008_fork_detected_not_overwritten(any_kiosk: Any, any_server: Any) -> None:
    """Another event under a used number raises a security alarm, is kept aside, and overwrites nothing."""
    any_kiosk.drop()
    arrival = any_kiosk.step()[0]
    any_server.take([arrival])
    body = kiosk_body(any_kiosk, arrival) | {"weight_g": 9999}
    twin = altered(any_kiosk, arrival, id="0193f0c2-0000-7000-8000-000000000001", body=body)
    batch = any_server.take([twin])
    assert (batch.applied, batch.put_aside) == ([], 1)
    assert rows(any_server.database, Parcel)[0].weight_g == 800
    alarms = rows(any_server.database, DeviceAlarm)
    assert [(alarm.kind, alarm.count) for alarm in alarms] == [("security.fork", 1)]
    letter = rows(any_server.database, DeadLetter)[0]
    assert (letter.reason, json.loads(letter.raw)["body"]["weight_g"]) == ("fork", 9999)
    assert any_server.answers(batch)[0].dead == (1,)


def kiosk_body(kiosk: Any, arrival: Arrival) -> dict[str, Any]:
    """Return the body of an event."""
    return dict(kiosk.opened(arrival).body)


def test_dev_009_duplicate_id_counts_once(any_kiosk: Any, any_server: Any) -> None:
    """An event id under a second number counts once, and the database itself refuses a second row."""
    any_kiosk.drop()
    arrival = any_kiosk.step()[0]
    any_server.take([arrival])
    batch = any_server.take([altered(any_kiosk, arrival, seq=2)])
    assert batch.applied == []
    assert [letter.reason for letter in rows(any_server.database, DeadLetter)] == ["duplicate_event"]
    stored = rows(any_server.database, InboundEvent)[0]
    values = {column.name: getattr(stored, column.name) for column in InboundEvent.__table__.columns}
    for changed in ({"id": "0193f0c2-0000-7000-8000-000000000009"}, {"seq": 77}):
        with pytest.raises(IntegrityError), any_server.database.begin() as session:
            session.add(InboundEvent(**(values | changed)))


def test_dev_010_bad_event_dead_lettered_and_acked(any_kiosk: Any, any_server: Any) -> None:
    """What cannot be used is kept with its reason, acknowledged as dead, and does not hold up its neighbours."""
    any_kiosk.drop("SF0000000001")
    any_kiosk.drop("SF0000000002", weight_g=-5)
    any_kiosk.drop("SF0000000003", company="nobody")
    any_kiosk.drop("SF0000000004")
    batch = any_server.take(any_kiosk.step())
    assert (len(batch.applied), batch.put_aside) == (2, 2)
    ack = any_server.answers(batch)[0]
    assert (ack.upto, ack.missing, sorted(ack.dead)) == (4, (), [2, 3])
    any_kiosk.hear(ack)
    assert any_kiosk.agent.store.count() == 0
    reasons = {letter.seq: letter.reason for letter in rows(any_server.database, DeadLetter)}
    assert reasons == {2: "event_body", 3: "company_unknown"}


def test_bad_events_take_no_neighbour_with_them(any_kiosk: Any, any_server: Any) -> None:
    """Of drop-offs taken in one step, those that cannot be used are put aside and all others are stored, once."""
    bad = {3: {"company": "nobody"}, 4: {"waybill": "SF0000000002"}, 7: {"weight_g": 0}, 11: {"company": "nobody"}}
    any_kiosk.wire.connected = False
    for number in range(30):
        any_kiosk.drop(**({"waybill": f"SF{number:010d}"} | bad.get(number, {})))
    any_kiosk.wire.reconnect()
    arrivals = [arrival for _ in range(5) for arrival in any_kiosk.step(after_s=4)]
    batch = any_server.take(arrivals)
    seqs = {any_kiosk.opened(arrival).seq for arrival in arrivals}
    put_aside = {letter.seq for letter in rows(any_server.database, DeadLetter)}
    assert put_aside == {number + 1 for number in bad if number != 4} & seqs, (
        "a second label at one kiosk is one parcel"
    )
    assert len(batch.applied) == len(seqs) - len(put_aside) == len(rows(any_server.database, CustodyEvent))
    assert any_server.answers(batch)[0].upto == max(seqs)


def test_an_operator_replays_a_dead_letter(server: Any, kiosk: Any, ids: Any, clock: Any) -> None:
    """After the cause is removed a dead letter is replayed once and becomes what it should have been."""
    kiosk.drop("SF0000000003", company="nobody")
    server.take(kiosk.step())
    letter = rows(server.database, DeadLetter)[0]
    with pytest.raises(Exception, match="nobody"):
        server.intake.replay(letter.id)
    with server.database.begin() as session:
        ParcelService(ids, clock).register_company(session, "nobody", "无名")
    assert server.intake.replay(letter.id).subject == rows(server.database, Parcel)[0].id
    with pytest.raises(UnknownDeadLetterError):
        server.intake.replay(letter.id)


@pytest.mark.parametrize(
    "body",
    [b"not json", b'{"a":NaN}', b"{}", b'{"store":"b41e","seq":1}', b"\xff\xfe", b'{"store":"x y","seq":-1}'],
)
def test_even_rubbish_with_a_signature_is_answered(kiosk: Any, server: Any, body: bytes) -> None:
    """Signed rubbish is kept and answered by number or digest, so that no device repeats it for ever."""
    kiosk.drop()
    server.take(kiosk.step())
    batch = server.take([signed(kiosk, body)])
    assert batch.put_aside == 1
    entries = [entry for dead in batch.dead.values() for entry in dead]
    assert entries
    assert all(entry == 1 or str(entry).startswith("sha256:") for entry in entries)
    assert rows(server.database, DeadLetter)[0].raw == body


def test_dev_014_projection_is_order_free(any_server: Any, enrolled: Any, new_kiosk: Any) -> None:
    """Doubled, shuffled and split input gives the very same state as the clean run."""
    clean, wild = (new_kiosk(enrolled(any_server, device)) for device in ("clean-kiosk", "wild-kiosk"))
    for kiosk in (clean, wild):
        kiosk.wire.connected = False
        for number in range(12):
            kiosk.drop(f"{kiosk.agent.config.address.device[:2].upper()}{number:010d}", weight_g=100 + number)
        kiosk.wire.reconnect()
    for _ in range(3):
        any_server.take(_acknowledged(clean, any_server))
    messages = [message for _ in range(3) for message in _acknowledged(wild, any_server, answer=False)]
    rng = Random(7)
    chaotic = messages * 3
    rng.shuffle(chaotic)
    while chaotic:
        size = rng.randint(1, 7)
        any_server.take(chaotic[:size])
        chaotic = chaotic[size:]
    assert _state(any_server, "clean-kiosk") == _state(any_server, "wild-kiosk")


def _acknowledged(kiosk: Any, server: Any, *, answer: bool = True) -> list[Arrival]:
    arrivals = kiosk.step(after_s=4)
    if answer:
        for ack in server.answers(server.take(arrivals)):
            kiosk.hear(ack)
    return arrivals


def _state(server: Any, device: str) -> list[Any]:
    """Say what is stored of one device, without what is its own by nature (ids and names)."""
    with server.database.read() as session:
        progress = session.scalars(select(DeviceProgress).where(DeviceProgress.device_id == device)).one()
        parcels = session.execute(
            select(
                Parcel.weight_g, CustodyStanding.status, CustodyStanding.next_step, func.count(CustodyEvent.event_id)
            )
            .join(CustodyStanding, CustodyStanding.parcel_id == Parcel.id)
            .join(CustodyEvent, CustodyEvent.parcel_id == Parcel.id)
            .where(Parcel.channel_site_id == device)
            .group_by(Parcel.weight_g, CustodyStanding.status, CustodyStanding.next_step)
            .order_by(Parcel.weight_g)
        ).all()
        return [progress.contiguous, progress.ahead, progress.gap_since, [tuple(row) for row in parcels]]


def test_dev_016_skew_alarm_once(kiosk: Any, server: Any) -> None:
    """A device whose clock is off by more than two minutes raises one alarm, which ends when it is right again."""
    kiosk.drop()
    arrival = kiosk.step()[0]
    wrong = {"synced": True, "offset_ms": -200_000}
    for seq in (1, 2, 3):
        ident = f"0193f0c2-0000-7000-8000-00000000000{seq}"
        body = kiosk_body(kiosk, arrival) | {"waybill": f"SF000000000{seq}"}
        server.take([altered(kiosk, arrival, id=ident, seq=seq, clock=wrong, body=body)])
    with server.database.read() as session:
        assert [(alarm.kind, alarm.count) for alarm in open_alarms(session)] == [("clock_skew", 3)]
    stored = rows(server.database, InboundEvent)[0]
    assert stored.received_at - stored.device_at >= timedelta(0)
    assert stored.corrected_at == stored.device_at - timedelta(seconds=200)
    right = {"synced": True, "offset_ms": 40}
    body = kiosk_body(kiosk, arrival) | {"waybill": "SF0000000009"}
    server.take([altered(kiosk, arrival, id="0193f0c2-0000-7000-8000-000000000009", seq=4, clock=right, body=body)])
    with server.database.read() as session:
        assert open_alarms(session) == []


def test_dev_017_gap_requested_then_alarmed(kiosk: Any, server: Any) -> None:
    """A missing number is asked for at once, is an alarm after ten minutes, and ends when it arrives."""
    for number in range(1, 6):
        kiosk.drop(f"SF{number:010d}")
    arrivals = kiosk.step()
    late = [arrival for arrival in arrivals if kiosk.opened(arrival).seq in (2, 3)]
    batch = server.take([arrival for arrival in arrivals if arrival not in late])
    assert [(ack.upto, ack.missing) for ack in server.answers(batch)] == [(5, ((2, 3),))]
    server.clock.advance(599)
    assert server.intake.alarm_old_gaps() == 0
    server.clock.advance(2)
    assert server.intake.alarm_old_gaps() == 1
    assert server.intake.alarm_old_gaps() == 1
    with server.database.read() as session:
        assert [(alarm.kind, alarm.detail) for alarm in open_alarms(session)] == [("gap", "missing from 2 to 3")]
    assert server.answers(server.take(late))[0].missing == ()
    with server.database.read() as session:
        assert open_alarms(session) == []


def test_dev_004_new_store_never_swallowed_as_duplicate(kiosk: Any, server: Any, new_kiosk: Any) -> None:
    """A replaced store starts again at number 1, and its first event is not taken for the old one."""
    kiosk.drop("SF0000000001")
    server.take(kiosk.step())
    kiosk.agent.store.close()
    for path in kiosk.agent.config.store_path.parent.glob("device.db*"):
        path.unlink()
    fresh = new_kiosk(kiosk.agent.config)
    fresh.drop("SF0000000002")
    arrivals = fresh.step()
    assert fresh.opened(arrivals[0]).seq == 1
    assert len(server.take(arrivals).applied) == 1
    assert len(rows(server.database, Parcel)) == 2


def test_an_unknown_type_is_kept_as_it_is(kiosk: Any, server: Any) -> None:
    """An event of a type this server does not know is stored byte for byte and acknowledged."""
    kiosk.agent.record(Fact("door", "door.opened_by_hand", {"door": "c1-3", "new_field": [1, {"x": 2}]}))
    batch = server.take(kiosk.step())
    assert [(applied.type, applied.subject) for applied in batch.applied] == [("door.opened_by_hand", None)]
    assert json.loads(rows(server.database, InboundEvent)[0].raw)["body"]["new_field"] == [1, {"x": 2}]


def test_dev_021_topic_owner_must_match(server: Any, enrolled: Any, new_kiosk: Any) -> None:
    """A device that speaks in another's name is refused, with a security alarm."""
    one, other = (new_kiosk(enrolled(server, device)) for device in ("kiosk-one", "kiosk-two"))
    other.drop()
    event = json.loads(other.opened(other.step()[0]).to_bytes())
    as_one = signed(one, json.dumps(event).encode())
    assert server.take([as_one]).applied == []
    stolen = Arrival(other.agent.config.address.event("parcel"), as_one.payload)
    assert server.take([stolen]).applied == []
    with server.database.read() as session:
        assert {(alarm.device_id, alarm.kind) for alarm in open_alarms(session)} == {
            ("kiosk-one", "security.wrong_topic"), ("kiosk-two", "security.bad_signature"),
        }  # fmt: skip


def test_forgeries_do_not_fill_the_disk(kiosk: Any, server: Any) -> None:
    """Of a flood of forged messages only the first are kept; the alarm counts them all."""
    topic = kiosk.agent.config.address.event("parcel")
    for start in range(0, 200, 20):
        server.take([Arrival(topic, b"forged %d" % number) for number in range(start, start + 20)])
    assert len(rows(server.database, DeadLetter)) == 50
    assert [alarm.count for alarm in rows(server.database, DeviceAlarm)] == [200]


def test_security_alarms_are_closed_by_a_person(kiosk: Any, server: Any, clock: Any) -> None:
    """A security alarm stays open until somebody closes it, by name."""
    server.take([Arrival(kiosk.agent.config.address.event("parcel"), b"forged")])
    with server.database.begin() as session:
        close_alarm(session, "qj-kiosk-017", "security.bad_signature", "events", clock.now(), by="user:ops-1")
    alarm = rows(server.database, DeviceAlarm)[0]
    assert (alarm.closed_at, alarm.closed_by) == (clock.now(), "user:ops-1")


def test_dev_023_workers_need_no_order(any_server: Any, enrolled: Any, new_kiosk: Any) -> None:
    """Several workers at once, fed at random from the same devices, store every event exactly once."""
    kiosks = [new_kiosk(enrolled(any_server, f"kiosk-{number}")) for number in range(4)]
    messages: list[Arrival] = []
    for number, kiosk in enumerate(kiosks):
        for count in range(10):
            kiosk.drop(f"K{number}{count:09d}")
        messages += kiosk.step() + kiosk.step()
    shuffled = messages * 2
    Random(3).shuffle(shuffled)
    parts = [shuffled[start : start + 8] for start in range(0, len(shuffled), 8)]
    with ThreadPoolExecutor(4) as workers:
        applied = sum(len(batch.applied) for batch in workers.map(any_server.take, parts))
    assert applied == len(messages) == len(rows(any_server.database, CustodyEvent)) == 40
    assert {(row.contiguous, len(row.ahead)) for row in rows(any_server.database, DeviceProgress)} == {(10, 0)}


def test_a_drop_off_at_a_known_waybill_is_a_conflict_for_a_person(kiosk: Any, server: Any) -> None:
    """A waybill that already means another parcel is put aside, not merged."""
    with server.database.begin() as session:
        session.add(
            Parcel(
                id="p-1", region="qianjiang", company_id="sf", waybill="SF0000000001", direction="deliver",
                product="standard", place_id="v-9", weight_g=1, volume_cm3=1, due_day=server.clock.now().date(),
                imported_at=server.clock.now(),
            )
        )  # fmt: skip
    kiosk.drop("SF0000000001")
    batch = server.take(kiosk.step())
    assert (batch.applied, batch.put_aside) == ([], 1)
    assert rows(server.database, DeadLetter)[0].reason == "collection_conflict"
