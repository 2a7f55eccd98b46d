"""State machines: what is not in the table cannot happen, and the page prints the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockers import reference
from lockers.book import BOOK
from lockers.errors import ImpossibleStepError
from lockers.machine import SAME, Machine, Step
from lockers.sending import SENDING
from lockers.visit import VISIT

PAGE = Path(__file__).resolve().parents[2] / "docs" / "devices" / "lockers.md"


def test_the_page_is_what_the_tables_say() -> None:
    """The page of state machines is printed from the program (python -m lockers.reference)."""
    assert PAGE.read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize("machine", [BOOK, SENDING, VISIT], ids=lambda machine: machine.name)
def test_every_state_can_be_reached_and_every_step_taken(machine: Machine) -> None:
    """No state and no step of a table is dead."""
    reached, frontier = {machine.start}, [machine.start]
    while frontier:
        state = frontier.pop()
        for event in machine.events:
            if machine.may(state, event) and (after := machine.step(state, event).after) not in reached:
                reached.add(after)
                frontier.append(after)
    assert reached == set(machine.states)
    assert all(set(step.before) <= reached for step in machine.steps)


def test_an_impossible_step_is_refused_by_name() -> None:
    """An event that the table does not have in this state is refused and names both."""
    with pytest.raises(ImpossibleStepError, match=r"open_to_collect.*free"):
        BOOK.step("free", "open_to_collect")


def test_a_table_that_contradicts_itself_is_refused() -> None:
    """Two answers for one event, or a state nobody described, are found when the table is made."""
    states = {"a": "first", "b": "second"}
    twice = (Step(("a",), "go", "b"), Step(("a",), "go", "a"))
    with pytest.raises(ImpossibleStepError):
        Machine("broken", "a", states, twice)
    with pytest.raises(ImpossibleStepError):
        Machine("broken", "a", states, (Step(("a",), "go", "nowhere"),))
    assert Machine("whole", "a", states, (Step(("a", "b"), "stay", SAME),)).step("b", "stay").after == "b"
