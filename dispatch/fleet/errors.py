"""Errors of the fleet."""

from __future__ import annotations

from kernel.errors import ConflictError, InvalidFileError, InvalidModelError, NotFoundError


class InvalidFleetError(InvalidModelError):
    """A vehicle type, vehicle or courier contradicts itself."""

    code = "invalid_fleet"
    remedy = "Correct the field named in the message; amounts are integers in the unit the field's name carries."


class NoFleetError(ConflictError):
    """A region has no vehicle that could drive."""

    code = "no_fleet"
    remedy = "Add vehicle types and vehicles for the region, or seed the demo fleet, then plan again."


class UnknownCourierError(NotFoundError):
    """No courier has this id."""

    code = "unknown_courier"
    remedy = "List the region's couriers and use one of their ids."


class EquipmentError(InvalidFileError):
    """The file of a region's equipment cannot be used."""

    code = "equipment"
    remedy = "Correct the row named in the message; docs/products.md describes the file."
