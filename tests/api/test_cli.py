"""The command line: everything a dispatcher does in a terminal, and how it says no."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.cli.main import main
from api.cli.terminal import table
from api.reference import cli_page, commands, errors_page, openapi_text, settings_page
from kernel.log import set_up_logging

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """Keep log lines out of what the commands print."""
    set_up_logging("error", "json")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a way to run a command that must succeed, and to read what it printed."""
    monkeypatch.setenv("CUNDA_LOG_LEVEL", "error")

    def command(*arguments: str) -> Any:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return json.loads(printed.out)

    return command


def test_help_comes_at_once() -> None:
    """Whoever asks for help does not wait for the solver to load: half a second of work at most."""
    took_s = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-m", "api.cli", "--help"], capture_output=True, text=True, cwd=PROJECT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Processor time, not the clock on the wall: a busy machine says nothing about us.
        took_s.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert done.returncode == 0
        assert "region" in done.stdout
    assert min(took_s) < 0.5


def test_help_loads_no_heavy_room() -> None:
    """Help needs neither the solver nor the database nor the web server."""
    code = (
        "import sys; from api.cli.main import main; main(['--help']);"
        "print([name for name in ('numba', 'numpy', 'sqlalchemy', 'fastapi', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("flag", ["--json", "--plain"])
def test_a_json_answer_holds_nothing_else(flag: str) -> None:
    """What a compiled library writes to standard output past Python does not get between a document and its reader."""
    code = f"""
import os, sys
import api.cli.main as cli
cli.main = lambda: (os.write(1, b"noise"), print("answer 村达"), 0)[-1]
sys.argv = ["cunda", {flag!r}]
cli.run()
"""
    utf8 = os.environ | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=PROJECT, check=True, env=utf8)
    assert ("noise" in done.stdout.decode()) == (flag != "--json")
    assert done.stdout.decode().endswith("answer 村达\n")
    assert (done.stderr == b"noise") == (flag == "--json")


def test_a_day_from_the_terminal(run: Any, county_files: tuple[Path, Path], tmp_path: Path) -> None:
    """Import a county, make and import a day, plan and publish it, and ask where a parcel is."""
    villages, towns = county_files
    region = run("region", "import", str(villages), "--towns", str(towns), "--name", "qianjiang", "--terrain", "flat")
    assert (region["source"], region["places"]) == ("geodesic", 3)
    assert [one["name"] for one in run("region", "list")] == ["qianjiang"]
    assert run("region", "show", "qianjiang")["unlocated"] == 1
    day = tmp_path / "day.csv"
    assert (
        main(["parcels", "generate", "-r", "qianjiang", "--parcels", "30", "-d", "2026-03-04", "--output", str(day)])
        == 0
    )
    report = run("parcels", "import", str(day), "--region", "qianjiang", "--date", "2026-03-04")
    assert report["rows_read"] == 30
    assert run("parcels", "import", str(day), "--region", "qianjiang", "--date", "2026-03-04")["added"] == 0
    fleet = run("fleet", "seed", "-r", "qianjiang", "--parcels", "30")
    assert fleet == run("fleet", "list", "-r", "qianjiang")
    made = run("plan", "-r", "qianjiang", "-d", "2026-03-04", "--seconds", "0.5", "--publish")
    assert made["published"]
    assert made["parcels_planned"] + made["parcels_unassigned"] == report["added"]
    listed = run("parcels", "list", "-r", "qianjiang", "--status", "announced")
    (answer,) = run("parcels", "where", listed[0]["waybill"])[:1]
    assert answer["status"] == "announced"
    assert run("kiosks", "list", "-r", "qianjiang")


def test_a_known_error_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake is answered on standard error with its remedy and exit code 2, never with a stack."""
    assert main(["region", "show", "atlantis"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "[region_not_found]" in printed.err
    assert "cunda region list" in printed.err
    assert "Traceback" not in printed.err


def test_a_known_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that calls the command line gets the error's code as JSON."""
    assert main(["region", "show", "atlantis", "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.err.splitlines()[-1])["error"]["code"] == "region_not_found"


@pytest.mark.parametrize(
    "arguments", [["region", "import"], ["no-such-verb"], ["plan", "--region"], ["users", "add", "x"]]
)
def test_a_senseless_command_line_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command that lacks an argument says which, with exit code 2."""
    assert main(arguments) == 2
    assert "Error:" in capsys.readouterr().err


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt or senseless setting stops the program with its name."""
    monkeypatch.setenv("CUNDA_HTTP_PORT", "many")
    assert main(["db", "state"]) == 2
    assert "http_port" in capsys.readouterr().err


def test_users_are_made_listed_and_removed(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """An operator makes a login, sees its password once, changes it, and takes it away."""
    made = run("users", "add", "li", "--role", "courier", "--courier", "c-1")
    assert len(made["password"]) >= 10
    assert [user["username"] for user in run("users", "list")] == ["li"]
    assert run("users", "passwd", "li")["password"] != made["password"]
    assert main(["users", "add", "li", "--role", "admin"]) == 2
    assert "[user_exists]" in capsys.readouterr().err
    run("users", "remove", "li")
    assert run("users", "list") == []


def test_the_schema_is_upgraded_by_command(run: Any) -> None:
    """An operator upgrades the database by one command and can ask how far it is."""
    assert run("db", "state")["empty"]
    upgraded = run("db", "upgrade")
    assert upgraded["present"] == upgraded["newest"]
    assert run("db", "upgrade") == upgraded


def test_the_doctor_looks_at_everything_a_day_needs(run: Any) -> None:
    """An operator sees versions, home, disk, processors, database and broker at a glance."""
    found = run("doctor", "--no-compile")
    assert found["ok"]
    names = [finding["name"] for finding in found["findings"]]
    assert names == ["versions", "home", "disk", "cpu", "database", "broker"]
    assert found["findings"][0]["value"]["numba"]


def test_the_doctor_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """When the database does not answer the doctor says so, with the remedy and exit code 2."""
    monkeypatch.setenv("CUNDA_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2")
    assert main(["doctor", "--no-compile"]) == 2
    assert "FAIL  database" in capsys.readouterr().out


def test_a_problem_file_is_solved(run: Any, tmp_path: Path) -> None:
    """Whoever has a routing problem in a known format gets a plan that the checker accepts, and can keep it."""
    problem = {
        "vehicles": [{"id": 1, "start_index": 0, "end_index": 0, "capacity": [4]}],
        "jobs": [{"id": number, "location_index": number, "delivery": [1], "service": 60} for number in (1, 2, 3)],
        "matrices": {"car": {"durations": [[0, 60, 90, 120], [60, 0, 50, 90], [90, 50, 0, 40], [120, 90, 40, 0]]}},
    }
    file, plan = tmp_path / "day.json", tmp_path / "plan.json"
    file.write_text(json.dumps(problem), encoding="utf-8")
    found = run("solve", str(file), "--seconds", "0.3", "--output", str(plan))
    assert found["feasible"]
    assert found["unassigned"] == 0
    assert json.loads(plan.read_text(encoding="utf-8"))["summary"]["cost"] == 60 + 50 + 40 + 120
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    assert main(["solve", str(tmp_path / "broken.json")]) == 2


SQUARE = """NAME : square
TYPE : CVRP
DIMENSION : 5
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 2
NODE_COORD_SECTION
1 0 0
2 0 10
3 0 20
4 10 0
5 20 0
DEMAND_SECTION
1 0
2 1
3 1
4 1
5 1
DEPOT_SECTION
1
-1
EOF
"""


def test_a_solved_file_is_drawn_and_compared(run: Any, tmp_path: Path) -> None:
    """Beside a best-known plan the gap is told, and the plan can be looked at as a picture."""
    file, picture = tmp_path / "square.vrp", tmp_path / "square.png"
    file.write_text(SQUARE, encoding="utf-8")
    file.with_suffix(".sol").write_text("Route #1: 1 2\nRoute #2: 3 4\nCost 80\n", encoding="utf-8")
    found = run("solve", str(file), "--seconds", "0.2", "--format", "vrplib", "--plot", str(picture))
    assert found["cost"] == found["best_known"] == 80
    assert found["gap_percent"] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["solve", str(file), "--format", "nonsense"]) == 2


def test_secrets_are_not_printed(run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The list of settings shows that a secret is set, not the secret."""
    monkeypatch.setenv("CUNDA_TOKEN_SECRET", "very-secret-value")
    shown = {entry["name"]: entry["value"] for entry in run("settings")}
    assert "very-secret-value" not in json.dumps(shown)
    assert shown["CUNDA_HTTP_HOST"] == "127.0.0.1"


def test_no_broker_is_explained(run: Any, capsys: pytest.CaptureFixture[str], county_files: tuple[Path, Path]) -> None:
    """Simulating kiosks without a broker says which command starts one."""
    assert main(["kiosks", "simulate", "-r", "demo"]) == 2
    assert "cunda serve" in capsys.readouterr().err


def test_every_command_and_flag_has_a_meaning() -> None:
    """No command and no option is without a sentence that says what it does."""
    for name, command in commands():
        assert (command.help or "").strip(), name
        for parameter in command.params:
            if parameter.name != "help":
                assert (parameter.help or "").strip(), f"{name} {parameter.name}"


def test_the_reference_lists_every_command_and_flag() -> None:
    """The page of the command line names each command with each of its options."""
    page = cli_page()
    for name, command in commands():
        assert f"## `{name}`" in page
        for parameter in command.params:
            if parameter.name != "help":
                shown = parameter.name.upper() if parameter.param_type_name == "argument" else parameter.opts[0]
                assert shown in page, f"{name} {shown}"


def test_the_verbs_of_the_first_day_are_there() -> None:
    """Each command the documentation of the first day promises exists."""
    names = {name for name, _ in commands()}
    assert names >= {
        "cunda region build demo", "cunda region import", "cunda region list", "cunda region show",
        "cunda parcels generate", "cunda parcels import", "cunda parcels where", "cunda parcels list", "cunda plan",
        "cunda serve", "cunda broker", "cunda kiosks simulate", "cunda doctor", "cunda users add", "cunda users list",
        "cunda users passwd", "cunda db upgrade", "cunda demo", "cunda openapi", "cunda settings", "cunda solve",
        "cunda bench",
    }  # fmt: skip


def test_the_reference_pages_are_rendered() -> None:
    """Errors and settings are printed from the program, each with its remedy or meaning."""
    assert "| `region_not_found` | 404 |" in errors_page()
    assert "`CUNDA_HTTP_PORT`" in settings_page()


def test_api_01_the_committed_description_is_the_running_one() -> None:
    """The API description in the documentation is exactly what the server says of itself."""
    committed = (PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_text(), "run `cunda docs write`"
    described = json.loads(committed)
    assert described["openapi"].startswith("3.1")
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path} has no description"


def test_tables_line_up_with_chinese() -> None:
    """Columns stay in line although a Chinese character takes two places."""
    lines = table(("name", "n"), [("云岭县", 1), ("ab", 22)])
    assert lines == ["name    n", "云岭县  1", "ab      22"]
