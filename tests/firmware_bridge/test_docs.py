"""The pages about devices say what the program does."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from firmware_bridge import asyncapi, reference
from firmware_bridge.server import alarms, commands
from firmware_bridge.signing import DeviceKey, Direction, unseal
from firmware_bridge.topics import DEVICE_READS, DEVICE_WRITES

PROJECT = Path(__file__).resolve().parents[2]
RULES = PROJECT / "docs" / "devices" / "rules.md"
PROTOCOL = PROJECT / "docs" / "devices" / "protocol.md"
ASYNCAPI = PROJECT / "docs" / "devices" / "asyncapi.json"
MESSAGES = PROJECT / "docs" / "reference" / "messages.md"


def test_every_rule_has_its_test_and_every_test_its_rule() -> None:
    """Each rule on the page has exactly one test of its name, and no rule's test is without its line."""
    listed = re.findall(r"^\| DEV-(\d{3}) \|.*\| ([a-z0-9_]+) \|$", RULES.read_text(encoding="utf-8"), re.MULTILINE)
    promised = Counter(f"test_dev_{number}_{words}" for number, words in listed)
    found: Counter[str] = Counter()
    for folder in ("firmware_bridge", "lockers"):
        for path in (PROJECT / "tests" / folder).rglob("test_*.py"):
            found.update(re.findall(r"^def (test_dev_\d{3}_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert found == promised
    assert set(promised.values()) == {1}


def test_the_reference_of_messages_is_up_to_date() -> None:
    """The page of messages is what the models print (python -m firmware_bridge.reference)."""
    assert MESSAGES.read_text(encoding="utf-8") == reference.page()


def test_the_asyncapi_document_is_up_to_date() -> None:
    """The AsyncAPI document is what models and topics make (cunda docs write)."""
    assert ASYNCAPI.read_text(encoding="utf-8") == asyncapi.text()


def test_the_asyncapi_document_hangs_together() -> None:
    """Each reference leads somewhere, each operation to messages of its channel, and every topic is there."""
    document = asyncapi.document()
    for reference_ in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        found = document
        for part in reference_.split("/"):
            found = found[part]
    addresses = {channel["address"] for channel in document["channels"].values()}
    for leaf in (*DEVICE_WRITES, *DEVICE_READS):
        start = "cunda/v1/{area}/{device}/" + leaf.removesuffix("/#")
        assert any(address.startswith(start) for address in addresses), leaf
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["bindings"]["mqtt"]["qos"] == 1
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])
    for channel in document["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"])


def test_the_asyncapi_examples_are_signed_as_said() -> None:
    """Whoever writes another program can check it: each example opens with the key beside it and fits its model."""
    opened = 0
    for message in asyncapi.document()["components"]["messages"].values():
        for example in message.get("examples", ()):
            wire = json.dumps(example["payload"]).encode()
            key = DeviceKey(example["payload"]["kid"], bytes(range(32)))
            raw = unseal(lambda _, key=key: key, Direction(message["payload"]["x-purpose"]), example["name"], wire)
            assert example["summary"].endswith(key.secret.hex())
            assert json.loads(raw)
            opened += 1
    assert opened >= 8


def test_the_examples_are_real_messages() -> None:
    """Every example of the page is accepted by its model."""
    for entry in reference.ENTRIES:
        assert entry.model.model_validate(json.loads(json.dumps(entry.example)))


def test_every_topic_and_alarm_is_documented() -> None:
    """The protocol page names every topic a device may use and every alarm that can be raised."""
    text = PROTOCOL.read_text(encoding="utf-8")
    for leaf in (*DEVICE_WRITES, *DEVICE_READS):
        assert f"`{leaf}`" in text, leaf
    for kind in (
        alarms.FORK,
        alarms.CODE_REUSED,
        alarms.BAD_SIGNATURE,
        alarms.WRONG_TOPIC,
        commands.COMMAND_REFUSED,
        commands.PLANTED,
    ):
        assert f"`{kind}`" in text, kind
