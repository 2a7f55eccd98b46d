"""Rollouts: settings or a release for many devices, stage by stage, stopped and taken back when too many fail.

Source of the threshold: AWS IoT jobs' abort criteria (a share of failures after a least number of executions).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.errors import RolloutError, UnknownReleaseError, UnknownRolloutError
from firmware_bridge.schemas import Event, ReleaseOffer, UpdateFinished
from firmware_bridge.server.configuration import ConfigDesk, checked_settings
from firmware_bridge.server.enrolment import ACTIVE, KnownDevice
from firmware_bridge.server.model import Device, DeviceConfig, DevicePresence, Release, Rollout, RolloutDevice
from firmware_bridge.server.presence import GONE, ONLINE, OUTAGE
from kernel.clock import Clock
from kernel.events import append_event

RUNNING: Final = "running"
STOPPED: Final = "stopped"
COMPLETED: Final = "completed"

WAITING: Final = "waiting"
OFFERED: Final = "offered"
SOAKING: Final = "soaking"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
#: States of a device's part with what each says; the documentation prints it.
PARTS: Final[Mapping[str, str]] = {
    WAITING: "its stage has not begun",
    OFFERED: "asked; not applied yet",
    SOAKING: "applied; watched until it has been well for a while",
    SUCCEEDED: "applied and well",
    FAILED: "refused it, was not well with it, or never answered",
    SKIPPED: "was not in reach, or the rollout ended before its turn",
}
_OPEN: Final = (OFFERED, SOAKING)


@dataclass(frozen=True)
class RolloutPlan:
    """How a rollout proceeds.

    Parameters
    ----------
    stages
        Rising shares of all devices, percent; the last one is 100.
    least_executed, most_failed_percent
        It stops itself when so many have ended and so large a share of them has failed.
    soak_s
        So long a device must stay well after it applied.
    timeout_s
        So long a device may take to apply.
    """

    stages: tuple[int, ...] = (5, 25, 100)
    least_executed: int = 10
    most_failed_percent: int = 20
    soak_s: int = 60
    timeout_s: int = 900


@dataclass(frozen=True)
class RolloutProgress:
    """How far a rollout has come: devices by state of their part."""

    rollout: Rollout
    parts: Mapping[str, int]

    @property
    def executed(self) -> int:
        """Return how many have ended, well or not."""
        return self.parts.get(SUCCEEDED, 0) + self.parts.get(FAILED, 0)


class RolloutDesk:
    """Starts rollouts and moves them on; works in the caller's transaction."""

    def __init__(self, clock: Clock, configs: ConfigDesk) -> None:
        self._clock = clock
        self._configs = configs

    def start_settings(
        self,
        session: Session,
        region: str,
        settings: Mapping[str, Any],
        actor: str,
        plan: RolloutPlan = RolloutPlan(),
    ) -> Rollout:
        """Begin to give a region's devices new settings.

        Raises
        ------
        DeviceSettingsError
            If no device takes them.
        RolloutError
            If there is no device, another one runs in the region, or the stages do not rise to 100.
        """
        return self._start(session, region, plan, actor, kind="settings", settings=checked_settings(settings))

    def start_release(
        self,
        session: Session,
        region: str,
        release: str,
        url: str,
        actor: str,
        plan: RolloutPlan = RolloutPlan(),
    ) -> Rollout:
        """Begin to give a region's devices a new program.

        Parameters
        ----------
        url
            Base address under which devices reach the API.

        Raises
        ------
        UnknownReleaseError
            If it is not on the shelf.
        RolloutError
            If there is no device, another one runs in the region, or the stages do not rise to 100.
        """
        if session.get(Release, release) is None:
            raise UnknownReleaseError(f"there is no release {release}", release=release)
        return self._start(session, region, plan, actor, kind="release", release=release, url=url.rstrip("/"))

    def step(self, session: Session) -> None:
        """Move all running rollouts on: settle, stop what fails, open the next stage."""
        for rollout in session.scalars(select(Rollout).where(Rollout.state == RUNNING).order_by(Rollout.id)):
            parts = self.parts(session, rollout.id)
            for part in parts:
                if part.state in _OPEN:
                    self._settle(session, rollout, part)
            if self._fails(rollout, parts):
                failed = sum(part.state == FAILED for part in parts)
                self._end(session, rollout, STOPPED, f"{failed} of {_executed(parts)} executed have failed", parts)
            elif not any(part.state in _OPEN for part in parts):
                self._advance(session, rollout, parts)

    def offers(self, session: Session) -> list[ReleaseOffer]:
        """Return what is to be offered to devices that are online."""
        query = (
            select(RolloutDevice, Rollout, Release)
            .join(Rollout, Rollout.id == RolloutDevice.rollout_id)
            .join(Release, Release.version == Rollout.release)
            .join(DevicePresence, DevicePresence.device_id == RolloutDevice.device_id)
            .where(Rollout.state == RUNNING, RolloutDevice.state == OFFERED, DevicePresence.state == ONLINE)
        )
        return [
            ReleaseOffer(
                dev=part.device_id, rollout=rollout.id, release=release.version, size=release.size,
                url=f"{rollout.url}/api/v1/releases/{release.sha256}", sha256=release.sha256,
                signature=release.signature,
            )
            for part, rollout, release in session.execute(query)
        ]  # fmt: skip

    def note_sent(self, session: Session, device_id: str, kind: Literal["settings", "release"]) -> None:
        """Note that a device in reach was told; from now on silence is its failure."""
        for part, rollout in self._open_parts(session, device_id):
            if rollout.kind == kind and part.sent_at is None:
                part.sent_at = self._clock.now()

    def hear_update(self, session: Session, device_id: str, word: UpdateFinished) -> None:
        """Take a device's word on a release."""
        part = session.get(RolloutDevice, (word.rollout, device_id))
        if part is None or part.state not in _OPEN:
            return
        if word.state == "confirmed":
            part.state, part.applied_at, part.detail = SOAKING, self._clock.now(), word.detail
        else:
            self._fail(part, f"{word.state}: {word.detail}")

    def stop(self, session: Session, rollout_id: int, actor: str) -> Rollout:
        """End a running rollout because a person says so; settings are taken back.

        Raises
        ------
        UnknownRolloutError
            If there is none.
        RolloutError
            If it has ended already.
        """
        rollout = self.get(session, rollout_id)
        if rollout.state != RUNNING:
            raise RolloutError(f"rollout {rollout_id} is {rollout.state}", rollout=rollout_id)
        self._end(session, rollout, STOPPED, f"by {actor}", self.parts(session, rollout_id))
        return rollout

    @staticmethod
    def get(session: Session, rollout_id: int) -> Rollout:
        """Return a rollout.

        Raises
        ------
        UnknownRolloutError
            If there is none.
        """
        rollout = session.get(Rollout, rollout_id)
        if rollout is None:
            raise UnknownRolloutError(f"there is no rollout {rollout_id}", rollout=rollout_id)
        return rollout

    def progress(self, session: Session, rollout: Rollout) -> RolloutProgress:
        """Count a rollout's devices by state."""
        return RolloutProgress(rollout, Counter(part.state for part in self.parts(session, rollout.id)))

    @staticmethod
    def all(session: Session, region: str | None, limit: int = 50) -> Sequence[Rollout]:
        """Return the newest rollouts."""
        query = select(Rollout).order_by(Rollout.id.desc()).limit(limit)
        return session.scalars(query if region is None else query.where(Rollout.region == region)).all()

    def _start(
        self,
        session: Session,
        region: str,
        plan: RolloutPlan,
        actor: str,
        *,
        kind: str,
        settings: dict[str, Any] | None = None,
        release: str | None = None,
        url: str = "",
    ) -> Rollout:
        stages = list(plan.stages)
        if not stages or stages[-1] != 100 or stages != sorted(set(stages)) or stages[0] < 1:
            raise RolloutError("the stages do not rise to 100 percent", stages=stages)
        mine = (Device.area == region, Device.status == ACTIVE)
        devices = list(session.scalars(select(Device.id).where(*mine).order_by(Device.id)))
        if not devices:
            raise RolloutError(f"region {region} has no active device", region=region)
        running = select(Rollout.id).where(Rollout.region == region, Rollout.state == RUNNING)
        if (other := session.scalars(running).first()) is not None:  # a retry, or two people at once
            raise RolloutError(f"rollout {other} is running in {region}", rollout=other)
        now = self._clock.now()
        rollout = Rollout(
            kind=kind, region=region, settings=settings, release=release, url=url, stages=stages, stage=-1,
            least_executed=plan.least_executed, most_failed_percent=plan.most_failed_percent, soak_s=plan.soak_s,
            timeout_s=plan.timeout_s, state=RUNNING, why="", started_by=actor[:80], started_at=now, ended_at=None,
        )  # fmt: skip
        session.add(rollout)
        session.flush()
        for place, device in enumerate(devices):
            share = (place + 1) * 100 / len(devices)
            stage = next(index for index, percent in enumerate(stages) if share <= percent or percent == 100)
            session.add(
                RolloutDevice(rollout_id=rollout.id, device_id=device, stage=stage, state=WAITING, detail="")
            )  # fmt: skip
        session.flush()
        self._tell(session, rollout)
        return rollout

    def _advance(self, session: Session, rollout: Rollout, parts: Sequence[RolloutDevice]) -> None:
        if not any(part.state == WAITING for part in parts):
            self._end(session, rollout, COMPLETED, "", parts)
            return
        rollout.stage = min(part.stage for part in parts if part.state == WAITING)
        now = self._clock.now()
        for part in parts:
            if part.stage == rollout.stage and part.state == WAITING:
                part.state, part.offered_at = OFFERED, now
                if rollout.kind == "settings":
                    self._wish(session, rollout, part)
        session.flush()
        self._tell(session, rollout)

    def _wish(self, session: Session, rollout: Rollout, part: RolloutDevice) -> None:
        row = session.get(DeviceConfig, part.device_id)
        part.before = dict(row.settings) if row is not None else {}
        # Other settings of the device stay as they are.
        wished = {**part.before, **(rollout.settings or {})}
        part.version = self._configs.wish(session, part.device_id, wished, f"rollout:{rollout.id}")

    def _settle(self, session: Session, rollout: Rollout, part: RolloutDevice) -> None:
        now = self._clock.now()
        presence = session.get(DevicePresence, part.device_id)
        if part.state == OFFERED and rollout.kind == "settings":
            self._look_at_settings(session, part, now)
        if part.state == SOAKING:
            if presence is None or presence.state in (GONE, OUTAGE):
                self._fail(part, "was not heard any more after it had applied")
            elif part.applied_at is not None and now - part.applied_at >= _span(rollout.soak_s):
                part.state, part.ended_at = SUCCEEDED, now
        elif (
            part.state == OFFERED and part.offered_at is not None and now - part.offered_at >= _span(rollout.timeout_s)
        ):
            if part.sent_at is None:
                part.state, part.detail, part.ended_at = SKIPPED, "was not in reach", now
            else:
                self._fail(part, f"no answer within {rollout.timeout_s} s")

    def _look_at_settings(self, session: Session, part: RolloutDevice, now: datetime) -> None:
        config = session.get(DeviceConfig, part.device_id)
        if config is None or part.version is None or config.heard < part.version:
            return
        if config.in_force >= part.version:
            part.state, part.applied_at = SOAKING, now
        elif config.errors:
            self._fail(part, "; ".join(f"{name}: {why}" for name, why in sorted(config.errors.items())))

    def _fail(self, part: RolloutDevice, why: str) -> None:
        part.state, part.detail, part.ended_at = FAILED, why[:160], self._clock.now()

    @staticmethod
    def _fails(rollout: Rollout, parts: Sequence[RolloutDevice]) -> bool:
        executed, failed = _executed(parts), sum(part.state == FAILED for part in parts)
        return executed >= rollout.least_executed and failed * 100 >= rollout.most_failed_percent * executed

    def _end(self, session: Session, rollout: Rollout, state: str, why: str, parts: Sequence[RolloutDevice]) -> None:
        now = self._clock.now()
        rollout.state, rollout.why, rollout.ended_at = state, why[:160], now
        for part in parts:
            if state == STOPPED and rollout.kind == "settings" and part.version is not None:
                self._take_back(session, rollout, part)
            if part.state in (WAITING, *_OPEN):
                part.state, part.ended_at = SKIPPED, now
        session.flush()
        self._tell(session, rollout)

    def _take_back(self, session: Session, rollout: Rollout, part: RolloutDevice) -> None:
        config = session.get(DeviceConfig, part.device_id)
        if config is not None and config.version == part.version:  # nobody has wished for something else since
            self._configs.wish(session, part.device_id, part.before or {}, f"rollout:{rollout.id}:back")

    def _tell(self, session: Session, rollout: Rollout) -> None:
        now = self._clock.now()
        body = {"state": rollout.state, "stage": rollout.stage, "why": rollout.why}
        append_event(session, "rollout.advanced", f"rollout:{rollout.id}", body, fact_at=now, committed_at=now)

    @staticmethod
    def parts(session: Session, rollout_id: int) -> Sequence[RolloutDevice]:
        """Return every device's part, stage by stage."""
        query = select(RolloutDevice).where(RolloutDevice.rollout_id == rollout_id)
        return session.scalars(query.order_by(RolloutDevice.stage, RolloutDevice.device_id)).all()

    @staticmethod
    def _open_parts(session: Session, device_id: str) -> list[tuple[RolloutDevice, Rollout]]:
        query = (
            select(RolloutDevice, Rollout)
            .join(Rollout, Rollout.id == RolloutDevice.rollout_id)
            .where(Rollout.state == RUNNING, RolloutDevice.state == OFFERED, RolloutDevice.device_id == device_id)
        )
        return list(session.execute(query))


class UpdateFinishedHandler:
    """Hands a device's durable word on a release to its rollout."""

    def __init__(self, rollouts: RolloutDesk) -> None:
        self._rollouts = rollouts

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str:
        """Apply it in the caller's transaction; return the rollout."""
        word = UpdateFinished.model_validate(event.body)
        self._rollouts.hear_update(session, device.address.device, word)
        return f"rollout:{word.rollout}"


def _executed(parts: Sequence[RolloutDevice]) -> int:
    return sum(part.state in (SUCCEEDED, FAILED) for part in parts)


def _span(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)
