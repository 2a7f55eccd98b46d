"""Local authorisation lists: who may open what at a device that has no network."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from firmware_bridge.errors import LocalListError
from firmware_bridge.grants import credential_digest, list_digest
from firmware_bridge.schemas import Grant, ListUpdate
from firmware_bridge.server.enrolment import KnownDevice
from firmware_bridge.server.model import DeviceGrant, DeviceList

MOST_LINES: Final = 200  # a whole list must fit into one message


@dataclass(frozen=True)
class Permission:
    """A line to be: who presents ``credential`` may open ``target`` until a moment."""

    id: str
    target: str
    credential: str = field(repr=False)
    until: datetime


class ListDesk:
    """Keeps lists with versions; works in the caller's transaction."""

    def change(
        self,
        session: Session,
        device: KnownDevice,
        permissions: Sequence[Permission],
        removed: Collection[str],
        expires_at: datetime,
    ) -> int:
        """Add or change lines and take others off; return the list's new version.

        Raises
        ------
        LocalListError
            If there would be too many lines.
        """
        device_id = device.address.device
        row = session.get(DeviceList, device_id, with_for_update=True)
        if row is None:
            row = DeviceList(device_id=device_id, version=0, expires_at=expires_at)
            session.add(row)
        row.version, row.expires_at = row.version + 1, expires_at
        for permission in permissions:
            line = session.get(DeviceGrant, (device_id, permission.id))
            if line is None:
                line = DeviceGrant(device_id=device_id, grant_id=permission.id)
                session.add(line)
            line.target, line.until = permission.target, permission.until
            line.digest = credential_digest(device.key, permission.credential)
            line.since_version, line.gone_version = row.version, None
        for gone in removed:
            line = session.get(DeviceGrant, (device_id, gone))
            if line is not None and line.gone_version is None:
                line.gone_version = row.version
        session.flush()
        if len(self.lines(session, device_id)) > MOST_LINES:
            raise LocalListError(f"the list of {device_id} would have more than {MOST_LINES} lines", device=device_id)
        return row.version

    @staticmethod
    def lines(session: Session, device_id: str) -> list[Grant]:
        """Return the lines in force, by id."""
        query = select(DeviceGrant).where(DeviceGrant.device_id == device_id, DeviceGrant.gone_version.is_(None))
        return [_grant(row) for row in session.scalars(query.order_by(DeviceGrant.grant_id))]

    def update_for(self, session: Session, device_id: str, has: int | None) -> ListUpdate | None:
        """Return what brings a device from the version it has to the newest; None when there is no list.

        Parameters
        ----------
        has
            Its version; None, 0 or one nobody here knows of calls for the whole list.
        """
        row = session.get(DeviceList, device_id)
        if row is None:
            return None
        lines = self.lines(session, device_id)
        whole = not has or has > row.version
        changed, gone = (lines, ()) if whole else self._difference(session, device_id, has or 0)
        return ListUpdate(
            dev=device_id, version=row.version, base=None if whole else has, expires_at=row.expires_at,
            grants=tuple(changed), removed=tuple(gone), digest=list_digest(lines),
        )  # fmt: skip

    @staticmethod
    def _difference(session: Session, device_id: str, has: int) -> tuple[list[Grant], list[str]]:
        newer = or_(DeviceGrant.since_version > has, DeviceGrant.gone_version > has)
        rows = session.scalars(select(DeviceGrant).where(DeviceGrant.device_id == device_id, newer)).all()
        changed = [_grant(row) for row in rows if row.gone_version is None]
        return changed, [row.grant_id for row in rows if row.gone_version is not None]


def _grant(row: DeviceGrant) -> Grant:
    return Grant(id=row.grant_id, target=row.target, digest=row.digest, until=row.until)
