"""The county office: its scanners write straight into the custody ledger, as an office's own devices do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from api.services import Services
from api.simulation.timeline import Timeline
from dispatch.custody.events import NewCustodyEvent


@dataclass(frozen=True)
class Parcel:
    """What the simulation must know of a parcel."""

    id: str
    waybill: str
    piece: int
    company_id: str
    direction: str
    place_id: str
    due_today: bool = True


class Office:
    """Scans parcels in, assigns them to sections, hands them on."""

    def __init__(self, services: Services, timeline: Timeline, region: str) -> None:
        self._services, self._timeline = services, timeline
        self.name = f"office:{region}"
        self.stock: set[str] = set()

    def arrive(self, parcel_ids: Iterable[str]) -> None:
        """Scan what a trunk run brought (到达)."""
        arrived = sorted(parcel_ids)
        self._append([self._fact("arrived", one, to_custodian=self.name) for one in arrived])
        self.stock |= set(arrived)

    def assign(self, parcel_ids: Iterable[str], section: str) -> list[str]:
        """Assign those parcels that are there to a section (下段), right before loading; give them."""
        here = sorted(set(parcel_ids) & self.stock)
        self._append([self._fact("sectioned", one, section=section) for one in here])
        self.stock -= set(here)
        return here

    def witness_hand_over(self, parcel_ids: Iterable[str], giver: str, taker: str) -> None:
        """Write both halves of a hand-over between couriers (交出, 接收) that happens beside the road."""
        facts = []
        for parcel_id in sorted(parcel_ids):
            for kind in ("handed_over", "received"):
                ends = {"from_custodian": f"courier:{giver}", "to_custodian": f"courier:{taker}"}
                facts.append(self._fact(kind, parcel_id, transfer_id=f"{giver}>{taker}", **ends))
        self._append(facts)

    def keep(self, parcel_ids: Iterable[str], cause: str) -> None:
        """Keep what came back untried for another day, and say why (留存)."""
        kept = sorted(parcel_ids)
        self._append([self._fact("held", one, cause=cause, next_action="redeliver") for one in kept])
        self.stock |= set(kept)

    def forward(self, companies: Mapping[str, str]) -> None:
        """Pass parcels on to their companies' line-hauls (转出)."""
        self._append(
            [
                self._fact("forwarded", one, from_custodian=self.name, to_custodian=f"company:{company}")
                for one, company in sorted(companies.items())
            ]
        )

    def _fact(self, kind: str, parcel_id: str, **more: str) -> NewCustodyEvent:
        moment = self._timeline.moment()
        return NewCustodyEvent(type=kind, fact_at=moment, actor=self.name, parcel_id=parcel_id, **more)  # type: ignore[arg-type]

    def _append(self, facts: list[NewCustodyEvent]) -> None:
        with self._services.database.begin() as session:
            self._services.ledger.append_many(session, facts)
