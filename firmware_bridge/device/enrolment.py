"""Enrolment on the device: a one-time code is traded for credentials, which are written beside ``agent.toml``.

Only the standard library: the server makes key and certificate and hands them out once, over HTTPS.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from firmware_bridge.device.config import AgentConfig, read_config, write_config
from firmware_bridge.endpoint import BrokerAddress, Login, Profile, TlsFiles
from firmware_bridge.errors import AgentConfigError, EnrolmentError
from firmware_bridge.signing import DeviceKey, decode_bytes
from firmware_bridge.topics import Address
from kernel.errors import CundaError

PATH: Final = "/api/v1/enrolment:redeem"
_TIMEOUT_S: Final = 20.0
_MOST_BYTES: Final = 65_536
_HEADING: Final = re.compile(r"^\[{1,2}\s*([a-z_]+)", re.MULTILINE)
_OURS: Final = frozenset({"broker", "key"})


def fetch_credentials(server: str, code: str, config: Path, ca: Path | None = None) -> AgentConfig:
    """Trade a code for credentials and write configuration, certificate and key.

    What else an existing file says, such as the cabinet's boards, is kept, and so is the device's database.

    Parameters
    ----------
    server
        Base address of the server's API.
    config
        Where to write ``agent.toml``; certificates lie beside it.
    ca
        Authority to believe about the server; the system's when omitted.

    Raises
    ------
    EnrolmentError
        If the address is not HTTPS, or the server cannot be reached, refuses the code, or answers something else.
    AgentConfigError
        If the present configuration cannot be read.
    """
    given = _ask(_checked(server), code, ca)
    try:
        made = _config(given, config.parent)
    except (KeyError, TypeError, ValueError, CundaError) as problem:
        raise EnrolmentError("the server's answer holds no usable credentials") from problem
    kept = _other_tables(config)
    config.parent.mkdir(parents=True, exist_ok=True)
    if made.tls is not None:
        for path, field in ((made.tls.ca, "ca"), (made.tls.certificate, "certificate"), (made.tls.key, "private_key")):
            if path is not None:
                _write(path, str(given[field]))
    write_config(config, made)
    if kept:
        with config.open("a", encoding="utf-8") as file:
            file.write("\n" + kept)
    return read_config(config)


def _checked(server: str) -> str:
    parts = urlsplit(server)
    loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise EnrolmentError("credentials are fetched over https:// only", server=server[:80])
    return server.rstrip("/") + PATH


def _ask(url: str, code: str, ca: Path | None) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url, json.dumps({"code": code}).encode(), {"Content-Type": "application/json"}
    )
    try:
        trust = ssl.create_default_context(cafile=str(ca) if ca is not None else None)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=trust) as answer:  # noqa: S310
            given = json.loads(answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as problem:
        with problem:
            raise EnrolmentError(f"the server refuses the code (HTTP {problem.code})", status=problem.code) from problem
    except (OSError, ValueError) as problem:
        raise EnrolmentError(f"the server cannot be asked: {problem}") from problem
    if not isinstance(given, dict):
        raise EnrolmentError("the server's answer holds no usable credentials")
    return given


def _config(given: dict[str, Any], folder: Path) -> AgentConfig:
    broker = BrokerAddress.parse(given["broker_url"])
    tls = TlsFiles(folder / "ca.pem", folder / "device.pem", folder / "device.key") if broker.tls else None
    return AgentConfig(
        address=Address(given["area"], given["device"]),
        broker=broker,
        login=Login(given["device"], given["password"]),
        key=DeviceKey(given["kid"], decode_bytes(given["secret"])),
        store_path=folder / "device.db",
        profile=Profile(given["profile"]),
        tls=tls,
    )


def _other_tables(config: Path) -> str:
    """Return the tables of a file that enrolment does not write, as they stand in it."""
    if not config.exists():
        return ""
    try:
        text = config.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise AgentConfigError(f"{config} cannot be read", path=str(config)) from problem
    found = list(_HEADING.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    parts = zip(found, ends, strict=True)
    return "".join(text[match.start() : end] for match, end in parts if match.group(1) not in _OURS)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    draft.replace(path)
