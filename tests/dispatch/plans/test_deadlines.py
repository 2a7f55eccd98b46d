"""Deadlines and skills of service products in a day's plan."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dispatch.demand.reasons import ReasonCode
from dispatch.fleet.equipment import Equipment, load_equipment
from dispatch.fleet.errors import EquipmentError
from dispatch.plans.drafts import Who
from dispatch.plans.errors import EditViolatesError
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.repository import PlanRepository
from dispatch.plans.service import Planner
from dispatch.products.product import ServiceProduct, read_products
from dispatch.products.service import add_products

HOUR = 3600


def _product(code: str, at: str, **rules: Any) -> ServiceProduct:
    deadline = {"days": 0, "at": at}
    body = {
        "code": code, "version": 1, "kind": "carrier", "title_zh": code, "title_en": code,
        "valid_from": date(2026, 1, 1), "source_note": "made up for this test",
        "rules": {
            "clock_start": "ordered", "attempts": 2, "warn_percent": 80, "priority": 50, "channels": ["door"],
            "deadlines": dict.fromkeys(("urban", "fringe", "township", "village"), deadline), **rules,
        },
    }  # fmt: skip
    return read_products({"product": [body]})[0]


def _load(office: Any, *products: ServiceProduct) -> None:
    with office.database.begin() as session:
        add_products(session, products, actor="user:test", now=office.clock.now())


def _planned(office: Any, day: date, planner: Planner | None = None) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Plan the day: the planned stop and the vehicle of each parcel, the reasons, the summary."""
    made = (planner or office.planner).make_plan("valley", day, actor="user:test")
    with office.database.read() as session:
        repository = PlanRepository(session)
        version = repository.version(made.version_id)
        stops = {
            parcel_id: (one, stored.route.vehicle_id)
            for stored in repository.routes(version)
            for one in stored.route.stops
            for parcel_id in one.stop.parcel_ids
        }
        return stops, repository.reasons(version), made


def test_a_deadline_is_a_window_of_its_stop(two_villages_one_bridge, day):
    """What was promised by ten is started by ten, and the stop shows it."""
    office = two_villages_one_bridge
    _load(office, _product("by_ten", "10:00"))
    (urgent,) = office.add_parcels(1, product="by_ten", place_id="lower", lon=110.1, lat=27.0)
    office.add_parcels(8)
    stops, reasons, _ = _planned(office, day)
    assert not reasons
    one, _ = stops[urgent]
    assert one.stop.windows == ((0, 10 * HOUR),)
    assert one.start_s <= 10 * HOUR


def test_a_deadline_nobody_can_keep_is_given_up_openly(two_villages_one_bridge, day):
    """What was promised before the shift begins is still delivered, and its stop has no impossible window."""
    office = two_villages_one_bridge
    _load(office, _product("by_six", "06:00"))
    (late,) = office.add_parcels(1, product="by_six")
    stops, reasons, _ = _planned(office, day)
    assert not reasons
    assert stops[late][0].stop.windows == ((0, 24 * HOUR),)


def test_a_drop_off_nobody_can_collect_in_time_is_collected_late(two_villages_one_bridge, day):
    """What was handed in so long before the van comes that its deadline has passed still joins a published route."""
    office = two_villages_one_bridge
    _load(office, _product("by_six", "06:00"))
    office.add_parcels(8)
    made = office.planner.make_plan("valley", day, actor="user:test")
    office.planner.publish(made.version_id, actor="user:test")
    overdue = office.drop_off("kiosk-a", count=2, product="by_six")
    (usual,) = office.drop_off("kiosk-b")
    for parcels in (overdue, [usual]):
        done = office.planner.insert_collections("valley", day, parcels, actor="device:test")
        assert not done.refused
        assert {parcel for one in done.inserted for parcel in one.parcel_ids} == set(parcels)


def test_late_is_better_than_left_at_the_office(one_van_office, day):
    """When one van cannot keep every deadline, what misses its own is delivered late instead of not at all."""
    office = one_van_office()
    _load(office, _product("early", "08:20"))
    parcels = [
        *office.add_parcels(1, product="early", place_id="upper"),
        *office.add_parcels(1, product="early", place_id="lower", lon=110.1, lat=27.0),
    ]
    stops, reasons, _ = _planned(office, day)
    assert not reasons
    assert set(stops) == set(parcels)


def test_an_appointment_after_the_deadline_is_kept(two_villages_one_bridge, day):
    """Who asked for the afternoon is visited in the afternoon, whatever the product promises."""
    office = two_villages_one_bridge
    _load(office, _product("by_ten", "10:00"))
    (parcel,) = office.add_parcels(1, product="by_ten", window_start_s=14 * HOUR, window_end_s=16 * HOUR)
    stops, _, _ = _planned(office, day)
    assert stops[parcel][0].stop.windows == ((14 * HOUR, 16 * HOUR),)


@pytest.fixture
def equipped(two_villages_one_bridge):
    """Give a maker of planners that know what vehicles have along."""
    office = two_villages_one_bridge

    def make(**of_vehicle: set[str]) -> Planner:
        book = Equipment({name.replace("_", "-"): frozenset(have) for name, have in of_vehicle.items()}, {})
        return Planner(
            office.database, office.shelf, office.ids, office.clock, MatrixStore(office.folder / "matrices"),
            office.planner._solver, {"cunda": "test"}, equipment=lambda region: book,
        )  # fmt: skip

    return make


def test_a_parcel_goes_only_where_its_skill_is(two_villages_one_bridge, equipped, desk, day):
    """Fresh goods travel in the van with the cold box, also in a draft; without any they wait with the reason."""
    office = two_villages_one_bridge
    _load(office, _product("flowers", "20:00", cold_compartment=True))
    (flowers,) = office.add_parcels(1, product="flowers")
    office.add_parcels(3)
    stops, reasons, made = _planned(office, day, equipped(van_2={"cold"}))
    assert not reasons
    assert stops[flowers][1] == "van-2"
    office.planner.publish(made.version_id, actor="user:test")
    with office.database.read() as session:
        assert PlanRepository(session).version(made.version_id).assumptions["equipment"] == {"van-2": ["cold"]}
    draft = desk.open(made.version_id, Who("user:test"))
    move = {"kind": "move", "stops": [stops[flowers][0].stop.key], "vehicle": "van-1"}
    with pytest.raises(EditViolatesError):
        desk.edit(draft.id, move, Who("user:test"))
    _, missing, _ = _planned(office, day, equipped(van_1={"lift"}))
    assert missing[flowers].code is ReasonCode.SKILL_MISSING


def test_without_recorded_equipment_the_plan_says_what_it_could_not_check(two_villages_one_bridge, day):
    """Nobody knows which van is cold: the parcel is planned, and the plan notes that this was not checked."""
    office = two_villages_one_bridge
    _load(office, _product("flowers", "20:00", cold_compartment=True))
    office.add_parcels(1, product="flowers")
    _, reasons, made = _planned(office, day)
    assert not reasons
    assert any("cold" in warning for warning in made.warnings)


def test_equipment_is_checked_row_by_row(tmp_path, two_villages_one_bridge, equipped, day):
    """A row that names neither vehicle nor type is refused by number; a vehicle that is not there by name."""
    file = tmp_path / "valley.toml"
    file.write_text(
        '[[equipment]]\ntype = "van"\nskills = ["cold"]\n[[equipment]]\nskills = ["lift"]\n', encoding="utf-8"
    )
    with pytest.raises(EquipmentError, match="row 2"):
        load_equipment(file)
    two_villages_one_bridge.add_parcels(1)
    with pytest.raises(EquipmentError, match="ghost"):
        equipped(ghost={"cold"}).make_plan("valley", day, actor="user:test")
