"""One search over all companies at a station's counter, and the messages recipients get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyStanding
from dispatch.parcels.model import Parcel
from dispatch.stations.codes import CodeDesk
from dispatch.stations.model import StationCell, StationCode, StationNotice
from dispatch.stations.policy import StationPolicies
from kernel.clock import rfc3339
from kernel.money import Fen, format_yuan
from kernel.privacy import masked
from lockers.registry.model import Site

MOST: Final = 50
_SHORTEST_TAIL: Final = 4


@dataclass(frozen=True)
class Candidate:
    """A parcel a search may mean; name and phone are masked."""

    parcel_id: str
    company_id: str
    waybill: str
    piece: int
    pieces: int
    direction: str
    recipient_name: str
    recipient_phone: str
    status: str
    next_step: str
    cell: str | None
    book: str | None
    stored_at: datetime | None
    charge_fen: Fen


def search(
    session: Session, site: Site, text: str, policies: StationPolicies, now: datetime, here_only: bool = False
) -> Sequence[Candidate]:
    """Find parcels at or on their way to a site, over all companies.

    Parameters
    ----------
    text
        Part of a waybill, or the last four or more digits of a phone: then several recipients may fit, and all are
        shown (LAW-11). Empty: everything that lies here.
    """
    wanted = text.strip()
    query = (
        select(Parcel, CustodyStanding, StationCell)
        .join(CustodyStanding, CustodyStanding.parcel_id == Parcel.id)
        .outerjoin(StationCell, and_(StationCell.parcel_id == Parcel.id, StationCell.site_id == site.id))
        .where(Parcel.region == site.region)
    )
    held = or_(CustodyStanding.custodian == f"site:{site.id}", StationCell.cell.is_not(None))
    if here_only or not wanted:
        query = query.where(held)
    else:
        query = query.where(or_(held, Parcel.channel_site_id == site.id))
    if wanted:
        fits = [func.upper(Parcel.waybill).contains(wanted.upper(), autoescape=True), Parcel.id == wanted]
        if wanted.isdigit() and len(wanted) >= _SHORTEST_TAIL:
            fits.append(Parcel.recipient_phone.endswith(wanted, autoescape=True))
        query = query.where(or_(*fits))
    rules = policies.of(site.region).retention_rules
    rows = session.execute(query.order_by(StationCell.cell, Parcel.id).limit(MOST))
    found = []
    for parcel, standing, cell in rows:
        stored_at = cell.stored_at if cell is not None else None
        found.append(
            Candidate(
                parcel.id, parcel.company_id, parcel.waybill, parcel.piece, parcel.pieces, parcel.direction,
                masked("name", parcel.recipient_name), masked("phone", parcel.recipient_phone), standing.status,
                standing.next_step, cell.cell if cell is not None else None, cell.book if cell is not None else None,
                stored_at, rules.charge(stored_at, now) if stored_at is not None else Fen(0),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Notice:
    """One message to a recipient, in both languages, with the phone it goes to; for the operator's message service."""

    id: int
    kind: str
    phone: str
    text_zh: str
    text_en: str


def due_notices(
    session: Session, codes: CodeDesk, policies: StationPolicies, zone: str, limit: int = 100
) -> Sequence[Notice]:
    """Write the messages that wait: place, code, until when, and what longer keeping costs (LAW-04)."""
    query = (
        select(StationNotice, StationCode, Parcel, Site, StationCell)
        .join(StationCode, StationCode.id == StationNotice.code_id)
        .join(Parcel, Parcel.id == StationNotice.parcel_id)
        .join(Site, Site.id == StationNotice.site_id)
        .join(StationCell, and_(StationCell.site_id == Site.id, StationCell.parcel_id == Parcel.id))
        .where(StationNotice.sent_at.is_(None), StationCode.state == "valid")
        .order_by(StationNotice.id)
        .limit(limit)
    )
    written = []
    for notice, code, parcel, site, cell in session.execute(query):
        rules = policies.of(site.region).retention_rules
        until = rfc3339(rules.promised_until(cell.stored_at or notice.due_at).replace(microsecond=0), zone)
        later = "免费" if not rules.cap_fen else f"逾期每{rules.step_h}小时{format_yuan(rules.step_fen)}元"
        later_en = "free" if not rules.cap_fen else f"then {format_yuan(rules.step_fen)} yuan per {rules.step_h} h"
        digits = codes.digits(code)
        written.append(
            Notice(
                notice.id, notice.kind, parcel.recipient_phone,
                f"包裹{parcel.waybill}在{site.name}（{cell.cell}），取件码{digits}，保管至{until}，{later}。",
                f"Parcel {parcel.waybill} waits at {site.name} ({cell.cell}); code {digits}; kept until {until}, "
                f"{later_en}.",
            )
        )  # fmt: skip
    return written


def notice_sent(session: Session, notice_id: int, at: datetime) -> bool:
    """Note that a message was handed to the message service; tell whether there was one."""
    row = session.get(StationNotice, notice_id)
    if row is None:
        return False
    row.sent_at = row.sent_at or at
    return True
