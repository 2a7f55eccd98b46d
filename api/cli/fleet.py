"""`cunda fleet`: vehicles and couriers of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal import JsonFlag, emit, plain, ready_services, table

if TYPE_CHECKING:
    from dispatch.fleet.fleet import Fleet

app = typer.Typer(help="Vehicles and couriers: seed, list.", no_args_is_help=True)

RegionOption = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]


@app.command("seed")
def seed_fleet(
    region: RegionOption,
    parcels: Annotated[int, typer.Option("--parcels", min=1, help="Daily volume the fleet must carry.")] = 3000,
    seed: Annotated[int, typer.Option("--seed", help="Decides the couriers' invented names.")] = 1,
    json: JsonFlag = False,
) -> None:
    """Give a region without vehicles a sensible fleet, and kiosks, stations and cabinets in its places."""
    from api.demo_sites import demo_sites, register_sites
    from dispatch.fleet.demo import seed_demo_fleet

    with ready_services() as services:
        found = services.regions.load(region)
        sites = demo_sites(found, services.clock, seed=seed)
        with services.database.begin() as session:
            fleet = seed_demo_fleet(session, region, parcels, seed)
            register_sites(session, region, sites)
    _show(fleet, json)


@app.command("list")
def list_fleet(region: RegionOption, json: JsonFlag = False) -> None:
    """List a region's vehicles with their couriers."""
    from dispatch.fleet.repository import FleetRepository

    with ready_services() as services, services.database.read() as session:
        fleet = FleetRepository(session).load(region)
    _show(fleet, json)


def _show(fleet: Fleet, json: bool) -> None:
    couriers = {one.id: one.name for one in fleet.couriers}
    rows = [
        (one.id, one.type_id, one.plate, one.courier_id, couriers.get(one.courier_id or "")) for one in fleet.vehicles
    ]
    emit(plain(fleet), json, table(("vehicle", "type", "plate", "courier", "name"), rows))
