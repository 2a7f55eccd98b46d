"""`cunda kiosks`: the kiosks of a region."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import kiosk_siting
from api.cli.terminal import JsonFlag, emit, progress_bars, ready_services, table
from api.errors import UsageError

app = typer.Typer(help="Kiosks: simulate them, list what was heard of them, site them.", no_args_is_help=True)
kiosk_siting.add_to(app)


def add_to(root: typer.Typer) -> None:
    """Add the commands of this module."""
    root.add_typer(app, name="kiosks")


@app.command("simulate")
def simulate(
    region: Annotated[str, typer.Option("--region", "-r", help="Name of the region.")] = "demo",
    kiosks: Annotated[int, typer.Option("--kiosks", min=1, max=2000, help="How many.")] = 40,
    drops: Annotated[int, typer.Option("--drops", min=1, help="Drop-offs in all.")] = 100,
    per_second: Annotated[float, typer.Option("--per-second", min=0.01, help="Drop-offs each second.")] = 2.0,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is other customers.")] = 1,
    json: JsonFlag = False,
) -> None:
    """Let simulated kiosks take drop-offs; each is an MQTT client of its own, with its own outbox."""
    from api.demo_sites import demo_sites, register_sites
    from api.devices import device_registry, find_broker, renew_accounts
    from dispatch.parcels.generator import INVENTED_COMPANIES
    from firmware_bridge.simulator.kiosks import enrol_kiosks, run_kiosks

    with ready_services() as services:
        broker = find_broker(services.settings)
        if broker is None:
            raise UsageError("no broker runs", remedy="Start `cunda serve` or `cunda broker` first.")
        found = services.regions.load(region)
        services.manifests.register_invented_companies()
        sites = demo_sites(found, services.clock, kiosks)
        with services.database.begin() as session:
            site_ids = register_sites(session, region, sites)[:kiosks]
            configs = enrol_kiosks(
                session, device_registry(services), [(region, site_id) for site_id in site_ids], broker.address,
                services.settings.home / "kiosks", broker.profile,
            )  # fmt: skip
        renew_accounts(services, broker)
        with progress_bars(json) as progress:
            run = run_kiosks(
                configs, services.clock, services.ids, companies=[name for name, _ in INVENTED_COMPANIES],
                drops=drops, per_s=per_second, seed=seed, progress=progress,
            )  # fmt: skip
    document = {
        "kiosks": len(configs), "drop_offs": len(run.events), "waiting": run.waiting, "dead": run.dead,
        "reconnects": run.reconnects,
    }  # fmt: skip
    lines = [
        f"{len(configs)} kiosks took {len(run.events)} drop-offs; {run.waiting} wait for the server, "
        f"{run.dead} were refused, {run.reconnects} reconnects"
    ]
    emit(document, json, lines)


@app.command("list")
def list_kiosks(
    region: Annotated[str, typer.Option("--region", "-r", help="Name of the region.")] = "demo",
    json: JsonFlag = False,
) -> None:
    """List a region's kiosks, stations and cabinets with what was last heard of them."""
    from api.native.sites import sites_with_presence

    names = ("id", "kind", "scene", "name", "status", "presence", "heard_at")
    with ready_services() as services, services.database.read() as session:
        rows = [
            (site.id, site.kind, site.scene, site.name, site.status, heard and heard.state, heard and heard.heard_at)
            for site, heard in sites_with_presence(session, region, None)
        ]
    emit([dict(zip(names, row, strict=True)) for row in rows], json, table(names, rows))
