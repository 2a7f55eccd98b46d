"""Rules that share a common cost between companies (SHR-20), and what a coalition may say against them (SHR-21).

Every rule ends in integer fen by the largest remainder, ties by company id. Shares are never negative: nobody is
paid for taking part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import factorial, lcm
from random import Random
from typing import Final

from dispatch.sharing.errors import SharesError
from dispatch.sharing.shares.choices import ShareRule
from dispatch.sharing.shares.executed import ExecutedPrices, Part, SharedRoute
from dispatch.sharing.shares.game import Coalition, CostGame
from dispatch.sharing.shares.nucleolus import nucleolus
from kernel.money import Fen, share_out

MOST_EXACT: Final = 7
"""Companies up to which every coalition is priced for the Shapley value: 127 of them (SHR-20)."""
MOST_NUCLEOLUS: Final = 10
_PAIRS_OF_ORDERS: Final = 256
_FEN_PARTS: Final = 1_000_000  # the linear program's floats are shared out in millionths of a fen


@dataclass(frozen=True)
class Complaint:
    """A coalition that would be better off alone, and by how much."""

    companies: tuple[str, ...]
    pays_fen: int
    alone_fen: int

    @property
    def better_off_fen(self) -> int:
        """Return what it would save by leaving."""
        return self.pays_fen - self.alone_fen


@dataclass(frozen=True)
class CostShares:
    """A cost shared by a rule.

    Attributes
    ----------
    alone_fen
        What each company would cost alone.
    complaints
        Coalitions better off alone, the largest gain first.
    looked_at
        How many coalitions were looked at for complaints.
    exact
        Whether the rule was computed exactly; False for a sampled Shapley value.
    """

    rule: ShareRule
    total_fen: int
    shares_fen: Mapping[str, Fen]
    alone_fen: Mapping[str, int]
    complaints: tuple[Complaint, ...]
    looked_at: int
    exact: bool
    seed: int


def share_cost(rule: ShareRule, routes: Sequence[SharedRoute], prices: ExecutedPrices, seed: int) -> CostShares:
    """Share the cost of routes as they are driven."""
    return share_game(rule, CostGame(prices.companies, prices, prices.total_fen), routes, seed)


def share_game(rule: ShareRule, game: CostGame, routes: Sequence[SharedRoute], seed: int) -> CostShares:
    """Share a game's cost; rules that count parcels, kilograms or stops take them from the routes.

    Raises
    ------
    SharesError
        If the nucleolus is asked for more than ten companies.
    """
    if not game.total_fen:
        shares = {company: Fen(0) for company in game.companies}
    else:
        shares = share_out(Fen(game.total_fen), _weights(rule, game, routes, seed))
    complaints, looked_at = complaints_of(game, shares)
    return CostShares(
        rule=rule,
        total_fen=game.total_fen,
        shares_fen=shares,
        alone_fen={company: game.cost_fen(frozenset([company])) for company in game.companies},
        complaints=complaints,
        looked_at=looked_at,
        exact=rule is not ShareRule.SHAPLEY or len(game.companies) <= MOST_EXACT,
        seed=seed,
    )


def _weights(rule: ShareRule, game: CostGame, routes: Sequence[SharedRoute], seed: int) -> Mapping[str, int]:
    from_game: dict[ShareRule, Callable[[], Mapping[str, int]]] = {
        ShareRule.STAND_ALONE: lambda: _alone(game),
        ShareRule.MARGINAL: lambda: _marginal(game),
        ShareRule.SHAPLEY: lambda: shapley_weights(game, seed),
        ShareRule.NUCLEOLUS: lambda: _nucleolus_weights(game),
    }
    if rule in from_game:
        weights = from_game[rule]()
    elif rule is ShareRule.STOP_SHARE:
        weights = _by_stops(routes)
    else:
        sums = _sums(routes)
        weights = {one: part.pieces if rule is ShareRule.PER_PARCEL else part.weight_g for one, part in sums.items()}
    return weights if any(weights.values()) else dict.fromkeys(game.companies, 1)


def _sums(routes: Sequence[SharedRoute]) -> dict[str, Part]:
    sums: dict[str, Part] = {}
    for route in routes:
        for stop in route.stops:
            for call in stop.calls:
                for company, part in call.parts.items():
                    sums[company] = sums.get(company, Part(0, 0, 0)) + part
    return sums


def _by_stops(routes: Sequence[SharedRoute]) -> dict[str, int]:
    """Weigh each route by its cost, each of its stops alike, and within a stop each parcel alike."""
    parts: dict[str, list[tuple[int, int]]] = {}
    for route in routes:
        for stop in route.stops:
            pieces: dict[str, int] = {}
            for call in stop.calls:
                for company, part in call.parts.items():
                    pieces[company] = pieces.get(company, 0) + part.pieces
            whole = sum(pieces.values()) * len(route.stops)
            for company, count in pieces.items():
                parts.setdefault(company, []).append((route.cost_fen * count, whole))
    common = lcm(*(whole for some in parts.values() for _, whole in some))
    return {company: sum(part * (common // whole) for part, whole in some) for company, some in parts.items()}


def _alone(game: CostGame) -> dict[str, int]:
    return {company: game.cost_fen(frozenset([company])) for company in game.companies}


def _marginal(game: CostGame) -> dict[str, int]:
    """Weigh each company by what its leaving would save."""
    saved = {one: game.total_fen - game.cost_fen(game.everybody - {one}) for one in game.companies}
    weights = {company: max(0, fen) for company, fen in saved.items()}
    return weights if any(weights.values()) else _alone(game)


def shapley_weights(game: CostGame, seed: int) -> dict[str, int]:
    """Return weights in proportion to the Shapley value: exact up to seven companies, sampled beyond.

    Notes
    -----
    Exact: Shapley (1953), the mean cost of joining over all orders, as integers times n!. Sampled: pairs of an
    order and its reverse, drawn by the seed (Castro, Gómez, Tejada 2009; the reverse halves much of the spread).
    """
    sums = _joining_costs(game) if len(game.companies) <= MOST_EXACT else _sampled_joining_costs(game, seed)
    return {company: max(0, cost) for company, cost in sums.items()}


def _joining_costs(game: CostGame) -> dict[str, int]:
    count = len(game.companies)
    sums = dict.fromkeys(game.companies, 0)
    for before in [frozenset[str](), *game.coalitions()]:
        orders = factorial(len(before)) * factorial(count - len(before) - 1)
        for company in game.everybody - before:
            sums[company] += orders * (game.cost_fen(before | {company}) - game.cost_fen(before))
    return sums


def _sampled_joining_costs(game: CostGame, seed: int) -> dict[str, int]:
    draw = Random(seed)  # noqa: S311 - a sample, not a secret
    sums = dict.fromkeys(game.companies, 0)
    for _ in range(_PAIRS_OF_ORDERS):
        order = draw.sample(game.companies, len(game.companies))
        for one in (order, order[::-1]):
            grown = [frozenset(one[:size]) for size in range(len(one) + 1)]
            for company, (before, after) in zip(one, pairwise(grown), strict=True):
                sums[company] += game.cost_fen(after) - game.cost_fen(before)
    return sums


def _nucleolus_weights(game: CostGame) -> dict[str, int]:
    if len(game.companies) > MOST_NUCLEOLUS:
        raise SharesError(
            f"the nucleolus is computed for at most {MOST_NUCLEOLUS} companies, not {len(game.companies)}",
            remedy="Choose shapley, which is sampled for many companies.",
        )
    return {company: max(0, round(fen * _FEN_PARTS)) for company, fen in nucleolus(game).items()}


def complaints_of(game: CostGame, shares: Mapping[str, int]) -> tuple[tuple[Complaint, ...], int]:
    """Find the coalitions that pay more than they would cost alone, and say how many were looked at.

    With more than ten companies only single companies, pairs, and all but one are looked at.
    """
    if len(game.companies) <= MOST_NUCLEOLUS:
        looked_at: list[Coalition] = list(game.coalitions())
    else:
        looked_at = [*game.coalitions(2), *(game.everybody - {company} for company in game.companies)]
    found = [
        Complaint(tuple(sorted(one)), sum(shares[company] for company in one), game.cost_fen(one)) for one in looked_at
    ]
    better = sorted(
        (one for one in found if one.better_off_fen > 0), key=lambda one: (-one.better_off_fen, one.companies)
    )
    return tuple(better), len(looked_at)
