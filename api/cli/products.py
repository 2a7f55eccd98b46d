"""`cunda products`: what is promised, as data."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import JsonFlag, emit, ready_services, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dispatch.products.product import ServiceProduct

app = typer.Typer(help="Service products: clocks, evidence, channels, skills.", no_args_is_help=True)

ProductFile = Annotated[Path, typer.Argument(help="TOML file; docs/products.md describes it.")]


@app.command("list")
def list_products(
    date: Annotated[
        datetime | None, typer.Option("--date", "-d", formats=["%Y-%m-%d"], help="Day, YYYY-MM-DD; today when absent.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List the products and add-ons in force on a day."""
    from api.manifests import today_in
    from dispatch.products.service import products_in_force

    with ready_services() as services:
        day = date.date() if date is not None else today_in(services.clock, services.settings.zone)
        with services.database.read() as session:
            found = list(products_in_force(session, day).values())
    _tell(found, json)


@app.command("check")
def check(file: ProductFile, json: JsonFlag = False) -> None:
    """Check a file of products without loading it; everything wrong is named by row and field."""
    from dispatch.products.product import load_products

    _tell(load_products(file), json)


@app.command("load")
def load(file: ProductFile, json: JsonFlag = False) -> None:
    """Load the versions of a file that are not stored yet; a bad file is refused whole."""
    from dispatch.products.product import load_products
    from dispatch.products.service import add_products

    products = load_products(file)
    with ready_services() as services, services.database.begin() as session:
        added = add_products(session, products, actor="user:cli", now=services.clock.now())
    emit({"added": added, "rows": len(products)}, json, [f"{added} new of {len(products)} versions"])


def _tell(products: Iterable[ServiceProduct], json: bool) -> None:
    found = list(products)
    rows = [
        (one.code, one.version, one.kind, one.title_zh, one.title_en, _clock(one), ",".join(one.rules.channels))
        for one in found
    ]
    body: list[dict[str, Any]] = [one.model_dump(mode="json") for one in found]
    emit({"items": body}, json, table(("code", "v", "kind", "中文", "English", "deadlines", "channels"), rows))


def _clock(product: ServiceProduct) -> str:
    parts = []
    for area, deadline in product.rules.deadlines.items():
        counted = f"D+{deadline.days}" if deadline.days is not None else f"S{deadline.service_days}"
        parts.append(f"{area[:3]} {counted} {deadline.at_s // 3600:02d}:{deadline.at_s % 3600 // 60:02d}")
    return ", ".join(parts)
