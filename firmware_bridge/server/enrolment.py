"""Enrolment: which devices there are, their credentials, and what the broker must know of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.broker.accounts import SERVER_USER, Account, hash_password
from firmware_bridge.errors import DeviceEnrolledError, UnknownDeviceError
from firmware_bridge.server.model import Device
from firmware_bridge.signing import DeviceKey, derive_key
from firmware_bridge.topics import Address
from kernel.clock import Clock
from kernel.db import Database
from kernel.ids import new_secret

ACTIVE = "active"
REVOKED = "revoked"
_REFRESH_S = 2.0  # a revocation is felt within this time in every process


@dataclass(frozen=True)
class Credentials:
    """What a device is given once, at enrolment, and what cannot be read from the server again."""

    address: Address
    password: str = field(repr=False)
    key: DeviceKey


class DeviceRegistry:
    """Enrols and revokes devices in the caller's transaction.

    Parameters
    ----------
    master
        The server's secret that all device keys are derived from.
    """

    def __init__(self, master: bytes, clock: Clock) -> None:
        self._master = master
        self._clock = clock

    def enrol(self, session: Session, address: Address, site_id: str | None = None) -> Credentials:
        """Make a device known and its credentials.

        Raises
        ------
        DeviceEnrolledError
            If the id is in use; a revoked device must be re-enrolled with :meth:`renew`.
        """
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
        device.status, device.revoked_at = REVOKED, self._clock.now()

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
