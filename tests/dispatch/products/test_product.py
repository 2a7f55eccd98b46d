"""Service products are data: what a file of them may say, and what is read from it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dispatch.errors import ProductDataError
from dispatch.products.product import ServiceProduct, allowed_channels, evidence_for, load_products

PROJECT = Path(__file__).resolve().parents[3]

_MINIMAL = """
[[product]]
code = "plain"
version = 1
kind = "carrier"
title_zh = "普通"
title_en = "Plain"
default_for = "deliver"
valid_from = 2026-01-01
source_note = "a test"
[product.rules]
clock_start = "accepted"
attempts = 2
channels = ["door"]
warn_percent = 80
priority = 10
[product.rules.deadlines]
urban = { days = 1, at = "13:00" }
fringe = { days = 1, at = "13:00" }
township = { days = 1, at = "18:00" }
village = { service_days = 1, at = "18:00" }
"""


@pytest.fixture
def products() -> dict[str, ServiceProduct]:
    """Give the products that come with Cunda, by code."""
    return {product.code: product for product in load_products()}


def test_svc_01_the_seeded_products_are_complete(products: dict[str, ServiceProduct]) -> None:
    """Every product of the reference table is there with its clocks, channels, evidence and a source."""
    assert set(products) == {
        "next_morning", "insured", "cod", "code_signed", "document_one_to_one", "fresh", "village_standard", "return",
    }  # fmt: skip
    assert all(product.source_note and product.rules.channels for product in products.values())


def test_svc_01_next_morning_keeps_its_published_hours(products: dict[str, ServiceProduct]) -> None:
    """The next-morning product promises 13:00 in town, 18:00 in townships, and pickup within an hour."""
    rules = products["next_morning"].rules
    assert rules.deadlines["urban"].at_s == rules.deadlines["fringe"].at_s == 13 * 3600
    assert rules.deadlines["township"].at_s == 18 * 3600
    assert rules.pickup_within_s == 3600


def test_svc_01_no_product_name_appears_in_code(products: dict[str, ServiceProduct]) -> None:
    """Marketing may rename or retire any product without a programmer."""
    names = set(products) - {"cod", "insured", "return", "fresh"}  # these are also plain words
    found = []
    for path in (PROJECT / "dispatch").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in names:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def test_a_document_is_handed_over_in_person_only(products: dict[str, ServiceProduct]) -> None:
    """One-to-one documents never go to a station or cabinet, and need an appointment and an identity check."""
    document = products["document_one_to_one"]
    assert document.rules.channels == ("door",)
    assert document.rules.requires_window
    assert evidence_for([document], "door")["identity"] == "required"


def test_law_03_fresh_and_valuable_goods_stay_out_of_cabinets(products: dict[str, ServiceProduct]) -> None:
    """Fresh goods and insured parcels are not put into a locker."""
    assert "cabinet" not in allowed_channels([products["fresh"]])
    assert "cabinet" not in allowed_channels([products["village_standard"], products["insured"]])


def test_add_ons_come_with_the_parcels_amounts(products: dict[str, ServiceProduct]) -> None:
    """Cash on delivery and declared value bring their rules by themselves; a signature code must be asked for."""
    assert products["cod"].applies(cod_fen=100, declared_value_fen=0)
    assert not products["cod"].applies(cod_fen=0, declared_value_fen=100)
    assert products["insured"].applies(cod_fen=0, declared_value_fen=100)
    assert not products["code_signed"].applies(cod_fen=100, declared_value_fen=100)
    assert not products["fresh"].applies(cod_fen=100, declared_value_fen=100)


def test_the_strictest_evidence_wins(products: dict[str, ServiceProduct]) -> None:
    """When a product would like a photo and its add-on must have one, a photo must be taken."""
    plain = evidence_for([products["village_standard"]], "door")
    insured = evidence_for([products["village_standard"], products["insured"]], "door")
    assert (plain["photo"], insured["photo"]) == ("enabled", "required")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('code = "plain"', 'code = "Plain!"', "code"),
        ("version = 1", "version = 0", "version"),
        ('at = "13:00"', 'at = "25:00"', "urban"),
        ("{ days = 1, at", "{ days = 1, service_days = 1, at", "either days or service_days"),
        ('channels = ["door"]', "channels = []", "channels"),
        ('channels = ["door"]', 'channels = ["drone"]', "channels"),
        ("priority = 10", "prioritty = 10", "prioritty"),
        ("priority = 10", "", "needs priority"),
        ("priority = 10", "priority = 10.5", "priority"),
        ('village = { service_days = 1, at = "18:00" }', "", "urban, fringe, township and village"),
        ("valid_from = 2026-01-01", "valid_from = 2026-01-01\nvalid_to = 2025-01-01", "valid_to"),
        ("[product.rules.d", '[product.rules.evidence]\nstation = { scan = "warn" }\n[product.rules.d', "not allow"),
        ('kind = "carrier"', 'kind = "add_on"', "applies_when"),
        ("[[product]]", "[[product", "cannot be read"),
    ],
)  # fmt: skip
def test_a_contradictory_product_is_refused_by_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    """A mistake in the file is reported with product and field instead of surfacing on some delivery day."""
    path = tmp_path / "products.toml"
    path.write_text(_MINIMAL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProductDataError, match=says):
        load_products(path)


def test_two_defaults_or_one_version_twice_are_refused(tmp_path: Path) -> None:
    """A parcel that names no product must find exactly one default, and a version says one thing."""
    path = tmp_path / "products.toml"
    path.write_text(_MINIMAL + _MINIMAL, encoding="utf-8")
    with pytest.raises(ProductDataError, match="twice"):
        load_products(path)
    path.write_text(_MINIMAL + _MINIMAL.replace('"plain"', '"other"'), encoding="utf-8")
    with pytest.raises(ProductDataError, match="both the default"):
        load_products(path)


def test_a_product_may_succeed_another_as_the_default(tmp_path: Path) -> None:
    """When one default ends before the next begins there is no contradiction."""
    path = tmp_path / "products.toml"
    ended = _MINIMAL.replace("valid_from = 2026-01-01", "valid_from = 2026-01-01\nvalid_to = 2026-06-30")
    path.write_text(
        ended + _MINIMAL.replace('"plain"', '"other"').replace("2026-01-01", "2026-07-01"), encoding="utf-8"
    )
    assert [product.code for product in load_products(path)] == ["plain", "other"]


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    """A wrong path to the operator's own products, or a file without any, is an error that says so."""
    empty = tmp_path / "empty.toml"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(ProductDataError, match="holds no"):
        load_products(empty)
    with pytest.raises(ProductDataError, match=r"none\.toml"):
        load_products(tmp_path / "none.toml")


def test_everything_wrong_with_a_file_is_named_by_row_and_field(tmp_path):
    """A bad file is refused whole; each mistake has the number of its row and its field."""
    text = (
        '[[product]]\ncode = "a_b"\nversion = 0\nkind = "add_on"\ntitle_zh = "甲"\ntitle_en = "A"\n'
        'applies_when = "cod"\nvalid_from = 2026-01-01\nsource_note = "test"\n[product.rules]\nchannels = ["boat"]\n'
        '[[product]]\ncode = "UPPER"\n[colour]\nred = 1\n'
    )
    file = tmp_path / "products.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProductDataError) as refused:
        load_products(file)
    named = {(one["row"], one["field"]) for one in refused.value.params["problems"]}
    assert {(0, "colour"), (1, "version"), (1, "rules.channels.0"), (2, "code"), (2, "rules")} <= named
    assert "product 1 (a_b), field version" in refused.value.message
