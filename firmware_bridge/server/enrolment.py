"""Enrolment: which devices there are, their credentials, and what the broker must know of them.

A device is invited with a one-time code and fetches its credentials with it, each only once: the broker's password,
the signing key and, with a certificate authority, certificate and private key. The server keeps a hash, a salt and a
serial number of them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from firmware_bridge.broker.accounts import RESERVED, SERVER_USER, Account, hash_password
from firmware_bridge.errors import DeviceEnrolledError, EnrolmentCodeError, UnknownDeviceError
from firmware_bridge.pki.authority import Authority, Certificate
from firmware_bridge.pki.model import DeviceCertificate, EnrolmentCode
from firmware_bridge.server.alarms import locked_devices
from firmware_bridge.server.model import Device, DevicePresence
from firmware_bridge.signing import DeviceKey, derive_key
from firmware_bridge.topics import Address
from kernel.clock import Clock
from kernel.db import Database
from kernel.ids import new_secret

ACTIVE = "active"
REVOKED = "revoked"
_REFRESH_S = 2.0  # a revocation is felt within this time in every process

CODE_LIFE: Final = timedelta(hours=24)
_CODE_BYTES: Final = 10  # 80 random bits, as 16 letters and digits a person can type
_CODE_GROUP: Final = 4


@dataclass(frozen=True)
class Credentials:
    """What a device is given once, at enrolment, and what cannot be read from the server again."""

    address: Address
    password: str = field(repr=False)
    key: DeviceKey
    certificate: Certificate | None = None


@dataclass(frozen=True)
class Invitation:
    """A one-time code; whoever has it becomes the device."""

    device: str
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class CodeState:
    """What became of a one-time code: ``live``, ``used``, ``replaced``, ``revoked``, ``expired`` or ``unknown``."""

    word: str
    device: str | None


class DeviceRegistry:
    """Enrols and revokes devices in the caller's transaction.

    Parameters
    ----------
    master
        The server's secret that all device keys are derived from.
    authority
        Issues certificates to devices that redeem a code; they get none when omitted.
    """

    def __init__(self, master: bytes, clock: Clock, authority: Authority | None = None) -> None:
        self._master = master
        self._clock = clock
        self._authority = authority

    def enrol(self, session: Session, address: Address, site_id: str | None = None) -> Credentials:
        """Make a device known and its credentials.

        Raises
        ------
        DeviceEnrolledError
            If the id is in use or kept for the server; a revoked device must be re-enrolled with :meth:`renew`.
        """
        _check_name(address)
        if session.get(Device, address.device) is not None:
            raise DeviceEnrolledError(f"device {address.device} is enrolled already", device=address.device)
        device = Device(
            id=address.device, area=address.area, site_id=site_id, enrolled_at=self._clock.now(), revoked_at=None
        )
        credentials = self._issue(device, address, generation=1)
        session.add(device)
        session.flush()
        return credentials

    def renew(self, session: Session, device_id: str) -> Credentials:
        """Replace a device's credentials; the old ones end at once.

        Raises
        ------
        UnknownDeviceError
            If there is no such device.
        """
        device = self._get(session, device_id)
        generation = int(device.kid.rpartition(".")[2]) + 1
        device.revoked_at = None
        return self._issue(device, Address(device.area, device.id), generation)

    def revoke(self, session: Session, device_id: str) -> None:
        """End a device's credentials; what it reported stays readable.

        Raises
        ------
        UnknownDeviceError
            If there is no such device.
        """
        device = self._get(session, device_id)
        now = self._clock.now()
        device.status, device.revoked_at = REVOKED, now
        self._revoke_certificates(session, device_id)
        self._end_codes(session, device_id, "revoked", now)

    def invite(
        self,
        session: Session,
        address: Address,
        actor: str,
        site_id: str | None = None,
        *,
        again: bool = False,
        life: timedelta = CODE_LIFE,
    ) -> Invitation:
        """Make a one-time code for a device; an earlier one of it ends.

        Parameters
        ----------
        actor
            Who invites, kept with the code.
        again
            Whether the device exists already and is to get new credentials. The old ones hold until the code is used.
        life
            How long the code can be used.

        Raises
        ------
        DeviceEnrolledError
            If the id is in use and ``again`` was not said.
        UnknownDeviceError
            If it was said and there is no such device.
        """
        _check_name(address)
        device = session.get(Device, address.device)
        if device is None and again:
            raise UnknownDeviceError(f"there is no device {address.device}", device=address.device)
        if device is not None and not again:
            raise DeviceEnrolledError(f"device {address.device} is enrolled already", device=address.device)
        now = self._clock.now()
        self._end_codes(session, address.device, "replaced", now)
        code = _new_code()
        session.add(
            EnrolmentCode(
                digest=_digest(code), device_id=address.device, area=address.area,
                site_id=device.site_id if device is not None else site_id, made_at=now, made_by=actor[:80],
                expires_at=now + life, ended_at=None, ended_by=None,
            )
        )  # fmt: skip
        session.flush()
        return Invitation(address.device, code, now + life)

    def redeem(self, session: Session, code: str) -> Credentials:
        """Trade a one-time code for a device's credentials; earlier ones of the device end.

        Raises
        ------
        EnrolmentCodeError
            If there is no such code, or it was used, replaced, or is too old.
        """
        now, digest = self._clock.now(), _digest(code)
        live = (EnrolmentCode.digest == digest, EnrolmentCode.ended_at.is_(None), EnrolmentCode.expires_at > now)
        # One statement decides: of two who come at once, one finds nothing left.
        used = session.execute(update(EnrolmentCode).where(*live).values(ended_at=now, ended_by="used"))
        if used.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result counts rows
            raise EnrolmentCodeError("this enrolment code cannot be used")
        invited = session.get_one(EnrolmentCode, digest)
        if session.get(Device, invited.device_id) is None:
            credentials = self.enrol(session, Address(invited.area, invited.device_id), invited.site_id)
        else:
            self._revoke_certificates(session, invited.device_id)
            credentials = self.renew(session, invited.device_id)
        return self._certified(session, credentials)

    def code_state(self, session: Session, code: str) -> CodeState:
        """Tell what a code is, without using it."""
        found = session.get(EnrolmentCode, _digest(code))
        if found is None:
            return CodeState("unknown", None)
        if found.ended_at is None and found.expires_at > self._clock.now():
            return CodeState("live", found.device_id)
        return CodeState(found.ended_by or "expired", found.device_id)

    def _certified(self, session: Session, credentials: Credentials) -> Credentials:
        if self._authority is None:
            return credentials
        made, device = self._authority.issue_device(credentials.address.device), credentials.address.device
        session.add(
            DeviceCertificate(
                serial=made.serial, device_id=device, issued_at=self._clock.now(), not_after=made.not_after,
                revoked_at=None,
            )
        )  # fmt: skip
        session.flush()
        return Credentials(credentials.address, credentials.password, credentials.key, made)

    def _revoke_certificates(self, session: Session, device_id: str) -> None:
        mine = (DeviceCertificate.device_id == device_id, DeviceCertificate.revoked_at.is_(None))
        session.execute(update(DeviceCertificate).where(*mine).values(revoked_at=self._clock.now()))

    @staticmethod
    def _end_codes(session: Session, device_id: str, why: str, now: datetime) -> None:
        mine = (EnrolmentCode.device_id == device_id, EnrolmentCode.ended_at.is_(None))
        session.execute(update(EnrolmentCode).where(*mine).values(ended_at=now, ended_by=why))

    def _issue(self, device: Device, address: Address, generation: int) -> Credentials:
        password = new_secret()
        device.status = ACTIVE
        device.password_hash = hash_password(password)
        device.kid, device.key_salt = f"{address.device}.{generation}", new_secret(16)
        key = derive_key(self._master, device.id, device.kid, device.key_salt)
        return Credentials(address, password, key)

    @staticmethod
    def _get(session: Session, device_id: str) -> Device:
        device = session.get(Device, device_id)
        if device is None:
            raise UnknownDeviceError(f"there is no device {device_id}", device=device_id)
        return device


def broker_accounts(session: Session, server_password: str) -> list[Account]:
    """Return everybody who may connect to the broker: the server and each active device."""
    query = select(Device.id, Device.password_hash).where(Device.status == ACTIVE).order_by(Device.id)
    devices = [Account(device, hashed) for device, hashed in session.execute(query)]
    return [Account(SERVER_USER, hash_password(server_password)), *devices]


@dataclass(frozen=True)
class DeviceRow:
    """A device as it is listed; ``locked`` while two answer to its name."""

    device: str
    area: str
    status: str
    kid: str
    certificate_until: datetime | None
    invited_until: datetime | None
    presence: str | None
    locked: bool


def device_rows(session: Session) -> list[DeviceRow]:
    """Return all devices by id, and those that are only invited."""
    until = dict(
        session.execute(
            select(DeviceCertificate.device_id, func.max(DeviceCertificate.not_after))
            .where(DeviceCertificate.revoked_at.is_(None))
            .group_by(DeviceCertificate.device_id)
        ).all()
    )
    codes = {
        code.device_id: code for code in session.scalars(select(EnrolmentCode).where(EnrolmentCode.ended_at.is_(None)))
    }
    presence = dict(session.execute(select(DevicePresence.device_id, DevicePresence.state)).all())
    locked = locked_devices(session)
    devices = session.scalars(select(Device)).all()
    rows = [
        DeviceRow(
            one.id, one.area, one.status, one.kid, until.get(one.id), _expiry(codes.pop(one.id, None)),
            presence.get(one.id), one.id in locked,
        )
        for one in devices
    ]  # fmt: skip
    rows += [
        DeviceRow(one.device_id, one.area, "invited", "", None, one.expires_at, None, False) for one in codes.values()
    ]
    return sorted(rows, key=lambda row: row.device)


def _expiry(code: EnrolmentCode | None) -> datetime | None:
    return None if code is None else code.expires_at


def address_of(session: Session, device_id: str) -> Address:
    """Return a device's place in the topic tree.

    Raises
    ------
    UnknownDeviceError
        If there is no such device.
    """
    device = session.get(Device, device_id)
    if device is None:
        raise UnknownDeviceError(f"there is no device {device_id}", device=device_id)
    return Address(device.area, device.id)


def revoked_certificates(session: Session, now: datetime) -> list[tuple[str, datetime]]:
    """Return serial number and moment of every certificate that was revoked and would still be valid."""
    query = select(DeviceCertificate.serial, DeviceCertificate.revoked_at).where(
        DeviceCertificate.revoked_at.is_not(None), DeviceCertificate.not_after > now
    )
    return [(serial, since) for serial, since in session.execute(query.order_by(DeviceCertificate.serial)) if since]


def _check_name(address: Address) -> None:
    if address.device.startswith(RESERVED):
        raise DeviceEnrolledError(f"names that start with {RESERVED} are the server's own", device=address.device)


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode("ascii")
    return "-".join(text[start : start + _CODE_GROUP] for start in range(0, len(text), _CODE_GROUP))


def _digest(code: str) -> str:
    # 80 random bits cannot be guessed from their hash, so a quick one will do. People may type small letters.
    plain = "".join(code.upper().replace("-", "").split())
    return hashlib.sha256(plain.encode()).hexdigest()


@dataclass(frozen=True)
class KnownDevice:
    """An active device as the bridge needs it."""

    address: Address
    site_id: str | None
    key: DeviceKey


class Keyring:
    """The keys of all active devices, read from the database again every two seconds.

    Safe to use from several threads.
    """

    def __init__(self, database: Database, master: bytes, clock: Clock) -> None:
        self._database = database
        self._master = master
        self._clock = clock
        self._lock = threading.Lock()
        self._read_s = float("-inf")
        self._by_device: dict[str, KnownDevice] = {}

    def device(self, device_id: str) -> KnownDevice | None:
        """Return an active device, None for an unknown or revoked one."""
        return self._fresh().get(device_id)

    def devices(self) -> Sequence[KnownDevice]:
        """Return all active devices."""
        return list(self._fresh().values())

    def _fresh(self) -> dict[str, KnownDevice]:
        with self._lock:
            now_s = self._clock.monotonic_s()
            if now_s - self._read_s >= _REFRESH_S:
                self._by_device = self._load()
                self._read_s = now_s
            return self._by_device

    def _load(self) -> dict[str, KnownDevice]:
        query = select(Device.id, Device.area, Device.site_id, Device.kid, Device.key_salt).where(
            Device.status == ACTIVE
        )
        with self._database.read() as session:
            rows = session.execute(query).all()
        return {
            id_: KnownDevice(Address(area, id_), site, self._key(id_, kid, salt)) for id_, area, site, kid, salt in rows
        }

    def _key(self, device: str, kid: str, salt: str) -> DeviceKey:
        known = self._by_device.get(device)
        if known is not None and known.key.kid == kid:
            return known.key
        return derive_key(self._master, device, kid, salt)
