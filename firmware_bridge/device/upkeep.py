"""What an agent does besides events and commands: heartbeats, descriptions, settings, lists, releases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.local_list import LocalList
from firmware_bridge.device.settings import DeviceSettings, SettingsBook
from firmware_bridge.device.store import DeviceStore, Fact
from firmware_bridge.device.telemetry import TelemetryState
from firmware_bridge.device.timekeeping import ServerTime
from firmware_bridge.device.updater import Updater
from firmware_bridge.payload import parse_object
from firmware_bridge.schemas import (
    EVENT_BODIES,
    Description,
    DesiredSettings,
    DoorStates,
    Health,
    ListUpdate,
    ReleaseOffer,
    parse_message,
)
from firmware_bridge.signing import Direction, seal
from kernel.clock import Clock
from kernel.log import get_logger

log = get_logger("firmware_bridge.device")

_LOOK_S: Final = 1.0
_NO_RELEASES: Final = "this device takes no releases"


class Upkeep:
    """One device's telemetry and what the server wishes of it.

    Parameters
    ----------
    doors
        Every door as it is known now, by name.
    record
        Writes an event; the agent's own.
    restart
        Asks the program to end so that another release can start; None where nobody would start it.
    objections
        What this device has against settings that are right in form.
    """

    def __init__(
        self,
        config: AgentConfig,
        store: DeviceStore,
        server_time: ServerTime,
        clock: Clock,
        doors: Callable[[], Mapping[str, str]],
        record: Callable[[Fact], object],
        restart: Callable[[], None] | None = None,
        objections: Callable[[DeviceSettings], Mapping[str, str]] = lambda settings: {},
    ) -> None:
        self._config = config
        self._device = config.address.device
        self._store = store
        self._time = server_time
        self._clock = clock
        self._doors = doors
        self._record = record
        self.settings = SettingsBook(store, self._device, objections)
        self.local_list = LocalList(store, clock, server_time, config.key)
        self.telemetry = TelemetryState()
        self.updater = (
            Updater(config.update, store, record, restart)
            if config.update is not None and restart is not None
            else None
        )
        self._started_s = clock.monotonic_s()
        self._beat_s = float("-inf")
        self._looked_s = float("-inf")
        self._told_doors: dict[str, str] | None = None
        self.description = Description(
            dev=self._device,
            firmware=config.firmware,
            boxes=tuple(doors()),
            ops=("open", "rebirth", "report"),
            settings=tuple(DeviceSettings.model_fields),
            schemas={name: version for name, (version, _) in EVENT_BODIES.items()},
            updates=self.updater is not None,
        )
        self.digest = hashlib.sha256(self.description.to_bytes()).hexdigest()
        self.rebirth()  # said once unasked, so that a whole county that starts needs no questions

    def take(self, raw: bytes) -> None:
        """Take a word of the server about settings, list or release; its signature was checked.

        Raises
        ------
        PayloadError, PayloadTooLargeError
            If it is none of them, or a field is wrong.
        """
        kind = parse_object(raw).get("kind")
        if kind == "list":
            self._take_list(parse_message(ListUpdate, raw))
        elif kind == "release":
            self._take_offer(parse_message(ReleaseOffer, raw))
        else:
            desired = parse_message(DesiredSettings, raw)
            if desired.dev == self._device:
                self.settings.take(desired)
                self.telemetry.put("config", self.settings.report())
        self._beat_s = float("-inf")  # the server learns at once which versions are in force

    def rebirth(self) -> None:
        """Say everything again: what this device is, its settings, and every door."""
        self.telemetry.put("description", self.description)
        self.telemetry.put("config", self.settings.report())
        self._told_doors = None
        self._looked_s = self._beat_s = float("-inf")

    def step(self, now_s: float, connection: int, publish: Callable[[str, bytes], bool]) -> None:
        """Send what is due on a standing connection."""
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            self._look_at_doors()
        if now_s - self._beat_s >= self.settings.current.heartbeat_s:
            self._beat_s = now_s
            self.telemetry.put("health", self.health(connection))
        self.telemetry.send(lambda kind, body: self._publish(publish, kind, body))

    def health(self, connection: int) -> Health:
        """Say how this device is."""
        oldest_s = self._store.oldest_age_s(self._clock.now())
        return Health(
            dev=self._device,
            store=self._store.store_id,
            boot=self._store.boot,
            connection=max(connection, 1),
            uptime_s=int(self._clock.monotonic_s() - self._started_s),
            waiting=self._store.count(),
            oldest_s=int(oldest_s),
            dead=len(self._store.dead()),
            free_bytes=self._store.free_bytes(),
            deposits_refused=self._store.deposits_refused,
            clock_synced=self._time.synced,
            config_version=self.settings.version,
            config_heard=self.settings.heard,
            list_version=self.local_list.version,
            firmware=self._config.firmware,
            rss_kb=_rss_kb(),
        )

    def report(self, connection: int) -> dict[str, Any]:
        """Say everything a person far away needs for a diagnosis."""
        return {
            "health": self.health(connection).model_dump(mode="json", exclude={"dev"}),
            "doors": dict(self._doors()),
            "settings": self.settings.current.model_dump(mode="json"),
            "settings_errors": self.settings.errors,
            "dead_events": [{"seq": seq, "id": id_, "type": kind} for seq, id_, kind in self._store.dead()[-20:]],
            "telemetry_thinned": self.telemetry.thinned,
            "description_sha256": self.digest,
            "on_trial": self.updater is not None and self.updater.on_trial,
        }

    def _look_at_doors(self) -> None:
        doors = dict(self._doors())
        if doors and doors != self._told_doors:
            self._told_doors = doors
            self.telemetry.put("doors", DoorStates(dev=self._device, boot=self._store.boot, doors=doors))

    def _publish(self, publish: Callable[[str, bytes], bool], kind: str, body: bytes) -> bool:
        topic = self._config.address.telemetry(kind)
        return publish(topic, seal(self._config.key, Direction.TELEMETRY, topic, body))

    def _take_list(self, update: ListUpdate) -> None:
        if update.dev == self._device and (taken := self.local_list.take(update)) not in ("taken", "old"):
            log.warning("list_refused", why=taken, version=update.version)

    def _take_offer(self, offer: ReleaseOffer) -> None:
        if offer.dev != self._device:
            return
        if self.updater is not None:
            self.updater.take(offer)
        elif self._store.state(f"update/{offer.rollout}") is None:
            body = {
                "rollout": offer.rollout, "release": offer.release, "state": "refused", "detail": _NO_RELEASES,
            }  # fmt: skip
            with self._store.transaction():
                self._record(Fact("device", "update.finished", body))
                self._store.change({f"update/{offer.rollout}": "refused"})


def _rss_kb() -> int:
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0
