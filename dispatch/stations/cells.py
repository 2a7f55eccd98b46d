"""Cells of cabinets and stations: reserved, filled, emptied, kept, returned, against parcels, consent and ledger.

A cell with a lock follows its sensors; a place on a shelf has none, there the keeper's scan is the evidence. Both
walk the same book (:mod:`lockers.book`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.custody.projection import custody_state
from dispatch.custody.repository import CustodyRepository
from dispatch.parcels.model import Parcel
from dispatch.products.service import products_in_force
from dispatch.stations.codes import CodeDesk
from dispatch.stations.errors import (
    DepositRefusedError,
    NoCellFreeError,
    NotHereError,
    StationStateError,
    UnknownCellError,
)
from dispatch.stations.journal import Opener, StationJournal
from dispatch.stations.model import StationCell, StationCode, StationNotice
from dispatch.stations.policy import StationPolicies, StationPolicy
from kernel.clock import Clock
from lockers.book import (
    BOOK,
    Compartment,
    Door,
    Occupancy,
    Outcome,
    decide,
    door_opened,
    door_shut,
    reserve,
)
from lockers.codes import CodeKind
from lockers.compartments import Box, CompartmentSize
from lockers.deposit import DepositAsked, hindrances
from lockers.left_open import LeftOpen, LeftOpenRules
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from lockers.retention import RetentionStage

#: Shelves of a station that says nothing else: four zones of twenty-five places.
SHELF: Final[Mapping[str, int]] = {"A": 25, "B": 25, "C": 25, "D": 25}
#: A lock that was asked to open and was never seen open: the parcel is still there.
NEVER_OPENED: Final = timedelta(seconds=60)
_CODE_BEYOND_PROMISE: Final = timedelta(days=30)
_TAKEN_BY_SOMEBODY: Final = frozenset({"parcel.collected", "parcel.not_taken", "parcel.fetched_back"})
_NOTICE_BY_STAGE: Final = {RetentionStage.REMIND: "reminder", RetentionStage.CALL: "call"}


@dataclass(frozen=True)
class DepositCheck:
    """What was seen and weighed before a parcel goes in.

    Parameters
    ----------
    agreement_reference
        The sender's agreement that lets a fresh or valuable parcel in; an override is never without one.
    """

    damaged: bool = False
    weighed_g: int | None = None
    size: CompartmentSize | None = None
    box: Box | None = None
    agreement_reference: str | None = None


@dataclass(frozen=True)
class CellEvent:
    """What a device tells of a cell; store and number say which of two is the newer."""

    site_id: str
    cell: str
    actor: str
    at: datetime
    store: str | None = None
    seq: int = 0
    by_hand: bool = False
    inside: Occupancy = Occupancy.UNKNOWN


@dataclass(frozen=True)
class Deposited:
    """Where a parcel was put, and the code its recipient gets; no code while a door still stands open."""

    parcel_id: str
    cell: str
    book: str
    code: StationCode | None = None
    command_id: str | None = None


@dataclass(frozen=True)
class _Circumstances:
    """Who did it, when, and on what evidence."""

    actor: str
    at: datetime
    visit_id: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


class CellDesk:
    """Deals with cells in the caller's transaction.

    Parameters
    ----------
    opener
        Asks devices to open doors.
    """

    def __init__(
        self,
        ledger: Ledger,
        codes: CodeDesk,
        journal: StationJournal,
        policies: StationPolicies,
        clock: Clock,
        opener: Opener,
        left_open: LeftOpenRules = LeftOpenRules(),  # noqa: B008 - frozen
    ) -> None:
        self._ledger = ledger
        self._codes = codes
        self._journal = journal
        self._policies = policies
        self._clock = clock
        self._opener = opener
        self._left_open = left_open

    # --- what there is ------------------------------------------------------------------------------------

    def cells(self, session: Session, site: Site) -> Sequence[StationCell]:
        """Return a site's cells by name; the first look makes them from the registry."""
        query = select(StationCell).where(StationCell.site_id == site.id).order_by(StationCell.cell)
        found = session.scalars(query).all()
        if found or (site.kind != "station" and not site.compartments):
            return found
        session.add_all(_new_cells(site))
        session.flush()
        return session.scalars(query).all()

    def cell(self, session: Session, site_id: str, name: str) -> StationCell:
        """Return one cell, locked for this transaction.

        Raises
        ------
        UnknownCellError
            If the site has none of this name.
        """
        self.cells(session, SiteRepository(session).get(site_id))
        row = session.get(StationCell, (site_id, name), with_for_update=True)
        if row is None:
            raise UnknownCellError(f"site {site_id} has no cell {name}", site=site_id, cell=name)
        return row

    def cell_of(self, session: Session, site_id: str, parcel_id: str) -> StationCell:
        """Return the cell a parcel lies in.

        Raises
        ------
        NotHereError
            If it does not wait at this site.
        """
        query = select(StationCell).where(StationCell.site_id == site_id, StationCell.parcel_id == parcel_id)
        row = session.scalars(query.with_for_update()).first()
        if row is None:
            raise NotHereError(f"parcel {parcel_id} does not wait at {site_id}", parcel=parcel_id, site=site_id)
        return row

    def policy(self, session: Session, site_id: str) -> StationPolicy:
        """Return the rules in force at a site."""
        return self._policies.of(SiteRepository(session).get(site_id).region)

    # --- putting in ---------------------------------------------------------------------------------------

    def hindrances(self, session: Session, site: Site, parcel: Parcel, check: DepositCheck) -> tuple[str, ...]:
        """Return everything that stands in the way of depositing a parcel here, by code (LAW-01 to LAW-03)."""
        rules = self._policies.of(site.region).deposit_rules(site.kind)
        products = products_in_force(session, parcel.due_day)
        product = products.get(parcel.product)
        channel = "station" if site.kind == "station" else "cabinet"
        asked = DepositAsked(
            size=check.size or size_for(parcel),
            stated_weight_g=parcel.weight_g,
            weighed_g=check.weighed_g,
            box=check.box,
            damaged=check.damaged,
            fresh=product is not None and (product.rules.cold_compartment or product.rules.fresh_for_s is not None),
            declared_value_fen=parcel.declared_value_fen,
            consent_reference=consent_of(session, parcel),
            agreement_reference=check.agreement_reference,
            product_allows=product is None or channel in product.rules.channels,
        )
        return tuple(reason.value for reason in hindrances(asked, rules))

    def reserve(self, session: Session, site: Site, parcel: Parcel, size: CompartmentSize) -> StationCell:
        """Keep the smallest free cell that is large enough; the reservation ends by itself.

        Raises
        ------
        NoCellFreeError
            If nothing fits.
        StationStateError
            If the parcel lies here already.
        """
        order = list(CompartmentSize)
        # Two couriers at one cabinet queue here, so that no cell is given away twice.
        session.execute(select(Site.id).where(Site.id == site.id).with_for_update())
        rows = sorted(self.cells(session, site), key=lambda row: (order.index(CompartmentSize(row.size)), row.cell))
        mine = next((row for row in rows if row.parcel_id == parcel.id), None)
        if mine is not None and mine.book == "reserved":
            return mine
        if mine is not None:
            raise StationStateError(f"parcel {parcel.waybill} lies in {mine.cell} already", cell=mine.cell)
        for row in rows:
            if order.index(CompartmentSize(row.size)) >= order.index(size) and compartment(row).offered:
                kept = reserve(compartment(row), parcel.id)
                row.reserved_until = self._clock.now() + timedelta(
                    seconds=self._policies.of(site.region).codes.reserved_s
                )
                self._write(row, kept.compartment)
                session.flush()
                return row
        raise NoCellFreeError(f"{site.id} has no free cell for size {size.value}", site=site.id, size=size.value)

    def deposit(self, session: Session, site: Site, parcel: Parcel, check: DepositCheck, actor: str) -> Deposited:
        """Scan a parcel in: gates, cell, door. On a shelf it is stored at once.

        Raises
        ------
        DepositRefusedError
            If consent is missing, or the parcel may not be deposited; names every reason.
        NoCellFreeError, StationStateError
            As for :meth:`reserve`; also when the cell's device cannot be asked to open.
        """
        reasons = self.hindrances(session, site, parcel, check)
        if reasons:
            raise DepositRefusedError(
                f"parcel {parcel.waybill} may not be deposited: {', '.join(reasons)}", reasons=list(reasons)
            )
        row = self.reserve(session, site, parcel, check.size or size_for(parcel))
        why = _Circumstances(actor, self._clock.now(), evidence={"agreement": check.agreement_reference})
        self._apply(session, row, decide(compartment(row), "open_to_deposit"), why)
        if row.locked:
            return Deposited(parcel.id, row.cell, row.book, command_id=self._ask(session, row, actor, "deposit"))
        self._apply(session, row, door_opened(compartment(row)), why)
        self._apply(session, row, door_shut(compartment(row)), why)
        self._apply(session, row, decide(compartment(row), "deposit_said"), why)
        return Deposited(parcel.id, row.cell, row.book, self._pickup_code(session, parcel.id))

    def deposit_said(self, session: Session, site_id: str, cell: str, actor: str) -> Deposited:
        """Take the courier's word that a parcel lies in a box without a sensor inside."""
        row = self.cell(session, site_id, cell)
        parcel_id = str(row.parcel_id)
        self._apply(session, row, decide(compartment(row), "deposit_said"), _Circumstances(actor, self._clock.now()))
        return Deposited(parcel_id, row.cell, row.book, self._pickup_code(session, parcel_id))

    def seen_elsewhere(self, session: Session, site_id: str, cell: str, other: str, actor: str) -> None:
        """Take that the parcel meant for one cell lies in another: both wait for a person (错放)."""
        at = self._clock.now()
        row, wrong = self.cell(session, site_id, cell), self.cell(session, site_id, other)
        why = _Circumstances(actor, at, evidence={"seen_in": other})
        self._apply(session, row, decide(compartment(row), "seen_elsewhere"), why)
        if BOOK.may(wrong.book, "opened_without_right"):
            outcome = Outcome(replace(compartment(wrong), book="disputed"), ("deposit.misaligned",))
            self._apply(session, wrong, outcome, _Circumstances(actor, at, evidence={"meant_for": cell}))

    # --- taking out ---------------------------------------------------------------------------------------

    def open_for(self, session: Session, code: StationCode, actor: str, visit_id: str | None = None) -> StationCell:
        """Open the cell of a code that was just used up; a shelf's parcel is handed over at once.

        Raises
        ------
        NotHereError
            If the parcel is gone meanwhile.
        StationStateError
            If the device cannot be asked; the caller's transaction then undoes the use of the code.
        """
        row = self.cell_of(session, code.site_id, code.parcel_id)
        returning = code.kind == CodeKind.COURIER.value
        why = _Circumstances(actor, self._clock.now(), visit_id, {"code": code.id, "code_kind": code.kind})
        self._begin(session, row, "open_to_return" if returning else "open_to_collect", why)
        return row

    def hand_over(
        self, session: Session, site_id: str, parcel_id: str, actor: str, evidence: Mapping[str, Any],
        visit_id: str | None = None, *, returning: bool = False,
    ) -> StationCell:  # fmt: skip
        """Hand a parcel over without a code: by the keeper after an identity check, or scanned inside by a visitor."""
        row = self.cell_of(session, site_id, parcel_id)
        why = _Circumstances(actor, self._clock.now(), visit_id, evidence)
        self._begin(session, row, "open_to_return" if returning else "open_to_collect", why)
        return row

    def _begin(self, session: Session, row: StationCell, event: str, why: _Circumstances) -> None:
        self._apply(session, row, decide(compartment(row), event), why)
        row.opened_for = why.actor
        if row.locked:
            command_id = self._ask(session, row, why.actor, event.removeprefix("open_to_"))
            self._journal.note(
                session, row.site_id, "cell.opened_for", why.actor, why.at, cell=row.cell, parcel_id=row.parcel_id,
                visit_id=why.visit_id, command=command_id, **why.evidence,
            )  # fmt: skip
            return
        self._apply(session, row, door_opened(compartment(row)), why)
        self._apply(session, row, door_shut(compartment(row)), why)

    # --- what devices say ---------------------------------------------------------------------------------

    def door_seen_open(self, session: Session, told: CellEvent) -> StationCell:
        """Apply that a door was seen open: by right when we asked or the device allowed it, else forced."""
        row = self.cell(session, told.site_id, told.cell)
        if not _newer(row, told):
            return row
        why = _Circumstances(told.actor, told.at, evidence={"by_hand": told.by_hand or None})
        box = compartment(row)
        opener = {"reserved": "open_to_deposit", "stored": "open_to_collect", "expired": "open_to_collect"}
        if not told.by_hand and box.book in opener:
            # The device allowed it by itself, for example by an offline code: that it tells separately.
            self._apply(session, row, decide(box, opener[box.book]), why)
        elif not told.by_hand and box.book in ("free", "blocked"):
            row.open_since = told.at
            self._write(row, replace(box, door=Door.OPEN, occupancy=Occupancy.UNKNOWN))
            session.flush()
            return row
        row.open_since = row.open_since or told.at
        self._apply(session, row, door_opened(compartment(row)), why)
        return row

    def door_seen_shut(self, session: Session, told: CellEvent) -> StationCell:
        """Apply that a door was seen shut, and what the sensor inside says."""
        row = self.cell(session, told.site_id, told.cell)
        if not _newer(row, told):
            return row
        parcel_id, was = row.parcel_id, row.book
        self._apply(session, row, door_shut(compartment(row), told.inside), _Circumstances(told.actor, told.at))
        row.open_since, row.tier = None, LeftOpen.NO.value
        self._journal.close_alarm(session, row.site_id, "door_left_open", row.cell, told.actor)
        if was == "depositing" and row.book == "stored" and parcel_id is not None:
            self._pickup_code(session, parcel_id)
        if was == "collecting" and row.book == "stored" and parcel_id is not None:
            self._pickup_code(session, parcel_id)  # the code was used up and nothing was taken
        return row

    def never_opened(self, session: Session, row: StationCell, actor: str) -> None:
        """Apply that a lock was asked and its door was never seen open: the parcel is still there, with a new code."""
        parcel_id, was = str(row.parcel_id), row.book
        self._apply(session, row, decide(compartment(row), "never_opened"), _Circumstances(actor, self._clock.now()))
        self._journal.raise_alarm(session, row.site_id, "lock_failed", row.cell)
        if was == "collecting":
            self._pickup_code(session, parcel_id)

    # --- persons ------------------------------------------------------------------------------------------

    def decide(self, session: Session, site_id: str, cell: str, event: str, actor: str, reason: str) -> StationCell:
        """Apply a person's decision: block, clear, or settle a dispute, with a reason.

        Raises
        ------
        StationStateError
            If the reason is missing or the event is nobody's decision.
        ImpossibleStepError
            If it cannot follow, or sensors contradict it.
        """
        if event not in ("block", "clear", "settle_free", "settle_stored", "settle_blocked") or not reason:
            raise StationStateError("a person's decision is one of the list, with a reason", event=event)
        row = self.cell(session, site_id, cell)
        box = compartment(row)
        if not row.locked:  # who clears a shelf has looked
            box = replace(box, door=Door.CLOSED, occupancy=Occupancy.EMPTY if event == "clear" else box.occupancy)
        if event == "settle_stored" and box.parcel_id is None:
            raise StationStateError(f"cell {cell}: the book knows no parcel that could lie there", cell=cell)
        self._apply(
            session, row, decide(box, event), _Circumstances(actor, self._clock.now(), evidence={"reason": reason})
        )
        for kind in ("forced", "misaligned", "lock_failed"):
            self._journal.close_alarm(session, site_id, kind, cell, actor)
        return row

    # --- time ---------------------------------------------------------------------------------------------

    def tick(self, session: Session, site: Site, actor: str = "system:timer") -> dict[str, int]:
        """End reservations, move parcels on in their retention, raise the tiers of doors left open.

        Returns
        -------
        How much of each was done.
        """
        now, done = self._clock.now(), {"reservations": 0, "reminders": 0, "overdue": 0, "doors": 0, "locks": 0}
        for row in self.cells(session, site):
            if row.book == "reserved" and row.reserved_until is not None and now >= row.reserved_until:
                self._apply(session, row, decide(compartment(row), "time_out"), _Circumstances(actor, now))
                done["reservations"] += 1
            elif row.book in ("stored", "expired") and row.stored_at is not None:
                self._keep_promise(session, site, row, now, done)
            elif row.book in ("collecting", "returning") and row.locked and not row.opened and _waited(row, now):
                self.never_opened(session, row, actor)
                done["locks"] += 1
            done["doors"] += self._raise_tier(session, row, now)
        session.flush()
        return done

    def overdue(self, session: Session, site: Site) -> list[StationCell]:
        """Return cells whose parcel was kept longer than promised, the oldest first."""
        rows = [row for row in self.cells(session, site) if row.book == "expired"]
        return sorted(rows, key=lambda row: (row.stored_at or self._clock.now(), row.cell))

    def start_return(self, session: Session, site_id: str, parcel_id: str, actor: str, cause: str) -> StationCode:
        """Begin the way back of an overdue parcel; return the courier's code for its cell.

        Raises
        ------
        StationStateError
            If it is not overdue.
        """
        row = self.cell_of(session, site_id, parcel_id)
        if row.book != "expired":
            raise StationStateError(f"parcel {parcel_id} is kept as promised still", cell=row.cell, book=row.book)
        self._codes.revoke_all(session, parcel_id)
        self._record(session, "return_started", row, _Circumstances(actor, self._clock.now()), cause=cause)
        return self._codes.issue(session, CodeKind.COURIER, site_id, row.cell, parcel_id, timedelta(days=7), actor)

    # --- inside -------------------------------------------------------------------------------------------

    def _keep_promise(
        self, session: Session, site: Site, row: StationCell, now: datetime, done: dict[str, int]
    ) -> None:
        rules = self._policies.of(site.region).retention_rules
        assert row.stored_at is not None
        stage = rules.stage(row.stored_at, now)
        if stage.value != row.stage:
            row.stage = stage.value
            row.version += 1
            kind = _NOTICE_BY_STAGE.get(stage)
            if kind is not None and row.parcel_id is not None:
                self._notice(session, row, kind)
                done["reminders"] += 1
        if row.book == "stored" and rules.overdue(row.stored_at, now):
            self._apply(session, row, decide(compartment(row), "retention_over"), _Circumstances("system:timer", now))
            done["overdue"] += 1

    def _raise_tier(self, session: Session, row: StationCell, now: datetime) -> int:
        if row.open_since is None or row.door != Door.OPEN.value:
            return 0
        tier = self._left_open.tier((now - row.open_since).total_seconds())
        if tier.value == row.tier:
            return 0
        row.tier = tier.value
        if tier in (LeftOpen.KEEPER, LeftOpen.TICKET):
            self._journal.raise_alarm(session, row.site_id, "door_left_open", row.cell)
            self._journal.note(session, row.site_id, "door.left_open", "system:timer", cell=row.cell, tier=tier.value)
        return 1

    def _ask(self, session: Session, row: StationCell, actor: str, reason: str) -> str:
        command_id = self._opener.open(session, row.site_id, row.cell, actor, reason)
        if command_id is None:
            raise StationStateError(
                f"the device of {row.site_id} cannot be asked to open {row.cell}",
                remedy="Look at the device's health; at a shelf the keeper hands parcels over.",
                site=row.site_id,
            )
        row.reserved_until = self._clock.now() + NEVER_OPENED
        return command_id

    def _apply(self, session: Session, row: StationCell, outcome: Outcome, why: _Circumstances) -> None:
        parcel_id = row.parcel_id or outcome.compartment.parcel_id
        self._write(row, outcome.compartment)
        if outcome.compartment.book == "free":
            row.stored_at, row.reserved_until, row.stage = None, None, RetentionStage.KEPT.value
        session.flush()
        for fact in outcome.facts:
            opened_for = row.opened_for if fact in _TAKEN_BY_SOMEBODY else None
            self._journal.note(
                session, row.site_id, fact, why.actor, why.at, cell=row.cell, parcel_id=parcel_id,
                visit_id=why.visit_id, opened_for=opened_for, **why.evidence,
            )  # fmt: skip
            self._follow(session, row, fact, parcel_id, why)

    def _follow(
        self, session: Session, row: StationCell, fact: str, parcel_id: str | None, why: _Circumstances
    ) -> None:
        """Let the ledger and the alarms know what a fact of a cell means."""
        alarm = {"door.forced": "forced", "deposit.misaligned": "misaligned"}.get(fact)
        if alarm is None and fact.startswith("doubt."):
            alarm = fact.removeprefix("doubt.")
        if alarm is not None:
            self._journal.raise_alarm(session, row.site_id, alarm, row.cell)
        if parcel_id is None:
            return
        if fact == "parcel.deposited":
            row.stored_at, row.stage = why.at, RetentionStage.KEPT.value
            self._record(session, "deposited", row, why, parcel_id)
        elif fact == "parcel.collected":
            self._record(session, "collected", row, why, parcel_id)
            self._codes.revoke_all(session, parcel_id)
        elif fact == "parcel.overdue":
            self._record(session, "not_taken", row, why, parcel_id)
        elif fact == "parcel.fetched_back":
            self._passed_on(session, row, why, parcel_id)

    def _passed_on(self, session: Session, row: StationCell, why: _Circumstances, parcel_id: str) -> None:
        """Write both halves of the hand-over to whoever fetched a parcel back."""
        for type_ in ("handed_over", "received"):
            self._ledger.append(
                session,
                NewCustodyEvent(
                    type=type_, fact_at=why.at, actor=why.actor, parcel_id=parcel_id, cause="NOT_TAKEN",
                    from_custodian=f"site:{row.site_id}", to_custodian=row.opened_for or why.actor,
                ),
            )  # fmt: skip

    def _record(
        self, session: Session, type_: str, row: StationCell, why: _Circumstances, parcel_id: str | None = None,
        cause: str | None = None,
    ) -> None:  # fmt: skip
        holder = f"site:{row.site_id}"
        body = {"cell": row.cell} | {name: value for name, value in why.evidence.items() if value is not None}
        self._ledger.append(
            session,
            NewCustodyEvent(
                type=type_, fact_at=why.at, actor=why.actor, parcel_id=parcel_id or row.parcel_id, place=holder,
                from_custodian=holder if type_ == "collected" else None,
                to_custodian=holder if type_ == "deposited" else None, cause=cause, body=body,
            ),
        )  # fmt: skip

    def _pickup_code(self, session: Session, parcel_id: str) -> StationCode:
        """Give a stored parcel a new code and its recipient a notice; earlier codes end."""
        query = select(StationCell).where(StationCell.parcel_id == parcel_id)
        row = session.scalars(query).one()
        self._codes.revoke_all(session, parcel_id)
        policy = self.policy(session, row.site_id)
        stored_at = row.stored_at or self._clock.now()
        lasts = policy.retention_rules.promised_until(stored_at) + _CODE_BEYOND_PROMISE - self._clock.now()
        code = self._codes.issue(session, CodeKind.PICK_UP, row.site_id, row.cell, parcel_id, lasts, "system:deposit")
        self._notice(session, row, "stored", code)
        return code

    def _notice(self, session: Session, row: StationCell, kind: str, code: StationCode | None = None) -> None:
        valid = select(StationCode).where(
            StationCode.parcel_id == row.parcel_id, StationCode.state == "valid", StationCode.kind == "pick_up"
        )
        code = code or session.scalars(valid.order_by(StationCode.id.desc())).first()
        if code is not None and row.parcel_id is not None:
            session.add(
                StationNotice(
                    site_id=row.site_id, parcel_id=row.parcel_id, code_id=code.id, kind=kind,
                    due_at=self._clock.now(), sent_at=None,
                )
            )  # fmt: skip
            session.flush()

    @staticmethod
    def _write(row: StationCell, box: Compartment) -> None:
        row.book, row.door, row.occupancy = box.book, box.door.value, box.occupancy.value
        row.opened, row.doubts, row.parcel_id = box.opened, list(box.doubts), box.parcel_id
        row.version += 1


def compartment(row: StationCell) -> Compartment:
    """Read a row as the domain's compartment."""
    return Compartment(
        row.cell, Door(row.door), Occupancy(row.occupancy), row.book, row.parcel_id, row.opened, tuple(row.doubts)
    )


def size_for(parcel: Parcel) -> CompartmentSize:
    """Return the smallest size whose volume holds a parcel; its true measures, when known, decide instead."""
    for size in CompartmentSize:
        if parcel.volume_cm3 <= size.box.volume_cm3:
            return size
    return CompartmentSize.XL


def consent_of(session: Session, parcel: Parcel) -> str | None:
    """Return the reference of the recipient's consent in force: what the ledger heard last, else the manifest's."""
    facts = CustodyRepository(session).facts(parcel.id)
    if not facts:
        return parcel.consent_reference
    heard = custody_state(facts).consent_reference
    withdrawn = any(fact.type == "consent_withdrawn" for fact in facts)
    return heard if heard is not None or withdrawn else parcel.consent_reference


def parcels_named(session: Session, region: str, key: str) -> Sequence[Parcel]:
    """Return a region's parcels with this id or waybill."""
    query = select(Parcel).where(Parcel.region == region, or_(Parcel.id == key, Parcel.waybill == key))
    return session.scalars(query.order_by(Parcel.company_id, Parcel.piece, Parcel.id)).all()


def _new_cells(site: Site) -> list[StationCell]:
    boxes = [
        (f"{size}-{number:02d}", size, True)
        for size, count in sorted(site.compartments.items())
        for number in range(1, count + 1)
    ]
    shelf = [(f"{zone}-{number:02d}", "XL", False) for zone, count in SHELF.items() for number in range(1, count + 1)]
    return [
        StationCell(
            site_id=site.id, cell=name, size=size, locked=locked, book=BOOK.start,
            door=(Door.UNKNOWN if locked else Door.CLOSED).value,
            occupancy=(Occupancy.UNKNOWN if locked else Occupancy.EMPTY).value, opened=False, doubts=[],
            parcel_id=None, reserved_until=None, stored_at=None, stage=RetentionStage.KEPT.value, open_since=None,
            tier=LeftOpen.NO.value, opened_for=None, told_store=None, told_seq=0, version=1,
        )
        for name, size, locked in (boxes or shelf)
    ]  # fmt: skip


def _newer(row: StationCell, told: CellEvent) -> bool:
    """Note a device's word; an older one of the same store that comes late is history and changes nothing."""
    if told.store is None:
        return True
    if row.told_store == told.store and told.seq <= row.told_seq:
        return False
    row.told_store, row.told_seq = told.store, told.seq
    return True


def _waited(row: StationCell, now: datetime) -> bool:
    return row.reserved_until is not None and now >= row.reserved_until
