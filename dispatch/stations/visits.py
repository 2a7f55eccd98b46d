"""Visits to a 24-hour station: one row from the entrance code to the exit, over door, light and parcels.

A pass holds a key; the code in its QR moves on every thirty seconds (RFC 6238) and serves once. Leaving needs nothing:
the door opens from inside by hardware, and the program only writes it down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.parcels.model import Parcel
from dispatch.stations.cells import CellDesk
from dispatch.stations.codes import CodeDesk
from dispatch.stations.errors import StationStateError, UnknownPassError, UnknownVisitError
from dispatch.stations.journal import Opener, StationJournal
from dispatch.stations.model import EntryPass, StationCell, StationVisit
from kernel.clock import Clock
from kernel.ids import Ids
from lockers.codes import CodeVerdict, entry_fits
from lockers.lights import LightOrder, free_colour, light_orders
from lockers.registry.model import Site
from lockers.visit import Visit, admits, exit_scan, proceed, scan

ENTRANCE: Final = "entrance"
_INSIDE: Final = ("admitted", "inside", "known", "lit", "taken", "reconciled")


@dataclass(frozen=True)
class Admission:
    """What came of an entrance code: a visit, or nothing and why; the visitor is told only that."""

    verdict: CodeVerdict
    visit: StationVisit | None = None
    locked_s: int = 0
    full: bool = False


@dataclass(frozen=True)
class Told:
    """A visit after something happened, and what was recorded."""

    visit: StationVisit
    facts: tuple[str, ...]


class VisitDesk:
    """Deals with passes and visits in the caller's transaction."""

    def __init__(
        self, cells: CellDesk, codes: CodeDesk, journal: StationJournal, clock: Clock, ids: Ids, opener: Opener
    ) -> None:
        self._cells = cells
        self._codes = codes
        self._journal = journal
        self._clock = clock
        self._ids = ids
        self._opener = opener

    def issue_pass(
        self, session: Session, site_id: str, holder: str, parcels: Sequence[str], valid_for: timedelta, actor: str
    ) -> EntryPass:
        """Give somebody the right to enter one station, for some parcels that wait there."""
        pass_id = self._ids.new()
        row = EntryPass(
            id=pass_id, site_id=site_id, holder=holder, salt=self._ids.new(), parcels=sorted(set(parcels)),
            valid_to=self._clock.now() + valid_for, last_step=-1, revoked_at=None,
        )  # fmt: skip
        session.add(row)
        session.flush()
        self._journal.note(session, site_id, "pass.issued", actor, holder=holder, pass_id=pass_id)
        return row

    def pass_key(self, row: EntryPass) -> bytes:
        """Return the key of a pass's moving code, for its holder's phone."""
        return self._codes.key_for("entry", row.site_id, row.id, row.salt)

    def revoke_pass(self, session: Session, pass_id: str, actor: str) -> None:
        """Take a pass back.

        Raises
        ------
        UnknownPassError
            If there is none with this id.
        """
        row = session.get(EntryPass, pass_id)
        if row is None:
            raise UnknownPassError(f"there is no pass {pass_id}", pass_id=pass_id)
        row.revoked_at = row.revoked_at or self._clock.now()
        self._journal.note(session, row.site_id, "pass.revoked", actor, pass_id=pass_id)

    def enter(self, session: Session, site: Site, pass_id: str, digits: str, account: str) -> Admission:
        """Judge an entrance code at a station and unlock the door; commit also after a refusal.

        The step a code belongs to is stored before the door is unlocked: the same or an earlier one, a screenshot for
        example, opens nothing any more.
        """
        subjects = (f"cabinet:{site.id}", account)
        locked_s = self._codes.locked_s(session, subjects)
        if locked_s:
            return Admission(CodeVerdict.LOCKED_OUT, locked_s=locked_s)
        now = self._clock.now()
        row = session.get(EntryPass, pass_id, with_for_update=True)
        verdict, step = self._judge(row, site.id, digits, now)
        self._codes.count(session, subjects, verdict, self._cells.policy(session, site.id).guess_rules)
        if verdict is not CodeVerdict.OPEN or row is None or step is None:
            self._journal.note(session, site.id, "entry.refused", account, verdict=verdict.value)
            return Admission(verdict)
        rules = self._cells.policy(session, site.id).station_rules
        if not admits(len(self.present(session, site.id)), rules):
            self._journal.note(session, site.id, "entry.full", row.holder)
            return Admission(verdict, full=True)
        row.last_step = step
        visit = StationVisit(
            id=self._ids.new(), site_id=site.id, pass_id=row.id, holder=row.holder, state="invited",
            wanted=self._waiting(session, site.id, row.parcels), taken=[], colour=None, admitted_at=now,
            entered_at=None, left_at=None, version=1,
        )  # fmt: skip
        session.add(visit)
        session.flush()
        self._write(session, visit, proceed(_domain(visit), "code_valid"), row.holder)
        self._opener.open(session, site.id, ENTRANCE, row.holder, "visit")
        return Admission(verdict, visit)

    def visit(self, session: Session, visit_id: str) -> StationVisit:
        """Return one visit, locked for this transaction.

        Raises
        ------
        UnknownVisitError
            If there is none with this id.
        """
        row = session.get(StationVisit, visit_id, with_for_update=True)
        if row is None:
            raise UnknownVisitError(f"there is no visit {visit_id}", visit=visit_id)
        return row

    def present(self, session: Session, site_id: str) -> Sequence[StationVisit]:
        """Return who is inside or on the way in, the earliest first."""
        query = select(StationVisit).where(StationVisit.site_id == site_id, StationVisit.left_at.is_(None))
        query = query.where(StationVisit.state.in_(_INSIDE))
        return session.scalars(query.order_by(StationVisit.admitted_at, StationVisit.id)).all()

    def step(self, session: Session, visit_id: str, event: str, actor: str) -> Told:
        """Apply one event of a visit: entered, identified, lights on, help, fire, exit.

        Raises
        ------
        ImpossibleStepError
            If it cannot happen now; leaving always can once somebody is inside.
        """
        row = self.visit(session, visit_id)
        told = self._write(session, row, proceed(_domain(row), event), actor)
        if event == "entered":
            row.entered_at = self._clock.now()
        if event == "lights_on" and row.colour is None:
            row.colour = free_colour([one.colour for one in self.present(session, row.site_id) if one.colour])
        session.flush()
        return told

    def lights(self, session: Session, site_id: str) -> tuple[LightOrder, ...]:
        """Return what the strips show for everybody inside whose cells are lit."""
        inside = [visit for visit in self.present(session, site_id) if visit.state in ("lit", "taken") and visit.colour]
        cells = {
            row.parcel_id: row.cell
            for row in session.scalars(select(StationCell).where(StationCell.site_id == site_id))
            if row.parcel_id is not None
        }
        wanted = {one.id: [cells[p] for p in one.wanted if p not in one.taken and p in cells] for one in inside}
        return light_orders(wanted, {one.id: str(one.colour) for one in inside})

    def take(self, session: Session, visit_id: str, parcel_id: str) -> Told:
        """Take a visitor's scan: one's own parcel is handed over and collected, another's is told and stays."""
        row = self.visit(session, visit_id)
        visit, facts = scan(_domain(row), parcel_id)
        told = self._write(session, row, (visit, facts), row.holder, parcel_id)
        if "parcel.collected" in facts:
            self._cells.hand_over(session, row.site_id, parcel_id, row.holder, {"visit": row.id}, row.id)
        return told

    def leave_scan(self, session: Session, visit_id: str, carried: frozenset[str], actor: str) -> Told:
        """Compare what is carried out with what was scanned; a difference is asked about, nobody is held."""
        row = self.visit(session, visit_id)
        return self._write(session, row, exit_scan(_domain(row), carried), actor)

    def overstayed(self, session: Session, site: Site) -> int:
        """Note visits that last too long, each once; return how many."""
        rules, now, count = self._cells.policy(session, site.id).station_rules, self._clock.now(), 0
        for row in self.present(session, site.id):
            began = row.entered_at or row.admitted_at
            if row.entered_at is None and now - began >= timedelta(seconds=rules.door_s * 4):
                self._write(session, row, proceed(_domain(row), "did_not_enter"), "system:timer")
            elif row.entered_at is not None and now - began >= timedelta(seconds=rules.stay_s):
                known = self._journal.alarms(session, site.id)
                if not any(alarm.kind == "overstayed" and alarm.subject == row.id for alarm in known):
                    self._write(session, row, proceed(_domain(row), "stayed_too_long"), "system:timer")
                    self._journal.raise_alarm(session, site.id, "overstayed", row.id)
                    count += 1
        return count

    def _judge(self, row: EntryPass | None, site_id: str, digits: str, now: datetime) -> tuple[CodeVerdict, int | None]:
        if row is None or row.site_id != site_id:
            return CodeVerdict.WRONG, None
        step = entry_fits(digits, self.pass_key(row), site_id, now, last_step=row.last_step)
        if step is None:
            seen = entry_fits(digits, self.pass_key(row), site_id, now)
            return (CodeVerdict.USED if seen is not None else CodeVerdict.WRONG), None
        if row.revoked_at is not None:
            return CodeVerdict.REVOKED, None
        return (CodeVerdict.OPEN, step) if now < row.valid_to else (CodeVerdict.EXPIRED, None)

    @staticmethod
    def _waiting(session: Session, site_id: str, parcels: Sequence[str]) -> list[str]:
        query = select(StationCell.parcel_id).where(
            StationCell.site_id == site_id, StationCell.parcel_id.in_(list(parcels))
        )
        return sorted(str(parcel_id) for parcel_id in session.scalars(query))

    def _write(
        self, session: Session, row: StationVisit, step: tuple[Visit, tuple[str, ...]], actor: str,
        parcel_id: str | None = None,
    ) -> Told:  # fmt: skip
        visit, facts = step
        row.state, row.taken, row.version = visit.state, sorted(visit.taken), row.version + 1
        now = self._clock.now()
        if visit.state in ("left", "refused") and row.left_at is None:
            row.left_at, row.colour = now, None
            self._journal.close_alarm(session, row.site_id, "overstayed", row.id, actor)
        for fact in facts:
            if fact == "parcel.collected":
                continue  # the cell writes it, with its evidence
            # The clip of the moment is found by site and time (LAW-08).
            clip = f"{row.site_id}/{now.isoformat()}" if fact in _WITH_CLIP else None
            self._journal.note(session, row.site_id, fact, actor, now, visit_id=row.id, parcel_id=parcel_id, clip=clip)
            if fact in _ALARMS:
                self._journal.raise_alarm(session, row.site_id, _ALARMS[fact], row.id)
        session.flush()
        return Told(row, facts)


_WITH_CLIP: Final = frozenset({"exit.unscanned", "exit.mismatch", "pick.wrong", "help.called", "door.released"})
_ALARMS: Final = {"exit.unscanned": "exit_unscanned", "help.called": "help", "door.released": "fire"}


def _domain(row: StationVisit) -> Visit:
    return Visit(row.id, row.site_id, row.state, frozenset(row.wanted), frozenset(row.taken))


def mine_at(session: Session, site_id: str, chosen: Callable[[Parcel], bool]) -> list[str]:
    """Return the waiting parcels of a site that fit a question, for example one recipient's."""
    query = (
        select(Parcel)
        .join(StationCell, StationCell.parcel_id == Parcel.id)
        .where(StationCell.site_id == site_id, StationCell.book.in_(("stored", "expired")))
    )
    return sorted(parcel.id for parcel in session.scalars(query) if chosen(parcel))


def require_station(site: Site) -> None:
    """Refuse what only a station has.

    Raises
    ------
    StationStateError
        If the site is a kiosk or a cabinet.
    """
    if site.kind != "station":
        raise StationStateError(f"{site.id} is a {site.kind}: nobody enters it", site=site.id)
