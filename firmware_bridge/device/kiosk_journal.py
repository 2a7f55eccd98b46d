"""The kiosk program's disk: its state and its facts in the device's own store, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from firmware_bridge.device.store import DeviceStore, Fact, StoredEvent
from lockers.kiosk import STATE_KEY, KioskFact


class Recorder(Protocol):
    """Writes down a fact with the device's idea of time and network, as :meth:`Agent.record` does."""

    def __call__(self, fact: Fact, changes: Mapping[str, Any] | None = None) -> StoredEvent:
        """Write it."""
        ...


class DeviceJournal:
    """A :class:`lockers.kiosk.Journal` over the outbox: what is kept is on its way to the server.

    Parameters
    ----------
    record
        :meth:`firmware_bridge.device.agent.Agent.record`.
    """

    def __init__(self, store: DeviceStore, record: Recorder | Callable[..., StoredEvent]) -> None:
        self._store = store
        self._record = record

    def keep(self, facts: Sequence[KioskFact], state: Mapping[str, Any]) -> None:
        """Write facts and state, or nothing."""
        with self._store.transaction():
            self._store.change({STATE_KEY: state})
            for fact in facts:
                kind = "parcel" if fact.type.startswith("parcel.") else "kiosk"
                self._record(Fact(kind, fact.type, dict(fact.body), fact.txn))

    def kept(self) -> Mapping[str, Any] | None:
        """Return the state last written."""
        found: Mapping[str, Any] | None = self._store.state(STATE_KEY)
        return found
