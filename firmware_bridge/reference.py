"""The reference page of messages, printed from the models themselves.

``python -m firmware_bridge.reference`` writes ``docs/reference/messages.md``; a test fails when the page and the
models differ.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from firmware_bridge.payload import MAX_BODY_BYTES, MAX_DEPTH, MAX_WIRE_BYTES
from firmware_bridge.schemas import (
    EVENT_BODIES,
    AccessGranted,
    Ack,
    Birth,
    BirthReply,
    ClockReport,
    Command,
    CommandFinished,
    ConfigReport,
    Description,
    DesiredSettings,
    DeviceReported,
    DoorEvent,
    DoorStates,
    Event,
    Grant,
    Health,
    ListUpdate,
    Progress,
    RefusalCode,
    ReleaseOffer,
    SecurityRefused,
    StoreReplaced,
    UpdateFinished,
)
from firmware_bridge.server.command_states import STATES
from lockers.dropoffs import DropOff


@dataclass(frozen=True)
class Entry:
    """One message of the page."""

    title: str
    topic: str
    sender: str
    retained: bool
    model: type[BaseModel]
    example: dict[str, Any]


_DROP: Final = {
    "waybill": "SF1020304050607", "company": "sf", "weight_g": 1250, "size": "M", "compartment": "c3-12",
    "item_class": "clothing", "return_platform": "douyin", "proof": "rn-77120",
    "evidence": ["item_seen", "weight", "door_closed"],
}  # fmt: skip

_COMMAND: Final = "0193f0d0-4c1e-7a55-9d3e-0c7f6f1b2a10"

ENTRIES: Final = (
    Entry(
        "Event", "cunda/v1/{area}/{device}/evt/{class}", "device", False, Event,
        {
            "id": "0193f0c2-4c1e-7a55-9d3e-0c7f6f1b2a10", "dev": "qj-kiosk-017", "store": "b41e90c7a2d3", "boot": 58,
            "seq": 90412, "ts": "2026-03-04T11:52:07.120+08:00", "mono_ms": 8123004,
            "clock": {"synced": True, "offset_ms": -140}, "type": "parcel.dropped", "schema": 1, "txn": "t-77120",
            "offline": True, "historical": True, "body": _DROP,
        },
    ),
    Entry("Clock report", "inside an event", "device", False, ClockReport, {"synced": True, "offset_ms": -140}),
    Entry("Body of `parcel.dropped`, schema 1", "inside an event", "device", False, DropOff, _DROP),
    Entry(
        "Acknowledgement", "cunda/v1/{area}/{device}/ack", "server", False, Ack,
        {
            "store": "b41e90c7a2d3", "upto": 90412, "missing": [90398, [90401, 90405]], "dead": [90399],
            "server_time": "2026-03-04T04:32:10Z",
        },
    ),
    Entry(
        "Birth", "cunda/v1/{area}/{device}/state", "device", True, Birth,
        {
            "kind": "birth", "dev": "qj-kiosk-017", "store": "b41e90c7a2d3", "boot": 58, "connection": 3,
            "next_seq": 90413, "nonce": "c8Yt0m3yE2yqfB7p1aVnXw", "start": "Zk3v9QmP0sXy7LhB2tRwUa",
            "ts": "2026-03-04T12:32:09+08:00",
            "firmware": "cunda-agent 0.1.0", "schemas": {"parcel.dropped": 1}, "description": "",
        },
    ),
    Entry(
        "Birth reply", "cunda/v1/{area}/{device}/ack/birth", "server", False, BirthReply,
        {
            "dev": "qj-kiosk-017", "store": "b41e90c7a2d3", "nonce": "c8Yt0m3yE2yqfB7p1aVnXw",
            "server_time": "2026-03-04T04:32:10Z", "acked_seq": 90397, "list_version": 0, "config_version": 0,
            "counter_floor": 5400,
        },
    ),
    Entry(
        "Command", "cunda/v1/{area}/{device}/cmd/{op}", "server", False, Command,
        {
            "cmd_id": _COMMAND, "dev": "qj-kiosk-017", "store": "b41e90c7a2d3", "op": "open", "target": "c3-12",
            "issued_at": "2026-03-04T04:32:10Z", "exp": "2026-03-04T04:32:40Z", "ctr": 5512, "actor": "courier:831",
            "reason": "collection", "expect": "closed",
        },
    ),
    Entry(
        "Progress of a command", "cunda/v1/{area}/{device}/rsp", "device", False, Progress,
        {
            "cmd_id": _COMMAND, "dev": "qj-kiosk-017", "state": "refused", "code": "already_open", "detail": "",
            "server_time": "2026-03-04T04:32:11Z",
        },
    ),
    Entry(
        "Telemetry `health`", "cunda/v1/{area}/{device}/tel/health", "device", False, Health,
        {
            "dev": "qj-kiosk-017", "store": "b41e90c7a2d3", "boot": 58, "connection": 3, "uptime_s": 8123, "waiting": 0,
            "oldest_s": 0, "dead": 0, "free_bytes": 4_812_345_344, "deposits_refused": False, "clock_synced": True,
            "config_version": 4, "config_heard": 4, "list_version": 12, "firmware": "cunda-agent 0.2.0",
            "rss_kb": 41_200,
        },
    ),
    Entry(
        "Telemetry `doors`", "cunda/v1/{area}/{device}/tel/doors", "device", False, DoorStates,
        {"dev": "qj-kiosk-017", "boot": 58, "doors": {"c1-1": "closed", "c1-2": "unknown"}},
    ),
    Entry(
        "Telemetry `description`", "cunda/v1/{area}/{device}/tel/description", "device", False, Description,
        {
            "dev": "qj-kiosk-017", "firmware": "cunda-agent 0.2.0", "boxes": ["c1-1", "c1-2"],
            "ops": ["open", "rebirth", "report"], "settings": ["heartbeat_s"], "schemas": {"parcel.dropped": 1},
            "updates": True,
        },
    ),
    Entry(
        "Telemetry `config`", "cunda/v1/{area}/{device}/tel/config", "device", False, ConfigReport,
        {"dev": "qj-kiosk-017", "version": 3, "heard": 4, "errors": {"heartbeat_s": "less than 10"}},
    ),
    Entry(
        "Desired settings", "cunda/v1/{area}/{device}/cfg", "server", False, DesiredSettings,
        {"kind": "settings", "dev": "qj-kiosk-017", "version": 4, "settings": {"heartbeat_s": 30}},
    ),
    Entry(
        "Local authorisation list", "cunda/v1/{area}/{device}/cfg", "server", False, ListUpdate,
        {
            "kind": "list", "dev": "qj-kiosk-017", "version": 12, "base": 11, "expires_at": "2026-03-11T00:00:00Z",
            "grants": [
                {"id": "keeper-7.c1-1", "target": "c1-1", "digest": "0" * 64, "until": "2026-03-10T00:00:00Z"}
            ],
            "removed": ["keeper-4.c1-1"], "digest": "0" * 64,
        },
    ),
    Entry("A line of such a list", "inside a list", "server", False, Grant,
        {"id": "keeper-7.c1-1", "target": "c1-1", "digest": "0" * 64, "until": "2026-03-10T00:00:00Z"}),
    Entry(
        "Release offer", "cunda/v1/{area}/{device}/cfg", "server", False, ReleaseOffer,
        {
            "kind": "release", "dev": "qj-kiosk-017", "rollout": 7, "release": "0.2.0",
            "url": "https://cunda.example/api/v1/releases/" + "0" * 64, "size": 412_300, "sha256": "0" * 64,
            "signature": "A" * 86,
        },
    ),
    Entry(
        "Body of `device.reported`, schema 1", "inside an event", "device", False, DeviceReported,
        {"cmd_id": _COMMAND, "report": {"health": {"waiting": 0}, "doors": {"c1-1": "closed"}}},
    ),
    Entry(
        "Body of `store.replaced`, schema 1", "inside an event", "device", False, StoreReplaced,
        {"set_aside": "device.db.damaged-1"},
    ),
    Entry(
        "Body of `update.finished`, schema 1", "inside an event", "device", False, UpdateFinished,
        {"rollout": 7, "release": "0.2.0", "state": "rolled_back", "detail": "it was not well within 180 s"},
    ),
    Entry(
        "Body of `door.pulsed`, `door.opened`, `door.closed`, schema 1", "inside an event", "device", False, DoorEvent,
        {"target": "c3-12", "cmd_id": _COMMAND, "by_hand": False},
    ),
    Entry(
        "Body of `command.finished`, schema 1", "inside an event", "device", False, CommandFinished,
        {"cmd_id": _COMMAND, "target": "c3-12", "state": "confirmed", "detail": "", "local": False},
    ),
    Entry(
        "Body of `security.refused`, schema 1", "inside an event", "device", False, SecurityRefused,
        {"reason_code": "replayed", "count": 3, "digest": "0" * 64},
    ),
    Entry(
        "Body of `access.granted`, schema 1", "inside an event", "device", False, AccessGranted,
        {"target": "c3-12", "parcel_id": "0193f0c2-4c1e-7a55-9d3e-0c7f6f1b2a11"},
    ),
)  # fmt: skip


def page() -> str:
    """Return the whole reference page in Markdown."""
    parts = [
        "# Messages between devices and server",
        "",
        "Printed from the models by `python -m firmware_bridge.reference`; a test keeps both equal. How the messages "
        "work together is told in [the protocol](../devices/protocol.md).",
        "",
        "Every message is one JSON object in UTF-8, sent at QoS 1. It is signed: on the wire stands "
        '`{"kid":"…","body":"<base64url of the exact JSON bytes>","sig":"<base64url of HMAC-SHA256>"}`. '
        f"Limits: {MAX_BODY_BYTES:,} bytes of body, {MAX_WIRE_BYTES:,} on the wire, {MAX_DEPTH} levels deep, finite "
        "numbers within 64 bits, no key twice. Unknown fields are kept.",
        "",
        "Event types: "
        + ", ".join(f"`{name}` (schema {version})" for name, (version, _) in sorted(EVENT_BODIES.items()))
        + ". An event of another type is stored as it is and acknowledged.",
    ]
    for entry in ENTRIES:
        parts += ["", *_section(entry)]
    parts += ["", "## States of a command", "", "| state | what it says, and no more |", "|---|---|"]
    parts += [f"| `{state}` | {meaning} |" for state, meaning in STATES.items()]
    parts += ["", "Refusal codes: " + ", ".join(f"`{code.value}`" for code in RefusalCode) + "."]
    return "\n".join(parts) + "\n"


def _section(entry: Entry) -> list[str]:
    first = (entry.model.__doc__ or "").strip().split("\n")[0].replace("``", "`")
    place = f"`{entry.topic}`" if "/" in entry.topic else entry.topic
    lines = [f"## {entry.title}", "", first, "", f"From the {entry.sender}, {place}"]
    lines[-1] += ", retained." if entry.retained else "."
    lines += ["", "| field | form | needed | meaning |", "|---|---|---|---|"]
    schema = entry.model.model_json_schema(by_alias=True, mode="validation")
    required = set(schema.get("required", ()))
    for name, field in schema["properties"].items():
        form = _form(field, schema.get("$defs", {}))
        lines.append(f"| `{name}` | {form} | {'yes' if name in required else ''} | {field.get('description', '')} |")
    lines += ["", "```json", json.dumps(entry.example, ensure_ascii=False, indent=2), "```"]
    return lines


def _form(field: dict[str, Any], known: dict[str, Any]) -> str:
    """Describe a field's form in a few words."""
    if "$ref" in field:
        return _form(known[field["$ref"].rpartition("/")[2]], known)
    if "anyOf" in field:
        return " or ".join(_form(part, known) for part in field["anyOf"] if part.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type", "any")
    if kind == "array":
        inner = field.get("items") or {}
        pair = field.get("prefixItems")
        return "pair of numbers" if pair else f"list of {_form(inner, known)}"
    if kind == "string":
        return f"`{field['pattern']}`".replace("|", "\\|") if "pattern" in field else field.get("format", "text")
    return {"integer": _bounds(field), "boolean": "true or false", "object": "object"}.get(kind, str(kind))


def _bounds(field: dict[str, Any]) -> str:
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    if low is None and high is None:
        return "whole number"
    above = ">" if "exclusiveMinimum" in field else "≥"
    text = f"whole number {above} {low:,}" if low is not None else "whole number"
    return text if high is None or abs(high) >= 2**53 else f"{text}, ≤ {high:,}"


if __name__ == "__main__":
    sys.stdout.write(page())
