"""Releases of the device program: signed once, kept by digest, handed to whoever asks for that digest."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.errors import ReleaseError, UnknownReleaseError
from firmware_bridge.releases import MAX_ARCHIVE_BYTES, signed_bytes
from firmware_bridge.server.model import Release
from firmware_bridge.signing import decode_bytes, encode_bytes
from kernel.clock import Clock
from kernel.settings import keep_secret

_VERSION: Final = re.compile(r"[0-9a-z][0-9a-z.+-]{0,31}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class ReleaseShelf:
    """Archives in one folder, and the maker's key beside them, readable by its owner only.

    Devices hold the public half in ``agent.toml``. Whoever runs the broker, or even holds a device's key, cannot make
    a program that a device would start.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    @property
    def public_key(self) -> str:
        """Return the public half of the maker's key, base64url, as ``agent.toml`` wants it."""
        return encode_bytes(self._key().public_key().public_bytes_raw())

    def add(self, session: Session, archive: Path, version: str, actor: str) -> Release:
        """Sign an archive and put it on the shelf; adding the same one again changes nothing.

        Raises
        ------
        ReleaseError
            If it is no archive of the device program, too large, or the version is in use for another one.
        """
        if _VERSION.fullmatch(version) is None:
            raise ReleaseError(f"version {version[:40]!r} is not 1 to 32 of a-z, 0-9, dot, plus and hyphen")
        raw = _read(archive)
        sha256 = hashlib.sha256(raw).hexdigest()
        known = session.get(Release, version)
        if known is not None:
            if known.sha256 != sha256:
                raise ReleaseError(f"version {version} is another archive", version=version)
            return known
        if session.scalars(select(Release).where(Release.sha256 == sha256)).first() is not None:
            raise ReleaseError("this archive is on the shelf under another version", sha256=sha256)
        signature = encode_bytes(self._key().sign(signed_bytes(version, sha256)))
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{sha256}.new"
        draft.write_bytes(raw)
        draft.replace(self._folder / f"{sha256}.zip")
        release = Release(
            version=version, sha256=sha256, size=len(raw), signature=signature, added_by=actor[:80],
            added_at=self._clock.now(),
        )  # fmt: skip
        session.add(release)
        session.flush()
        return release

    def path(self, sha256: str) -> Path:
        """Return the file of a digest.

        Raises
        ------
        UnknownReleaseError
            If there is none.
        """
        path = self._folder / f"{sha256}.zip"
        if _DIGEST.fullmatch(sha256) is None or not path.is_file():
            raise UnknownReleaseError("there is no such release", sha256=sha256[:64])
        return path

    @staticmethod
    def all(session: Session) -> Sequence[Release]:
        """Return all releases, newest first."""
        return session.scalars(select(Release).order_by(Release.added_at.desc(), Release.version)).all()

    def _key(self) -> Ed25519PrivateKey:
        kept = keep_secret(
            self._folder / "maker.key", lambda: encode_bytes(Ed25519PrivateKey.generate().private_bytes_raw())
        )
        return Ed25519PrivateKey.from_private_bytes(decode_bytes(kept))


def _read(archive: Path) -> bytes:
    try:
        if archive.stat().st_size > MAX_ARCHIVE_BYTES:
            raise ReleaseError(f"{archive.name} is larger than {MAX_ARCHIVE_BYTES} bytes")
        with zipfile.ZipFile(archive) as packed:
            if "firmware_bridge/device/main.py" not in packed.namelist():
                raise ReleaseError(f"{archive.name} holds no device program")
        return archive.read_bytes()
    except (OSError, zipfile.BadZipFile) as problem:
        raise ReleaseError(f"{archive.name} cannot be read as an archive: {problem}") from problem
