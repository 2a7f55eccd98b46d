"""Two places for programs, and which of them runs: an update goes into the other one and can be taken back.

Used by the supervisor, so it takes nothing but the standard library.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

#: The program as it was installed on the machine; it is never overwritten.
INSTALLED = "installed"
_PLACES = ("a", "b")


class SlotsState(NamedTuple):
    """What runs, what ran before, and whether the present one must still prove itself.

    A named tuple, because dataclasses would cost the supervisor two more megabytes.
    """

    running: str = INSTALLED
    before: str = INSTALLED
    releases: dict[str, str] = {}  # noqa: RUF012 - never changed in place
    trial: bool = False
    starts: int = 0
    rollout: int = 0
    outcome: dict[str, Any] | None = None


class Slots:
    """The two places below one folder, with a small file that says which one runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "slots.json"

    def read(self) -> SlotsState:
        """Return the present state; a file that cannot be read means the installed program."""
        try:
            return SlotsState(**json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return SlotsState()

    def path(self, state: SlotsState) -> Path | None:
        """Return where the running program lies, None for the installed one."""
        return self._folder / state.running if state.running in _PLACES else None

    def release(self, state: SlotsState) -> str | None:
        """Return which release runs, None for the installed one."""
        return state.releases.get(state.running)

    def spare(self) -> tuple[str, Path]:
        """Return the place that does not run, and where it lies."""
        running = self.read().running
        place = next(one for one in _PLACES if one != running)
        return place, self._folder / place

    def fill(self, place: str, release: str) -> None:
        """Note which release lies in a place now."""
        state = self.read()
        self._write(state._replace(releases={**state.releases, place: release}))

    def try_out(self, place: str, rollout: int) -> None:
        """Let a place run from the next start on, until it proves itself or is taken back."""
        state = self.read()
        self._write(
            state._replace(running=place, before=state.running, trial=True, starts=0, rollout=rollout, outcome=None
            )
        )  # fmt: skip

    def count_start(self) -> int:
        """Note one more start during a trial and return how many there were."""
        state = self.read()
        self._write(state._replace(starts=state.starts + 1))
        return state.starts + 1

    def confirm(self) -> SlotsState:
        """End the trial: the running program stays."""
        state = self.read()._replace(trial=False)
        self._write(state)
        return state

    def roll_back(self, why: str) -> None:
        """Let the program before run again and note what happened for it to tell."""
        state = self.read()
        told = {"rollout": state.rollout, "release": self.release(state), "state": "rolled_back", "detail": why[:160]}
        self._write(state._replace(running=state.before, before=state.running, trial=False, outcome=told))

    def clear_outcome(self) -> None:
        """Forget what was noted, after it was recorded as an event."""
        self._write(self.read()._replace(outcome=None))

    def _write(self, state: SlotsState) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_name("slots.json.new")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(state._asdict(), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)
