"""A county of two townships, and short ways to write and import manifests."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import openpyxl
import pytest
from numpy.typing import NDArray

from dispatch.parcels.manifest.gazetteer import Gazetteer
from dispatch.parcels.manifest.importer import ImportOptions, ImportReport, ManifestImporter
from dispatch.products.service import seed_products
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds

DAY = date(2026, 3, 4)


@dataclass(frozen=True)
class Village:
    """A village of the tests' county."""

    id: str
    name: str
    township_id: str
    lon: float | None
    lat: float | None
    population: int | None = None


@dataclass(frozen=True)
class Town:
    """A township of the tests' county."""

    id: str
    name: str


@dataclass(frozen=True)
class County:
    """A county without roads."""

    places: tuple[Village, ...]
    townships: tuple[Town, ...]

    def door_points(self, place_id: str, n: int, seed: int) -> NDArray[np.float64]:
        """Scatter doors around the village's centre."""
        place = next(place for place in self.places if place.id == place_id)
        assert place.lon is not None
        assert place.lat is not None
        return np.random.default_rng(seed).normal((place.lon, place.lat), 0.003, (n, 2))


@pytest.fixture
def county() -> County:
    """Give two townships; 新建村 exists in both, and one village has no known position."""
    return County(
        places=(
            Village("v1", "石桥村", "t1", 112.80, 30.40, 1200),
            Village("v2", "新建村", "t1", 112.82, 30.41, 800),
            Village("v3", "新建村", "t2", 112.95, 30.50, 600),
            Village("v4", "竹溪社区", "t2", 112.96, 30.52, 3000),
            Village("v5", "远山村", "t2", None, None),
        ),
        townships=(Town("t1", "王场镇"), Town("t2", "竹根滩乡")),
    )


@pytest.fixture
def gazetteer(county: County) -> Gazetteer:
    """Give the names of the county's places."""
    return Gazetteer.of(county)


@pytest.fixture
def options(gazetteer: Gazetteer) -> ImportOptions:
    """Import into the county as a dispatcher who lets companies register themselves."""
    return ImportOptions("demo", DAY, gazetteer, "user:dispatcher", register_companies=True)


@pytest.fixture
def row() -> dict[str, str]:
    """Give one good row."""
    return {
        "company": "yunlu",
        "waybill": "YL0000001",
        "recipient_name": "李小龙",
        "recipient_phone": "15412345678",
        "address": "王场镇石桥村1组2号",
        "village": "石桥村",
        "weight_g": "900",
    }


CsvOf = Callable[..., bytes]


@pytest.fixture
def csv_of() -> CsvOf:
    """Write rows as CSV bytes."""

    def write(rows: Iterable[dict[str, str]], encoding: str = "utf-8", delimiter: str = ",", end: str = "\n") -> bytes:
        listed = list(rows)
        file = io.StringIO(newline="")
        header = list(dict.fromkeys(name for row in listed for name in row))
        writer = csv.DictWriter(file, header, delimiter=delimiter, lineterminator=end)
        writer.writeheader()
        writer.writerows(listed)
        return file.getvalue().encode(encoding)

    return write


XlsxOf = Callable[..., bytes]


@pytest.fixture
def xlsx_of() -> XlsxOf:
    """Write lists of cells as an XLSX file."""

    def write(lines: Iterable[Iterable[Any]], before: Callable[[Any], None] | None = None) -> bytes:
        workbook = openpyxl.Workbook()
        sheet = workbook.active
        assert sheet is not None
        for line in lines:
            sheet.append(list(line))
        if before is not None:
            before(workbook)
        file = io.BytesIO()
        workbook.save(file)
        return file.getvalue()

    return write


RepackOf = Callable[..., bytes]


@pytest.fixture
def repacked() -> RepackOf:
    """Change or add one part of an XLSX file, as only an attacker or a broken program would."""

    def repack(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
            for name in dict.fromkeys([*old.namelist(), part]):
                content = old.read(name) if name in old.namelist() else b""
                new.writestr(name, change(content) if name == part else content)
        return file.getvalue()

    return repack


Importing = Callable[..., ImportReport]


@pytest.fixture
def importing(database: Database, options: ImportOptions, ids: SeededIds, clock: ManualClock) -> Importing:
    """Import bytes into a database with products, in one transaction."""
    importer = ManifestImporter(ids, clock)
    with database.begin() as session:
        seed_products(session)

    def run(data: bytes, file_name: str = "day.csv", **changes: Any) -> ImportReport:
        with database.begin() as session:
            return importer.run(session, data, file_name, replace(options, **changes))

    return run


@pytest.fixture
def checking(sqlite_database: Database, options: ImportOptions, ids: SeededIds, clock: ManualClock) -> Importing:
    """Check bytes against a database with products without writing anything."""
    importer = ManifestImporter(ids, clock)
    with sqlite_database.begin() as session:
        seed_products(session)

    def run(data: bytes, file_name: str = "day.csv", **changes: Any) -> ImportReport:
        with sqlite_database.begin() as session:
            return importer.run(session, data, file_name, replace(options, check_only=True, **changes))

    return run
