"""The day itself: who does what when, from the manifest before dawn to the closed plan in the evening."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from api.simulation.courier import CourierAgent
from api.simulation.dispatcher import Dispatcher
from api.simulation.incidents import Landslide, choose_landslide, late_township
from api.simulation.office import Office, Parcel
from api.simulation.person import Person
from api.simulation.roads import LonLat
from api.simulation.world import World
from dispatch.parcels.generator import HEADER, INVENTED_COMPANIES
from kernel.progress import Progress

_H: Final = 3600
PLAN_S: Final = 5 * _H + 1800
ARRIVAL_S: Final = 6 * _H + 1800
TRUNK_KNOWN_S: Final = 7 * _H
LANDSLIDE_S: Final = 10 * _H + 900
LANDSLIDE_KNOWN_AFTER_S: Final = 420
CLEARED_S: Final = 17 * _H
BREAKDOWN_S: Final = 11 * _H + 1800
BREAKDOWN_KNOWN_AFTER_S: Final = 180
TOWED_S: Final = 17 * _H + 1800
SECOND_VISITS_S: Final = (13 * _H, 15 * _H)
ORDERS_S: Final = (9 * _H + 1800, 13 * _H + 1800)
REFUSALS_S: Final = tuple(hour * _H + 2700 for hour in range(9, 17))
KIOSKS_OPEN_S: Final = (8 * _H, 17 * _H)
SWEEP_EVERY_S: Final = 1800
END_S: Final = 22 * _H
_TRUNK_HANDLING_S: Final = 1500
_LATE_TRUNK_S: Final = (9 * _H + 900, 9 * _H + 3000)
_ITEMS: Final = ("document", "clothing", "electronics", "food", "medicine", "other")
_FEWEST_STOPS_AHEAD: Final = 4


@dataclass
class DayState:
    """What the day has come to, beside what API and ledger know.

    Attributes
    ----------
    parcels
        Every parcel by id.
    refused
        Reason code of each drop-off that no route could take.
    """

    world: World
    dispatcher: Dispatcher
    office: Office
    couriers: dict[str, CourierAgent]
    progress: Progress
    parcels: dict[str, Parcel] = field(default_factory=dict)
    imports: list[dict[str, Any]] = field(default_factory=list)
    first_version: str = ""
    late: dict[str, Any] = field(default_factory=dict)
    landslide: Landslide | None = None
    broken: CourierAgent | None = None
    callbacks: list[str] = field(default_factory=list)
    rang: int = 0
    drops: int = 0
    untold_drops: bool = False
    refused: dict[str, str] = field(default_factory=dict)


class Day:
    """Plays one day; couriers know it as their :class:`api.simulation.courier.Friends`."""

    def __init__(self, world: World, progress: Progress) -> None:
        self.world, self.timeline = world, world.timeline
        office = Office(world.services, world.timeline, world.options.region)
        dispatcher = Dispatcher(world, self._ring, progress)
        self.state = DayState(world, dispatcher, office, {}, progress)
        self._keepers: dict[str, Person] = {}

    @property
    def office(self) -> Office:
        """Return the county office."""
        return self.state.office

    def play(self) -> DayState:
        """Play the day to its end."""
        self._morning()
        self._put_on_timeline()
        self.timeline.run(END_S, self.state.progress)
        self._evening()
        return self.state

    @contextmanager
    def people(self) -> Iterator[None]:
        """Close everybody's connections at the end of the block."""
        try:
            yield
        finally:
            for person in self._people():
                person.close()

    # -- what couriers ask for ---------------------------------------------------------------------------------

    def broken_with(self, parcel_ids: set[str]) -> CourierAgent | None:
        """Return the courier who broke down and holds one of these parcels."""
        broken = self.state.broken
        return broken if broken is not None and broken.on_board & parcel_ids else None

    def called_back(self, stop_key: str, courier: CourierAgent) -> None:
        """Hear that a recipient who was not there wants to be visited again today."""
        self.state.callbacks.append(stop_key)
        self.state.rang += 1

    # -- before the shift --------------------------------------------------------------------------------------

    def _morning(self) -> None:
        state, dispatcher = self.state, self.state.dispatcher
        state.imports.append(dispatcher.import_manifest(self.world.manifest(), "manifest.csv"))
        state.first_version = dispatcher.make_plan()["version_id"]
        self._learn_parcels()

    def _learn_parcels(self) -> None:
        """Read the parcels that are new."""
        for one in self.state.dispatcher.person.pages("/parcels", region=self.world.options.region):
            if one["id"] not in self.state.parcels:
                fields = ("id", "waybill", "piece", "company_id", "direction", "place_id")
                self.state.parcels[one["id"]] = Parcel(*(one[name] for name in fields))

    def _put_on_timeline(self) -> None:
        at = self.timeline.at
        at(ARRIVAL_S, self._trunks_arrive)
        at(TRUNK_KNOWN_S, self._hear_of_late_trunk)
        at(LANDSLIDE_S, self._slide)
        at(CLEARED_S, self.world.roads.clear)
        at(BREAKDOWN_S, self._break_down)
        for second in SECOND_VISITS_S:
            at(second, self._visit_again)
        for number, second in enumerate(ORDERS_S):
            at(second, lambda number=number: self._take_orders(number))  # type: ignore[misc]
        for second in REFUSALS_S:
            at(second, self.state.dispatcher.settle_refusals)
        for number in range(self.world.options.drop_offs if self.world.kiosks else 0):
            when = self.world.draws.of("drop", number).randrange(*KIOSKS_OPEN_S)
            at(when, lambda number=number: self._drop_off(number))  # type: ignore[misc]
        for second in range(KIOSKS_OPEN_S[0], KIOSKS_OPEN_S[1] + SWEEP_EVERY_S, SWEEP_EVERY_S):
            at(second, self._sweep)

    def _trunks_arrive(self) -> None:
        """Scan in what came in the night; one township's freight is not there."""
        stops = self._stops_in_force()
        township_of = {place.id: place.township_id for place in self.world.region.places}
        late = late_township(stops, township_of)
        due = [one for one in self.state.parcels.values() if one.direction == "deliver"]
        missing = sorted(one.id for one in due if township_of.get(one.place_id) == late)
        self.state.late = {"township": late, "parcels": missing, "stops": []}
        self.office.arrive({one.id for one in due} - set(missing))

    def _hear_of_late_trunk(self) -> None:
        late, waiting = self.state.late, set(self.state.late["parcels"])
        keys = sorted(stop["key"] for stop in self._stops_in_force() if waiting & set(stop["deliveries"]))
        arrives_s = self.world.draws.of("trunk").randrange(*_LATE_TRUNK_S)
        ready_s = arrives_s + _TRUNK_HANDLING_S
        late |= {"stops": keys, "ready_s": ready_s}
        self.timeline.at(arrives_s, lambda: self.office.arrive(late["parcels"]))
        if keys:
            event = {"kind": "late_trunk", "stops": keys, "ready_s": ready_s}
            self.state.dispatcher.event(event, "the trunk run is late", township=late["township"], ready_s=ready_s)

    def _stops_in_force(self) -> list[dict[str, Any]]:
        return [stop for route in self._routes_in_force() for stop in route["stops"]]

    def _routes_in_force(self) -> list[dict[str, Any]]:
        dispatcher = self.state.dispatcher
        version, person = dispatcher.plan.in_force, dispatcher.person
        items = person.get(f"/versions/{version}/routes")["items"]
        return [person.get(f"/versions/{version}/routes/{one['number']}") for one in items]

    # -- trouble -----------------------------------------------------------------------------------------------

    def _slide(self) -> None:
        """Let a road close under a drive that lies ahead of somebody."""
        depot, now_s = self.world.region.depot.lonlat, self.timeline.now_s
        legs: list[tuple[LonLat, LonLat, int]] = []
        for route in self._routes_in_force():
            before = depot
            for stop in route["stops"]:
                point = (stop["lon"], stop["lat"])
                if stop["arrival_s"] - stop["leg_time_s"] > now_s:
                    legs.append((before, point, stop["leg_distance_m"]))
                before = point
        if self.world.region.source != "road" or not legs:
            return  # straight lines do not slide
        found = choose_landslide(self.world.region.engine(), depot, legs, self.world.draws.of("landslide"))
        if found is None:
            return
        self.state.landslide = found
        self.world.roads.close(found.point)
        self.timeline.at(now_s + LANDSLIDE_KNOWN_AFTER_S, lambda: self._hear_of_landslide(found))

    def _hear_of_landslide(self, slide: Landslide) -> None:
        area = {"type": "Point", "coordinates": list(slide.point)}
        event = {"kind": "closed_road", "area": area}
        self.state.dispatcher.event(event, "landslide", delay_s=slide.delay_s, cut_off=slide.cut_off)

    def _break_down(self) -> None:
        """Let the van that has most before it break down while driving."""
        driving = [one for one in self.state.couriers.values() if one.phase == "driving" and one.on_board]
        loaded = [one for one in driving if len(one.ahead) >= _FEWEST_STOPS_AHEAD]
        if not loaded:
            if self.timeline.now_s < BREAKDOWN_S + 2 * _H:
                self.timeline.at(self.timeline.now_s + 60, self._break_down)
            return
        chosen = self.world.draws.of("breakdown").choice(sorted(loaded, key=lambda one: one.id))
        self.state.broken = chosen
        chosen.break_down()
        self.timeline.at(self.timeline.now_s + BREAKDOWN_KNOWN_AFTER_S, lambda: self._hear_of_breakdown(chosen))
        self.timeline.at(TOWED_S, chosen.towed)

    def _hear_of_breakdown(self, courier: CourierAgent) -> None:
        event = {"kind": "breakdown", "vehicle": courier.vehicle_id}
        held = len(courier.on_board)

        def rescue(waiting: set[str]) -> None:
            self.office.keep(courier.rescued(waiting), "VEHICLE_BREAKDOWN")

        self.state.dispatcher.event(event, "engine failure", rescue, vehicle=courier.vehicle_id, on_board=held)

    def _visit_again(self) -> None:
        keys, self.state.callbacks = self.state.callbacks, []
        if keys:
            self.state.dispatcher.visit_again(keys)

    # -- customers ---------------------------------------------------------------------------------------------

    def _take_orders(self, number: int) -> None:
        """Take in orders to be collected at doors today."""
        count = self.world.options.orders // len(ORDERS_S)
        rows = [self._order_row(number * count + at) for at in range(count)]
        if not rows:
            return
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, HEADER, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
        dispatcher = self.state.dispatcher
        self.state.imports.append(dispatcher.import_manifest(text.getvalue().encode(), f"orders-{number}.csv"))
        known = set(self.state.parcels)
        self._learn_parcels()
        waybills = {row["waybill"] for row in rows}
        new = sorted(one.id for one in self.state.parcels.values() if one.id not in known and one.waybill in waybills)
        dispatcher.event({"kind": "new_order", "parcels": new}, "customers rang up", orders=len(new))

    def _order_row(self, number: int) -> dict[str, str]:
        draw, region = self.world.draws.of("order", number), self.world.region
        place = draw.choice(region.located_places)
        lon, lat = region.door_points(place.id, 1, draw.randrange(2**31))[0].tolist()
        township = region.township(place.township_id).name if place.township_id else ""
        return {
            "company": self._company(draw), "waybill": f"SIM{number:05d}", "piece": "1", "pieces": "1",
            "direction": "collect", "recipient_name": "寄件人", "recipient_phone": f"154{number:08d}",
            "address": f"{township}{place.name}{number}号", "village": place.name, "township": township,
            "lon": f"{lon:.6f}", "lat": f"{lat:.6f}", "datum": "wgs84", "channel": "door",
            "due_day": self.world.options.day.isoformat(), "weight_g": str(draw.randrange(200, 5_000)),
        }  # fmt: skip

    def _drop_off(self, number: int) -> None:
        """Let a customer leave a parcel at a kiosk."""
        draw = self.world.draws.of("drop-off", number)
        site_id = draw.choice(self.world.kiosks)
        keeper = self._keepers.setdefault(site_id, self.world.person(site_id))
        drop = {
            "waybill": f"KIO{number:05d}", "company": self._company(draw),
            "weight_g": draw.randrange(100, 3_000), "size": "S", "compartment": f"{number % 10 + 1}",
            "item_class": draw.choice(_ITEMS), "proof": f"sim:{number}",
        }  # fmt: skip
        keeper.act(f"/kiosks/{site_id}/drop-offs", {"drop_off": drop, "day": self.world.options.day.isoformat()})
        self.state.drops += 1
        self.state.untold_drops = True

    def _company(self, draw: Random) -> str:
        return draw.choice(INVENTED_COMPANIES[: self.world.options.companies])[0]

    def _sweep(self) -> None:
        """Insert what waits at kiosks into routes that pass, as the server's drop-off desk does."""
        if not self.state.untold_drops:
            return
        self.state.untold_drops = False
        options = self.world.options
        for made in self.world.services.planner.insert_waiting(options.region, options.day, actor="system:dropoffs"):
            self.state.refused |= {parcel_id: reason.code.value for parcel_id, reason in made.refused.items()}
        self.state.dispatcher.look()

    # -- the evening -------------------------------------------------------------------------------------------

    def _evening(self) -> None:
        """Explain what came too late for its van, pass collected parcels on to their companies, close the day."""
        self._learn_parcels()
        # Freight of the late trunk run that is still in stock and was never on a van: its van left before it came.
        tried = {one for agent in self.state.couriers.values() for one in agent.handheld.loaded}
        self.office.keep(self.office.stock & set(self.state.late["parcels"]) - tried, "MISSED_TRUNK")
        for agent in self.state.couriers.values():
            self.state.refused |= agent.left_behind
        known = self.state.parcels
        outbound = {one: known[one].company_id for one in self.office.stock if known[one].direction == "collect"}
        self.office.forward(outbound)
        self.office.stock -= outbound.keys()
        self.state.dispatcher.close()

    # -- people ------------------------------------------------------------------------------------------------

    def _ring(self, courier_id: str) -> None:
        agent = self.state.couriers.get(courier_id)
        if agent is None:
            agent = self.state.couriers[courier_id] = CourierAgent(self.world, self, courier_id)
        agent.hear()

    def _people(self) -> Sequence[Person]:
        agents = [one.person for one in self.state.couriers.values()]
        return [self.state.dispatcher.person, *agents, *self._keepers.values()]
