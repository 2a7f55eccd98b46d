"""Commands to devices: issued, signed, sent until heard, followed to their end.

A command lives in our database with its signed bytes. It is sent again, byte for byte the same, until the device
answers or it expires; the broker's queue is not its store.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from firmware_bridge.endpoint import Extras
from firmware_bridge.errors import CommandError, DeviceLockedError, UnknownCommandError, UnknownDeviceError
from firmware_bridge.schemas import (
    SECURITY_REFUSALS,
    Command,
    CommandFinished,
    Event,
    Progress,
    RefusalCode,
    SecurityRefused,
    first_problem,
)
from firmware_bridge.server.alarms import FORK, locked_devices, raise_alarm
from firmware_bridge.server.command_states import (
    ENDS,
    EXPIRED,
    QUEUED,
    REFUSED,
    SENT,
    UNKNOWN,
    advance,
)
from firmware_bridge.server.enrolment import REVOKED, Keyring, KnownDevice
from firmware_bridge.server.model import Device, DeviceAlarm, DeviceCommand, DeviceCommandStep, DevicePresence
from firmware_bridge.server.presence import ONLINE, SUSPECT
from firmware_bridge.signing import Direction, seal
from kernel.clock import Clock
from kernel.db import Database
from kernel.events import append_event
from kernel.ids import Ids

OPEN: Final = "open"
DEFAULT_TTL_S: Final = 30
LONGEST_TTL_S: Final = 120
GRACE: Final = timedelta(seconds=10)
RESEND: Final = timedelta(seconds=3)

COMMAND_REFUSED: Final = "security.command_refused"
PLANTED: Final = "security.planted_command"
LATE: Final = "late_evidence"
_LOCKED: Final = select(DeviceAlarm.device_id).where(DeviceAlarm.kind == FORK, DeviceAlarm.closed_at.is_(None))


@dataclass(frozen=True)
class Outgoing:
    """A command to be published now."""

    device: KnownDevice
    topic: str
    wire: bytes
    extras: Extras | None = None


class CommandDesk:
    """Issues commands and follows them.

    Methods that take a session work in the caller's transaction; the others in their own.
    """

    def __init__(self, database: Database, keyring: Keyring, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._ids = ids

    def issue(
        self,
        session: Session,
        device_id: str,
        target: str,
        actor: str,
        reason: str,
        *,
        ttl_s: int = DEFAULT_TTL_S,
        expect: str = "closed",
        op: str = OPEN,
    ) -> str:
        """Ask a device to open one box; return the command's id. Nothing is open yet.

        Parameters
        ----------
        actor, reason
            Who and why; both are needed and kept.
        ttl_s
            Seconds until the device refuses it, 120 at most.
        op
            What to do; besides opening, what :data:`firmware_bridge.device.gate.QUIET` lists moves nothing.

        Raises
        ------
        UnknownDeviceError
            If the device is unknown, revoked, or was never heard.
        DeviceLockedError
            If two devices answer to this name and nobody has decided yet which one is real.
        CommandError
            If a field cannot be what it is.
        """
        if not 1 <= ttl_s <= LONGEST_TTL_S:
            raise CommandError(f"a command lives 1 to {LONGEST_TTL_S} s, not {ttl_s}", field="ttl_s")
        device = self._keyring.device(device_id)
        presence = session.get(DevicePresence, device_id)
        if device is None or presence is None:
            raise UnknownDeviceError(f"device {device_id} was never heard or is not active", device=device_id)
        if device_id in locked_devices(session):
            raise DeviceLockedError(f"two devices answer to {device_id}", device=device_id)
        now = self._clock.now()
        command = _checked(
            {
                "cmd_id": self._ids.new(), "dev": device_id, "store": presence.store, "op": op, "target": target,
                "issued_at": now, "exp": now + timedelta(seconds=ttl_s), "ctr": self._next_counter(session, device_id),
                "actor": actor, "reason": reason, "expect": expect,
            }
        )  # fmt: skip
        wire = seal(device.key, Direction.COMMAND, device.address.command(op), command.to_bytes())
        session.add(
            DeviceCommand(
                id=command.cmd_id, device_id=device_id, store=command.store, op=op, target=target, actor=actor,
                reason=reason, ctr=command.ctr, issued_at=command.issued_at, exp_at=command.exp, state=QUEUED,
                code=None, resolution=None, attempts=0, sent_at=None, digest=hashlib.sha256(wire).hexdigest(),
                wire=wire,
            )
        )  # fmt: skip
        session.flush()
        self._step(session, command.cmd_id, QUEUED, actor)
        body = {"device": device_id, "target": target, "actor": actor, "reason": reason}
        append_event(session, "command.issued", f"command:{command.cmd_id}", body, fact_at=now, committed_at=now)
        return command.cmd_id

    def issue_many(
        self, session: Session, device_id: str, targets: Iterable[str], actor: str, reason: str
    ) -> list[str]:
        """Ask for several boxes: a list of single commands, each with actor and reason of its own."""
        return [self.issue(session, device_id, target, actor, reason) for target in targets]

    def due(self) -> list[Outgoing]:
        """Return what is to be published now, and count it as sent."""
        now = self._clock.now()
        query = (
            select(DeviceCommand)
            .join(DevicePresence, DevicePresence.device_id == DeviceCommand.device_id)
            .where(DeviceCommand.state.in_((QUEUED, SENT)), DeviceCommand.exp_at > now)
            .where(or_(DeviceCommand.sent_at.is_(None), DeviceCommand.sent_at <= now - RESEND))
            .where(DevicePresence.state.in_((ONLINE, SUSPECT)), DeviceCommand.device_id.not_in(_LOCKED))
            # A device that lost its store would refuse what was issued for the old one, and call it an attack.
            .where(DeviceCommand.store == DevicePresence.store)
            .order_by(DeviceCommand.ctr)
        )
        if not self._any(query):
            return []
        outgoing = []
        with self._database.begin() as session:
            for row in session.scalars(query):
                device = self._keyring.device(row.device_id)
                if device is None:
                    continue
                row.attempts += 1
                row.sent_at = now
                if row.state == QUEUED:
                    row.state = SENT
                    self._step(session, row.id, SENT, "server")
                extras = _extras(device, row, now)
                outgoing.append(Outgoing(device, device.address.command(row.op), row.wire, extras))
        return outgoing

    def expire(self) -> int:
        """End commands whose time ran out unheard, and all of revoked or locked devices; return how many timed out."""
        now = self._clock.now()
        alive = select(DeviceCommand).where(DeviceCommand.state.not_in(ENDS))
        if not self._any(alive):
            return 0
        query = alive.where(DeviceCommand.exp_at <= now - GRACE)
        with self._database.begin() as session:
            rows = session.scalars(query).all()
            waiting = select(DeviceCommand.device_id).where(DeviceCommand.state.not_in(ENDS))
            revoked = select(Device.id).where(Device.status == REVOKED, Device.id.in_(waiting))
            for device_id in session.scalars(revoked).all():
                self.void(session, device_id)
            for device_id in session.scalars(_LOCKED.where(DeviceAlarm.device_id.in_(waiting)).distinct()).all():
                self.void(session, device_id, RefusalCode.MAINTENANCE)
            for row in rows:
                # A device that said it would try may have opened: that is not "nothing happened".
                ended = EXPIRED if row.state in (QUEUED, SENT) else UNKNOWN
                self._apply(session, row, ended, "timer")
            return len(rows)

    def void(self, session: Session, device_id: str, code: RefusalCode = RefusalCode.REVOKED) -> int:
        """End all commands of a revoked or locked device; return how many."""
        query = select(DeviceCommand).where(DeviceCommand.device_id == device_id, DeviceCommand.state.not_in(ENDS))
        rows = session.scalars(query).all()
        for row in rows:
            self._apply(session, row, REFUSED, "server", code=code.value)
        return len(rows)

    def hear(self, progress: Progress) -> None:
        """Take a device's quick word on a command."""
        with self._database.begin() as session:
            self.evidence(
                session, progress.dev, progress.cmd_id, progress.state.value, "device",
                code=progress.code.value if progress.code else None, detail=progress.detail,
            )  # fmt: skip

    def evidence(
        self,
        session: Session,
        device_id: str,
        command_id: str,
        state: str,
        source: str,
        *,
        code: str | None = None,
        detail: str = "",
    ) -> None:
        """Apply what was seen or said of a command; unknown commands and other devices' words change nothing."""
        row = session.get(DeviceCommand, command_id, with_for_update=True)
        if row is None or row.device_id != device_id:
            return
        self._apply(session, row, state, source, code, detail)
        if code in SECURITY_REFUSALS:
            now = self._clock.now()
            raise_alarm(session, device_id, COMMAND_REFUSED, code or "", f"command {command_id}: {code}", now)

    def resolve(self, session: Session, command_id: str, state: str, actor: str, reason: str) -> None:
        """Let a person say what became of a command whose outcome is unknown.

        Raises
        ------
        UnknownCommandError
            If there is no such command.
        CommandError
            If its outcome is known, or the answer is not ``confirmed`` or ``failed``.
        """
        row = session.get(DeviceCommand, command_id, with_for_update=True)
        if row is None:
            raise UnknownCommandError(f"there is no command {command_id}", command=command_id)
        if row.state not in (UNKNOWN, EXPIRED) or state not in ("confirmed", "failed"):
            raise CommandError(f"command {command_id} is {row.state}: nothing to resolve", command=command_id)
        row.resolution = state
        self._step(session, command_id, state, actor, detail=reason[:80])

    def counter_floor(self, device_id: str) -> int:
        """Return up to which counter all commands of a device are void."""
        now = self._clock.now()
        with self._database.read() as session:
            mine = DeviceCommand.device_id == device_id
            alive = session.scalar(
                select(func.min(DeviceCommand.ctr)).where(
                    mine, DeviceCommand.state.not_in(ENDS), DeviceCommand.exp_at > now
                )
            )
            if alive is not None:
                return int(alive) - 1
            return int(session.scalar(select(func.max(DeviceCommand.ctr)).where(mine)) or 0)

    def audit(self, device_id: str, wire: bytes, *, retained: bool) -> bool:
        """Look at what passes on a command topic; return whether the broker's copy must be cleared.

        Everything that is retained, and everything that we did not send, is an alarm.
        """
        if not wire:
            return False  # somebody cleared a retained message
        digest = hashlib.sha256(wire).hexdigest()
        with self._database.begin() as session:
            known = session.scalars(select(DeviceCommand.id).where(DeviceCommand.digest == digest)).first()
            if known is not None and not retained:
                return False
            detail = "a retained command" if retained else "a command that we did not send"
            raise_alarm(session, device_id, PLANTED, "cmd", detail, self._clock.now())
        return True  # MQTT 3.1.1 hides whether it was kept: clearing what is not there does no harm

    def steps(self, session: Session, command_id: str) -> Sequence[DeviceCommandStep]:
        """Return the history of a command, oldest first."""
        query = select(DeviceCommandStep).where(DeviceCommandStep.command_id == command_id)
        return session.scalars(query.order_by(DeviceCommandStep.id)).all()

    def _any(self, query: Select[Any]) -> bool:
        """Look before writing: an idle server must not stand in other writers' way."""
        with self._database.read() as session:
            return session.scalars(query.limit(1)).first() is not None

    def _apply(
        self,
        session: Session,
        row: DeviceCommand,
        state: str,
        source: str,
        code: str | None = None,
        detail: str = "",
    ) -> None:
        before = (row.state, row.resolution)
        step = advance(row.state, state)
        row.state = step.state
        row.resolution = step.resolution or row.resolution
        if (row.state, row.resolution) == before:
            return  # told twice
        if step.resolution is None:
            row.code = code or row.code
        self._step(session, row.id, state, source, code, detail)
        now = self._clock.now()
        if step.late:
            raise_alarm(session, row.device_id, LATE, row.target, f"command {row.id}: {state} after expired", now)
        body = {"state": row.state, "resolution": row.resolution, "target": row.target, "device": row.device_id}
        append_event(session, "command.advanced", f"command:{row.id}", body, fact_at=now, committed_at=now)

    def _step(
        self, session: Session, command_id: str, state: str, source: str, code: str | None = None, detail: str = ""
    ) -> None:
        session.add(
            DeviceCommandStep(
                command_id=command_id, state=state, source=source, code=code, detail=detail, at=self._clock.now()
            )
        )
        session.flush()

    @staticmethod
    def _next_counter(session: Session, device_id: str) -> int:
        # The device's row serialises its commands: two at once get different counters.
        session.execute(select(Device.id).where(Device.id == device_id).with_for_update())
        last = session.scalar(select(func.max(DeviceCommand.ctr)).where(DeviceCommand.device_id == device_id))
        return int(last or 0) + 1


class CommandFinishedHandler:
    """Applies the device's durable last word on a command."""

    def __init__(self, desk: CommandDesk) -> None:
        self._desk = desk

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str:
        """Apply it in the caller's transaction; return the command's id."""
        body = CommandFinished.model_validate(event.body)
        if not body.local:
            code = body.reason_code.value if body.reason_code else None
            self._desk.evidence(
                session, device.address.device, body.cmd_id, body.state.value, f"event:{event.id}", code=code,
                detail=body.detail,
            )  # fmt: skip
        return body.cmd_id


class SecurityRefusedHandler:
    """Raises an alarm for commands that a device refused as an attack."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str | None:
        """Raise it in the caller's transaction."""
        body = SecurityRefused.model_validate(event.body)
        detail = f"{body.count} refused as {body.reason_code.value}"
        owner = device.address.device
        raise_alarm(session, owner, COMMAND_REFUSED, body.reason_code.value, detail, self._clock.now())
        return None


def _extras(device: KnownDevice, row: DeviceCommand, now: datetime) -> Extras:
    return Extras(
        expiry_s=max(math.ceil((row.exp_at - now).total_seconds()), 1),
        response_topic=device.address.response,
        correlation=row.id.encode(),
        user=(("schema", f"{row.op}/1"), ("trace", row.id)),
    )


def _checked(fields: dict[str, object]) -> Command:
    try:
        return Command.model_validate(fields)
    except ValidationError as problem:
        raise CommandError(f"command: {first_problem(problem)}") from problem
