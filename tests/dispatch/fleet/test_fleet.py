"""The fleet: seeding, storing, refusing contradictions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.fleet.demo import demo_fleet, seed_demo_fleet
from dispatch.fleet.errors import InvalidFleetError, UnknownCourierError
from dispatch.fleet.fleet import Fleet, Load, check_fleet
from dispatch.fleet.repository import FleetRepository
from kernel.db import Database


@pytest.fixture
def small_fleet() -> Fleet:
    """Give the demo fleet of a hundred parcels: one vehicle of two types, two of the third."""
    return demo_fleet("valley", 100)


def test_demo_fleet_carries_three_thousand_parcels() -> None:
    """The demo fleet of a county can carry its day's volume twice over, by count, weight and volume."""
    fleet = demo_fleet("demo", 3000)
    total = Load()
    for vehicle in fleet.vehicles:
        total += fleet.type_of(vehicle).capacity
    assert Load(3000 * 2_500, 3000 * 8_000, 6000).fits(total)
    assert fleet.profiles == ("etrike", "van")
    assert len(fleet.couriers) == len(fleet.vehicles)


def test_demo_fleet_repeats_with_its_seed() -> None:
    """Two dispatchers who seed the same county get the same vehicles and couriers."""
    assert demo_fleet("demo", 3000, seed=4) == demo_fleet("demo", 3000, seed=4)


@pytest.mark.parametrize("parcels", [0, -1, 200_001])
def test_demo_fleet_refuses_a_volume_it_cannot_size(parcels: int) -> None:
    """A nonsensical daily volume is refused by name instead of giving an empty fleet."""
    with pytest.raises(InvalidFleetError, match="parcels"):
        demo_fleet("demo", parcels)


def test_a_stored_fleet_comes_back_equal(database: Database, small_fleet: Fleet) -> None:
    """What a dispatcher stored is what planning reads, on both kinds of database."""
    with database.begin() as session:
        seeded = seed_demo_fleet(session, "valley", 100)
    with database.read() as session:
        repository = FleetRepository(session)
        loaded = repository.load("valley")
        assert repository.courier(loaded.couriers[0].id).name == loaded.couriers[0].name
    assert loaded == seeded
    assert set(loaded.types) == set(small_fleet.types)
    assert set(loaded.vehicles) == set(small_fleet.vehicles)


def test_seeding_twice_changes_nothing(sqlite_database: Database) -> None:
    """A county that has vehicles keeps them when the demo is seeded again with another volume."""
    with sqlite_database.begin() as session:
        first = seed_demo_fleet(session, "valley", 100)
        assert seed_demo_fleet(session, "valley", 3000) == first


def test_an_unknown_courier_is_named(sqlite_database: Database) -> None:
    """Asking for a courier who does not exist says who was asked for."""
    with sqlite_database.read() as session, pytest.raises(UnknownCourierError, match="nobody"):
        FleetRepository(session).courier("nobody")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("profile", "boat"),
        ("capacity", Load(0, 1, 1)),
        ("capacity", Load(1, 1, 3_000_000_000)),
        ("fixed_fen", -1),
        ("shift_end_s", 8 * 3600),
        ("max_stops", 0),
        ("max_distance_m", 0),
    ],
)
def test_an_impossible_vehicle_type_is_refused_by_field(small_fleet: Fleet, field: str, value: object) -> None:
    """A vehicle type with a field that cannot be true is refused, and the message names the field."""
    wrong = replace(small_fleet.types[0], **{field: value})
    with pytest.raises(InvalidFleetError, match=field.split("_")[0]):
        check_fleet(replace(small_fleet, types=(wrong, *small_fleet.types[1:])))


def test_a_vehicle_needs_a_known_type_and_a_courier_drives_one_vehicle(small_fleet: Fleet) -> None:
    """A vehicle of no type, a driver nobody knows and a driver of two vehicles are refused."""
    first, second = small_fleet.vehicles[:2]
    for wrong in (
        replace(first, type_id="none"),
        replace(first, courier_id="nobody"),
        replace(first, courier_id=second.courier_id),
        replace(first, id=second.id),
    ):
        with pytest.raises(InvalidFleetError):
            check_fleet(replace(small_fleet, vehicles=(wrong, *small_fleet.vehicles[1:])))


def test_loads_name_the_dimension_that_is_exceeded() -> None:
    """A load that does not fit says in which dimension."""
    assert Load(1, 1, 1).exceeded(Load(1, 1, 1)) is None
    assert Load(1, 2, 1).exceeded(Load(1, 1, 1)) == "volume_cm3"
    assert (Load(3, 3, 3) - Load(1, 2, 3)).as_list() == [2, 1, 0]
