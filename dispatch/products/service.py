"""Service products in the database: seeding versions, finding the one in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.errors import ProductDataError, ProductUnknownError
from dispatch.products.model import ServiceProductRow
from dispatch.products.product import ProductProblem, ServiceProduct, clashes, load_products, refuse
from kernel.events import append_event


def seed_products(session: Session, products: Sequence[ServiceProduct] | None = None) -> int:
    """Store product versions that are not there yet; the ones that come with Cunda when none are given.

    Returns
    -------
    How many versions were new. Seeding twice changes nothing.

    Raises
    ------
    ProductDataError
        If a version that is stored already says something else: a change is a new version.
    """
    added = 0
    for product in load_products() if products is None else products:
        row = _row_of(product)
        stored = session.get(ServiceProductRow, (product.code, product.version))
        if stored is None:
            session.add(row)
            added += 1
        elif _product_of(stored) != product:
            raise ProductDataError(f"product {product.code} version {product.version} is stored with other rules")
    session.flush()
    return added


def add_products(session: Session, products: Sequence[ServiceProduct], *, actor: str, now: datetime) -> int:
    """Store the versions of a file that are not there yet, all of them or none.

    Returns
    -------
    How many versions were new. Loading a file twice changes nothing.

    Raises
    ------
    ProductDataError
        If a stored version says something else, or a new one would be a second default; names row and field.
    """
    known = {(row.code, row.version): _product_of(row) for row in session.scalars(select(ServiceProductRow))}
    problems = [
        ProductProblem(row, product.code, "version", f"version {product.version} is stored with other rules")
        for row, product in enumerate(products, start=1)
        if known.get((product.code, product.version), product) != product
    ]
    refuse(problems + clashes(products, [one for key, one in known.items() if key not in _keys(products)]))
    added = seed_products(session, products)
    if added:
        body = {"versions": [f"{product.code}/{product.version}" for product in products], "actor": actor}
        append_event(session, "products.loaded", "products", body, fact_at=now, committed_at=now)
    return added


def _keys(products: Sequence[ServiceProduct]) -> set[tuple[str, int]]:
    return {(product.code, product.version) for product in products}


def products_in_force(session: Session, day: date) -> dict[str, ServiceProduct]:
    """Give the products valid on a day by code; of several valid versions the highest."""
    query = (
        select(ServiceProductRow)
        .where(ServiceProductRow.valid_from <= day)
        .where(or_(ServiceProductRow.valid_to.is_(None), ServiceProductRow.valid_to >= day))
        .order_by(ServiceProductRow.code, ServiceProductRow.version)
    )
    return {row.code: _product_of(row) for row in session.scalars(query)}


def product_in_force(session: Session, code: str, day: date) -> ServiceProduct:
    """Give the version of a product that is valid on a day.

    Raises
    ------
    ProductUnknownError
        If no version is in force.
    """
    product = products_in_force(session, day).get(code)
    if product is None:
        raise ProductUnknownError(f"no product {code!r} is in force on {day}", product=code, day=str(day))
    return product


def default_product(session: Session, direction: str, day: date) -> ServiceProduct:
    """Give the product of a parcel that names none, for ``deliver`` or ``collect``.

    Raises
    ------
    ProductUnknownError
        If no product in force is the default of this direction.
    """
    for product in products_in_force(session, day).values():
        if product.default_for == direction:
            return product
    raise ProductUnknownError(f"no default product for {direction} is in force on {day}", direction=direction)


def _row_of(product: ServiceProduct) -> ServiceProductRow:
    rules = product.rules.model_dump(mode="json", exclude_defaults=True) | {"applies_when": product.applies_when}
    return ServiceProductRow(
        code=product.code,
        version=product.version,
        kind=product.kind,
        title_zh=product.title_zh,
        title_en=product.title_en,
        default_for=product.default_for,
        valid_from=product.valid_from,
        valid_to=product.valid_to,
        rules=rules,
        source_note=product.source_note,
    )


def _product_of(row: ServiceProductRow) -> ServiceProduct:
    rules = dict(row.rules)
    applies_when = rules.pop("applies_when", None)
    return ServiceProduct.model_validate(
        {
            "code": row.code,
            "version": row.version,
            "kind": row.kind,
            "title_zh": row.title_zh,
            "title_en": row.title_en,
            "default_for": row.default_for,
            "applies_when": applies_when,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
            "source_note": row.source_note,
            "rules": rules,
        }
    )
