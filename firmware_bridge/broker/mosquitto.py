"""Mosquitto: where its program lies and what its configuration says.

The figures come from measurements with 2.0.11 on Debian 12; docs/devices/protocol.md gives the reasons.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware_bridge.payload import MAX_WIRE_BYTES
from firmware_bridge.pki.authority import BrokerFiles

_SBIN: Final = ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")
MAX_PACKET_BYTES: Final = 65_536
assert MAX_WIRE_BYTES < MAX_PACKET_BYTES
#: Printed by mosquitto when a queue overflows; seeing it is an alarm, in tests a failure.
DROP_LINE: Final = "Outgoing messages are being dropped"
#: Socket in the broker's folder by which its owner ends connections.
CONTROL_SOCKET: Final = "control.sock"


@dataclass(frozen=True)
class TlsListener:
    """Where devices come in from other machines; each shows a certificate, and its name there is its user name.

    Parameters
    ----------
    host
        Address of this machine to listen on, ``0.0.0.0`` for all.
    names
        What devices call it; the first stands in their configurations, all stand in the certificate.
    """

    host: str
    port: int
    names: tuple[str, ...]
    files: BrokerFiles


def find_mosquitto() -> Path | None:
    """Find the program in PATH, or in Debian's sbin folders, which a normal user's PATH often lacks."""
    if found := shutil.which("mosquitto"):
        return Path(found)
    return next((Path(path) for path in _SBIN if os.access(path, os.X_OK)), None)


def configuration(
    folder: Path,
    port: int,
    *,
    persistence: bool = True,
    max_queued: int = 100_000,
    as_root: bool = False,
    tls: TlsListener | None = None,
) -> str:
    """Write a configuration: passwords on loopback, certificates for whoever comes from elsewhere.

    Parameters
    ----------
    folder
        Where password file, access list, log and memory lie.
    persistence
        Keep sessions over restarts; a convenience only, nothing relies on it.
    max_queued
        Messages kept for a slow reader. Never 0: some versions read that as "none".
    as_root
        Started by root: keep that user, else mosquitto drops to one that cannot read ``folder``.
    tls
        A second listener, with TLS and client certificates; without it nobody else can come in.
    """
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'acl'}",
        f"max_packet_size {MAX_PACKET_BYTES}",
        f"max_queued_messages {max_queued}",
        "max_inflight_messages 256",
        "max_keepalive 120",
        "connection_messages true",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        f"log_dest file {folder / 'broker.log'}",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
        f"persistence {'true' if persistence else 'false'}",
    ]
    if persistence:
        lines += [f"persistence_location {folder}/", "autosave_interval 5", "persistent_client_expiration 7d"]
    if as_root:
        lines.append("user root")
    lines += [
        f"listener {port} 127.0.0.1",
        "use_username_as_clientid true",  # a second connection with stolen credentials ends the first: seen at once
        # Here a client may choose its id, so that taking over a device's session ends it (see launcher).
        f"listener 0 {CONTROL_SOCKET}",  # from the working folder: such paths may have 107 characters only
    ]
    if tls is not None:
        lines += [
            f"listener {tls.port} {tls.host}",
            "use_username_as_clientid true",
            "use_identity_as_username true",
            "require_certificate true",
            f"cafile {tls.files.ca}",
            f"certfile {tls.files.certificate}",
            f"keyfile {tls.files.key}",
            f"crlfile {tls.files.crl}",
            "tls_version tlsv1.2",  # and newer
        ]
    return "\n".join(lines) + "\n"
