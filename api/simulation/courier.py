"""A courier's day: pull the route, load, drive through a noisy county, report, accept changes, come home."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol

import httpx

from api.simulation.handheld import Handheld
from api.simulation.office import Office
from api.simulation.roads import Drive, LonLat
from api.simulation.world import World

LOADING_S: Final = 900
_HAND_OVER_S: Final = 600
_ASK_AGAIN_S: Final = 600
_ASKED_IN_VAIN: Final = 3  # so often a courier waits for another plan before giving a stop up
_OVERTIME_S: Final = 3600  # a change that would end later than this after the shift is refused


class Friends(Protocol):
    """Whom couriers talk to beside the API: the office, each other, the dispatcher's telephone."""

    @property
    def office(self) -> Office:
        """Return the county office."""
        ...

    def broken_with(self, parcel_ids: set[str]) -> CourierAgent | None:
        """Return a courier whose vehicle broke down and who holds one of these parcels."""
        ...

    def called_back(self, stop_key: str, courier: CourierAgent) -> None:
        """Hear that a recipient who was not there wants to be visited again today."""
        ...


@dataclass
class Visit:
    """One stop as it was promised and as it was."""

    key: str
    name: str
    kind: str
    place_id: str
    courier_id: str
    version: int
    planned_s: int
    arrived_s: int
    began_s: int
    left_s: int = 0
    window_kept: bool = True
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass
class ShiftState:
    """What a courier's shift came to."""

    left_s: int | None = None
    back_s: int | None = None
    driven_m: int = 0
    driving_s: int = 0
    working_s: int = 0
    visits: list[Visit] = field(default_factory=list)
    track: list[list[LonLat]] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    given_up: list[str] = field(default_factory=list)
    stuck_s: int = 0


class CourierAgent:
    """One courier with a handheld, and the van the plan gave."""

    def __init__(self, world: World, friends: Friends, courier_id: str) -> None:
        self.world, self.friends, self.id = world, friends, courier_id
        self.person = world.person(courier_id)
        self.handheld = Handheld(world, self.person, courier_id)
        self.shift = ShiftState()
        self.phase = "idle"
        self.route: dict[str, Any] | None = None
        self.on_board: set[str] = set()
        self.collected: set[str] = set()
        self.done: set[str] = set()
        self.left_behind: dict[str, str] = {}
        self.at: LonLat = world.region.depot.lonlat
        self._seen: str | None = None
        self._stale = True
        self._turn = 0
        self._in_vain = 0
        self._place = ""
        self._loading_since_s: int | None = None

    # -- the route ---------------------------------------------------------------------------------------------

    def hear(self) -> None:
        """Hear that the route changed; whoever is not driving looks at once."""
        self._stale = True
        if self.phase in ("idle", "loading", "home", "waiting"):
            self._soon(self._look, 0)

    @property
    def ahead(self) -> list[dict[str, Any]]:
        """Return the stops of the route that are still to do."""
        return [] if self.route is None else [one for one in self.route["stops"] if one["key"] not in self.done]

    @property
    def vehicle_id(self) -> str:
        """Return the vehicle of the route."""
        return "" if self.route is None else str(self.route["vehicle_id"])

    def _look(self) -> None:
        """Look at the route while standing at the depot, or beside a road that is closed."""
        waiting = self.phase == "waiting"
        self._pull()
        if waiting:
            self._next()
        elif self.route is not None and self.ahead:
            self.phase = "loading"
            self._at(max(self.world.timeline.now_s, self.route["start_s"] - LOADING_S), self._load)

    def _pull(self) -> None:
        """Pull the route when it changed, and answer the changes."""
        if not self._stale:
            return
        self._stale = False
        params = {"day": self.world.options.day.isoformat()} | ({"seen": self._seen} if self._seen else {})
        answer = self.person.answer("GET", "/courier/route", expect=(200, 404), params=params)
        if answer.status_code == httpx.codes.NOT_FOUND:
            self.route = None
            return
        route = dict(answer.json())
        known, self.route, self._seen = self.route, route, route["version_id"]
        if known is not None and known["route_id"] != route["route_id"] and route["changes"]:
            self._answer_changes(known["version_id"], route)

    def _answer_changes(self, seen: str, route: Mapping[str, Any]) -> None:
        late_s = route["end_s"] - self.world.types[self.vehicle_id].shift_end_s
        fits = late_s <= _OVERTIME_S
        body = {
            "day": self.world.options.day.isoformat(), "route_id": route["route_id"], "seen": seen,
            "answer": "accepted" if fits else "refused",
            "reason": "" if fits else f"would end {late_s // 60} minutes after the shift",
        }  # fmt: skip
        self.person.act("/courier/route:answer", body)
        if fits:
            self.shift.accepted += 1
        else:
            self.shift.refused += 1

    # -- at the depot ------------------------------------------------------------------------------------------

    def _load(self) -> None:
        self._pull()
        if self.route is None or not self.ahead:
            self.phase = "idle"
            return
        begins_s = self.route["start_s"] - LOADING_S
        if begins_s > self.world.timeline.now_s:  # the freight comes later than it seemed
            self._at(begins_s, self._load)
            return
        self._take_on()
        if self._loading_since_s is None:
            self._loading_since_s = self.world.timeline.now_s
        self._at(max(self.route["start_s"], self._loading_since_s + LOADING_S), self._depart)

    def _take_on(self) -> None:
        """Load what the route delivers and the office has."""
        assert self.route is not None
        wanted = {one["id"] for stop in self.ahead for one in stop["parcels"] if one["direction"] == "deliver"}
        taken = self.friends.office.assign(wanted - self.on_board, f"route-{self.route['number']}")
        self._say("loaded", taken)
        self.handheld.flush()
        self.on_board |= set(taken)

    def _depart(self) -> None:
        self._pull()
        if self.route is None or not self.ahead:
            self.phase = "idle"
            return
        if self.route["start_s"] > self.world.timeline.now_s:
            self._at(self.route["start_s"], self._depart)
            return
        self._take_on()
        self._say("departed", sorted(self.on_board))
        if self.shift.left_s is None:
            self.shift.left_s = self.world.timeline.now_s
        self._next()

    # -- on the road -------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Go on: to somebody who broke down, to the next stop, or home."""
        if self._signal():
            self.handheld.flush()
            self._pull()
        if self.ahead and self._too_late():
            for stop in list(self.ahead):
                self._leave_out(stop, "OUT_OF_TIME")
        giver = self._giver()
        if giver is not None and self._drive([giver.at], lambda: self._take_over(giver)):
            return
        if not self.ahead:
            self._go_home()
            return
        stop = self.ahead[0]
        point = (stop["lon"], stop["lat"])
        promised = (stop["arrival_s"], int(self.route["version_number"]) if self.route else 0)
        if self._drive([point], lambda: self._arrive(stop["key"], promised), stop["key"]):
            self._in_vain = 0
            return
        self._in_vain += 1
        if self._in_vain > _ASKED_IN_VAIN:
            self._give_up(stop)
            return
        self._wait()

    def _wait(self) -> None:
        self.phase = "waiting"
        self.shift.stuck_s += _ASK_AGAIN_S
        self._stale = True
        self._soon(self._next, _ASK_AGAIN_S)

    def _too_late(self) -> bool:
        """Tell whether the shift is over for so long that whoever is still out turns back."""
        return self.world.timeline.now_s > self.world.types[self.vehicle_id].shift_end_s + _OVERTIME_S

    def _give_up(self, stop: Mapping[str, Any]) -> None:
        """Leave out a stop to which no road leads, and go on."""
        self._in_vain = 0
        self._leave_out(stop, "ROAD_CLOSED")
        self._next()

    def _leave_out(self, stop: Mapping[str, Any], cause: str) -> None:
        """Drive past a stop and say why; what was to be fetched there waits where it is."""
        self.done.add(stop["key"])
        self.shift.given_up.append(stop["key"])
        held = [one["id"] for one in stop["parcels"] if one["id"] in self.on_board]
        self._say("attempted", held, cause=cause, **self._again())
        self.left_behind |= {one["id"]: cause for one in stop["parcels"] if one["direction"] == "collect"}

    def _drive(self, points: list[LonLat], arrive: Callable[[], None], name: str = "") -> bool:
        """Drive somewhere and do something there; false when no road leads there."""
        found = self._road(points)
        if found is None:
            return False
        self.phase = "driving"
        options, draws = self.world.options, self.world.draws
        noise = options.travel_bias * draws.factor(options.travel_sigma, "drive", self.id, name, len(self.shift.track))
        took_s = round(found.time_s * noise)
        target = points[-1]
        place = self._place_of(name)

        def there() -> None:
            self.at, self._place = target, place
            self.shift.driven_m += found.distance_m
            self.shift.driving_s += took_s
            self.shift.track.append(list(found.line))
            arrive()

        self._soon(there, took_s)
        return True

    def _place_of(self, key: str) -> str:
        return next((str(one["place_id"]) for one in self.ahead if one["key"] == key), "")

    def _road(self, points: list[LonLat]) -> Drive | None:
        profile = self.world.types[self.vehicle_id].profile
        return self.world.roads.drive([self.at, *points], profile)

    def _arrive(self, key: str, promised: tuple[int, int]) -> None:
        if self._signal():
            self._pull()
        stop = next((one for one in self.ahead if one["key"] == key), None)
        if stop is None:  # it is somebody else's by now
            self._next()
            return
        now_s = self.world.timeline.now_s
        opens, closes = self._window(stop, now_s)
        began_s = max(now_s, opens)
        visit = Visit(
            key, stop["name"], stop["kind"], stop["place_id"], self.id, promised[1], promised[0], now_s, began_s,
            window_kept=began_s <= closes,
        )  # fmt: skip
        options = self.world.options
        noise = self.world.draws.factor(options.service_sigma, "service", key)
        work_s = round((stop["departure_s"] - stop["start_s"]) * noise)
        self.phase = "serving"
        self.shift.working_s += work_s
        self._at(began_s + work_s, lambda: self._finish(stop, visit))

    def _window(self, stop: Mapping[str, Any], now_s: int) -> tuple[int, int]:
        """Return the window the courier is in or waits for, else the last one."""
        timeline = self.world.timeline
        moments = [[timeline.second_of(moment) for moment in window] for window in stop["windows"]]
        opens, closes = next((one for one in moments if now_s <= one[1]), moments[-1])
        return opens, closes

    def _finish(self, stop: Mapping[str, Any], visit: Visit) -> None:
        visit.left_s = self.world.timeline.now_s
        if self._signal():
            self._pull()  # something may have been dropped off, and planned for this stop, meanwhile
            stop = next((one for one in self.ahead if one["key"] == stop["key"]), stop)
        self.done.add(stop["key"])
        outcome, more = self._outcome(stop)
        given = [one for one in stop["parcels"] if one["direction"] == "deliver" and one["id"] in self.on_board]
        taken = [one["id"] for one in stop["parcels"] if one["direction"] == "collect"]
        self._report_given(outcome, given, more)
        if outcome == "attempted" and stop["site_id"] is None:
            self._say("attempted", taken, **more)
        else:
            self._say("collected", taken)
            self.collected |= set(taken)
        visit.outcomes = {outcome: len(given), "collected": len(taken)}
        self.shift.visits.append(visit)
        if outcome == "attempted" and given and self._rings_up(stop):
            self.friends.called_back(stop["key"], self)
        self._next()

    def _report_given(self, outcome: str, given: list[dict[str, Any]], more: Mapping[str, Any]) -> None:
        for one in given:
            cash = {"amount_fen": one["cod_fen"], "means": "cash"} if one["cod_fen"] and outcome == "delivered" else {}
            self._say(outcome, [one["id"]], **more, **cash)
        if outcome != "attempted":
            self.on_board -= {one["id"] for one in given}

    def _outcome(self, stop: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Draw what happens at a stop."""
        options, draws = self.world.options, self.world.draws
        if stop["site_id"] is not None:
            full = stop["kind"] == "cabinet" and draws.chance(options.full_percent, "full", stop["key"])
            return ("attempted", {"cause": "LOCKER_FULL", **self._again()}) if full else ("deposited", {})
        nobody = stop["kind"] == "door" and draws.chance(options.failed_percent, "door", stop["key"])
        return ("attempted", {"cause": "NOBODY_HOME", **self._again()}) if nobody else ("delivered", {})

    def _again(self) -> dict[str, Any]:
        tomorrow = self.world.options.day + timedelta(days=1)
        return {"next_action": "redeliver", "next_on": tomorrow.isoformat()}

    def _rings_up(self, stop: Mapping[str, Any]) -> bool:
        return stop["kind"] == "door" and self.world.draws.chance(
            self.world.options.callback_percent, "ring", stop["key"]
        )

    # -- trouble and the way home ------------------------------------------------------------------------------

    def break_down(self) -> None:
        """Stop where the last stop was: the engine is dead, the goods wait for somebody else."""
        self._turn += 1  # what was to happen next happens no more
        self.phase = "broken"
        self.handheld.flush()

    def rescued(self, parcel_ids: set[str]) -> list[str]:
        """Give goods that no other courier can take to the office's recovery truck."""
        given = sorted(parcel_ids & self.on_board)
        self._say("returned", given)
        self.handheld.flush()
        self.on_board -= set(given)
        return given

    def towed(self) -> None:
        """Come home on a rope with what nobody took over."""
        kept = sorted(self.on_board - self.handheld.tried)
        self._say("attempted", kept, cause="VEHICLE_BREAKDOWN", **self._again())
        self._come_home()

    def _giver(self) -> CourierAgent | None:
        wanted = {one["id"] for stop in self.ahead for one in stop["parcels"]} - self.on_board
        return self.friends.broken_with(wanted) if wanted else None

    def _take_over(self, giver: CourierAgent) -> None:
        """Take goods over from a courier whose vehicle broke down."""
        wanted = {one["id"] for stop in self.ahead for one in stop["parcels"]}
        moved = wanted & giver.on_board
        self.friends.office.witness_hand_over(moved, giver.id, self.id)
        giver.on_board -= moved
        self.on_board |= moved
        self._soon(self._next, _HAND_OVER_S)

    def _go_home(self) -> None:
        depot = self.world.region.depot.lonlat
        if not self._drive([depot], self._home, "home"):
            self._wait()

    def _home(self) -> None:
        self._pull()
        if self.ahead:  # something came while driving home
            self._next()
            return
        self._come_home()

    def _come_home(self) -> None:
        served = [] if self.route is None else [one for one in self.route["stops"] if one["key"] in self.done]
        asked = {one["id"] for stop in served for one in stop["parcels"] if one["direction"] == "collect"}
        # Planned for a stop that was already left, where there was no signal to say so.
        self.left_behind = dict.fromkeys(sorted(asked - self.collected), "CAME_AFTER_VISIT") | self.left_behind
        back = sorted(self.on_board | self.collected)
        self._say("returned", back)
        self.on_board, self.collected = set(), set()
        self.friends.office.stock |= set(back)
        self.phase = "home"
        self.shift.back_s = self.world.timeline.now_s
        self.handheld.flush()

    def _say(self, kind: str, parcel_ids: list[str], **more: Any) -> None:
        self.handheld.report(kind, parcel_ids, None if self.route is None else self.route["version_id"], **more)

    # -- small things ------------------------------------------------------------------------------------------

    def _signal(self) -> bool:
        """Tell whether there is signal where the courier is."""
        silent = self.world.draws.chance(self.world.options.silent_percent, "silent", self._place)
        return not (silent and self._place)

    def _at(self, second: int, act: Callable[[], None]) -> None:
        """Do something next, at a second of the day; what was to be next before is not done."""
        self._turn += 1
        turn = self._turn
        self.world.timeline.at(second, lambda: act() if turn == self._turn else None)

    def _soon(self, act: Callable[[], None], after_s: int) -> None:
        self._at(self.world.timeline.now_s + after_s, act)
