"""Certificates: issued for one name, refused when revoked, and codes that serve once."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sqlalchemy import select

from firmware_bridge.errors import AuthorityError, DeviceEnrolledError, EnrolmentCodeError, UnknownDeviceError
from firmware_bridge.pki.authority import Authority
from firmware_bridge.pki.model import DeviceCertificate, EnrolmentCode
from firmware_bridge.server.enrolment import DeviceRegistry, revoked_certificates
from firmware_bridge.server.model import Device
from firmware_bridge.topics import Address
from kernel.clock import ManualClock

HERE = Address("area", "kiosk-1")


@pytest.fixture
def authority(tmp_path: Path, clock: ManualClock) -> Authority:
    """Give a fresh certificate authority."""
    return Authority(tmp_path / "pki", clock)


@pytest.fixture
def registry(any_server: Any, authority: Authority) -> DeviceRegistry:
    """Give a register of devices that issues certificates."""
    return DeviceRegistry(bytes(range(32)), any_server.clock, authority)


def test_a_certificate_names_its_device_only(authority: Authority) -> None:
    """A device's certificate bears its id, is signed by our authority, may not serve as a server's or sign others."""
    made = authority.issue_device("kiosk-1")
    found = x509.load_pem_x509_certificate(made.certificate.encode())
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.ca_text.encode()))
    assert found.subject.rfc4514_string() == "CN=kiosk-1"
    assert f"{found.serial_number:x}" == made.serial
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert made.key not in repr(made)


def test_names_that_are_no_device_get_no_certificate(authority: Authority) -> None:
    """Wildcards, the server's name in capitals or nothing at all are not certified."""
    for name in ("", "#", "a+b", "KIOSK", "x" * 33):
        with pytest.raises(AuthorityError):
            authority.issue_device(name)


def test_the_authority_lives_on_in_its_folder(authority: Authority, tmp_path: Path, clock: ManualClock) -> None:
    """Opened again it is the same authority; its files are for their owner only; a damaged one is named."""
    again = Authority(tmp_path / "pki", clock)
    assert again.ca_text == authority.ca_text
    assert stat.S_IMODE((tmp_path / "pki" / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700
    (tmp_path / "pki" / "ca.key").write_text("rubbish")
    with pytest.raises(AuthorityError, match="cannot be read"):
        Authority(tmp_path / "pki", clock)


def test_the_brokers_certificate_is_renewed_when_due(authority: Authority, clock: ManualClock) -> None:
    """It stays while names and time allow, and is made anew for other names or 30 days before it ends."""
    first = authority.broker_files(["broker.example", "10.0.0.5"]).certificate.read_bytes()
    assert authority.broker_files(["broker.example", "10.0.0.5"]).certificate.read_bytes() == first
    second = authority.broker_files(["broker.example"]).certificate.read_bytes()
    assert second != first
    clock.advance(timedelta(days=370).total_seconds())
    assert authority.broker_files(["broker.example"]).certificate.read_bytes() != second


def test_dev_041_enrolment_code_single_use(any_server: Any, registry: DeviceRegistry) -> None:
    """A code makes one device with keys of its own, once; the server keeps neither code, password nor key."""
    with any_server.database.begin() as session:
        invitation = registry.invite(session, HERE, "user:ops")
    with any_server.database.begin() as session:
        given = registry.redeem(session, invitation.code.lower().replace("-", " "))
        with pytest.raises(EnrolmentCodeError):
            registry.redeem(session, invitation.code)
    assert given.certificate is not None
    with any_server.database.read() as session:
        rows = [
            *session.scalars(select(EnrolmentCode)), *session.scalars(select(Device)),
            *session.scalars(select(DeviceCertificate)),
        ]  # fmt: skip
        kept = " ".join(str(getattr(row, column.name)) for row in rows for column in row.__table__.columns)
    for secret in (invitation.code, invitation.code.replace("-", ""), given.password, given.key.secret.hex()):
        assert secret not in kept
    other = _join(any_server, registry, "kiosk-2")
    assert (other.password, other.key.secret) != (given.password, given.key.secret)


def test_old_replaced_and_invented_codes_are_refused(any_server: Any, registry: DeviceRegistry) -> None:
    """A code ends after a day or when another one is made; a guess is answered in the same way."""
    with any_server.database.begin() as session:
        first = registry.invite(session, HERE, "user:ops")
        second = registry.invite(session, HERE, "user:ops")
    any_server.clock.advance(86_401)
    for code in (first.code, second.code, "AAAA-BBBB-CCCC-DDDD", ""):
        with any_server.database.begin() as session, pytest.raises(EnrolmentCodeError):
            registry.redeem(session, code)
    with any_server.database.read() as session:
        assert session.get(Device, "kiosk-1") is None


def test_rotation_ends_the_old_credentials_when_the_code_is_used(any_server: Any, registry: DeviceRegistry) -> None:
    """Until the new code is used the device works on; then key, password and certificate are other ones."""
    old = _join(any_server, registry, "kiosk-1")
    with any_server.database.begin() as session:
        with pytest.raises(DeviceEnrolledError):
            registry.invite(session, HERE, "user:ops")
        with pytest.raises(UnknownDeviceError):
            registry.invite(session, Address("area", "kiosk-9"), "user:ops", again=True)
        code = registry.invite(session, HERE, "user:ops", again=True).code
        assert revoked_certificates(session, any_server.clock.now()) == []
    with any_server.database.begin() as session:
        new = registry.redeem(session, code)
        revoked = revoked_certificates(session, any_server.clock.now())
    assert old.certificate is not None
    assert [serial for serial, _ in revoked] == [old.certificate.serial]
    assert old.key.kid != new.key.kid
    any_server.clock.advance(3)
    assert any_server.keyring.device("kiosk-1").key == new.key


def test_no_device_is_called_like_the_server(any_server: Any, registry: DeviceRegistry) -> None:
    """Names of the server's own users are refused: a certificate of that name would be the server's rights."""
    with any_server.database.begin() as session:
        for name in ("cunda-server", "cunda-control"):
            with pytest.raises(DeviceEnrolledError, match="server's own"):
                registry.invite(session, Address("area", name), "user:ops")
            with pytest.raises(DeviceEnrolledError, match="server's own"):
                registry.enrol(session, Address("area", name))


def test_a_revoked_device_cannot_use_a_waiting_code(any_server: Any, registry: DeviceRegistry) -> None:
    """Revocation ends certificates and codes alike."""
    given = _join(any_server, registry, "kiosk-1")
    with any_server.database.begin() as session:
        waiting = registry.invite(session, HERE, "user:ops", again=True)
        registry.revoke(session, "kiosk-1")
        assert given.certificate is not None
        assert [serial for serial, _ in revoked_certificates(session, any_server.clock.now())] == [
            given.certificate.serial
        ]
    with any_server.database.begin() as session, pytest.raises(EnrolmentCodeError):
        registry.redeem(session, waiting.code)


def _join(server: Any, registry: DeviceRegistry, device: str) -> Any:
    """Enrol a device by code."""
    with server.database.begin() as session:
        code = registry.invite(session, Address("area", device), "user:ops").code
        return registry.redeem(session, code)
