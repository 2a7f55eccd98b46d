"""Companies, and parcels that no manifest announced: what customers hand in at kiosks and stations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from dispatch.custody.repository import insert_unless_known
from dispatch.errors import CollectionConflictError, CompanyIdError, CompanyUnknownError
from dispatch.parcels.model import COLLECT, DOOR, Company, Parcel
from dispatch.parcels.repository import ParcelRepository
from kernel.clock import Clock
from kernel.ids import Ids

_COMPANY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class NewCollection:
    """A parcel that waits to be collected: handed in at a kiosk or station, or ordered from a door.

    Parameters
    ----------
    place_id
        Village or town of the region where it waits.
    channel, channel_site_id
        ``door``, or the ``station`` or ``cabinet`` it was handed in at.
    lon, lat
        WGS-84, when the exact place is known.
    """

    region: str
    company_id: str
    waybill: str
    place_id: str
    product: str
    due_day: date
    weight_g: int
    volume_cm3: int
    channel: str = DOOR
    channel_site_id: str | None = None
    lon: float | None = None
    lat: float | None = None
    piece: int = 1
    pieces: int = 1
    window_start_s: int | None = None
    window_end_s: int | None = None


class ParcelService:
    """Writes parcels and companies in the caller's transaction.

    Parameters
    ----------
    ids
        Makes parcel ids.
    clock
        Says when a parcel became known.
    """

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock

    def register_company(self, session: Session, company_id: str, name: str) -> None:
        """Make a company known, or rename it.

        Raises
        ------
        CompanyIdError
            If the id is not made of lower-case letters, digits and hyphens.
        """
        if not _COMPANY_ID.fullmatch(company_id):
            raise CompanyIdError(f"company id {company_id!r} cannot be used", company_id=company_id)
        if not insert_unless_known(session, Company, {"id": company_id, "name": name}):
            ParcelRepository(session).rename_company(company_id, name)

    def register_collection(self, session: Session, new: NewCollection) -> str:
        """Make a parcel to be collected known, once; the same drop-off again gives the same parcel.

        The caller then appends ``accepted_from_sender`` to the ledger (with the site as custodian), or
        ``announced`` with the custodian ``sender`` for an order that waits at a door.

        Returns
        -------
        The parcel's id.

        Raises
        ------
        CompanyUnknownError
            If the company is not registered.
        CollectionConflictError
            If this company already has something else under this waybill and piece.
        """
        return self.register_collections(session, [new])[0]

    def register_collections(self, session: Session, news: Sequence[NewCollection]) -> list[str]:
        """Make several parcels known as :meth:`register_collection` does, in a handful of statements.

        Raises
        ------
        CompanyUnknownError, CollectionConflictError
            If one of them cannot be registered; the caller then undoes the others too.
        """
        repository = ParcelRepository(session)
        known = repository.company_ids()
        for new in news:
            if new.company_id not in known:
                raise CompanyUnknownError(f"no company {new.company_id!r}", company_id=new.company_id)
        now = self._clock.now()
        rows = [self._collection_row(new, now) for new in news]
        inserted = repository.add_unless_known(rows)
        return [
            str(row["id"])
            if row["id"] in inserted
            else _same_collection(repository.by_piece(new.company_id, new.waybill, new.piece), new)
            for new, row in zip(news, rows, strict=True)
        ]

    def _collection_row(self, new: NewCollection, now: datetime) -> dict[str, Any]:
        return dict(vars(new)) | {
            "id": self._ids.new(),
            "direction": COLLECT,
            "recipient_name": "",
            "recipient_phone": "",
            "address": "",
            "datum": "wgs84",
            "position_source": "village" if new.lon is None else "site",
            "position_confidence": "village" if new.lon is None else "exact",
            "declared_value_fen": 0,
            "cod_fen": 0,
            "imported_at": now,
        }


def _same_collection(stored: Parcel | None, new: NewCollection) -> str:
    same = stored is not None and (stored.direction, stored.region, stored.channel_site_id) == (
        COLLECT,
        new.region,
        new.channel_site_id,
    )
    if stored is None or not same:
        raise CollectionConflictError(
            f"waybill {new.waybill} piece {new.piece} of {new.company_id} is already known as another parcel",
            company_id=new.company_id,
            waybill=new.waybill,
            piece=new.piece,
        )
    return stored.id
