"""Make a table of benchmark runs, from their JSON lines alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Line = dict[str, Any]
OURS = "cunda"
PUBLISHED = "published"
"""Who found a reference that no recorded run of ours or of a peer has beaten."""
RESAMPLES = 10_000
_CLOCKS = {"wall": "wall time", "cpu": "processor time"}
_CPU_NOTE = (
    "The machine was shared with other work, so the limit counts processor time of each solver; caches and memory "
    "were still shared, which slows all of them down. Solvers that can only be limited by wall time are left out."
)
SIZE_CLASSES = ((0, 250), (250, 500), (500, 1 << 30))


@dataclass(frozen=True)
class SolverRow:
    """One solver's results over a set.

    Attributes
    ----------
    gaps
        Mean gap in percent of each instance that was solved with every seed.
    failures
        Runs without a feasible and complete plan.
    disturbed
        Runs whose wall time exceeded their processor time by more than 3 %: another job took the core.
    """

    solver: str
    version: str
    gaps: dict[str, float]
    runs: int
    failures: int
    disturbed: int
    iterations_per_s: float | None
    mean_seconds: float


def solver_rows(lines: Sequence[Line]) -> list[SolverRow]:
    """Put the lines together by solver, ours first."""
    names = sorted({line["solver"] for line in lines}, key=lambda name: (name != OURS, name))
    return [_row(name, [line for line in lines if line["solver"] == name]) for name in names]


def _row(name: str, lines: Sequence[Line]) -> SolverRow:
    gaps: dict[str, float] = {}
    for instance in dict.fromkeys(line["instance"] for line in lines):
        mine = [line for line in lines if line["instance"] == instance]
        if all(line["feasible"] and line["gap_percent"] is not None for line in mine):
            gaps[instance] = sum(line["gap_percent"] for line in mine) / len(mine)
    # Under load only processor seconds say how fast a solver is.
    seconds = "cpu_s" if lines[0]["clock"] == "cpu" else "t_solve_s"
    counted = [line for line in lines if line["iterations"] and line[seconds]]
    speed = sum(line["iterations"] / line[seconds] for line in counted) / len(counted) if counted else None
    return SolverRow(
        name,
        next((line["version"] for line in lines if line["version"]), ""),
        gaps,
        len(lines),
        sum(not line["feasible"] for line in lines),
        sum(line["disturbed"] for line in lines),
        speed,
        mean(line[seconds] for line in lines),
    )


def mean(values: Iterable[float]) -> float:
    """Return the plain mean, NaN of nothing."""
    found = list(values)
    return sum(found) / len(found) if found else float("nan")


@dataclass(frozen=True)
class Comparison:
    """Ours against one peer over the instances both solved.

    Attributes
    ----------
    ratio, low, high
        Our mean gap over the peer's, and the ends of its 90 % bootstrap interval over instances; None where the
        peer's mean gap is not above zero.
    """

    peer: str
    instances: int
    ours: float
    theirs: float
    wins: int
    ties: int
    losses: int
    ratio: float | None
    low: float | None
    high: float | None


def compare(ours: SolverRow, peer: SolverRow, seed: int = 1) -> Comparison:
    """Compare over common instances only: averages over different subsets mean nothing."""
    common = [name for name in ours.gaps if name in peer.gaps]
    pairs = [(ours.gaps[name], peer.gaps[name]) for name in common]
    wins = sum(mine < theirs - 1e-9 for mine, theirs in pairs)
    losses = sum(mine > theirs + 1e-9 for mine, theirs in pairs)
    ratio, low, high = _ratio(pairs, seed)
    return Comparison(
        peer.solver, len(common), mean(mine for mine, _ in pairs), mean(theirs for _, theirs in pairs),
        wins, len(pairs) - wins - losses, losses, ratio, low, high,
    )  # fmt: skip


def _ratio(pairs: list[tuple[float, float]], seed: int) -> tuple[float | None, float | None, float | None]:
    if not pairs or mean(theirs for _, theirs in pairs) <= 0:
        return None, None, None
    draw = random.Random(seed)
    ratios = []
    for _ in range(RESAMPLES):
        again = [pairs[draw.randrange(len(pairs))] for _ in pairs]
        below = mean(theirs for _, theirs in again)
        if below > 0:
            ratios.append(mean(mine for mine, _ in again) / below)
    ratios.sort()
    ends = (ratios[len(ratios) // 20], ratios[-1 - len(ratios) // 20]) if ratios else (None, None)
    return mean(mine for mine, _ in pairs) / mean(theirs for _, theirs in pairs), *ends


def markdown(lines: Sequence[Line], title: str) -> str:
    """Write the table with everything a reader must know to judge it."""
    if not lines:
        return f"### {title}\n\nNo runs.\n"
    rows = solver_rows(lines)
    first = lines[0]
    sizes = {line["instance"]: line["n"] for line in lines}
    head = ["solver", "solved", "mean gap %", "worst %", *(_class_name(c) for c in SIZE_CLASSES), "it/s", "mean s"]
    body = [_cells(row, sizes) for row in rows]
    text = [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    text += ["| " + " | ".join(cells) + " |" for cells in body]
    ours = [row for row in rows if row.solver == OURS]
    text += ["", *(_sentence(compare(ours[0], row)) for row in rows if ours and row.solver != OURS)]
    seeds = sorted({line["seed"] for line in lines})
    disturbed = sum(row.disturbed for row in rows)
    text += [
        "",
        f"Limit {first['limit_s']:g} s of {_CLOCKS[first['clock']]} per run, one pinned core, seeds {seeds}, "
        f"{len(sizes)} instances; {first['machine']}; commit {first['commit']}. Times are solve calls with kernels "
        "compiled (T_solve).",
        _CPU_NOTE if first["clock"] == "cpu" else _disturbed_note(disturbed, len(lines)),
        *_recorded_note(lines),
    ]
    return "\n".join(text) + "\n"


def _recorded_note(lines: Sequence[Line]) -> list[str]:
    """Say for how many instances the gap is to a recorded plan, if for any."""
    found = {line["instance"]: line.get("reference_by", PUBLISHED) for line in lines}
    recorded = sum(by != PUBLISHED for by in found.values())
    if not recorded:
        return []
    return [
        f"For {recorded} of {len(found)} instances the gap is to the cheapest plan recorded of any solver "
        "(benchmarks/references.json), which is below the published one."
    ]


def _disturbed_note(disturbed: int, runs: int) -> str:
    return (
        f"{disturbed} of {runs} runs were disturbed by other work on the core (wall above processor time by more than "
        "3 %); their results are weaker than they would be alone."
    )


def _class_name(bounds: tuple[int, int]) -> str:
    low, high = bounds
    return f"n < {high}" if not low else f"n ≥ {low}" if high > 1 << 20 else f"{low} ≤ n < {high}"


def _cells(row: SolverRow, sizes: dict[str, int]) -> list[str]:
    by_class = [mean(g for name, g in row.gaps.items() if low <= sizes[name] < high) for low, high in SIZE_CLASSES]
    worst = max(row.gaps.values(), default=float("nan"))
    speed = "–" if row.iterations_per_s is None else f"{row.iterations_per_s:,.0f}"
    return [
        f"{row.solver} {row.version}",
        f"{len(row.gaps)} of {len(sizes)}",
        _figure(mean(row.gaps.values())),
        _figure(worst),
        *(_figure(value) for value in by_class),
        speed,
        f"{row.mean_seconds:.1f}",
    ]


def _figure(value: float) -> str:
    return "–" if value != value else f"{value:.2f}"


def _sentence(it: Comparison) -> str:
    if not it.instances:
        return f"Against {it.peer}: no instance solved by both."
    ratio = "" if it.ratio is None else f", ratio {it.ratio:.2f}"
    if it.low is not None and it.high is not None:
        ratio += f" (90 % interval {it.low:.2f}–{it.high:.2f})"
    return (
        f"Against {it.peer} on {it.instances} common instances: {it.ours:.2f} % to {it.theirs:.2f} %{ratio}; "
        f"{it.wins} better, {it.ties} equal, {it.losses} worse."
    )
