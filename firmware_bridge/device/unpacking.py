"""Unpacking a release: everything into its place, nothing anywhere else."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from firmware_bridge.errors import ReleaseError

_MAX_FILES: Final = 5000
_MAX_UNPACKED: Final = 256 * 1024 * 1024
_PROGRAM: Final = Path("firmware_bridge/device/main.py")
# What Python's zipfile raises for a broken, cut, locked or oddly packed archive.
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


def unpack(archive: Path, target: Path) -> None:
    """Unpack a wheel or zip of the device program into an emptied folder.

    Raises
    ------
    ReleaseError
        If it is no archive, is too large, has paths that lead out of the folder, or holds no device program; nothing
        is left of it then.
    """
    shutil.rmtree(target, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            _check(packed)
            packed.extractall(target)
        if not (target / _PROGRAM).is_file():
            raise ReleaseError("the archive holds no device program")
    except _DAMAGE as problem:
        shutil.rmtree(target, ignore_errors=True)
        raise ReleaseError(f"the archive cannot be unpacked: {problem}") from problem
    except ReleaseError:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _check(packed: zipfile.ZipFile) -> None:
    entries = packed.infolist()
    if len(entries) > _MAX_FILES or sum(entry.file_size for entry in entries) > _MAX_UNPACKED:
        raise ReleaseError("the archive is too large when unpacked")
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
            raise ReleaseError("the archive has a path that leads out of its place")
