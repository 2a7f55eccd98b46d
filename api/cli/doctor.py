"""`cunda doctor`: what this machine has, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import JsonFlag, current_settings, emit, progress_bars

if TYPE_CHECKING:
    from kernel.settings import Settings

_LIBRARIES = (
    "numba", "numpy", "scipy", "osmium", "routingkit-cch", "shapely", "sqlalchemy", "alembic", "fastapi", "uvicorn",
    "paho-mqtt", "amqtt", "psycopg",
)  # fmt: skip
_MIN_FREE_BYTES = 2_000_000_000
_COMPILE_LIMIT_S = 45.0  # a first plan on a fresh machine, compilation included


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    ok: bool
    value: Any
    remedy: str = ""


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("doctor")(doctor)


def doctor(
    compile_solver: Annotated[
        bool, typer.Option("--compile/--no-compile", help="Also measure how long a fresh machine compiles the solver.")
    ] = True,
    json: JsonFlag = False,
) -> None:
    """Look at what Cunda needs on this machine; exit code 2 when something is missing."""
    settings = current_settings()
    looks: list[tuple[str, Callable[[], Finding]]] = [
        ("versions", _versions),
        ("home", lambda: _home(settings.home)),
        ("disk", lambda: _disk(settings.home)),
        ("cpu", _cpu),
        ("database", lambda: _database(settings)),
        ("broker", lambda: _broker(settings)),
    ]
    if compile_solver:
        looks.append(("solver compilation", _compilation))
    findings = []
    with progress_bars(json) as progress:
        for number, (name, look) in enumerate(looks):
            progress("looking", number, len(looks), name)
            findings.append(look())
        progress("looking", len(looks), len(looks), "")
    emit({"ok": all(found.ok for found in findings), "findings": findings}, json, _lines(findings))
    if not all(found.ok for found in findings):
        raise typer.Exit(2)


def _lines(findings: Sequence[Finding]) -> list[str]:
    lines = []
    for found in findings:
        shown = ", ".join(f"{key} {value}" for key, value in found.value.items())
        lines.append(f"{'ok  ' if found.ok else 'FAIL'}  {found.name}: {shown}")
        if found.remedy and not found.ok:
            lines.append(f"      {found.remedy}")
    return lines


def _versions() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    from api.version import cunda_version

    found: dict[str, str] = {"cunda": cunda_version(), "python": platform.python_version()}
    missing = []
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        found["missing"] = " ".join(missing)
    return Finding("versions", not missing, found, "Install Cunda with its server extra: pip install 'cunda[server]'.")


def _home(home: Path) -> Finding:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home):
            pass
    except OSError as problem:
        return Finding("home", False, {"path": str(home), "problem": problem.strerror}, "Set CUNDA_HOME elsewhere.")
    return Finding("home", True, {"path": str(home), "writable": "yes"})


def _disk(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    return Finding("disk", free >= _MIN_FREE_BYTES, {"free_bytes": free}, "Make room: 2 GB are a comfortable least.")


def _cpu() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("cpu", True, {"usable": usable, "machine": platform.machine()})


def _database(settings: Settings) -> Finding:
    from api.migrations.runner import migration_state
    from kernel.db import Database
    from kernel.errors import CundaError

    try:
        database = Database(settings.resolved_database_url)
        try:
            state = migration_state(database)
        finally:
            database.close()
    except CundaError as problem:
        return Finding("database", False, {"problem": problem.message}, problem.remedy)
    value = {"kind": database.kind, "schema": state.present or "new", "needs": state.newest}
    return Finding("database", state.current or state.empty, value, "Run `cunda db upgrade`.")


def _broker(settings: Settings) -> Finding:
    from importlib.util import find_spec

    if settings.broker_url is not None:
        return Finding("broker", True, {"url": settings.broker_url.split("@")[-1]})
    # Debian keeps daemons in sbin, which is not on every user's PATH.
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is not None:
        return Finding("broker", True, {"mosquitto": found})
    fallback = find_spec("amqtt") is not None
    value = {"mosquitto": "not found", "amqtt": "used instead" if fallback else "not found"}
    return Finding("broker", fallback, value, "Install the Debian package mosquitto.")


def _compilation() -> Finding:
    """Measure a first solve in a process of its own, first without then with compiled code at hand."""
    from kernel.clock import SystemClock

    clock = SystemClock()
    took = []
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        for _ in range(2):
            started_s = clock.monotonic_s()
            done = subprocess.run(
                [sys.executable, "-c", "import routing; routing.warm_up()"],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                problem = (done.stderr.strip().splitlines() or ["no output"])[-1]
                return Finding("solver compilation", False, {"problem": problem}, "Reinstall numba for this Python.")
            took.append(round(clock.monotonic_s() - started_s, 1))
    value = {"first_s": took[0], "next_s": took[1]}
    return Finding("solver compilation", took[0] <= _COMPILE_LIMIT_S, value, "This machine compiles slowly; wait once.")
