"""An unmanned vehicle at the dock: proven both ways, reconciled both ways, released by nothing less."""

from __future__ import annotations

import pytest

from lockers.dock import (
    DockManifest,
    DockVisit,
    check_expected,
    greet,
    may_leave,
    proceed,
    proof,
    reconcile,
    scan_piece,
)
from lockers.errors import ImpossibleStepError

KEY, CODE = b"k" * 32, "48151623"
RUN = DockVisit("d-1", "station-1", "uv-7", DockManifest(frozenset({"p-1", "p-2"}), frozenset({"r-1"})))


def opened() -> DockVisit:
    """Give a proven vehicle with open doors."""
    arrived, _ = proceed(RUN, "vehicle_seen")
    greeted, facts = greet(arrived, KEY, CODE, proof(KEY, "vehicle", arrived, CODE))
    assert facts == ("dock.greeted",)
    return proceed(greeted, "confirmed")[0]


def exchange(visit: DockVisit, off: str, on: str) -> DockVisit:
    """Scan pieces off and on."""
    for piece in off.split():
        visit, _ = scan_piece(visit, piece, unloading=True)
    for piece in on.split():
        visit, _ = scan_piece(visit, piece, unloading=False)
    return visit


def test_a_run_is_unloaded_loaded_and_released() -> None:
    """Everything on the manifest moved both ways: the vehicle leaves after its doors were seen shut."""
    visit = exchange(opened(), "p-1 p-2 p-1", "r-1")
    visit, facts = reconcile(visit)
    assert (visit.state, facts) == ("reconciled", ("dock.reconciled",))
    with pytest.raises(ImpossibleStepError):
        proceed(visit, "released")
    for event in ("doors_closed", "released", "vehicle_gone"):
        assert may_leave(visit) == (visit.state == "released")
        visit, _ = proceed(visit, event)
    assert visit.state == "left"


@pytest.mark.parametrize(
    ("off", "on", "field", "pieces"),
    [
        ("p-1", "r-1", "left_behind", ("p-2",)),
        ("p-1 p-2 x-9", "r-1", "surplus_unloaded", ("x-9",)),
        ("p-1 p-2", "", "not_loaded", ("r-1",)),
        ("p-1 p-2", "r-1 x-9", "surplus_loaded", ("x-9",)),
    ],
)
def test_a_piece_too_few_or_too_many_holds_the_vehicle(off: str, on: str, field: str, pieces: tuple[str, ...]) -> None:
    """A left-behind or surplus piece, in either direction, is an alarm before release; a person may answer for it."""
    visit = exchange(opened(), off, on)
    assert getattr(visit.differences(), field) == pieces
    held, facts = reconcile(visit)
    assert (held.state, facts, may_leave(held)) == ("open", ("dock.mismatch",), False)
    settled, facts = reconcile(held, settled_by="user:keeper")
    assert (settled.state, facts) == ("reconciled", ("dock.reconciled",))


def test_a_vehicle_that_cannot_prove_itself_gets_nothing() -> None:
    """A wrong code, another vehicle, another manifest or the station's own proof sent back: refused."""
    arrived, _ = proceed(RUN, "vehicle_seen")
    other = DockVisit("d-1", "station-1", "uv-8", RUN.manifest)
    smaller = DockVisit("d-1", "station-1", "uv-7", DockManifest(frozenset({"p-1"}), frozenset()))
    wrong = [
        proof(KEY, "vehicle", arrived, "00000000"), proof(KEY, "vehicle", other, CODE),
        proof(KEY, "vehicle", smaller, CODE), proof(KEY, "station", arrived, CODE),
        proof(b"x" * 32, "vehicle", arrived, CODE),
    ]  # fmt: skip
    for shown in wrong:
        refused, facts = greet(arrived, KEY, CODE, shown)
        assert (refused.state, facts) == ("refused", ("dock.refused",))


def test_a_manifest_that_contradicts_itself_is_not_expected() -> None:
    """The same piece off and on, or nothing at all, is no run."""
    for manifest in (DockManifest(frozenset({"p"}), frozenset({"p"})), DockManifest()):
        with pytest.raises(ImpossibleStepError):
            check_expected(DockVisit("d", "s", "v", manifest))
    check_expected(RUN)
