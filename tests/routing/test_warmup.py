"""Compiling on several cores: who starts a process, what becomes of it, and when there is none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import routing
from routing.search import warmup
from routing.search.kernels import compiled

Children = list["subprocess.Popen[bytes]"]

jit_only = pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    """Return the processes that are started from now on."""
    started: Children = []

    class Seen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Seen)
    return started


@jit_only
def test_what_is_cold_is_compiled_on_as_many_cores_as_there_are(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One core needs no other process; with two, the second problem's kernels are left to one, which succeeds."""
    routing.warm_up()
    children.clear()
    monkeypatch.setattr(warmup, "_is_compiled", lambda number: False)
    monkeypatch.setattr(warmup, "_cores", lambda: 1)
    routing.warm_up()
    assert children == []
    monkeypatch.setattr(warmup, "_cores", lambda: 2)
    routing.warm_up()
    assert [child.returncode for child in children] == [0]


@jit_only
def test_a_warm_machine_starts_no_process(children: Children) -> None:
    """Once compiled, machine code is loaded here."""
    routing.warm_up()
    children.clear()
    routing.warm_up()
    assert children == []


@jit_only
def test_an_empty_cache_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another folder for machine code holds none."""
    routing.warm_up()
    assert all(warmup._is_compiled(number) for number in range(len(warmup.sample_problems())))
    monkeypatch.setattr(compiled, "CACHE_FOLDER", tmp_path / "kernels" / "plain")
    assert not any(warmup._is_compiled(number) for number in range(len(warmup.sample_problems())))


def test_an_interrupted_warm_up_leaves_no_process_behind(children: Children) -> None:
    """Whoever presses Ctrl-C does not go on compiling unseen."""
    with pytest.raises(KeyboardInterrupt), warmup._compiling_beside([0, 1]):
        raise KeyboardInterrupt
    assert len(children) == 2
    assert all(child.returncode is not None and child.returncode < 0 for child in children)


def test_a_failing_process_is_no_error(children: Children) -> None:
    """What another process could not compile is compiled here afterwards."""
    with warmup._compiling_beside([99]):
        pass
    assert [child.returncode for child in children] == [1]


def test_where_no_process_can_begin_none_is_needed(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without room for another process compiles everything here."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with warmup._compiling_beside([0, 1]):
        pass
    assert children == []
