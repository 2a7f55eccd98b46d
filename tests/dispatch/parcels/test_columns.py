"""Finding our columns under other people's headers."""

from __future__ import annotations

import pytest

from dispatch.errors import ManifestColumnsError, ManifestMappingError
from dispatch.parcels.manifest.columns import COLUMN_NAMES, COLUMNS, map_columns


def test_our_own_names_are_recognised() -> None:
    """A file with our own headers needs no mapping."""
    found = map_columns(list(COLUMN_NAMES))
    assert found.positions == {name: index for index, name in enumerate(COLUMN_NAMES)}


@pytest.mark.parametrize(
    "header",
    [
        ["快递公司", "运单号", "村", "重量(公斤)"],
        ["公司", "快递单号", "行政村", "重量"],
        ["Carrier", "Tracking Number", "Village Name", "Weight (kg)"],
        [" COMPANY ", "tracking-no.", "Place_ID", "WEIGHT"],
        ["品牌", "＊运单编号", "所属村", "重量（kg）"],
    ],
)
def test_chinese_and_english_headers_are_recognised(header: list[str]) -> None:
    """The headers companies really use are mapped, whatever their case, width, blanks and brackets."""
    found = map_columns(header)
    assert found.positions == {"company": 0, "waybill": 1, "village": 2, "weight_kg": 3}


def test_no_two_columns_share_a_word() -> None:
    """One header never means two of our columns."""
    words = [word.casefold() for column in COLUMNS for word in {column.name, column.title_zh, *column.synonyms}]
    assert len(words) == len(set(words))


def test_an_explicit_mapping_wins_over_synonyms() -> None:
    """The dispatcher's own mapping decides, and a column can be left unread."""
    header = ["公司", "运单号", "客户单号", "村", "重量", "备注"]
    found = map_columns(header, {"waybill": "客户单号", "address": "备注", "company": ""}, default_company="yunlu")
    assert found.positions == {"waybill": 2, "address": 5, "village": 3, "weight_kg": 4}
    assert found.header_of("waybill") == "客户单号"
    assert set(found.ignored) == {"公司", "运单号"}


def test_missing_columns_are_all_named_at_once() -> None:
    """A file that lacks columns says which, and shows the header it has."""
    with pytest.raises(ManifestColumnsError, match=r"company, waybill, village, weight_g or weight_kg.*备注"):
        map_columns(["备注", "姓名"])


def test_two_headers_for_one_column_are_not_guessed() -> None:
    """When two headers mean the waybill, a person decides, not the program."""
    with pytest.raises(ManifestColumnsError, match=r"运单号.*快递单号"):
        map_columns(["公司", "运单号", "快递单号", "村", "重量"])


@pytest.mark.parametrize(
    "mapping",
    [{"parcel_number": "运单号"}, {"waybill": "没有这列"}, {"waybill": "重复"}],
    ids=["ours", "theirs", "twice"],
)
def test_a_mapping_that_cannot_be_meant_is_refused(mapping: dict[str, str]) -> None:
    """A mapping that names a column nobody has, or a header that stands twice, is refused by name."""
    with pytest.raises(ManifestMappingError, match=next(iter(mapping))):
        map_columns(["公司", "运单号", "村", "重量", "重复", "重复"], mapping)
