"""Ways to deliver simulated on one demand: who carries what, what it costs, and which mix is best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from dispatch.fleet.fleet import TypeSpec
from dispatch.sharing.compare import BEST_MIX, POLICY, Comparison, Effort, compare_modes
from dispatch.sharing.county import County, survey_county
from dispatch.sharing.demand import Consignment, DayDemand, generated_day
from dispatch.sharing.drive import plan_drive
from dispatch.sharing.errors import ComparisonError, PolicyUncoveredError
from dispatch.sharing.picture import comparison_page, comparison_svg
from dispatch.sharing.policy import Mode, SharingPolicy, StationTerms
from dispatch.sharing.report import comparison_document, comparison_lines
from dispatch.sharing.shares.choices import ShareRule
from dispatch.sharing.simulate import SHARED, Scenario, Simulator, uniform
from dispatch.sharing.visits import hand_over_visits, village_visits
from maps.region import Region

MakePolicy = Callable[..., SharingPolicy]
DAY = date(2026, 3, 4)
QUICK = Effort(iterations=200, processes=1)


def parcel(company: str, place: str, recipient: str, **changes: Any) -> Consignment:
    """Make a parcel to a door that could as well be collected at a station."""
    plain = Consignment(
        company, place, recipient, False, "door", True, "village_standard", "village", 800, 5_000, 0, 72_000
    )
    return replace(plain, **changes)


@pytest.fixture
def county(two_townships: Region, small_van: TypeSpec) -> County:
    """Give the plain county with one kind of van."""
    return survey_county(two_townships, [small_van])


@pytest.fixture
def two_companies() -> DayDemand:
    """Give a day on which two companies both have parcels for both townships, some for the same people."""
    places = ("v-east", "v-east-2", "v-west")
    parcels = [parcel("a", place, f"{place}-{n}") for place in places for n in range(4)]
    parcels += [parcel("b", place, f"{place}-{n}") for place in places for n in range(2, 6)]
    return DayDemand(DAY, tuple(parcels))


def simulated(county: County, policy: SharingPolicy, demand: DayDemand, mode: Mode) -> Any:
    """Simulate a day in one mode."""
    simulator = Simulator(county, policy, iterations=300, seed=1)
    contractors = dict.fromkeys(county.townships, policy.contractors[0].id)
    return simulator.day(demand, uniform(county, ["a", "b"], mode, contractors), {})[0]


def compared(region: Region, van: TypeSpec, policy: SharingPolicy, demand: DayDemand, **changes: Any) -> Comparison:
    """Compare modes over two equal days."""
    tomorrow = replace(demand, day=demand.day + timedelta(days=1))
    return compare_modes(region, [van], policy, [demand, tomorrow], effort=QUICK, **changes)


def test_one_door_of_two_companies_is_one_call(county: County) -> None:
    """Two companies' parcels for one recipient are one call for a common fleet, and one for each alone."""
    both = [(0, parcel("a", "v-east", "wang")), (1, parcel("b", "v-east", "wang"))]

    (visit,) = village_visits(county, both, {}).visits

    assert len(visit.calls) == 1
    assert set(visit.calls[0].parts) == {"a", "b"}


def test_a_village_without_a_position_is_not_reached(county: County, make_policy: MakePolicy) -> None:
    """A parcel for a village nobody can find is left behind and its village counted as not reached."""
    demand = DayDemand(DAY, (parcel("a", "v-lost", "wang"), parcel("a", "v-west", "li")))

    total = simulated(county, make_policy(), demand, Mode.JOINT).total

    assert (total.parcels, total.delivered, total.villages_due, total.villages_reached) == (2, 1, 2, 1)


def test_a_station_takes_those_who_agree_up_to_its_room(county: County) -> None:
    """With room for three, three go to the station; what may not wait there goes to the door."""
    wanted = [(n, parcel("a", "v-east", f"r{n}")) for n in range(6)]
    wanted += [(6, parcel("a", "v-east", "r6", station_allowed=False))]

    handed = village_visits(county, wanted, {"east": StationTerms(commission_fen=50, capacity=3, consent_percent=100)})

    assert len(handed.at_station) == 3
    assert 6 not in handed.at_station
    assert sorted(call.parts["a"].pieces for call in handed.visits[0].calls) == [1, 1, 1, 1, 3]


def test_people_agree_or_not_on_every_day_alike(county: County) -> None:
    """Whether a recipient agrees to the station does not change from day to day."""
    terms = {"east": StationTerms(commission_fen=50, consent_percent=50)}
    people = [(n, parcel("a", "v-east", f"r{n}")) for n in range(40)]

    first, again = (village_visits(county, people, terms).at_station for _ in range(2))

    assert first == again
    assert 8 < len(first) < 32


def test_joint_delivery_is_cheaper_than_separate(
    county: County, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """One van for both companies costs less than a van for each, and both gain."""
    joint, separate = (simulated(county, make_policy(), two_companies, mode) for mode in (Mode.JOINT, Mode.SEPARATE))

    assert joint.total.cost_fen < separate.total.cost_fen
    assert joint.total.vehicle_days < separate.total.vehicle_days
    for company in ("a", "b"):
        assert joint.companies[company].cost_fen < separate.companies[company].cost_fen


@pytest.mark.parametrize("mode", list(Mode))
def test_every_mode_delivers_everything_and_bills_it_whole(
    county: County, make_policy: MakePolicy, two_companies: DayDemand, mode: Mode
) -> None:
    """All parcels arrive, and what the companies pay adds up to the total."""
    result = simulated(county, make_policy(), two_companies, mode)

    assert result.total.delivered == len(two_companies.parcels)
    assert sum(one.cost_fen for one in result.companies.values()) == result.total.cost_fen
    assert sum(one.distance_m for one in result.companies.values()) == result.total.distance_m
    assert sum(result.townships_fen.values()) == result.total.cost_fen


def test_a_contractor_is_paid_by_its_rate_card(
    county: County, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """Twenty-four light parcels cost twenty-four times the rate, beside the trunk; its own routes are shown."""
    total = simulated(county, make_policy(), two_companies, Mode.CONTRACT).total

    assert total.fees_fen == 24 * 180
    assert total.contractor_cost_fen > 0
    assert total.cost_fen > total.fees_fen


def test_a_late_parcel_costs_the_contractor_its_penalty(
    county: County, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """What arrives after its deadline is paid less, and not on time."""
    contractor = make_policy().contractors[0].model_dump(mode="json", by_alias=True) | {"late_penalty_fen": 100}
    policy = make_policy(contractor=[contractor])
    early = DayDemand(DAY, tuple(replace(one, latest_s=3_600) for one in two_companies.parcels))

    total = simulated(county, policy, early, Mode.CONTRACT).total

    assert (total.on_time, total.fees_fen) == (0, 24 * 80)


def test_hand_over_sets_fit_the_largest_vehicle(county: County) -> None:
    """More parcels than a van takes are sealed into two sets."""
    many = [(n, parcel("a", "v-east", f"r{n}")) for n in range(250)]

    visits, unreached = hand_over_visits(county, many)

    assert [len(one.parcels) for one in visits] == [200, 50]
    assert unreached == ()
    assert plan_drive(county, visits, county.kinds, 200, 1).left_out == ()


def test_a_station_costs_its_commission(county: County, make_policy: MakePolicy, two_companies: DayDemand) -> None:
    """Every parcel handed to a village station is paid for at that village's price."""
    policy = make_policy(
        station={"commission_fen": 50, "consent_percent": 100, "at": [{"place": "v-west", "commission_fen": 70}]}
    )

    total = simulated(county, policy, two_companies, Mode.STATION).total

    assert total.commissions_fen == 16 * 50 + 8 * 70
    assert total.calls == 3


def test_a_company_may_stay_apart(county: County, make_policy: MakePolicy, two_companies: DayDemand) -> None:
    """A policy that leaves one company to itself gives it its own van beside the common one."""
    modes = {(town, company): Mode.JOINT for town in county.townships for company in "ab"}
    apart = Scenario("apart", modes | {("west", "b"): Mode.SEPARATE, ("east", "b"): Mode.SEPARATE})

    result, routes = Simulator(county, make_policy(), 300, 1).day(two_companies, apart, {})

    assert set(routes) == {SHARED, "b"}
    assert result.companies["b"].vehicle_days == 1


def test_the_best_mix_follows_each_townships_own_price(
    two_townships: Region, small_van: TypeSpec, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """Stations that are dear in the east and cheap in the west: doors in the east, stations in the west."""
    dear = [{"place": place, "commission_fen": 900} for place in ("v-east", "v-east-2")]
    policy = make_policy(station={"commission_fen": 1, "consent_percent": 100, "at": dear})

    found = compared(two_townships, small_van, policy, two_companies)

    assert found.mix == {"east": Mode.JOINT, "west": Mode.STATION}
    best = found.results[BEST_MIX].total.cost_fen
    assert best == min(found.tried_fen.values())
    assert best < min(found.results[mode].total.cost_fen for mode in ("joint", "station-reuse", "township-contract"))


def test_shr_01_a_comparison_says_what_it_assumed(
    two_townships: Region, small_van: TypeSpec, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """Document, lines, page and picture name every way to deliver and the assumptions behind them."""
    found = compared(two_townships, small_van, make_policy(), two_companies, rule=ShareRule.STOP_SHARE)

    document = comparison_document(found, title="平县", townships=two_townships.townships, parcels=24)

    assert [one["id"] for one in document["scenarios"]] == [
        "joint", "township-contract", "station-reuse", "separate", "best-mix",
    ]  # fmt: skip
    codes = {one["code"] for one in document["assumptions"]}
    assert {"generated_demand", "fleet", "co2", "on_time", "left_out"} <= codes
    printed = "\n".join(comparison_lines(document, lambda headings, rows: [f"{headings} {len(rows)}"]))
    assert "stop-share" in printed
    assert "平县" in comparison_svg(document)
    assert "<table>" in comparison_page(document)
    assert {one["geometry"]["type"] for one in document["map"]["features"]} == {"Point"}


def test_equal_input_gives_equal_figures(
    two_townships: Region, small_van: TypeSpec, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """The same demand, policy and seed give the same document, whoever asks."""
    towns = two_townships.townships
    documents = [
        comparison_document(compared(two_townships, small_van, make_policy(), two_companies), title="", townships=towns)
        for _ in range(2)
    ]

    assert documents[0] == documents[1]


def test_two_processes_find_what_one_finds(
    two_townships: Region, small_van: TypeSpec, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """Sharing the work between processes changes no figure."""
    alone = compared(two_townships, small_van, make_policy(), two_companies)
    days = [two_companies, replace(two_companies, day=DAY + timedelta(days=1))]
    together = compare_modes(two_townships, [small_van], make_policy(), days, effort=Effort(200, processes=2))

    assert together.results == alone.results
    assert together.mix == alone.mix


def test_a_mixed_policy_is_compared_too(
    two_townships: Region, small_van: TypeSpec, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """A policy of two modes stands beside the single ones; one of a single mode is not repeated."""
    rules = [{"townships": ["*"], "mode": "joint"}, {"townships": ["west"], "mode": "station-reuse"}]

    assert POLICY in compared(two_townships, small_van, make_policy(rule=rules), two_companies).results
    assert POLICY not in compared(two_townships, small_van, make_policy(), two_companies).results


def test_an_incomplete_policy_is_refused_before_anything_is_simulated(
    two_townships: Region, small_van: TypeSpec, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """A township without a rule ends the comparison with its id."""
    policy = make_policy(rule=[{"townships": ["east"], "mode": "joint"}])

    with pytest.raises(PolicyUncoveredError, match="west"):
        compared(two_townships, small_van, policy, two_companies)


def test_a_stopped_comparison_reports_the_days_that_are_done(
    two_townships: Region, small_van: TypeSpec, make_policy: MakePolicy, two_companies: DayDemand
) -> None:
    """Stopped after the first block of days, it reports those and looks for no mix; stopped at once, it says so."""
    days = [replace(two_companies, day=DAY + timedelta(days=n)) for n in range(7)]
    asked = iter([False] * 4 + [True] * 100)
    effort = Effort(100, 1, lambda: next(asked))

    found = compare_modes(two_townships, [small_van], make_policy(), days, effort=effort)

    assert len(found.demand_days) == 5
    assert found.mix == {}
    with pytest.raises(ComparisonError, match="stopped"):
        compare_modes(two_townships, [small_van], make_policy(), days, effort=Effort(100, 1, lambda: True))


def test_generated_demand_repeats(two_townships: Region) -> None:
    """Equal seed and day give equal parcels, whose places and companies are known."""
    county_places = {place.id for place in two_townships.places}

    first, again = (generated_day(two_townships, 50, 3, 1, DAY) for _ in range(2))

    assert first == again
    assert len(first.parcels) == 50
    assert {one.place for one in first.parcels} <= county_places
    assert len({one.company for one in first.parcels}) == 3


def test_nothing_to_compare_is_refused(two_townships: Region, small_van: TypeSpec, make_policy: MakePolicy) -> None:
    """Without a parcel, or without a vehicle type, there is no comparison."""
    with pytest.raises(ComparisonError, match="no parcel"):
        compare_modes(two_townships, [small_van], make_policy(), [DayDemand(DAY, ())], effort=QUICK)
    with pytest.raises(ComparisonError, match="vehicle type"):
        survey_county(two_townships, [])
