"""What a caller may see: their region, their company. What is not theirs does not exist (API-15)."""

from __future__ import annotations

from api.auth.service import Identity
from maps.errors import RegionNotFoundError


def check_region(identity: Identity, region: str) -> None:
    """Let a caller into their region only.

    Raises
    ------
    RegionNotFoundError
        If the login is bound to another region: it answers as if that region did not exist.
    """
    if identity.region is not None and identity.region != region:
        raise RegionNotFoundError(f"there is no region {region}", name=region)


def company_scope(identity: Identity) -> str | None:
    """Return the one company the caller may see, None for all."""
    return identity.company_id if identity.role == "company_viewer" else None


def actor(identity: Identity) -> str:
    """Name the caller as the ledger does, ``kind:id``, always from the login."""
    if identity.role == "courier" and identity.courier_id:
        return f"courier:{identity.courier_id}"
    return f"user:{identity.user_id}"
