"""Errors of sort plans."""

from __future__ import annotations

from kernel.errors import ConflictError, InputError, InvalidFileError, NotFoundError


class ChuteTableError(InvalidFileError):
    """A chute table contradicts itself or cannot be read; the table in force stays in force."""

    code = "chute_table"
    remedy = "Correct the chute and field named in the message; docs/sorting.md describes the file."


class TooFewChutesError(ConflictError):
    """There are more routes than chutes, and no chute for the parcels of later waves."""

    code = "too_few_chutes"
    remedy = "Give one chute the purpose “rest”, or add chutes for routes, and load the table again."


class NoSortPlanError(NotFoundError):
    """Nothing is published for this region and day, so nothing can be sorted."""

    code = "no_sort_plan"
    remedy = "Publish a plan for the day first; the sort plan follows from it."


class NoSuchSortRouteError(NotFoundError):
    """The sort plan has no route of this number."""

    code = "no_such_sort_route"
    remedy = "Read the sort plan: it lists its routes."


class BarcodeError(InputError):
    """A number cannot be printed as a barcode."""

    code = "barcode"
    remedy = "Code 128 holds printable ASCII characters; correct the waybill of the parcel named."
