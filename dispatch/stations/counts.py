"""Stock-takes: zone by zone by light, compared with the book of the beginning and what moved meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.stations.cells import CellDesk
from dispatch.stations.errors import StationStateError, UnknownCountError
from dispatch.stations.journal import StationJournal
from dispatch.stations.model import StationCell, StationCount
from kernel.clock import Clock
from kernel.ids import Ids
from lockers.registry.model import Site
from lockers.stocktake import StockDifferences, compare, zones

_HELD = ("stored", "expired", "collecting", "returning")


class CountDesk:
    """Deals with stock-takes in the caller's transaction."""

    def __init__(self, ledger: Ledger, cells: CellDesk, journal: StationJournal, clock: Clock, ids: Ids) -> None:
        self._ledger = ledger
        self._cells = cells
        self._journal = journal
        self._clock = clock
        self._ids = ids

    def begin(self, session: Session, site: Site, actor: str) -> StationCount:
        """Begin to count; at most one count runs at a site.

        Raises
        ------
        StationStateError
            If one runs already.
        """
        running = select(StationCount.id).where(StationCount.site_id == site.id, StationCount.closed_at.is_(None))
        if (other := session.scalar(running)) is not None:
            raise StationStateError(f"a count of {site.id} runs already", count=other)
        book = {str(row.parcel_id): row.cell for row in self._cells.cells(session, site) if row.book in _HELD}
        row = StationCount(
            id=self._ids.new(), site_id=site.id, began_at=self._clock.now(), began_by=actor, book=book, seen={},
            closed_at=None, closed_by=None, result=None,
        )  # fmt: skip
        session.add(row)
        session.flush()
        self._journal.note(session, site.id, "count.began", actor, count=row.id, expected=len(book))
        return row

    def zones(self, session: Session, site: Site) -> dict[str, tuple[str, ...]]:
        """Return the cells to be lit one zone after the other."""
        return zones(row.cell for row in self._cells.cells(session, site))

    def get(self, session: Session, count_id: str) -> StationCount:
        """Return one count, locked for this transaction.

        Raises
        ------
        UnknownCountError
            If there is none with this id.
        """
        row = session.get(StationCount, count_id, with_for_update=True)
        if row is None:
            raise UnknownCountError(f"there is no count {count_id}", count=count_id)
        return row

    def scan(self, session: Session, count_id: str, seen: Mapping[str, str]) -> StationCount:
        """Take scans, cell by parcel; the last scan of a parcel counts.

        Raises
        ------
        StationStateError
            If the count is closed.
        """
        row = self.get(session, count_id)
        if row.closed_at is not None:
            raise StationStateError(f"count {count_id} is closed", count=count_id)
        row.seen = dict(row.seen) | dict(seen)
        session.flush()
        return row

    def close(self, session: Session, count_id: str, actor: str) -> tuple[StationCount, StockDifferences]:
        """Close a count under the keeper's name; each difference is an alarm and a ledger entry, nothing is corrected.

        Raises
        ------
        StationStateError
            If it is closed already.
        """
        row = self.scan(session, count_id, {})
        came, went = self._moves(session, row)
        found = compare(row.book, row.seen, came, went)
        now = self._clock.now()
        row.closed_at, row.closed_by = now, actor
        row.result = {
            "missing": list(found.missing), "surplus": list(found.surplus),
            "wrong_cell": {parcel: list(pair) for parcel, pair in found.wrong_cell.items()},
            "counted": len(row.seen), "came": len(came), "went": len(went),
        }  # fmt: skip
        self._journal.note(session, row.site_id, "count.signed", actor, count=row.id, **_numbers(found))
        for parcel_id in found.missing:
            self._journal.raise_alarm(session, row.site_id, "missing", parcel_id)
        self._ledger.append(
            session,
            NewCustodyEvent(
                type="counted", fact_at=now, actor=actor, place=f"site:{row.site_id}",
                body={"count": row.id, "missing": list(found.missing), "surplus": len(found.surplus)},
            ),
        )  # fmt: skip
        session.flush()
        return row, found

    def _moves(self, session: Session, row: StationCount) -> tuple[dict[str, str], set[str]]:
        came: dict[str, str] = {}
        went: set[str] = set()
        types = ("parcel.deposited", "parcel.collected", "parcel.fetched_back")
        for fact in self._journal.facts(session, row.site_id, types, row.began_at):
            parcel_id = str(fact.parcel_id)
            if row.book.get(parcel_id) == fact.cell and fact.type == "parcel.deposited":
                continue  # put in at the very moment the count began: the book has it
            if fact.type == "parcel.deposited":
                came[parcel_id] = str(fact.cell)
            else:
                came.pop(parcel_id, None)
                went.add(parcel_id)
        held = select(StationCell.parcel_id).where(StationCell.site_id == row.site_id, StationCell.book.in_(_HELD))
        return came, went - {str(one) for one in session.scalars(held)}


def _numbers(found: StockDifferences) -> dict[str, Any]:
    return {"missing": len(found.missing), "surplus": len(found.surplus), "wrong_cell": len(found.wrong_cell)}
