"""Enrolment: credentials are made once and end at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from firmware_bridge.broker.accounts import SERVER_USER, password_fits
from firmware_bridge.errors import DeviceEnrolledError, UnknownDeviceError
from firmware_bridge.server.enrolment import broker_accounts
from firmware_bridge.server.model import Device
from firmware_bridge.topics import Address


def test_credentials_are_given_once(any_server: Any) -> None:
    """The server keeps no password and no key that could be read from its database."""
    with any_server.database.begin() as session:
        given = any_server.registry.enrol(session, Address("area", "kiosk-1"))
    with any_server.database.read() as session:
        device = session.get(Device, "kiosk-1")
        stored = " ".join(str(getattr(device, column.name)) for column in Device.__table__.columns)
        hashed = device.password_hash
    assert given.password not in stored
    assert given.key.secret.hex() not in stored
    assert password_fits(given.password, hashed)
    any_server.clock.advance(3)
    assert any_server.keyring.device("kiosk-1").key == given.key


def test_an_id_is_enrolled_once(server: Any) -> None:
    """A second enrolment under a used id is refused; unknown devices cannot be revoked."""
    with server.database.begin() as session:
        server.registry.enrol(session, Address("area", "kiosk-1"))
        with pytest.raises(DeviceEnrolledError):
            server.registry.enrol(session, Address("area", "kiosk-1"))
        with pytest.raises(UnknownDeviceError):
            server.registry.revoke(session, "kiosk-2")


def test_renewing_ends_the_old_key(server: Any) -> None:
    """New credentials have a new password and key; the old key is worthless."""
    with server.database.begin() as session:
        old = server.registry.enrol(session, Address("area", "kiosk-1"))
        new = server.registry.renew(session, "kiosk-1")
    assert old.key.kid != new.key.kid
    assert old.key.secret != new.key.secret
    assert old.password != new.password
    server.clock.advance(3)
    assert server.keyring.device("kiosk-1").key == new.key


def test_a_revoked_device_is_unknown_within_five_seconds(
    server: Any, enrolled: Callable[..., Any], new_kiosk: Callable[..., Any]
) -> None:
    """Seconds after a revocation its key signs nothing and the broker's list lacks it; its past stays readable."""
    kiosk = new_kiosk(enrolled(server))
    kiosk.drop()
    server.take(kiosk.step())
    with server.database.begin() as session:
        server.registry.revoke(session, "qj-kiosk-017")
    server.clock.advance(2)
    kiosk.drop("SF0000000002")
    assert server.take(kiosk.step(after_s=1)).applied == []
    with server.database.read() as session:
        assert [account.username for account in broker_accounts(session, "s")] == [SERVER_USER]
        assert session.get(Device, "qj-kiosk-017").revoked_at is not None
