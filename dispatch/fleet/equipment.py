"""What vehicles and their crews have along (装备): a cold compartment, a companion, a lift; data of the tenant.

Until a region records its equipment nobody knows who has what, so no skill can be demanded of a vehicle; plans say so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dispatch.fleet.errors import EquipmentError
from dispatch.fleet.fleet import Fleet


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    vehicle: str | None = None
    type: str | None = None
    skills: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> _Entry:
        if (self.vehicle is None) == (self.type is None):
            raise ValueError("an entry names either a vehicle or a type")
        return self


@dataclass(frozen=True)
class Equipment:
    """Skills by vehicle and by vehicle type; a vehicle has those of its type besides its own."""

    of_vehicle: Mapping[str, frozenset[str]]
    of_type: Mapping[str, frozenset[str]]

    def outfit(self, fleet: Fleet) -> Fleet:
        """Return the fleet with each vehicle's skills.

        Raises
        ------
        EquipmentError
            If it names a vehicle or type the fleet does not have.
        """
        unknown = sorted(self.of_vehicle.keys() - {one.id for one in fleet.vehicles})
        unknown += sorted(self.of_type.keys() - {one.id for one in fleet.types})
        if unknown:
            raise EquipmentError(
                f"equipment names {unknown[0]}, which is no vehicle or type of the fleet", id=unknown[0]
            )
        return replace(
            fleet,
            vehicles=tuple(
                replace(
                    one,
                    skills=self.of_vehicle.get(one.id, frozenset()) | self.of_type.get(one.type_id, frozenset()),
                )
                for one in fleet.vehicles
            ),
        )


EquipmentBook = Callable[[str], "Equipment | None"]
"""Gives the equipment recorded for a region, nothing when it recorded none."""


def none_recorded(region: str) -> Equipment | None:
    """Know of no equipment anywhere."""
    return None


@dataclass(frozen=True)
class EquipmentFolder:
    """Equipment as files, ``<region>.toml`` each; read anew for every plan."""

    folder: Path

    def __call__(self, region: str) -> Equipment | None:
        """Give a region's equipment.

        Raises
        ------
        EquipmentError
            If the region's file cannot be used.
        """
        path = self.folder / f"{region}.toml"
        return load_equipment(path) if path.is_file() else None


def load_equipment(path: Path) -> Equipment:
    """Read and check a file of equipment: ``[[equipment]]`` with ``vehicle`` or ``type`` and ``skills``.

    Raises
    ------
    EquipmentError
        If the file is not TOML or a row is wrong; names row and field.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise EquipmentError(f"equipment cannot be read: {problem}") from problem
    of_vehicle: dict[str, frozenset[str]] = {}
    of_type: dict[str, frozenset[str]] = {}
    for row, entry in enumerate(raw.get("equipment", ()), start=1):
        one = _checked(row, entry)
        target, name = (of_vehicle, one.vehicle) if one.vehicle is not None else (of_type, one.type)
        target[str(name)] = target.get(str(name), frozenset()) | frozenset(one.skills)
    return Equipment(of_vehicle, of_type)


def _checked(row: int, entry: Any) -> _Entry:
    try:
        return _Entry.model_validate(entry)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        named = f"row {row}{', field ' + field if field else ''}"
        raise EquipmentError(f"equipment {named}: {first['msg']}", row=row, field=field) from problem
