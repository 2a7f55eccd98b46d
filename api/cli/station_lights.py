"""`cunda lights`: keep the shelf lights of a station."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import ends_on_sigterm, say


def add_to(root: typer.Typer) -> None:
    """Add the command of this module."""
    root.command("lights")(lights)


def lights(
    site: Annotated[str, typer.Argument(help="The station.")],
    strips: Annotated[Path, typer.Option("--strips", help="TOML file with the station's WLED strips and their cells.")],
    user: Annotated[str, typer.Option("--user", help="A keeper's login of this station; password on standard input.")],
    server: Annotated[str, typer.Option("--server", help="Address of the server.")] = "http://127.0.0.1:8620",
) -> None:
    """Keep a station's shelf lights as its visitors need them, until Ctrl-C; runs on the station's own computer."""
    import threading

    from api.station_lights import LightOrders, keep_lights, read_strips

    found = read_strips(strips)
    asked = LightOrders(server, site, user, sys.stdin.readline().strip())
    stop = threading.Event()
    say(f"{len(found)} strips of {site} follow {server}  (Ctrl-C stops)")
    try:
        with ends_on_sigterm():
            keep_lights(asked, found, stop.wait)
    finally:
        for strip in found:
            strip.show(())
        asked.close()
