"""The device's database: numbers, transactions, and what survives."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_bridge.device.store import DeviceStore, Fact
from firmware_bridge.errors import OutboxFullError, PersonalDataError
from kernel.clock import ManualClock
from kernel.ids import SeededIds


@pytest.fixture
def open_store(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Callable[[], DeviceStore]]:
    """Open the same store, again and again, as a device does at every start."""
    opened: list[DeviceStore] = []

    def open_it() -> DeviceStore:
        for earlier in opened:
            earlier.close()
        store = DeviceStore(tmp_path / "device.db", clock, ids, reserve_bytes=4096)
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        store.close()


def test_dev_002_seq_monotonic_without_gaps(open_store: Callable[[], DeviceStore], fact: Callable[..., Fact]) -> None:
    """Numbers rise by one, also after failures, restarts and an emptied outbox, and are never used twice."""
    store = open_store()
    numbers = [store.record(fact()).seq for _ in range(3)]
    with pytest.raises(PersonalDataError):
        store.record(fact(phone="13912345678"))
    store.settle([1, 2, 3])
    store = open_store()
    numbers += [store.record(fact()).seq for _ in range(2)]
    assert numbers == [1, 2, 3, 4, 5]
    assert store.next_seq() == 6


def test_dev_003_boot_number_committed_first(open_store: Callable[[], DeviceStore], fact: Callable[..., Fact]) -> None:
    """Every start has a higher boot number, on disk before anything else, and every event carries it."""
    first = open_store()
    assert first.record(fact()).boot == first.boot == 1
    second = open_store()
    assert second.record(fact()).boot == second.boot == 2
    with sqlite3.connect(second._path) as look:
        assert look.execute("SELECT value FROM meta WHERE key = 'boot'").fetchone() == (2,)
    look.close()
    assert [event.boot for event in second.waiting(0, 9, backlog=True)] == [1]


def test_dev_005_event_and_state_commit_together(
    open_store: Callable[[], DeviceStore], fact: Callable[..., Fact]
) -> None:
    """An event and the local change it tells of are both there or both not."""
    store = open_store()
    store.record(fact(), {"box/c1-3": "stored"})
    with pytest.raises(TypeError):
        store.record(fact(), {"box/c1-4": object()})  # fails after the event row was written
    store = open_store()
    assert (store.count(), store.state("box/c1-3"), store.state("box/c1-4")) == (1, "stored", None)
    settings = {name: store.query(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")}
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_an_event_outlives_the_killed_program(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> None:
    """Whatever was recorded when the program is killed is there at the next start, with its number."""
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from kernel.clock import SystemClock\n"
        "from kernel.ids import SystemIds\n"
        "from firmware_bridge.device.store import DeviceStore, Fact\n"
        "store = DeviceStore(Path(sys.argv[1]), SystemClock(), SystemIds())\n"
        "for n in range(5):\n"
        "    store.record(Fact('parcel', 'test.happened', {'n': n}), {'last': n})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "killed.db"
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    store = DeviceStore(path, clock, ids)
    assert [event.seq for event in store.waiting(0, 9, backlog=True)] == [1, 2, 3, 4, 5]
    assert store.state("last") == 4
    store.close()


def test_dev_020_no_personal_data_on_wire(open_store: Callable[[], DeviceStore], fact: Callable[..., Fact]) -> None:
    """A name, phone, address, identity number or code never even enters the outbox."""
    store = open_store()
    bodies: list[dict[str, object]] = [
        {"sender_name": "王小明"},
        {"note": "call 139 1234 5678"},
        {"deep": [{"address": "杨市街 5 号"}]},
        {"pickup_code": "4711"},
        {"remark": "11010519491231002X"},
    ]
    for body in bodies:
        with pytest.raises(PersonalDataError):
            store.record(fact(**body))
    assert store.count() == 0
    store.record(fact(waybill="13912345678", proof="rn-1-1"))  # a waybill may look like a phone
    assert store.count() == 1


def test_dev_091_corrupt_store_quarantined(open_store: Callable[[], DeviceStore], fact: Callable[..., Fact]) -> None:
    """A damaged store is set aside unread and a new one begins under another store id."""
    store = open_store()
    for _ in range(200):
        store.record(fact())
    store.close()
    path, old_id = store._path, store.store_id
    raw = bytearray(path.read_bytes())
    raw[4096 : 4096 * 3] = os.urandom(4096 * 2)
    path.write_bytes(raw)
    fresh = open_store()
    assert fresh.quarantined is not None
    assert fresh.quarantined.read_bytes() == bytes(raw)
    assert fresh.store_id != old_id
    assert fresh.record(fact()).seq == 1


def test_a_full_disk_refuses_instead_of_lying(open_store: Callable[[], DeviceStore], fact: Callable[..., Fact]) -> None:
    """When the disk is full nothing is half recorded, deposits are refused and the reserve is freed."""
    store = open_store()
    store.record(fact())
    pages = store.query("PRAGMA page_count")[0][0]
    store.query(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutboxFullError):
        for _ in range(500):
            store.record(fact(text="x" * 2000))
    assert store.deposits_refused
    assert not store._reserve.exists()
    count, newest = store.count(), store.next_seq()
    assert newest == count + 1
    store.query("PRAGMA max_page_count = 1000000")
    assert store.record(fact()).seq == newest


def test_a_device_needs_little_memory() -> None:
    """The device program with all it imports stays below 60 MB."""
    program = "import firmware_bridge.device.worker; print(open('/proc/self/status').read())"
    status = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    peak_kb = int(status.partition("VmHWM:")[2].split()[0])
    sys.stdout.write(f"the device program's imports need {peak_kb / 1024:.1f} MB\n")
    assert peak_kb < 60 * 1024
