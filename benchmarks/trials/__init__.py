"""The test list of the reference (R1-R11, A1-A7, B1-B3, S1-S11, F1) as trials; ``cunda chaos`` runs them.

Each family is a module with a tuple ``TRIALS``; adding one takes an import and its name in the tuple below.
"""

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
