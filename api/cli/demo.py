"""`cunda demo`: a whole day on this machine."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import ends_on_sigterm, plain, progress_bars, say

if TYPE_CHECKING:
    from api.demo.day import DayState
    from api.demo.world import DemoWorld
    from kernel.settings import Settings

_CUSTOMER_EVERY_S = 15.0


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("demo")(demo)


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Drive the day to its end on free ports in a temporary home, then leave.")
    ] = False,
    parcels: Annotated[int, typer.Option("--parcels", min=20, help="Parcels of the day.")] = 3000,
    companies: Annotated[int, typer.Option("--companies", min=1, max=8, help="Of how many companies.")] = 5,
    kiosks: Annotated[int, typer.Option("--kiosks", min=1, max=500, help="Simulated kiosks.")] = 40,
    seconds: Annotated[float, typer.Option("--seconds", min=0.5, help="Time the solver gets.")] = 20.0,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another county and day.")] = 1,
) -> None:
    """Run a whole day: county, broker, kiosks, API, 3,000 parcels, plan; the last line of --check is JSON."""
    from api.demo.client import DemoClient
    from api.demo.day import MORNING, REST_OF_DAY, DayState, run_steps
    from api.demo.world import DemoOptions, demo_world

    options = DemoOptions(parcels, companies, kiosks, seconds, seed)
    with ends_on_sigterm(), _settings(check) as settings, progress_bars(as_json=False) as progress:
        with demo_world(settings, options, progress) as world:
            dispatcher = DemoClient(world.url)
            try:
                dispatcher.log_in(world.logins["dispatcher"], world.password)
                day = DayState(world, progress, dispatcher)
                held = run_steps(day, MORNING + REST_OF_DAY if check else MORNING)
                if held and not check:
                    _stay(world, day)
            finally:
                dispatcher.close()
        stopped = _all_stopped(world)
    _report(day, held, stopped, check)


@contextmanager
def _settings(check: bool) -> Iterator[Settings]:
    from kernel.log import set_up_logging
    from kernel.settings import load_settings

    set_up_logging("warning")
    if not check:
        yield load_settings()
        return
    with tempfile.TemporaryDirectory(prefix="cunda-demo-") as home:
        yield load_settings(home=Path(home), database_url=None, broker_url=None, http_port=0, broker_port=0)


def _all_stopped(world: DemoWorld) -> bool:
    from firmware_bridge.broker.launcher import answers

    ours = world.broker.kind != "foreign"
    return not world.bridge.alive() and not (ours and answers(world.broker.address, timeout_s=0.3))


def _stay(world: DemoWorld, day: DayState) -> None:
    for line in _welcome(world, day):
        print(line, flush=True)
    nobody_asks = threading.Event()
    try:
        while not nobody_asks.wait(_CUSTOMER_EVERY_S):
            world.kiosks.drop()
    except KeyboardInterrupt:
        say("stopping")


def _welcome(world: DemoWorld, day: DayState) -> Sequence[str]:
    version = day.version
    with_routes = sorted(
        one["courier_id"] for one in day.dispatcher.get(f"/versions/{version['version_id']}/routes")["items"]
    )
    return [
        "",
        f"{world.region.title}: {version['parcels_planned']} parcels on {version['routes']} routes for {world.day}, "
        f"{version['parcels_unassigned']} with a reason why not",
        "",
        f"  console      {world.url}/console",
        f"  courier      {world.url}/courier",
        f"  station      {world.url}/station",
        f"  API          {world.url}/api/v1/openapi.json",
        f"  broker       {world.broker.address.url}  ({world.broker.kind}, {len(world.kiosks.agents)} kiosks)",
        "",
        f"  password       {world.password}   for each of these logins:",
        *(f"  {role:<14} {name}" for role, name in world.logins.items() if role != "courier"),
        f"  couriers       {', '.join(with_routes[:4])}, … ({len(with_routes)} with a route)",
        "",
        f"  in another terminal: export CUNDA_HOME={world.services.settings.home}; cunda parcels list -r demo",
        "",
        "Ctrl-C stops everything.",
    ]


def _report(day: DayState, held: bool, stopped: bool, check: bool) -> None:
    ok = held and stopped
    if not ok:
        failed = [step.name for step in day.steps if not step.ok] or ["stopping"]
        say(f"DID NOT HOLD: {', '.join(failed)}")
    if check:
        document: dict[str, Any] = {
            "ok": ok,
            "region": day.world.region.name,
            "day": day.world.day,
            "stopped": stopped,
            "steps": [vars(step) for step in day.steps],
            "seconds": round(sum(step.seconds for step in day.steps), 1),
        }
        print(json.dumps(plain(document), ensure_ascii=False), flush=True)
    if not ok:
        raise typer.Exit(1)
