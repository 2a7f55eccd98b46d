"""`cunda users`: logins from the server's own machine."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from api.cli.terminal import JsonFlag, emit, ready_services, table

app = typer.Typer(help="Logins: make, list, give a new password, take away.", no_args_is_help=True)

Password = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one.")
]


@app.command("add")
def add(
    username: Annotated[str, typer.Argument(help="Name to log in with: a-z 0-9 . _ -")],
    role: Annotated[
        str, typer.Option("--role", help="courier, dispatcher, station, finance, company_viewer or admin.")
    ],
    region: Annotated[str | None, typer.Option("--region", help="Only this region; all when absent.")] = None,
    courier: Annotated[str | None, typer.Option("--courier", help="Courier of the fleet this login is.")] = None,
    company: Annotated[str | None, typer.Option("--company", help="Company whose parcels it may see.")] = None,
    site: Annotated[str | None, typer.Option("--site", help="Station this login keeps.")] = None,
    password_stdin: Password = False,
    json: JsonFlag = False,
) -> None:
    """Make a login; the password it makes is printed once."""
    from api.auth.service import NewUser

    password = _read_or_make_password(password_stdin)
    with ready_services() as services:
        user = services.accounts.add(NewUser(username, password, role, region, courier, company, site))
    shown = None if password_stdin else password
    lines = [f"{user.username}  {user.role}"] + ([f"password  {shown}"] if shown else [])
    emit({"username": user.username, "role": user.role, "user_id": user.user_id, "password": shown}, json, lines)


@app.command("list")
def list_users(json: JsonFlag = False) -> None:
    """List the active logins."""
    with ready_services() as services:
        found = services.accounts.list_users()
    rows = [
        (user.username, user.role, user.region, user.courier_id or user.company_id or user.site_id) for user in found
    ]
    documents = [
        {
            "username": user.username, "role": user.role, "region": user.region, "courier_id": user.courier_id,
            "company_id": user.company_id, "site_id": user.site_id,
        }
        for user in found
    ]  # fmt: skip
    emit(documents, json, table(("name", "role", "region", "linked to"), rows))


@app.command("passwd")
def set_password(
    username: Annotated[str, typer.Argument(help="Whose password.")],
    password_stdin: Password = False,
    json: JsonFlag = False,
) -> None:
    """Give a login a new password and end all its sessions."""
    password = _read_or_make_password(password_stdin)
    with ready_services() as services:
        services.accounts.set_password(username, password)
    shown = None if password_stdin else password
    emit({"username": username, "password": shown}, json, [f"password  {shown}"] if shown else ["done"])


@app.command("remove")
def remove(username: Annotated[str, typer.Argument(help="Whose access ends.")], json: JsonFlag = False) -> None:
    """Take a login's access away and end all its sessions."""
    with ready_services() as services:
        services.accounts.deactivate(username)
    emit({"username": username, "active": False}, json, ["done"])


def _read_or_make_password(from_stdin: bool) -> str:
    from kernel.ids import new_secret

    return sys.stdin.readline().rstrip("\r\n") if from_stdin else new_secret(12)
