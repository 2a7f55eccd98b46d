"""Unmanned vehicles at stations: expected, proven, unloaded and loaded, reconciled both ways, released."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.parcels.repository import ParcelRepository
from dispatch.stations.codes import CodeDesk
from dispatch.stations.errors import StationStateError, UnknownDockError
from dispatch.stations.journal import Opener, StationJournal
from dispatch.stations.model import StationDock
from kernel.clock import Clock
from kernel.ids import Ids
from lockers.dock import DockManifest, DockVisit, check_expected, greet, proceed, proof, reconcile, scan_piece

DOCK_DOOR: Final = "dock"
#: The keeper is told this long before a vehicle comes.
NOTICE: Final = timedelta(minutes=10)
_TOO_LATE: Final = timedelta(hours=2)
_ENDED: Final = ("left", "refused", "missed")


class DockDesk:
    """Deals with vehicles' runs in the caller's transaction."""

    def __init__(
        self, ledger: Ledger, codes: CodeDesk, journal: StationJournal, clock: Clock, ids: Ids, opener: Opener
    ) -> None:
        self._ledger = ledger
        self._codes = codes
        self._journal = journal
        self._clock = clock
        self._ids = ids
        self._opener = opener

    def expect(
        self, session: Session, site_id: str, vehicle: str, manifest: DockManifest, at: datetime, actor: str
    ) -> StationDock:
        """Announce a run with what it brings and takes.

        Raises
        ------
        ImpossibleStepError
            If the manifest contradicts itself.
        """
        run = DockVisit(self._ids.new(), site_id, vehicle, manifest)
        check_expected(run)
        row = StationDock(
            id=run.id, site_id=site_id, vehicle=vehicle, state=run.state, to_unload=sorted(manifest.to_unload),
            to_load=sorted(manifest.to_load), unloaded=[], loaded=[], expected_at=at, changed_at=self._clock.now(),
            version=1,
        )  # fmt: skip
        session.add(row)
        session.flush()
        self._journal.note(session, site_id, "dock.expected", actor, dock=row.id, vehicle=vehicle,
                           pieces=len(row.to_unload) + len(row.to_load))  # fmt: skip
        return row

    def code(self, row: StationDock) -> str:
        """Return the run's one-time code, for the vehicle's operator."""
        return self._codes.one_time_digits("dock", row.id)

    def vehicle_key(self, vehicle: str) -> bytes:
        """Return the key a vehicle proves itself with."""
        return self._codes.key_for("vehicle", vehicle)

    def get(self, session: Session, dock_id: str) -> StationDock:
        """Return one run, locked for this transaction.

        Raises
        ------
        UnknownDockError
            If there is none with this id.
        """
        row = session.get(StationDock, dock_id, with_for_update=True)
        if row is None:
            raise UnknownDockError(f"there is no run {dock_id}", dock=dock_id)
        return row

    def at(self, session: Session, site_id: str) -> Sequence[StationDock]:
        """Return the runs of a site that have not ended, the next first."""
        query = select(StationDock).where(StationDock.site_id == site_id, StationDock.state.not_in(_ENDED))
        return session.scalars(query.order_by(StationDock.expected_at, StationDock.id)).all()

    def greet(self, session: Session, dock_id: str, shown: str, actor: str) -> tuple[StationDock, str | None]:
        """Judge the vehicle's proof; return the station's own, None when the vehicle is refused. Commit both."""
        row = self.get(session, dock_id)
        visit, key, code = _domain(row), self.vehicle_key(row.vehicle), self.code(row)
        self._write(session, row, greet(visit, key, code, shown), actor)
        if row.state == "refused":
            self._journal.raise_alarm(session, row.site_id, "vehicle_refused", row.id)
            return row, None
        return row, proof(key, "station", visit, code)

    def step(self, session: Session, dock_id: str, event: str, actor: str) -> StationDock:
        """Apply that a vehicle was seen, confirmed, its doors closed, released or gone.

        Raises
        ------
        ImpossibleStepError
            If it cannot happen now.
        StationStateError
            If the event has a call of its own.
        """
        if event not in ("vehicle_seen", "confirmed", "doors_closed", "released", "vehicle_gone", "too_late"):
            raise StationStateError(f"{event} is not told this way", event=event)
        row = self.get(session, dock_id)
        self._write(session, row, proceed(_domain(row), event), actor)
        if event == "confirmed":
            self._opener.open(session, row.site_id, DOCK_DOOR, actor, "dock")
        return row

    def scan(self, session: Session, dock_id: str, piece: str, actor: str, *, unloading: bool) -> StationDock:
        """Take the scan of one piece in one direction."""
        row = self.get(session, dock_id)
        self._write(session, row, scan_piece(_domain(row), piece, unloading=unloading), actor, piece)
        return row

    def reconcile(self, session: Session, dock_id: str, actor: str, settled: str | None = None) -> StationDock:
        """Compare scans and manifest both ways; with a reason the actor answers for the differences.

        What was scanned changes hands in the ledger; what was left behind stays the vehicle's.
        """
        row = self.get(session, dock_id)
        visit, facts = reconcile(_domain(row), actor if settled else None)
        self._write(session, row, (visit, facts), actor, reason=settled)
        if visit.state != "reconciled":
            self._journal.raise_alarm(session, row.site_id, "dock_mismatch", row.id)
            return row
        self._journal.close_alarm(session, row.site_id, "dock_mismatch", row.id, actor)
        station, vehicle = f"site:{row.site_id}", f"vehicle:{row.vehicle}"
        self._hand_over(session, row, row.unloaded, vehicle, station, actor)
        self._hand_over(session, row, row.loaded, station, vehicle, actor)
        return row

    def tick(self, session: Session, site_id: str) -> int:
        """Announce vehicles that come soon, and give up those that did not; return how many changed."""
        now, changed = self._clock.now(), 0
        for row in self.at(session, site_id):
            if row.state != "expected":
                continue
            if now >= row.expected_at + _TOO_LATE:
                self._write(session, row, proceed(_domain(row), "too_late"), "system:timer")
                changed += 1
            elif now >= row.expected_at - NOTICE and row.version == 1:
                row.version += 1
                self._journal.note(session, site_id, "dock.announced", "system:timer", dock=row.id)
                changed += 1
        session.flush()
        return changed

    def _hand_over(
        self, session: Session, row: StationDock, pieces: Sequence[str], giver: str, taker: str, actor: str
    ) -> None:
        for parcel in ParcelRepository(session).by_ids(pieces):
            for type_ in ("handed_over", "received"):
                self._ledger.append(
                    session,
                    NewCustodyEvent(
                        type=type_, fact_at=self._clock.now(), actor=actor, parcel_id=parcel.id, from_custodian=giver,
                        to_custodian=taker, transfer_id=row.id, body={"dock": row.id},
                    ),
                )  # fmt: skip

    def _write(
        self, session: Session, row: StationDock, step: tuple[DockVisit, tuple[str, ...]], actor: str,
        piece: str | None = None, reason: str | None = None,
    ) -> None:  # fmt: skip
        visit, facts = step
        row.state, row.unloaded, row.loaded = visit.state, sorted(visit.unloaded), sorted(visit.loaded)
        row.changed_at, row.version = self._clock.now(), row.version + 1
        for fact in facts:
            self._journal.note(
                session, row.site_id, fact, actor, parcel_id=piece, dock=row.id, vehicle=row.vehicle, reason=reason
            )
        session.flush()


def differences(row: StationDock) -> dict[str, list[str]]:
    """Return where scans and manifest differ, by kind; empty lists when they agree."""
    return {name: list(pieces) for name, pieces in vars(_domain(row).differences()).items()}


def _domain(row: StationDock) -> DockVisit:
    manifest = DockManifest(frozenset(row.to_unload), frozenset(row.to_load))
    return DockVisit(
        row.id, row.site_id, row.vehicle, manifest, row.state, frozenset(row.unloaded), frozenset(row.loaded)
    )
