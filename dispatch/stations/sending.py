"""Kiosks as the server sees them: waybills in stock, what sessions came to, couriers who empty them (寄件、揽收)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.custody.model import CustodyStanding
from dispatch.custody.repository import insert_unless_known
from dispatch.fleet.errors import UnknownCourierError
from dispatch.parcels.model import CABINET, COLLECT, STATION, Parcel
from dispatch.parcels.service import NewCollection, ParcelService
from dispatch.plans.errors import ParcelNotOnRouteError, PlanNotFoundError
from dispatch.plans.outcomes import OutcomeReport, report_outcome
from dispatch.products.service import default_product
from dispatch.stations.errors import StationStateError, UnknownCollectionRunError, UnknownSendingError
from dispatch.stations.journal import StationJournal
from dispatch.stations.model import KioskCollection, KioskSending, KioskWaybill, SiteOutage
from dispatch.stations.policy import StationPolicies
from kernel.clock import Clock
from kernel.ids import Ids
from lockers.dropoffs import DropOff
from lockers.registry.model import Site
from lockers.registry.scenes import SiteKind
from lockers.sending import CollectionBalance

#: Why a courier refuses a parcel at inspection; the words of the failed-attempt codes (收寄验视).
REFUSALS: Final = ("PROHIBITED", "PACKAGING_DAMAGED", "CONTENT_DAMAGED", "CONTENT_SHORT", "IDENTITY_NOT_SHOWN")

TOLD_BY_KIOSKS: Final = (
    "session.started", "session.voided", "session.unclear", "waybill.assigned", "waybill.voided", "label.reprinted",
    "deposit.empty", "paper.out", "paper.refilled", "door.left_open", "door.shut_again", "door.forced",
    "doubt.parcel_without_book", "doubt.book_without_parcel", "parcel.uncollected",
)  # fmt: skip
"""Event types a kiosk's program sends besides ``parcel.dropped``."""

_ALARMS: Final = {
    "session.unclear": "session_unclear", "paper.out": "no_paper", "door.left_open": "door_left_open",
    "door.forced": "forced", "doubt.parcel_without_book": "parcel_without_book",
    "doubt.book_without_parcel": "book_without_parcel", "parcel.uncollected": "uncollected",
}  # fmt: skip
_ENDS: Final = {"paper.refilled": "no_paper", "door.shut_again": "door_left_open"}


@dataclass(frozen=True)
class KioskTold:
    """One fact of a kiosk's program.

    Parameters
    ----------
    seq
        Its number in the kiosk's outbox; an older one that comes late does not undo a newer one.
    """

    type: str
    body: Mapping[str, Any]
    at: datetime
    actor: str
    txn: str | None = None
    seq: int = 0


@dataclass(frozen=True)
class Inspected:
    """A courier's word on one parcel: accepted after inspection, or refused and why.

    Parameters
    ----------
    inspected
        The parcel was opened and checked (LAW-07).
    weighed_g
        Needed where the kiosk's weight was provisional.
    """

    event_id: str
    parcel_id: str
    accepted: bool
    inspected: bool = False
    cause: str | None = None
    weighed_g: int | None = None
    item: Mapping[str, Any] | None = None


class SendingDesk:
    """Deals with kiosks in the caller's transaction."""

    def __init__(
        self,
        parcels: ParcelService,
        ledger: Ledger,
        journal: StationJournal,
        policies: StationPolicies,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._parcels = parcels
        self._ledger = ledger
        self._journal = journal
        self._policies = policies
        self._clock = clock
        self._ids = ids

    # --- waybills -----------------------------------------------------------------------------------------

    def stock(self, session: Session, site_id: str, company_id: str, numbers: Sequence[str], actor: str) -> int:
        """Give a kiosk waybills a company issued beforehand; return how many were new."""
        now, added = self._clock.now(), 0
        for number in numbers:
            row = {"company_id": company_id, "waybill": number, "site_id": site_id, "state": "stocked",
                   "changed_at": now}  # fmt: skip
            added += insert_unless_known(session, KioskWaybill, row)
        if added:
            self._journal.note(session, site_id, "waybills.stocked", actor, company=company_id, count=added)
        return added

    def stocked(self, session: Session, site_id: str) -> Sequence[KioskWaybill]:
        """Return the waybills of a kiosk with what became of each."""
        query = select(KioskWaybill).where(KioskWaybill.site_id == site_id)
        return session.scalars(query.order_by(KioskWaybill.company_id, KioskWaybill.waybill)).all()

    # --- what kiosks tell ---------------------------------------------------------------------------------

    def tell(self, session: Session, site_id: str, told: KioskTold) -> None:
        """Take one fact of a kiosk's program; the same sessions come out in whatever order facts arrive."""
        subject = str(told.body.get("cell") or told.body.get("waybill") or told.txn or "printer")[:64]
        self._journal.note(
            session, site_id, told.type, told.actor, told.at, cell=told.body.get("cell"), txn=told.txn,
            waybill=told.body.get("waybill"), tier=told.body.get("tier"),
        )  # fmt: skip
        if told.type in _ALARMS:
            self._journal.raise_alarm(session, site_id, _ALARMS[told.type], subject)
        if told.type in _ENDS:
            self._journal.close_alarm(session, site_id, _ENDS[told.type], subject, told.actor)
        if told.type in ("paper.out", "paper.refilled"):
            note_outage(session, site_id, "paper", told.at, began=told.type == "paper.out")
        if told.type.startswith("waybill."):
            self._mark(session, site_id, told, "void" if told.type == "waybill.voided" else "used")
        if told.txn is not None and told.type.split(".")[0] in ("session", "waybill"):
            self._session_told(session, site_id, told)

    def sendings(self, session: Session, site_id: str, state: str | None = None) -> Sequence[KioskSending]:
        """Return a kiosk's sessions, the newest first."""
        query = select(KioskSending).where(KioskSending.site_id == site_id)
        if state is not None:
            query = query.where(KioskSending.state == state)
        return session.scalars(query.order_by(KioskSending.since.desc(), KioskSending.id).limit(200)).all()

    def settle(
        self, session: Session, site: Site, sending_id: str, drop: DropOff | None, actor: str, reason: str
    ) -> KioskSending:
        """Take a person's word on a session of which nothing certain was seen: dropped with its measures, or void.

        Raises
        ------
        UnknownSendingError
            If there is no such session.
        StationStateError
            If it is not unclear, or no reason is given.
        """
        row = session.get(KioskSending, (sending_id, site.id), with_for_update=True)
        if row is None:
            raise UnknownSendingError(f"{site.id} has no session {sending_id}", sending=sending_id)
        if row.state != "unclear" or not reason:
            raise StationStateError(f"session {sending_id} is {row.state}: nothing to settle", state=row.state)
        if drop is not None:
            self.take_in(session, site, drop, actor)
        row.state, row.since = "dropped" if drop is not None else "voided", self._clock.now()
        if row.waybill is not None and row.company_id is not None:
            body = {"company": row.company_id, "waybill": row.waybill}
            told = KioskTold("waybill.settled", body, row.since, actor, sending_id)
            self._mark(session, site.id, told, "used" if drop is not None else "void")
        self._journal.note(session, site.id, "session.settled", actor, txn=sending_id, reason=reason, state=row.state)
        for subject in (row.cell, row.waybill, sending_id):
            if subject is not None:
                self._journal.close_alarm(session, site.id, "session_unclear", subject, actor)
        return row

    def take_in(self, session: Session, site: Site, drop: DropOff, actor: str, day: date | None = None) -> str:
        """Take a parcel over the counter, or on a person's word: a parcel to collect, the site its custodian.

        Raises
        ------
        StationStateError
            If no proof of the sender's identity is named where the rules ask for one (LAW-06).
        """
        policy = self._policies.of(site.region)
        if policy.sending.proof_needed and not drop.proof:
            raise StationStateError("the sender's identity was not proven: name the proof's reference", field="proof")
        now = self._clock.now()
        due = day or now.date()
        parcel_id = self._parcels.register_collection(
            session,
            NewCollection(
                region=site.region, company_id=drop.company, waybill=drop.waybill, place_id=site.place_id,
                product=default_product(session, COLLECT, due).code, due_day=due, weight_g=drop.weight_g,
                volume_cm3=drop.billed_volume_cm3,
                channel=STATION if site.kind == SiteKind.STATION else CABINET, channel_site_id=site.id,
                lon=site.lon, lat=site.lat,
            ),
        )  # fmt: skip
        body = {
            "compartment": drop.compartment, "item_class": drop.item_class.value, "proof": drop.proof,
            "declared_value_fen": drop.declared_value_fen, "return_platform": drop.return_platform,
            "weight_provisional": drop.weight_provisional,
        }  # fmt: skip
        self._ledger.append(
            session,
            NewCustodyEvent(
                type="accepted_from_sender", fact_at=now, actor=actor, parcel_id=parcel_id, place=f"site:{site.id}",
                from_custodian="sender", to_custodian=f"site:{site.id}",
                body={name: value for name, value in body.items() if value is not None},
            ),
        )  # fmt: skip
        self._journal.note(session, site.id, "parcel.dropped", actor, parcel_id=parcel_id, cell=drop.compartment)
        return parcel_id

    # --- couriers -----------------------------------------------------------------------------------------

    def begin_collection(self, session: Session, site: Site, courier_id: str) -> KioskCollection:
        """Begin to empty a kiosk: what was dropped and waits is what must be explained at the end."""
        waiting = select(Parcel.id).join(CustodyStanding, CustodyStanding.parcel_id == Parcel.id).where(
            Parcel.direction == COLLECT, CustodyStanding.custodian == f"site:{site.id}",
            CustodyStanding.next_step == "collect",
        )  # fmt: skip
        row = KioskCollection(
            id=self._ids.new(), site_id=site.id, courier_id=courier_id, began_at=self._clock.now(),
            dropped=sorted(session.scalars(waiting)), closed_at=None, result=None,
        )  # fmt: skip
        session.add(row)
        session.flush()
        actor = f"courier:{courier_id}"
        self._journal.note(session, site.id, "collection.began", actor, collection=row.id, dropped=len(row.dropped))
        return row

    def collection(self, session: Session, collection_id: str, courier_id: str) -> KioskCollection:
        """Return a courier's own collection.

        Raises
        ------
        UnknownCollectionRunError
            If there is none with this id, or it is another courier's.
        """
        row = session.get(KioskCollection, collection_id, with_for_update=True)
        if row is None or row.courier_id != courier_id:
            raise UnknownCollectionRunError(f"there is no collection {collection_id}", collection=collection_id)
        return row

    def close_collection(
        self, session: Session, row: KioskCollection, day: date, words: Sequence[Inspected], surplus: Sequence[str] = ()
    ) -> CollectionBalance:
        """Close a collection: every dropped parcel is accepted, refused or missing, and each goes into the ledger.

        Parameters
        ----------
        surplus
            Numbers found in the kiosk that nobody dropped.

        Raises
        ------
        StationStateError
            If it is closed, an accepted parcel was not inspected, or a refusal has no reason of the list.
        """
        if row.closed_at is not None:
            raise StationStateError(f"collection {row.id} is closed", collection=row.id)
        accepted = frozenset(one.parcel_id for one in words if one.accepted)
        refused = frozenset(one.parcel_id for one in words if not one.accepted)
        balance = CollectionBalance(frozenset(row.dropped), accepted, refused)
        region_rules = self._policies.of(self._region(session, row.site_id))
        for one in words:
            self._check(one, region_rules.sending.inspection_needed)
        for one in words:
            self._accept(session, row, day, one) if one.accepted else self._refuse(session, row, one)
        for parcel_id in sorted(balance.missing):
            self._miss(session, row, parcel_id)
        row.closed_at = self._clock.now()
        row.result = {
            "dropped": len(balance.dropped), "accepted": len(accepted), "refused": len(refused),
            "missing": sorted(balance.missing), "surplus": sorted(balance.surplus | set(surplus)),
            "balanced": balance.balanced and not surplus,
        }  # fmt: skip
        counts = {name: row.result[name] for name in ("dropped", "accepted", "refused")}
        self._journal.note(
            session, row.site_id, "collection.closed", f"courier:{row.courier_id}", collection=row.id, **counts,
            missing=len(balance.missing),
        )  # fmt: skip
        return balance

    @staticmethod
    def _check(one: Inspected, inspection_needed: bool) -> None:
        if one.accepted and inspection_needed and not one.inspected:
            raise StationStateError(f"parcel {one.parcel_id} was not inspected", parcel=one.parcel_id)
        if not one.accepted and one.cause not in REFUSALS:
            raise StationStateError(
                f"parcel {one.parcel_id}: a refusal needs one of {', '.join(REFUSALS)}", cause=one.cause
            )

    def _accept(self, session: Session, row: KioskCollection, day: date, one: Inspected) -> None:
        """Put an accepted parcel into the ledger; where it stands on the courier's route the stop is done too."""
        body: dict[str, Any] = {"inspected": one.inspected, "collection": row.id}
        body |= {} if one.weighed_g is None else {"weighed_g": one.weighed_g}
        body |= {"item": dict(one.item)} if one.item else {}
        now = self._clock.now()
        try:
            report = OutcomeReport(one.event_id, "collected", one.parcel_id, day, now, body=body)
            with session.begin_nested():
                report_outcome(session, self._ledger, row.courier_id, report)
        except (ParcelNotOnRouteError, PlanNotFoundError, UnknownCourierError):
            self._ledger.append(
                session,
                NewCustodyEvent(
                    type="accepted_from_sender", fact_at=now, actor=f"courier:{row.courier_id}",
                    parcel_id=one.parcel_id, event_id=one.event_id, from_custodian=f"site:{row.site_id}",
                    to_custodian=f"courier:{row.courier_id}", body=body,
                ),
            )  # fmt: skip
        if one.weighed_g is not None:
            session.get_one(Parcel, one.parcel_id).weight_g = one.weighed_g

    def _refuse(self, session: Session, row: KioskCollection, one: Inspected) -> None:
        self._ledger.append(
            session,
            NewCustodyEvent(
                type="return_started", fact_at=self._clock.now(), actor=f"courier:{row.courier_id}",
                parcel_id=one.parcel_id, event_id=one.event_id, place=f"site:{row.site_id}", cause=one.cause,
                body={"refused": True, "collection": row.id},
            ),
        )  # fmt: skip

    def _miss(self, session: Session, row: KioskCollection, parcel_id: str) -> None:
        self._ledger.append(
            session,
            NewCustodyEvent(
                type="held", fact_at=self._clock.now(), actor=f"courier:{row.courier_id}", parcel_id=parcel_id,
                cause="NOT_FOUND_IN_KIOSK", next_action="investigate", body={"collection": row.id},
            ),
        )  # fmt: skip
        self._journal.raise_alarm(session, row.site_id, "missing", parcel_id)

    @staticmethod
    def _region(session: Session, site_id: str) -> str:
        return str(session.scalar(select(Site.region).where(Site.id == site_id)))

    def _mark(self, session: Session, site_id: str, told: KioskTold, state: str) -> None:
        company, number = told.body.get("company"), told.body.get("waybill")
        row = session.get(KioskWaybill, (company, number)) if company and number else None
        if row is not None and row.site_id == site_id and row.state != "void":
            row.state, row.changed_at = state, told.at
            session.flush()

    @staticmethod
    def _session_told(session: Session, site_id: str, told: KioskTold) -> None:
        row = session.get(KioskSending, (told.txn, site_id), with_for_update=True)
        body = told.body
        if row is None:
            row = KioskSending(
                id=told.txn, site_id=site_id, state=str(body.get("state", "idle")), since=told.at, company_id=None,
                waybill=None, cell=None, told_seq=told.seq,
            )  # fmt: skip
            session.add(row)
        elif told.seq > row.told_seq:
            row.state, row.since, row.told_seq = str(body.get("state", row.state)), told.at, told.seq
        row.company_id = row.company_id or body.get("company")
        row.waybill = row.waybill or body.get("waybill")
        row.cell = row.cell or body.get("cell")
        session.flush()


def note_outage(session: Session, site_id: str, kind: str, at: datetime, *, began: bool) -> None:
    """Open a time in which a site could not work, or end the one that is open; told twice it changes nothing."""
    query = select(SiteOutage).where(
        SiteOutage.site_id == site_id, SiteOutage.kind == kind, SiteOutage.ended_at.is_(None)
    )
    row = session.scalars(query).first()
    if began and row is None:
        session.add(SiteOutage(site_id=site_id, kind=kind, began_at=at, ended_at=None))
    elif not began and row is not None:
        row.ended_at = max(at, row.began_at)
    session.flush()
