"""Chute tables in the database: keep a new version, find the one in force on a day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.sorting.chutes import ChuteTable, load_chutes, read_chutes
from dispatch.sorting.model import ChuteTableRow
from kernel.events import append_event


def keep_chutes(session: Session, region: str, table: ChuteTable, *, actor: str, now: datetime) -> int:
    """Store a chute table as a region's next version and give its number; the same table again changes nothing."""
    newest = session.scalar(
        select(ChuteTableRow).where(ChuteTableRow.region == region).order_by(ChuteTableRow.number.desc()).limit(1)
    )
    content = table.model_dump(mode="json")
    if newest is not None and newest.content == content:
        return newest.number
    number = 1 + (session.scalar(select(func.max(ChuteTableRow.number)).where(ChuteTableRow.region == region)) or 0)
    session.add(
        ChuteTableRow(
            region=region, number=number, valid_from=table.valid_from, created_at=now, actor=actor, content=content
        )
    )
    session.flush()
    body = {"region": region, "number": number, "valid_from": table.valid_from.isoformat()}
    append_event(session, "sorting.chutes_changed", f"region:{region}", body, fact_at=now, committed_at=now)
    return number


def number_in_force(session: Session, region: str, day: date) -> int:
    """Give the number of the chute table of a day: of those valid by then the newest; 0 for the one of Cunda."""
    query = select(func.max(ChuteTableRow.number)).where(
        ChuteTableRow.region == region, ChuteTableRow.valid_from <= day
    )
    return session.scalar(query) or 0


def chutes_numbered(session: Session, region: str, number: int) -> ChuteTable:
    """Give a version of a region's chute table; number 0 is the one that comes with Cunda."""
    if number == 0:
        return load_chutes()
    return read_chutes(session.get_one(ChuteTableRow, (region, number)).content)


def chutes_in_force(session: Session, region: str, day: date) -> tuple[int, ChuteTable]:
    """Give number and content of the chute table of a day."""
    number = number_in_force(session, region, day)
    return number, chutes_numbered(session, region, number)
