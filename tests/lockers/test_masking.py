"""Personal data stays hidden."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockers.masking import mask_address, mask_name, mask_phone, personal_data_in


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
@settings(max_examples=50)
def test_at_least_six_digits_of_a_phone_are_hidden(phone: str) -> None:
    """A masked phone shows five digits at most and keeps its length."""
    masked = mask_phone(phone)
    assert len(masked) == 11
    assert len(re.findall(r"\d", masked)) <= 5
    assert mask_phone(f"{phone[:3]} {phone[3:7]}-{phone[7:]}") == masked


@given(st.text(alphabet="王李张诸葛小明abc", min_size=1, max_size=12))
@settings(max_examples=50)
def test_at_least_one_character_of_a_name_is_hidden(name: str) -> None:
    """Of every name something is hidden, and what shows is its beginning."""
    masked = mask_name(name)
    assert masked.count("*") >= 1
    assert name.startswith(masked.rstrip("*"))


@pytest.mark.parametrize(
    ("said", "masked"),
    [("王小明", "王**"), ("李", "李*"), ("诸葛孔明", "诸葛**"), ("  ", ""), ("Li Ming", "L******")],
)
def test_names_are_masked_the_usual_way(said: str, masked: str) -> None:
    """The family name shows, the rest does not."""
    assert mask_name(said) == masked


def test_house_and_room_are_hidden() -> None:
    """Of an address everything from the first number on is hidden."""
    assert mask_address("潜江市杨市街道刘岭村5组12号") == "潜江市杨市街道刘岭村***"
    assert mask_address("刘岭村") == "刘岭村"


@pytest.mark.parametrize(
    "body",
    [
        {"recipient_name": "王小明"}, {"a": {"mobile": 13912345678}}, {"list": [{"address": "x"}]}, {"code": "4711"},
        {"text": "请拨打13912345678"}, {"t": "+86 139 1234 5678"}, {"id": "11010519491231002X"}, {"otp": "123456"},
    ],
)  # fmt: skip
def test_personal_data_is_found_wherever_it_hides(body: dict[str, object]) -> None:
    """By the name of the field or by its look, at any depth."""
    assert list(personal_data_in(body))


@pytest.mark.parametrize(
    "body",
    [
        {"waybill": "13912345678"}, {"reason_code": "expired"}, {"product_name": "x"}, {"name": ""}, {"weight_g": 800},
        {"hash": "a13912345678b"}, {"number": "139123456789"}, {"recipient_name_masked": "王**"},
    ],
)  # fmt: skip
def test_ids_and_masked_forms_may_travel(body: dict[str, object]) -> None:
    """Waybills, reason codes, digests and masked forms are no personal data."""
    assert list(personal_data_in(body)) == []
