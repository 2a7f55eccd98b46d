"""`cunda serve`: the HTTP API in the foreground."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal import ends_on_sigterm, ready_services, say

if TYPE_CHECKING:
    from api.services import Services


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("serve")(serve)
    app.command("openapi")(openapi)


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; loopback unless set.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = None,
    devices: Annotated[
        bool, typer.Option("--devices/--no-devices", help="Also take in what kiosks report, over the broker.")
    ] = True,
) -> None:
    """Serve the HTTP API and the web pages until Ctrl-C; starts a broker unless one runs or is set."""
    from api.app import create_app
    from api.server import bound_socket, serve_forever
    from api.solving import prepare_solver
    from api.stations import ticking_stations

    with ready_services(http_host=host, http_port=port) as services, ends_on_sigterm():
        at = bound_socket(services.settings.http_host, services.settings.http_port)
        with (
            ticking_stations(services.database, services.stations),
            _wire(services) if devices else nullcontext(),
        ):
            threading.Thread(target=prepare_solver, name="cunda-prepare", daemon=True).start()
            say(f"Cunda listens on http://{services.settings.http_host}:{at.getsockname()[1]}  (Ctrl-C stops it)")
            serve_forever(create_app(services), at)


@contextmanager
def _wire(services: Services) -> Iterator[None]:
    from api.devices import running_bridge, using_broker

    with using_broker(services) as broker, running_bridge(services, broker):
        say(f"devices connect to {broker.address.url} ({broker.kind})")
        for lack in broker.lacks:
            say(f"  note: {lack}")
        yield


def openapi(
    output: Annotated[str | None, typer.Option("--output", help="Write to this file instead of printing.")] = None,
) -> None:
    """Print the API description (OpenAPI 3.1)."""
    from pathlib import Path

    from api.reference import openapi_text

    text = openapi_text()
    if output is None:
        print(text, end="")
    else:
        Path(output).write_text(text, encoding="utf-8")
        say(f"wrote {output}")
