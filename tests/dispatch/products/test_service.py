"""Service products in the database: seeded once, versioned, found by day."""

from __future__ import annotations

from datetime import date

import pytest

from dispatch.errors import ProductDataError, ProductUnknownError
from dispatch.products.product import load_products
from dispatch.products.service import add_products, default_product, product_in_force, products_in_force, seed_products
from kernel.db import Database

DAY = date(2026, 3, 4)


def test_seeding_twice_changes_nothing(database: Database) -> None:
    """Starting the program again does not double the products."""
    with database.begin() as session:
        assert seed_products(session) == len(load_products())
        assert seed_products(session) == 0


def test_a_product_comes_back_from_the_database_as_it_was(database: Database) -> None:
    """Stored rules equal the file's rules."""
    with database.begin() as session:
        seed_products(session)
    with database.read() as session:
        assert products_in_force(session, DAY) == {product.code: product for product in load_products()}


def test_svc_01_a_changed_product_is_a_new_version(sqlite_database: Database) -> None:
    """A version in force is never edited; its successor starts on its own day."""
    first = next(product for product in load_products() if product.code == "fresh")
    edited = first.model_copy(update={"title_en": "Very fresh"})
    second = edited.model_copy(update={"version": 2, "valid_from": date(2026, 7, 1)})
    with sqlite_database.begin() as session:
        seed_products(session, [first])
        with pytest.raises(ProductDataError, match="version 1"):
            seed_products(session, [edited])
        seed_products(session, [second])
        assert product_in_force(session, "fresh", DAY).version == 1
        assert product_in_force(session, "fresh", date(2026, 7, 1)).version == 2


def test_a_product_out_of_force_is_unknown(sqlite_database: Database) -> None:
    """A product that ended yesterday cannot be used today, and neither can one that never was."""
    ended = load_products()[0].model_copy(update={"valid_to": date(2026, 3, 3)})
    with sqlite_database.begin() as session:
        seed_products(session, [ended])
        for code in (ended.code, "carrier_pigeon"):
            with pytest.raises(ProductUnknownError, match=code):
                product_in_force(session, code, DAY)


def test_each_direction_has_its_default(sqlite_database: Database) -> None:
    """A parcel that names no product gets the default of its direction, and an empty table says what is missing."""
    with sqlite_database.begin() as session:
        with pytest.raises(ProductUnknownError, match="default"):
            default_product(session, "deliver", DAY)
        seed_products(session)
        assert default_product(session, "deliver", DAY).default_for == "deliver"
        assert default_product(session, "collect", DAY).rules.sender_inspection


def test_a_file_is_loaded_whole_or_not_at_all(sqlite_database, clock):
    """A file with one new and one contradicting version stores neither, and names the row and the field."""
    new = load_products()[0].model_copy(update={"version": 2, "title_en": "Village, faster"})
    changed = load_products()[1].model_copy(update={"title_en": "Something else"})
    with sqlite_database.begin() as session:
        seed_products(session)
    with pytest.raises(ProductDataError) as refused, sqlite_database.begin() as session:
        add_products(session, [new, changed], actor="user:test", now=clock.now())
    assert (refused.value.params["row"], refused.value.params["field"]) == (2, "version")
    with sqlite_database.begin() as session:
        assert products_in_force(session, DAY)["village_standard"].version == 1
        assert add_products(session, [new], actor="user:test", now=clock.now()) == 1
    with sqlite_database.begin() as session:
        assert add_products(session, [new], actor="user:test", now=clock.now()) == 0
        assert products_in_force(session, DAY)["village_standard"].version == 2


def test_a_second_default_is_refused(sqlite_database, clock):
    """Two products cannot both be what a parcel gets that names none."""
    rival = load_products()[1].model_copy(update={"code": "rival", "default_for": "deliver"})
    with sqlite_database.begin() as session:
        seed_products(session)
    with pytest.raises(ProductDataError) as refused, sqlite_database.begin() as session:
        add_products(session, [rival], actor="user:test", now=clock.now())
    assert refused.value.params["field"] == "default_for"
