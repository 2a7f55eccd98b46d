"""`cunda broker`: the MQTT broker between devices and server."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from api.cli.terminal import ends_on_sigterm, ready_services, say


def add_to(root: typer.Typer) -> None:
    """Add the commands of this module."""
    root.command("broker")(run_broker)


def run_broker(
    port: Annotated[int | None, typer.Option("--port", help="Port on loopback; 0 takes a free one.")] = None,
    listen: Annotated[
        str, typer.Option("--listen", help="Address for devices elsewhere, 0.0.0.0 for all; with --name, by TLS only.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Host or address devices call it by, to stand in its certificate; repeatable."),
    ] = None,
    tls_port: Annotated[int, typer.Option("--tls-port", help="Port for devices elsewhere; 0 takes a free one.")] = 8883,
) -> None:
    """Run an MQTT broker until Ctrl-C: passwords on loopback, client certificates for all others.

    `cunda serve` finds it, and starts one on loopback by itself when there is none.
    """
    from api.devices import FromElsewhere, start_broker

    with ready_services() as services, ends_on_sigterm():
        broker = start_broker(services, port, FromElsewhere(listen, tls_port, tuple(name or ())))
        say(f"{broker.kind} answers at {broker.address.url}  (Ctrl-C stops it)")
        if broker.public is not None:
            say(f"  devices elsewhere come in at {broker.public.url}, by certificate")
        for lack in broker.lacks:
            say(f"  note: {lack}")
        try:
            threading.Event().wait()
        finally:
            broker.stop()
