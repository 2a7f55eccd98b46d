"""The wire as an AsyncAPI 3 document, made from the models and topics that the programs use.

Written to ``docs/devices/asyncapi.json``; a test keeps file and models equal. Message payloads are the signed form;
what stands in its ``body`` is named by ``x-body-schema``, because JSON Schema draft 7 has no word for the schema of
encoded content. The MQTT binding has no user properties either (asyncapi/spec issue 878): ``x-user-properties``.

Source: AsyncAPI 3.0.0; MQTT bindings 0.2.0.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic import BaseModel

from firmware_bridge.broker.mosquitto import MAX_PACKET_BYTES
from firmware_bridge.payload import MAX_WIRE_BYTES, write_object
from firmware_bridge.reference import ENTRIES, Entry
from firmware_bridge.schemas import EVENT_BODIES, Event
from firmware_bridge.signing import DeviceKey, Direction, seal
from firmware_bridge.topics import DEVICE_ID, ROOT

VERSION: Final = "1.0.0"
_BINDING: Final = "0.2.0"
_EXAMPLE_KEY: Final = bytes(range(32))
_PARAMETERS: Final = {
    "area": "The region.",
    "device": f"The device, `{DEVICE_ID.pattern}`; also its user at the broker.",
    "class": "Class of events, such as `parcel`.",
    "op": "What to do, such as `open`.",
}
_PURPOSES: Final = tuple(sorted((direction.value for direction in Direction), key=len, reverse=True))


def text() -> str:
    """Return the document as it stands in the file."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def document() -> dict[str, Any]:
    """Return the document, seen from the server: it receives what devices send."""
    schemas: dict[str, Any] = {"Signed": _SIGNED}
    messages: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for entry in ENTRIES:
        if not entry.topic.startswith(ROOT):
            continue
        named = (
            _event_messages(entry, schemas) if entry.model is Event else {_slug(entry.title): _message(entry, schemas)}
        )
        messages |= named
        channel = _slug(entry.topic.removeprefix(f"{ROOT}/{{area}}/{{device}}/"))
        _add_to_channel(channels, channel, entry, named)
        _add_operation(operations, channel, entry, named)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Cunda devices",
            "version": VERSION,
            "description": "Messages between Cunda's server and its kiosks, stations and cabinets. "
            "Every message is JSON, signed end to end, at QoS 1; nothing in MQTT 5's properties is needed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "messages": messages,
            "securitySchemes": {
                "password": {"type": "userPassword", "description": "Given once, at enrolment; for loopback."},
                "certificate": {"type": "X509", "description": "Its common name is the device and the user."},
            },
        },
    }


_SIGNED: Final = {
    "type": "object",
    "description": f"A signed message, at most {MAX_WIRE_BYTES} bytes: HMAC-SHA256 over purpose, topic and body.",
    "required": ["kid", "body", "sig"],
    "properties": {
        "kid": {"type": "string", "pattern": "^[a-z0-9.-]{1,64}$", "description": "Key of the device."},
        "body": {"type": "string", "contentMediaType": "application/json", "description": "Exact bytes, base64url."},
        "sig": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$", "description": "Signature, base64url."},
    },
}


def _server(host: str, protocol: str, security: str, description: str) -> dict[str, Any]:
    binding = {"maximumPacketSize": MAX_PACKET_BYTES, "sessionExpiryInterval": 3600, "bindingVersion": _BINDING}
    return {
        "host": host,
        "protocol": protocol,
        "protocolVersion": "5.0",
        "description": description,
        "security": [{"$ref": f"#/components/securitySchemes/{security}"}],
        "bindings": {"mqtt": binding},
    }


_SERVERS: Final = {
    "loopback": _server("127.0.0.1:8621", "mqtt", "password", "For programs on the server's own machine; 3.1.1 too."),
    "elsewhere": _server("broker.example:8883", "mqtts", "certificate", "For devices, by certificate; 3.1.1 too."),
}


def _add_to_channel(channels: dict[str, Any], channel: str, entry: Entry, named: dict[str, Any]) -> None:
    found = channels.setdefault(
        channel,
        {
            "address": entry.topic,
            "parameters": {name: {"description": _PARAMETERS[name]} for name in re.findall(r"{(\w+)}", entry.topic)},
            "messages": {},
        },
    )
    found["messages"] |= {name: {"$ref": f"#/components/messages/{name}"} for name in named}


def _add_operation(operations: dict[str, Any], channel: str, entry: Entry, named: dict[str, Any]) -> None:
    action = "receive" if entry.sender == "device" else "send"
    found = operations.setdefault(
        f"{action}-{channel}",
        {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "messages": [],
            "bindings": {"mqtt": {"qos": 1, "retain": entry.retained, "bindingVersion": _BINDING}},
        },
    )
    found["messages"] += [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in named]
    if channel.startswith("cmd"):
        found["reply"] = {"channel": {"$ref": "#/channels/rsp"}}
        found["bindings"]["mqtt"]["messageExpiryInterval"] = 30


def _event_messages(entry: Entry, schemas: dict[str, Any]) -> dict[str, Any]:
    """Describe one message for each event type: the envelope with its own body."""
    _collect(Event, schemas)
    made = {}
    for kind, (version, body) in sorted(EVENT_BODIES.items()):
        of_type = {"type": {"const": kind}, "body": {"$ref": f"#/components/schemas/{_collect(body, schemas)}"}}
        name = f"event.{kind}"
        schemas[name] = {"allOf": [{"$ref": "#/components/schemas/Event"}, {"properties": of_type}]}
        made[name] = _described(f"Event `{kind}`, schema {version}", body, name, "evt")
        if kind == entry.example["type"]:
            made[name]["examples"] = [_example(entry, "evt")]
        made[name]["x-user-properties"] = {"schema": f"{kind}/{version}", "trace": "txn, else id"}
    return made


def _message(entry: Entry, schemas: dict[str, Any]) -> dict[str, Any]:
    leaf = entry.topic.removeprefix(f"{ROOT}/{{area}}/{{device}}/")
    purpose = next(name for name in _PURPOSES if leaf.startswith(name))
    made = _described(entry.title, entry.model, _collect(entry.model, schemas), purpose)
    made["examples"] = [_example(entry, purpose)]
    if purpose == "cmd":
        made["x-user-properties"] = {"schema": "{op}/1", "trace": "cmd_id"}
        made["bindings"] = {
            "mqtt": {
                "correlationData": {"type": "string", "description": "`cmd_id`, as in the body."},
                "responseTopic": {"type": "string", "description": "The device's `rsp`."},
                "bindingVersion": _BINDING,
            }
        }
    return made


def _example(entry: Entry, purpose: str) -> dict[str, Any]:
    """Sign the example with a key that everybody knows: a check for those who write another program."""
    area, device = "qianjiang", "qj-kiosk-017"
    topic = entry.topic.format(area=area, device=device, op=entry.example.get("op"), **{"class": "parcel"})
    body = write_object(entry.example)
    signed = seal(DeviceKey(f"{device}.1", _EXAMPLE_KEY), Direction(purpose), topic, body)
    return {"name": topic, "summary": f"Signed with the key {_EXAMPLE_KEY.hex()}", "payload": json.loads(signed)}


def _described(title: str, model: type[BaseModel], schema: str, purpose: str) -> dict[str, Any]:
    return {
        "title": title,
        "summary": (model.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/json",
        "payload": {
            "allOf": [{"$ref": "#/components/schemas/Signed"}],
            "x-purpose": purpose,
            "x-body-schema": {"$ref": f"#/components/schemas/{schema}"},
        },
    }


def _collect(model: type[BaseModel], schemas: dict[str, Any]) -> str:
    """Put a model's schema and those it needs among the components; return its name there."""
    made = model.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    for name, needed in made.pop("$defs", {}).items():
        schemas[name] = _draft_7(needed)
    schemas[model.__name__] = _draft_7(made)
    return model.__name__


def _draft_7(schema: Any) -> Any:
    """Rewrite what JSON Schema 2020-12 says otherwise than draft 7, which AsyncAPI understands."""
    if isinstance(schema, list):
        return [_draft_7(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _draft_7(value) for key, value in schema.items()}
    if "prefixItems" in made:
        made["items"] = made.pop("prefixItems")
    return made


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))
