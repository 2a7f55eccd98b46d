"""Rules of the house that a machine can keep.

Each rule says the mistake it finds and the remedy; style and reasons are in CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("kernel", "routing", "maps", "lockers", "dispatch", "firmware_bridge", "api")

WALL_CLOCKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime"),
}  # fmt: skip
RANDOM_IDS = {("uuid", "uuid1"), ("uuid", "uuid4"), ("uuid_utils", "uuid4"), ("uuid_utils", "uuid7")}
MODULE_RANDOM = {"random", "randint", "choice", "choices", "shuffle", "sample", "uniform", "gauss", "seed"}


def sources(*rooms: str) -> list[Path]:
    """List the Python files of the rooms that git would keep."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *(f"{room}/*.py" for room in rooms)],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return [PROJECT / name for name in names if (PROJECT / name).exists()]


def calls(tree: ast.AST) -> Iterator[tuple[str, str, ast.Call]]:
    """Give (owner, attribute, call) for every call of the form owner.attribute(…)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            yield name, node.func.attr, node


def where(path: Path, node: ast.AST) -> str:
    """Name a place as file:line."""
    return f"{path.relative_to(PROJECT)}:{getattr(node, 'lineno', 0)}"


def test_time_and_chance_are_parameters() -> None:
    """A day can be replayed: nothing outside the kernel reads the clock or rolls dice without a seed."""
    found = []
    for path in sources(*(room for room in ROOMS if room != "kernel")):
        for owner, name, call in calls(ast.parse(path.read_text(encoding="utf-8"))):
            unseeded = name in {"default_rng", "Random", "RandomState"} and not call.args and not call.keywords
            if (owner, name) in WALL_CLOCKS | RANDOM_IDS or unseeded or (owner == "random" and name in MODULE_RANDOM):
                found.append(f"{where(path, call)}: {owner}.{name}() - take a Clock, Ids or seed as a parameter")
            if (owner, name) == ("random", "Random") and not call.args:
                found.append(f"{where(path, call)}: Random() without a seed")
    assert not found, "\n".join(found)


def _speaks_of_fen(node: ast.AST) -> bool:
    for part in ast.walk(node):
        name = getattr(part, "id", None) or getattr(part, "attr", None) or getattr(part, "arg", None) or ""
        if isinstance(name, str) and (name == "Fen" or name.endswith("_fen")):
            return True
    return False


def test_money_is_never_a_float() -> None:
    """Amounts are whole fen: no division, no rounding, no decimal point beside them."""
    found = []
    for path in sources(*ROOMS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _speaks_of_fen(node):
                found.append(f"{where(path, node)}: / on fen - use kernel.money.share_out or //")
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in {"round", "float"}
                and any(_speaks_of_fen(argument) for argument in node.args)
            ):
                found.append(f"{where(path, node)}: round or float on fen - keep whole fen")
            if (
                isinstance(node, ast.BinOp)
                and _speaks_of_fen(node)
                and any(
                    isinstance(side, ast.Constant) and isinstance(side.value, float) for side in (node.left, node.right)
                )
            ):
                found.append(f"{where(path, node)}: float beside fen - use integer arithmetic")
            if isinstance(node, ast.AnnAssign) and _speaks_of_fen(node.target):
                kinds = {part.id for part in ast.walk(node.annotation) if isinstance(part, ast.Name)}
                if "float" in kinds:
                    found.append(f"{where(path, node)}: a field in fen is declared float")
    assert not found, "\n".join(found)


def test_every_test_says_what_it_shows() -> None:
    """Every test opens with one sentence a dispatcher could understand."""
    found = []
    for path in sources("tests"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                sentence = ast.get_docstring(node) or ""
                if not sentence.strip().endswith((".", "?", "!")):
                    found.append(f"{where(path, node)}: {node.name} has no sentence")
    assert not found, "\n".join(found)


def test_errors_are_named_as_errors() -> None:
    """Whatever is raised on purpose ends in Error and belongs to the tree of errors."""
    found = []
    for path in sources(*ROOMS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
                if any(base.endswith(("Error", "Exception")) for base in bases) and not node.name.endswith("Error"):
                    found.append(f"{where(path, node)}: {node.name} does not end in Error")
                if bases & {"Exception", "ValueError", "RuntimeError", "KeyError"} and node.name != "CundaError":
                    found.append(f"{where(path, node)}: {node.name} is outside the tree of kernel.errors")
    assert not found, "\n".join(found)


def test_only_the_database_commits() -> None:
    """Nobody below a unit of work commits or rolls back: half a change can never become visible."""
    found = []
    for path in sources(*(room for room in ROOMS if room != "kernel")):
        if "firmware_bridge/device" in path.as_posix() or "migrations" in path.as_posix():
            continue  # the device's own SQLite file and Alembic have their own transactions
        for owner, name, call in calls(ast.parse(path.read_text(encoding="utf-8"))):
            if owner in {"session", "self.session"} and name in {"commit", "rollback"}:
                found.append(f"{where(path, call)}: {owner}.{name}() - let Database.begin() decide")
    assert not found, "\n".join(found)


def _tracked_texts() -> Iterator[tuple[str, str]]:
    names = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in names:
        path = PROJECT / name
        if not name or not path.is_file() or path.stat().st_size > 2_000_000:
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"files\.python" + r"hosted\.org|registry\.npm" + r"js\.org|pypi\." + r"org/simple|deb\.deb" + r"ian\.org",
         "a package registry's address; lock files go without"),
        (r"(?<![\w.])/(?:work|home|farm)/\w+/", "a path of one machine; use paths relative to the project"),
        (r"-----BEGIN (?:RSA |EC )?PRIVATE KEY-----", "a private key"),
        (r"<{7} |>{7} ", "a merge that was not finished"),
    ],
)  # fmt: skip
def test_nothing_of_one_machine_is_kept(pattern: str, why: str) -> None:
    """The project holds no address, path or key that belongs to one machine."""
    found = [f"{name}: {why}" for name, text in _tracked_texts() if re.search(pattern, text)]
    assert not found, "\n".join(found)


def test_no_large_file_is_kept() -> None:
    """Map extracts, benchmark instances and built pages stay out of the project."""
    names = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    large = [
        name for name in names if name and (PROJECT / name).is_file() and (PROJECT / name).stat().st_size > 900_000
    ]
    assert not large


def test_highspy_never_stands_beside_ortools() -> None:
    """Two copies of one optimiser in a process crash it, so no lock file names highspy."""
    for lock in (PROJECT / "requirements").glob("*.txt"):
        assert "highspy" not in lock.read_text(encoding="utf-8"), lock.name
        assert "pymqttd" not in lock.read_text(encoding="utf-8"), lock.name
