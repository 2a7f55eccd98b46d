"""Where a broker listens and how to speak with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from firmware_bridge.errors import BrokerUrlError


@dataclass(frozen=True)
class BrokerAddress:
    """Where a broker listens."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def parse(cls, url: str) -> BrokerAddress:
        """Read ``mqtt://host:port`` or ``mqtts://host:port``.

        Raises
        ------
        BrokerUrlError
            If the scheme, host or port is not one.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as problem:
            raise BrokerUrlError("the broker's address has no usable port") from problem
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise BrokerUrlError("the broker's address does not start with mqtt:// or mqtts:// and a host")
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, port or (8883 if tls else 1883), tls)

    @property
    def url(self) -> str:
        """Return the address as a URL."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


class Profile(StrEnum):
    """Version of MQTT to speak; everything works on the older one.

    ``auto`` starts with 5 and takes turns until a broker accepts.
    """

    AUTO = "auto"
    V311 = "3.1.1"
    V5 = "5"


@dataclass(frozen=True)
class TlsFiles:
    """Certificates of a connection: who signs the broker, and who we are."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Login:
    """A user of the broker; the client id is the user name."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Extras:
    """What MQTT 5 says beside a payload, for brokers and tools: a copy of what the payload holds.

    Nothing depends on it, for on MQTT 3.1.1 it is left out.

    Parameters
    ----------
    expiry_s
        Seconds after which the broker need not deliver it any more.
    response_topic, correlation
        Where an answer goes, and what it is an answer to.
    user
        Names and values, such as ``schema`` and ``trace``.
    """

    expiry_s: int | None = None
    response_topic: str = ""
    correlation: bytes = b""
    user: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Will:
    """What the broker says for us when we vanish."""

    topic: str
    payload: bytes
