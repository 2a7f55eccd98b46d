"""Devices: how they are, what was asked of them, what they are to have, and what rolls out to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.device_desk import device_desk
from api.native.fleet import RegionQuery
from api.native.form import Body, View, problems
from api.native.scope import actor, check_region
from firmware_bridge.errors import UnknownCommandError, UnknownDeviceError, UnknownRolloutError
from firmware_bridge.server.diagnosis import (
    alarms_of,
    ask_for_report,
    close_by_person,
    commands_of,
    device_lines,
    report_of,
    telemetry_of,
)
from firmware_bridge.server.local_lists import ListDesk, Permission
from firmware_bridge.server.model import Device, DeviceCommand, DeviceConfig, Release, Rollout, RolloutDevice
from firmware_bridge.server.model import DeviceList as DeviceListRow
from firmware_bridge.server.rollouts import RolloutDesk, RolloutPlan

router = APIRouter(tags=["devices"])

DeviceId = Annotated[str, Path(pattern=r"^[a-z0-9-]{3,32}$")]
Most = Annotated[int, Query(ge=1, le=200, description="Most entries.")]


class DeviceView(View):
    """One device; `grade` is `bad` when somebody is needed today, `watch` when it is worth a look."""

    id: str
    area: str
    site_id: str | None
    status: str
    presence: Literal["online", "suspect", "offline", "outage", "disconnected"] | None
    since: datetime | None
    heard_at: datetime | None
    firmware: str | None
    grade: Literal["good", "watch", "bad"]
    alarms: list[str]
    waiting: int | None
    rss_kb: int | None
    config_version: int
    config_in_force: int


class DeviceList(View):
    """A region's devices, by id."""

    items: list[DeviceView]


class AlarmView(View):
    """One cause, from its first sign to the opposite evidence; `count` says how often it was seen."""

    id: int
    kind: str
    subject: str
    opened_at: datetime
    last_at: datetime
    count: int
    detail: str
    closed_at: datetime | None
    closed_by: str | None


class ConfigView(View):
    """Settings wished for, and what the device says of them."""

    version: int
    settings: dict[str, Any]
    set_by: str
    set_at: datetime
    in_force: int
    heard: int
    errors: dict[str, str]
    reported_at: datetime | None


class TelemetryView(View):
    """The newest value of one kind."""

    received_at: datetime
    body: dict[str, Any]


class DeviceDetail(View):
    """Everything known of one device."""

    device: DeviceView
    alarms: list[AlarmView]
    config: ConfigView | None
    telemetry: dict[str, TelemetryView]


class CommandView(View):
    """A command; `resolution` is what was known after its end."""

    id: str
    op: str
    target: str
    actor: str
    reason: str
    issued_at: datetime
    exp_at: datetime
    state: str
    code: str | None
    resolution: str | None
    attempts: int


class CommandList(View):
    """A device's newest commands."""

    items: list[CommandView]


class AskedView(View):
    """A report was asked for; nothing is here yet."""

    command_id: str


class ReportView(View):
    """A report, once it is here."""

    command_id: str
    state: str
    code: str | None
    report: dict[str, Any] | None


class SettingsForm(Body):
    """All settings that are to differ from those the device was made with."""

    settings: dict[str, Any] = Field(max_length=20)


class DeviceVersionView(View):
    """The version a wish got."""

    version: int


class PermissionForm(Body):
    """A line of a local list: who presents the credential may open the box until then."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    target: str = Field(pattern=r"^[A-Za-z0-9-]{1,32}$")
    credential: str = Field(min_length=4, max_length=200, repr=False)
    until: AwareDatetime


class ListForm(Body):
    """A change of a local list; the whole list ends at `expires_at`."""

    permissions: list[PermissionForm] = Field(default=[], max_length=200)
    removed: list[str] = Field(default=[], max_length=200)
    expires_at: AwareDatetime


class LineView(View):
    """A line without its credential, which nobody can read again."""

    id: str
    target: str
    until: datetime


class LocalListView(View):
    """A device's local list: its newest version, and the one the device has."""

    version: int
    device_has: int | None
    lines: list[LineView]


class RolloutForm(Body):
    """Settings or a release for a region's devices."""

    region: str = Field(max_length=64)
    settings: dict[str, Any] | None = Field(default=None, max_length=20)
    release: str | None = Field(default=None, max_length=32)
    url: str = Field(
        default="",
        max_length=200,
        pattern=r"^(https?://\S+)?$",
        description="Where devices reach this API; for a release.",
    )
    stages: list[int] = Field(default=[5, 25, 100], min_length=1, max_length=10)
    least_executed: int = Field(default=10, ge=1, le=1000)
    most_failed_percent: int = Field(default=20, ge=1, le=100)
    soak_s: int = Field(default=60, ge=0, le=86_400)
    timeout_s: int = Field(default=900, ge=10, le=604_800)


class RolloutView(View):
    """A rollout and how many devices stand where."""

    id: int
    kind: Literal["settings", "release"]
    region: str
    settings: dict[str, Any] | None
    release: str | None
    stages: list[int]
    stage: int
    least_executed: int
    most_failed_percent: int
    state: Literal["running", "stopped", "completed"]
    why: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    parts: dict[str, int]


class RolloutList(View):
    """The newest rollouts of a region."""

    items: list[RolloutView]


class PartView(View):
    """One device's part in a rollout."""

    device_id: str
    stage: int
    state: Literal["waiting", "offered", "soaking", "succeeded", "failed", "skipped"]
    detail: str
    offered_at: datetime | None
    ended_at: datetime | None


class RolloutDetail(View):
    """A rollout with every device's part."""

    rollout: RolloutView
    devices: list[PartView]


class ReleaseView(View):
    """A signed release on the shelf."""

    version: str
    sha256: str
    size: int
    added_by: str
    added_at: datetime


class ReleaseList(View):
    """The releases, newest first."""

    items: list[ReleaseView]


@router.get("/devices", responses=problems(404))
def list_devices(
    services: ServicesDep, region: RegionQuery, identity: Identity = allow("dispatcher", "admin")
) -> DeviceList:
    """List a region's devices with their health."""
    check_region(identity, region)
    with services.database.read() as session:
        return DeviceList(items=[DeviceView.model_validate(line) for line in device_lines(session, region)])


@router.get("/devices/{device_id}", responses=problems(404))
def get_device(
    device_id: DeviceId, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> DeviceDetail:
    """Tell everything known of a device: health, alarms, settings, doors."""
    with services.database.read() as session:
        device = _visible(session, device_id, identity)
        line = next(line for line in device_lines(session, device.area) if line.id == device_id)
        config = session.get(DeviceConfig, device_id)
        return DeviceDetail(
            device=DeviceView.model_validate(line),
            alarms=[AlarmView.model_validate(alarm) for alarm in alarms_of(session, device_id)],
            config=ConfigView.model_validate(config) if config is not None else None,
            telemetry={
                kind: TelemetryView.model_validate(row) for kind, row in telemetry_of(session, device_id).items()
            },
        )


@router.get("/devices/{device_id}/commands", responses=problems(404))
def list_commands(
    device_id: DeviceId, services: ServicesDep, limit: Most = 50, identity: Identity = allow("dispatcher", "admin")
) -> CommandList:
    """List a device's newest commands and what became of each."""
    with services.database.read() as session:
        _visible(session, device_id, identity)
        return CommandList(items=[CommandView.model_validate(row) for row in commands_of(session, device_id, limit)])


@router.post("/devices/{device_id}:diagnose", status_code=202, responses=problems(404, 409))
def diagnose(
    device_id: DeviceId, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> AskedView:
    """Ask a device for a report, by a signed command that moves nothing."""
    with services.database.begin() as session:
        _visible(session, device_id, identity)
        command = ask_for_report(device_desk(services).commands, session, device_id, actor(identity))
    return AskedView(command_id=command)


@router.get("/devices/{device_id}/reports/{command_id}", responses=problems(404))
def get_report(
    device_id: DeviceId, command_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> ReportView:
    """Tell what a report says, or how far the question has come."""
    with services.database.read() as session:
        _visible(session, device_id, identity)
        command = session.get(DeviceCommand, command_id)
        if command is None or command.device_id != device_id:
            raise UnknownCommandError(f"device {device_id} was not asked by {command_id[:40]}", command=command_id[:40])
        report = report_of(session, command_id)
        return ReportView(command_id=command_id, state=command.state, code=command.code, report=report)


@router.put("/devices/{device_id}/settings", responses=problems(404))
def wish_settings(
    device_id: DeviceId, body: SettingsForm, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> DeviceVersionView:
    """Wish for settings; the device takes all of them or none and says which."""
    with services.database.begin() as session:
        _visible(session, device_id, identity)
        version = device_desk(services).configs.wish(session, device_id, body.settings, actor(identity))
    return DeviceVersionView(version=version)


@router.get("/devices/{device_id}/list", responses=problems(404))
def get_list(
    device_id: DeviceId, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> LocalListView:
    """Tell who may open what at a device without network."""
    with services.database.read() as session:
        _visible(session, device_id, identity)
        return _list_view(session, device_id)


@router.patch("/devices/{device_id}/list", responses=problems(404))
def change_list(
    device_id: DeviceId, body: ListForm, services: ServicesDep, identity: Identity = allow("admin")
) -> LocalListView:
    """Add, change and take off lines; the device gets the difference as soon as it is online."""
    desk = device_desk(services)
    with services.database.begin() as session:
        _visible(session, device_id, identity)
        known = desk.keyring.device(device_id)
        if known is None:
            raise UnknownDeviceError(f"device {device_id} is not active", device=device_id)
        lines = [Permission(one.id, one.target, one.credential, one.until) for one in body.permissions]
        desk.lists.change(session, known, lines, body.removed, body.expires_at)
        return _list_view(session, device_id)


@router.post("/devices/{device_id}/alarms/{alarm_id}:close", responses=problems(404))
def close_alarm(
    device_id: DeviceId, alarm_id: int, services: ServicesDep, identity: Identity = allow("admin")
) -> AlarmView:
    """Close an alarm after its cause was dealt with; most close by themselves when the opposite is seen."""
    with services.database.begin() as session:
        _visible(session, device_id, identity)
        alarm = close_by_person(session, device_id, alarm_id, actor(identity), services.clock.now())
        return AlarmView.model_validate(alarm)


@router.get("/rollouts", responses=problems(404))
def list_rollouts(
    services: ServicesDep, region: RegionQuery, identity: Identity = allow("dispatcher", "admin")
) -> RolloutList:
    """List a region's newest rollouts."""
    check_region(identity, region)
    desk = device_desk(services).rollouts
    with services.database.read() as session:
        return RolloutList(items=[_rollout(session, desk, row) for row in desk.all(session, region)])


@router.post("/rollouts", status_code=201, responses=problems(404, 409))
def start_rollout(body: RolloutForm, services: ServicesDep, identity: Identity = allow("admin")) -> RolloutView:
    """Begin a rollout, of settings or of a release; a second one in the same region is refused meanwhile."""
    check_region(identity, body.region)
    desk = device_desk(services).rollouts
    plan = RolloutPlan(
        tuple(body.stages), body.least_executed, body.most_failed_percent, body.soak_s, body.timeout_s
    )  # fmt: skip
    with services.database.begin() as session:
        if body.release is not None:
            row = desk.start_release(session, body.region, body.release, body.url, actor(identity), plan)
        else:
            row = desk.start_settings(session, body.region, body.settings or {}, actor(identity), plan)
        return _rollout(session, desk, row)


@router.get("/rollouts/{rollout_id}", responses=problems(404))
def get_rollout(
    rollout_id: int, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> RolloutDetail:
    """Tell how far a rollout has come, device by device."""
    desk = device_desk(services).rollouts
    with services.database.read() as session:
        row = _visible_rollout(session, desk, rollout_id, identity)
        parts = desk.parts(session, rollout_id)
        return RolloutDetail(rollout=_rollout(session, desk, row), devices=[_part(part) for part in parts])


@router.post("/rollouts/{rollout_id}:stop", responses=problems(404, 409))
def stop_rollout(rollout_id: int, services: ServicesDep, identity: Identity = allow("admin")) -> RolloutView:
    """End a running rollout; settings go back to what they were."""
    desk = device_desk(services).rollouts
    with services.database.begin() as session:
        _visible_rollout(session, desk, rollout_id, identity)
        return _rollout(session, desk, desk.stop(session, rollout_id, actor(identity)))


@router.get("/releases", responses=problems())
def list_releases(services: ServicesDep, identity: Identity = allow("dispatcher", "admin")) -> ReleaseList:
    """List the releases that can be rolled out."""
    shelf = device_desk(services).shelf
    with services.database.read() as session:
        return ReleaseList(items=[_release(row) for row in shelf.all(session)])


@router.get("/releases/{sha256}", response_class=FileResponse, responses=problems(404))
def get_release(sha256: str, services: ServicesDep) -> FileResponse:
    """Hand out a release by its digest; it holds no secret, and devices judge it by its maker's signature."""
    return FileResponse(device_desk(services).shelf.path(sha256), media_type="application/zip")


def _visible(session: Session, device_id: str, identity: Identity) -> Device:
    device = session.get(Device, device_id)
    if device is None or identity.region not in (None, device.area):
        raise UnknownDeviceError(f"there is no device {device_id}", device=device_id)
    return device


def _list_view(session: Session, device_id: str) -> LocalListView:
    row = session.get(DeviceListRow, device_id)
    health = telemetry_of(session, device_id).get("health")
    return LocalListView(
        version=row.version if row is not None else 0,
        device_has=health.body["list_version"] if health is not None else None,
        lines=[LineView.model_validate(line) for line in ListDesk.lines(session, device_id)],
    )


def _visible_rollout(session: Session, desk: RolloutDesk, rollout_id: int, identity: Identity) -> Rollout:
    row = desk.get(session, rollout_id)
    if identity.region not in (None, row.region):
        raise UnknownRolloutError(f"there is no rollout {rollout_id}", rollout=rollout_id)
    return row


def _rollout(session: Session, desk: RolloutDesk, row: Rollout) -> RolloutView:
    fields = {name: getattr(row, name) for name in RolloutView.model_fields if name != "parts"}
    return RolloutView(**fields, parts=dict(desk.progress(session, row).parts))


def _part(part: RolloutDevice) -> PartView:
    return PartView.model_validate(part)


def _release(row: Release) -> ReleaseView:
    return ReleaseView.model_validate(row)
