"""The agent's configuration: one TOML file, readable by its owner only, made at enrolment."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from firmware_bridge.endpoint import BrokerAddress, Login, Profile, TlsFiles
from firmware_bridge.errors import AgentConfigError, BrokerUrlError, PayloadError, SignatureError, TopicError
from firmware_bridge.signing import DeviceKey, decode_bytes, encode_bytes
from firmware_bridge.topics import Address

#: The health page listens there on loopback unless `[health] port` says otherwise; 0 switches it off.
HEALTH_PORT: Final = 8631


@dataclass(frozen=True)
class UpdateConfig:
    """Whose releases are taken, and where they are put.

    Parameters
    ----------
    public_key
        Ed25519, 32 bytes: the archive must be signed with the key that belongs to it.
    trial_s
        Within this time a new release must be well, or the one before runs again.
    """

    public_key: bytes
    folder: Path
    trial_s: float = 180.0


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
    update: UpdateConfig | None = None
    health_port: int = HEALTH_PORT


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
            update=_update(path.parent, data.get("update")),
            health_port=int(data.get("health", {}).get("port", HEALTH_PORT)),
        )
    except KeyError as problem:
        raise AgentConfigError(f"{path}: {problem} is missing", path=str(path)) from problem
    except (TopicError, BrokerUrlError, SignatureError, PayloadError) as problem:
        raise AgentConfigError(f"{path}: {problem.message}", path=str(path)) from problem
    except (TypeError, ValueError) as problem:
        raise AgentConfigError(f"{path}: {problem}", path=str(path)) from problem


def write_config(path: Path, config: AgentConfig) -> None:
    """Write ``agent.toml``, readable by its owner only; store and certificates are named as lying beside it."""
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
        *_tls_lines(config.tls),
        "",
        "[key]",
        f'kid = "{config.key.kid}"',
        f'secret = "{encode_bytes(config.key.secret)}"',
        *_optional_lines(config),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    draft.replace(path)


def _tls_lines(tls: TlsFiles | None) -> list[str]:
    if tls is None:
        return []
    named = (("ca", tls.ca), ("certificate", tls.certificate), ("certificate_key", tls.key))
    return [f'{name} = "{path.name}"' for name, path in named if path is not None]


def _optional_lines(config: AgentConfig) -> list[str]:
    lines = [] if config.health_port == HEALTH_PORT else ["", "[health]", f"port = {config.health_port}"]
    if config.update is not None:
        key, folder = encode_bytes(config.update.public_key), config.update.folder.name
        lines += ["", "[update]", f'public_key = "{key}"', f'folder = "{folder}"', f"trial_s = {config.update.trial_s}"]
    return lines


def _update(folder: Path, described: dict[str, Any] | None) -> UpdateConfig | None:
    if described is None:
        return None
    key = decode_bytes(described["public_key"])
    if len(key) != 32:
        raise ValueError("update.public_key is not 32 bytes")
    return UpdateConfig(key, folder / described.get("folder", "slots"), float(described.get("trial_s", 180.0)))


def _tls(folder: Path, broker: dict[str, str]) -> TlsFiles | None:
    if "ca" not in broker:
        return None
    certificate, key = broker.get("certificate"), broker.get("certificate_key")
    return TlsFiles(folder / broker["ca"], folder / certificate if certificate else None, folder / key if key else None)
