"""The second lane: telemetry, of which only the newest value counts.

Events are never thinned and never dropped; they have the outbox. Telemetry has no numbers and no store: a value that
could not be sent is replaced by the next of its kind, and nobody misses it.
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_bridge.schemas import Message


class TelemetryState:
    """At most one waiting value of each kind."""

    def __init__(self) -> None:
        self._waiting: dict[str, Message] = {}
        self.thinned = 0

    def put(self, kind: str, value: Message) -> None:
        """Let a value be sent, in place of an older one of its kind that was not sent yet."""
        self.thinned += kind in self._waiting
        self._waiting[kind] = value

    def send(self, publish: Callable[[str, bytes], bool]) -> None:
        """Hand over what waits, until the connection takes no more."""
        for kind in list(self._waiting):
            if not publish(kind, self._waiting[kind].to_bytes()):
                return
            del self._waiting[kind]
