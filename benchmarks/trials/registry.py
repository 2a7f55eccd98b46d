"""Every trial there is. A family is a module with a tuple ``TRIALS``: an import and its name below register it."""

from benchmarks.trials import (
    agents,
    click,
    forgery,
    kills,
    lines,
    load,
    network,
    order,
    power,
    rollout,
    security,
    station,
)
from benchmarks.trials.trial import Trial

TRIALS: tuple[Trial, ...] = (
    *load.TRIALS,
    *kills.TRIALS,
    *order.TRIALS,
    *network.TRIALS,
    *click.TRIALS,
    *agents.TRIALS,
    *power.TRIALS,
    *rollout.TRIALS,
    *lines.TRIALS,
    *security.TRIALS,
    *forgery.TRIALS,
    *station.TRIALS,
)  # fmt: skip
