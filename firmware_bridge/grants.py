"""Local authorisation lists: what device and server must compute alike."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC

from firmware_bridge.schemas import Grant
from firmware_bridge.signing import DeviceKey


def credential_digest(key: DeviceKey, credential: str) -> str:
    """Return what a list holds of a credential: useless to whoever has not the device's key."""
    return hmac.digest(key.secret, b"cunda/v1 grant\x00" + credential.encode(), hashlib.sha256).hex()


def list_digest(grants: Iterable[Grant]) -> str:
    """Return the digest of a whole list, whatever the order of its lines."""
    lines = sorted(
        f"{grant.id} {grant.target} {grant.digest} {grant.until.astimezone(UTC).isoformat(timespec='milliseconds')}"
        for grant in grants
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
