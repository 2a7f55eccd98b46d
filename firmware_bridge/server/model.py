"""Tables of the bridge: devices, their raw inbox, what was put aside, and alarms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UtcDateTime

_RowId = BigInteger().with_variant(Integer, "sqlite")


class Device(Base):
    """An enrolled device and its credentials.

    The broker's password is kept as a hash; the signing key is not kept at all: it is derived from the
    server's master secret, the device's id, ``kid`` and ``key_salt``. A copy of this table opens nothing.
    """

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    area: Mapped[str] = mapped_column(String(32))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.id"))
    status: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(160))
    kid: Mapped[str] = mapped_column(String(64), unique=True)
    key_salt: Mapped[str] = mapped_column(String(64))
    enrolled_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DevicePresence(Base):
    """What was last heard from a device; never a reason to believe that a door is shut."""

    __tablename__ = "device_presence"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime)
    store: Mapped[str] = mapped_column(String(32))
    boot: Mapped[int] = mapped_column(BigInteger)
    connection: Mapped[int] = mapped_column(BigInteger)
    firmware: Mapped[str] = mapped_column(String(40))
    description: Mapped[str] = mapped_column(String(64))
    died_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    connects: Mapped[list[str]] = mapped_column(JSON, default=list)


class DeviceProgress(Base):
    """Which numbers of a device's store have arrived; locked while an event of it is taken in.

    ``ahead`` lists runs ``[first, last]`` above ``contiguous``.
    """

    __tablename__ = "device_progress"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    store: Mapped[str] = mapped_column(String(32), primary_key=True)
    contiguous: Mapped[int] = mapped_column(BigInteger, default=0)
    ahead: Mapped[list[Any]] = mapped_column(JSON, default=list)
    gap_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class InboundEvent(Base):
    """One event as it arrived, byte for byte, with the three times that are known of it."""

    __tablename__ = "inbound_event"
    __table_args__ = (Unique("device_id", "store", "seq"), Index(None, "type", "corrected_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    store: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int] = mapped_column(BigInteger)
    boot: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(32))
    type: Mapped[str] = mapped_column(String(64))
    schema_version: Mapped[int] = mapped_column(Integer)
    txn: Mapped[str | None] = mapped_column(String(64))
    device_at: Mapped[datetime] = mapped_column(UtcDateTime)
    corrected_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    clock_synced: Mapped[bool] = mapped_column(Boolean)
    historical: Mapped[bool] = mapped_column(Boolean)
    subject: Mapped[str | None] = mapped_column(String(128))
    digest: Mapped[str] = mapped_column(String(64))
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class DeadLetter(Base):
    """A message that could not be used: its bytes, the reason, and whether a person replayed it."""

    __tablename__ = "dead_letter"
    __table_args__ = (Unique("topic", "digest"), Index(None, "device_id", "store", "seq"))

    id: Mapped[int] = mapped_column(_RowId, primary_key=True, autoincrement=True)
    device_id: Mapped[str | None] = mapped_column(String(32))
    store: Mapped[str | None] = mapped_column(String(32))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    event_id: Mapped[str | None] = mapped_column(String(36))
    topic: Mapped[str] = mapped_column(String(160))
    reason: Mapped[str] = mapped_column(String(48))
    detail: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    replayed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    signed: Mapped[bool] = mapped_column(Boolean)
    digest: Mapped[str] = mapped_column(String(64))
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class DeviceAlarm(Base):
    """One alarm per cause: opened by evidence, counted while it lasts, closed by the opposite evidence.

    Kinds that start with ``security.`` are closed by a person only.
    """

    __tablename__ = "device_alarm"
    __table_args__ = (Index(None, "device_id", "kind"),)

    id: Mapped[int] = mapped_column(_RowId, primary_key=True, autoincrement=True)
    device_id: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(String(80))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    count: Mapped[int] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(Text)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(80))


class DeviceCommand(Base):
    """A command to a device: kept here with its signed bytes, whatever the broker forgets.

    ``state`` follows :data:`firmware_bridge.server.command_states.STATES`; ``resolution`` is what late evidence or a
    person added afterwards.
    """

    __tablename__ = "device_command"
    __table_args__ = (Unique("device_id", "ctr"), Index(None, "state", "exp_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    store: Mapped[str] = mapped_column(String(32))
    op: Mapped[str] = mapped_column(String(32))
    target: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(40))
    ctr: Mapped[int] = mapped_column(BigInteger)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    exp_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(String(32))
    resolution: Mapped[str | None] = mapped_column(String(32))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    wire: Mapped[bytes] = mapped_column(LargeBinary)


class DeviceCommandStep(Base):
    """One step in the life of a command; rows are added, never changed."""

    __tablename__ = "device_command_step"
    __table_args__ = (Index(None, "command_id"),)

    id: Mapped[int] = mapped_column(_RowId, primary_key=True, autoincrement=True)
    command_id: Mapped[str] = mapped_column(ForeignKey("device_command.id"))
    state: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(80))
    code: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeviceTelemetry(Base):
    """The newest value of each kind that a device has told: nothing older is kept."""

    __tablename__ = "device_telemetry"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class DeviceConfig(Base):
    """Settings a device is to have, and what it said of them; ``in_force`` and ``heard`` are its own words."""

    __tablename__ = "device_config"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    set_by: Mapped[str] = mapped_column(String(80))
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
    in_force: Mapped[int] = mapped_column(BigInteger, default=0)
    heard: Mapped[int] = mapped_column(BigInteger, default=0)
    errors: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    reported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeviceList(Base):
    """Version and end of a device's local authorisation list."""

    __tablename__ = "device_list"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeviceGrant(Base):
    """One line of it, from one version until another; lines that are gone tell a device what to remove."""

    __tablename__ = "device_grant"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    grant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    target: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    since_version: Mapped[int] = mapped_column(BigInteger)
    gone_version: Mapped[int | None] = mapped_column(BigInteger)


class Release(Base):
    """A signed program for devices; the archive itself lies in a file named by its digest."""

    __tablename__ = "device_release"

    version: Mapped[str] = mapped_column(String(32), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    signature: Mapped[str] = mapped_column(String(86))
    added_by: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Rollout(Base):
    """Settings or a release on their way to many devices, stage by stage."""

    __tablename__ = "rollout"

    id: Mapped[int] = mapped_column(_RowId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    region: Mapped[str] = mapped_column(String(32))
    settings: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    release: Mapped[str | None] = mapped_column(ForeignKey("device_release.version"))
    url: Mapped[str] = mapped_column(String(200))
    stages: Mapped[list[int]] = mapped_column(JSON)
    stage: Mapped[int] = mapped_column(Integer)
    least_executed: Mapped[int] = mapped_column(Integer)
    most_failed_percent: Mapped[int] = mapped_column(Integer)
    soak_s: Mapped[int] = mapped_column(Integer)
    timeout_s: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16), index=True)
    why: Mapped[str] = mapped_column(String(160))
    started_by: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RolloutDevice(Base):
    """One device's part in a rollout; ``before`` holds the settings it goes back to."""

    __tablename__ = "rollout_device"
    __table_args__ = (Index(None, "device_id"),)

    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollout.id"), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    stage: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(String(160))
    version: Mapped[int | None] = mapped_column(BigInteger)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    offered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
