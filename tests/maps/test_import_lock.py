"""Two imports under one name do not meet."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from maps.errors import RegionBusyError
from maps.import_lock import sole_import
from maps.store import RegionStore

HOLD = """
import sys, pathlib
from maps.import_lock import sole_import
with sole_import(pathlib.Path(sys.argv[1]), "x"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_import_is_refused_and_told_who_holds_the_first(tmp_path: Path) -> None:
    """While one process imports, another is told the process that does; another name is free."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RegionBusyError, match=f"process {holder.pid} on "), sole_import(tmp_path, "x"):
            pass
        with sole_import(tmp_path, "y"):
            pass
        holder.communicate("")
    with sole_import(tmp_path, "x"):
        pass


def test_a_lock_left_by_a_killed_import_is_taken_over(tmp_path: Path) -> None:
    """An import that was killed holds nothing up, though its lock file is still there."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    assert json.loads((tmp_path / ".x.lock").read_text())["pid"] == holder.pid
    with sole_import(tmp_path, "x"):
        pass


def test_a_damaged_lock_file_is_taken_over(tmp_path: Path) -> None:
    """What is written in a lock file does not matter, only who holds it."""
    (tmp_path / ".x.lock").write_text("{")
    with (
        sole_import(tmp_path, "x"),
        pytest.raises(RegionBusyError, match="imported by process"),
        sole_import(tmp_path, "x"),
    ):
        pass


def test_threads_exclude_each_other_too(tmp_path: Path) -> None:
    """Of imports started at once under one name in one program, one runs at a time."""
    inside, refused, worst = [], [], []
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        try:
            with sole_import(tmp_path, "x"):
                inside.append(1)
                worst.append(len(inside))
                inside.pop()
        except RegionBusyError:
            refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst
    assert max(worst) == 1
    assert len(worst) + len(refused) == 6


def test_imports_of_a_store_respect_the_lock_and_leave_the_old_region(tmp_path: Path) -> None:
    """An import that finds another under way changes nothing and is not listed as a region."""
    store = RegionStore(tmp_path / "regions")
    villages, towns = tmp_path / "v.csv", tmp_path / "t.csv"
    villages.write_text("code,name,town_code,lon,lat\n11,甲村,1,112.9,30.4\n", encoding="utf-8")
    towns.write_text("code,name,lon,lat\n1,园林街道,112.89,30.42\n", encoding="utf-8")
    before = store.import_csv(villages, towns, "two")
    with sole_import(tmp_path / "regions", "two"):
        with pytest.raises(RegionBusyError):
            store.import_csv(villages, towns, "two", terrain="flat")
        with pytest.raises(RegionBusyError):
            store.build_demo("two")
    assert store.load("two").version == before.version
    assert store.names() == ["two"]
