"""Trials: named, honest about what failed, and the same scenarios in small as the full ones that are printed."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.cli.main import main
from benchmarks.trials.proxy import FaultProxy
from benchmarks.trials.registry import TRIALS
from benchmarks.trials.trial import (
    Broker,
    Trial,
    TrialResult,
    TrialSettings,
    TrialUnknownError,
    at_least,
    at_most,
    choose,
    exactly,
    noted,
    percentile,
    run_one,
)
from firmware_bridge.broker.mosquitto import find_mosquitto

SLOW = ("R1", "R2", "R4", "STORM", "R9", "A1")


def test_every_trial_has_a_name_of_its_own() -> None:
    """No two trials are called the same, and each says what happens."""
    names = [trial.name for trial in TRIALS]
    assert len(set(names)) == len(names)
    assert all(trial.title for trial in TRIALS)
    assert {*SLOW, "R3", "R6", "R7"} <= set(names)


def test_a_figure_is_held_only_within_its_limit() -> None:
    """Limits may be reached, not passed; what is only noted demands nothing."""
    assert [at_most("s", 30.0, 30).held, at_most("s", 30.1, 30).held, at_most("s", float("inf"), 30).held] == [
        True, False, False,
    ]  # fmt: skip
    assert [at_least("rate", 499.9, 500).held, at_least("rate", 500, 500).held] == [False, True]
    assert [exactly("lost", 0, 0).held, exactly("lost", 1, 0).held, noted("kills", 5).held] == [True, False, True]
    assert not at_most("of nothing", percentile([], 0.99), 500).held


def test_a_broken_trial_is_a_failed_one(tmp_path: Path) -> None:
    """A trial that breaks, and one that measures nothing, have not held; a missing program is shown as skipped."""

    def breaks(settings: TrialSettings) -> TrialResult:
        raise OSError("no such port")

    settings = TrialSettings(tmp_path)
    broken = run_one(Trial("X1", "breaks", breaks), settings)
    assert (broken.outcome, broken.error) == ("failed", "OSError: no such port")
    assert run_one(Trial("X2", "measures nothing", lambda _: TrialResult()), settings).outcome == "failed"
    skipped = run_one(Trial("X3", "needs a tool", lambda _: TrialResult(skipped="no mosquitto")), settings)
    assert skipped.outcome == "skipped"
    assert list(tmp_path.iterdir()) == [], "trials clear up"


def test_trials_are_found_by_name() -> None:
    """Names are found in either case, in the order asked for; a wrong one is named."""
    assert [trial.name for trial in choose(TRIALS, ["r3", "R1"])] == ["R3", "R1"]
    with pytest.raises(TrialUnknownError, match="R99"):
        choose(TRIALS, ["R1", "R99"])


def test_the_command_prints_and_keeps_what_was_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cunda chaos run` ends with 0 when all held, shows measured beside required, and writes the same as JSON."""
    file = tmp_path / "figures.json"
    assert main(["chaos", "list"]) == 0
    assert "R3" in capsys.readouterr().out
    assert main(["chaos", "run", "R7", "--scale", "small", "--json", str(file)]) == 0
    printed = capsys.readouterr()
    assert "state after the wild run" in printed.out
    assert "R7: held" in printed.err
    [trial] = json.loads(file.read_text(encoding="utf-8"))["trials"]
    assert (trial["name"], trial["outcome"]) == ("R7", "held")
    assert main(["chaos", "run", "R99"]) == 2


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str, Broker], None]:
    """Run a trial in small and insist that it holds."""

    def run_small(name: str, broker: Broker) -> None:
        if broker == "mosquitto" and find_mosquitto() is None:
            pytest.skip("mosquitto is not installed (Debian package mosquitto)")
        [trial] = choose(TRIALS, [name])
        report = run_one(trial, TrialSettings(tmp_path, scale="small", broker=broker))
        assert report.outcome == "held", (report.error, [one for one in report.result.figures if not one.held])

    return run_small


@pytest.mark.integration
@pytest.mark.parametrize(("name", "broker"), [("R3", "amqtt"), ("R6", "auto")])
def test_a_trial_holds_in_small(name: str, broker: Broker, run: Callable[[str, Broker], None]) -> None:
    """A killed broker, of a kind that remembers nothing, and a drained backlog: nothing lost, nothing twice."""
    run(name, broker)


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("name", SLOW)
def test_a_long_trial_holds_in_small(name: str, run: Callable[[str, Broker], None]) -> None:
    """A crowd, killed servers and kiosks, a bad network, and the way from a click to the coil."""
    run(name, "mosquitto")


@pytest.mark.slow
@pytest.mark.integration
def test_server_and_devices_agree_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    """The trial of disorder gives one state on PostgreSQL too, in a database that is dropped afterwards."""
    [trial] = choose(TRIALS, ["R7"])
    report = run_one(trial, TrialSettings(tmp_path, scale="small", database_url=postgres_url))
    assert report.outcome == "held", (report.error, [one for one in report.result.figures if not one.held])


@pytest.fixture
def echo() -> Iterator[int]:
    """Give the port of a server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_echo, args=(link,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.close()


def _echo(link: socket.socket) -> None:
    with closing(link):
        try:
            while data := link.recv(100):
                link.sendall(data)
        except OSError:
            return


def test_the_proxy_does_to_connections_what_networks_do(echo: int) -> None:
    """Clear weather carries bytes; a frozen connection is silent and its ends are known; a cut one is over."""
    with FaultProxy(echo) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), 10) as link:
            link.sendall(b"hello")
            assert link.recv(5) == b"hello"
            proxy.freeze()
            link.sendall(b"anybody?")
            link.settimeout(0.3)
            with pytest.raises(TimeoutError):
                link.recv(1)
            assert proxy.gave_up("client") == [float("inf")]
        assert _comes_true(lambda: proxy.gave_up("client")[0] < float("inf"))
        with socket.create_connection(("127.0.0.1", proxy.port), 10) as link:
            link.sendall(b"again")
            assert link.recv(5) == b"again", "new connections are untouched"
            proxy.cut()
            assert _over(link)


def _over(link: socket.socket) -> bool:
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True


def _comes_true(holds: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(holds() or pause.wait(0.05) for _ in range(400)) or holds()
