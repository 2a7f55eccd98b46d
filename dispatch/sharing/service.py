"""Policies in force: adopt one, read the one in force; a refused policy changes nothing."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.parcels.repository import ParcelRepository
from dispatch.sharing.errors import SharingPolicyStaleError
from dispatch.sharing.model import SharingPolicyRow
from dispatch.sharing.policy import SharingPolicy, default_policy, policy_document, read_policy
from kernel.clock import Clock
from kernel.events import append_event
from kernel.ids import Ids
from maps.region import Region

_LONGEST_REASON: Final = 255


def adopt_policy(
    session: Session, region: Region, policy: SharingPolicy, *, ids: Ids, clock: Clock, actor: str, reason: str = ""
) -> SharingPolicyRow:
    """Put a policy in force; adopting what is in force already changes nothing.

    Raises
    ------
    SharingPolicyError
        If it does not fit the region or contradicts itself; the policy in force stays in force.
    SharingPolicyStaleError
        If a policy of this or a higher version is in force.
    """
    policy.check(region, ParcelRepository(session).company_ids())
    current = policy_row(session, region.name)
    document = policy_document(policy)
    if current is not None and current.version >= policy.version:
        if current.document == document:
            return current
        raise SharingPolicyStaleError(
            f"version {current.version} of {region.name}'s policy is in force; this is version {policy.version}",
            in_force=current.version,
            version=policy.version,
        )
    now = clock.now()
    row = SharingPolicyRow(
        id=ids.new(),
        region=region.name,
        version=policy.version,
        document=document,
        adopted_at=now,
        actor=actor,
        reason=reason[:_LONGEST_REASON],
    )
    session.add(row)
    session.flush()
    body = {"region": region.name, "version": policy.version}
    append_event(session, "sharing.policy_adopted", f"sharing:{region.name}", body, fact_at=now, committed_at=now)
    return row


def policy_row(session: Session, region: str) -> SharingPolicyRow | None:
    """Return the policy in force as it was adopted, nothing when there is none."""
    query = select(SharingPolicyRow).where(SharingPolicyRow.region == region)
    return session.scalars(query.order_by(SharingPolicyRow.version.desc()).limit(1)).first()


def policy_or_default(session: Session, region: str) -> SharingPolicy:
    """Return the policy in force, or the one to begin with."""
    row = policy_row(session, region)
    return default_policy(region) if row is None else read_policy(row.document)
