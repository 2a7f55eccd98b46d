"""Compares ways to deliver on the same demand: each mode, today's separate delivery, and the best mix by township."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from dispatch.fleet.fleet import TypeSpec
from dispatch.sharing.county import Assumptions, County, survey_county
from dispatch.sharing.demand import DayDemand
from dispatch.sharing.drive import Start
from dispatch.sharing.errors import ComparisonError
from dispatch.sharing.figures import Result, total_of
from dispatch.sharing.policy import Mode, SharingPolicy
from dispatch.sharing.shares.choices import ShareRule
from dispatch.sharing.simulate import Scenario, Simulator, mixed, uniform
from kernel.progress import Progress, silent
from maps.region import Region

BEST_MIX: Final = "best-mix"
POLICY: Final = "policy"
_BLOCK_DAYS: Final = 5
_MARGINS_PERMILLE: Final = (1, 3, 6)
"""A mix leaves the cheapest single mode in a township for a gain above this part of the county's cost."""
_DESIGN_DAYS: Final = 6
"""Days that changes of one township are tried on."""
_CHUNKS: Final = 2

DayResults = Mapping[int, Result]


@dataclass(frozen=True)
class Effort:
    """How hard a comparison searches.

    Attributes
    ----------
    iterations
        Of the routing search for each plan; equal iterations and seed give equal figures on every machine.
    processes
        1 works within the calling process.
    stop
        Asked between blocks of days; the days finished by then are reported.
    """

    iterations: int = 10_000
    processes: int = 2
    stop: Callable[[], bool] = field(default=lambda: False, compare=False)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found.

    Attributes
    ----------
    results
        By scenario: the modes, ``separate``, ``best-mix``, and ``policy`` where the policy is not one single mode.
    mix
        The mode of each township in the best mix; empty when the comparison was stopped before.
    tried_fen
        Cost of every mix that was simulated on all days, by its name, what is left behind priced in.
    demand_days
        The days that are reported.
    """

    county: County
    policy: SharingPolicy
    companies: tuple[str, ...]
    demand_days: tuple[date, ...]
    results: Mapping[str, Result]
    mix: Mapping[str, Mode]
    tried_fen: Mapping[str, int]
    seed: int
    iterations: int
    rule: ShareRule


def compare_modes(
    region: Region,
    kinds: Sequence[TypeSpec],
    policy: SharingPolicy,
    demands: Sequence[DayDemand],
    *,
    effort: Effort | None = None,
    seed: int = 1,
    rule: ShareRule = ShareRule.SHAPLEY,
    assumptions: Assumptions | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Simulate every way to deliver on the same days.

    Parameters
    ----------
    kinds
        Vehicle types; each fleet may use as many vehicles of each as it takes.
    rule
        How a common fleet's cost is shared between companies.

    Raises
    ------
    SharingPolicyError
        If the policy does not fit the region.
    ComparisonError
        If there is no parcel, or the comparison was stopped before the first days were done.
    ComparisonPlanRejectedError
        If the independent checker refuses a plan.
    """
    effort = effort or Effort()
    companies = sorted({parcel.company for demand in demands for parcel in demand.parcels})
    if not companies:
        raise ComparisonError("there is no parcel to compare modes with", region=region.name)
    policy.check(region, companies)
    county = survey_county(region, kinds, assumptions, progress)
    simulator = Simulator(county, policy, effort.iterations, seed, rule)
    scenarios = _single_modes(county, companies, policy)
    own = _of_policy(county, companies, policy)
    asked = [*scenarios, *([own] if own is not None else [])]
    with _Workers(simulator, demands, effort) as workers:
        found = workers.run(asked, progress, "modes")
        days = sorted(set.intersection(*(set(results) for results in found.values())))
        if not days:
            raise ComparisonError("the comparison was stopped before its first days were done")
        results = {name: _over(found[name], days) for name in found}
        shared = {one.id: one for one in scenarios if one.id != Mode.SEPARATE.value}
        mix: Mapping[str, Mode] = {}
        tried: dict[str, int] = {}
        if not effort.stop():
            base = shared[_best_single({name: results[name] for name in shared}, county)]
            exchanges = _exchanges(county, companies, base, [Mode(name) for name in sorted(shared)])
            gains = workers.gains(base, exchanges, progress)
            mixes = _mixes(county, companies, base, exchanges, gains)
            more = workers.run(mixes, progress, "mixes")
            if not effort.stop():
                results_of_mixes = {name: _over(more[name], days) for name in more}
                candidates = {name: results[name] for name in shared} | results_of_mixes
                tried = {name: _with_left_behind(result, county) for name, result in candidates.items()}
                best = min(sorted(tried), key=lambda name: tried[name])
                results[BEST_MIX] = candidates[best]
                by_name = shared | {one.id: one for one in mixes}
                mix = {town: by_name[best].mode_of(town, companies[0]) for town in sorted(county.townships)}
    return Comparison(
        county=county,
        policy=policy,
        companies=tuple(companies),
        demand_days=tuple(demands[day].day for day in days),
        results=results,
        mix=mix,
        tried_fen=tried,
        seed=seed,
        iterations=effort.iterations,
        rule=rule,
    )


def _over(results: DayResults, days: Iterable[int]) -> Result:
    return total_of(results[day] for day in days)


def _with_left_behind(result: Result, county: County) -> int:
    missing = result.total.parcels - result.total.delivered
    return result.total.cost_fen + missing * county.assumptions.undelivered_fen


def _contractors(county: County, policy: SharingPolicy) -> dict[str, str]:
    """Return who would deliver each township: the contractor its rule names, else the first listed."""
    if not policy.contractors:
        return {}
    found = dict.fromkeys(county.townships, policy.contractors[0].id)
    for rule in policy.rules:
        if rule.contractor is not None:
            found |= dict.fromkeys(set(rule.townships) & set(found), rule.contractor)
    return found


def _single_modes(county: County, companies: Sequence[str], policy: SharingPolicy) -> list[Scenario]:
    contractors = _contractors(county, policy)
    modes = [mode for mode in Mode if mode is not Mode.CONTRACT or contractors]
    return [uniform(county, companies, mode, contractors) for mode in modes]


def _of_policy(county: County, companies: Sequence[str], policy: SharingPolicy) -> Scenario | None:
    """Return the policy itself as a scenario; nothing when it is one of the single modes."""
    pairs = {(town, company): policy.rule_for(town, company) for town in county.townships for company in companies}
    if len({rule.mode for rule in pairs.values()}) == 1:
        return None
    contractors = _contractors(county, policy) | {
        town: rule.contractor for (town, _), rule in pairs.items() if rule.contractor is not None
    }
    return Scenario(POLICY, {pair: rule.mode for pair, rule in pairs.items()}, contractors)


def _best_single(results: Mapping[str, Result], county: County) -> str:
    return min(sorted(results), key=lambda name: _with_left_behind(results[name], county))


def _exchanges(county: County, companies: Sequence[str], base: Scenario, modes: Sequence[Mode]) -> list[Exchange]:
    """Return every change of one township's mode."""
    usual = {town: base.mode_of(town, companies[0]) for town in county.townships}
    return [
        Exchange(town, mode, mixed(county, companies, usual | {town: mode}, base.contractors, f"{town}/{mode.value}"))
        for town in sorted(county.townships)
        for mode in modes
        if mode is not usual[town]
    ]


def _mixes(
    county: County,
    companies: Sequence[str],
    base: Scenario,
    exchanges: Sequence[Exchange],
    gains_permille: Mapping[str, float],
) -> list[Scenario]:
    """Put together the exchanges that gained, for several margins; equal mixes count once."""
    mixes: dict[tuple[Mode, ...], Scenario] = {}
    for margin in _MARGINS_PERMILLE:
        modes = {town: base.mode_of(town, companies[0]) for town in sorted(county.townships)}
        best: dict[str, float] = dict.fromkeys(modes, margin)
        for one in exchanges:
            gain = gains_permille.get(one.scenario.id, 0.0)
            if gain > best[one.township]:
                best[one.township], modes[one.township] = gain, one.mode
        if any(mode is not base.mode_of(town, companies[0]) for town, mode in modes.items()):
            name = f"mix above {margin} permille"
            mixes.setdefault(tuple(modes.values()), mixed(county, companies, modes, base.contractors, name))
    return list(mixes.values())


# -- working in several processes ---------------------------------------------------------------------------


class _WorkerState(threading.local):
    """What a worker keeps between jobs: one in each process, and one in each thread that works by itself."""

    simulator: Simulator | None = None
    demands: Sequence[DayDemand] = ()


_worker = _WorkerState()


def _prepare(simulator: Simulator, demands: Sequence[DayDemand]) -> None:
    _worker.simulator, _worker.demands = simulator, demands


def _prepared_block(scenario: Scenario, days: Sequence[int]) -> dict[int, Result]:
    assert _worker.simulator is not None
    return simulate_block(_worker.simulator, _worker.demands, scenario, days)


def simulate_block(
    simulator: Simulator, demands: Sequence[DayDemand], scenario: Scenario, days: Sequence[int]
) -> dict[int, Result]:
    """Simulate days one after the other, each beginning with the routes of the day before."""
    results: dict[int, Result] = {}
    start: Mapping[str, Start] = {}
    for day in days:
        results[day], start = simulator.day(demands[day], scenario, start)
    return results


@dataclass(frozen=True)
class Exchange:
    """One township delivered in another way, all else as in the best single mode."""

    township: str
    mode: Mode
    scenario: Scenario


def _prepared_gains(base: Scenario, exchanges: Sequence[Scenario], day: int) -> dict[str, float]:
    assert _worker.simulator is not None
    return exchange_gains(_worker.simulator, _worker.demands[day], base, exchanges)


def exchange_gains(
    simulator: Simulator, demand: DayDemand, base: Scenario, exchanges: Sequence[Scenario]
) -> dict[str, float]:
    """Return what each scenario saves against the base on a day, in permille of the base's cost.

    All begin with the same routes and search alike, so that most of the search's chance falls out of the
    difference. Contractors' own routes are not planned: they do not change what is paid.
    """
    quick = replace(simulator, contractors_drive=False, rule=ShareRule.PER_PARCEL)
    _, start = quick.day(demand, base, {})
    usual = _with_left_behind(quick.day(demand, base, start)[0], simulator.county)
    found = {one.id: _with_left_behind(quick.day(demand, one, start)[0], simulator.county) for one in exchanges}
    return {name: 1_000 * (usual - cost) / usual for name, cost in found.items()}


class _Workers:
    """Runs scenarios in blocks of days, in this process or in several."""

    def __init__(self, simulator: Simulator, demands: Sequence[DayDemand], effort: Effort) -> None:
        self._simulator, self._demands, self._effort = simulator, demands, effort
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> _Workers:
        if self._effort.processes > 1:
            # A fresh interpreter, not a fork: the server's threads must not be copied half-way.
            self._pool = ProcessPoolExecutor(
                self._effort.processes,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_prepare,
                initargs=(self._simulator, self._demands),
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, scenarios: Sequence[Scenario], progress: Progress, stage: str) -> dict[str, dict[int, Result]]:
        """Simulate scenarios on all days; give the days done by scenario."""
        numbers = range(len(self._demands))
        blocks = [numbers[start : start + _BLOCK_DAYS] for start in numbers[::_BLOCK_DAYS]]
        jobs = [(one, tuple(block)) for block in blocks for one in scenarios]
        found: dict[str, dict[int, Result]] = {one.id: {} for one in scenarios}
        for number, results in self._each(_prepared_block, jobs, progress, stage):
            found[jobs[number][0].id] |= results
        return found

    def gains(self, base: Scenario, exchanges: Sequence[Exchange], progress: Progress) -> dict[str, float]:
        """Return the mean gain of each exchange over some days, in permille of the base's cost."""
        step = max(1, len(self._demands) // _DESIGN_DAYS)
        days = list(range(0, len(self._demands), step))[:_DESIGN_DAYS]
        chunks = [tuple(one.scenario for one in exchanges[start::_CHUNKS]) for start in range(_CHUNKS)]
        jobs = [(base, chunk, day) for day in days for chunk in chunks]
        sums: dict[str, float] = {}
        for _, gains in self._each(_prepared_gains, jobs, progress, "exchanges"):
            for name, gain in gains.items():
                sums[name] = sums.get(name, 0.0) + gain / len(days)
        return sums

    def _each(
        self, work: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], progress: Progress, stage: str
    ) -> Iterator[tuple[int, Any]]:
        """Do all jobs, in whatever order they end, until somebody asks to stop; give number and answer of each."""
        progress(stage, 0, len(jobs))
        answers = self._here(work, jobs) if self._pool is None else self._there(self._pool, work, jobs)
        for done, one in enumerate(answers, start=1):
            progress(stage, done, len(jobs))
            yield one

    def _here(self, work: Callable[..., Any], jobs: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        _prepare(self._simulator, self._demands)
        for number, job in enumerate(jobs):
            if self._effort.stop():
                return
            yield number, work(*job)

    def _there(
        self, pool: ProcessPoolExecutor, work: Callable[..., Any], jobs: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        waiting: dict[Future[Any], int] = {pool.submit(work, *job): number for number, job in enumerate(jobs)}
        while waiting:
            ready, _ = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
            for one in ready:
                yield waiting.pop(one), one.result()
            if self._effort.stop():
                waiting = {one: number for one, number in waiting.items() if not one.cancel()}
