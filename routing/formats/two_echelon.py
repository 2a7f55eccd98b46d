"""Read and write the classical two-echelon benchmark form (2E-VRP), and make instances by its published rules.

The form is the one Breunig, Schmid, Hartl and Vidal (2016, "A large neighbourhood based heuristic for two-echelon
routing problems") put all earlier sets into: comment lines begin with ``!``, a word after it names the section::

    !Trucks: total #, capacity, cost per distance, fixcost
    3,15000,1,0
    !CityFreighters: max cf/sat, total#, cap, cost/dist, fixcost
    4,4,6000,1,0
    !Stores: first: depot x, y; then: satellites x,y,handlingCost,maxCap,fixCost
    145,215  142,239,0.00,22500,0  146,208,0.00,22500,0
    !Customers: x,y,demand
    151,264,1100  159,261,700
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import ceil, cos, pi, sin
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from routing.formats.errors import ProblemFileError
from routing.formats.plane import number, whole

Point = tuple[float, float]
CustomerPattern = Literal["random", "centroids", "quadrants"]
SatellitePattern = Literal["random", "sliced", "forbidden"]

TRUCK_FACTOR: Final = 2.5
"""Capacity of a truck in freighters, Perboli, Tadei and Vigo (2011)."""
_SECTIONS: Final = ("Trucks", "CityFreighters", "Stores", "Customers")
_SIDE: Final = 1_000
_FREIGHTER_CAPACITY: Final = 50
_DEMANDS: Final = (1, 15)
_CENTROIDS: Final = 5
_SPREAD: Final = 90.0
_FORBIDDEN_RADIUS: Final = 250.0


@dataclass(frozen=True)
class PlaneSatellite:
    """A satellite: where it is, what a unit costs there, and how much may pass (0 for no limit)."""

    point: Point
    handling_cost: float = 0.0
    capacity: int = 0
    fixed_cost: int = 0


@dataclass(frozen=True)
class TwoEchelonInstance:
    """What a 2E-VRP file says, in its own units.

    Attributes
    ----------
    trucks, truck_capacity, truck_cost, truck_fixed
        First echelon: number, capacity, cost per unit of distance and per vehicle used.
    freighters, per_satellite
        Second echelon: number in all, and at one satellite.
    customers
        Each with x, y and demand.
    """

    name: str
    trucks: int
    truck_capacity: int
    truck_cost: float
    truck_fixed: int
    freighters: int
    per_satellite: int
    freighter_capacity: int
    freighter_cost: float
    freighter_fixed: int
    depot: Point
    satellites: tuple[PlaneSatellite, ...]
    customers: tuple[tuple[float, float, int], ...]

    @property
    def total_demand(self) -> int:
        """Return the sum of all demands."""
        return sum(demand for _, _, demand in self.customers)

    def points(self) -> NDArray[np.float64]:
        """Return depot, satellites and customers, shape (1 + satellites + customers, 2)."""
        rows = [self.depot, *(one.point for one in self.satellites), *((x, y) for x, y, _ in self.customers)]
        return np.array(rows, dtype=np.float64)


def read_two_echelon(text: str, name: str = "instance") -> TwoEchelonInstance:
    """Read the text of a 2E-VRP file.

    Raises
    ------
    ProblemFileError
        If a section is missing, a row has too few numbers, or a demand exceeds every freighter.
    """
    rows = _sections(text, name)
    trucks = _fields(rows["Trucks"], 4, f"{name}, !Trucks")[0]
    freighters = _fields(rows["CityFreighters"], 5, f"{name}, !CityFreighters")[0]
    stores = [word.split(",") for word in rows["Stores"]]
    customers = _fields(rows["Customers"], 3, f"{name}, !Customers")
    where = f"{name}, !Stores"
    if len(stores) < 2 or len(stores[0]) < 2:
        raise ProblemFileError(f"{where}: expected a depot and at least one satellite")
    instance = TwoEchelonInstance(
        name=name,
        trucks=whole(trucks[0], f"{name}, !Trucks"),
        truck_capacity=whole(trucks[1], f"{name}, !Trucks"),
        truck_cost=number(trucks[2], f"{name}, !Trucks"),
        truck_fixed=whole(trucks[3], f"{name}, !Trucks"),
        per_satellite=whole(freighters[0], f"{name}, !CityFreighters"),
        freighters=whole(freighters[1], f"{name}, !CityFreighters"),
        freighter_capacity=whole(freighters[2], f"{name}, !CityFreighters"),
        freighter_cost=number(freighters[3], f"{name}, !CityFreighters"),
        freighter_fixed=whole(freighters[4], f"{name}, !CityFreighters"),
        depot=(number(stores[0][0], where), number(stores[0][1], where)),
        satellites=tuple(_satellite(words, where) for words in stores[1:]),
        customers=tuple(
            (number(x, f"{name}, !Customers"), number(y, f"{name}, !Customers"), whole(d, f"{name}, !Customers"))
            for x, y, d in (words[:3] for words in customers)
        ),
    )
    _check(instance)
    return instance


def read_two_echelon_file(path: Path) -> TwoEchelonInstance:
    """Read a 2E-VRP file.

    Raises
    ------
    ProblemFileError
        As `read_two_echelon`, or if the file cannot be opened.
    """
    try:
        return read_two_echelon(path.read_text(encoding="utf-8", errors="replace"), path.stem)
    except OSError as error:
        raise ProblemFileError(f"{path}: cannot be read ({error.strerror})") from error


def write_two_echelon(instance: TwoEchelonInstance) -> str:
    """Write an instance as the text of a file; `read_two_echelon` gives it back."""
    it = instance
    stores = [f"{_plain(it.depot[0])},{_plain(it.depot[1])}"]
    stores += [
        f"{_plain(one.point[0])},{_plain(one.point[1])},{_plain(one.handling_cost)},{one.capacity},{one.fixed_cost}"
        for one in it.satellites
    ]
    lines = [
        "!Trucks: total #, capacity, cost per distance, fixcost",
        f"{it.trucks},{it.truck_capacity},{_plain(it.truck_cost)},{it.truck_fixed}",
        "!CityFreighters: max cf/sat, total#, cap, cost/dist, fixcost",
        f"{it.per_satellite},{it.freighters},{it.freighter_capacity},{_plain(it.freighter_cost)},{it.freighter_fixed}",
        "!Stores: first: depot x, y; then: satellites x,y,handlingCost,maxCap,fixCost",
        "  ".join(stores),
        "!Customers: x,y,demand",
        "  ".join(f"{_plain(x)},{_plain(y)},{demand}" for x, y, demand in it.customers),
    ]
    return "\n".join(lines) + "\n"


def generate_two_echelon(
    name: str,
    customers: int,
    satellites: int,
    seed: int,
    customer_pattern: CustomerPattern = "random",
    satellite_pattern: SatellitePattern = "random",
    depot_outside: bool = True,
) -> TwoEchelonInstance:
    """Make an instance by the published rules.

    Notes
    -----
    Customers are spread at random, around centroids or in quadrants of different density; satellites at random,
    in equal slices around the centre, or outside a forbidden zone around it (Crainic, Perboli, Mancini and Tadei
    2010, "Two-echelon vehicle routing problem: a satellite location analysis"). A truck holds 2.5 freighters, the
    depot lies in the middle or outside (Perboli, Tadei and Vigo 2011, "The two-echelon capacitated vehicle routing
    problem"). Side length, demands and the number of vehicles (one more truck and a quarter more freighters than
    the load needs) are ours: the papers' own random draws were not published as rules.
    """
    draw = random.Random(f"{seed}/{customers}/{satellites}/{customer_pattern}/{satellite_pattern}")  # noqa: S311
    demands = [draw.randint(*_DEMANDS) for _ in range(customers)]
    places = [_customer(draw, customer_pattern, seed) for _ in range(customers)]
    total = sum(demands)
    capacity = int(_FREIGHTER_CAPACITY * TRUCK_FACTOR)
    freighters = max(ceil(1.25 * total / _FREIGHTER_CAPACITY), ceil(total / _FREIGHTER_CAPACITY) + 1)
    return TwoEchelonInstance(
        name=name,
        trucks=ceil(total / capacity) + 1,
        truck_capacity=capacity,
        truck_cost=1.0,
        truck_fixed=0,
        freighters=freighters,
        per_satellite=freighters,
        freighter_capacity=_FREIGHTER_CAPACITY,
        freighter_cost=1.0,
        freighter_fixed=0,
        depot=(_SIDE / 2, -_SIDE / 4) if depot_outside else (_SIDE / 2, _SIDE / 2),
        satellites=tuple(
            PlaneSatellite(_satellite_site(draw, satellite_pattern, index, satellites)) for index in range(satellites)
        ),
        customers=tuple((x, y, demand) for (x, y), demand in zip(places, demands, strict=True)),
    )


def _customer(draw: random.Random, pattern: CustomerPattern, seed: int) -> Point:
    if pattern == "centroids":
        middle = random.Random(f"{seed}/{draw.randrange(_CENTROIDS)}")  # noqa: S311 - one of a few middles
        x, y = middle.uniform(0.15, 0.85) * _SIDE, middle.uniform(0.15, 0.85) * _SIDE
        return _inside(draw.gauss(x, _SPREAD)), _inside(draw.gauss(y, _SPREAD))
    if pattern == "quadrants":
        right, upper = draw.choices([(0, 0), (0, 1), (1, 0), (1, 1)], weights=[4, 3, 2, 1])[0]
        half = _SIDE / 2
        return round(draw.uniform(0, half) + right * half), round(draw.uniform(0, half) + upper * half)
    return float(draw.randint(0, _SIDE)), float(draw.randint(0, _SIDE))


def _satellite_site(draw: random.Random, pattern: SatellitePattern, index: int, count: int) -> Point:
    middle = _SIDE / 2
    if pattern == "sliced":
        angle = 2 * pi * (index + draw.uniform(0.2, 0.8)) / count
        radius = draw.uniform(0.25, 0.45) * _SIDE
        return _inside(middle + radius * cos(angle)), _inside(middle + radius * sin(angle))
    while True:
        x, y = float(draw.randint(0, _SIDE)), float(draw.randint(0, _SIDE))
        if pattern == "random" or (x - middle) ** 2 + (y - middle) ** 2 > _FORBIDDEN_RADIUS**2:
            return x, y


def _inside(value: float) -> float:
    return float(round(min(_SIDE, max(0.0, value))))


def _sections(text: str, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {section: [] for section in _SECTIONS}
    current: str | None = None
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("!"):
            current = next((section for section in _SECTIONS if line[1:].startswith(section)), current)
        elif line and current is not None:
            found[current] += line.split()
    for section, words in found.items():
        if not words:
            raise ProblemFileError(f"{name}: the section !{section} is missing or empty")
    return found


def _fields(words: list[str], least: int, where: str) -> list[list[str]]:
    rows = [word.split(",") for word in words]
    for row in rows:
        if len(row) < least:
            raise ProblemFileError(f"{where}: expected {least} numbers with commas between, found {','.join(row)!r}")
    return rows


def _satellite(words: list[str], where: str) -> PlaneSatellite:
    if len(words) < 2:
        raise ProblemFileError(f"{where}: a satellite needs x and y, found {','.join(words)!r}")
    rest = [*words[2:5], "0", "0", "0"][:3]
    return PlaneSatellite(
        (number(words[0], where), number(words[1], where)),
        number(rest[0], where),
        whole(rest[1], where),
        whole(rest[2], where),
    )


def _check(it: TwoEchelonInstance) -> None:
    heaviest = max(demand for _, _, demand in it.customers)
    if heaviest > it.freighter_capacity:
        raise ProblemFileError(f"{it.name}: a demand of {heaviest} exceeds a freighter's {it.freighter_capacity}")
    if it.total_demand > min(it.trucks * it.truck_capacity, it.freighters * it.freighter_capacity):
        raise ProblemFileError(f"{it.name}: the demand of {it.total_demand} exceeds one of the two fleets")


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
