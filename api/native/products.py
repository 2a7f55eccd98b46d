"""Service products as data: what is in force, and loading new versions."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.etag import json_with_etag
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.scope import actor
from dispatch.products.product import ServiceProduct, read_products
from dispatch.products.service import add_products, products_in_force

router = APIRouter(tags=["products"])


class ProductView(View):
    """One version of a product or add-on; times of day in `rules` are seconds from local midnight."""

    code: str
    version: int
    kind: Literal["carrier", "add_on"]
    title_zh: str
    title_en: str
    default_for: Literal["deliver", "collect"] | None
    applies_when: Literal["declared_value", "cod", "requested"] | None
    valid_from: date
    valid_to: date | None
    source_note: str
    rules: dict[str, Any]


class ProductList(View):
    """The products in force on a day, by code."""

    items: list[ProductView]


class ProductFile(Body):
    """A file of products as JSON: the same rows as the TOML file has."""

    product: list[dict[str, Any]] = Field(min_length=1, max_length=200)


class ProductsLoaded(View):
    """What loading a file changed."""

    added: int
    rows: int


@router.get("/products", response_model=ProductList, responses=problems(304))
def list_products(
    request: Request,
    services: ServicesDep,
    day: date,
    identity: Identity = allow("dispatcher", "courier", "station", "finance", "company_viewer", "admin"),
) -> Response:
    """List the products and add-ons in force on a day, with clocks, evidence, channels and skills."""
    with services.database.read() as session:
        items = [_view(product) for product in products_in_force(session, day).values()]
    return json_with_etag(request, ProductList(items=items))


@router.post("/products:load", response_model=ProductsLoaded, responses=problems(400, 409, 422))
def load_products(
    body: ProductFile,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("admin"),
) -> JSONResponse:
    """Load new versions of products; a bad row refuses the whole file and is named with its field."""
    products = read_products(body.model_dump())

    def act(session: Session) -> Answer:
        added = add_products(session, products, actor=actor(identity), now=services.clock.now())
        return answer(ProductsLoaded(added=added, rows=len(products)))

    return once(request, key, body, identity, services).together(act)


def _view(product: ServiceProduct) -> ProductView:
    return ProductView.model_validate(product.model_dump(mode="json"))
