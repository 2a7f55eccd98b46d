"""The pages about devices say what the program does."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from firmware_bridge import reference
from firmware_bridge.server import alarms, commands
from firmware_bridge.topics import DEVICE_READS, DEVICE_WRITES

PROJECT = Path(__file__).resolve().parents[2]
RULES = PROJECT / "docs" / "devices" / "rules.md"
PROTOCOL = PROJECT / "docs" / "devices" / "protocol.md"
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


def test_the_examples_are_real_messages() -> None:
    """Every example of the page is accepted by its model."""
    for entry in reference._ENTRIES:
        assert entry.model.model_validate(json.loads(json.dumps(entry.example)))


def test_every_topic_and_alarm_is_documented() -> None:
    """The protocol page names every topic a device may use and every alarm that can be raised."""
    text = PROTOCOL.read_text(encoding="utf-8")
    for leaf in (*DEVICE_WRITES, *DEVICE_READS):
        assert f"`{leaf}`" in text, leaf
    for kind in (alarms.FORK, alarms.BAD_SIGNATURE, alarms.WRONG_TOPIC, commands.COMMAND_REFUSED, commands.PLANTED):
        assert f"`{kind}`" in text, kind
