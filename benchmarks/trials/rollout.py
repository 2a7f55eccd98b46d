"""Rollouts: settings that many devices refuse stop by themselves; a program that is not well is taken back: F1."""

from __future__ import annotations

import functools
import http.server
import json
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks.trials.stage import AREA, Program, Stage, configs_of, until
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_least, at_most, exactly, noted
from firmware_bridge.device.agent import Agent, serve
from firmware_bridge.device.config import AgentConfig, UpdateConfig, write_config
from firmware_bridge.device.settings import DeviceSettings
from firmware_bridge.link import Waker
from firmware_bridge.server.configuration import ConfigDesk
from firmware_bridge.server.model import DevicePresence, RolloutDevice
from firmware_bridge.server.releases import ReleaseShelf
from firmware_bridge.server.rollouts import FAILED, RUNNING, SUCCEEDED, RolloutDesk, RolloutPlan
from firmware_bridge.signing import decode_bytes
from kernel.clock import SystemClock
from kernel.ids import SystemIds

_PROJECT = Path(__file__).resolve().parent.parent.parent
_LIMIT_MB = 60.0
_REFUSED_S = 7  # the heartbeat that stubborn devices refuse
_TRIAL_S = 20.0
_FIRST = "from __future__ import annotations\n"


def rollout(settings: TrialSettings) -> TrialResult:
    """Roll out bad settings, good settings, a good program and a broken one."""
    figures = [*_settings_rollout(settings), *_release_rollout(settings)]
    return TrialResult(tuple(figures))


def _settings_rollout(settings: TrialSettings) -> list[Any]:
    count = settings.size(60, 20)
    folder = settings.folder / "settings"
    folder.mkdir()
    with Stage(replace(settings, folder=folder), count) as stage, _fleet(stage) as agents:
        stage.server()
        until(lambda: stage.online() == count, 60)
        bad = _roll(stage, {"heartbeat_s": _REFUSED_S}, settings)
        parts = _parts(stage, bad)
        until(lambda: all(agent.upkeep.settings.current.heartbeat_s == 30 for agent in agents), 90)
        left = sum(agent.upkeep.settings.current.heartbeat_s != 30 for agent in agents)
        reached = sum(agent.upkeep.settings.heard > 0 for agent in agents)
        good = _roll(stage, {"heartbeat_s": 20}, settings)
        executed = parts[FAILED] + parts[SUCCEEDED]
        return [
            exactly("bad settings: rollout", _state(stage, bad), "stopped"),
            at_least("executed when it stopped", executed, 10, "devices"),
            at_least("of these failed", round(parts[FAILED] / max(executed, 1) * 100, 1), 20, "%"),
            exactly("devices left with bad settings", left, 0),
            noted("devices reached", reached, f"of {count}"),
            exactly("good settings: rollout", _state(stage, good), "completed"),
            exactly("devices with good settings", _parts(stage, good)[SUCCEEDED], count),
        ]


@contextmanager
def _fleet(stage: Stage) -> Iterator[list[Agent]]:
    """Run every kiosk of a stage; each third refuses one setting."""
    agents = [
        Agent(config, SystemClock(), SystemIds(), objections=_stubborn if number % 3 == 0 else _content)
        for number, config in enumerate(configs_of(stage.folder))
    ]
    stop, waker = threading.Event(), Waker()
    thread = threading.Thread(target=serve, args=(agents, stop, waker), name="fleet", daemon=True)
    thread.start()
    try:
        yield agents
    finally:
        stop.set()
        waker.wake()
        thread.join(10)
        for agent in agents:
            agent.close()
        waker.close()


def _stubborn(wanted: DeviceSettings) -> dict[str, str]:
    return {"heartbeat_s": "this device cannot"} if wanted.heartbeat_s == _REFUSED_S else {}


def _content(wanted: DeviceSettings) -> dict[str, str]:
    return {}


def _desk() -> RolloutDesk:
    return RolloutDesk(SystemClock(), ConfigDesk(SystemClock()))


def _roll(stage: Stage, wanted: dict[str, Any], settings: TrialSettings) -> int:
    """Start a rollout of settings and wait for its end."""
    with stage.database.begin() as session:
        plan = RolloutPlan(stages=(10, 60, 100), soak_s=settings.size(10, 1), timeout_s=120)
        number = _desk().start_settings(session, AREA, wanted, "user:trial", plan).id
    until(lambda: _state(stage, number) != RUNNING, 240, 0.3)
    return number


def _state(stage: Stage, number: int) -> str:
    with stage.database.read() as session:
        return _desk().get(session, number).state


def _parts(stage: Stage, number: int) -> Counter[str]:
    with stage.database.read() as session:
        return Counter(session.scalars(select(RolloutDevice.state).where(RolloutDevice.rollout_id == number)))


def _release_rollout(settings: TrialSettings) -> list[Any]:
    folder = settings.folder / "release"
    folder.mkdir()
    with Stage(replace(settings, folder=folder), 1) as stage, _shop(folder / "shop") as url:
        shelf = ReleaseShelf(folder / "shelf", SystemClock())
        [config] = configs_of(stage.folder)
        agent, path = _installed(stage, config, shelf)
        stage.server()
        until(lambda: _firmware(stage) != "", 60)
        good = _release(stage, shelf, url, folder, "2.0-good", _TELLS)
        running = _firmware(stage)
        supervisor_mb, program_mb = _memory_mb(agent)
        broken = _release(stage, shelf, url, folder, "3.0-broken", "raise SystemExit('broken')\n")
        until(lambda: _firmware(stage).endswith("2.0-good"), 60)
        slots = json.loads((path.parent / "slots" / "slots.json").read_text(encoding="utf-8"))
        forged = _release(stage, shelf, url, folder, "4.0-forged", _TELLS, forge=True)
        return [
            exactly("good release", good, "succeeded"),
            exactly("runs after it", running.rpartition(" ")[2], "2.0-good"),
            exactly("broken release", broken.partition(":")[0], "rolled_back"),
            exactly("runs after that", _firmware(stage).rpartition(" ")[2], "2.0-good"),
            exactly("still on trial", slots["trial"], False),
            exactly("release not signed by its maker", forged.partition(":")[0], "refused"),
            at_most("memory of the device program", program_mb, _LIMIT_MB, "MB"),
            at_most("memory of program and supervisor", program_mb + supervisor_mb, _LIMIT_MB, "MB"),
        ]


_TELLS = "# a comment that makes another archive\n"


def _installed(stage: Stage, config: AgentConfig, shelf: ReleaseShelf) -> tuple[Program, Path]:
    path = config.store_path.parent / "agent.toml"
    update = UpdateConfig(decode_bytes(shelf.public_key), path.parent / "slots", _TRIAL_S)
    write_config(path, replace(config, update=update, health_port=0))
    command = [sys.executable, "-m", "firmware_bridge.device.main", "--log-level", "error", "run", str(path)]
    program = Program(command, stage.folder / "agent.log")
    stage.ends_with(program)
    return program, path


def _release(
    stage: Stage, shelf: ReleaseShelf, url: str, folder: Path, version: str, head: str, *, forge: bool = False
) -> str:
    """Roll a release out to the one device; return what became of its part, with the device's words."""
    archive = _pack(folder / f"{version}.zip", head + f"# {version}\n")
    with stage.database.begin() as session:
        release = shelf.add(session, archive, version, "user:trial")
        served = folder / "shop" / "api" / "v1" / "releases" / release.sha256
        served.write_bytes(shelf.path(release.sha256).read_bytes())
        if forge:
            release.signature = release.signature[::-1]
        plan = RolloutPlan(stages=(100,), soak_s=1, timeout_s=180)
        number = _desk().start_release(session, AREA, version, url, "user:trial", plan).id
    until(lambda: _state(stage, number) != RUNNING, 200, 0.3)
    with stage.database.read() as session:
        part = session.scalars(select(RolloutDevice).where(RolloutDevice.rollout_id == number)).one()
        return part.detail if part.state == FAILED else part.state


def _pack(archive: Path, head: str) -> Path:
    """Pack the device program as it is, with a few lines before its own."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for room in ("kernel", "lockers", "firmware_bridge"):
            for path in sorted((_PROJECT / room).rglob("*.py")):
                name, text = path.relative_to(_PROJECT).as_posix(), path.read_text(encoding="utf-8")
                if name == "firmware_bridge/device/worker.py":
                    text = text.replace(_FIRST, _FIRST + head, 1)
                packed.writestr(name, text)
    return archive


def _firmware(stage: Stage) -> str:
    with stage.database.read() as session:
        row = session.scalars(select(DevicePresence)).first()
        return row.firmware if row is not None else ""


def _memory_mb(supervisor: Program) -> tuple[float, float]:
    number = supervisor.process.pid
    [child] = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii").split()
    return supervisor.resident_mb(), _resident_mb(int(child))


def _resident_mb(number: int) -> float:
    status = Path(f"/proc/{number}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


@contextmanager
def _shop(folder: Path) -> Iterator[str]:
    (folder / "api" / "v1" / "releases").mkdir(parents=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, name="shop", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


TRIALS: tuple[Trial, ...] = (
    Trial("F1", "bad settings and a broken program stop by themselves and are taken back", rollout),
)
