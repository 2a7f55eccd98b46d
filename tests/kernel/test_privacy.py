"""The one mask for personal data."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.privacy import masked

_HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
_WORD = st.text(st.one_of(_HAN, st.characters(min_codepoint=0x41, max_codepoint=0x7A)), min_size=1, max_size=6)
_PHONES = st.from_regex(r"(\+86 ?)?1[3-9][0-9]{9}(-[0-9]{1,4})?|0[0-9]{2,3}-[0-9]{7,8}|[0-9]{1,12}", fullmatch=True)
_UNITS = st.sampled_from(
    [
        "3号楼2单元501室",
        "12栋",
        "A座1203",
        "十二栋三单元",
        "六组8号",
        "B区7排",
        " Room 302",
        "Unit B",
        "甲单元",
        "二楼",
        "5-2-301",
    ]
)
_PUBLIC = st.sampled_from(["王场镇黄湾村", "湖北省潜江市园林街道", "人民路", "Main Street, ", ""])


@settings(max_examples=50, deadline=None)
@given(words=st.lists(_WORD, min_size=1, max_size=3))
def test_law_09_every_name_hides_at_least_one_character(words: list[str]) -> None:
    """Whatever the name, at least one character of each of its words is not shown."""
    shown = masked("name", " ".join(words)).split(" ")
    assert len(shown) == len(words)
    for before, after in zip(words, shown, strict=True):
        assert len(after) == len(before)
        assert sum(a == "*" for a in after) >= 1
        assert all(a in ("*", b) for a, b in zip(after, before, strict=True))


@settings(max_examples=50, deadline=None)
@given(phone=_PHONES)
def test_law_09_every_phone_hides_at_least_six_digits(phone: str) -> None:
    """Whatever the number, six of its digits are hidden, or all when it has fewer."""
    shown = masked("phone", phone)
    digits = sum(letter.isdigit() for letter in phone)
    assert digits - sum(letter.isdigit() for letter in shown) >= min(6, digits)


@settings(max_examples=50, deadline=None)
@given(public=_PUBLIC, unit=_UNITS)
def test_law_09_every_address_hides_unit_and_room(public: str, unit: str) -> None:
    """Nothing of building, unit, floor, room or house number is left, and the village stays readable."""
    shown = masked("address", public + unit)
    assert unit.strip() not in shown
    assert not any(letter.isdigit() for letter in shown)
    assert not any(letter in "一二三四五六七八九十甲" for letter in shown.removeprefix(public))
    assert shown.endswith("****")
    if public.endswith(("村", "街道", "路")):
        assert shown.startswith(public)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "张三", "张*"),
        ("name", "诸葛小明", "诸***"),
        ("name", "李", "*"),
        ("name", "Jordi Pla", "J**** P**"),
        ("phone", "15412345678", "154******78"),
        ("phone", "0728-6241234", "072*-*****34"),
        ("phone", "110", "***"),
        ("phone", "1541234", "******4"),
        ("address", "王场镇黄湾村3组12号", "王场镇黄湾村****"),
        ("address", "王场镇黄湾村老李家旁边", "王场镇黄湾村****"),
        ("address", "某处", "某****"),
        ("address", "", ""),
        ("name", "  ", ""),
    ],
)
def test_law_09_examples_read_as_on_a_label(field: str, value: str, shown: str) -> None:
    """These are the forms couriers know from privacy labels."""
    assert masked(field, value) == shown  # type: ignore[arg-type]
