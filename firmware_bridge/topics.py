"""Topics: the one place where their words are fixed.

``cunda/v1/{area}/{device}/`` followed by

========================  =========  ==========================================
``evt/{class}``           device →   sequenced facts, signed, never dropped
``tel/{class}``           device →   latest-value telemetry, may be thinned
``state``                 device →   birth and presence, the only retained topic
``rsp``                   device →   progress of commands
``ack``                   → device   what the server has committed, signed
``ack/birth``             → device   signed reply to a birth
``cmd/{op}``              → device   commands, signed, never retained
``cfg``                   → device   desired configuration, signed
========================  =========  ==========================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from firmware_bridge.errors import TopicError

ROOT: Final = "cunda/v1"
DEVICE_ID: Final = re.compile(r"[a-z0-9-]{3,32}")
_WORD: Final = re.compile(r"[a-z0-9_-]{1,32}")

#: Leaves a device may write and read; the broker's access list is made from them.
DEVICE_WRITES: Final = ("evt/#", "tel/#", "state", "rsp")
DEVICE_READS: Final = ("ack/#", "cmd/#", "cfg")


@dataclass(frozen=True)
class Address:
    """A device's place in the topic tree."""

    area: str
    device: str

    def __post_init__(self) -> None:
        for field, value in (("area", self.area), ("device", self.device)):
            if DEVICE_ID.fullmatch(value) is None:
                raise TopicError(f"{field} {value[:40]!r} is not 3 to 32 of a-z, 0-9 and hyphen", field=field)

    def event(self, kind: str) -> str:
        """Return the topic of events of one class, such as ``parcel``."""
        return self._leaf(f"evt/{_checked(kind)}")

    def telemetry(self, kind: str) -> str:
        """Return the topic of telemetry of one class."""
        return self._leaf(f"tel/{_checked(kind)}")

    def command(self, op: str) -> str:
        """Return the topic of commands of one operation, such as ``open``."""
        return self._leaf(f"cmd/{_checked(op)}")

    @property
    def commands(self) -> str:
        """Return the filter for all commands."""
        return self._leaf("cmd/#")

    @property
    def state(self) -> str:
        """Return the topic of birth and presence."""
        return self._leaf("state")

    @property
    def response(self) -> str:
        """Return the topic of command progress."""
        return self._leaf("rsp")

    @property
    def ack(self) -> str:
        """Return the topic of acknowledgements."""
        return self._leaf("ack")

    @property
    def birth_reply(self) -> str:
        """Return the topic of birth replies."""
        return self._leaf("ack/birth")

    @property
    def config(self) -> str:
        """Return the topic of desired configuration."""
        return self._leaf("cfg")

    def _leaf(self, leaf: str) -> str:
        return f"{ROOT}/{self.area}/{self.device}/{leaf}"


@dataclass(frozen=True)
class ParsedTopic:
    """A topic taken apart: whose it is, which kind (``evt`` …), and the rest."""

    address: Address
    kind: str
    rest: str


def parse_topic(topic: str) -> ParsedTopic:
    """Take a topic apart.

    Raises
    ------
    TopicError
        If it is not below our root or a part has a forbidden form.
    """
    parts = topic.split("/")
    if len(parts) < 5 or len(parts) > 6 or "/".join(parts[:2]) != ROOT:
        raise TopicError(f"topic {topic[:80]!r} is not of this protocol")
    rest = parts[5] if len(parts) == 6 else ""
    return ParsedTopic(Address(parts[2], parts[3]), _checked(parts[4]), _checked(rest) if rest else "")


def all_devices(leaf: str, share_group: str | None = None) -> str:
    """Return the server's filter for a leaf of every device, shared between workers when a group is named."""
    filter_ = f"{ROOT}/+/+/{leaf}"
    return f"$share/{share_group}/{filter_}" if share_group else filter_


def _checked(word: str) -> str:
    if _WORD.fullmatch(word) is None:
        raise TopicError(f"{word[:40]!r} cannot be part of a topic")
    return word
