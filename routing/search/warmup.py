"""Compiles the kernels before a user waits for them: a machine that has not yet does so on several cores."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from subprocess import DEVNULL

from routing.builder import ProblemBuilder
from routing.problem import Problem
from routing.stop import MaxIterations


def sample_problems() -> tuple[Problem, ...]:
    """Return one tiny problem for each specialisation that dispatching uses."""
    legs = [[0, 4, 6, 5], [4, 0, 3, 2], [6, 3, 0, 4], [5, 2, 4, 0]]
    plain = ProblemBuilder(("count",)).profile("van", legs, legs).depot("centre", 0)
    plain.vehicle_type("van", count=2, capacity=10, cost_per_m=1)
    day = ProblemBuilder(("count",)).profile("van", legs, legs).depot("centre", 0)
    day.vehicle_type("van", count=2, capacity=10, cost_per_m=18, cost_per_s=5, max_duration_s=1000)
    for builder in (plain, day):
        for place in range(1, 4):
            builder.task(f"stop {place}", place, delivery=1)
    return day.build(), plain.build()


def warm_up() -> float:
    """Compile, or load from the cache, every specialisation; return the seconds it took."""
    import routing.search.recombine  # noqa: F401  what a longer search loads when its first patch ends

    began = time.perf_counter()
    numbers = range(len(sample_problems()))
    cold = [number for number in numbers if not _is_compiled(number)]
    with _compiling_beside(cold[1 : _cores()]):
        for number in cold[:1]:
            compile_one(number)
    for number in numbers:
        compile_one(number)
    return time.perf_counter() - began


def compile_one(number: int) -> None:
    """Compile, or load from the cache, what one of the sample problems needs."""
    from routing.search.parts import solve

    solve(sample_problems()[number], MaxIterations(1))


def _is_compiled(number: int) -> bool:
    """Tell whether the cache holds machine code for one of the sample problems, or none is needed."""
    import numba

    from routing.search.kernels.compiled import CACHE_FOLDER
    from routing.search.model import compile_problem

    config: object = numba.config
    variant = CACHE_FOLDER.with_name(compile_problem(sample_problems()[number]).flags.name)
    return bool(getattr(config, "DISABLE_JIT", 0)) or any(variant.rglob("*.nbc"))


def _cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _compiling_beside(numbers: Sequence[int]) -> Iterator[None]:
    """Compile for some sample problems meanwhile, each in a process of its own, as numba compiles under a lock.

    What they compiled is in the cache at the end; if one fails, or cannot begin, its work is left to the caller.
    """
    program = "import sys; from routing.search.warmup import compile_one; compile_one(int(sys.argv[1]))"
    same_modules = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    children = []
    try:
        for number in numbers:
            command = [sys.executable or "", "-c", program, str(number)]
            with suppress(OSError):
                children.append(
                    subprocess.Popen(command, env=same_modules, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
                )
        yield
        for child in children:
            child.wait()
    finally:
        for child in children:
            child.kill()
            child.wait()
