"""Measure importing manifests: seconds and memory for 3,000 and 200,000 rows, CSV and XLSX.

Run ``python -m benchmarks.ingest``; ``--postgres URL`` measures that database instead of a temporary SQLite
file. Each case runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import platform
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import sqlalchemy
from numpy.typing import NDArray

import api.tables  # noqa: F401 - all tables, because parcels refer to them
from dispatch.parcels.generator import HEADER, generate_manifest, write_manifest_csv
from dispatch.parcels.manifest.gazetteer import Gazetteer
from dispatch.parcels.manifest.importer import ImportOptions, ManifestImporter
from dispatch.products.service import seed_products
from kernel.clock import SystemClock, rfc3339
from kernel.db import Base, Database
from kernel.ids import SystemIds

DAY = date(2026, 3, 4)
SEED = 1
TARGET_S = {3_000: 3.0, 200_000: 60.0}
TARGET_MEMORY_MB = 600


@dataclass(frozen=True)
class Village:
    """A village of the benchmark's own county."""

    id: str
    name: str
    township_id: str
    lon: float | None
    lat: float | None
    population: int | None


@dataclass(frozen=True)
class Town:
    """A township of the benchmark's own county."""

    id: str
    name: str


class GridCounty:
    """Fourteen townships of eighteen villages on a grid; no roads, because importing needs none."""

    def __init__(self) -> None:
        self.townships = tuple(Town(f"t{index:02d}", f"第{index:02d}镇") for index in range(14))
        self.places = tuple(
            Village(
                id=f"v{index:03d}",
                name=f"石桥{index:03d}村",
                township_id=f"t{index % 14:02d}",
                lon=112.0 + index % 16 * 0.03,
                lat=30.0 + index // 16 * 0.03,
                population=500 + index * 7,
            )
            for index in range(252)
        )

    def door_points(self, place_id: str, n: int, seed: int) -> NDArray[np.float64]:
        """Scatter doors some 300 m around the village's centre."""
        place = next(place for place in self.places if place.id == place_id)
        rng = np.random.default_rng(seed)
        centre = np.array([place.lon, place.lat], dtype=float)
        return np.asarray(centre + rng.normal(0.0, 0.003, (n, 2)), dtype=np.float64)


@dataclass(frozen=True)
class Measurement:
    """One import, measured."""

    rows: int
    file_format: str
    database: str
    megabytes: float
    first_s: float
    cpu_s: float
    again_s: float
    peak_memory_mb: int
    added: int
    rejected: int


def manifest_bytes(rows: int, file_format: str) -> bytes:
    """Make a manifest of the grid county."""
    content = generate_manifest(GridCounty(), rows, 5, SEED, DAY)
    if file_format == "csv":
        text = io.StringIO(newline="")
        write_manifest_csv(content, text)
        return text.getvalue().encode()
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("manifest")
    sheet.append(list(HEADER))
    for row in content:
        sheet.append([row[name] for name in HEADER])
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def measure(path: str, rows: int, file_format: str, url: str) -> Measurement:
    """Import a file twice into an empty database."""
    data = Path(path).read_bytes()
    database = Database(url)
    Base.metadata.drop_all(database.engine)
    Base.metadata.create_all(database.engine)
    county = GridCounty()
    importer = ManifestImporter(SystemIds(), SystemClock())
    options = ImportOptions("grid", DAY, Gazetteer.of(county), "user:bench", register_companies=True)
    with database.begin() as session:
        seed_products(session)
    reports, seconds, cpu = [], [], []
    for _ in range(2):
        start, start_cpu = time.perf_counter(), time.process_time()
        with database.begin() as session:
            reports.append(importer.run(session, data, Path(path).name, options))
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    kind = database.kind
    database.close()
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Measurement(
        rows=rows,
        file_format=file_format,
        database=kind,
        megabytes=round(len(data) / 1e6, 1),
        first_s=round(seconds[0], 2),
        cpu_s=round(cpu[0], 2),
        again_s=round(seconds[1], 2),
        peak_memory_mb=peak_kb // 1024,
        added=reports[0].added,
        rejected=reports[0].rejected + reports[1].added,
    )


def main() -> int:
    """Run all cases, print a table and write JSON; return 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=sorted(TARGET_S))
    parser.add_argument("--formats", nargs="*", default=["csv", "xlsx"], choices=["csv", "xlsx"])
    parser.add_argument("--postgres", help="SQLAlchemy URL of an empty PostgreSQL database")
    parser.add_argument("--json", type=Path, help="file the figures are written to")
    arguments = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in arguments.rows:
            for file_format in arguments.formats:
                path = Path(folder) / f"{rows}.{file_format}"
                path.write_bytes(manifest_bytes(rows, file_format))
                url = arguments.postgres or f"sqlite:///{folder}/{rows}-{file_format}.db"
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    results.append(pool.apply(measure, (str(path), rows, file_format, url)))
                _print_row(results[-1], with_head=len(results) == 1)
    if arguments.json:
        about = {
            "made_at": rfc3339(SystemClock().now()),
            "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "sqlalchemy": sqlalchemy.__version__,
            "seed": SEED,
        }
        arguments.json.write_text(json.dumps(about | {"results": [asdict(one) for one in results]}, indent=1))
    return 0 if all(map(_meets_target, results)) else 1


def _meets_target(one: Measurement) -> bool:
    return one.first_s <= TARGET_S.get(one.rows, float("inf")) and one.peak_memory_mb <= TARGET_MEMORY_MB


def _print_row(one: Measurement, *, with_head: bool) -> None:
    if with_head:
        print("   rows  format  database    file MB   import s  of it CPU    again s  memory MB  within target")
    print(
        f"{one.rows:7d}  {one.file_format:6s}  {one.database:10s}  {one.megabytes:7.1f}  {one.first_s:8.2f}  "
        f"{one.cpu_s:9.2f}  {one.again_s:9.2f}  {one.peak_memory_mb:9d}  {'yes' if _meets_target(one) else 'NO'}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
