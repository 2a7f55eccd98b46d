"""What a trial is: a named scenario with real processes that measures figures and compares them with required ones."""

from __future__ import annotations

import operator
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from kernel.errors import CundaError, InputError
from kernel.progress import Progress, silent

Scale = Literal["full", "small"]
Broker = Literal["auto", "mosquitto", "amqtt"]
Value = float | str


class TrialUnknownError(InputError):
    """No trial has this name."""

    code = "trial_unknown"
    remedy = "`cunda chaos list` names them all."


@dataclass(frozen=True)
class TrialSettings:
    """How trials are run.

    Parameters
    ----------
    folder
        Empty folder for everything one trial writes; each trial gets its own.
    scale
        ``full`` is the size the reference asks for, ``small`` the same scenario in seconds, for tests.
    database_url
        The server's database where a trial can use any; a SQLite file in ``folder`` when omitted.
    """

    folder: Path
    scale: Scale = "full"
    seed: int = 1
    broker: Broker = "auto"
    database_url: str | None = None
    progress: Progress = silent

    def size(self, full: int, small: int) -> int:
        """Choose a number by the scale."""
        return full if self.scale == "full" else small


@dataclass(frozen=True)
class Figure:
    """One measured figure beside the required one; ``required`` is empty where nothing is demanded."""

    name: str
    measured: Value
    required: str
    unit: str
    held: bool


def at_most(name: str, measured: float, limit: float, unit: str = "") -> Figure:
    """Compare with a limit that may be reached and not passed."""
    return Figure(name, _rounded(measured), f"<= {limit:g}", unit, measured <= limit)


def at_least(name: str, measured: float, limit: float, unit: str = "") -> Figure:
    """Compare with a limit that must be reached."""
    return Figure(name, _rounded(measured), f">= {limit:g}", unit, measured >= limit)


def exactly(name: str, measured: Value, wanted: Value, unit: str = "") -> Figure:
    """Compare with the only right answer."""
    return Figure(name, measured, str(wanted), unit, operator.eq(measured, wanted))


def noted(name: str, measured: Value, unit: str = "") -> Figure:
    """Tell a figure of which nothing is demanded."""
    return Figure(name, _rounded(measured) if isinstance(measured, float) else measured, "", unit, held=True)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share (0 to 1) of all lies; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else round(value, 3)


@dataclass(frozen=True)
class TrialResult:
    """What a trial came to.

    Parameters
    ----------
    skipped
        Why it could not be tried on this machine, for example a missing program; empty when it was.
    """

    figures: tuple[Figure, ...] = ()
    skipped: str = ""

    @property
    def held(self) -> bool:
        """Tell whether every figure is as required; a trial that measured nothing proves nothing."""
        return bool(self.figures) and all(figure.held for figure in self.figures)


@dataclass(frozen=True)
class Trial:
    """A named scenario.

    Parameters
    ----------
    name
        Its name in the test list, for example ``R3``.
    title
        What happens and what must come of it, in one line.
    """

    name: str
    title: str
    run: Callable[[TrialSettings], TrialResult]


@dataclass(frozen=True)
class TrialReport:
    """A trial that was run; ``error`` says why it ended early, if it did."""

    name: str
    title: str
    result: TrialResult
    seconds: float
    error: str = ""

    @property
    def outcome(self) -> Literal["held", "failed", "skipped"]:
        """Return the verdict."""
        if self.result.skipped:
            return "skipped"
        return "held" if self.result.held and not self.error else "failed"


def choose(trials: Sequence[Trial], names: Sequence[str]) -> list[Trial]:
    """Find trials by name, in the order asked for; upper or lower case is the same.

    Raises
    ------
    TrialUnknownError
        If one name is not among them.
    """
    known = {trial.name.lower(): trial for trial in trials}
    unknown = [name for name in names if name.lower() not in known]
    if unknown:
        raise TrialUnknownError(f"no trial is called {', '.join(unknown)}", names=unknown)
    return [known[name.lower()] for name in names]


def run_one(trial: Trial, settings: TrialSettings) -> TrialReport:
    """Run one trial in a folder of its own inside ``settings.folder``, which is removed afterwards."""
    started_s, error, result = time.perf_counter(), "", TrialResult()
    with tempfile.TemporaryDirectory(prefix=f"{trial.name.lower()}-", dir=settings.folder) as folder:
        try:
            result = trial.run(replace(settings, folder=Path(folder)))
        except CundaError as problem:
            error = f"{problem.code}: {problem.message}"
        except Exception as problem:  # one broken trial must not hide what the others find
            error = f"{type(problem).__name__}: {problem}"
    return TrialReport(trial.name, trial.title, result, round(time.perf_counter() - started_s, 1), error)


def machine() -> dict[str, str]:
    """Say what the figures were measured on."""
    cpu = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": cpu or platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "processors": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }
