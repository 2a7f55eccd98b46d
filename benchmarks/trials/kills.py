"""Killed programs: broker, server and kiosks end by SIGKILL while drop-offs are made; nothing is lost or counts twice.

What a kiosk recorded is read from its own database afterwards: each drop-off notes its id there in the very transaction
that records it, so a kill cannot hide one.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.trials.stage import Program, Stage, score, until
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_most, exactly, noted

BROKER, SERVER, COMMIT, KIOSKS = "broker", "server", "server after a commit", "kiosks"
_RECORD_S = 600.0
_DRAIN_S = 120.0


@dataclass(frozen=True)
class Storm:
    """How many drop-offs are made and what is killed meanwhile.

    Parameters
    ----------
    groups
        Programs the kiosks are spread over.
    deaths
        How often each kind of program is killed; ``server after a commit`` dies in the worst moment there is, when
        a batch is stored and nobody has heard of it.
    """

    events: int
    per_s: float
    kiosks: int
    deaths: dict[str, int]
    groups: int = 4


def run_storm(settings: TrialSettings, storm: Storm) -> TrialResult:
    """Run one storm and count the damage."""
    rng = Random(settings.seed)
    deaths = [what for what, count in storm.deaths.items() for _ in range(count)]
    rng.shuffle(deaths)
    pause_s = storm.events / storm.per_s / (len(deaths) + 1)
    quota = storm.events // storm.kiosks * storm.kiosks
    with Stage(settings, storm.kiosks) as stage:
        cast = _Cast(stage, storm)
        for number, what in enumerate(deaths):
            time.sleep(pause_s * rng.uniform(0.6, 1.4))
            settings.progress("kills", number + 1, len(deaths), what)
            cast.strike(what, rng)
        until(lambda: len(recorded(stage.folder)) >= quota, _RECORD_S, 0.5)
        drained_s = until(lambda: not waiting(stage.folder), _DRAIN_S, 0.1)
        cast.end()
        ids = recorded(stage.folder)
        found = score(stage.database, ids)
        return TrialResult(
            (
                exactly("recorded", len(ids), quota, "events"),
                *found.figures,
                exactly("still waiting at a kiosk", waiting(stage.folder), 0, "events"),
                at_most("drained within", drained_s, 30, "s"),
                exactly("lines of the broker about dropped messages", stage.count_dropped_lines(), 0),
                *(noted(f"kills: {what}", count) for what, count in storm.deaths.items()),
                noted("duplicates the last server absorbed", cast.absorbed, "events"),
            )
        )


class _Cast:
    """The programs of a storm, and their deaths."""

    def __init__(self, stage: Stage, storm: Storm) -> None:
        self._stage, self._storm = stage, storm
        self._server = stage.server()
        self._kiosks = [self._group(number) for number in range(storm.groups)]
        self.absorbed = 0

    def strike(self, what: str, rng: Random) -> None:
        """Kill one program and start it again a moment later."""
        if what == BROKER:
            self._stage.kill_broker()
        elif what == SERVER:
            self._server.kill()
            self._server = self._stage.server()
        elif what == COMMIT:
            self._server.process.send_signal(signal.SIGUSR1)
            self._server.process.wait()
            self._server = self._stage.server()
        else:
            number = rng.randrange(self._storm.groups)
            self._kiosks[number].kill()
            self._kiosks[number] = self._group(number)

    def end(self) -> None:
        """End everything in order."""
        for program in self._kiosks:
            program.stop()
        stats = json.loads(self._server.stop())
        self.absorbed = int(stats["duplicates"])

    def _group(self, number: int) -> Program:
        storm = self._storm
        quota, per_s = storm.events // storm.kiosks, storm.per_s / storm.groups
        return self._stage.run("kiosks", number, storm.groups, quota, per_s, self._stage.settings.seed)


def recorded(folder: Path) -> list[str]:
    """Read from each kiosk's own database the ids of all drop-offs it recorded."""
    query = "SELECT value FROM state WHERE key LIKE 'made/%'"
    return [json.loads(text) for path in _stores(folder) for text in _look(path, query)]


def waiting(folder: Path) -> int:
    """Return how many drop-offs lie in kiosks' outboxes."""
    return sum(len(_look(path, "SELECT id FROM event")) for path in _stores(folder))


def _stores(folder: Path) -> list[Path]:
    return sorted((folder / "kiosks").glob("*/device.db"))


def _look(path: Path, query: str) -> list[str]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=15)
    try:
        return [str(row[0]) for row in database.execute(query)]
    except sqlite3.OperationalError:  # the kiosk was killed before its first start was over
        return []
    finally:
        database.close()


def _storm(settings: TrialSettings, full: dict[str, int], small: dict[str, int]) -> TrialResult:
    size = settings.size
    deaths = full if settings.scale == "full" else small
    return run_storm(settings, Storm(size(5000, 80), size(150, 40), size(40, 4), deaths, size(4, 2)))


def broker_killed(settings: TrialSettings) -> TrialResult:
    """Kill the broker, which keeps nothing."""
    return _storm(settings, {BROKER: 5}, {BROKER: 1})


def server_killed(settings: TrialSettings) -> TrialResult:
    """Kill the server at any moment, and between a commit and its first acknowledgement."""
    return _storm(settings, {SERVER: 2, COMMIT: 3}, {SERVER: 1, COMMIT: 1})


def everything_killed(settings: TrialSettings) -> TrialResult:
    """Kill everything in turn."""
    full = {BROKER: 5, SERVER: 3, COMMIT: 2, KIOSKS: 20}
    return _storm(settings, full, {BROKER: 1, SERVER: 1, COMMIT: 1, KIOSKS: 1})


TRIALS: tuple[Trial, ...] = (
    Trial("R3", "the broker is killed 5 times in 5,000 drop-offs and keeps nothing", broker_killed),
    Trial("R4", "the server is killed 5 times, also between commit and PUBACK", server_killed),
    Trial("STORM", "5 kills of the broker, 5 of the server, 20 of kiosks in 5,000 drop-offs", everything_killed),
)
