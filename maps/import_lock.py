"""One import under a name at a time.

The lock is the operating system's own on an open file, so it is gone the moment its owner is, however it
ended: a lock file that a crash left behind is an empty claim and is taken over. What is written in the
file is for people: who holds it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maps.errors import RegionBusyError, RegionStorageError

_REFUSED = {errno.EACCES, errno.EAGAIN}


@contextmanager
def sole_import(root: Path, name: str) -> Iterator[None]:
    """Hold the only right to import under a name; not re-entrant.

    Raises
    ------
    RegionBusyError
        If another import under that name is under way; names its process and machine.
    RegionStorageError
        If the disk refuses.
    """
    path = root / f".{name}.lock"
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = _claimed(path, name)
    except OSError as problem:
        raise RegionStorageError(f"region {name} cannot be locked: {problem}", name=name) from problem
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _claimed(path: Path, name: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _lock(descriptor, name)
            if _is_still(path, descriptor):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its owner removed the file between our opening and locking it: try the new one


def _lock(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno not in _REFUSED:
            raise
        owner = _owner(descriptor)
        raise RegionBusyError(f"region {name} is being imported by {owner}", name=name, owner=owner) from None


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _owner(descriptor: int) -> str:
    try:
        owner = json.loads(os.pread(descriptor, 1_000, 0))
        return f"process {int(owner['pid'])} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
