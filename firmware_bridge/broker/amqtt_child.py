"""The broker of last resort: amqtt in a process of its own, on loopback, with our accounts and limits.

Run as ``python -m firmware_bridge.broker.amqtt_child FOLDER PORT``. It reads the same password file as mosquitto,
again whenever that changes, ends the connections of accounts that are gone at SIGHUP, and asks
:func:`firmware_bridge.broker.accounts.may` about topics.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from amqtt.broker import Broker
from amqtt.contexts import Action, BaseContext
from amqtt.mqtt.packet import MQTTFixedHeader
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from firmware_bridge.broker.accounts import SERVER_USER, may, password_fits, read_password_file
from firmware_bridge.broker.mosquitto import MAX_PACKET_BYTES

MAX_CONNECTIONS: Final = 2000


class AccountsPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no types
    """Let in who is in the password file and calls itself by its user name."""

    @dataclass
    class Config:
        """Where the password file lies."""

        path: str = ""

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._path = Path(self.config.path)
        self._read_at_ns = -1
        self._hashes: dict[str, str] = {}

    async def authenticate(self, *, session: Session) -> bool:
        """Compare user, client id and password."""
        self._reread()
        hashed = self._hashes.get(session.username or "")
        named_right = session.client_id == session.username
        return named_right and hashed is not None and password_fits(session.password or "", hashed)

    def _reread(self) -> None:
        changed_at_ns = self._path.stat().st_mtime_ns
        if changed_at_ns != self._read_at_ns:
            self._hashes = read_password_file(self._path.read_text(encoding="ascii"))
            self._read_at_ns = changed_at_ns


class AccessPlugin(BaseTopicPlugin):  # type: ignore[misc]
    """Keep each device to its own branch of the topic tree."""

    @dataclass
    class Config:
        """Nothing to set: the rules are in the code."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Allow what the account's rules cover."""
        if session is None or not session.username or not topic:
            return False
        return may(session.username, topic, write=action == Action.PUBLISH)


class DiscreetBroker(Broker):  # type: ignore[misc]
    """Keeps what it keeps to those who may read it.

    amqtt 0.12.1 sends a client that connects whatever is kept under anybody's subscription; the trial S1 found it.
    """

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        if may(session.username or "", subscription[0], write=False):
            await super()._publish_retained_messages_for_subscription(subscription, session)


def limit_packets(limit: int) -> None:
    """Make amqtt hang up on packets longer than ``limit``; it has no such setting (0.12.1)."""
    read_header = MQTTFixedHeader.from_stream.__func__

    async def limited(cls: type[MQTTFixedHeader], reader: Any) -> MQTTFixedHeader | None:
        header: MQTTFixedHeader | None = await read_header(cls, reader)
        too_long = header is not None and header.remaining_length > limit
        return None if too_long else header

    MQTTFixedHeader.from_stream = classmethod(limited)


async def end_connections(broker: Broker, users: set[str]) -> None:
    """End the connections of some users; they are refused when they come back."""
    for session, handler in list(broker.sessions.values()):
        if session.username in users:
            await handler.handle_connection_closed()


async def serve(folder: Path, port: int) -> None:
    """Run the broker until the process is asked to end."""
    limit_packets(MAX_PACKET_BYTES)
    here = AccountsPlugin.__module__
    broker = DiscreetBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}", "max_connections": MAX_CONNECTIONS}},
            "plugins": {
                f"{here}.AccountsPlugin": {"path": str(folder / "passwords")},
                f"{here}.AccessPlugin": {},
            },
        }
    )
    await broker.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    passwords = folder / "passwords"
    known = read_password_file(passwords.read_text(encoding="ascii"))
    leaving: set[asyncio.Task[None]] = set()  # held, or they would be collected before they end

    def accounts_changed() -> None:
        now = read_password_file(passwords.read_text(encoding="ascii"))
        gone = {user for user, hashed in known.items() if now.get(user) != hashed and user != SERVER_USER}
        known.clear()
        known.update(now)
        task = loop.create_task(end_connections(broker, gone))
        leaving.add(task)
        task.add_done_callback(leaving.discard)

    loop.add_signal_handler(signal.SIGHUP, accounts_changed)
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    # Under this module's proper name, so that amqtt finds the very same plug-in classes by path.
    from firmware_bridge.broker import amqtt_child

    asyncio.run(amqtt_child.serve(Path(sys.argv[1]), int(sys.argv[2])))
