"""`cunda device health, show, commands, diagnose, settings, release, rollout …`: how devices are kept well."""

from __future__ import annotations

import json as json_text
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import JsonFlag, emit, ready_services, table
from api.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from firmware_bridge.server.model import Rollout
    from firmware_bridge.server.rollouts import RolloutDesk

Device = Annotated[str, typer.Argument(help="The device.")]
RegionOption = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]
By = Annotated[str, typer.Option("--by", help="Who does this; kept with it.")]
Settings = Annotated[list[str], typer.Argument(help="Settings as name=value; all others go back to the device's own.")]

_COMMAND_NAMES = ("id", "op", "target", "actor", "reason", "issued_at", "state", "code", "resolution", "attempts")


def add_to(group: typer.Typer) -> None:
    """Add the commands of this module to `cunda device`."""
    for name, command in (
        ("health", health), ("show", show), ("commands", commands), ("diagnose", diagnose),
        ("settings", wish_settings), ("release", add_release), ("rollout", start_rollout), ("rollouts", list_rollouts),
        ("stop-rollout", stop_rollout),
    ):  # fmt: skip
        group.command(name)(command)


def health(region: RegionOption, json: JsonFlag = False) -> None:
    """List a region's devices: presence, alarms, what waits, settings in force."""
    from firmware_bridge.server.diagnosis import device_lines

    with ready_services() as services, services.database.read() as session:
        lines = device_lines(session, region)
    rows = [
        (
            one.id, one.grade, one.presence, one.heard_at and f"{one.heard_at:%m-%d %H:%M:%S}",
            ", ".join(one.alarms) or None, one.waiting, f"{one.config_in_force}/{one.config_version}", one.firmware,
        )
        for one in lines
    ]  # fmt: skip
    headings = ("device", "health", "presence", "heard", "alarms", "waiting", "settings", "firmware")
    emit(lines, json, table(headings, rows))


def show(device: Device, json: JsonFlag = False) -> None:
    """Tell everything known of a device."""
    from firmware_bridge.errors import UnknownDeviceError
    from firmware_bridge.server.diagnosis import alarms_of, device_lines, telemetry_of
    from firmware_bridge.server.model import DeviceConfig

    with ready_services() as services, services.database.read() as session:
        line = next((one for one in device_lines(session, None) if one.id == device), None)
        if line is None:
            raise UnknownDeviceError(f"there is no device {device}", device=device)
        config = session.get(DeviceConfig, device)
        alarms = [
            _fields(alarm, ("kind", "detail", "count", "opened_at", "closed_at"))
            for alarm in alarms_of(session, device)
        ]
        document = {
            "device": line,
            "alarms": alarms,
            "config": _fields(config, ("version", "in_force", "heard", "settings", "errors")) if config else None,
            "telemetry": {kind: row.body for kind, row in telemetry_of(session, device).items()},
        }
    lines = [f"{name:<16} {value}" for name, value in vars(line).items()]
    lines += [f"alarm            {one['kind']}: {one['detail']}" for one in alarms if one["closed_at"] is None]
    if document["config"]:
        lines.append(f"settings         {json_text.dumps(document['config'])}")
    emit(document, json, lines)


def commands(
    device: Device,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many of the latest.")] = 20,
    json: JsonFlag = False,
) -> None:
    """List a device's newest commands and what became of each."""
    from firmware_bridge.server.diagnosis import commands_of

    with ready_services() as services, services.database.read() as session:
        rows = [_fields(row, _COMMAND_NAMES) for row in commands_of(session, device, limit)]
    emit(rows, json, table(_COMMAND_NAMES, [list(row.values()) for row in rows]))


def diagnose(
    device: Device,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the report.")] = 20.0,
    by: By = "cli",
    json: JsonFlag = False,
) -> None:
    """Ask a device for a report; needs a running `cunda serve`. Nothing moves."""
    from api.device_desk import device_desk
    from firmware_bridge.server.diagnosis import ask_for_report, report_of
    from firmware_bridge.server.model import DeviceCommand

    with ready_services() as services:
        with services.database.begin() as session:
            command = ask_for_report(device_desk(services).commands, session, device, f"user:{by}")
        until_s = time.monotonic() + wait_s
        while True:
            with services.database.read() as session:
                report = report_of(session, command)
                row = session.get_one(DeviceCommand, command)
                state, code = row.state, row.code
            if report is not None or time.monotonic() >= until_s:
                break
            time.sleep(0.2)
    document = {"command_id": command, "state": state, "code": code, "report": report}
    said = json_text.dumps(report, indent=2) if report is not None else f"no report yet: {state} {code or ''}"
    emit(document, json, [said])


def wish_settings(device: Device, settings: Settings, by: By = "cli", json: JsonFlag = False) -> None:
    """Wish for settings; the device takes all of them or none and says which."""
    from api.device_desk import device_desk

    with ready_services() as services, services.database.begin() as session:
        version = device_desk(services).configs.wish(session, device, _parsed(settings), f"user:{by}")
    emit({"device": device, "version": version}, json, [f"{device}: version {version} is wished for"])


def add_release(
    archive: Annotated[Path, typer.Argument(help="Wheel or zip of the device program.", exists=True)],
    version: Annotated[str, typer.Option("--version", help="What it is called.")],
    by: By = "cli",
    json: JsonFlag = False,
) -> None:
    """Sign a release of the device program and put it on the shelf; prints what `agent.toml` must trust."""
    from api.device_desk import device_desk

    with ready_services() as services, services.database.begin() as session:
        shelf = device_desk(services).shelf
        release = shelf.add(session, archive, version, f"user:{by}")
        document = _fields(release, ("version", "sha256", "size")) | {"public_key": shelf.public_key}
    lines = [f"{version} is signed: {document['size']} bytes, sha256 {document['sha256']}"]
    lines.append(f'devices trust it with:  [update]  public_key = "{document["public_key"]}"')
    emit(document, json, lines)


def start_rollout(
    region: RegionOption,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A setting as name=value; repeatable.")] = None,
    release: Annotated[str | None, typer.Option("--release", help="A release instead of settings.")] = None,
    url: Annotated[str, typer.Option("--url", help="Where devices reach the API; for a release.")] = "",
    stages: Annotated[str, typer.Option("--stages", help="Rising percents.")] = "5,25,100",
    soak_s: Annotated[int, typer.Option("--soak", min=0, help="Seconds a device must stay well.")] = 60,
    timeout_s: Annotated[int, typer.Option("--timeout", min=10, help="Seconds a device may take.")] = 900,
    by: By = "cli",
    json: JsonFlag = False,
) -> None:
    """Roll settings or a release out to a region; stops by itself when a fifth of ten or more fails."""
    from api.device_desk import device_desk
    from firmware_bridge.server.rollouts import RolloutPlan

    if (release is None) == (not settings) or (release is not None and not url):
        raise UsageError("give either --set or --release with --url", remedy="`cunda device rollout --help` says more.")
    plan = RolloutPlan(tuple(_percents(stages)), soak_s=soak_s, timeout_s=timeout_s)
    with ready_services() as services, services.database.begin() as session:
        desk = device_desk(services).rollouts
        if release is not None:
            row = desk.start_release(session, region, release, url, f"user:{by}", plan)
        else:
            row = desk.start_settings(session, region, _parsed(settings or []), f"user:{by}", plan)
        document = _rollout(session, desk, row)
    emit(document, json, [f"rollout {document['id']} runs; `cunda device rollouts -r {region}` shows how far"])


def list_rollouts(region: RegionOption, json: JsonFlag = False) -> None:
    """List a region's newest rollouts and how many devices stand where."""
    from api.device_desk import device_desk

    with ready_services() as services, services.database.read() as session:
        desk = device_desk(services).rollouts
        documents = [_rollout(session, desk, row) for row in desk.all(session, region)]
    names = ("id", "kind", "state", "stage", "why", "parts")
    emit(documents, json, table(names, [[document[name] for name in names] for document in documents]))


def stop_rollout(
    rollout: Annotated[int, typer.Argument(help="Number of the rollout.")], by: By = "cli", json: JsonFlag = False
) -> None:
    """End a running rollout; settings go back to what they were."""
    from api.device_desk import device_desk

    with ready_services() as services, services.database.begin() as session:
        desk = device_desk(services).rollouts
        document = _rollout(session, desk, desk.stop(session, rollout, f"user:{by}"))
    emit(document, json, [f"rollout {rollout} is stopped"])


def _rollout(session: Session, desk: RolloutDesk, row: Rollout) -> dict[str, Any]:
    names = ("id", "kind", "region", "settings", "release", "stages", "stage", "state", "why", "started_by")
    return _fields(row, names) | {"parts": dict(desk.progress(session, row).parts)}


def _fields(row: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _parsed(settings: list[str]) -> dict[str, Any]:
    parsed: dict[str, Any] = {}
    for one in settings:
        name, sign, value = one.partition("=")
        if not sign or not name:
            raise UsageError(f"{one!r} is not name=value", remedy="Write for example heartbeat_s=20.")
        try:
            parsed[name] = json_text.loads(value)
        except ValueError:
            parsed[name] = value
    return parsed


def _percents(stages: str) -> list[int]:
    if not all(part.strip().isdigit() for part in stages.split(",")):
        raise UsageError(f"{stages!r} is no list of percents", remedy="Write for example 5,25,100.")
    return [int(part) for part in stages.split(",")]
