"""`cunda device`: who may be a device."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from api.cli.terminal import JsonFlag, emit, ready_services, say, table

app = typer.Typer(help="Devices: invite, list, give new credentials, end.", no_args_is_help=True)

Device = Annotated[str, typer.Argument(help="The device: 3 to 32 of a-z, 0-9 and hyphen.")]
Hours = Annotated[float, typer.Option("--hours", min=0.1, max=168, help="How long the code can be used.")]
By = Annotated[str, typer.Option("--by", help="Who does this; kept with it.")]


@app.command("enrol")
def enrol(
    device: Device,
    region: Annotated[str, typer.Option("--region", "-r", help="Name of the region.")],
    site: Annotated[
        str | None, typer.Option("--site", help="Site it serves; the one of its own name if there is.")
    ] = None,
    hours: Hours = 24,
    by: By = "cli",
    json: JsonFlag = False,
) -> None:
    """Invite a device: prints a one-time code for `cunda-agent enrol`, once."""
    _invite(device, by, hours, json, region=region, site=site)


@app.command("rotate")
def rotate(device: Device, hours: Hours = 24, by: By = "cli", json: JsonFlag = False) -> None:
    """Invite a device to fetch new credentials; the old ones end when the code is used."""
    _invite(device, by, hours, json)


@app.command("revoke")
def revoke(device: Device, json: JsonFlag = False) -> None:
    """End a device's credentials: its connection, its commands, its codes; what it reported stays."""
    from api.devices import revoke_device

    with ready_services() as services:
        broker = revoke_device(services, device)
    told = broker is not None and broker.folder is not None
    emit({"device": device, "status": "revoked", "broker_told": told}, json, [f"{device} is revoked"])
    if not told:
        say("  note: no broker of ours runs here; end the account in yours" if broker else "  note: no broker runs")


@app.command("settle")
def settle(
    device: Device,
    by: Annotated[str, typer.Option("--by", help="Who decided which of the two is the real one.")],
    json: JsonFlag = False,
) -> None:
    """Unlock a device after a clone or a restored backup was dealt with."""
    from firmware_bridge.server.alarms import settle_fork

    with ready_services() as services, services.database.begin() as session:
        settled = settle_fork(session, device, services.clock.now(), by)
    emit({"device": device, "alarms_closed": settled}, json, [f"{settled} alarms of {device} closed by {by}"])


@app.command("list")
def list_devices(json: JsonFlag = False) -> None:
    """List the devices with their credentials' state and what was last heard."""
    from firmware_bridge.server.enrolment import device_rows

    with ready_services() as services, services.database.read() as session:
        rows = device_rows(session)
    documents = [vars(row) for row in rows]
    names = ("device", "area", "status", "kid", "certificate_until", "invited_until", "presence", "locked")
    emit(documents, json, table(names, [[document[name] for name in names] for document in documents]))


@app.command("authority")
def authority(
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Make a certificate for a broker of your own of this name; repeatable."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Show the files a broker of your own needs: authority, list of revoked certificates, its own certificate."""
    from api.devices import device_authority

    with ready_services() as services:
        ours = device_authority(services)
        files = {"ca": ours.ca_path, "crl": ours.crl_path}
        if name:
            made = ours.broker_files(name)
            files |= {"certificate": made.certificate, "key": made.key}
    emit(files, json, [f"{what:<12} {path}" for what, path in files.items()])


def _invite(
    device: str, by: str, hours: float, json: bool, *, region: str | None = None, site: str | None = None
) -> None:
    from api.devices import device_registry
    from firmware_bridge.server.enrolment import address_of
    from firmware_bridge.topics import Address
    from lockers.registry.model import Site

    with ready_services() as services, services.database.begin() as session:
        again = region is None
        address = Address(region, device) if region is not None else address_of(session, device)
        named = site or (device if session.get(Site, device) is not None else None)
        invitation = device_registry(services).invite(
            session, address, f"user:{by}", named, again=again, life=timedelta(hours=hours)
        )
    document = {"device": device, "code": invitation.code, "expires_at": invitation.expires_at}
    lines = [
        f"code  {invitation.code}    good once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC",
        "on the device:  cunda-agent enrol agent.toml --server https://YOUR-SERVER   and type the code",
    ]
    emit(document, json, lines)
