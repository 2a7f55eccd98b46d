"""The day itself, step by step over HTTP; each step verifies what it did and says what it saw."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from api.demo.client import DemoClient
from api.demo.world import REGION, DemoWorld
from api.errors import DemoStepError
from dispatch.parcels.generator import generate_manifest, write_manifest_csv
from firmware_bridge.device.agent import Agent
from kernel.clock import rfc3339
from kernel.errors import CundaError
from kernel.progress import Progress
from maps.geodesy import straight_m

_WAIT_S = 60.0
_INSERTED_S, _KIOSKS_TRIED = 20.0, 4
"""Time for a drop-off to join a route before another kiosk is tried, and the most kiosks."""
_DROPS_PER_KIOSK = 2


@dataclass(frozen=True)
class Step:
    """What one step did."""

    name: str
    ok: bool
    seconds: float
    seen: Mapping[str, Any]


@dataclass
class DayState:
    """What the day has come to so far."""

    world: DemoWorld
    progress: Progress
    dispatcher: DemoClient
    steps: list[Step] = field(default_factory=list)
    manifest: bytes = b""
    plan_id: str = ""
    version: dict[str, Any] = field(default_factory=dict)
    courier_id: str = ""
    route: dict[str, Any] = field(default_factory=dict)
    etag: str = ""
    delivered: str = ""
    failed: str = ""
    dropped: str = ""

    def client(self, username: str) -> DemoClient:
        """Return a logged-in client."""
        client = DemoClient(self.world.url)
        client.log_in(username, self.world.password)
        return client

    def look_for(self, found: Callable[[], Any], at_most_s: float) -> Any:
        """Ask again until there is an answer; return the last one when the time is over."""
        clock = self.world.services.clock
        began_s = clock.monotonic_s()
        while not (answer := found()) and clock.monotonic_s() - began_s < at_most_s:
            _pause(0.2)
        return answer

    def wait_for(self, what: str, found: Callable[[], Any]) -> Any:
        """Ask again until there is an answer.

        Raises
        ------
        DemoStepError
            After a minute.
        """
        answer = self.look_for(found, _WAIT_S)
        if not answer:
            raise DemoStepError(f"waited {_WAIT_S:.0f} s in vain for {what}")
        return answer


def _pause(seconds: float) -> None:
    import threading

    threading.Event().wait(seconds)


def hold(condition: bool, sentence: str) -> None:
    """Insist on something a step must show.

    Raises
    ------
    DemoStepError
        If it does not hold.
    """
    if not condition:
        raise DemoStepError(f"did not hold: {sentence}")


# -- morning: until the plan is in force --------------------------------------------------------------------


def import_day(day: DayState) -> dict[str, Any]:
    """Generate the day's manifest and send it in; sending it again changes nothing."""
    world, options = day.world, day.world.options
    text = io.StringIO(newline="")
    rows = generate_manifest(world.region, options.parcels, options.companies, options.seed, world.day)
    write_manifest_csv(rows, text)
    day.manifest = text.getvalue().encode()
    report = _send_manifest(day, "import-1")
    hold(
        report["added"] + report["unchanged"] == options.parcels,
        f"{options.parcels} parcels are known after the import",
    )
    again = _send_manifest(day, "import-2")
    hold(again["added"] == 0, "importing the same file again adds nothing")
    return {name: report[name] for name in ("rows_read", "added", "unchanged", "rejected")}


def _send_manifest(day: DayState, key: str) -> dict[str, Any]:
    answer = day.dispatcher.answer(
        "POST",
        "/parcels:import",
        data={"region": REGION, "day": day.world.day.isoformat()},
        files={"file": ("day.csv", day.manifest, "text/csv")},
        headers={"Idempotency-Key": f"{key}-{day.world.services.ids.new()}"},
    )
    return dict(answer.json())


def make_plan(day: DayState) -> dict[str, Any]:
    """Have the day planned as long work, following its progress."""
    order = {
        "region": REGION, "day": day.world.day.isoformat(), "seconds": day.world.options.seconds,
        "seed": day.world.options.seed,
    }  # fmt: skip
    operation = day.dispatcher.post("/plans:make", order, key=day.world.services.ids.new())
    day.version = day.dispatcher.follow_operation(operation, day.progress)
    day.plan_id = day.version["plan_id"]
    planned, left = day.version["parcels_planned"], day.version["parcels_unassigned"]
    hold(planned + left >= day.world.options.parcels, "every parcel is on a route or has a reason")
    hold(sum(day.version["reasons"].values()) == left, "every parcel without a route has a reason")
    return {
        name: day.version[name]
        for name in (
            "routes", "stops", "parcels_planned", "parcels_unassigned", "reasons", "distance_m", "cost_fen", "source",
            "statistics",
        )
    }  # fmt: skip


def publish(day: DayState) -> dict[str, Any]:
    """Put the plan in force; without having read the present state it is refused."""
    body = {"version_id": day.version["version_id"], "reason": "demo"}
    path = f"/plans/{day.plan_id}"
    blind = day.dispatcher.answer(
        "POST", f"{path}:publish", expect=(428,), json=body, headers={"Idempotency-Key": day.world.services.ids.new()}
    )
    etag = day.dispatcher.answer("GET", path).headers["ETag"]
    published = day.dispatcher.post(f"{path}:publish", body, key=day.world.services.ids.new(), **{"If-Match": etag})
    hold(published["published"], "the version is in force")
    return {"version": published["number"], "without_if_match": blind.json()["code"]}


# -- the courier -------------------------------------------------------------------------------------------------


def pull_route(day: DayState) -> dict[str, Any]:
    """Log in as a courier and pull the route; pulling again brings nothing new."""
    routes = day.dispatcher.get(f"/versions/{day.version['version_id']}/routes")["items"]
    longest = max((one for one in routes if one["courier_id"]), key=lambda one: one["stops"])
    day.courier_id = longest["courier_id"]
    courier = day.client(day.courier_id)
    try:
        first = courier.answer("GET", "/courier/route", params={"day": day.world.day.isoformat()})
        again = courier.answer(
            "GET", "/courier/route", expect=(304,), params={"day": day.world.day.isoformat()},
            headers={"If-None-Match": first.headers["ETag"]},
        )  # fmt: skip
    finally:
        courier.close()
    day.route, day.etag = first.json(), first.headers["ETag"]
    stops = day.route["stops"]
    arrivals = [stop["arrival_s"] for stop in stops]
    hold(arrivals == sorted(arrivals), "stops are in the order of driving")
    hold(all(stop["parcels"] for stop in stops), "every stop has its parcels")
    hold(day.route["geometry"]["type"] == "LineString", "the route has a line on the map")
    hold(not again.content, "304 carries no body")
    return {
        "courier": day.courier_id, "stops": len(stops), "parcels": sum(len(stop["parcels"]) for stop in stops),
        "points": len(day.route["geometry"]["coordinates"]), "bytes": len(first.content), "not_modified": 304,
    }  # fmt: skip


def report_outcomes(day: DayState) -> dict[str, Any]:
    """Load, deliver one parcel and fail with another; a repeat is a duplicate, a senseless row is refused alone."""
    parcels = [
        parcel for stop in day.route["stops"] if stop["site_id"] is None for parcel in stop["parcels"]
        if parcel["direction"] == "deliver"
    ]  # fmt: skip
    day.delivered, day.failed = parcels[0]["id"], parcels[-1]["id"]
    rows = [
        _fact(day, "loaded", day.delivered, 1),
        _fact(day, "loaded", day.failed, 2),
        _fact(day, "departed", day.delivered, 3),
        _fact(day, "departed", day.failed, 4),
        _fact(day, "delivered", day.delivered, 5),
        _fact(day, "attempted", day.failed, 6, cause="NOBODY_HOME", next_action="redeliver",
              next_on=day.world.day.isoformat()),
    ]  # fmt: skip
    senseless = _fact(day, "delivered", "no-such-parcel", 7)
    courier = day.client(day.courier_id)
    try:
        first = courier.post("/courier/events", {"events": [*rows, senseless]})["items"]
        again = courier.post("/courier/events", {"events": rows})["items"]
    finally:
        courier.close()
    hold([item["outcome"] for item in first] == ["stored"] * len(rows) + ["rejected"], "good rows are stored")
    hold([item["outcome"] for item in again] == ["duplicate"] * len(rows), "a repeat stores nothing")
    return {"stored": len(rows), "duplicate": len(again), "rejected": first[-1]["problem"]["code"]}


def _fact(day: DayState, kind: str, parcel_id: str, seq: int, **more: Any) -> dict[str, Any]:
    services = day.world.services
    return {
        "event_id": services.ids.new(), "kind": kind, "parcel_id": parcel_id, "day": day.world.day.isoformat(),
        "fact_at": rfc3339(services.clock.now(), day.world.region.zone), "store": services.ids.new(), "seq": seq,
        "plan_version_id": day.route["version_id"], **more,
    }  # fmt: skip


# -- kiosks --------------------------------------------------------------------------------------------------------


def insert_drop_off(day: DayState) -> dict[str, Any]:
    """Let a customer use a kiosk; the drop-off joins a published route and nobody else's order changes."""
    routes = _routes_of_couriers(day)
    event_id, courier_id = _dropped_on_a_route(day, routes)
    was = routes[courier_id]
    courier = day.client(courier_id)
    try:
        pulled = courier.answer(
            "GET", "/courier/route", expect=(200,),
            params={"day": day.world.day.isoformat(), "seen": was["body"]["version_id"]},
            headers={"If-None-Match": was["etag"]},
        )  # fmt: skip
    finally:
        courier.close()
    now = pulled.json()
    old_order = [(stop["key"], stop["label"]) for stop in was["body"]["stops"]]
    new_order = [(stop["key"], stop["label"]) for stop in now["stops"]]
    kept = [entry for entry in new_order if entry in old_order]
    hold(kept == old_order, "the stops that were there keep their order and their numbers")
    hold(bool(now["changes"]), "the courier is told what changed")
    hold(
        any(day.dropped in change["parcel_ids"] for change in now["changes"]), "the change names the drop-off's parcel"
    )
    return {
        "event": event_id, "parcel": day.dropped, "courier": courier_id, "stops_before": len(old_order),
        "stops_now": len(new_order), "changes": [change["kind"] for change in now["changes"]],
    }  # fmt: skip


def _dropped_on_a_route(day: DayState, routes: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Use kiosks, those nearest to the vans' ways first, until a van takes the parcel; return event and courier.

    On a day whose vans are out to the end of their shifts a kiosk off their ways may find none: what was left there
    waits for another day.
    """
    known = {was["body"]["route_id"] for was in routes.values()}
    stops = [(stop["lon"], stop["lat"]) for was in routes.values() for stop in was["body"]["stops"]]
    for agent in _nearest_kiosks(day, stops)[:_KIOSKS_TRIED]:
        before = day.dispatcher.get("/events", after=0, limit=1)["newest"]
        event_id = day.world.kiosks.drop(agent)
        found = partial(_parcel_of, day, event_id, before)
        day.dropped = day.wait_for("the drop-off in the ledger", found)
        courier_id = day.look_for(partial(_courier_with, day, day.dropped, known), _INSERTED_S)
        if courier_id:
            return event_id, str(courier_id)
    raise DemoStepError(
        f"no van took a drop-off at any of {_KIOSKS_TRIED} kiosks near its way within {_INSERTED_S:.0f} s"
    )


def _nearest_kiosks(day: DayState, stops: Sequence[tuple[float, float]]) -> list[Agent]:
    """Order the kiosks by the distance to the nearest stop."""
    sites = day.dispatcher.get("/sites", region=REGION, kind="kiosk")["items"]
    visited = np.array(stops)
    away = {site["id"]: float(straight_m(np.array([site["lon"], site["lat"]]), visited).min()) for site in sites}
    return sorted(day.world.kiosks.agents, key=lambda agent: away[agent.config.address.device])


def _routes_of_couriers(day: DayState) -> dict[str, dict[str, Any]]:
    found = {}
    in_force = day.dispatcher.get(f"/plans/{day.plan_id}")["in_force"]
    for entry in day.dispatcher.get(f"/versions/{in_force}/routes")["items"]:
        client = day.client(entry["courier_id"])
        try:
            answer = client.answer("GET", "/courier/route", params={"day": day.world.day.isoformat()})
        finally:
            client.close()
        found[entry["courier_id"]] = {"body": answer.json(), "etag": answer.headers["ETag"]}
    return found


def _parcel_of(day: DayState, event_id: str, after: int) -> str | None:
    for entry in day.dispatcher.get("/events", after=after, limit=500)["items"]:
        if entry["body"].get("event_id") == event_id:
            return str(entry["subject"]).removeprefix("parcel:")
    return None


def _courier_with(day: DayState, parcel_id: str, known_routes: set[str]) -> str | None:
    in_force = day.dispatcher.get(f"/plans/{day.plan_id}")["in_force"]
    for entry in day.dispatcher.get(f"/versions/{in_force}/routes")["items"]:
        if entry["id"] in known_routes:
            continue  # untouched routes are shared between versions
        detail = day.dispatcher.get(f"/versions/{in_force}/routes/{entry['number']}")
        if any(parcel_id in stop["collections"] for stop in detail["stops"]):
            return str(entry["courier_id"])
    return None


def many_drop_offs(day: DayState) -> dict[str, Any]:
    """Let every kiosk take drop-offs at once; each is in the ledger exactly once."""
    world = day.world
    after = day.dispatcher.get("/events", after=0, limit=1)["newest"]
    connected = day.wait_for(
        "all kiosks to connect",
        lambda: world.kiosks.connected() == len(world.kiosks.agents) and len(world.kiosks.agents),
    )
    made = [world.kiosks.drop(agent) for agent in world.kiosks.agents for _ in range(_DROPS_PER_KIOSK)]
    total = len(made)

    def acknowledged() -> bool:
        waiting = world.kiosks.waiting()
        day.progress("drop-offs acknowledged", total - waiting, total)
        return waiting == 0

    day.wait_for("every drop-off's acknowledgement", acknowledged)
    stored = [entry for entry in _feed(day, after) if entry["kind"] == "custody.accepted_from_sender"]
    ids = [entry["body"]["event_id"] for entry in stored]
    hold(set(made) <= set(ids), "no drop-off is lost")
    hold(len(ids) == len(set(ids)), "no drop-off is counted twice")
    return {
        "kiosks": connected,
        "drop_offs": total,
        "lost": len(set(made) - set(ids)),
        "twice": len(ids) - len(set(ids)),
    }


def _feed(day: DayState, after: int) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    while page := day.dispatcher.get("/events", after=after, limit=500)["items"]:
        entries += page
        after = page[-1]["position"]
    return entries


# -- the ledger's answers --------------------------------------------------------------------------------------------


def ask_ledger(day: DayState) -> dict[str, Any]:
    """Ask for several parcels: where is it, who has it, since when, what next."""
    untouched = next(
        parcel["id"] for stop in day.route["stops"] for parcel in stop["parcels"]
        if parcel["id"] not in (day.delivered, day.failed) and parcel["direction"] == "deliver"
    )  # fmt: skip
    courier = f"courier:{day.courier_id}"
    expected = {
        day.delivered: ("delivered", "recipient", "none"),
        day.failed: ("attempted", courier, "redeliver"),
        day.dropped: ("accepted", None, "collect"),
        untouched: ("announced", None, "await_arrival"),
    }
    sentences = []
    for parcel_id, (status, who, next_step) in expected.items():
        (found,) = day.dispatcher.get(f"/parcels/{parcel_id}/custody")["items"]
        said = f"{found['status']}, with {found['who']}, next {found['next_step']}"
        hold(found["status"] == status, f"parcel {parcel_id} is {status}: it is {said}")
        hold(who is None or found["who"] == who, f"parcel {parcel_id} is with {who}: it is {said}")
        hold(found["next_step"] == next_step, f"parcel {parcel_id} is next {next_step}: it is {said}")
        hold(bool(found["where"]) and bool(found["since"]), f"parcel {parcel_id} is somewhere since some time")
        sentences.append(found["sentence_en"])
    return {"answers": sentences}


def refuse_the_wrong(day: DayState) -> dict[str, Any]:
    """A courier cannot publish, and nobody gets in without a login."""
    courier = day.client(day.courier_id)
    stranger = DemoClient(day.world.url)
    try:
        key = {"Idempotency-Key": day.world.services.ids.new()}
        body = {"version_id": day.version["version_id"]}
        refused = courier.answer("POST", f"/plans/{day.plan_id}:publish", expect=(403,), json=body, headers=key)
        unknown = stranger.answer("GET", "/parcels", expect=(401,), params={"region": REGION})
    finally:
        courier.close()
        stranger.close()
    return {"courier_publishes": refused.json()["code"], "stranger_reads": unknown.json()["code"]}


MORNING: tuple[Callable[[DayState], dict[str, Any]], ...] = (import_day, make_plan, publish)
REST_OF_DAY: tuple[Callable[[DayState], dict[str, Any]], ...] = (
    pull_route, report_outcomes, insert_drop_off, many_drop_offs, ask_ledger, refuse_the_wrong,
)  # fmt: skip


def run_steps(day: DayState, steps: tuple[Callable[[DayState], dict[str, Any]], ...]) -> bool:
    """Run steps in order, stopping at the first that does not hold; tell whether all held."""
    clock = day.world.services.clock
    for number, step in enumerate(steps, start=1):
        name = step.__name__
        day.progress(f"step {name}", 0, 1, f"{number} of {len(steps)}")
        began_s = clock.monotonic_s()
        try:
            seen, ok = step(day), True
        except CundaError as problem:
            seen, ok = {"error": problem.as_dict()}, False
        except (KeyError, ValueError, TypeError, LookupError) as problem:  # an answer without the form it should have
            seen, ok = {"error": f"{type(problem).__name__}: {problem}"}, False
        day.steps.append(Step(name, ok, round(clock.monotonic_s() - began_s, 2), seen))
        day.progress(f"step {name}", 1, 1, "held" if ok else "DID NOT HOLD")
        if not ok:
            return False
    return True
