"""What device and server must agree on about a release: the bytes that its signature covers."""

from __future__ import annotations

MAX_ARCHIVE_BYTES = 64 * 1024 * 1024


def signed_bytes(release: str, sha256: str) -> bytes:
    """Return what is signed: version and digest, so that no archive can pass for another version."""
    return b"\x00".join((b"cunda/v1 release", release.encode(), bytes.fromhex(sha256)))
