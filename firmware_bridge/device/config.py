"""The agent's configuration: one TOML file, readable by its owner only, made at enrolment."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from firmware_bridge.endpoint import BrokerAddress, Login, Profile, TlsFiles
from firmware_bridge.errors import AgentConfigError, BrokerUrlError, PayloadError, SignatureError, TopicError
from firmware_bridge.signing import DeviceKey, decode_bytes, encode_bytes
from firmware_bridge.topics import Address


@dataclass(frozen=True)
class AgentConfig:
    """What a device needs to know to speak."""

    address: Address
    broker: BrokerAddress
    login: Login
    key: DeviceKey
    store_path: Path
    profile: Profile = Profile.AUTO
    keepalive_s: int = 30
    tls: TlsFiles | None = None
    firmware: str = "cunda-agent"


def read_config(path: Path) -> AgentConfig:
    """Read ``agent.toml``; relative paths in it start from its folder.

    Raises
    ------
    AgentConfigError
        If the file is missing, is no TOML, or a field is missing or wrong; names it.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise AgentConfigError(f"{path} cannot be read", path=str(path)) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise AgentConfigError(f"{path} is not TOML: {problem}", path=str(path)) from problem
    try:
        broker, key = data["broker"], data["key"]
        tls = _tls(path.parent, broker)
        return AgentConfig(
            address=Address(data["area"], data["device"]),
            broker=BrokerAddress.parse(broker["url"]),
            login=Login(data["device"], broker["password"]),
            key=DeviceKey(key["kid"], decode_bytes(key["secret"])),
            store_path=path.parent / data.get("store", "device.db"),
            profile=Profile(broker.get("profile", "auto")),
            keepalive_s=int(broker.get("keepalive_s", 30)),
            tls=tls,
        )
    except KeyError as problem:
        raise AgentConfigError(f"{path}: {problem} is missing", path=str(path)) from problem
    except (TopicError, BrokerUrlError, SignatureError, PayloadError) as problem:
        raise AgentConfigError(f"{path}: {problem.message}", path=str(path)) from problem
    except (TypeError, ValueError) as problem:
        raise AgentConfigError(f"{path}: {problem}", path=str(path)) from problem


def write_config(path: Path, config: AgentConfig) -> None:
    """Write ``agent.toml``, readable by its owner only."""
    lines = [
        f'device = "{config.address.device}"',
        f'area = "{config.address.area}"',
        f'store = "{config.store_path.name}"',
        "",
        "[broker]",
        f'url = "{config.broker.url}"',
        f'password = "{config.login.password}"',
        f'profile = "{config.profile.value}"',
        f"keepalive_s = {config.keepalive_s}",
        "",
        "[key]",
        f'kid = "{config.key.kid}"',
        f'secret = "{encode_bytes(config.key.secret)}"',
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    draft.replace(path)


def _tls(folder: Path, broker: dict[str, str]) -> TlsFiles | None:
    if "ca" not in broker:
        return None
    certificate, key = broker.get("certificate"), broker.get("certificate_key")
    return TlsFiles(folder / broker["ca"], folder / certificate if certificate else None, folder / key if key else None)
