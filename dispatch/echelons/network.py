"""A county's two echelons as data: township depots, trunk vehicles, buses with room, cut-offs of the companies."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from dispatch.echelons.errors import EchelonFileError
from maps.geodesy import as_points, straight_m
from maps.region import Region

_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_AT_CENTRE_M: Final = 3_000.0
"""A township seat nearer than this to the county centre is served from the centre itself."""


def _second_of_day(value: Any) -> Any:
    if isinstance(value, str) and (match := _TIME.fullmatch(value)):
        return int(match[1]) * 3600 + int(match[2]) * 60
    return value


SecondOfDay = Annotated[int, BeforeValidator(_second_of_day), Field(ge=0, le=86_400)]
Size = tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
"""Weight in grams, volume in cubic centimetres, parcels."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class DepotSpec(_Frozen):
    """A township depot (乡镇中转站): where, how long unloading takes, how fast it sorts."""

    id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    name: str = Field(min_length=1, max_length=80)
    township_id: str
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    unload_s: int = Field(default=900, ge=0)
    sorted_per_hour: int | None = Field(default=400, gt=0)
    open_fen: int = Field(default=0, ge=0)
    parcel_fen: int = Field(default=0, ge=0)
    most_vehicles: int | None = Field(default=None, gt=0)


class TrunkSpec(_Frozen):
    """Trunk vehicles (干线车) of one kind."""

    id: str = Field(min_length=1, max_length=64)
    count: int = Field(gt=0)
    capacity: Size
    fixed_fen: int = Field(ge=0)
    per_km_fen: int = Field(ge=0)
    per_hour_fen: int = Field(ge=0)
    profile: str = "van"
    depart_s: SecondOfDay = Field(alias="depart")
    most_depots: int = Field(default=3, ge=1, le=5)


class CallSpec(_Frozen):
    """A stop of a bus at a depot."""

    depot: str
    at_s: SecondOfDay = Field(alias="at")


class BusSpec(_Frozen):
    """A postal or passenger bus (客货邮班车) with room for parcels."""

    id: str = Field(min_length=1, max_length=64)
    outward: bool
    centre_s: SecondOfDay = Field(alias="centre")
    calls: tuple[CallSpec, ...] = Field(min_length=1)
    capacity: Size
    price_fen: int = Field(default=0, ge=0)


class Network(_Frozen):
    """The two echelons of one county.

    Attributes
    ----------
    cut_offs
        When each company's line-haul leaves the county centre, by company id; ``*`` for all others.
    centre_handling_s
        From arriving at the centre until loaded on the line-haul.
    """

    region: str
    centre_ready_s: SecondOfDay = Field(default=7 * 3600, alias="centre_ready")
    centre_handling_s: int = Field(default=1_800, ge=0)
    direct: bool = True
    cut_offs: dict[str, SecondOfDay] = Field(default_factory=dict)
    depots: tuple[DepotSpec, ...] = Field(default=(), alias="depot")
    trunks: tuple[TrunkSpec, ...] = Field(default=(), alias="trunk")
    buses: tuple[BusSpec, ...] = Field(default=(), alias="bus")

    @model_validator(mode="after")
    def _one_depot_for_each_name(self) -> Network:
        for what, ids in (
            ("depot", [one.id for one in self.depots]),
            ("trunk", [one.id for one in self.trunks]),
            ("bus", [one.id for one in self.buses]),
        ):
            twice = {one for one in ids if ids.count(one) > 1}
            if twice:
                raise ValueError(f"{what} {min(twice)} is given twice")
        towns = [one.township_id for one in self.depots]
        doubled = {one for one in towns if towns.count(one) > 1}
        if doubled:
            raise ValueError(f"township {min(doubled)} is covered by two depots")
        known = {one.id for one in self.depots}
        unknown = {call.depot for bus in self.buses for call in bus.calls} - known
        if unknown:
            raise ValueError(f"a bus calls at {min(unknown)}, which is no depot")
        if not self.depots and not self.direct:
            raise ValueError("without a depot and without direct routes nothing can be served")
        return self


def load_network(path: Path) -> Network:
    """Read a county's two echelons from a TOML file.

    Raises
    ------
    EchelonFileError
        If it is no TOML, a field is wrong, or a township is covered twice; names entry and field.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise EchelonFileError(f"{path.name} cannot be read: {problem}", file=path.name) from problem
    try:
        return Network.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "network"
        raise EchelonFileError(f"{path.name}, {where}: {first['msg']}", file=path.name, field=where) from problem


def default_network(region: Region) -> Network:
    """Return a network to begin with: a depot at every township seat off the centre, four trunk lorries.

    Sizes, speeds and prices are house defaults in the manner of the demo fleet; a county's own go into a file.
    """
    centre = region.depot.lonlat
    depots = []
    for town in region.townships:
        if town.lon is None or town.lat is None:
            continue
        if float(straight_m(as_points([centre]), as_points([(town.lon, town.lat)]))[0]) < _AT_CENTRE_M:
            continue
        depots.append(DepotSpec(id=town.id, name=town.name, township_id=town.id, lon=town.lon, lat=town.lat))
    lorry = TrunkSpec(
        id="lorry",
        count=6,
        capacity=(2_500_000, 18_000_000, 1_500),
        fixed_fen=20_000,
        per_km_fen=160,
        per_hour_fen=3_000,
        depart=6 * 3600,
    )
    return Network(region=region.name, cut_offs={"*": 20 * 3600}, depot=tuple(depots), trunk=(lorry,))
