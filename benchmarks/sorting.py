r"""Measures how long a sorter waits for the chute of a scanned parcel.

    python -m benchmarks.sorting --parcels 3000 --scans 2000 --json sorting.json

A demo day is planned and published; then parcels are scanned in random order, in memory (the index alone), through the
desk (with the look at the ledger) and over HTTP. ``after an edit`` is the first scan after another version was put in
force, which has to read and stow what changed; ``first scan`` is that of a process that knew nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import api.tables  # noqa: F401 - every table is known
from api.app import create_app
from api.auth.service import NewUser
from api.bootstrap import build_services, require_schema
from api.demo.client import DemoClient
from api.manifests import ManifestOrder
from api.server import ServerThread
from api.services import Services
from dispatch.fleet.demo import seed_demo_fleet
from dispatch.parcels.generator import generate_manifest, write_manifest_csv
from dispatch.plans.drafts import Who
from dispatch.plans.service import PlanSettings
from dispatch.sorting.plan import SortPlan
from dispatch.sorting.printing import sort_plan_pdf
from dispatch.sorting.scanning import answer_scan
from kernel.clock import ManualClock
from kernel.db import Base
from kernel.log import set_up_logging
from kernel.settings import load_settings

REGION = "demo"
MORNING = datetime(2026, 3, 3, 22, 0, tzinfo=UTC)  # 06:00 in Shanghai on 2026-03-04
DAY = datetime(2026, 3, 4, tzinfo=UTC).date()
PASSWORD = "correct horse battery"  # noqa: S105 - of a database that lives for one run
WHO = Who("user:bench", "measured")


def main() -> None:
    """Run the measurement and print its table."""
    given = _arguments()
    set_up_logging("warning", "text")
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder) / "home")
        settings.home.mkdir()
        services = build_services(settings, clock=ManualClock(MORNING))
        require_schema(services.database)
        Base.metadata.create_all(services.database.engine)
        try:
            version_id = _prepare(services, given.parcels, given.seconds)
            rows = measure(services, version_id, given.scans, random.Random(given.seed))
        finally:
            services.database.close()
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    print(f"{given.parcels} parcels, {given.scans} scans each, seed {given.seed}, {machine}")
    names = ("p50_ms", "p99_ms", "cpu_p50_ms", "cpu_p99_ms")
    print(f"{'what':<34}{'n':>6}" + "".join(f"{name:>12}" for name in names))
    for one in rows:
        print(f"{one['what']:<34}{one['n']:>6}" + "".join(f"{one[name]:>12.3f}" for name in names))
    if given.json:
        given.json.write_text(json.dumps({"machine": machine, "seed": given.seed, "rows": rows}, indent=1))


def measure(services: Services, version_id: str, scans: int, chance: random.Random) -> list[dict[str, Any]]:
    """Measure every kind of scan on a published day."""
    first = timed("first scan of a process", lambda _: services.sorting.sort_plan(REGION, DAY), [0])
    plan = services.sorting.sort_plan(REGION, DAY)
    codes = [chance.choice(plan.parcels).facts.waybill for _ in range(scans)]
    with services.database.read() as session:
        _, index = services.sorting.look(session, REGION, DAY)
        in_memory = timed("in memory: index alone", index.find, codes)

    def at_desk(code: str) -> None:
        with services.database.read() as session:
            _, index = services.sorting.look(session, REGION, DAY)
            answer_scan(session, index, code)

    desk = timed("desk: index and ledger", at_desk, codes)
    strangers = timed("desk: unknown number", at_desk, [f"XX{number}" for number in range(scans // 10)])
    over_http = _over_http(services, codes)
    edited = timed("desk: first scan after an edit", at_desk, _edits(services, plan, version_id, chance))
    printed = timed("print the PDF", lambda _: sort_plan_pdf(plan), [0])
    return [in_memory, desk, strangers, over_http, edited, first, printed]


def timed(what: str, act: Callable[[Any], Any], given: Iterable[Any]) -> dict[str, Any]:
    """Call a function for each given value and sum its times up; making the values does not count."""
    took: list[float] = []
    worked: list[float] = []
    for value in given:
        begun, cpu = time.perf_counter(), time.process_time()
        act(value)
        worked.append(1000 * (time.process_time() - cpu))
        took.append(1000 * (time.perf_counter() - begun))
    return row(what, took, worked)


def row(what: str, took_ms: Sequence[float], worked_ms: Sequence[float]) -> dict[str, Any]:
    """Sum times up: by the wall, and what this process worked (client and server), which others do not lengthen."""
    return {
        "what": what,
        "n": len(took_ms),
        "p50_ms": _share(took_ms, 50),
        "p99_ms": _share(took_ms, 99),
        "cpu_p50_ms": _share(worked_ms, 50),
        "cpu_p99_ms": _share(worked_ms, 99),
    }


def _share(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def _edits(services: Services, plan: SortPlan, version_id: str, chance: random.Random) -> Iterator[str]:
    """Swap two stops' order on some route, publish, and give a parcel of it to be scanned; again and again."""
    present = version_id
    longer = [route.vehicle_id for route in plan.routes if len({one.stop_position for one in route.parcels}) > 1]
    for _ in range(20):
        vehicle = chance.choice(longer)
        draft = services.desk.open(present, WHO, name="bench")
        services.desk.edit(draft.id, {"kind": "reverse", "vehicle": vehicle, "first": 0, "last": 1}, WHO, override=True)
        present = services.desk.save(draft.id, WHO, publish=True).version_id
        yield next(one.facts.waybill for one in plan.parcels if one.vehicle_id == vehicle)


def _over_http(services: Services, codes: Sequence[str]) -> dict[str, Any]:
    services.accounts.add(NewUser("sorter", PASSWORD, "dispatcher"))
    with ServerThread(create_app(services)) as server:
        client = DemoClient(server.url)
        client.log_in("sorter", PASSWORD)
        client.get("/sorting/scan", region=REGION, day=DAY.isoformat(), code=codes[0])
        found = timed(
            "HTTP: GET /sorting/scan",
            lambda code: client.get("/sorting/scan", region=REGION, day=DAY.isoformat(), code=code),
            codes,
        )
        client.close()
    return found


def _prepare(services: Services, parcels: int, seconds: float) -> str:
    region = services.regions.store.build_demo(REGION, 1)
    services.manifests.register_invented_companies()
    with services.database.begin() as session:
        seed_demo_fleet(session, REGION, parcels)
    text = io.StringIO(newline="")
    write_manifest_csv(generate_manifest(region, parcels, 5, 1, DAY), text)
    services.manifests.take_in(text.getvalue().encode(), "day.csv", ManifestOrder(REGION, "user:bench", DAY))
    made = services.planner.make_plan(REGION, DAY, actor="user:bench", settings=PlanSettings(seconds=seconds))
    return services.planner.publish(made.version_id, actor="user:bench").version_id


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parcels", type=int, default=3000)
    parser.add_argument("--scans", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=5.0, help="time the solver gets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
