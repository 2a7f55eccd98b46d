"""The certificate authority of one installation: a folder with a key that never leaves it.

It signs two kinds of certificates. The broker's names the hosts it answers for; a device's names the device and
nothing else, and the broker takes that name for the user. Revoked ones stand in a list that the broker reads.

Source: RFC 5280 (profile of certificates and revocation lists), with ECDSA on P-256 as every TLS library speaks it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from firmware_bridge.errors import AuthorityError
from firmware_bridge.topics import DEVICE_ID
from kernel.clock import Clock

AUTHORITY_LIFE: Final = timedelta(days=3650)
DEVICE_LIFE: Final = timedelta(days=1095)
BROKER_LIFE: Final = timedelta(days=397)
_RENEW_BEFORE: Final = timedelta(days=30)
_SLACK: Final = timedelta(days=1)  # clocks of small computers are late after a long night without power
_NAME: Final = "Cunda devices"


@dataclass(frozen=True)
class Certificate:
    """A certificate with its private key, both in PEM; the key is not kept by the authority."""

    serial: str
    not_after: datetime
    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class BrokerFiles:
    """What a broker with TLS reads."""

    ca: Path
    certificate: Path
    key: Path
    crl: Path


class Authority:
    """Issues and revokes certificates; made in ``folder`` at the first use.

    Parameters
    ----------
    folder
        Kept readable by its owner only. Whoever can read it can make devices the broker lets in, but no command a
        device obeys and no event the server takes: those need the signing keys.

    Raises
    ------
    AuthorityError
        If the folder holds an authority that cannot be read.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if not (folder / "ca.key").exists():
            self._found()
        try:
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
            self._certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        except (OSError, ValueError) as problem:
            raise AuthorityError(
                f"the certificate authority in {folder} cannot be read", folder=str(folder)
            ) from problem
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError(f"the key in {folder} is of another kind than ours", folder=str(folder))
        self._key = key
        if not self.crl_path.exists():
            self.write_crl(())

    @property
    def ca_path(self) -> Path:
        """Return the file every device and the broker trust."""
        return self._folder / "ca.pem"

    @property
    def crl_path(self) -> Path:
        """Return the file that lists revoked certificates."""
        return self._folder / "crl.pem"

    @property
    def ca_text(self) -> str:
        """Return the authority's own certificate in PEM."""
        return self.ca_path.read_text(encoding="ascii")

    def issue_device(self, device_id: str) -> Certificate:
        """Make key and certificate of a device; its name is all the certificate says.

        Raises
        ------
        AuthorityError
            If the id is not one of a device.
        """
        if DEVICE_ID.fullmatch(device_id) is None:
            raise AuthorityError(f"{device_id[:40]!r} cannot be a device's name", device=device_id[:40])
        return self._issue(device_id, ExtendedKeyUsageOID.CLIENT_AUTH, DEVICE_LIFE, ())

    def broker_files(self, hosts: Sequence[str]) -> BrokerFiles:
        """Return the broker's files, with a new certificate when hosts changed or the old one ends within 30 days."""
        certificate, key = self._folder / "broker.pem", self._folder / "broker.key"
        if not (key.exists() and certificate.exists() and self._serves(certificate, hosts)):
            made = self._issue(hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, BROKER_LIFE, hosts)
            _write(key, made.key.encode())
            _write(certificate, made.certificate.encode())
        return BrokerFiles(self.ca_path, certificate, key, self.crl_path)

    def write_crl(self, revoked: Iterable[tuple[str, datetime]]) -> None:
        """Write the list of revoked certificates: serial numbers in hexadecimal, and since when.

        Notes
        -----
        The list is pushed to the broker at every change, so its own expiry protects nothing, and a list that ran out
        would shut every device out (OpenSSL refuses all): it lives as long as the authority.
        """
        now = self._clock.now()
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=self._certificate.subject,
            last_update=now - _SLACK,
            next_update=self._certificate.not_valid_after_utc,
        )
        for serial, since in revoked:
            entry = x509.RevokedCertificateBuilder(int(serial, 16), since)
            builder = builder.add_revoked_certificate(entry.build())
        signed = builder.sign(self._key, hashes.SHA256())
        _write(self.crl_path, signed.public_bytes(serialization.Encoding.PEM))

    def _found(self) -> None:
        key, now = ec.generate_private_key(ec.SECP256R1()), self._clock.now()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            x509.CertificateBuilder(issuer_name=name, subject_name=name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SLACK)
            .not_valid_after(now + AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(self._folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM))
        _write(self._folder / "ca.key", _key_bytes(key))  # last: its presence says that both are there

    def _issue(self, name: str, purpose: x509.ObjectIdentifier, life: timedelta, hosts: Sequence[str]) -> Certificate:
        key, now = ec.generate_private_key(ec.SECP256R1()), self._clock.now()
        not_after = min(now + life, self._certificate.not_valid_after_utc)
        builder = (
            x509.CertificateBuilder(
                issuer_name=self._certificate.subject,
                subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            )
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SLACK)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        text = made.public_bytes(serialization.Encoding.PEM).decode("ascii")
        return Certificate(f"{made.serial_number:x}", not_after, text, _key_bytes(key).decode("ascii"))

    def _serves(self, path: Path, hosts: Sequence[str]) -> bool:
        try:
            found = x509.load_pem_x509_certificate(path.read_bytes())
            named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, x509.ExtensionNotFound):
            return False
        lasts = found.not_valid_after_utc - self._clock.now() > _RENEW_BEFORE
        ours = found.issuer == self._certificate.subject
        return ours and lasts and list(named) == [_host(one) for one in hosts]


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file in one step, readable by its owner only."""
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    draft.replace(path)
