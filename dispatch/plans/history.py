"""The steps of one draft in memory: boards by step, so that taking back and repeating costs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Literal

from dispatch.plans.board import Board
from dispatch.plans.edits import Command, Workshop, apply_edit
from dispatch.plans.errors import NothingToUndoError

Act = Literal["edit", "undo", "redo"]


@dataclass(frozen=True)
class Step:
    """One row of a draft's record."""

    sequence: int
    act: str
    command: Command
    override: bool
    reason: str


@dataclass
class HistoryState:
    """What a draft looks like after each of its steps.

    Attributes
    ----------
    origin
        The board the draft began with.
    steps
        Rows of the record that are taken in.
    applied, undone
        Edits in force, first to last, and those taken back, the next one to repeat last.
    """

    origin: Board
    workshop: Workshop
    steps: int = 0
    applied: list[tuple[Step, Board]] = field(default_factory=list)
    undone: list[tuple[Step, Board]] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock, repr=False)

    @property
    def board(self) -> Board:
        """Return the present board."""
        return self.applied[-1][1] if self.applied else self.origin

    def take_in(self, step: Step) -> Board:
        """Follow a recorded step; it was judged when it was made, so it is not judged again."""
        if step.act == "edit":
            self.push(step, apply_edit(self.board, step.command, self.workshop, override=True))
        else:
            self.turn(step)
        return self.board

    def push(self, step: Step, board: Board) -> None:
        """Note an edit and its board; what was taken back can no longer be repeated."""
        self.applied.append((step, board))
        self.undone.clear()
        self.steps = step.sequence

    def turn(self, step: Step) -> None:
        """Take the last edit back, or repeat the last one taken back.

        Raises
        ------
        NothingToUndoError
            If there is none.
        """
        giver, taker = (self.applied, self.undone) if step.act == "undo" else (self.undone, self.applied)
        if not giver:
            raise NothingToUndoError(f"there is no step to {step.act}", act=step.act)
        taker.append(giver.pop())
        self.steps = step.sequence

    def commands(self) -> Sequence[tuple[Step, Mapping[str, Any]]]:
        """Return the edits in force, first to last."""
        return [(step, step.command) for step, _ in self.applied]
