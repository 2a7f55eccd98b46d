"""Drafts: a dispatcher's edits on a version, step by step, until they are saved as a new version.

A draft is its record: base version, facts of a moment, and steps in their order. Boards in memory only save time; any
process can follow the record and comes to the same board. Every step is one small transaction.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from sqlalchemy import CursorResult, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatch.fleet.repository import FleetRepository
from dispatch.plans.board import Board
from dispatch.plans.difference import Difference, differ
from dispatch.plans.draft_model import PlanDraft, PlanDraftStep, PlanProposal
from dispatch.plans.edits import Command, apply_edit, best_places
from dispatch.plans.errors import (
    DraftClosedError,
    DraftNotFoundError,
    DraftStaleError,
    EditCommandError,
    PlanNotFoundError,
    PlanVersionNotFoundError,
    ProposalNotFoundError,
    ProposalStaleError,
)
from dispatch.plans.explaining import Explainer, StopExplanation
from dispatch.plans.figures import figures_of
from dispatch.plans.history import Act, HistoryState, Step
from dispatch.plans.lifecycle import refuse_closed
from dispatch.plans.loading import Atlas, RegionSource, load_board
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.model import Plan, PlanVersion
from dispatch.plans.publishing import publish_version, stale
from dispatch.plans.repository import PlanRepository, RouteShelf
from dispatch.plans.storing import store_board
from dispatch.plans.summary import VersionSummary, summarise
from dispatch.plans.workshop import DraftWorkshop
from kernel.clock import Clock
from kernel.db import Database
from kernel.errors import UnavailableError
from kernel.events import append_event
from kernel.ids import Ids
from maps.region import Region
from routing.problem import to_fen

OPEN: Final = "open"
SAVED: Final = "saved"
DISCARDED: Final = "discarded"
_KEPT_DRAFTS: Final = 32  # boards share almost everything; a draft of 60 routes takes some megabytes
_KEPT_VERSIONS: Final = 2
_LONGEST_REASON: Final = 255


@dataclass(frozen=True)
class Who:
    """Who does something, and why."""

    actor: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class DraftView:
    """A draft as it stands.

    Attributes
    ----------
    steps
        Rows of its record: what its entity tag is made of.
    can_undo, can_redo
        How many edits can be taken back and repeated.
    """

    id: str
    plan_id: str
    base_version_id: str
    region: str
    day: str
    name: str
    state: str
    steps: int
    can_undo: int
    can_redo: int
    running: bool
    copied_from: str | None
    version_id: str | None
    board: Board
    origin: Board


@dataclass(frozen=True)
class RankedPlace:
    """One place for a waiting stop.

    Attributes
    ----------
    position
        Among the stops still to do.
    affected
        Key of each stop that is served at another time, with the seconds by which it moves.
    """

    vehicle_id: str
    number: int
    courier_id: str | None
    position: int
    added_fen: int
    start_s: int
    affected: tuple[tuple[str, int], ...]


class PlanDesk:
    """Opens, edits, compares and saves drafts.

    Parameters
    ----------
    regions
        Where regions are loaded from.
    software
        Versions that make plans, kept with every version.
    """

    def __init__(
        self,
        database: Database,
        regions: RegionSource,
        ids: Ids,
        clock: Clock,
        matrices: MatrixStore,
        software: Mapping[str, str],
    ) -> None:
        self.database = database
        self.clock = clock
        self.ids = ids
        self._regions = regions
        self._matrices = matrices
        self._software = dict(software)
        self._shelf = RouteShelf()
        self._open_regions: dict[str, Region] = {}
        self._histories: OrderedDict[str, HistoryState] = OrderedDict()
        self._boards: OrderedDict[str, Board] = OrderedDict()
        self._explainer = Explainer()
        self._lock = Lock()

    # -- opening ------------------------------------------------------------------------------------------

    def open(self, version_id: str, who: Who, *, name: str = "") -> DraftView:
        """Begin a draft on a version; on the version in force it keeps what is done, loaded and accepted.

        Raises
        ------
        PlanVersionNotFoundError
            If there is no such version.
        PlanClosedError
            If the plan's day is closed.
        """
        with self.database.begin() as session:
            repository = PlanRepository(session)
            version = repository.version(version_id)
            refuse_closed(session, version.plan_id)
            current = repository.publication(version.plan_id)
            now = self.clock.now()
            in_force = current is not None and current.version_id == version_id
            draft = PlanDraft(
                id=self.ids.new(),
                plan_id=version.plan_id,
                base_version_id=version_id,
                name=name,
                state=OPEN,
                steps=0,
                created_at=now,
                facts_at=now if in_force else None,
                actor=who.actor,
                copied_from=None,
                version_id=None,
            )
            session.add(draft)
            session.flush()
            return self._view(session, draft)

    def copy(self, draft_id: str, who: Who, *, name: str = "") -> DraftView:
        """Begin a what-if copy: the same base, facts and edits, to go on with and to compare side by side."""
        with self.database.begin() as session:
            old = self._draft(session, draft_id)
            history = self._history(session, old)
            now = self.clock.now()
            new = PlanDraft(
                id=self.ids.new(),
                plan_id=old.plan_id,
                base_version_id=old.base_version_id,
                name=name,
                state=OPEN,
                steps=0,
                created_at=now,
                facts_at=old.facts_at,
                actor=who.actor,
                copied_from=old.id,
                version_id=None,
            )
            session.add(new)
            session.flush()
            twin = HistoryState(history.origin, self._workshop(session, old))
            for step, board in history.applied:
                copied = Step(twin.steps + 1, "edit", step.command, step.override, step.reason)
                self._record(session, new, copied, who.actor, board)
                twin.push(copied, board)
            self._keep(new.id, twin)
            return self._view(session, new)

    def read(self, draft_id: str) -> DraftView:
        """Give a draft as it stands.

        Raises
        ------
        DraftNotFoundError
            If there is none of this id.
        """
        with self.database.read() as session:
            return self._view(session, self._draft(session, draft_id))

    def drafts(self, plan_id: str) -> Sequence[PlanDraft]:
        """List a plan's drafts, the newest first."""
        query = (
            select(PlanDraft).where(PlanDraft.plan_id == plan_id).order_by(PlanDraft.created_at.desc(), PlanDraft.id)
        )
        with self.database.read() as session:
            found = session.scalars(query).all()
            session.expunge_all()
            return found

    def record(self, draft_id: str) -> Sequence[PlanDraftStep]:
        """List every step of a draft, who made it, when and why: edits taken back included."""
        query = select(PlanDraftStep).where(PlanDraftStep.draft_id == draft_id).order_by(PlanDraftStep.sequence)
        with self.database.read() as session:
            self._draft(session, draft_id)
            found = session.scalars(query).all()
            session.expunge_all()
            return found

    # -- editing ------------------------------------------------------------------------------------------

    def edit(
        self, draft_id: str, command: Command, who: Who, *, expected: int | None = None, override: bool = False
    ) -> tuple[Board, DraftView]:
        """Do an edit; gives the board before it and the draft after it.

        Parameters
        ----------
        expected
            Steps the caller believes the draft to have.
        override
            Whether it may break rules; then it needs a reason.

        Raises
        ------
        DraftStaleError
            If somebody edited the draft meanwhile.
        EditCommandError, EditViolatesError, ContradictoryLocksError
            As :func:`dispatch.plans.edits.apply_edit`; nothing is changed then.
        """
        if override and not who.reason.strip():
            raise EditCommandError("an override needs a reason", field="reason")
        with self._writing(draft_id) as session:
            draft, history = self._open_draft(session, draft_id, expected)
            with history.lock:
                before = history.board
                after = apply_edit(before, command, history.workshop, override=override)
                marked = override and len(after.flaws) > 0
                step = Step(draft.steps + 1, "edit", dict(command), marked, who.reason[:_LONGEST_REASON])
                self._record(session, draft, step, who.actor, after)
                history.push(step, after)
            return before, self._view(session, draft)

    def attempt(self, draft_id: str, command: Command) -> tuple[Board, Board]:
        """Give the boards before and after an edit without doing it, broken rules and all."""
        with self.database.read() as session:
            draft = self._draft(session, draft_id)
            history = self._history(session, draft)
            return history.board, apply_edit(history.board, command, history.workshop, override=True)

    def turn(self, draft_id: str, act: Act, who: Who, *, expected: int | None = None) -> tuple[Board, DraftView]:
        """Take the last edit back (``undo``), or repeat the last one taken back (``redo``).

        Raises
        ------
        NothingToUndoError
            If there is none.
        """
        with self._writing(draft_id) as session:
            draft, history = self._open_draft(session, draft_id, expected)
            with history.lock:
                before = history.board
                step = Step(draft.steps + 1, act, {}, False, who.reason[:_LONGEST_REASON])
                history.turn(step)
                self._record(session, draft, step, who.actor, history.board)
            return before, self._view(session, draft)

    def places(self, draft_id: str, stop: str, limit: int = 5) -> tuple[RankedPlace, ...]:
        """Rank the best places for a stop, taking it off its route first when it is on one."""
        view = self.read(draft_id)
        board, key = view.board, view.board.stop(stop).key
        here = board.place_of.get(key)
        if here is not None:
            board = board.with_orders({here: [one for one in board.lanes[here].keys if one != key]})
        scene = board.scene
        return tuple(
            RankedPlace(
                vehicle_id=scene.vans[place.vehicle].id,
                number=scene.vans[place.vehicle].number,
                courier_id=scene.vans[place.vehicle].courier_id,
                position=place.position,
                added_fen=to_fen(place.cost_delta),
                start_s=place.start_s,
                affected=tuple(
                    (scene.tasks[one.task].key, one.start_after_s - one.start_before_s) for one in place.affected
                ),
            )
            for place in best_places(board, key, limit)
        )

    def difference(self, draft_id: str, against: str = "base") -> Difference:
        """Compare a draft with its base, with another draft, or with a version; ids name the latter two."""
        view = self.read(draft_id)
        if against == "base":
            return differ(view.origin.routes, view.board.routes)
        with self.database.read() as session:
            other = session.get(PlanDraft, against)
            if other is not None and other.plan_id == view.plan_id:
                return differ(self._history(session, other).board.routes, view.board.routes)
            repository = PlanRepository(session)
            version = repository.version(against)
            stored = repository.routes(version, shelf=self._shelf)
            return differ([one.route for one in stored], view.board.routes)

    def version_difference(self, before_id: str, after_id: str) -> Difference:
        """Compare two versions."""
        with self.database.read() as session:
            repository = PlanRepository(session)
            old, new = (
                [one.route for one in repository.routes(repository.version(one), shelf=self._shelf)]
                for one in (before_id, after_id)
            )
            return differ(old, new)

    def explain(self, draft_id: str, stop: str) -> StopExplanation:
        """Explain a stop of a draft, or a parcel's."""
        return self._explainer.explain(self.read(draft_id).board, stop)

    def explain_version(self, version_id: str, stop: str) -> StopExplanation:
        """Explain a stop of a version as it was made, or a parcel's."""
        with self.database.read() as session:
            repository = PlanRepository(session)
            version = repository.version(version_id)
            plan = repository.plan_of(version.plan_id)
            with self._lock:
                board = self._boards.get(version_id)
            if board is None:
                board = load_board(session, plan, version, self._atlas(plan.region), shelf=self._shelf)
        with self._lock:
            self._boards[version_id] = board
            while len(self._boards) > _KEPT_VERSIONS:
                self._boards.popitem(last=False)
        return self._explainer.explain(board, stop)

    # -- ending -------------------------------------------------------------------------------------------

    def save(self, draft_id: str, who: Who, *, expected: int | None = None, publish: bool = False) -> VersionSummary:
        """Store a draft as a version, and put it in force when asked; a draft is saved once.

        Raises
        ------
        StalePlanError
            If another version was published since the draft was begun.
        PlanUnderWayError
            If it is to be published and would move what was done meanwhile.
        """
        with self.database.begin() as session:
            draft, history = self._open_draft(session, draft_id, expected)
            refuse_closed(session, draft.plan_id)
            repository = PlanRepository(session)
            plan = repository.plan_of(draft.plan_id, lock=True)
            base = repository.version(draft.base_version_id)
            parent_id = base.id if draft.facts_at is not None else base.parent_id
            current = repository.publication(plan.id)
            in_force = None if current is None else current.version_id
            if parent_id != in_force:
                raise stale(base, in_force)
            now, board = self.clock.now(), history.board
            reason = who.reason[:_LONGEST_REASON] or draft.name
            version_id = store_board(
                session, base, history.origin, board, self._atlas(plan.region), ids=self.ids, shelf=self._shelf,
                kind="edited", parent_id=parent_id, now=now, actor=who.actor, reason=reason, software=self._software,
                notes=_notes(draft, history), printed=draft.facts_at is not None,
            )  # fmt: skip
            draft.state, draft.version_id = SAVED, version_id
            version = repository.version(version_id)
            body = {"version": version_id, "number": version.number, "region": plan.region, "day": plan.day.isoformat()}
            append_event(session, "plan.made", f"plan:{plan.id}", body, fact_at=now, committed_at=now)
            if publish:
                publish_version(session, plan, version, actor=who.actor, reason=reason, now=now)
            session.flush()
            return summarise(session, version_id)

    def discard(self, draft_id: str, who: Who, *, expected: int | None = None) -> DraftView:
        """Give a draft up; its record stays."""
        with self.database.begin() as session:
            draft, _ = self._open_draft(session, draft_id, expected)
            draft.state = DISCARDED
            session.flush()
            return self._view(session, draft)

    def roll_back(self, version_id: str, who: Who, *, publish: bool = True) -> VersionSummary:
        """Make a new version with the content of an old one, and put it in force unless told otherwise.

        Raises
        ------
        PlanUnderWayError
            If the old version would move what is done by now.
        """
        with self.database.begin() as session:
            repository = PlanRepository(session)
            old = repository.version(version_id)
            plan = repository.plan_of(old.plan_id, lock=True)
            refuse_closed(session, plan.id)
            current = repository.publication(plan.id)
            now = self.clock.now()
            row = {name: getattr(old, name) for name in _COPIED} | {
                "id": self.ids.new(),
                "number": repository.next_number(plan.id),
                "parent_id": None if current is None else current.version_id,
                "kind": "rollback",
                "created_at": now,
                "actor": who.actor,
                "reason": who.reason[:_LONGEST_REASON],
                "statistics": {"of_version": old.number},
            }
            repository.add_version(row, (), [one.id for one in repository.routes(old, shelf=self._shelf)])
            version = repository.version(row["id"])
            if publish:
                publish_version(session, plan, version, actor=who.actor, reason=who.reason, now=now)
            return summarise(session, version.id)

    # -- proposals ----------------------------------------------------------------------------------------

    def propose(self, draft_id: str, body: Mapping[str, Any], who: Who, *, steps: int) -> str:
        """Keep what a re-optimisation found, for a draft as it stood after some steps; gives the proposal's id."""
        with self.database.begin() as session:
            row = {
                "id": self.ids.new(),
                "draft_id": draft_id,
                "sequence": steps,
                "created_at": self.clock.now(),
                "actor": who.actor,
                "body": dict(body),
            }
            session.execute(insert(PlanProposal), [row])
            return str(row["id"])

    def proposal(self, draft_id: str, proposal_id: str) -> PlanProposal:
        """Give a proposal.

        Raises
        ------
        ProposalNotFoundError
            If the draft has none of this id.
        """
        with self.database.read() as session:
            found = session.get(PlanProposal, proposal_id)
            if found is None or found.draft_id != draft_id:
                raise ProposalNotFoundError(f"draft {draft_id} has no proposal {proposal_id}", proposal=proposal_id)
            session.expunge(found)
            return found

    def accept(
        self,
        draft_id: str,
        proposal_id: str,
        who: Who,
        *,
        parts: Sequence[int] | None = None,
        expected: int | None = None,
    ) -> tuple[Board, DraftView]:
        """Take over all of a proposal, or some of its parts.

        Raises
        ------
        ProposalStaleError
            If the draft was edited after the proposal was made, other than by accepting parts of it.
        """
        found = self.proposal(draft_id, proposal_id)
        known = found.body["parts"]
        chosen = list(range(len(known))) if parts is None else list(parts)
        if any(not 0 <= part < len(known) for part in chosen) or not chosen:
            raise ProposalNotFoundError(f"proposal {proposal_id} has {len(known)} parts", proposal=proposal_id)
        since = [step for step in self.record(draft_id) if step.sequence > found.sequence]
        if any(step.act != "edit" or step.reason != f"proposal {proposal_id}" for step in since):
            raise ProposalStaleError(f"draft {draft_id} was edited after proposal {proposal_id}", proposal=proposal_id)
        command = {
            "kind": "adopt",
            "orders": {vehicle: keys for part in chosen for vehicle, keys in known[part]["orders"].items()},
            "starts_s": {vehicle: start for part in chosen for vehicle, start in known[part]["starts_s"].items()},
        }
        return self.edit(draft_id, command, Who(who.actor, f"proposal {proposal_id}"), expected=expected, override=True)

    # -- who may see what ----------------------------------------------------------------------------------

    def plan_for(self, plan_id: str, region: str | None) -> str:
        """Give the region of a plan to somebody bound to a region, or to none.

        Raises
        ------
        PlanNotFoundError
            If there is no such plan, or it is not theirs.
        """
        with self.database.read() as session:
            plan = session.get(Plan, plan_id)
            if plan is None or region not in (None, plan.region):
                raise PlanNotFoundError(f"there is no plan {plan_id}", plan=plan_id)
            return plan.region

    def version_for(self, version_id: str, region: str | None, plan_id: str | None = None) -> None:
        """Let somebody bound to a region, or to none, at a version; of one plan, when that is given.

        Raises
        ------
        PlanVersionNotFoundError
            If there is no such version, or it is not theirs.
        """
        with self.database.read() as session:
            version = session.get(PlanVersion, version_id)
            plan = None if version is None else session.get(Plan, version.plan_id)
            if plan is None or region not in (None, plan.region) or plan_id not in (None, plan.id):
                raise PlanVersionNotFoundError(f"there is no plan version {version_id}", version=version_id)

    # -- the rest -----------------------------------------------------------------------------------------

    def atlas(self, region: str) -> Atlas:
        """Return the roads of a region."""
        return self._atlas(region)

    @contextmanager
    def _writing(self, draft_id: str) -> Iterator[Session]:
        """Give a write transaction on a draft; when it fails, boards in memory may be ahead of it and are forgotten."""
        try:
            with self.database.begin() as session:
                yield session
        except (SQLAlchemyError, UnavailableError, DraftStaleError):
            with self._lock:
                self._histories.pop(draft_id, None)
            raise

    def _atlas(self, name: str) -> Atlas:
        stored = self._regions.load(name)
        known = self._open_regions.get(name)
        if known is None or known.version != stored.version:
            self._open_regions[name] = known = stored
        return Atlas(known, self._matrices)

    def _draft(self, session: Session, draft_id: str) -> PlanDraft:
        found = session.get(PlanDraft, draft_id)
        if found is None:
            raise DraftNotFoundError(f"there is no draft {draft_id}", draft=draft_id)
        return found

    def _open_draft(self, session: Session, draft_id: str, expected: int | None) -> tuple[PlanDraft, HistoryState]:
        draft = self._draft(session, draft_id)
        if draft.state != OPEN:
            raise DraftClosedError(f"draft {draft_id} is {draft.state}", draft=draft_id, state=draft.state)
        if expected is not None and draft.steps != expected:
            raise _draft_stale(draft_id, expected, draft.steps)
        return draft, self._history(session, draft)

    def _history(self, session: Session, draft: PlanDraft) -> HistoryState:
        """Give a draft's boards, following the record where this process has not seen it yet."""
        with self._lock:
            known = self._histories.get(draft.id)
            if known is not None:
                self._histories.move_to_end(draft.id)
        if known is None or known.steps > draft.steps:  # steps that were not committed after all
            known = self._begin(session, draft)
        with known.lock:
            if known.steps < draft.steps:
                query = (
                    select(PlanDraftStep)
                    .where(PlanDraftStep.draft_id == draft.id, PlanDraftStep.sequence > known.steps)
                    .order_by(PlanDraftStep.sequence)
                )
                for row in session.scalars(query):
                    known.take_in(Step(row.sequence, row.act, row.command, row.override, row.reason))
        self._keep(draft.id, known)
        return known

    def _begin(self, session: Session, draft: PlanDraft) -> HistoryState:
        repository = PlanRepository(session)
        plan, version = repository.plan_of(draft.plan_id), repository.version(draft.base_version_id)
        atlas = self._atlas(plan.region)
        origin = load_board(session, plan, version, atlas, shelf=self._shelf, now=draft.facts_at)
        return HistoryState(origin, self._workshop(session, draft))

    def _workshop(self, session: Session, draft: PlanDraft) -> DraftWorkshop:
        repository = PlanRepository(session)
        plan, version = repository.plan_of(draft.plan_id), repository.version(draft.base_version_id)
        fleet = FleetRepository(session).load(plan.region)
        session.expunge(plan)
        session.expunge(version)
        return DraftWorkshop(self.database, plan, version, fleet, self._atlas(plan.region))

    def _keep(self, draft_id: str, history: HistoryState) -> None:
        with self._lock:
            self._histories[draft_id] = history
            self._histories.move_to_end(draft_id)
            while len(self._histories) > _KEPT_DRAFTS:
                self._histories.popitem(last=False)

    def _record(self, session: Session, draft: PlanDraft, step: Step, actor: str, after: Board) -> None:
        """Write a step, unless somebody else wrote one first."""
        counted = update(PlanDraft).where(PlanDraft.id == draft.id, PlanDraft.steps == step.sequence - 1)
        result = session.execute(counted.values(steps=step.sequence))
        if not isinstance(result, CursorResult) or result.rowcount != 1:
            raise _draft_stale(draft.id, step.sequence - 1, None)
        row = {
            "draft_id": draft.id,
            "sequence": step.sequence,
            "act": step.act,
            "command": dict(step.command),
            "override": step.override,
            "reason": step.reason,
            "actor": actor,
            "made_at": self.clock.now(),
            "figures": figures_of(after),
        }
        session.execute(insert(PlanDraftStep), [row])
        session.expire(draft)

    def _view(self, session: Session, draft: PlanDraft) -> DraftView:
        history = self._history(session, draft)
        plan = PlanRepository(session).plan_of(draft.plan_id)
        return DraftView(
            id=draft.id,
            plan_id=draft.plan_id,
            base_version_id=draft.base_version_id,
            region=plan.region,
            day=plan.day.isoformat(),
            name=draft.name,
            state=draft.state,
            steps=draft.steps,
            can_undo=len(history.applied),
            can_redo=len(history.undone),
            running=draft.facts_at is not None,
            copied_from=draft.copied_from,
            version_id=draft.version_id,
            board=history.board,
            origin=history.origin,
        )


_COPIED: Final = ("plan_id", "seed", "source", "cost_fen", "cost", "assumptions", "software", "digest", "reasons_of")


def _notes(draft: PlanDraft, history: HistoryState) -> dict[str, Any]:
    return {
        "draft": draft.id,
        "edits": len(history.applied),
        "overrides": [
            {"step": step.sequence, "kind": step.command["kind"], "reason": step.reason}
            for step, _ in history.applied
            if step.override
        ],
        "violations": [flaw.as_dict() for flaw in history.board.flaws],
    }


def _draft_stale(draft_id: str, expected: int, present: int | None) -> DraftStaleError:
    return DraftStaleError(
        f"draft {draft_id} has other steps than you read", draft=draft_id, expected=expected, present=present
    )
