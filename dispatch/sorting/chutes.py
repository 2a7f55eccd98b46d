"""The chute table (格口表): which chutes a sorting table has, how far each is, and how large a bag may grow.

A table is data. Routes are given chutes so that the walking of the whole day is least: the larger a route's flow, the
nearer its chute. By the rearrangement inequality that pairing is the best there is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dispatch.sorting.errors import ChuteTableError

Purpose = Literal["route", "cold", "rest", "reject"]
"""``route`` takes one route's parcels in each wave, ``cold`` those from the cold store, ``rest`` those of later waves,
``reject`` what cannot be sorted."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Chute(_Frozen):
    """One chute (格口); ``distance_m`` is the walk from the scanner to it."""

    id: str = Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,11}$")
    purpose: Purpose = "route"
    distance_m: int = Field(ge=0, le=1000)


class _Row(_Frozen):
    """A row of chutes for routes, written once: A01, A02 and so on."""

    prefix: str = Field(pattern=r"^[A-Z]{1,4}$")
    count: int = Field(ge=1, le=200)
    first_distance_m: int = Field(ge=0, le=1000)
    step_m: int = Field(ge=0, le=50)

    def chutes(self) -> list[dict[str, Any]]:
        """Return its chutes in the order of their numbers."""
        width = max(2, len(str(self.count)))
        return [
            {"id": f"{self.prefix}{number:0{width}d}", "distance_m": self.first_distance_m + self.step_m * (number - 1)}
            for number in range(1, self.count + 1)
        ]


class BagLimits(_Frozen):
    """How large a bag (总包袋) may grow; one parcel larger than this travels alone."""

    most_parcels: int = Field(default=40, ge=1, le=1000)
    most_weight_g: int = Field(default=25_000, ge=1, le=1_000_000)
    most_volume_cm3: int = Field(default=120_000, ge=1, le=10_000_000)


class ChuteTable(_Frozen):
    """The chutes of one sorting table from a day on."""

    valid_from: date
    bag: BagLimits = BagLimits()
    chute: tuple[Chute, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _one_of_each(self) -> ChuteTable:
        ids = [chute.id for chute in self.chute]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"chute {twice[0]} is listed twice")
        for purpose, most in (("cold", 1), ("rest", 1)):
            named = [chute.id for chute in self.chute if chute.purpose == purpose]
            if len(named) > most:
                raise ValueError(f"chutes {', '.join(named)} are all for {purpose}; there may be one")
        if sum(chute.purpose == "reject" for chute in self.chute) != 1:
            raise ValueError("exactly one chute is for reject")
        if not self.for_routes:
            raise ValueError("no chute is for a route")
        return self

    @property
    def for_routes(self) -> tuple[Chute, ...]:
        """Return the chutes that routes get, nearest first."""
        return tuple(sorted((one for one in self.chute if one.purpose == "route"), key=lambda c: (c.distance_m, c.id)))

    def only(self, purpose: Literal["cold", "rest", "reject"]) -> Chute | None:
        """Return the one chute of a purpose, nothing when the table has none."""
        return next((one for one in self.chute if one.purpose == purpose), None)


def load_chutes(path: Path | None = None) -> ChuteTable:
    """Read and check a chute table; the one that comes with Cunda when none is given.

    Raises
    ------
    ChuteTableError
        If the file is not TOML or contradicts itself; names chute and field.
    """
    try:
        text = (path or files(__package__) / "chutes.toml").read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ChuteTableError(f"the chute table cannot be read: {problem}") from problem
    return read_chutes(raw)


def read_chutes(raw: Mapping[str, Any]) -> ChuteTable:
    """Check a chute table that was parsed already; rows of chutes are written out.

    Raises
    ------
    ChuteTableError
        If it contradicts itself; names chute and field.
    """
    try:
        given = dict(raw)
        rows = [_Row.model_validate(row) for row in given.pop("row", [])]
        given["chute"] = [*given.get("chute", []), *(chute for row in rows for chute in row.chutes())]
        return ChuteTable.model_validate(given)
    except (ValidationError, TypeError) as problem:
        raise _named(problem, raw) from problem


def _named(problem: Exception, raw: Mapping[str, Any]) -> ChuteTableError:
    if not isinstance(problem, ValidationError):
        return ChuteTableError(f"the chute table is not laid out as it should be: {problem}")
    first = problem.errors()[0]
    place = list(first["loc"])
    what = "chute table"
    listed = raw.get("chute", [])
    if len(place) > 1 and place[0] == "chute" and isinstance(place[1], int) and place[1] < len(listed):
        entry = listed[place[1]]
        name = entry.get("id") if isinstance(entry, dict) else None
        what, place = f"chute {name or place[1] + 1}", place[2:]
    field = ".".join(str(part) for part in place)
    return ChuteTableError(f"{what}{', field ' + field if field else ''}: {first['msg']}", object=what, field=field)


@dataclass(frozen=True)
class RouteFlow:
    """What one vehicle's route brings to the sorting table.

    Attributes
    ----------
    parcels
        Deliveries to be sorted.
    start_s
        When it leaves the depot.
    """

    vehicle_id: str
    number: int
    parcels: int
    start_s: int


@dataclass(frozen=True)
class Slot:
    """Where a route is sorted: wave from 1, and chute."""

    wave: int
    chute: str
