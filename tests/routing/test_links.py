"""Changes tried on links alone leave behind what a plan read anew would have, and nothing at all when taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from routing import Problem, ProblemBuilder
from routing.search.first import construct, load
from routing.search.kernels import arrays as a
from routing.search.model import Model, compile_problem
from routing.search.state import best_orders, keep_present, new_state
from routing.search.variants import Features, kernels

LINKS = [a.PRV, a.NXT, a.CPRV, a.CNXT, a.POS]
HOT, COLD, FROZEN = 300.0, 5.0, 0.0


def stops(count: int, capacity: tuple[int, ...], **changes: Any) -> Problem:
    """Scatter stops round a depot, as many units of each kind of goods as their number gives."""
    draw = np.random.default_rng(7)
    ways = np.sqrt(((points := draw.integers(0, 1000, (count + 1, 2)))[:, None] - points[None]) ** 2).sum(-1).round()
    if changes.pop("crooked", False):
        ways = (ways * draw.uniform(0.5, 1.5, ways.shape)).round()
    builder = ProblemBuilder(tuple(f"goods {d}" for d in range(len(capacity)))).profile("van", ways, ways)
    builder.depot("centre", 0).vehicle_type("van", count=count, capacity=capacity, cost_per_m=1, fixed_cost=50)
    for place in range(1, count + 1):
        amounts = tuple(1 + (place * (d + 3)) % 7 for d in range(len(capacity)))
        builder.task(f"stop {place}", place, delivery=amounts, **changes)
    return builder.build()


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "short routes": lambda: stops(80, (14,)),
    "long routes": lambda: stops(120, (160,)),
    "two kinds of goods": lambda: stops(70, (20, 24)),
    "crooked roads": lambda: stops(60, (18,), crooked=True),
    "optional stops": lambda: stops(60, (18,), required=False, prize=400),
}
TOLLS = {"hard": 0.0, "tolls": 3.0}


def begun(make: Callable[[], Problem], toll: float) -> tuple[Model, a.State]:
    """Insert every stop, and let vehicles be overloaded at a toll a unit."""
    model = compile_problem(make())
    assert model.flags == Features()
    state = new_state(model.data, model.flags, model.leads, 5, model.data.n + 4)
    construct(model, state, 5)
    state.toll[:] = toll
    return model, state


def anneal(model: Model, state: a.State, iterations: int, heat: float) -> None:
    """Search at one temperature."""
    kernels(model.flags).search(model.data, state, a.ANNEAL, iterations, heat, 1.0, 10.0, 10)


def price_of_overload(model: Model, state: a.State) -> int:
    """Add up the tolls of the present plan."""
    used = state.used_list[: state.info[a.NROUTES]]
    over = np.maximum(state.load[used, :, 0] - model.data.capacity[0], 0)
    return int((over * state.toll[0]).astype(np.int64).sum())


def by_first_task(state: a.State) -> dict[int, int]:
    """Find the slot of each route by its first task: slots may differ, routes may not."""
    return {int(state.seq[r, 1]): int(r) for r in state.used_list[: state.info[a.NROUTES]]}


@pytest.mark.parametrize("toll", TOLLS.values(), ids=TOLLS)
@pytest.mark.parametrize("make", PROBLEMS.values(), ids=PROBLEMS)
def test_what_a_search_leaves_is_what_reading_its_plan_gives(make: Callable[[], Problem], toll: float) -> None:
    """Links, arcs, positions, loads, bounds and costs agree with those of the same routes loaded into a new state."""
    model, state = begun(make, toll)
    for heat in (HOT, COLD, HOT, COLD, FROZEN):
        for _ in range(10):
            anneal(model, state, 100, heat)
            present = state._replace(info=state.info.copy(), best_seq=state.best_seq.copy())
            present = present._replace(best_len=state.best_len.copy(), best_cls=state.best_cls.copy())
            keep_present(present)
            again = new_state(model.data, model.flags, model.leads, 1, model.data.n + 4)
            load(model, again, best_orders(present))
            assert state.info[a.CUR] == again.info[a.CUR] + price_of_overload(model, state)
            assert state.info[a.NABSENT] == again.info[a.NABSENT]
            slots, other = by_first_task(state), by_first_task(again)
            assert slots.keys() == other.keys()
            here, there = list(slots.values()), [other[first] for first in slots]
            for name in ("load", "rint"):
                columns: Any = np.s_[..., 0] if name == "load" else np.s_[:, [a.LEN, a.BASE, a.HEAD]]
                np.testing.assert_array_equal(getattr(state, name)[here][columns], getattr(again, name)[there][columns])
            np.testing.assert_array_equal(state.carried[:, here], again.carried[:, there])
            placed = np.flatnonzero(state.node[:, a.RID] >= 0)
            np.testing.assert_array_equal(placed, np.flatnonzero(again.node[:, a.RID] >= 0))
            np.testing.assert_array_equal(state.node[placed][:, LINKS], again.node[placed][:, LINKS])
            np.testing.assert_array_equal(state.seat, state.node[:, a.RID] + 1)
            for name in ("reach", "home"):
                np.testing.assert_array_equal(getattr(state, name)[placed], getattr(again, name)[placed])
    assert state.info[a.ACCEPTED] > 200


def picture(state: a.State) -> dict[str, NDArray[Any]]:
    """Copy what a trial may touch: order, links, loads, and who has no route."""
    used = np.sort(state.used_list[: state.info[a.NROUTES]])
    absent = np.sort(state.absent[: state.info[a.NABSENT]])
    placed = state.node[:, a.RID] >= 0
    orders = [state.seq[r, : state.rint[r, a.LEN] + 2] for r in used]
    return {
        "used": used, "absent": absent, "orders": np.concatenate(orders), "rid": state.node[:, a.RID].copy(),
        "links": state.node[placed][:, LINKS], "load": state.load[used, :, 0], "carried": state.carried[:, used],
        "rint": state.rint[used][:, [a.LEN, a.BASE, a.HEAD]], "seat": state.seat.copy(),
        "reach": state.reach[placed], "home": state.home[placed], "vehicles": state.free_vehicles.copy(),
        "cost": state.info[[a.CUR, a.NROUTES, a.NFREE, a.OVERLOADED]],
    }  # fmt: skip


@pytest.mark.parametrize("toll", TOLLS.values(), ids=TOLLS)
@pytest.mark.parametrize("make", PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_taken_back_leaves_no_trace(make: Callable[[], Problem], toll: float) -> None:
    """Where only gains are kept, most iterations are taken back, and all is as it was before."""
    model, state = begun(make, toll)
    anneal(model, state, 2_000, COLD)
    refused = 0
    for _ in range(400):
        before, kept = picture(state), int(state.info[a.ACCEPTED])
        anneal(model, state, 1, FROZEN)
        if state.info[a.ACCEPTED] == kept:
            refused += 1
            for name, was in picture(state).items():
                np.testing.assert_array_equal(was, before[name], err_msg=name)
    assert refused > 200


def test_without_goods_there_is_room_for_all() -> None:
    """Where nothing is carried every route has room, and one takes all; tolls change nothing."""
    for toll in TOLLS.values():
        model, state = begun(lambda: stops(30, ()), toll)
        anneal(model, state, 3_000, COLD)
        assert (state.info[a.NROUTES], state.info[a.NABSENT]) == (1, 0)
