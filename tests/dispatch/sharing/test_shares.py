"""Shares of a common cost: what each rule pays, that it adds up, and who would rather be alone."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import chain, combinations, pairwise, permutations
from math import factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.fleet.fleet import TypeSpec
from dispatch.plans.routes import route_cost
from dispatch.sharing.errors import SharesError
from dispatch.sharing.shares.choices import ShareRule
from dispatch.sharing.shares.executed import ExecutedPrices, SharedRoute
from dispatch.sharing.shares.game import CostGame
from dispatch.sharing.shares.nucleolus import nucleolus
from dispatch.sharing.shares.rules import CostShares, complaints_of, shapley_weights, share_cost, share_game
from kernel.money import Fen, share_out

MakeRoute = Callable[..., SharedRoute]
COMPANIES = ("a", "b", "c", "d")


def game_of(prices: dict[str, int]) -> CostGame:
    """Make a game from prices by the letters of a coalition."""
    everybody = max(prices, key=len)
    return CostGame(tuple(everybody), lambda one: prices["".join(sorted(one))], prices[everybody])


def shares(rule: ShareRule, *routes: SharedRoute) -> CostShares:
    """Share the cost of routes."""
    return share_cost(rule, routes, ExecutedPrices(routes), seed=1)


@pytest.fixture
def four_companies(make_route: MakeRoute) -> tuple[SharedRoute, ...]:
    """Give two routes that four companies share unevenly."""
    return (
        make_route({"a": 5, "b": 1}, {"b": 2}, {"a": 1, "c": 4, "d": 1}),
        make_route({"d": 2}, {"a": 1, "d": 1}, {"c": 1}, {"c": 2, "b": 3}),
    )


def test_shr_20_exact_shapley_equals_all_orders(four_companies: tuple[SharedRoute, ...]) -> None:
    """With four companies the Shapley value equals the mean joining cost over all 24 orders, to the fen."""
    prices = ExecutedPrices(four_companies)
    sums = dict.fromkeys(COMPANIES, 0)
    for order in permutations(COMPANIES):
        grown = [frozenset(order[:size]) for size in range(5)]
        for company, (before, after) in zip(order, pairwise(grown), strict=True):
            sums[company] += (prices(after) if after else 0) - (prices(before) if before else 0)

    found = shares(ShareRule.SHAPLEY, *four_companies)

    assert sum(sums.values()) == factorial(4) * prices.total_fen
    assert found.shares_fen == share_out(Fen(prices.total_fen), sums)
    assert found.exact


@pytest.mark.parametrize("rule", list(ShareRule))
def test_shr_20_shares_add_up_to_the_fen(rule: ShareRule, four_companies: tuple[SharedRoute, ...]) -> None:
    """Whatever the rule, whole fen are shared and none is lost."""
    found = shares(rule, *four_companies)

    assert sum(found.shares_fen.values()) == found.total_fen == sum(route.cost_fen for route in four_companies)
    assert all(type(fen) is int and fen >= 0 for fen in found.shares_fen.values())
    assert list(found.shares_fen) == sorted(found.shares_fen)


def test_shr_20_a_tie_goes_by_company_id() -> None:
    """Two equal companies and an odd fen: the first id pays it."""
    game = game_of({"a": 60, "b": 60, "ab": 101})

    assert share_game(ShareRule.SHAPLEY, game, (), 1).shares_fen == {"a": 51, "b": 50}


def test_shr_21_a_coalition_better_off_alone_is_reported(make_route: MakeRoute) -> None:
    """By parcel, a company with many parcels next door pays for another's far village, and the report says so."""
    route = make_route({"near": 20}, {"far": 1}, {"far": 1}, {"far": 1}, {"far": 1})

    found = shares(ShareRule.PER_PARCEL, route)
    fair = shares(ShareRule.SHAPLEY, route)

    assert [one.companies for one in found.complaints] == [("near",)]
    assert found.complaints[0].better_off_fen == found.shares_fen["near"] - found.alone_fen["near"] > 0
    assert fair.complaints == ()


def test_shr_21_every_coalition_is_looked_at(four_companies: tuple[SharedRoute, ...]) -> None:
    """With four companies all fourteen coalitions of some of them are compared."""
    assert shares(ShareRule.PER_KG, *four_companies).looked_at == 14


def test_rules_by_amount_follow_the_amounts(make_route: MakeRoute) -> None:
    """Three parcels of four pay three quarters, by parcel and by weight; two stops of three pay two thirds."""
    route = make_route({"a": 1, "b": 1}, {"a": 2})

    assert shares(ShareRule.PER_PARCEL, route).shares_fen == share_out(Fen(route.cost_fen), {"a": 3, "b": 1})
    assert shares(ShareRule.PER_KG, route).shares_fen == share_out(Fen(route.cost_fen), {"a": 3, "b": 1})
    assert shares(ShareRule.STOP_SHARE, route).shares_fen == share_out(Fen(route.cost_fen), {"a": 3, "b": 1})


def test_a_stop_of_two_companies_is_split_by_pieces(make_route: MakeRoute) -> None:
    """A stop used by two companies counts for each by its parcels, however many parcels other stops have."""
    route = make_route({"a": 1, "b": 3}, {"a": 90})

    assert shares(ShareRule.STOP_SHARE, route).shares_fen == share_out(Fen(route.cost_fen), {"a": 5, "b": 3})


def test_a_coalition_is_priced_in_the_order_that_was_driven(make_route: MakeRoute, small_van: TypeSpec) -> None:
    """Without the others' stops the van drives the same order over its own, with its own work only."""
    route = make_route({"a": 2}, {"b": 1}, {"a": 1, "b": 1})

    alone = ExecutedPrices([route])(frozenset("a"))

    assert alone == route_cost(small_van, 60_000, 6_000 + 2 * 60 + 3 * 30).total_fen


def test_waiting_for_a_window_is_not_paid_before_leaving(make_route: MakeRoute, small_van: TypeSpec) -> None:
    """A stop that opens at noon does not make the van wait from eight: it leaves later."""
    route = make_route({"a": 1}, window=(43_200, 50_000))

    assert route.cost_fen == route_cost(small_van, 20_000, 2_000 + 90).total_fen


def test_waiting_between_windows_is_paid(make_route: MakeRoute, small_van: TypeSpec) -> None:
    """Where the first stop closes long before the second opens, the hours between are paid."""
    morning, noon = (make_route({"a": 1}, {"b": 1}, window=one) for one in ((28_800, 30_000), (43_200, 50_000)))
    both = SharedRoute(small_van, morning.time_s, morning.distance_m, (morning.stops[0], noon.stops[1]), 0)

    waited_s = 43_200 - (30_000 + 90 + 1_000)

    assert both.price_fen(frozenset("ab")) == route_cost(small_van, 40_000, 4_000 + 180 + waited_s).total_fen


def test_the_nucleolus_of_a_known_game() -> None:
    """Three companies on one road to villages ever farther off pay as Littlechild (1974) computed such games.

    The least of 12/2 and 16/3 is paid by the first two, the rest of 24 by the third.
    """
    prices = {"a": 12, "b": 16, "c": 24, "ab": 16, "ac": 24, "bc": 24, "abc": 24}

    found = nucleolus(game_of(prices))

    assert found == pytest.approx({"a": 16 / 3, "b": 16 / 3, "c": 40 / 3}, abs=1e-6)


def test_the_nucleolus_is_in_the_core_when_there_is_one(four_companies: tuple[SharedRoute, ...]) -> None:
    """Nobody is better off alone under the nucleolus, within the rounding to whole fen."""
    found = shares(ShareRule.NUCLEOLUS, *four_companies)

    assert all(one.better_off_fen <= len(one.companies) for one in found.complaints)


def test_the_nucleolus_is_refused_for_many_companies() -> None:
    """Eleven companies have too many coalitions for a sequence of programs; the refusal names another rule."""
    game = CostGame([f"c{number:02}" for number in range(11)], len, 11)

    with pytest.raises(SharesError, match="at most 10") as refused:
        share_game(ShareRule.NUCLEOLUS, game, (), 1)
    assert "shapley" in refused.value.remedy


def test_a_sampled_shapley_value_repeats_and_is_near() -> None:
    """Beyond seven companies orders are drawn by the seed: the same seed the same shares, near the true value."""
    weights = {f"c{number}": number + 1 for number in range(8)}

    def price(coalition: frozenset[str]) -> int:
        return max(weights[one] for one in coalition) * 1_000

    game = CostGame(tuple(weights), price, price(frozenset(weights)))
    first, again, other = (share_game(ShareRule.SHAPLEY, game, (), seed) for seed in (1, 1, 2))

    true = {one: sum(Fraction(1_000, 8 - step) for step in range(rank)) for one, rank in weights.items()}
    assert first.shares_fen == again.shares_fen != other.shares_fen
    assert not first.exact
    assert all(abs(first.shares_fen[one] - true[one]) < 250 for one in weights)


def test_nobody_to_share_with_is_refused() -> None:
    """A plan without parcels has no cost to share."""
    with pytest.raises(SharesError):
        CostGame((), lambda _: 0, 0)


stops_of_three = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 5), min_size=1), min_size=2, max_size=5
).filter(lambda stops: {company for stop in stops for company in stop} == set("abc"))


@settings(max_examples=40)
@given(prices=st.lists(st.integers(0, 10_000), min_size=7, max_size=7))
def test_exact_shapley_is_efficient_for_any_prices(prices: list[int]) -> None:
    """Whatever the coalitions cost, joining costs over all orders add up to the whole."""
    names = ["".join(one) for one in chain.from_iterable(combinations("abc", size) for size in (1, 2, 3))]
    game = game_of(dict(zip(names, sorted(prices), strict=True)))

    found = share_game(ShareRule.SHAPLEY, game, (), 1)

    assert sum(found.shares_fen.values()) == game.total_fen


@settings(max_examples=40)
@given(own=st.integers(0, 5_000), other=st.integers(0, 5_000), together=st.integers(0, 5_000))
def test_equal_companies_pay_alike(own: int, other: int, together: int) -> None:
    """Two companies that cost the same in every coalition pay the same, give or take the odd fen."""
    both = own + together
    game = game_of(
        {"a": own, "b": own, "c": other, "ab": both, "ac": own + other, "bc": own + other, "abc": both + other}
    )

    for rule in (ShareRule.SHAPLEY, ShareRule.MARGINAL, ShareRule.STAND_ALONE, ShareRule.NUCLEOLUS):
        found = share_game(rule, game, (), 1).shares_fen
        assert abs(found["a"] - found["b"]) <= 1, rule


@settings(max_examples=40)
@given(stops=stops_of_three)
def test_a_company_that_costs_nothing_more_pays_nothing(make_route: MakeRoute, stops: list[dict[str, int]]) -> None:
    """A company that adds nothing to any coalition pays nothing by Shapley and by what its leaving saves."""
    route = make_route(*stops)
    prices = ExecutedPrices([route])
    game = CostGame(("a", "b", "c", "free"), lambda one: prices(one - {"free"}), prices.total_fen)

    assert shapley_weights(game, 1)["free"] == 0
    assert share_game(ShareRule.MARGINAL, game, (), 1).shares_fen["free"] == 0


@settings(max_examples=40)
@given(stops=stops_of_three)
def test_a_sub_order_never_costs_more(make_route: MakeRoute, stops: list[dict[str, int]]) -> None:
    """Where roads obey the triangle inequality, leaving stops out never makes a route dearer."""
    route = make_route(*stops)
    prices = ExecutedPrices([route])

    for one in CostGame(prices.companies, prices, prices.total_fen).coalitions():
        assert prices(one) <= prices.total_fen


def test_complaints_of_many_companies_are_looked_for_among_few_coalitions() -> None:
    """With more than ten companies singles, pairs and all but one are compared."""
    names = [f"c{number:02}" for number in range(12)]
    game = CostGame(names, lambda one: 10 * len(one), 120)

    _, looked_at = complaints_of(game, dict.fromkeys(names, 10))

    assert looked_at == 12 + 66 + 12
