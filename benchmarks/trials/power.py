"""One cabinet under power cuts, repeated and forged commands, a full disk and a damaged database: A2, A3, A4, R10."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.trials.bench import ADDRESS, KEY, LOCKS, Bench, Delivery, Run, edited
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, exactly, noted
from firmware_bridge.device.actuator import POINTS
from firmware_bridge.signing import DeviceKey, Direction, decode_bytes, seal
from kernel.clock import SystemClock

_HONEST = {True: {"confirmed", "unknown"}, False: {"unknown", "failed"}}


def power_cut(settings: TrialSettings) -> TrialResult:
    """Cut the power at each of four points; then the same command comes three times more."""
    rng, each = Random(settings.seed), settings.size(50, 1)
    twice = wrong = undecided = 0
    ends: Counter[str] = Counter()
    with Bench(settings.folder) as bench:
        bench.live(Run())
        for number in range(len(POINTS) * each):
            settings.progress("power cuts", number + 1, len(POINTS) * each)
            point, lock = POINTS[number % len(POINTS)], number % LOCKS + 1
            door = bench.board.doors[lock]
            door.jammed = rng.random() < 0.25
            before = door.pulses
            command, delivery = bench.command(lock)
            assert bench.live(Run((delivery,), cut=point, wait_for=(command,))).cut
            bench.live(Run((delivery,) * 3, wait_for=(command,)))
            pulses, said = door.pulses - before, bench.ends(command)
            opened = pulses > 0 and not door.jammed
            twice += pulses > 1
            undecided += len(said) != 1
            wrong += any(end not in _HONEST[opened] for end in said)
            ends.update(said)
            door.jammed = False
            door.move(closed=True)
    return TrialResult(
        (
            exactly("power cuts", sum(ends.values()), len(POINTS) * each),
            exactly("commands that pulsed twice", twice, 0),
            exactly("outcomes that were not true", wrong, 0),
            exactly("commands without exactly one outcome", undecided, 0),
            *(noted(f"ended {end}", count) for end, count in sorted(ends.items())),
        )
    )


def repeated(settings: TrialSettings) -> TrialResult:
    """Deliver one unlock two to a hundred times, in one life, over restarts, and marked as kept by the broker."""
    wrong = 0
    counts = (2, 3, 5, 10, 20, 50, 100) if settings.scale == "full" else (2, 100)
    with Bench(settings.folder) as bench:
        bench.live(Run())
        for lock, copies in enumerate(counts, start=1):
            settings.progress("copies", copies)
            command, delivery = bench.command(lock)
            kept = Delivery(delivery.topic, delivery.wire, retain=True)
            bench.live(Run((delivery,) * (copies // 2), wait_for=(command,)))
            bench.board.doors[lock].move(closed=True)
            bench.live(Run((*(delivery,) * (copies - copies // 2), kept), wait_for=(command,)))
            bench.live(Run((delivery, kept, delivery), wait_for=(command,)))
            wrong += bench.board.doors[lock].pulses != 1
        pulses = bench.pulses()
    return TrialResult(
        (
            exactly("pulses", pulses, len(counts)),
            exactly("commands not pulsed exactly once", wrong, 0),
            noted("copies delivered", sum(counts) + 4 * len(counts)),
        )
    )


def recorded(settings: TrialSettings) -> TrialResult:
    """Play a recorded unlock back later, to another device, for another box, and with each field edited."""
    silent: list[str] = []
    with Bench(settings.folder) as bench:
        bench.live(Run())
        now = SystemClock().now()
        command, delivery = bench.command(1, exp=now + timedelta(seconds=5))
        bench.live(Run((delivery,), wait_for=(command,)))
        bench.board.doors[1].move(closed=True)
        honest = bench.pulses()
        time.sleep(
            max(0.0, (now + timedelta(seconds=6) - SystemClock().now()).total_seconds())
        )  # later is after its end
        attacks = dict(list(_attacks(bench, delivery).items())[: settings.size(99, 10)])
        for number, (name, attack) in enumerate(attacks.items(), start=1):
            settings.progress("attacks", number, len(attacks), name)
            before = sum(count for _, count in bench.security_events())
            bench.live(Run((attack,)))  # a life of its own: security events of one kind come once a minute at most
            if sum(count for _, count in bench.security_events()) == before:
                silent.append(name)
        # Expired on its way and never seen before: refused without suspicion, for a slow network does that too.
        now = SystemClock().now()
        _, late = bench.command(2, issued_at=now - timedelta(seconds=90), exp=now - timedelta(seconds=30))
        bench.live(Run((late,)))
        opened = bench.pulses() - honest
    return TrialResult(
        (
            exactly("opened by the honest command", honest, 1),
            noted("attacks, one of them expired and therefore without a security event", len(attacks) + 1),
            exactly("opened by an attack", opened, 0),
            exactly("attacks without a security event", ", ".join(silent) or "none", "none"),
        )
    )


def _attacks(bench: Bench, recorded_one: Delivery) -> dict[str, Delivery]:
    topic = recorded_one.topic
    stranger = DeviceKey("cabinet-2.1", bytes(32))
    _, foreign = bench.command(3, dev="cabinet-2")
    _, old_store = bench.command(3, store="ffff0000ffff")
    _, no_box = bench.command(3, target="c9-99")
    _, fresh = bench.command(3)
    body = decode_bytes(json.loads(fresh.wire)["body"])
    other_topic = ADDRESS.command("open").replace("cabinet-1", "cabinet-2")
    changes: dict[str, Any] = {
        "target": "c1-4", "dev": "cabinet-2", "exp": "2099-01-01T00:00:00Z", "ctr": 9999, "expect": "any",
        "cmd_id": "0193f0d0-4c1e-7a55-9d3e-0c7f6f1b2a10", "actor": "user:thief", "op": "report",
    }  # fmt: skip
    return {
        "later": recorded_one,
        "kept by the broker": Delivery(topic, fresh.wire, retain=True),
        "other device": foreign,
        "other store": old_store,
        "other box": no_box,
        "other key": Delivery(topic, seal(stranger, Direction.COMMAND, topic, body).decode()),
        "other topic's signature": Delivery(topic, seal(KEY, Direction.COMMAND, other_topic, body).decode()),
        "other direction's signature": Delivery(topic, seal(KEY, Direction.CONFIG, topic, body).decode()),
        **{f"edited {name}": Delivery(topic, edited(fresh.wire, **{name: value})) for name, value in changes.items()},
    }


def full_disk_and_damage(settings: TrialSettings) -> TrialResult:
    """Fill a real small disk, collect from the cabinet all the same; then damage the database's pages."""
    with _small_disk(settings.folder) as disk:
        if disk is None:
            return TrialResult(skipped="needs the right to mount a small file system (mount -t tmpfs)")
        with Bench(settings.folder, disk) as bench:
            bench.live(Run())
            command, delivery = bench.command(1)
            full = bench.live(Run((delivery,), wait_for=(command,), fill=True)).told
            collected, pulses = bench.ends(command), bench.board.doors[1].pulses
            bench.board.doors[1].move(closed=True)
            old_store = bench.store_id()
            _damage(disk / "device.db")
            after = bench.live(Run()).told
            # There is no room for a second database beside the damaged one until a person has looked at it.
            aside = [path.name for path in disk.iterdir() if "damaged" in path.name]
            for name in aside:
                (disk / name).unlink()
            again, second = bench.command(2)
            bench.live(Run((second,), wait_for=(again,)))
            told = bench.rows("SELECT count(*) FROM event WHERE type = 'store.replaced'")[0][0]
            return TrialResult(
                (
                    noted("events until the disk was full", full["filled"]),
                    exactly("deposits accepted on a full disk", full["accepts_deposits"], False),
                    exactly("collection on a full disk", ", ".join(collected), "confirmed"),
                    exactly("pulses for it", pulses, 1),
                    exactly("damaged store set aside", after["quarantined"], True),
                    exactly("a new store with another id", bench.store_id() != old_store, True),
                    exactly("doors read anew", after["doors_known"], LOCKS),
                    exactly("server told of the damage", told, 1, "event"),
                    exactly("collection with the new store", ", ".join(bench.ends(again)), "confirmed"),
                )
            )


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    path = folder / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(path)], capture_output=True, check=False
    ).returncode
    try:
        yield path if mounted == 0 else None
    finally:
        if mounted == 0:
            subprocess.run(["umount", str(path)], check=False)


def _damage(path: Path) -> None:
    """Write noise over a few pages in the middle, and forget the journal."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096 * 3))


TRIALS: tuple[Trial, ...] = (
    Trial("A2", "the power is cut before and after the intent, in the pulse, and before the report, 4 x 50", power_cut),
    Trial("A3", "one unlock comes 2 to 100 times, also after restarts: exactly one pulse", repeated),
    Trial("A4", "a recorded unlock is played back later, elsewhere, or edited: no opening, a security event", recorded),
    Trial("R10", "full disk and damaged database: deposits refused, collection works, told", full_disk_and_damage),
)
