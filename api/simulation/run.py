"""Runs one simulated day from an empty folder to its report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.simulation.audit import audit_parcels, audit_versions
from api.simulation.day import Day
from api.simulation.options import DayOptions
from api.simulation.page import LANGUAGES, page, picture
from api.simulation.report import as_bytes, document
from api.simulation.world import simulated_world
from kernel.clock import SystemClock
from kernel.progress import Progress, silent


@dataclass(frozen=True)
class SimulatedDay:
    """What a day came to.

    Attributes
    ----------
    report
        The document that equal seeds make equal; ``digest`` is the SHA-256 of its bytes.
    pages
        The report as HTML, by language.
    timings_s
        What this machine took; no part of the report.
    """

    report: Mapping[str, Any]
    digest: str
    pages: Mapping[str, str]
    timings_s: Mapping[str, float]

    def write(self, folder: Path) -> list[Path]:
        """Write report, pages and timings into a folder; give the files."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {"day.json": as_bytes(self.report), "timings.json": as_bytes(self.timings_s)}
        files |= {f"day.{language}.html": text.encode() for language, text in self.pages.items()}
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return [folder / name for name in files]


def simulate_day(options: DayOptions, regions: Path, home: Path, progress: Progress = silent) -> SimulatedDay:
    """Play a day and report on it.

    Parameters
    ----------
    regions
        The operator's folder of regions; only read.
    home
        An empty folder, which holds the day's database afterwards.
    """
    watch = SystemClock()
    began_s = watch.monotonic_s()
    with simulated_world(options, regions, home, progress) as world:
        ready_s = watch.monotonic_s()
        day = Day(world, progress)
        with day.people():
            state = day.play()
            played_s = watch.monotonic_s()
            progress("account", 0, 1)
            report = document(state, audit_parcels(state), audit_versions(state))
            features = state.dispatcher.person.get(f"/versions/{state.dispatcher.plan.in_force}/map")["features"]
            progress("account", 1, 1)
    pages = {one: page(report, picture(state, features, one).svg(), one) for one in LANGUAGES}
    timings_s = {
        "world": round(ready_s - began_s, 1), "day": round(played_s - ready_s, 1),
        "account": round(watch.monotonic_s() - played_s, 1), "all": round(watch.monotonic_s() - began_s, 1),
    }  # fmt: skip
    return SimulatedDay(report, hashlib.sha256(as_bytes(report)).hexdigest(), pages, timings_s)
