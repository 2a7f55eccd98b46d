"""Errors of demand."""

from __future__ import annotations

from kernel.errors import InternalError, InvalidModelError


class UnaccountedParcelsError(InternalError):
    """After planning, a parcel is neither on a route nor has a reason, or is counted twice."""

    code = "unaccounted_parcels"
    remedy = "Report it with the parcel ids; the plan was not stored."


class DuplicateParcelError(InvalidModelError):
    """The same parcel was given to planning twice."""

    code = "duplicate_parcel"
    remedy = "Give each parcel once."
