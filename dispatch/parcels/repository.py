"""Queries on parcels and companies; nothing here commits or decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyStanding
from dispatch.custody.repository import insert_many, insert_new
from dispatch.parcels.model import COLLECT, DELIVER, Company, ManifestImport, Parcel, RejectedRow

PieceKey = tuple[str, str, int]
"""Company id, waybill and piece: what makes a parcel unique."""

_IMPORT_LOCK = 620_622  # PostgreSQL advisory lock, the number after the event log's

# A parcel can be planned when its next step is one that ends at its door, station or cabinet.
_STEPS_TO_DELIVER = ("await_arrival", "section", "load", "redeliver", "redirect", "self_pickup")
_PLANNABLE_STATUSES = ("announced", "in_office", "sectioned", "attempted")


class ParcelRepository:
    """Reads and writes of one session.

    Parameters
    ----------
    session
        The caller's transaction.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def to_deliver(self, region: str, day: date) -> Sequence[Parcel]:
        """Give the parcels due by a day that still wait for a route, ordered by id.

        Announced ones count: the plan is made before the trunk run arrives. Loaded, held, stored and
        finished parcels do not, nor those whose next attempt was promised for a later day.
        """
        return self._waiting(region, day, DELIVER, _STEPS_TO_DELIVER, _PLANNABLE_STATUSES)

    def to_collect(self, region: str, day: date) -> Sequence[Parcel]:
        """Give the parcels that wait at a sender, kiosk or station to be collected by a day, ordered by id."""
        return self._waiting(region, day, COLLECT, ("collect",), ("announced", "accepted"))

    def _waiting(
        self, region: str, day: date, direction: str, steps: tuple[str, ...], statuses: tuple[str, ...]
    ) -> Sequence[Parcel]:
        query = (
            select(Parcel)
            .join(CustodyStanding, CustodyStanding.parcel_id == Parcel.id)
            .where(Parcel.region == region, Parcel.due_day <= day, Parcel.direction == direction)
            .where(CustodyStanding.next_step.in_(steps), CustodyStanding.status.in_(statuses))
            .where(or_(CustodyStanding.next_on.is_(None), CustodyStanding.next_on <= day))
            .order_by(Parcel.id)
        )
        return self._session.scalars(query).all()

    def get(self, parcel_id: str) -> Parcel | None:
        """Give one parcel, or None."""
        return self._session.get(Parcel, parcel_id)

    def by_ids(self, parcel_ids: Iterable[str]) -> list[Parcel]:
        """Give several parcels, ordered by id; unknown ids are left out."""
        wanted = sorted(set(parcel_ids))
        found: list[Parcel] = []
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            found.extend(self._session.scalars(select(Parcel).where(Parcel.id.in_(part)).order_by(Parcel.id)))
        return found

    def by_piece(self, company_id: str, waybill: str, piece: int) -> Parcel | None:
        """Give the parcel of one piece, or None."""
        query = select(Parcel).where(Parcel.company_id == company_id, Parcel.waybill == waybill, Parcel.piece == piece)
        return self._session.scalar(query)

    def stored_pieces(self, keys: Sequence[PieceKey], columns: Sequence[str]) -> dict[PieceKey, tuple[Any, ...]]:
        """Give the named columns of those pieces that are stored already."""
        wanted = [getattr(Parcel, name) for name in columns]
        found: dict[PieceKey, tuple[Any, ...]] = {}
        # By waybill alone: a planner without statistics would otherwise walk through a whole company.
        waybills = sorted({waybill for _, waybill, _ in keys})
        for start in range(0, len(waybills), 500):
            part = waybills[start : start + 500]
            query = select(Parcel.company_id, Parcel.waybill, Parcel.piece, *wanted).where(Parcel.waybill.in_(part))
            for company_id, waybill, piece, *rest in self._session.execute(query):
                found[company_id, waybill, piece] = tuple(rest)
        return found

    def add_many(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert new parcels."""
        if rows:
            insert_many(self._session, Parcel, rows)

    def add_unless_known(self, rows: Sequence[dict[str, Any]]) -> set[str]:
        """Insert those parcels whose piece is not stored yet; give the ids of those inserted."""
        ordered = sorted(rows, key=lambda row: (row["company_id"], row["waybill"], row["piece"]))
        return insert_new(self._session, Parcel, ordered)

    def company_ids(self) -> set[str]:
        """Give the ids of all companies."""
        return set(self._session.scalars(select(Company.id)))

    def company_names(self) -> dict[str, str]:
        """Give the ids of all companies by id and by name."""
        rows = [(row[0], row[1]) for row in self._session.execute(select(Company.id, Company.name))]
        return {name: company_id for company_id, name in rows} | {company_id: company_id for company_id, _ in rows}

    def add_company(self, company_id: str, name: str) -> None:
        """Insert a company."""
        self._session.execute(insert(Company), [{"id": company_id, "name": name}])

    def rename_company(self, company_id: str, name: str) -> None:
        """Give a company another name."""
        company = self._session.get_one(Company, company_id)
        company.name = name
        self._session.flush()

    def one_import_at_a_time(self) -> None:
        """Wait until no other import is under way, so that two uploads of one file do not collide.

        SQLite has one writer at a time anyway.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            self._session.execute(select(func.pg_advisory_xact_lock(_IMPORT_LOCK)))

    def open_import(self, row: dict[str, Any]) -> None:
        """Insert the record of an import before its parcels, which refer to it."""
        self._session.execute(insert(ManifestImport), [row])

    def close_import(self, import_id: str, counts: dict[str, Any]) -> None:
        """Write the final counts of an import."""
        self._session.execute(update(ManifestImport).where(ManifestImport.id == import_id).values(**counts))

    def drop_import(self, import_id: str) -> None:
        """Forget an import that changed nothing and told nothing new."""
        self._session.execute(delete(RejectedRow).where(RejectedRow.import_id == import_id))
        self._session.execute(delete(ManifestImport).where(ManifestImport.id == import_id))

    def add_rejected(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows an import refused."""
        if rows:
            insert_many(self._session, RejectedRow, rows)

    def imports_of(self, region: str, file_digest: str) -> Sequence[ManifestImport]:
        """Give earlier imports of the same bytes, newest first."""
        query = (
            select(ManifestImport)
            .where(and_(ManifestImport.region == region, ManifestImport.file_digest == file_digest))
            .order_by(ManifestImport.imported_at.desc(), ManifestImport.id.desc())
        )
        return self._session.scalars(query).all()

    def rejected_rows(self, import_id: str) -> Sequence[RejectedRow]:
        """Give the rows an import refused, by line."""
        query = select(RejectedRow).where(RejectedRow.import_id == import_id).order_by(RejectedRow.line)
        return self._session.scalars(query).all()
