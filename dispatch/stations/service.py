"""Everything a station does, wired together: one object for the API, the wire and the command line."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from dispatch.custody.ledger import Ledger
from dispatch.parcels.service import ParcelService
from dispatch.stations.cells import CellDesk
from dispatch.stations.codes import CodeDesk
from dispatch.stations.counts import CountDesk
from dispatch.stations.docks import DockDesk
from dispatch.stations.journal import NoDoors, Opener, StationJournal
from dispatch.stations.policy import StationPolicies, load_policies
from dispatch.stations.sending import SendingDesk
from dispatch.stations.visits import VisitDesk
from kernel.clock import Clock
from kernel.ids import Ids
from lockers.registry.model import Site


@dataclass(frozen=True)
class Stations:
    """The desks of all stations; each works in the caller's transaction."""

    policies: StationPolicies
    journal: StationJournal
    codes: CodeDesk
    cells: CellDesk
    visits: VisitDesk
    docks: DockDesk
    counts: CountDesk
    sending: SendingDesk

    def tick(self, session: Session, site: Site) -> dict[str, int]:
        """Do what time asks for at one site: reservations, retention, doors, visits, vehicles."""
        done = self.cells.tick(session, site)
        if site.kind == "station":
            done["visits"] = self.visits.overstayed(session, site)
            done["docks"] = self.docks.tick(session, site.id)
        return done


def build_stations(
    secret: bytes,
    clock: Clock,
    ids: Ids,
    ledger: Ledger,
    parcels: ParcelService,
    *,
    opener: Opener | None = None,
    policies: StationPolicies | None = None,
) -> Stations:
    """Wire the desks.

    Parameters
    ----------
    secret
        The server's secret for codes, passes and vehicles.
    opener
        Asks devices to open doors; without one only shelves work.
    policies
        The rules in force; those that come with Cunda when omitted.
    """
    rules = policies or load_policies()
    doors = opener or NoDoors()
    journal, codes = StationJournal(clock), CodeDesk(secret, clock, ids)
    cells = CellDesk(ledger, codes, journal, rules, clock, doors)
    return Stations(
        policies=rules,
        journal=journal,
        codes=codes,
        cells=cells,
        visits=VisitDesk(cells, codes, journal, clock, ids, doors),
        docks=DockDesk(ledger, codes, journal, clock, ids, doors),
        counts=CountDesk(ledger, cells, journal, clock, ids),
        sending=SendingDesk(parcels, ledger, journal, rules, clock, ids),
    )
