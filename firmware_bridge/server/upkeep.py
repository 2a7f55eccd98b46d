"""What the bridge does for devices besides events and commands: presence, telemetry, settings, lists, rollouts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from firmware_bridge.device.gate import REBIRTH, WHOLE
from firmware_bridge.errors import CommandError, DeviceLockedError, UnknownDeviceError
from firmware_bridge.schemas import Birth, Message
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.configuration import ConfigDesk
from firmware_bridge.server.enrolment import Keyring, KnownDevice
from firmware_bridge.server.local_lists import ListDesk
from firmware_bridge.server.model import DeviceConfig, DeviceList, DevicePresence, DeviceTelemetry, Rollout
from firmware_bridge.server.presence import ONLINE, PresenceBook
from firmware_bridge.server.rollouts import RUNNING, RolloutDesk
from firmware_bridge.server.telemetry import TelemetryBook
from firmware_bridge.signing import Direction, seal
from kernel.clock import Clock
from kernel.db import Database
from kernel.log import get_logger

log = get_logger("firmware_bridge.server")

_AGAIN_S: Final = 20.0
_REBIRTH_AGAIN_S: Final = 300.0
_REBIRTH_TTL_S: Final = 60
#: A device tells unasked what it is when it starts; only who has not by then is asked, and few at a time.
_UNASKED: Final = timedelta(seconds=30)
_REBIRTHS_AT_ONCE: Final = 20
#: After so many differences a device still has its old list: it gets the whole one.
_DIFFERENCES: Final = 2


@dataclass(frozen=True)
class Sealed:
    """A signed message that is ready to be published."""

    topic: str
    wire: bytes


@dataclass
class _SentState:
    version: object
    at_s: float
    times: int


class Upkeep:
    """Keeps what is known of devices and brings what is wished for to them.

    Notes
    -----
    Belongs to the bridge's storing thread. What is to be sent follows from the database alone: a restart forgets only
    what was sent a moment ago.
    """

    def __init__(self, database: Database, keyring: Keyring, commands: CommandDesk, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._commands = commands
        self._clock = clock
        self.presence = PresenceBook(database, clock)
        self.configs = ConfigDesk(clock)
        self.lists = ListDesk()
        self.rollouts = RolloutDesk(clock, self.configs)
        self._telemetry = TelemetryBook(clock)
        self._sent: dict[tuple[str, str], _SentState] = {}

    def hear(self, device: KnownDevice, kind: str, raw: bytes) -> None:
        """Take one telemetry value whose signature was checked; it is written with the next :meth:`tend`.

        Raises
        ------
        PayloadError, PayloadTooLargeError
            If it cannot be used.
        """
        self._telemetry.take(device.address.device, kind, raw)

    def versions(self, birth: Birth) -> tuple[int, int]:
        """Return the newest list and configuration version of a device, for the reply to its birth."""
        with self._database.read() as session:
            config, listed = session.get(DeviceConfig, birth.dev), session.get(DeviceList, birth.dev)
            return (listed.version if listed else 0, config.version if config else 0)

    def tend(self, hearing_since: datetime | None) -> None:
        """Write telemetry, let silence count, move rollouts on.

        Parameters
        ----------
        hearing_since
            Since when the bridge hears without a break; None while it hears nothing.
        """
        self._write_telemetry()
        if hearing_since is not None:
            self.presence.sweep(hearing_since)
        with self._database.read() as session:
            rolling = session.scalars(select(Rollout.id).where(Rollout.state == RUNNING).limit(1)).first() is not None
        if rolling:
            with self._database.begin() as session:
                self.rollouts.step(session)

    def outgoing(self) -> list[Sealed]:
        """Return what devices that are online are to be told now."""
        with self._database.read() as session:
            wishes = self.configs.due(session)
            lists = self._lists_due(session)
            offers = self.rollouts.offers(session)
            strangers = self._undescribed(session)
        settings = [wish for wish in wishes if self._is_due("settings", wish.dev, wish.version)]
        offered = [offer for offer in offers if self._is_due("release", offer.dev, offer.rollout)]
        self._note_sent([wish.dev for wish in settings], [offer.dev for offer in offered])
        updates = [message for device, has in lists if (message := self._list_for(device, has)) is not None]
        self._ask_for_rebirth(strangers)
        messages = [*settings, *offered, *updates]
        return [sealed for message in messages if (sealed := self._sealed(message)) is not None]

    def _write_telemetry(self) -> None:
        beats = self._telemetry.taken("health")
        reports = self._telemetry.taken("config")
        if not (beats or reports or self._telemetry.taken("doors") or self._telemetry.taken("description")):
            return
        with self._database.begin() as session:
            self.presence.hear(session, beats)
            self.configs.hear_beats(session, beats)
            for report in reports.values():
                self.configs.hear(session, report)
            self._telemetry.write(session)
        self._telemetry.forget()

    def _is_due(self, kind: str, device: str, version: object, again_s: float = _AGAIN_S) -> bool:
        now_s = self._clock.monotonic_s()
        sent = self._sent.get((kind, device))
        if sent is not None and sent.version == version and now_s - sent.at_s < again_s:
            return False
        times = sent.times + 1 if sent is not None and sent.version == version else 1
        self._sent[kind, device] = _SentState(version, now_s, times)
        return True

    def _note_sent(self, settings: list[str], offered: list[str]) -> None:
        if not settings and not offered:
            return
        with self._database.begin() as session:
            for device in settings:
                self.rollouts.note_sent(session, device, "settings")
            for device in offered:
                self.rollouts.note_sent(session, device, "release")

    def _lists_due(self, session: Session) -> list[tuple[str, int]]:
        query = (
            select(DeviceList, DeviceTelemetry)
            .join(DevicePresence, DevicePresence.device_id == DeviceList.device_id)
            .join(DeviceTelemetry, DeviceTelemetry.device_id == DeviceList.device_id)
            .where(DevicePresence.state == ONLINE, DeviceTelemetry.kind == "health")
        )
        found = ((row.device_id, row.version, int(told.body["list_version"])) for row, told in session.execute(query))
        return [
            (device, has) for device, version, has in found
            if has != version and self._is_due("list", device, (version, has))
        ]  # fmt: skip

    def _list_for(self, device: str, has: int) -> Message | None:
        whole = self._sent["list", device].times > _DIFFERENCES
        with self._database.read() as session:
            return self.lists.update_for(session, device, None if whole else has)

    def _undescribed(self, session: Session) -> list[str]:
        query = (
            select(DevicePresence.device_id)
            .outerjoin(
                DeviceTelemetry,
                (DeviceTelemetry.device_id == DevicePresence.device_id) & (DeviceTelemetry.kind == "description"),
            )
            .where(DevicePresence.state == ONLINE, DevicePresence.description != "")
            .where(DevicePresence.since <= self._clock.now() - _UNASKED)
            .where(or_(DeviceTelemetry.digest.is_(None), DeviceTelemetry.digest != DevicePresence.description))
        )
        due = (device for device in session.scalars(query) if self._is_due("rebirth", device, "", _REBIRTH_AGAIN_S))
        return list(islice(due, _REBIRTHS_AT_ONCE))

    def _ask_for_rebirth(self, devices: list[str]) -> None:
        if not devices:
            return
        with self._database.begin() as session:
            for device in devices:
                try:
                    self._commands.issue(
                        session, device, WHOLE, "system:bridge", "not_described", ttl_s=_REBIRTH_TTL_S, expect="any",
                        op=REBIRTH,
                    )  # fmt: skip
                except (UnknownDeviceError, DeviceLockedError, CommandError) as problem:
                    log.info("rebirth_not_asked", device=device, error_code=problem.code)

    def _sealed(self, message: Message) -> Sealed | None:
        device = self._keyring.device(message.dev)  # type: ignore[attr-defined]  # every one of them names its device
        if device is None:
            return None
        topic = device.address.config
        return Sealed(topic, seal(device.key, Direction.CONFIG, topic, message.to_bytes()))
