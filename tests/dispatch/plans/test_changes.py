"""What a courier is told about a changed route."""

from __future__ import annotations

from dataclasses import replace

from dispatch.demand.parcel import StopKind
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import Load, TypeSpec
from dispatch.plans.changes import route_changes
from dispatch.plans.routes import Leg, PlannedRoute, Visit, lay_out
from kernel.money import Fen

KIND = TypeSpec("van", "van", "van", Load(9, 9, 9), Fen(1), Fen(1), Fen(1), 0, 86_400)


def route(*keys: str, parcels: tuple[str, ...] = ("p",), minutes: int = 5) -> PlannedRoute:
    """Drive stops in the given order, some minutes apart."""
    visits = [
        Visit(
            Stop(
                key, StopKind.DOOR, "门", "v", None, 0.0, 0.0, "parcel", deliveries=parcels, collections=(),
                delivery_load=Load(1, 1, 1), collection_load=Load(), setup_s=0, service_s=0,
            ),
            label,
            Leg(1000, 60 * minutes),
        )
        for label, key in enumerate(keys, start=1)
    ]  # fmt: skip
    return PlannedRoute(1, "van-1", None, KIND, 0, lay_out(visits, 0), Leg(1000, 60))


def kinds(before: PlannedRoute, after: PlannedRoute) -> list[tuple[str, str]]:
    """List kind and stop of each change."""
    return [(change.kind, change.stop_key) for change in route_changes(before, after)]


def test_equal_routes_have_no_changes() -> None:
    """A courier whose route stayed the same has nothing to accept."""
    assert kinds(route("a", "b"), route("a", "b")) == []


def test_an_insertion_disturbs_nobody_else() -> None:
    """One more stop is one change, although all later ones are one place further back."""
    assert kinds(route("a", "b", "c"), route("a", "x", "b", "c")) == [("stop_added", "x")]


def test_the_fewest_stops_are_called_moved() -> None:
    """Taking the first stop to the end moves that one stop, not all the others."""
    assert kinds(route("a", "b", "c", "d"), route("b", "c", "d", "a")) == [("order_moved", "a")]


def test_removed_stops_and_parcels_are_named() -> None:
    """A stop that is gone and a parcel that came or went are listed with their ids."""
    assert kinds(route("a", "b"), route("b")) == [("stop_removed", "a")]
    (came, went) = route_changes(route("a", parcels=("p", "q")), route("a", parcels=("p", "r")))
    assert (came.kind, came.parcel_ids, went.kind, went.parcel_ids) == (
        "parcels_added",
        ("r",),
        "parcels_removed",
        ("q",),
    )


def test_only_a_shift_beyond_the_tolerance_counts() -> None:
    """A quarter of an hour is no news; more is, with the minutes."""
    late = route("a", "b", minutes=14)
    assert kinds(route("a", "b"), late) == [("eta_moved", "b")]
    (change,) = route_changes(route("a", "b"), late)
    assert change.shift_s == 18 * 60
    assert kinds(route("a"), replace(route("a"), number=2)) == []
