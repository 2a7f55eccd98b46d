"""Commands as the server knows them: issued once, followed to the end, never optimistic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from firmware_bridge.errors import CommandError, UnknownCommandError, UnknownDeviceError
from firmware_bridge.schemas import Birth, Progress, RefusalCode
from firmware_bridge.server.alarms import open_alarms
from firmware_bridge.server.command_states import ENDS, STATES, advance
from firmware_bridge.server.commands import CommandDesk, Outgoing
from firmware_bridge.server.model import DeviceCommand
from firmware_bridge.server.presence import PresenceBook


@pytest.fixture
def desk(any_server: Any, enrolled: Callable[..., Any], ids: Any) -> CommandDesk:
    """Give a command desk with one kiosk that is online."""
    enrolled(any_server)
    PresenceBook(any_server.database, any_server.clock).note(
        Birth(
            dev="qj-kiosk-017", store="b41e", boot=1, connection=1, next_seq=1, nonce="n" * 24,
            ts=any_server.clock.now(),
        )
    )  # fmt: skip
    return CommandDesk(any_server.database, any_server.keyring, any_server.clock, ids)


@pytest.fixture
def issue(desk: CommandDesk, any_server: Any) -> Callable[..., str]:
    """Issue a command to open box c3-12."""

    def make(target: str = "c3-12", **more: Any) -> str:
        with any_server.database.begin() as session:
            return desk.issue(session, "qj-kiosk-017", target, "courier:831", "collection", **more)

    return make


def heard(desk: CommandDesk, command: str, state: str, **more: Any) -> None:
    """Let the device say how far it has come."""
    desk.hear(Progress(cmd_id=command, dev="qj-kiosk-017", state=state, **more))


def row(server: Any, command: str) -> DeviceCommand:
    """Read a command."""
    with server.database.read() as session:
        found = session.get(DeviceCommand, command)
        session.expunge_all()
        return found


def alarms(server: Any) -> list[str]:
    """Name the open alarms."""
    with server.database.read() as session:
        return [alarm.kind for alarm in open_alarms(session)]


def test_dev_062_command_state_machine(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """A command goes from queued to confirmed step by step, and every step is kept."""
    command = issue()
    assert len(desk.due()) == 1
    for state in ("accepted", "actuated", "confirmed"):
        heard(desk, command, state)
    with any_server.database.read() as session:
        steps = [(step.state, step.source) for step in desk.steps(session, command)]
    assert steps == [
        ("queued", "courier:831"), ("sent", "server"), ("accepted", "device"), ("actuated", "device"),
        ("confirmed", "device"),
    ]  # fmt: skip
    assert row(any_server, command).state == "confirmed"


def test_order_and_repetition_of_evidence_do_not_matter() -> None:
    """However the device's words are shuffled and doubled, the end is the same and is never rewritten."""
    for words in permutations(("accepted", "actuated", "confirmed", "actuated", "confirmed")):
        state = "sent"
        for word in words:
            before, step = state, advance(state, word)
            state = step.state
            assert before not in ENDS or state == before
        assert state == "confirmed"


def test_every_pair_of_states_is_decided() -> None:
    """For every state and every evidence there is an answer, and no end is ever left."""
    for state in STATES:
        for evidence in STATES:
            step = advance(state, evidence)
            assert step.state in STATES
            if state in ENDS:
                assert step.state == state


def test_dev_063_never_optimistic(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """Sent, accepted and pulsed are not open: only the sensor's word makes it confirmed, and nothing else does."""
    command = issue()
    seen = []
    desk.due()
    for word in ("accepted", "actuated"):
        heard(desk, command, word)
        seen.append(row(any_server, command).state)
    assert seen == ["accepted", "actuated"]
    any_server.clock.advance(60)
    assert desk.expire() == 1
    assert row(any_server, command).state == "unknown"  # pulsed, and nothing was seen
    for state, meaning in STATES.items():
        assert ("seen opening" in meaning) == (state == "confirmed")


def test_dev_064_late_evidence_beats_expired(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """A command that expired unheard and then turns out to have opened is resolved so, with an alarm."""
    command = issue()
    desk.due()
    any_server.clock.advance(39)
    assert desk.expire() == 0  # ten seconds of grace
    any_server.clock.advance(2)
    assert desk.expire() == 1
    assert row(any_server, command).state == "expired"
    heard(desk, command, "confirmed")
    found = row(any_server, command)
    assert (found.state, found.resolution) == ("expired", "confirmed")
    assert alarms(any_server) == ["late_evidence"]


def test_dev_065_broker_loss_does_not_lose_command(
    desk: CommandDesk, issue: Callable[..., str], any_server: Any
) -> None:
    """A command is sent again every three seconds, byte for byte the same, until it is answered or expires."""
    command = issue()
    sent: list[Outgoing] = []
    for _ in range(5):
        sent += desk.due()
        assert desk.due() == []
        any_server.clock.advance(3)
    assert len(sent) == 5
    assert len({outgoing.wire for outgoing in sent}) == 1
    assert row(any_server, command).attempts == 5
    heard(desk, command, "accepted")
    any_server.clock.advance(3)
    assert desk.due() == []


def test_nothing_is_sent_to_whoever_is_away(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """Commands wait in the database, not in the broker, while a device is away, and expire there."""
    issue()
    book = PresenceBook(any_server.database, any_server.clock)
    gone = Birth(
        kind="disconnected", dev="qj-kiosk-017", store="b41e", boot=1, connection=1, next_seq=1, nonce="n" * 24,
        ts=any_server.clock.now(),
    )  # fmt: skip
    book.note(gone)
    assert desk.due() == []
    book.note(gone.model_copy(update={"kind": "birth", "connection": 2}))
    assert len(desk.due()) == 1
    any_server.clock.advance(31)
    assert desk.due() == []


def test_dev_066_refusals_reported_with_reason(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """A refusal is kept with its reason; one that means an attack is an alarm too."""
    harmless, serious = issue(), issue()
    heard(desk, harmless, "refused", code=RefusalCode.ALREADY_OPEN)
    heard(desk, serious, "refused", code=RefusalCode.REPLAYED)
    assert [(row(any_server, one).state, row(any_server, one).code) for one in (harmless, serious)] == [
        ("refused", "already_open"), ("refused", "replayed"),
    ]  # fmt: skip
    assert alarms(any_server) == ["security.command_refused"]


def test_dev_068_bulk_open_is_single_commands(desk: CommandDesk, any_server: Any) -> None:
    """Opening all overdue boxes is one command for each, with its own counter, actor and reason."""
    boxes = [f"c1-{number}" for number in range(1, 6)]
    with any_server.database.begin() as session:
        commands = desk.issue_many(session, "qj-kiosk-017", boxes, "keeper:7", "overdue_return")
    found = [row(any_server, command) for command in commands]
    assert [(one.target, one.ctr, one.actor, one.reason) for one in found] == [
        (box, number, "keeper:7", "overdue_return") for number, box in enumerate(boxes, start=1)
    ]
    assert len({one.wire for one in found}) == 5


def test_dev_051_auditor_clears_planted_command(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """What the broker keeps on a command topic, and what we did not send, is cleared and an alarm; our own is not."""
    issue()
    ours = desk.due()[0].wire
    assert not desk.audit("qj-kiosk-017", ours, retained=False)
    assert not desk.audit("qj-kiosk-017", b"", retained=False)
    assert alarms(any_server) == []
    assert desk.audit("qj-kiosk-017", ours, retained=True)
    assert desk.audit("qj-kiosk-017", b"planted", retained=False)
    assert alarms(any_server) == ["security.planted_command"]


def test_counters_below_the_living_are_void(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """A device that was away learns from the birth reply up to which counter all commands are void."""
    first = issue()
    assert desk.counter_floor("qj-kiosk-017") == 0
    heard(desk, first, "confirmed")
    assert desk.counter_floor("qj-kiosk-017") == 1
    issue()
    assert desk.counter_floor("qj-kiosk-017") == 1
    any_server.clock.advance(60)
    assert desk.counter_floor("qj-kiosk-017") == 2


def test_commands_of_a_revoked_device_are_void(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """When a device is revoked what it was asked for is refused, and nothing new can be asked."""
    command = issue()
    with any_server.database.begin() as session:
        any_server.registry.revoke(session, "qj-kiosk-017")
    any_server.clock.advance(3)
    desk.expire()
    assert (row(any_server, command).state, row(any_server, command).code) == ("refused", "revoked")
    with pytest.raises(UnknownDeviceError):
        issue()


def test_a_person_resolves_the_unknown(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """Only a person, with a reason, says what became of an opening that nobody saw; the record stays."""
    command = issue()
    heard(desk, command, "accepted")
    with any_server.database.begin() as session, pytest.raises(CommandError):
        desk.resolve(session, command, "confirmed", "keeper:7", "saw it")
    any_server.clock.advance(60)
    desk.expire()
    with any_server.database.begin() as session:
        desk.resolve(session, command, "confirmed", "keeper:7", "customer holds the parcel")
        with pytest.raises(CommandError):
            desk.resolve(session, command, "opened", "keeper:7", "no such answer")
        with pytest.raises(UnknownCommandError):
            desk.resolve(session, "none", "failed", "keeper:7", "x")
    found = row(any_server, command)
    assert (found.state, found.resolution) == ("unknown", "confirmed")


def test_another_devices_word_counts_for_nothing(desk: CommandDesk, issue: Callable[..., str], any_server: Any) -> None:
    """A device cannot report on another's command."""
    command = issue()
    desk.hear(Progress(cmd_id=command, dev="qj-kiosk-018", state="confirmed"))
    assert row(any_server, command).state == "queued"


@pytest.mark.parametrize(
    "wrong",
    [{"target": "c3/12"}, {"ttl_s": 121}, {"ttl_s": 0}, {"expect": "whatever"}],
)
def test_a_command_that_cannot_be_meant_is_refused(issue: Callable[..., str], wrong: dict[str, Any]) -> None:
    """One box, a life of at most two minutes, and a known expectation: else nothing is issued."""
    with pytest.raises(CommandError):
        issue(**wrong)


def test_who_and_why_are_needed(desk: CommandDesk, any_server: Any) -> None:
    """Without an actor and a reason there is no command."""
    for actor, reason in (("", "collection"), ("courier:831", ""), ("somebody", "collection")):
        with any_server.database.begin() as session, pytest.raises(CommandError):
            desk.issue(session, "qj-kiosk-017", "c3-12", actor, reason)


def test_an_expiry_is_what_was_asked_for(issue: Callable[..., str], any_server: Any) -> None:
    """A command lives thirty seconds unless told otherwise."""
    found = row(any_server, issue())
    assert found.exp_at - found.issued_at == timedelta(seconds=30)
