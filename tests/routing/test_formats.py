"""Problem and plan files are read in every dialect we know, and mistakes in them are named with their line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.checker import check
from routing.formats import (
    PlaneInstance,
    PlaneVehicle,
    PlanFileError,
    ProblemFileError,
    Rounding,
    UnknownProblemFormatError,
    UnsupportedFieldError,
    detect_format,
    make_problem,
    read_benchmark,
    read_lilim,
    read_plan,
    read_problem,
    read_solomon,
    read_vrplib,
    write_lilim,
    write_plan,
    write_solomon,
    write_vrplib,
)
from routing.problem import Backhaul

# Two customers 3 and 4 units from the depot, at a right angle: the round trip is 12.
CVRP = """NAME :\t triangle \t
TYPE : CVRP
DIMENSION:3
EDGE_WEIGHT_TYPE :\tEUC_2D\t
CAPACITY : \t10
NODE_COORD_SECTION\t\t
1\t0\t0
2\t3\t0\t
3\t0\t4
DEMAND_SECTION\t
1 0
2 4
3 5
DEPOT_SECTION
\t1
\t-1
EOF
"""
WINDOWS = CVRP.replace("TYPE : CVRP", "TYPE : VRPTW\nVEHICLES : 2\nSERVICE_TIME : 2").replace(
    "DEPOT_SECTION", "TIME_WINDOW_SECTION\n1 0 50\n2 10 20\n3 0 9\nDEPOT_SECTION"
)
BACKHAUL = CVRP.replace("3 5\n", "3 0\n").replace("DEPOT_SECTION", "BACKHAUL_SECTION\n1 0\n2 0\n3 5\nDEPOT_SECTION")
PRIZES = WINDOWS.replace("DEPOT_SECTION", "PRIZE_SECTION\n1 0\n2 7\n3 1\nDEPOT_SECTION")
GROUPS = CVRP.replace("DEPOT_SECTION", "MUTUALLY_EXCLUSIVE_GROUP_SECTION\n1 1\n2 2 3\nDEPOT_SECTION")
RELOADS = (
    WINDOWS.replace("3 0 9\n", "3 0 40\n")
    .replace("2 10 20\n", "2 0 40\n")
    .replace(
        "DEPOT_SECTION", "RELEASE_TIME_SECTION\n1 0\n2 0\n3 15\nVEHICLES_RELOAD_DEPOT_SECTION\n1 1\n2 1\nDEPOT_SECTION"
    )
)
FLEET = CVRP.replace("TYPE : CVRP", "TYPE : HFVRP").replace(
    "CAPACITY : \t10\n",
    "VEHICLES : 3\nCAPACITY_SECTION\n1 10\n2 20\n3 10\nVEHICLES_FIXED_COST_SECTION\n1 100\n2 300\n3 100\n"
    "VEHICLES_UNIT_DISTANCE_COST_SECTION\n1 7\n2 9\n3 7\n",
)
DEPOTS = """TYPE : MDVRPTW
DIMENSION : 3
EDGE_WEIGHT_TYPE : EUC_2D
VEHICLES : 2
CAPACITY : 10
VEHICLES_MAX_DURATION : 8
NODE_COORD_SECTION
1 0 0
2 10 0
3 7 0
DEMAND_SECTION
1 0
2 0
3 1
SERVICE_TIME_SECTION
1 0
2 0
3 1
TIME_WINDOW_SECTION
1 0 100
2 0 100
3 0 100
VEHICLES_DEPOT_SECTION
1 1
2 2
DEPOT_SECTION
1
2
EOF
"""
SOLOMON = """small\r
\r
VEHICLE\r
NUMBER     CAPACITY\r
  2          10\r
\r
CUSTOMER\r
CUST NO.  XCOORD.    YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE TIME\r
\r
    0      0         0          0          0       50          0\r
    1      3         0          4         10       20          2\r
    2      0         4          5          0        9          2\r
"""
LILIM = "1\t10\t1\r\n0\t0\t0\t0\t0\t99\t0\t0\t0\r\n1\t3\t0\t5\t0\t50\t2\t0\t2\r\n2\t0\t4\t-5\t0\t50\t2\t1\t0\r\n"


def test_blanks_tabs_and_missing_minus_one_do_not_matter() -> None:
    """The X set's tabs and a depot list without its end are read alike."""
    problem = make_problem(read_vrplib(CVRP)).problem
    again = make_problem(read_vrplib(CVRP.replace("\t-1\n", "").replace("\n", "\r\n"))).problem
    assert [task.delivery for task in problem.tasks] == [(4,), (5,)] == [task.delivery for task in again.tasks]
    assert problem.profiles[0].distance_m.tolist() == [[0, 3, 4], [3, 0, 5], [4, 5, 0]]
    assert problem.vehicle_count == 2  # an unlimited fleet is one vehicle for each customer


def test_plain_problem_has_no_travel_times_and_costs_distance() -> None:
    """Without windows only metres count."""
    made = make_problem(read_vrplib(CVRP))
    report = check(made.problem, made.solution(read_plan("Route #1: 1 2\nCost 12\n")))
    assert report.feasible
    assert report.cost.total == 12
    assert report.duration_s == 0


def test_windows_are_held_in_tenths() -> None:
    """The DIMACS convention counts distance, service and windows in tenths."""
    made = make_problem(read_vrplib(WINDOWS))
    first = made.problem.tasks[0]
    assert (first.windows, first.service_s) == (((100, 200),), 20)
    assert made.problem.vehicle_types[0].shift_end_s == 500
    report = check(made.problem, made.solution(read_plan("Route #1: 2 1\n")))
    assert report.feasible
    assert report.cost.total == 120


def test_solomon_and_vrplib_say_the_same() -> None:
    """The same problem in two layouts is the same problem."""
    one, other = make_problem(read_solomon(SOLOMON)).problem, make_problem(read_vrplib(WINDOWS)).problem
    assert one.tasks == other.tasks
    assert one.depots == other.depots
    assert one.vehicle_types == other.vehicle_types


def test_departure_is_as_late_as_the_first_window_allows() -> None:
    """A plan without times leaves the depot so that nobody waits in vain."""
    made = make_problem(read_vrplib(WINDOWS))
    (route,) = made.solution(read_plan("Route #1: 1\n")).routes
    assert route.start_s == 70


def test_lilim_pairs_become_shipments() -> None:
    """A pickup and its delivery are bound together with the pickup's amount."""
    made = make_problem(read_lilim(LILIM, "small"))
    (shipment,) = made.problem.shipments
    assert (shipment.pickup_task, shipment.delivery_task, shipment.amount) == (0, 1, (5,))
    assert check(made.problem, made.solution(read_plan("Route 1 : 1 2"))).feasible
    assert not check(made.problem, made.solution(read_plan("Route 1 : 2 1"))).feasible


def test_mixed_fleet_rows_become_types_and_routes_keep_their_vehicle() -> None:
    """Equal vehicles form one type, and route k of a solution still drives vehicle k of the file."""
    made = make_problem(read_vrplib(FLEET))
    assert [kind.count for kind in made.problem.vehicle_types] == [2, 1]
    assert made.vehicle_of_row == (0, 2, 1)
    solution = made.solution(read_plan("Route #1:\nRoute #2: 1 2\nRoute #3:\nCost: 1\n"))
    assert solution.routes[0].vehicle == 2
    report = check(made.problem, solution)
    assert (report.cost.fixed, report.cost.distance) == (300_000, 9 * 12_000)
    assert made.plan_routes(solution) == [[], [1, 2], []]


def test_several_depots_bind_vehicles() -> None:
    """Each vehicle starts and ends at its own depot, and customers are counted after the depots."""
    made = make_problem(read_vrplib(DEPOTS))
    near = check(made.problem, made.solution(read_plan("Route #1:\nRoute #2: 2\n")))
    far = check(made.problem, made.solution(read_plan("Route #1: 2\nRoute #2:\n")))
    assert near.feasible
    assert near.cost.total == 6_000
    assert [violation.amount for violation in far.violations] == [7_000]


def test_reloads_and_releases() -> None:
    """A depot inside a route is a reload, and a trip waits for its goods."""
    made = make_problem(read_vrplib(RELOADS))
    solution = made.solution(read_plan("Route #1: 1 0 0 2 0\n"))
    report = check(made.problem, solution)
    assert report.feasible
    assert report.schedules[0].trips[1].departure_s == 150
    assert made.plan_routes(solution) == [[1, 0, 2]]


def test_backhaul_prizes_and_groups() -> None:
    """Backhaul demand is fetched last, prizes make customers optional, exclusive groups are alternatives."""
    problem = make_problem(read_vrplib(BACKHAUL)).problem
    assert problem.backhaul is Backhaul.LINEHAUL_REQUIRED
    assert [task.pickup for task in problem.tasks] == [(0,), (5,)]
    prizes = make_problem(read_vrplib(PRIZES)).problem
    assert [(task.required, task.prize) for task in prizes.tasks] == [(False, 70), (False, 10)]
    assert [group.tasks for group in make_problem(read_vrplib(GROUPS)).problem.alternatives] == [(0, 1)]


def explicit(layout: str, numbers: str) -> str:
    """Give a problem of three nodes whose distances are numbers."""
    return (
        "DIMENSION : 3\nCAPACITY : 9\nEDGE_WEIGHT_TYPE : EXPLICIT\n"
        f"EDGE_WEIGHT_FORMAT : {layout}\nEDGE_WEIGHT_SECTION\n{numbers}\n"
        "DEMAND_SECTION\n1 0\n2 1\n3 1\nDEPOT_SECTION\n1\n-1\nEOF\n"
    )


@pytest.mark.parametrize(
    ("layout", "numbers"),
    [
        ("FULL_MATRIX", "0 1 2\n1 0 3\n2 3 0"),
        ("LOWER_ROW", "1 2 3"),
        ("LOWER_DIAG_ROW", "0\n1 0\n2 3 0"),
        ("UPPER_ROW", "1 2\n3"),
        ("UPPER_DIAG_ROW", "0 1 2 0 3 0"),
    ],
)
def test_explicit_matrices_in_every_layout(layout: str, numbers: str) -> None:
    """Distances given as numbers may be whole, lower or upper."""
    problem = make_problem(read_vrplib(explicit(layout, numbers))).problem
    assert problem.profiles[0].distance_m.tolist() == [[0, 1, 2], [1, 0, 3], [2, 3, 0]]


def test_explicit_matrices_that_do_not_fit() -> None:
    """A matrix with too few numbers or an unknown layout is refused."""
    with pytest.raises(UnsupportedFieldError, match="FUNCTION"):
        read_vrplib(explicit("FUNCTION", "1 2 3"))
    with pytest.raises(ProblemFileError, match="needs 3 numbers, found 2"):
        read_vrplib(explicit("UPPER_ROW", "1 2"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("DIMENSION:3", "DIMENSION:4"), "3 rows, but DIMENSION says 4"),
        (("DIMENSION:3", "DIMENSION:-1"), "DIMENSION: -1 is not between"),
        (("DIMENSION:3", "DIMENSION:1e99"), "is not between"),
        (("CAPACITY : \t10\n", ""), "neither CAPACITY nor CAPACITY_SECTION"),
        (("2\t3\t0\t", "1\t3\t0\t"), "line 8: node 1 comes twice"),
        (("2\t3\t0\t", "2\tx\t0\t"), "line 8: expected a number, found 'x'"),
        (("2\t3\t0\t", "2\tnan\t0\t"), "expected a finite number"),
        (("2\t3\t0\t", "2\t3"), "line 8: expected 3 columns, found 2"),
        (("2 4\n", "2 4.5\n"), "line 12: expected a whole number, found '4.5'"),
        (("2 4\n", "9 4\n"), "there is no node 9"),
        (("3 5\n", ""), "rows for 2 nodes, but DIMENSION says 3"),
        (("DEMAND_SECTION", "DEMAND_SECTION\nDEMAND_SECTION"), "comes twice"),
        (("NAME :", "gibberish"), "line 1: expected a header or a section"),
        (("\t1\n\t-1", "\t7\n\t-1"), "there is no node 7"),
        (("EUC_2D", "GEO"), "'GEO' is none of"),
    ],
)
def test_mistakes_are_named_with_their_place(change: tuple[str, str], message: str) -> None:
    """A damaged file says what is wrong and in which line."""
    with pytest.raises((ProblemFileError, UnsupportedFieldError), match=message):
        read_vrplib(CVRP.replace(*change, 1), "bad.vrp")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SOLOMON.replace("    1      3", "    9      3"), "expected node 1, found 9"),
        (SOLOMON.replace("20          2", "20"), "expected 7 columns, found 6"),
        (SOLOMON.replace("  2          10", "  0          10"), "at least one vehicle"),
        ("CUSTOMER\n1 2\n", "expected a row with fleet and capacity"),
    ],
)
def test_damaged_solomon_files(text: str, message: str) -> None:
    """A Solomon file with a missing row or number says so."""
    with pytest.raises(ProblemFileError, match=message):
        read_solomon(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("\t1\t0\r\n", "\t0\t0\r\n"), "names 2 as its delivery, but not the reverse"),
        (("-5", "-4"), "different amounts"),
        (("\t0\t2\r\n2", "\t0\t0\r\n2"), "2 customers, but 0 complete pairs"),
    ],
)
def test_damaged_lilim_files(change: tuple[str, str], message: str) -> None:
    """A pickup without its delivery is named."""
    with pytest.raises(ProblemFileError, match=message):
        read_lilim(LILIM.replace(*change))


def test_plans_of_both_styles_are_read() -> None:
    """CVRPLIB's and SINTEF's ways of writing routes give the same routes; empty ones are kept."""
    plan = read_plan("Route #1: 1 2\nRoute #2:\nRoute #3: 3\nCost: 12.5\nOptimal: True\n")
    assert (plan.routes, plan.cost, plan.remarks) == (((1, 2), (), (3,)), 12.5, {"Optimal": "True"})
    plan = read_plan("Instance name : x\nSolution\nRoute  0 : 1 2\r\nRoute  3 : 3\r\n")
    assert (plan.routes, plan.cost) == (((1, 2), (3,)), None)
    assert read_plan(write_plan([[1, 2], [], [3]], 12)).routes == ((1, 2), (), (3,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Cost 12", "no line that begins with 'Route'"),
        ("Route #1: 1 two", "a stop is not a whole number"),
        ("Route #2: 1\nRoute #1: 2", "route 1 comes after route 2"),
    ],
)
def test_damaged_plans(text: str, message: str) -> None:
    """A plan file that cannot be meant says why."""
    with pytest.raises(PlanFileError, match=message):
        read_plan(text)


def test_a_plan_of_another_problem_is_refused() -> None:
    """Routes that name a customer the problem does not have are an error, not a crash."""
    made = make_problem(read_solomon(SOLOMON))
    with pytest.raises(PlanFileError, match="no customer 7"):
        made.solution(read_plan("Route #1: 7"))
    with pytest.raises(PlanFileError, match="route 3, but only 2 vehicles"):
        made.solution(read_plan("Route #1: 1\nRoute #2:\nRoute #3: 2"))


@pytest.mark.parametrize(
    ("text", "name"), [(CVRP, "vrplib"), (SOLOMON, "solomon"), (LILIM, "lilim"), ('\n {"jobs": []}', "vroom")]
)
def test_format_is_told_from_the_text(text: str, name: str) -> None:
    """Nobody has to say which format a file is in."""
    assert detect_format(text) == name


def test_files_that_are_nothing_are_refused(tmp_path: Path) -> None:
    """An empty, missing, binary or unrelated file is an error with a name."""
    empty, other, binary = tmp_path / "empty.vrp", tmp_path / "other.txt", tmp_path / "binary.vrp"
    empty.write_text("  \n")
    other.write_text("dear diary\n1 2 3\n")
    binary.write_bytes(bytes(range(256)))
    for path in (empty, tmp_path / "missing.vrp", tmp_path):
        with pytest.raises(ProblemFileError):
            read_problem(path)
    for path in (other, binary):
        with pytest.raises(UnknownProblemFormatError):
            read_problem(path)


def test_rounding_convention_can_be_chosen(tmp_path: Path) -> None:
    """The same file to the nearest whole, in tenths, in thousandths; a name we do not know is refused."""
    path = tmp_path / "x.vrp"
    path.write_text(CVRP.replace("3\t0\t4", "3\t1\t1"))
    names = ("round", "dimacs", "exact", "floor")
    assert [int(read_problem(path, rounding=name).profiles[0].distance_m[0, 2]) for name in names] == [
        1,
        14,
        1414,
        14142,
    ]
    with pytest.raises(UnknownProblemFormatError, match="rounding convention"):
        read_problem(path, rounding="roughly")


def test_safe_times_never_fall_below_the_real_ones() -> None:
    """With times rounded up, what holds in integers holds on the road."""
    exact = np.array([[0.0, 1.0001], [2.5, 0.0]])
    assert Rounding("exact", safe_times=True).travel_times(exact).tolist() == [[0, 1001], [2500, 0]]
    assert Rounding("exact").travel_times(exact).tolist() == [[0, 1000], [2500, 0]]


coordinate = st.integers(-50, 50)


@st.composite
def instances(draw: st.DrawFn, pairs: bool = False) -> PlaneInstance:
    """Give random instances with windows and one kind of vehicle."""
    size = draw(st.integers(1, 4)) * 2 + 1
    demand = [0, *(draw(st.integers(0, 9)) for _ in range(size - 1))]
    couples = tuple((node, node + 1) for node in range(1, size, 2)) if pairs else ()
    for pickup, delivery in couples:
        demand[delivery] = -demand[pickup]
    opens = [draw(st.integers(0, 50)) for _ in range(size)]
    return PlaneInstance(
        name="random",
        kind="PDPTW" if pairs else "VRPTW",
        xy=np.array([[draw(coordinate) / 2, draw(coordinate)] for _ in range(size)]),
        demand=tuple(demand),
        vehicles=(PlaneVehicle(draw(st.integers(9, 99))),) * draw(st.integers(1, 3)),
        fleet_is_limited=True,
        windows=tuple((float(a), float(a + draw(st.integers(0, 50)))) for a in opens),
        service=(0.0, *(float(draw(st.integers(0, 9))) for _ in range(size - 1))),
        pairs=couples,
    )


def same(one: PlaneInstance, other: PlaneInstance) -> bool:
    """Tell whether two instances say the same, their names aside."""
    fields = ("demand", "vehicles", "depots", "windows", "service", "pairs", "releases", "prizes", "pickups", "groups")
    return np.array_equal(one.xy, other.xy) and all(getattr(one, name) == getattr(other, name) for name in fields)


@settings(max_examples=30, deadline=None)
@given(instance=instances())
def test_written_vrplib_and_solomon_files_read_back(instance: PlaneInstance) -> None:
    """What is written is what was there."""
    assert same(read_vrplib(write_vrplib(instance)), instance)
    assert same(read_solomon(write_solomon(instance)), instance)


@settings(max_examples=30, deadline=None)
@given(instance=instances(pairs=True))
def test_written_lilim_files_read_back(instance: PlaneInstance) -> None:
    """Pairs survive being written and read."""
    assert same(read_lilim(write_lilim(instance)), instance)
    with pytest.raises(UnsupportedFieldError):
        write_vrplib(instance)
    with pytest.raises(UnsupportedFieldError):
        write_solomon(instance)


@pytest.mark.parametrize("text", [FLEET, DEPOTS, BACKHAUL, GROUPS, PRIZES, RELOADS])
def test_every_dialect_survives_writing(text: str) -> None:
    """Mixed fleets, depots, backhauls, groups, prizes and reloads are written as they are read."""
    instance = read_vrplib(text)
    assert same(read_vrplib(write_vrplib(instance)), instance)


def test_files_on_disk_are_read_with_their_name(tmp_path: Path) -> None:
    """A file without a name inside is called by its file name."""
    path = tmp_path / "lc-small.txt"
    path.write_text(LILIM)
    assert read_benchmark(path).instance.name == "lc-small"
