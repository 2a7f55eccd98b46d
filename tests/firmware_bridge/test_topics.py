"""Topics and who owns them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.errors import TopicError
from firmware_bridge.topics import Address, all_devices, parse_topic

_ID = st.from_regex(r"[a-z0-9-]{3,32}", fullmatch=True)


@given(_ID, _ID)
@settings(max_examples=50, deadline=None)
def test_a_topic_is_read_as_it_was_made(area: str, device: str) -> None:
    """Area, device and class of every topic we make are found again in it."""
    address = Address(area, device)
    parsed = parse_topic(address.event("parcel"))
    assert (parsed.address, parsed.kind, parsed.rest) == (address, "evt", "parcel")
    assert parse_topic(address.state).kind == "state"


@pytest.mark.parametrize("name", ["ab", "A-kiosk", "a/b", "kiosk+", "kiosk#", "x" * 33, "", "kiosk 1", "ki\nosk"])
def test_a_name_that_could_break_a_topic_is_refused(name: str) -> None:
    """Names with wildcards, slashes, capitals or of the wrong length never become part of a topic."""
    with pytest.raises(TopicError):
        Address("area", name)
    with pytest.raises(TopicError):
        Address(name, "kiosk")


@pytest.mark.parametrize(
    "topic",
    [
        "cunda/v2/area/kiosk/evt/x",
        "cunda/v1/area/kiosk",
        "cunda/v1/area/kiosk/evt/a/b",
        "x",
        "cunda/v1/area/kiosk/EVT/x",
    ],
)
def test_a_foreign_topic_is_not_read(topic: str) -> None:
    """Topics of another version or shape are refused."""
    with pytest.raises(TopicError):
        parse_topic(topic)


def test_workers_can_share_a_subscription() -> None:
    """With a group name the filter is one that a broker shares between workers."""
    assert all_devices("evt/#") == "cunda/v1/+/+/evt/#"
    assert all_devices("evt/#", "ingest") == "$share/ingest/cunda/v1/+/+/evt/#"
