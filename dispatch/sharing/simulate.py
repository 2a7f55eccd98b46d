"""One day under one way of delivering: who carries what, the plans of all fleets, and what comes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dispatch.fleet.fleet import TypeSpec
from dispatch.sharing.county import County
from dispatch.sharing.demand import Consignment, DayDemand
from dispatch.sharing.drive import Drive, Start, plan_drive
from dispatch.sharing.errors import ComparisonError
from dispatch.sharing.figures import Figures, Result
from dispatch.sharing.policy import Contractor, Mode, SharingPolicy
from dispatch.sharing.shares.choices import ShareRule
from dispatch.sharing.shares.executed import ExecutedPrices
from dispatch.sharing.shares.rules import share_cost
from dispatch.sharing.visits import Parcels, hand_over_visits, village_visits
from kernel.money import Fen, share_out

SHARED: str = "*"
"""The fleet that drives for all companies; a company's own fleet has the company's id."""
_CONTRACTOR_ITERATIONS_SHARE = 4


@dataclass(frozen=True)
class Scenario:
    """A way to deliver: the mode of each township and company.

    Attributes
    ----------
    contractors
        Contractor of each township that may be contracted out.
    """

    id: str
    modes: Mapping[tuple[str, str], Mode]
    contractors: Mapping[str, str] = field(default_factory=dict)

    def mode_of(self, township: str, company: str) -> Mode:
        """Return how a company's parcels of a township are delivered; places in no township count as joint."""
        return self.modes.get((township, company), Mode.JOINT)


def uniform(county: County, companies: Sequence[str], mode: Mode, contractors: Mapping[str, str]) -> Scenario:
    """Deliver everywhere in one way."""
    return mixed(county, companies, dict.fromkeys(county.townships, mode), contractors, mode.value)


def mixed(
    county: County, companies: Sequence[str], by_township: Mapping[str, Mode], contractors: Mapping[str, str], name: str
) -> Scenario:
    """Deliver each township in its own way."""
    modes = {(township, company): mode for township, mode in by_township.items() for company in companies}
    if by_township and set(by_township.values()) == {Mode.SEPARATE}:  # places in no township, too
        modes |= {("", company): Mode.SEPARATE for company in companies}
    return Scenario(name, modes, contractors)


@dataclass
class DayState:
    """A day's figures while they are gathered."""

    delivered_at: dict[int, tuple[int, int]] = field(default_factory=dict)
    cost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    fees: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    commissions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    townships: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    moved: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    total: Figures = field(default_factory=Figures)


@dataclass(frozen=True, eq=False)
class Simulator:
    """Simulates days of one county under one policy's terms.

    Attributes
    ----------
    iterations
        Of the routing search for each plan of the county's fleet.
    rule
        How a common fleet's cost is shared between companies.
    contractors_drive
        Whether contractors' routes are planned too; without them their parcels count as delivered.
    """

    county: County
    policy: SharingPolicy
    iterations: int
    seed: int
    rule: ShareRule = ShareRule.SHAPLEY
    contractors_drive: bool = True

    def day(self, demand: DayDemand, scenario: Scenario, start: Mapping[str, Start]) -> tuple[Result, dict[str, Start]]:
        """Simulate a day.

        Parameters
        ----------
        start
            Routes of the day before by fleet; `SHARED` is the common one.

        Returns
        -------
        Its figures, and the routes the next day begins with.
        """
        state = DayState()
        by_fleet: dict[str, list[tuple[int, Consignment]]] = defaultdict(list)
        contracted: list[tuple[int, Consignment]] = []
        for number, parcel in enumerate(demand.parcels):
            mode = scenario.mode_of(self.county.villages[parcel.place].township, parcel.company)
            if mode is Mode.CONTRACT:
                contracted.append((number, parcel))
            else:
                by_fleet[parcel.company if mode is Mode.SEPARATE else SHARED].append((number, parcel))
        routes: dict[str, Start] = {}
        if contracted and SHARED not in by_fleet:
            by_fleet[SHARED] = []
        for fleet, parcels in sorted(by_fleet.items()):
            handed_over = contracted if fleet == SHARED else []
            drive = self._fleet_day(demand, scenario, fleet, parcels, handed_over, start.get(fleet, ()), state)
            routes[fleet] = drive.start()
        return self._result(demand, state), routes

    def _fleet_day(
        self,
        demand: DayDemand,
        scenario: Scenario,
        fleet: str,
        parcels: Parcels,
        contracted: Parcels,
        start: Start,
        state: DayState,
    ) -> Drive:
        county = self.county
        stations = {
            township: self.policy.station
            for township in county.townships
            if fleet == SHARED
            and any(mode is Mode.STATION for (town, _), mode in scenario.modes.items() if town == township)
        }
        handed = village_visits(county, parcels, stations)
        sets, _ = hand_over_visits(county, contracted)
        drive = plan_drive(county, [*handed.visits, *sets], county.kinds, self.iterations, self.seed, start=start)
        self._share(drive, state)
        _note_villages(drive, state)
        for number in handed.at_station & state.delivered_at.keys():
            parcel = demand.parcels[number]
            state.commissions[parcel.company] += self.policy.station.commission_at(parcel.place)
            state.townships[county.villages[parcel.place].township] += self.policy.station.commission_at(parcel.place)
        if contracted:
            self._contractors(demand, scenario, drive, dict(contracted), state)
        return drive

    def _share(self, drive: Drive, state: DayState) -> None:
        """Add a fleet's cost: in total, by company and by township."""
        routes = drive.shared_routes(self.county)
        if not routes:
            return
        moved = _moved(drive, self.policy)
        state.total += moved
        prices = ExecutedPrices(routes)
        shares = share_cost(self.rule, routes, prices, self.seed).shares_fen
        for company, fen in shares.items():
            state.cost[company] += fen
        for route in drive.routes:
            weights: dict[str, int] = defaultdict(int)
            for one in route.visits:
                weights[drive.visits[one].township] += route.legs_s[one] + drive.visits[one].work_s
            for township, fen in share_out(Fen(route.cost_fen), weights).items():
                state.townships[township] += fen
        _spread(moved, shares, state)

    def _contractors(
        self,
        demand: DayDemand,
        scenario: Scenario,
        drive: Drive,
        contracted: Mapping[int, Consignment],
        state: DayState,
    ) -> None:
        """Let contractors deliver what the trunk brought to their townships."""
        brought: dict[str, list[int]] = defaultdict(list)
        arrived_s: dict[str, int] = defaultdict(int)
        for route in drive.routes:
            for one in route.visits:
                visit = drive.visits[one]
                if visit.is_hand_over:
                    brought[visit.township] += visit.parcels
                    arrived_s[visit.township] = max(arrived_s[visit.township], route.times[one][1])
        for township, numbers in sorted(brought.items()):
            contractor = self.policy.contractor(scenario.contractors[township])
            parcels = [(number, contracted[number]) for number in sorted(numbers)]
            if self.contractors_drive:
                self._contractor_day(contractor, township, parcels, arrived_s[township], state)
            else:
                state.delivered_at |= {number: (one.earliest_s, one.latest_s) for number, one in parcels}
            self._pay(demand, contractor, township, parcels, state)

    def _contractor_day(
        self, contractor: Contractor, township: str, parcels: Parcels, arrived_s: int, state: DayState
    ) -> None:
        county = self.county
        seat = county.seats[township]
        kinds = driven_by(contractor, county.kinds)
        drive = plan_drive(
            county,
            village_visits(county, parcels, {}).visits,
            kinds,
            max(1, self.iterations // _CONTRACTOR_ITERATIONS_SHARE),
            self.seed,
            depot=seat,
            opens_s=arrived_s + contractor.hand_over_s,
        )
        _note_villages(drive, state)
        moved = replace(_moved(drive, self.policy), contractor_cost_fen=drive.cost_fen)
        state.total += moved
        weights: dict[str, int] = defaultdict(int)
        for _, parcel in parcels:
            weights[parcel.company] += 1
        _spread(moved, weights, state)

    def _pay(self, demand: DayDemand, contractor: Contractor, township: str, parcels: Parcels, state: DayState) -> None:
        for number, parcel in parcels:
            if number not in state.delivered_at:
                continue
            fee = contractor.fee_fen(parcel.company, parcel.product, parcel.area, parcel.weight_g, demand.day)
            late = not _on_time(parcel, state.delivered_at[number])
            paid = max(0, fee - contractor.late_penalty_fen * late)
            state.fees[parcel.company] += paid
            state.townships[township] += paid

    def _result(self, demand: DayDemand, state: DayState) -> Result:
        """Count what was delivered, and put costs beside it."""
        due: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, parcel in enumerate(demand.parcels):
            due[parcel.company][parcel.place].append(number)
        companies = {
            company: self._count(demand, places, state)
            + replace(
                state.moved[company],
                cost_fen=state.cost[company] + state.fees[company] + state.commissions[company],
                fees_fen=state.fees[company],
                commissions_fen=state.commissions[company],
                calls=state.calls[company],
            )
            for company, places in sorted(due.items())
        }
        together: dict[str, list[int]] = defaultdict(list)
        for number, parcel in enumerate(demand.parcels):
            together[parcel.place].append(number)
            if number not in state.delivered_at:
                state.townships[self.county.villages[parcel.place].township] += self.county.assumptions.undelivered_fen
        total = self._count(demand, together, state) + replace(
            state.total,
            cost_fen=sum(one.cost_fen for one in companies.values()),
            fees_fen=sum(state.fees.values()),
            commissions_fen=sum(state.commissions.values()),
            calls=state.calls[SHARED],
            most_vehicles=state.total.vehicle_days,
        )
        return Result(total, companies, dict(sorted(state.townships.items())))

    def _count(self, demand: DayDemand, places: Mapping[str, Sequence[int]], state: DayState) -> Figures:
        numbers = [number for some in places.values() for number in some]
        delivered = [number for number in numbers if number in state.delivered_at]
        return Figures(
            parcels=len(numbers),
            delivered=len(delivered),
            on_time=sum(_on_time(demand.parcels[number], state.delivered_at[number]) for number in delivered),
            villages_due=len(places),
            villages_reached=sum(all(number in state.delivered_at for number in some) for some in places.values()),
        )


def driven_by(contractor: Contractor, kinds: Sequence[TypeSpec]) -> tuple[TypeSpec, ...]:
    """Return the vehicle types a contractor drives.

    Raises
    ------
    ComparisonError
        If the fleet has none of them.
    """
    if not contractor.vehicle_types:
        return tuple(kinds)
    found = tuple(
        kind
        for kind in kinds
        if any(kind.id == name or kind.id.endswith(f"-{name}") for name in contractor.vehicle_types)
    )
    if not found:
        raise ComparisonError(
            f"contractor {contractor.id}: the fleet has no vehicle type {', '.join(contractor.vehicle_types)}",
            remedy="Name vehicle types of the region's fleet, or leave vehicle_types out.",
            contractor=contractor.id,
        )
    return found


def _note_villages(drive: Drive, state: DayState) -> None:
    """Note when the parcels of villages were delivered; those at hand-over points are not yet."""
    for route in drive.routes:
        for one in route.visits:
            visit = drive.visits[one]
            if visit.is_hand_over:
                continue
            state.delivered_at |= dict.fromkeys(visit.parcels, route.times[one])
            state.calls[SHARED] += len(visit.calls)
            for call in visit.calls:
                for company in call.parts:
                    state.calls[company] += 1


def _moved(drive: Drive, policy: SharingPolicy) -> Figures:
    co2_mg = sum(route.distance_m * policy.emissions.of(route.kind.id, route.kind.profile) for route in drive.routes)
    return Figures(
        distance_m=sum(route.distance_m for route in drive.routes),
        duration_s=sum(route.duration_s for route in drive.routes),
        vehicle_days=len(drive.routes),
        co2_g=co2_mg // 1000,
    )


def _spread(moved: Figures, weights: Mapping[str, int], state: DayState) -> None:
    """Give each company its part of kilometres, hours and emissions, by its share of the cost."""
    if not any(weights.values()):
        return
    for name in ("distance_m", "duration_s", "co2_g", "contractor_cost_fen"):
        for company, part in share_out(Fen(getattr(moved, name)), weights).items():
            state.moved[company] += replace(Figures(), **{name: int(part)})
    if len(weights) == 1:
        (company,) = weights
        state.moved[company] += Figures(vehicle_days=moved.vehicle_days, most_vehicles=moved.vehicle_days)


def _on_time(parcel: Consignment, times: tuple[int, int]) -> bool:
    """Tell whether the visit and the time promised overlap."""
    return times[0] <= parcel.latest_s and times[1] >= parcel.earliest_s
