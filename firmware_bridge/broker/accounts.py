"""Accounts of the broker: who may connect, and which topics each may write and read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from firmware_bridge.topics import DEVICE_ID, DEVICE_READS, DEVICE_WRITES, ROOT

#: The one user that may use the whole tree; its password stays on the server.
SERVER_USER: Final = "cunda-server"
#: The user by which the launcher ends connections; it may neither write nor read.
CONTROL_USER: Final = "cunda-control"
#: No device may be called like one of the server's own users: a certificate's name is a user name.
RESERVED: Final = "cunda-"
_ITERATIONS: Final = 101  # mosquitto's own figure; passwords are 256 random bits, so stretching adds nothing
_SALT_BYTES: Final = 12
_HASH_BYTES: Final = 64


@dataclass(frozen=True)
class Account:
    """A user of the broker and the hash of its password, in the form mosquitto reads."""

    username: str
    password_hash: str


def hash_password(password: str, salt: bytes | None = None) -> str:
    """Hash a password as mosquitto 2 does: ``$7$iterations$salt$hash``, PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, _HASH_BYTES)
    return "$".join(("", "7", str(_ITERATIONS), _text(salt), _text(digest)))


def password_fits(password: str, hashed: str) -> bool:
    """Tell whether a password belongs to a hash, in constant time."""
    try:
        _, kind, iterations, salt, digest = hashed.split("$")
        if kind != "7":
            return False
        made = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(iterations), _HASH_BYTES)
        return hmac.compare_digest(made, base64.b64decode(digest))
    except ValueError:
        return False


def password_file(accounts: list[Account]) -> str:
    """Write the accounts as mosquitto's password file."""
    return "".join(f"{account.username}:{account.password_hash}\n" for account in accounts)


def read_password_file(text: str) -> dict[str, str]:
    """Read a password file as a mapping from user to hash."""
    pairs = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return {user: hashed for user, _, hashed in pairs}


def acl_file() -> str:
    """Write mosquitto's access list: the server everything, each device its own branch and no other."""
    lines = [f"user {SERVER_USER}", f"topic readwrite {ROOT}/#", ""]
    lines += [f"pattern write {ROOT}/+/%u/{leaf}" for leaf in DEVICE_WRITES]
    lines += [f"pattern read {ROOT}/+/%u/{leaf}" for leaf in DEVICE_READS]
    return "\n".join(lines) + "\n"


def may(user: str, topic: str, *, write: bool) -> bool:
    """Tell whether a user may write to a topic, or read or subscribe to a topic or filter.

    The same rules as :func:`acl_file`, for brokers that ask us.
    """
    if user == SERVER_USER:
        return covers(f"{ROOT}/#", topic)
    if DEVICE_ID.fullmatch(user) is None:
        return False
    leaves = DEVICE_WRITES if write else DEVICE_READS
    return any(covers(f"{ROOT}/+/{user}/{leaf}", topic) for leaf in leaves)


def covers(rule: str, asked: str) -> bool:
    """Tell whether every topic that ``asked`` matches is matched by ``rule`` too."""
    allowed, wanted = rule.split("/"), asked.split("/")
    for position, level in enumerate(allowed):
        if level == "#":
            return True
        if position >= len(wanted):
            return False
        if level == "+" and wanted[position] != "#":
            continue
        if level != wanted[position]:
            return False
    return len(allowed) == len(wanted)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
