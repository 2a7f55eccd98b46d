"""Fixtures every room's tests share: both databases, the shared data folder, a clock that stands still."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest

from kernel.clock import ManualClock
from kernel.db import Base, Database
from kernel.ids import SeededIds

# A busy machine is no failure: examples may take as long as they take, the test's own time-out holds. The same
# examples on every run, so that a red run means a change; HYPOTHESIS_PROFILE=explore looks for new ones.
hypothesis.settings.register_profile("cunda", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "cunda"))

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep a test from reading or writing the developer's own Cunda."""
    for name in [name for name in os.environ if name.startswith("CUNDA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CUNDA_HOME", str(tmp_path / "cunda-home"))


@pytest.fixture
def shared_data() -> Path:
    """Give the folder of real extracts and benchmarks, or skip and say so."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not beside the project")
    return SHARED_DATA


def shared_file(relative: str) -> Path:
    """Give one shared file, or skip naming it."""
    path = SHARED_DATA / relative
    if not path.exists():
        pytest.skip(f"../shared/data/{relative} is missing")
    return path


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands at 07:00 in Shanghai on 2026-03-04, a Wednesday."""
    return ManualClock(datetime(2026, 3, 3, 23, 0, tzinfo=UTC))


@pytest.fixture
def ids() -> SeededIds:
    """Give identifiers that repeat from run to run."""
    return SeededIds()


def free_port() -> int:
    """Return a TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgres_programs() -> Path | None:
    # Debian keeps the server's programs out of PATH; what is in PATH may be a lone wrapper.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if versions:
        return versions[-1].parent
    programs = [shutil.which(name) for name in ("initdb", "postgres", "pg_isready")]
    return Path(str(programs[0])).parent if all(programs) else None


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Run a PostgreSQL of our own on a free loopback port for the length of the session."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    # Not among pytest's own folders: another session that begins meanwhile closes those to other users, and
    # PostgreSQL, which refuses to run as root, ends when it cannot reach its files.
    with tempfile.TemporaryDirectory(prefix="cunda-postgres-") as made:
        folder = Path(made)
        data, port = folder / "data", free_port()
        as_owner: list[str] = []
        if os.getuid() == 0:
            as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(folder, "postgres", "postgres")
        subprocess.run(
            [*as_owner, programs / "initdb", "-D", data, "-U", "cunda", "-A", "trust", "--no-sync", "-E", "UTF8",
             "--locale=C"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        server = subprocess.Popen(
            [*as_owner, programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", str(folder),
             "-c", "fsync=off", "-c", "max_connections=60"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            for _ in range(100):
                ready = subprocess.run(
                    [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], capture_output=True, check=False
                )
                if ready.returncode == 0:
                    break
                time.sleep(0.1)
            else:
                pytest.fail("PostgreSQL did not become ready within 10 s")
            yield f"postgresql+psycopg://cunda@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database with every table, once on SQLite and once on PostgreSQL."""
    yield from _fresh_database(request, tmp_path, request.param)


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """Give an empty SQLite database, where the kind of database does not matter to the test."""
    import api.tables  # noqa: F401

    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


def _fresh_database(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Iterator[Database]:
    import api.tables  # noqa: F401

    if kind == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    else:
        database = Database(request.getfixturevalue("postgres_url"))
        Base.metadata.drop_all(database.engine)
    Base.metadata.create_all(database.engine)
    yield database
    if kind == "postgresql":
        Base.metadata.drop_all(database.engine)
    database.close()
