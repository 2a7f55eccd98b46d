"""The activity report fed from the ledger, the registry and the devices' tables (活跃度日报)."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final, Literal, Protocol

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyStanding
from dispatch.custody.projection import CustodyFact, as_happened
from dispatch.custody.repository import CustodyRepository
from dispatch.parcels.model import COLLECT, Parcel
from dispatch.stations.model import SiteOutage, StationFact
from kernel.clock import day_start
from lockers.activity import (
    METRICS,
    SLEEPER_DAYS,
    ActivityReport,
    ActivityRow,
    Drop,
    InstalledSite,
    Outage,
    SiteOperations,
    daily_report,
)
from lockers.registry.model import Site
from lockers.registry.scenes import SiteKind, SiteStatus

Grouping = Literal["branch", "scene", "device"]

_BY: Final[Mapping[str, Callable[[InstalledSite], str]]] = {
    "branch": lambda site: site.branch,
    "scene": lambda site: site.scene,
    "device": lambda site: site.id,
}
Kind = Literal["kiosk", "station", "all"]

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "kiosk": (SiteKind.KIOSK.value,),
    "station": (SiteKind.STATION.value,),
    "all": (SiteKind.KIOSK.value, SiteKind.STATION.value),
}


class WireFaults(Protocol):
    """Says what went wrong on the wire; the bridge's tables are another room's."""

    def of_day(self, session: Session, sites: Sequence[str], begin: datetime, end: datetime) -> Mapping[str, WireDay]:
        """Return commands, unknown outcomes and faults of a day, by site."""
        ...


@dataclass(frozen=True)
class WireDay:
    """A site's day on the wire."""

    commands: int = 0
    commands_unknown: int = 0
    faults: int = 0


class NoWire:
    """Twin of :class:`WireFaults` for a place without devices."""

    def of_day(self, session: Session, sites: Sequence[str], begin: datetime, end: datetime) -> Mapping[str, WireDay]:
        """Return nothing."""
        return {}


def region_report(
    session: Session,
    region: str,
    day: date,
    zone: str,
    as_of: datetime,
    by: Grouping = "branch",
    wire: WireFaults | None = None,
    branch_of: Callable[[Site], str] = lambda site: site.place_id,
    kind: Kind = "kiosk",
) -> ActivityReport:
    """Compute a region's report of one day from what is stored.

    Parameters
    ----------
    as_of
        The moment of the report; what arrives later restates the day.
    branch_of
        Which branch a site belongs to: its place, unless the caller knows better (township, outlet).
    kind
        Whose activity: kiosks, as in the reports of 寄件宝; stations that also take parcels in; or both.
    """
    sites = [
        site
        for site in session.scalars(select(Site).where(Site.region == region).order_by(Site.id))
        if site.kind in _KINDS[kind] and site.status != SiteStatus.PLANNED.value
    ]
    ids = [site.id for site in sites]
    begin = day_start(day, zone)
    end = min(begin + timedelta(days=1), as_of)
    lines = wire or NoWire()
    stored = _outages(session, ids, begin)
    maintenance = _maintenance(sites, stored, day, zone)
    installed = [
        InstalledSite(
            site.id, branch_of(site), site.scene, site.commissioned_on or site.registered_at.date(), site.retired_on,
            maintenance.get(site.id, ()),
        )
        for site in sites
    ]  # fmt: skip
    outages = [one for one in stored if one.kind != "maintenance"]
    operations = _operations(session, ids, begin, end, lines.of_day(session, ids, begin, end))
    drops = _drops(session, ids, begin - timedelta(days=SLEEPER_DAYS), as_of)
    return daily_report(day, zone, installed, drops, as_of, _BY[by], outages, operations)


def report_document(report: ActivityReport) -> dict[str, Any]:
    """Write a report as JSON, with its definitions; shares are decimal texts of four digits."""
    return {
        "day": report.day.isoformat(),
        "as_of": report.as_of.isoformat(),
        "version": report.version,
        "total": _row(report.total),
        "groups": [_row(row) for row in report.groups],
        "sleeping": list(report.sleeping),
        "open_drops": list(report.open_drops),
        "refusals": dict(report.refusals),
        "returns": dict(report.returns),
        "definitions": {name: {"zh": zh, "definition": text} for name, (zh, text) in METRICS.items()},
    }


def report_table(report: ActivityReport) -> tuple[list[str], list[list[str]]]:
    """Write a report as heading and rows, the total last."""
    names = [field.name for field in fields(ActivityRow)]
    rows = [[_cell(getattr(row, name)) for name in names] for row in (*report.groups, report.total)]
    return names, rows


def report_csv(report: ActivityReport) -> str:
    """Write a report as CSV, one row per group and one for the total, day and version in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heading, rows = report_table(report)
    writer.writerow(["day", "as_of", "version", *heading])
    for row in rows:
        writer.writerow([report.day.isoformat(), report.as_of.isoformat(), report.version, *row])
    return out.getvalue()


def _row(row: ActivityRow) -> dict[str, Any]:
    return {field.name: _plain(getattr(row, field.name)) for field in fields(ActivityRow)}


def _plain(value: Any) -> Any:
    return float(f"{float(value):.4f}") if isinstance(value, Fraction) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{float(value):.4f}".rstrip("0").rstrip(".") if isinstance(value, Fraction) else str(value)


def _drops(session: Session, sites: Sequence[str], since: datetime, as_of: datetime) -> Iterable[Drop]:
    """Read drop-offs of the last days, and older ones that are open, from the ledger's events."""
    query = (
        select(Parcel.id, Parcel.channel_site_id)
        .join(CustodyStanding, CustodyStanding.parcel_id == Parcel.id)
        .where(Parcel.direction == COLLECT, Parcel.channel_site_id.in_(list(sites)))
        .where(or_(Parcel.imported_at >= since, CustodyStanding.since >= since, CustodyStanding.next_step == "collect"))
    )
    at = {parcel_id: str(site_id) for parcel_id, site_id in session.execute(query)}
    for parcel_id, facts in CustodyRepository(session).facts_of_many(at).items():
        found = _drop(parcel_id, at[parcel_id], as_happened(facts, as_of), facts)
        if found is not None:
            yield found


def _drop(parcel_id: str, site_id: str, facts: Sequence[CustodyFact], everything: Sequence[CustodyFact]) -> Drop | None:
    """Read one drop-off's story; a drop-off whose event was voided by a correction is voided."""
    here = f"site:{site_id}"
    dropped = _first(facts, lambda fact: fact.type == "accepted_from_sender" and fact.to_custodian == here)
    if dropped is None:
        said = _first(everything, lambda fact: fact.type == "accepted_from_sender" and fact.to_custodian == here)
        return None if said is None else Drop(parcel_id, site_id, said.fact_at, voided=True)
    accepted = _first(
        facts, lambda fact: fact.type in ("accepted_from_sender", "received", "arrived") and fact.to_custodian != here
    )
    refused = _first(facts, lambda fact: fact.type == "return_started" and bool(fact.body.get("refused")))
    return Drop(
        parcel_id, site_id, dropped.fact_at,
        accepted_at=accepted.fact_at if accepted is not None else None,
        refused_at=refused.fact_at if refused is not None else None,
        refusal_reason=refused.cause if refused is not None else None,
        return_platform=dropped.body.get("return_platform"),
    )  # fmt: skip


def _first(facts: Sequence[CustodyFact], fits: Callable[[CustodyFact], bool]) -> CustodyFact | None:
    return min((fact for fact in facts if fits(fact)), key=lambda fact: (fact.fact_at, fact.event_id), default=None)


def _outages(session: Session, sites: Sequence[str], begin: datetime) -> list[Outage]:
    query = select(SiteOutage).where(
        SiteOutage.site_id.in_(list(sites)), or_(SiteOutage.ended_at.is_(None), SiteOutage.ended_at >= begin)
    )
    return [Outage(row.site_id, row.kind, row.began_at, row.ended_at) for row in session.scalars(query)]


def _maintenance(
    sites: Sequence[Site], stored: Sequence[Outage], day: date, zone: str
) -> dict[str, tuple[tuple[date, date], ...]]:
    """Return the days of maintenance by site; one that stands in maintenance now is so on the day."""
    found: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for one in stored:
        if one.kind == "maintenance":
            first = (one.began_at - day_start(day, zone)) // timedelta(days=1)
            last = 0 if one.ended_at is None else (one.ended_at - day_start(day, zone)) // timedelta(days=1)
            found[one.site_id].append((day + timedelta(days=first), day + timedelta(days=last)))
    for site in sites:
        if site.status == SiteStatus.MAINTENANCE.value:
            found[site.id].append((day, day))
    return {site_id: tuple(spans) for site_id, spans in found.items()}


_COUNTED: Final = (
    "code.refused", "entry.refused", "entry.admitted", "parcel.collected", "parcel.overdue", "pick.wrong", "lights.lit",
)  # fmt: skip


def _operations(
    session: Session, sites: Sequence[str], begin: datetime, end: datetime, wire: Mapping[str, WireDay]
) -> dict[str, SiteOperations]:
    query = (
        select(StationFact)
        .where(StationFact.site_id.in_(list(sites)), StationFact.type.in_(_COUNTED))
        .where(StationFact.fact_at >= begin, StationFact.fact_at < end)
        .order_by(StationFact.fact_at, StationFact.id)
    )
    by_site: dict[str, list[StationFact]] = defaultdict(list)
    for fact in session.scalars(query):
        by_site[fact.site_id].append(fact)
    overdue = set(
        session.scalars(select(StationFact.parcel_id).where(
            StationFact.site_id.in_(list(sites)), StationFact.type == "parcel.overdue", StationFact.fact_at < end
        ))
    )  # fmt: skip
    return {
        site_id: _counted(by_site.get(site_id, []), wire.get(site_id, WireDay()), overdue)
        for site_id in {*by_site, *wire}
    }


def _counted(facts: Sequence[StationFact], wire: WireDay, overdue: set[str | None]) -> SiteOperations:
    number: dict[str, int] = defaultdict(int)
    lit: dict[str, datetime] = {}
    picks: list[int] = []
    by_code = scanned = in_time = 0
    for fact in facts:
        number[fact.type] += 1
        if fact.type == "lights.lit" and fact.visit_id is not None:
            lit.setdefault(fact.visit_id, fact.fact_at)
        if fact.type == "parcel.collected":
            by_code += "code" in fact.body
            scanned += fact.visit_id is not None
            in_time += fact.parcel_id not in overdue
            began = lit.pop(fact.visit_id, None) if fact.visit_id is not None else None
            if began is not None:
                picks.append((fact.fact_at - began) // timedelta(seconds=1))
    refused = number["code.refused"] + number["entry.refused"]
    return SiteOperations(
        codes=refused + by_code + number["entry.admitted"], codes_refused=refused, overdue=number["parcel.overdue"],
        left_in_time=in_time, picks=scanned + number["pick.wrong"], picks_wrong=number["pick.wrong"],
        light_to_pick_s=tuple(picks), commands=wire.commands, commands_unknown=wire.commands_unknown,
        wire_faults=wire.faults,
    )  # fmt: skip
