"""State machines as tables: the program walks them, the documentation prints them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from lockers.errors import ImpossibleStepError

SAME: Final = "="


@dataclass(frozen=True)
class Step:
    """One row: in these states, this event leads there.

    Parameters
    ----------
    after
        The state it leads to; :data:`SAME` leaves the state as it is.
    emits
        Facts to be recorded, past tense.
    note
        Condition or reason, for the reader of the table.
    """

    before: tuple[str, ...]
    event: str
    after: str
    emits: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Machine:
    """A closed list of states and steps; what is not in the table cannot happen.

    Parameters
    ----------
    states
        Every state with what it means.
    start
        State at the beginning.
    """

    name: str
    start: str
    states: Mapping[str, str]
    steps: tuple[Step, ...]
    _index: Mapping[tuple[str, str], Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[tuple[str, str], Step] = {}
        for step in self.steps:
            for state in step.before:
                after = state if step.after == SAME else step.after
                if (state, step.event) in index or not {state, after} <= set(self.states):
                    raise ImpossibleStepError(f"{self.name}: {state} + {step.event} stands twice or names no state")
                index[state, step.event] = replace(step, before=(state,), after=after)
        object.__setattr__(self, "_index", index)

    @property
    def events(self) -> tuple[str, ...]:
        """Return all events, in the order of the table."""
        return tuple(dict.fromkeys(step.event for step in self.steps))

    def may(self, state: str, event: str) -> bool:
        """Tell whether an event is possible in a state."""
        return (state, event) in self._index

    def step(self, state: str, event: str) -> Step:
        """Return what an event does in a state.

        Raises
        ------
        ImpossibleStepError
            If it is not in the table; nothing changes then.
        """
        found = self._index.get((state, event))
        if found is None:
            raise ImpossibleStepError(f"{self.name}: {event} is not possible when {state}", state=state, event=event)
        return found

    def table(self) -> str:
        """Return the machine as two Markdown tables."""
        lines = ["| state | meaning |", "|---|---|"]
        lines += [f"| `{state}` | {meaning} |" for state, meaning in self.states.items()]
        lines += ["", "| in | event | becomes | recorded | note |", "|---|---|---|---|---|"]
        for step in self.steps:
            before = ", ".join(f"`{state}`" for state in step.before)
            after = "unchanged" if step.after == SAME else f"`{step.after}`"
            emits = ", ".join(f"`{fact}`" for fact in step.emits)
            lines.append(f"| {before} | `{step.event}` | {after} | {emits} | {step.note} |")
        return "\n".join(lines) + "\n"
