"""The classical two-echelon form is read, written and generated."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.formats import (
    ProblemFileError,
    generate_two_echelon,
    read_two_echelon,
    read_two_echelon_file,
    write_two_echelon,
)

TEXT = """!---------------------
!Trucks: total #, capacity, cost per distance, fixcost
3,150,1,0
!CityFreighters: max cf/sat, total#, cap, cost/dist, fixcost
4,4,60,1,0
!Stores: first: depot x, y; then: satellites x,y,handlingCost,maxCap,fixCost
10,20  30,40,0.00,225,0  50,60,0.50,0,7
!Customers: x,y,demand
1,2,11  3,4,7
5,6,8
"""


def test_a_file_of_the_published_form_is_read() -> None:
    """Fleets, stores and customers stand in the instance as the file states them."""
    it = read_two_echelon(TEXT, "tiny")
    assert (it.trucks, it.truck_capacity, it.freighters, it.per_satellite, it.freighter_capacity) == (3, 150, 4, 4, 60)
    assert it.depot == (10, 20)
    assert [(s.point, s.handling_cost, s.capacity, s.fixed_cost) for s in it.satellites] == [
        ((30, 40), 0.0, 225, 0),
        ((50, 60), 0.5, 0, 7),
    ]
    assert it.total_demand == 26


@given(st.integers(1, 20), st.integers(1, 5), st.integers(0, 99), st.sampled_from(["random", "centroids", "quadrants"]))
@settings(max_examples=25)
def test_what_is_written_is_read_back(customers: int, satellites: int, seed: int, pattern: str) -> None:
    """Any generated instance survives the way into a file and back."""
    it = generate_two_echelon("again", customers, satellites, seed, pattern)  # type: ignore[arg-type]
    assert read_two_echelon(write_two_echelon(it), "again") == it


def test_a_truck_holds_two_and_a_half_freighters_and_both_fleets_suffice() -> None:
    """The generator keeps the published ratio, and there are enough vehicles."""
    it = generate_two_echelon("rules", 50, 5, 1)
    assert it.truck_capacity == 2.5 * it.freighter_capacity
    assert it.trucks * it.truck_capacity >= it.total_demand
    assert it.freighters * it.freighter_capacity > it.total_demand


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (("!Customers", "!Clients"), "Customers"),
        (("3,150,1,0", "3,150"), "expected 4 numbers"),
        (("1,2,11", "1,2,61"), "exceeds a freighter"),
        (("3,150,1,0", "1,15,1,0"), "exceeds one of the two fleets"),
        (("1,2,11", "1,x,11"), "expected a number"),
    ],
)
def test_a_spoilt_file_is_refused_with_the_place(spoil: tuple[str, str], said: str) -> None:
    """A missing section, a short row, a demand nobody can carry: the message says which."""
    with pytest.raises(ProblemFileError, match=said):
        read_two_echelon(TEXT.replace(*spoil), "spoilt")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is refused by its name."""
    with pytest.raises(ProblemFileError, match=r"nothing\.dat"):
        read_two_echelon_file(tmp_path / "nothing.dat")
