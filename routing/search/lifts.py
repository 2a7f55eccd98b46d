"""Prices that count for more the hotter a search is: of tasks left out, and of vehicles where tasks are bulky.

A hot plan drops tasks for nothing, and with them whole routes, which a cold one does not open again. Where many tasks
take more than half a vehicle each, it opens routes for small ones, though they fit beside the bulky ones, and a cold
one seldom closes as many again. Before and after each piece of a search costs are counted with the real prices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from routing.search.kernels import arrays as a
from routing.search.model import Model

PRIZE_LIFT = 0.2
"""Temperatures by which every prize counts for more while a search without a start plan is hot."""
VEHICLE_LIFT = 10.0
"""Temperatures by which every vehicle costs more, if tasks are bulky."""
BULKY, MANY = 0.5, 0.1
"""Share of a vehicle beyond which no two tasks go together, and share of such tasks among all that counts as many."""


class Lift(NamedTuple):
    """By how much prices are lifted at one temperature."""

    prize: int = 0
    vehicle: int = 0

    def add(self, state: a.State, sign: int = 1) -> None:
        """Count the present and the best plan with lifted prices, or with a negative sign without them again."""
        info = state.info
        info[a.CUR] += sign * (self.prize * info[a.NABSENT] + self.vehicle * info[a.NROUTES])
        info[a.BEST] += sign * (self.prize * info[a.NABSENT_BEST] + self.vehicle * info[a.NROUTES_BEST])


class Lifts:
    """Which prices of a problem are lifted, and room to write them to."""

    def __init__(self, model: Model) -> None:
        self._prize = 0.0 if model.required[model.leads].all() else PRIZE_LIFT
        self._vehicle = VEHICLE_LIFT if has_bulky_tasks(model) else 0.0
        self._real = model.data
        self._data = model.data._replace(prize=model.data.prize.copy(), cls=model.data.cls.copy())

    def at(self, heat: float) -> tuple[a.Data, Lift]:
        """Return the problem with the prices of a temperature, valid until the next call, and what was added."""
        vehicle = int(self._vehicle * heat)
        lift = Lift(int(self._prize * heat) + vehicle, vehicle)  # no task is left out because a vehicle is dearer
        np.add(self._real.prize, lift.prize, out=self._data.prize)
        np.add(self._real.cls[:, a.FIXED], lift.vehicle, out=self._data.cls[:, a.FIXED])
        return self._data, lift


def has_bulky_tasks(model: Model) -> bool:
    """Tell whether many tasks take more than half a vehicle, which decides how many there are, and only loads bind."""
    data = model.data
    if any(model.flags) or data.n == 0 or not model.required[model.leads].all():
        return False
    bulky = (data.delivery > BULKY * data.capacity[0]).any(axis=1)
    return bool(bulky.mean() >= MANY)
