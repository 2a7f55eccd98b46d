"""A courier's handheld: facts wait in its outbox until there is signal, and leave it only when they are stored."""

from __future__ import annotations

from typing import Any, Final

from api.simulation.person import Person
from api.simulation.world import World
from kernel.ids import SeededIds

_MOST_ROWS: Final = 500


class Handheld:
    """Makes and sends the facts of one courier.

    Attributes
    ----------
    tried
        Parcels with a failed attempt.
    loaded
        Parcels that were scanned onto the vehicle.
    refused
        Rows the server refused, with its problem; a day that is well has none.
    """

    def __init__(self, world: World, person: Person, courier_id: str) -> None:
        self._world, self._person = world, person
        self._ids = SeededIds(world.draws.of("handheld", courier_id).getrandbits(62))
        self._store = self._ids.new()
        self._seq = 0
        self._outbox: list[dict[str, Any]] = []
        self.tried: set[str] = set()
        self.loaded: set[str] = set()
        self.refused: list[dict[str, Any]] = []
        self.sent = 0
        self.late_rows = 0

    def report(self, kind: str, parcel_ids: list[str], version_id: str | None, **more: Any) -> None:
        """Put one fact for each parcel into the outbox."""
        stamp = self._world.timeline.stamp()
        for parcel_id in parcel_ids:
            self._seq += 1
            self._outbox.append(
                {
                    "event_id": self._ids.new(), "kind": kind, "parcel_id": parcel_id, "fact_at": stamp,
                    "day": self._world.options.day.isoformat(), "store": self._store, "seq": self._seq,
                    "plan_version_id": version_id, **more,
                }
            )  # fmt: skip
        if kind == "attempted":
            self.tried |= set(parcel_ids)
        elif kind == "loaded":
            self.loaded |= set(parcel_ids)

    def flush(self) -> None:
        """Send what waits, oldest first; a row is forgotten when the answer names it as stored."""
        stamp = self._world.timeline.stamp()
        self.late_rows += sum(row["fact_at"] != stamp for row in self._outbox)
        while self._outbox:
            rows, self._outbox = self._outbox[:_MOST_ROWS], self._outbox[_MOST_ROWS:]
            items = self._person.answer("POST", "/courier/events", json={"events": rows}).json()["items"]
            self.sent += len(rows)
            for row, item in zip(rows, items, strict=True):
                if item["outcome"] not in ("stored", "duplicate"):
                    code = item["problem"]["code"]
                    self.refused.append({"kind": row["kind"], "parcel": row["parcel_id"], "code": code})
