"""The device program as it is installed: alone, watched, replaced, and taken back."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware_bridge.device.config import AgentConfig, UpdateConfig, read_config, write_config
from firmware_bridge.device.ed25519 import is_signed_by
from firmware_bridge.device.health_page import HealthPage
from firmware_bridge.device.slots import INSTALLED, Slots
from firmware_bridge.device.store import DeviceStore, Fact
from firmware_bridge.device.supervisor import Patience, Supervisor
from firmware_bridge.device.unpacking import unpack
from firmware_bridge.device.updater import Updater
from firmware_bridge.errors import ReleaseError, UnknownReleaseError
from firmware_bridge.schemas import ReleaseOffer
from firmware_bridge.server.releases import ReleaseShelf
from firmware_bridge.signing import decode_bytes

PATIENCE_S = 60.0
#: Stands for the program: a release says in its file how it behaves.
PROGRAM = """
import os, sys, time
sys.path[0:0] = os.environ.get("PYTHONPATH", "").split(":")
from pathlib import Path
from behaviour import live
live(Path(sys.argv[1]))
"""
BEHAVIOUR = """
import json, sys, time
def live(folder):
    with (folder / "starts").open("a") as file:
        file.write("{release}\\n")
    {does}
"""
WELL = (
    "state = json.loads((folder / 'slots' / 'slots.json').read_text()) if (folder / 'slots').exists() else {}\n"
    "    if state: state['trial'] = False; (folder / 'slots' / 'slots.json').write_text(json.dumps(state))\n"
    "    sys.stdin.read()"
)


def until(holds: Callable[[], bool]) -> bool:
    """Wait until something holds."""
    ends_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_s:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


def archive(path: Path, **files: str) -> Path:
    """Write an archive that looks like a device program."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("firmware_bridge/device/main.py", "")
        for name, text in files.items():
            packed.writestr(name.replace("__", "/") + ".py", text)
    return path


def install(slots: Slots, packed: Path, release: str) -> str:
    """Unpack a release into the place that does not run."""
    place, target = slots.spare()
    unpack(packed, target)
    slots.fill(place, release)
    return place


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    """Give two empty places."""
    return Slots(tmp_path / "slots")


def test_signatures_are_judged_as_by_a_library() -> None:
    """What the library signs is accepted, and one changed bit anywhere is not."""
    rng = Random(3)
    for number in range(12):
        key = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), rng.randbytes(number * 7)
        signature = key.sign(message)
        assert is_signed_by(public, message, signature)
        for part in (public, signature, message or b"\x00"):
            place, bit = rng.randrange(len(part)), 1 << rng.randrange(8)
            wrong = part[:place] + bytes([part[place] ^ bit]) + part[place + 1 :]
            changed = [wrong if one is part else one for one in (public, message or b"\x00", signature)]
            assert not is_signed_by(*changed)
    assert not is_signed_by(b"", b"", b"")
    assert not is_signed_by(bytes(32), b"", bytes(64)[:63])


def test_a_signature_is_unique() -> None:
    """A signature with its scalar raised by the group's order is not another signature of the same words."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = key.sign(b"release")
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(signature[32:], "little") + order
    forged = signature[:32] + scalar.to_bytes(32, "little")
    assert not is_signed_by(key.public_key().public_bytes_raw(), b"release", forged)


def test_the_device_program_needs_nothing_of_the_server() -> None:
    """What a kiosk runs imports our three rooms, the standard library, and what `cunda[device]` names: nothing else."""
    program = (
        "import sys\n"
        "class Wall:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in BANNED:\n"
        "            raise ImportError(f'{name} is not on a kiosk')\n"
        "BANNED = {'numba','numpy','scipy','fastapi','starlette','sqlalchemy','alembic','typer','cryptography','httpx',"
        "'uvicorn','rich','shapely','pyproj','osmium','openpyxl','amqtt','pwdlib','jwt','psycopg','api','routing',"
        "'maps','dispatch','benchmarks','tests'}\n"
        "sys.meta_path.insert(0, Wall())\n"
        "import pkgutil, importlib, firmware_bridge.device as device\n"
        "for found in pkgutil.iter_modules(device.__path__):\n"
        "    importlib.import_module(f'firmware_bridge.device.{found.name}')\n"
        "print(' '.join(sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    allowed = {
        "kernel", "lockers", "firmware_bridge", "paho", "pydantic", "pydantic_core", "annotated_types",
        "typing_extensions", "typing_inspection", "structlog", "uuid_utils", "pydantic_settings", "dotenv", "__main__",
        "tzdata", "serial",
    }  # fmt: skip
    allowed |= {"sitecustomize"}  # Debian's interpreter loads it before any program
    strangers = {name for name in done.stdout.split() if not name.startswith("_")} - allowed
    assert strangers == set()


def test_a_program_that_stands_still_is_ended() -> None:
    """A main loop that no longer comes round is ended, with the stacks of all threads on record."""
    program = (
        "import time\n"
        "from firmware_bridge.device.watchdog import WatchdogState\n"
        "watchdog = WatchdogState(limit_s=0.5)\n"
        "watchdog.turn()\n"
        "time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "line 5" in done.stderr


def test_a_dead_part_lets_the_watchdog_bite() -> None:
    """When one thread of the program is gone, the others going on does not hide it."""
    program = (
        "import time\n"
        "from firmware_bridge.device.watchdog import WatchdogState\n"
        "alive = [True]\n"
        "watchdog = WatchdogState([lambda: alive[0]], limit_s=3)\n"
        "watchdog.turn(); alive[0] = False\n"
        "while True:\n"
        "    watchdog.turn(); time.sleep(0.05)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 1


def test_the_health_page_tells_people_and_programs() -> None:
    """On loopback a technician reads what is wrong in words, and a program gets a status it can act on."""
    status: dict[str, Any] = {
        "health": {"deposits_refused": False, "dead": 0, "waiting": 3}, "doors": {"c1-1": "closed"}, "born": True,
        "on_trial": False, "settings_errors": {},
    }  # fmt: skip
    page = HealthPage("qj-kiosk-017", lambda: status, 0)
    try:
        base = f"http://127.0.0.1:{page.port}"
        with urllib.request.urlopen(base + "/health", timeout=10) as answer:
            assert json.loads(answer.read())["problems"] == []
        status["health"]["deposits_refused"] = True
        status["doors"]["c1-1"] = "unknown"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(base + "/health", timeout=10)
        assert (refused.value.code, json.loads(refused.value.read())["problems"]) == (
            503, ["disk_full", "doors_unknown"],
        )  # fmt: skip
        refused.value.close()
        with urllib.request.urlopen(base + "/", timeout=10) as answer:
            text = answer.read().decode()
        assert "磁盘已满" in text
        assert "collection works" in text
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(base + "/etc/passwd", timeout=10)
        missing.value.close()
    finally:
        page.close()


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a/../../evil.py", "..\\evil.py"])
def test_an_archive_cannot_reach_out_of_its_place(slots: Slots, tmp_path: Path, name: str) -> None:
    """A release with a path that leads elsewhere is not unpacked, and nothing is left of it."""
    bad = archive(tmp_path / "bad.zip")
    with zipfile.ZipFile(bad, "a") as packed:
        packed.writestr(zipfile.ZipInfo(name), "x")
    with pytest.raises(ReleaseError):
        unpack(bad, slots.spare()[1])
    assert not list(tmp_path.rglob("evil.py"))
    for other in (tmp_path / "empty.zip", tmp_path / "text.zip"):
        with zipfile.ZipFile(other, "w") if other.name == "empty.zip" else other.open("w"):
            pass
        with pytest.raises(ReleaseError):
            unpack(other, slots.spare()[1])


def test_an_archive_with_spoilt_bytes_is_refused(slots: Slots, tmp_path: Path) -> None:
    """A release whose compressed bytes are broken is refused like any other mistake, and nothing of it stays."""
    bad = tmp_path / "spoilt.zip"
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("firmware_bridge/device/main.py", "print('hello')\n" * 50)
        start = packed.filelist[0].header_offset + 30 + len("firmware_bridge/device/main.py")
    spoilt = bytearray(bad.read_bytes())
    spoilt[start : start + 8] = b"\xff" * 8
    bad.write_bytes(spoilt)
    with pytest.raises(ReleaseError, match="cannot be unpacked"):
        unpack(bad, slots.spare()[1])
    assert not slots.spare()[1].exists()


def test_the_running_place_is_never_overwritten(slots: Slots, tmp_path: Path) -> None:
    """Releases take turns in two places, and the installed program stays for the worst case."""
    places = []
    for number in range(4):
        place = install(slots, archive(tmp_path / f"{number}.zip"), f"1.{number}")
        slots.try_out(place, number + 1)
        slots.confirm()
        places.append(place)
    assert places == ["a", "b", "a", "b"]
    assert slots.release(slots.read()) == "1.3"
    (tmp_path / "slots" / "slots.json").write_text("{ cut by the power")
    assert slots.read().running == INSTALLED


@pytest.fixture
def supervised(tmp_path: Path, slots: Slots) -> Iterator[Callable[[], Supervisor]]:
    """Run a supervisor over a stand-in for the program, in a thread."""
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "behaviour.py").write_text(BEHAVIOUR.format(release="installed", does="sys.stdin.read()"))
    (tmp_path / "program.py").write_text(
        PROGRAM.replace("from behaviour", f"sys.path.append({str(installed)!r})\nfrom behaviour")
    )
    running: list[tuple[Supervisor, threading.Thread]] = []

    def start() -> Supervisor:
        command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path)]
        patience = Patience(trial_s=6.0, starts=3, end_s=5.0, again_s=0.05, again_most_s=0.2)
        supervisor = Supervisor(command, slots, patience)
        thread = threading.Thread(target=supervisor.run, daemon=True)
        thread.start()
        running.append((supervisor, thread))
        return supervisor

    yield start
    for supervisor, thread in running:
        supervisor.stop()
        thread.join(30)


def started(folder: Path) -> list[str]:
    """Read which releases were started, in order."""
    path = folder / "starts"
    return path.read_text().split() if path.exists() else []


def put(slots: Slots, folder: Path, release: str, does: str) -> None:
    """Put a release beside the running one, to be tried at the next start."""
    text = BEHAVIOUR.format(release=release, does=does)
    slots.try_out(install(slots, archive(folder / f"{release}.zip", behaviour=text), release), 7)


def test_a_release_that_is_well_stays(supervised: Callable[[], Supervisor], slots: Slots, tmp_path: Path) -> None:
    """A new program that proves itself runs on, also after the next start."""
    put(slots, tmp_path, "good", WELL)
    supervised()
    assert until(lambda: not slots.read().trial)
    assert started(tmp_path) == ["good"]
    assert slots.read().outcome is None


def test_a_release_that_ends_is_taken_back(supervised: Callable[[], Supervisor], slots: Slots, tmp_path: Path) -> None:
    """A new program that ends three times before it was well is replaced by the one before, which says so."""
    put(slots, tmp_path, "broken", "raise SystemExit(3)")
    supervised()
    assert until(lambda: started(tmp_path)[-1:] == ["installed"])
    assert started(tmp_path) == ["broken"] * 3 + ["installed"]
    state = slots.read()
    assert (state.running, state.trial) == (INSTALLED, False)
    assert state.outcome == {
        "rollout": 7, "release": "broken", "state": "rolled_back", "detail": "it ended 3 times before it was well",
    }  # fmt: skip


def test_a_release_that_never_gets_well_is_taken_back(
    supervised: Callable[[], Supervisor], slots: Slots, tmp_path: Path
) -> None:
    """A new program that runs but never reaches the server is replaced by the one before when its time is up."""
    put(slots, tmp_path, "deaf", "time.sleep(600)")
    supervised()
    assert until(lambda: started(tmp_path)[-1:] == ["installed"])
    assert started(tmp_path) == ["deaf", "installed"]
    assert "not well within 6 s" in (slots.read().outcome or {})["detail"]


def test_a_program_ends_with_its_supervisor(tmp_path: Path) -> None:
    """When the supervisor is killed the program notices and ends: two never speak on one line."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from firmware_bridge.device.slots import Slots\n"
        "from firmware_bridge.device.supervisor import Patience, Supervisor\n"
        "body = 'import os,sys;print(os.getpid(),flush=True);sys.stdin.read()'\n"
        "Supervisor([sys.executable, '-c', body], Slots(Path(sys.argv[1]))).run()\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    child = int(supervisor.stdout.readline())
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait(20)
    supervisor.stdout.close()
    assert until(lambda: not os.path.exists(f"/proc/{child}") or "Z" in Path(f"/proc/{child}/stat").read_text())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """Serve a folder over HTTP and give its address."""
    folder = tmp_path / "shop"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def shelf(tmp_path: Path, clock: Any) -> ReleaseShelf:
    """Give a shelf for releases with a maker's key."""
    return ReleaseShelf(tmp_path / "releases", clock)


@pytest.fixture
def offer(shelf: ReleaseShelf, sqlite_database: Any, tmp_path: Path, shop: str) -> Callable[..., ReleaseOffer]:
    """Put an archive on the shelf and offer it."""

    def make(version: str = "2.0", rollout: int = 1, **changes: Any) -> ReleaseOffer:
        path = archive(tmp_path / "made.zip", behaviour=f"# {version}")
        with sqlite_database.begin() as session:
            release = shelf.add(session, path, version, "user:ma")
            (tmp_path / "shop" / version).write_bytes(shelf.path(release.sha256).read_bytes())
            fields = {
                "dev": "qj-kiosk-017", "rollout": rollout, "release": version, "url": f"{shop}/{version}",
                "size": release.size, "sha256": release.sha256, "signature": release.signature,
            }  # fmt: skip
        return ReleaseOffer(**(fields | changes))

    return make


@pytest.fixture
def updater(tmp_path: Path, clock: Any, ids: Any, shelf: ReleaseShelf) -> Iterator[Any]:
    """Give an updater that believes the shelf's maker; its restarts are counted."""
    store = DeviceStore(tmp_path / "device.db", clock, ids)
    restarts: list[int] = []
    config = UpdateConfig(decode_bytes(shelf.public_key), tmp_path / "slots")
    made = Updater(config, store, store.record, lambda: restarts.append(1))
    made.restarts, made.store, made.slots = restarts, store, made._slots  # type: ignore[attr-defined]
    yield made
    store.close()


def outcomes(updater: Any) -> list[tuple[str, str]]:
    """Read what was recorded about releases."""
    rows = updater.store.query("SELECT body FROM event WHERE type = 'update.finished' ORDER BY seq")
    return [(body["release"], body["state"]) for body in (json.loads(row[0]) for row in rows)]


def test_a_signed_release_waits_for_the_restart(updater: Any, offer: Callable[..., ReleaseOffer]) -> None:
    """A release that its maker signed is fetched, unpacked and tried; once well, it is confirmed once."""
    wanted = offer()
    updater.take(wanted)
    updater.join(PATIENCE_S)
    assert (updater.restarts, updater.on_trial, outcomes(updater)) == ([1], True, [])
    updater.take(wanted)  # the server offers again until it hears
    updater.confirm()
    updater.confirm()
    updater.take(wanted)
    updater.join(PATIENCE_S)
    assert (outcomes(updater), updater.restarts) == ([("2.0", "confirmed")], [1])


def test_what_the_maker_did_not_sign_is_refused(
    updater: Any, offer: Callable[..., ReleaseOffer], tmp_path: Path
) -> None:
    """Another archive, another version, another key, more bytes or none: refused once each, and nothing is tried."""
    good = offer()
    other_key = Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(b"x")
    import base64

    forged = base64.urlsafe_b64encode(other_key).rstrip(b"=").decode()
    changes: list[dict[str, Any]] = [
        {"signature": forged},
        {"release": "9.9"},
        {"sha256": hashlib.sha256(b"other").hexdigest()},
        {"size": good.size - 1},
        {"size": good.size + 1},
        {"url": good.url + "-missing"},
    ]
    for number, change in enumerate(changes, start=1):
        updater.take(good.model_copy(update={"rollout": number} | change))
        updater.join(PATIENCE_S)
    (tmp_path / "shop" / "2.0").write_bytes(b"x" * good.size)
    updater.take(good.model_copy(update={"rollout": 9}))
    updater.join(PATIENCE_S)
    assert [state for _, state in outcomes(updater)] == ["refused"] * 7
    assert (updater.restarts, updater.slots.read().running) == ([], INSTALLED)


def test_the_one_before_tells_what_happened(updater: Any, offer: Callable[..., ReleaseOffer]) -> None:
    """After a release was taken back, the old program records why, once."""
    updater.take(offer())
    updater.join(PATIENCE_S)
    updater.slots.roll_back("it was not well within 180 s")
    updater.tell_outcome()
    updater.tell_outcome()
    assert outcomes(updater) == [("2.0", "rolled_back")]


def test_a_version_stands_for_one_archive(shelf: ReleaseShelf, sqlite_database: Any, tmp_path: Path) -> None:
    """A version that is taken cannot become another program, and only device programs go on the shelf."""
    one, other = archive(tmp_path / "1.zip"), archive(tmp_path / "2.zip", other="")
    with sqlite_database.begin() as session:
        added = shelf.add(session, one, "1.0", "user:ma")
        assert shelf.add(session, one, "1.0", "user:ma") is added
        for path, version in ((other, "1.0"), (one, "1.1"), (other, "UPPER CASE"), (tmp_path / "no.zip", "3.0")):
            with pytest.raises(ReleaseError):
                shelf.add(session, path, version, "user:ma")
    for digest in ("0" * 64, "../maker.key", ""):
        with pytest.raises(UnknownReleaseError):
            shelf.path(digest)
    assert (tmp_path / "releases" / "maker.key").stat().st_mode & 0o077 == 0


def test_update_and_health_are_configured(tmp_path: Path, kiosk: Any, shelf: ReleaseShelf) -> None:
    """The maker's key and the health page's port stand in agent.toml."""
    path = tmp_path / "agent.toml"
    update = UpdateConfig(decode_bytes(shelf.public_key), tmp_path / "slots", 90.0)
    config = AgentConfig(**(vars(kiosk.agent.config) | {"update": update, "health_port": 0}))
    config = AgentConfig(**(vars(config) | {"store_path": tmp_path / "device.db"}))
    write_config(path, config)
    assert read_config(path) == config


def test_only_one_program_owns_a_store(tmp_path: Path, kiosk: Any) -> None:
    """A second program on the same store waits, and goes on when the first is gone, even if that was killed."""
    folder = tmp_path / "alone"
    folder.mkdir()
    config = AgentConfig(**(vars(kiosk.agent.config) | {"store_path": folder / "device.db", "health_port": 0}))
    write_config(folder / "agent.toml", config)
    command = [sys.executable, "-m", "firmware_bridge.device.main", "--log-level", "error", "run"]
    first = subprocess.Popen([*command, str(folder / "agent.toml")])
    assert until((folder / "device.db").exists)
    boots = lambda: DeviceBoots(folder / "device.db").read()  # noqa: E731
    assert until(lambda: boots() == 1)
    second = subprocess.Popen([*command, str(folder / "agent.toml")])
    time.sleep(1.5)
    assert boots() == 1
    first.kill()
    first.wait(20)
    assert until(lambda: boots() == 2)
    second.terminate()
    assert second.wait(30) == 0


class DeviceBoots:
    """Reads a store's boot number from outside."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int:
        """Return the boot number, 0 before there is one."""
        import sqlite3

        database = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)
        try:
            return int(database.execute("SELECT value FROM meta WHERE key = 'boot'").fetchone()[0])
        except (sqlite3.OperationalError, TypeError):
            return 0
        finally:
            database.close()


def test_facts_of_a_device_hold_no_personal_data(tmp_path: Path, clock: Any, ids: Any) -> None:
    """A report for diagnosis passes the same filter as every event."""
    store = DeviceStore(tmp_path / "one.db", clock, ids)
    store.record(Fact("device", "device.reported", {"cmd_id": ids.new(), "report": {"doors": {"c1-1": "closed"}}}))
    assert store.count() == 1
    store.close()
