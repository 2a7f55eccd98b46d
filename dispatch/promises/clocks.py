"""Clocks of service products: from a product's rules and what the ledger knows to one deadline for a parcel.

What the ledger knows beats what the manifest says: a clock that starts with an event we saw counts from that event,
any other from the day the company's manifest promises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from dispatch.products.product import AreaClass, Channel, Deadline, Demand, EvidenceKind, ServiceProduct, evidence_for
from kernel.clock import at_second, second_of
from maps.region import Region

Basis = Literal["ledger", "manifest", "pickup", "freshness", "rescheduled"]
"""What a deadline counts from: an event, the manifest's day, an order to collect, harvest, the recipient's wish."""

ServedOn = Callable[[date], date]
"""Gives the first service day of a place from a day on."""

_DAY_S = 86_400


@dataclass(frozen=True)
class ClockFacts:
    """Moments that may start or move a parcel's clock.

    Attributes
    ----------
    known_at
        When the parcel became known to us: its import or drop-off.
    accepted_at, arrived_at
        Taken over from its sender; scanned in at the county.
    rescheduled_to
        Day the recipient asked for, only with evidence (SVC-12).
    """

    known_at: datetime
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    rescheduled_to: date | None = None


@dataclass(frozen=True)
class RunningClock:
    """A parcel's running clock: when it started, and when it runs out."""

    started_at: datetime
    deadline_at: datetime
    basis: Basis


@dataclass(frozen=True)
class Promise:
    """What one parcel was promised.

    Attributes
    ----------
    products
        Its product and the add-ons that come with it.
    clock
        None when the product has no deadline for its area, or the place is unknown.
    """

    products: tuple[ServiceProduct, ...]
    area: AreaClass | None
    clock: RunningClock | None

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of product and add-ons."""
        return tuple(product.code for product in self.products)

    @property
    def skills(self) -> frozenset[str]:
        """Return what its vehicle and courier must have."""
        required = {skill for product in self.products for skill in product.rules.required_skills}
        return frozenset(required | ({COLD} if self.is_cold else set()))

    @property
    def wanted_skills(self) -> frozenset[str]:
        """Return what would be good to have along, such as a companion."""
        return frozenset(skill for product in self.products for skill in product.rules.optional_skills)

    @property
    def is_cold(self) -> bool:
        """Tell whether it needs the cold compartment."""
        return any(product.rules.cold_compartment for product in self.products)

    @property
    def is_listed(self) -> bool:
        """Tell whether it goes on the separate load list of valuables."""
        return any(product.rules.separate_load_list for product in self.products)

    @property
    def priority(self) -> int:
        """Return the highest priority of its products, 0 to 100."""
        return max((product.rules.priority or 0 for product in self.products), default=0)

    @property
    def warn_percent(self) -> int:
        """Return the share of the time after which it is at risk; the earliest of its products."""
        return min((p.rules.warn_percent for p in self.products if p.rules.warn_percent is not None), default=100)

    def evidence(self, channel: Channel) -> dict[EvidenceKind, Demand]:
        """Return what has to be shown at hand-over on a channel; kinds that are not asked for are left out."""
        asked = evidence_for(self.products, channel)
        if channel == "door" and any(product.rules.identity_check == "required" for product in self.products):
            asked["identity"] = "required"
        return {kind: demand for kind, demand in sorted(asked.items()) if demand != "disabled"}


COLD = "cold"
"""Skill of a vehicle with a cold compartment."""


def area_classes(region: Region) -> dict[str, AreaClass]:
    """Give the area class of each place of a region.

    Notes
    -----
    The county centre is urban, the rest of its township fringe (城郊), other townships' seats township, and every
    smaller settlement village.
    """
    inner = region.depot.township_id
    return {
        place.id: _area_of(place.kind, bool(inner) and place.township_id == inner)
        for place in (*region.places, region.depot)
    }


def _area_of(kind: str, inner: bool) -> AreaClass:
    if kind == "county":
        return "urban"
    if inner:
        return "fringe"
    return "township" if kind == "town" else "village"


def products_of(
    in_force: Mapping[str, ServiceProduct], code: str, *, cod_fen: int, declared_value_fen: int
) -> tuple[ServiceProduct, ...]:
    """Give a parcel's product and the add-ons its amounts bring along; nothing for a code that is not in force."""
    carrier = in_force.get(code)
    if carrier is None:
        return ()
    extra = [one for one in in_force.values() if one.applies(cod_fen=cod_fen, declared_value_fen=declared_value_fen)]
    return (carrier, *extra)


def clock_of(
    products: Sequence[ServiceProduct],
    facts: ClockFacts,
    *,
    direction: str,
    due_day: date,
    area: AreaClass | None,
    zone: str,
    served_on: ServedOn,
) -> RunningClock | None:
    """Work out when a parcel's clock runs out: the earliest of all that its products promise.

    Parameters
    ----------
    due_day
        The day the manifest promises; where no event we saw starts the clock, the deadline lies on it.
    served_on
        The place's service days, for promises that count them.
    """
    if facts.rescheduled_to is not None:
        usual = _promised(products, area)
        at_s = usual.at_s if usual is not None else _DAY_S - 1
        return RunningClock(facts.known_at, at_second(facts.rescheduled_to, at_s, zone), "rescheduled")
    found = [clock for clock in _clocks(products, facts, direction, due_day, area, zone, served_on) if clock]
    return min(found, key=lambda clock: clock.deadline_at, default=None)


def _clocks(
    products: Sequence[ServiceProduct],
    facts: ClockFacts,
    direction: str,
    due_day: date,
    area: AreaClass | None,
    zone: str,
    served_on: ServedOn,
) -> list[RunningClock | None]:
    collected = direction == "collect"
    found: list[RunningClock | None] = []
    for product in products:
        rules = product.rules
        within_s = (rules.pickup_within_s or rules.collect_within_s) if collected else None
        start = facts.accepted_at or facts.known_at
        if within_s is not None:
            found.append(RunningClock(start, start + timedelta(seconds=within_s), "pickup"))
        if rules.fresh_for_s is not None and facts.accepted_at is not None:
            until = facts.accepted_at + timedelta(seconds=rules.fresh_for_s)
            found.append(RunningClock(facts.accepted_at, until, "freshness"))
    deadline = _promised(products, area)
    if deadline is not None:
        found.append(_by_area(products, deadline, facts, due_day, zone, served_on))
    return found


def _promised(products: Sequence[ServiceProduct], area: AreaClass | None) -> Deadline | None:
    deadlines = [product.rules.deadlines[area] for product in products if area in product.rules.deadlines and area]
    return deadlines[0] if deadlines else None


def _by_area(
    products: Sequence[ServiceProduct],
    deadline: Deadline,
    facts: ClockFacts,
    due_day: date,
    zone: str,
    served_on: ServedOn,
) -> RunningClock:
    rules = products[0].rules
    moments = {"accepted": facts.accepted_at, "arrived_at_county": facts.arrived_at}
    start = moments.get(rules.clock_start or "")
    if start is None:
        day = served_on(due_day) if deadline.service_days is not None else due_day
        day = _nth_service_day(day, (deadline.service_days or 1) - 1, served_on)
        return RunningClock(facts.known_at, at_second(day, deadline.at_s, zone), "manifest")
    day = start.astimezone(ZoneInfo(zone)).date()
    if rules.cut_off_s is not None and second_of(start, day, zone) > rules.cut_off_s:
        day += timedelta(days=1)
    if deadline.service_days is None:
        day += timedelta(days=deadline.days or 0)
    else:
        day = _nth_service_day(served_on(day), deadline.service_days - 1, served_on)
    return RunningClock(start, at_second(day, deadline.at_s, zone), "ledger")


def _nth_service_day(first: date, more: int, served_on: ServedOn) -> date:
    day = first
    for _ in range(more):
        day = served_on(day + timedelta(days=1))
    return day
