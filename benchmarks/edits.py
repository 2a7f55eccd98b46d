r"""Measures how long a dispatcher waits for an edit of a plan of 60 routes with 40 stops each.

    python -m benchmarks.edits --rounds 60 --json edits.json

A made-up day (doors at random in a county without roads, so the legs are estimates) is planned by a sweep into exactly
that many routes and published; then every kind of edit is done again and again on a draft, through the desk that the
API uses, with its record in SQLite. ``http edit`` is the same over a socket. A re-optimisation after one landslide is
measured on the way, with ``--seconds`` of search, and told against the unrestricted re-plan.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from api.app import create_app
from api.auth.service import NewUser
from api.bootstrap import build_services, require_schema
from api.manifests import ManifestOrder
from api.server import ServerThread
from api.services import Services
from api.solving import prepare_solver, solve_within
from dispatch.fleet.fleet import CourierSpec, Fleet, Load, TypeSpec, VehicleSpec
from dispatch.fleet.repository import FleetRepository
from dispatch.plans.difference import Budget
from dispatch.plans.drafts import PlanDesk, Who
from dispatch.plans.dynamic import handle_event, optimise
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.replanning import ReplanOrder
from dispatch.plans.repository import PlanRepository
from dispatch.plans.service import Planner, PlanSettings
from kernel.clock import ManualClock
from kernel.log import set_up_logging
from kernel.money import Fen
from kernel.progress import Progress
from kernel.settings import load_settings
from routing.problem import Problem
from routing.schedule import departure_s
from routing.solution import Result, Route, Solution, Trip

DAY = date(2026, 3, 4)
REGION = "bench"
PASSWORD = "correct horse battery"  # noqa: S105 - of a database that lives for one run
WHO = Who("user:bench", "measured")
CENTRE = (112.90, 30.40)


def sweep_solver(per_route: int) -> Callable[..., Result]:
    """Return a solver that cuts the stops into routes by their direction from the depot, nearest neighbour inside."""

    def solve(problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress) -> Result:
        points = np.asarray(problem.coordinates)
        where = points[[task.location for task in problem.tasks]] - points[0]
        order = np.argsort(np.arctan2(where[:, 1], where[:, 0]))
        routes = []
        for number, start in enumerate(range(0, len(order), per_route)):
            trips = (Trip(tuple(_nearest_first(problem, order[start : start + per_route].tolist())), 0),)
            routes.append(Route(number, trips, departure_s(problem, number, trips)))
        return Result(Solution(tuple(routes)), 0, 0, 1, 0.0, seed, threads)

    return solve


def _nearest_first(problem: Problem, tasks: list[int]) -> list[int]:
    times, here, found = problem.profiles[0].duration_s, 0, []
    while tasks:
        task = min(tasks, key=lambda one: int(times[here, problem.tasks[one].location]))
        tasks.remove(task)
        found.append(task)
        here = problem.tasks[task].location
    return found


def prepare(services: Services, folder: Path, routes: int, stops: int, seed: int) -> str:
    """Make the day, plan it and publish it; give the version's id."""
    towns, villages = folder / "towns.csv", folder / "villages.csv"
    towns.write_text(f"code,name,lon,lat\n429005100,镇,{CENTRE[0]},{CENTRE[1]}\n", encoding="utf-8")
    villages.write_text("code,name,town_code,lon,lat\n429005100201,村,429005100,112.91,30.41\n", encoding="utf-8")
    services.regions.store.import_csv(villages, towns, REGION, "flat")
    kind = TypeSpec(
        "van", "面包车", "van", Load(2_000_000, 9_000_000, 400), Fen(12_000), Fen(80), Fen(2_800), 21_600, 79_200
    )
    count = routes + 3
    fleet = Fleet(
        (kind,),
        tuple(VehicleSpec(f"v-{n:03}", "van", f"A{n:04}", f"c-{n:03}") for n in range(count)),
        tuple(CourierSpec(f"c-{n:03}", f"王{n}") for n in range(count)),
    )
    with services.database.begin() as session:
        FleetRepository(session).add(REGION, fleet)
    draw = random.Random(seed)
    header = "company,waybill,piece,pieces,recipient_name,recipient_phone,address,village,weight_g,lon,lat,datum\n"
    rows = "".join(
        f"yunlu,YL{n:06},1,1,张三,154{n:08},村{n}号,村,500,{CENTRE[0] + draw.uniform(-0.06, 0.06):.6f},"
        f"{CENTRE[1] + draw.uniform(-0.06, 0.06):.6f},wgs84\n"
        for n in range(routes * stops)
    )
    order = ManifestOrder(REGION, "user:bench", DAY, register_companies=True)
    services.manifests.take_in((header + rows).encode(), "day.csv", order)
    planner = Planner(
        services.database, services.regions, services.ids, services.clock,
        MatrixStore(services.settings.home / "matrices"), sweep_solver(stops), {"cunda": "bench"},
    )  # fmt: skip
    made = planner.make_plan(REGION, DAY, actor="user:bench", settings=PlanSettings())
    planner.publish(made.version_id, actor="user:bench")
    print(f"{made.routes} routes, {made.stops} stops, {made.parcels_unassigned} parcels left out")
    return made.version_id


class Bench:
    """One draft that is edited again and again, every edit taken back at once."""

    def __init__(self, desk: PlanDesk, version_id: str, rounds: int, seed: int) -> None:
        self.desk, self.rounds, self.draw = desk, rounds, random.Random(seed)
        self.draft = desk.open(version_id, WHO).id
        self.seconds: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    def time(self, name: str, act: Callable[[], Any]) -> Any:
        """Note how long something takes."""
        began, worked = time.perf_counter(), time.process_time()
        found = act()
        self.seconds.setdefault(name, []).append(time.perf_counter() - began)
        self.cpu.setdefault(name, []).append(time.process_time() - worked)
        return found

    def vans(self) -> list[str]:
        """Give the vehicles with stops, shuffled."""
        lanes = self.desk.read(self.draft).board.lanes
        names = [name for name, lane in lanes.items() if lane.keys]
        self.draw.shuffle(names)
        return names

    def commands(self) -> Sequence[dict[str, Any]]:
        """Draw one edit of each kind for the board as it is."""
        board = self.desk.read(self.draft).board
        first, second = self.vans()[:2]
        keys, others = board.lanes[first].keys, board.lanes[second].keys
        idle = next(name for name, lane in board.lanes.items() if not lane.keys)
        at = self.draw.randrange(len(others))
        return (
            {"kind": "move", "stops": [keys[3]], "vehicle": second, "position": at},
            {"kind": "move", "stops": [keys[5]], "vehicle": second},
            {"kind": "swap", "first": keys[2], "second": others[at]},
            {"kind": "remove", "stops": [keys[at % len(keys)]]},
            {"kind": "reverse", "vehicle": first},
            {"kind": "split", "vehicle": first, "position": 20, "to": idle},
            {"kind": "merge", "vehicle": first, "into": second},
            {"kind": "courier", "vehicle": first, "courier": board.van(second).courier_id},
            {"kind": "vehicle", "vehicle": first, "to": idle},
            {"kind": "shift", "vehicle": first, "start_s": 25_200, "end_s": 79_200},
            {"kind": "lock", "vehicle": first, "level": "sequence"},
            {"kind": "release", "stops": list(keys), "ready_s": 36_000},
            {"kind": "remove_vehicle", "vehicle": first},
            {"kind": "add_vehicle", "vehicle": idle},
        )

    def run(self) -> None:
        """Do every edit `rounds` times."""
        for _ in range(self.rounds):
            for command in self.commands():
                name = command["kind"] + (
                    "" if command.get("position") is not None or command["kind"] != "move" else " to best"
                )
                self.time(name, partial(self.desk.edit, self.draft, command, WHO, override=True))
                if command["kind"] == "remove":
                    insert = {"kind": "insert", "stop": command["stops"][0]}
                    self.time("explain waiting", partial(self.desk.explain, self.draft, insert["stop"]))
                    self.time("insert", partial(self.desk.edit, self.draft, insert, WHO, override=True))
                    self.desk.turn(self.draft, "undo", WHO)
                self.time("undo", lambda: self.desk.turn(self.draft, "undo", WHO))
            self.time("redo", lambda: self.desk.turn(self.draft, "redo", WHO))
            self.desk.turn(self.draft, "undo", WHO)
            key = self.desk.read(self.draft).board.lanes[self.vans()[0]].keys[7]
            self.time("insertion list", partial(self.desk.places, self.draft, key, 5))
            self.time("explain planned", partial(self.desk.explain, self.draft, key))
            self.time("difference", lambda: self.desk.difference(self.draft))


def over_http(services: Services, bench: Bench) -> None:
    """Do edits over a socket, as a dispatcher's program does."""
    services.accounts.add(NewUser("dispatcher", PASSWORD, "dispatcher"))
    with ServerThread(create_app(services)) as server, httpx.Client(base_url=server.url + "/api/v1") as client:
        token = client.post("/session:login", json={"username": "dispatcher", "password": PASSWORD}).json()
        client.headers["Authorization"] = f"Bearer {token['access_token']}"
        for number in range(bench.rounds):
            first, second = bench.vans()[:2]
            key = bench.desk.read(bench.draft).board.lanes[first].keys[1]
            etag = client.get(f"/drafts/{bench.draft}").headers["ETag"]
            body = {
                "command": {"kind": "move", "stops": [key], "vehicle": second, "position": 4},
                "override": True,
                "reason": "measured",
            }
            head = {"If-Match": etag, "Idempotency-Key": f"bench-{number}"}
            answer = bench.time(
                "http edit", partial(client.post, f"/drafts/{bench.draft}:edit", json=body, headers=head)
            )
            assert answer.status_code == 200, answer.text
            bench.time("http try", partial(client.post, f"/drafts/{bench.draft}:try", json=body))


def landslide(services: Services, version_id: str, seconds: float, most: int) -> dict[str, Any]:
    """Re-plan after one event under a budget, and say what it cost against an unrestricted re-plan.

    The swept plan is optimised and published first, so that the comparison is about the event alone. A region without
    roads cannot lose one: a vehicle that cannot leave stands for the landslide.
    """
    prepare_solver()
    with services.database.read() as session:
        plan_id = PlanRepository(session).version(version_id).plan_id
    desk, free = services.desk, Budget({}, {})
    draft = desk.open(version_id, WHO)
    proposal_id, _ = optimise(desk, draft.id, ReplanOrder(seconds=4 * seconds, budget=free), solve_within, WHO)
    _, view = desk.accept(draft.id, proposal_id, WHO)
    desk.save(draft.id, WHO, publish=True)
    victim = sorted(name for name, lane in view.board.lanes.items() if lane.keys)[0]
    order = ReplanOrder(seconds=seconds, budget=Budget({"moved_vehicle": most, "dropped": 0}))
    began = time.perf_counter()
    made = handle_event(desk, plan_id, {"kind": "breakdown", "vehicle": victim}, order, solve_within, WHO)
    found = made.replan
    return {
        "event": "the vehicle of one route cannot leave",
        "moved_limit": most,
        "disturbance": found.chosen.disturbance.as_dict(),
        "level": found.chosen.level,
        "within_budget": found.chosen.within_budget,
        "cost_fen": found.chosen.cost_fen,
        "unrestricted_fen": found.unrestricted.cost_fen,
        "unrestricted_moved": found.unrestricted.disturbance.moved_vehicle,
        "gap_percent": found.gap_percent,
        "waiting": len(found.chosen.board.waiting),
        "seconds": round(time.perf_counter() - began, 1),
    }


def table(bench: Bench) -> dict[str, dict[str, float]]:
    """Give p50 and p99 in milliseconds by command, wall time and processor time, and print them.

    On a machine shared with other work only processor time says what an edit costs.
    """
    found = {}
    print(f"{'command':<18}{'n':>6}{'p50 ms':>10}{'p99 ms':>10}{'p50 cpu':>10}{'p99 cpu':>10}")
    for name, values in bench.seconds.items():
        wall = [1000 * float(np.percentile(values, one)) for one in (50, 99)]
        work = [1000 * float(np.percentile(bench.cpu[name], one)) for one in (50, 99)]
        figures = dict(zip(("p50_ms", "p99_ms", "p50_cpu_ms", "p99_cpu_ms"), (*wall, *work), strict=True))
        found[name] = {"n": len(values)} | {key: round(value, 1) for key, value in figures.items()}
        print(f"{name:<18}{len(values):>6}" + "".join(f"{value:>10.1f}" for value in (*wall, *work)))
    return found


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--routes", type=int, default=60)
    parser.add_argument("--stops", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.0, help="search of the re-plan; 0 leaves it out")
    parser.add_argument("--moved", type=int, default=60, help="most parcels the re-plan may move")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    set_up_logging("warning", "json")
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder) / "home")
        clock = ManualClock(datetime(2026, 3, 3, 12, tzinfo=UTC))
        services = build_services(settings, clock=clock)
        require_schema(services.database)
        version_id = prepare(services, Path(folder), options.routes, options.stops, options.seed)
        bench = Bench(services.desk, version_id, options.rounds, options.seed)
        bench.run()
        over_http(services, bench)
        report: dict[str, Any] = {
            "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
            "load": os.getloadavg(),
            "python": platform.python_version(),
            "routes": options.routes,
            "stops": options.stops,
            "seed": options.seed,
            "commands": table(bench),
        }
        if options.seconds:
            report["replan"] = landslide(services, version_id, options.seconds, options.moved)
            print(json.dumps(report["replan"], indent=1))
        services.database.close()
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
