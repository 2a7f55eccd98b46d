"""What a kiosk says of a drop-off."""

from __future__ import annotations

from typing import Any

import pytest

from lockers.compartments import CompartmentSize
from lockers.dropoffs import parse_drop_off
from lockers.errors import InvalidDropOffError

SHIRT: dict[str, Any] = {
    "waybill": "SF1020304050607", "company": "sf", "weight_g": 800, "size": "M", "compartment": "c3-12",
    "item_class": "clothing",
}  # fmt: skip


def test_a_drop_off_is_read_with_what_a_newer_kiosk_adds() -> None:
    """Known fields are understood, fields of a newer kiosk are kept."""
    drop = parse_drop_off(SHIRT | {"humidity": 40})
    assert (drop.waybill, drop.size, drop.return_platform) == ("SF1020304050607", CompartmentSize.M, None)
    assert drop.model_dump()["humidity"] == 40


def test_an_unmeasured_parcel_counts_as_its_compartment() -> None:
    """Without a measured volume the van must have room for the whole compartment's content."""
    assert parse_drop_off(SHIRT).billed_volume_cm3 == CompartmentSize.M.box.volume_cm3
    assert parse_drop_off(SHIRT | {"volume_cm3": 900}).billed_volume_cm3 == 900


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("waybill", "no/such number"),
        ("company", "SF Express"),
        ("weight_g", 0),
        ("weight_g", 50_001),
        ("weight_g", 1.5),
        ("size", "XXL"),
        ("item_class", "explosives"),
        ("compartment", "c3#12"),
        ("declared_value_fen", -1),
        ("evidence", ["x"] * 9),
    ],
)
def test_a_statement_that_cannot_be_true_is_refused_by_field(field: str, value: object) -> None:
    """What cannot be is refused, naming the field."""
    with pytest.raises(InvalidDropOffError, match=field):
        parse_drop_off(SHIRT | {field: value})
