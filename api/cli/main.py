"""The command `cunda`: every verb, and what happens when one fails.

Heavy rooms are imported inside the commands that need them, so that help comes at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from api.cli import (
    activity,
    broker,
    chaos,
    chart,
    db,
    demo,
    device_health,
    devices,
    docs,
    doctor,
    echelons,
    fleet,
    habit,
    kiosks,
    modes,
    parcels,
    plan,
    products,
    region,
    serve,
    sim,
    simulate,
    solve,
    sort,
    station_lights,
    users,
)
from api.cli.terminal import own_stdout, report_error
from kernel.errors import CundaError

#: Exit codes: 0 done, 1 our mistake, 2 what was given or found is wrong, 130 interrupted.
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="cunda",
    help="Plan and run the last mile of parcels in a county (村达).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _part in (demo, plan, serve, broker, kiosks, station_lights, solve, doctor, chart, docs):
    _part.add_to(app)
app.add_typer(region.app, name="region")
app.add_typer(activity.app, name="activity")
app.add_typer(sim.app, name="sim")
app.add_typer(simulate.app, name="simulate")
app.add_typer(parcels.app, name="parcels")
app.add_typer(fleet.app, name="fleet")
app.add_typer(sort.app, name="sort")
app.add_typer(products.app, name="products")
app.add_typer(users.app, name="users")
app.add_typer(db.app, name="db")
app.add_typer(echelons.echelons, name="echelons")
app.add_typer(echelons.weekdays, name="weekdays")
app.add_typer(habit.app, name="habit")
app.add_typer(modes.modes, name="modes")
app.add_typer(modes.shares, name="shares")
device_health.add_to(devices.app)
app.add_typer(devices.app, name="device")
app.add_typer(chaos.app, name="chaos")


def _print_version(wanted: bool) -> None:
    if wanted:
        from api.version import cunda_version

        print(cunda_version())
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Plan and run the last mile of parcels in a county (村达)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=given, prog_name="cunda", standalone_mode=True)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else (1 if leaving.code else 0)
    except CundaError as error:
        report_error(error.as_dict(), as_json="--json" in given)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `cunda … | head`: the reader left, which is his right
        sys.stderr.close()
        return 0
    return 0


def run() -> None:
    """Enter from the shell."""
    if "--json" in sys.argv:
        own_stdout()
    sys.exit(main())
