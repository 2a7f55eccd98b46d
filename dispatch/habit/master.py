"""Sections (段道) and master routes (主路线) as values: which places belong to whom, in which usual order, when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from dispatch.fleet.fleet import Fleet
from dispatch.habit.errors import HabitModelError, MasterRoutePlaceError, SectionsOverlapError
from dispatch.habit.rule import HabitRule


@dataclass(frozen=True)
class MasterStop:
    """A place on a master route.

    Attributes
    ----------
    arrival_s
        When the courier usually comes, seconds since the day's start; None until days were driven.
    days
        On how many days that was seen.
    shared
        The place belongs to several sections on purpose, as towns with more work than one courier can do.
    """

    place_id: str
    arrival_s: int | None = None
    days: int = 0
    shared: bool = False


@dataclass(frozen=True)
class Section:
    """A courier's section with its master route.

    Attributes
    ----------
    vehicle_id, courier_id
        The owner: the vehicle this courier drives today; the vehicle itself while the courier is None.
    stops
        Its places in the usual order.
    work_min
        Minutes of an average day, as measured by routing it; None when nobody measured.
    """

    number: int
    vehicle_id: str
    courier_id: str | None
    stops: tuple[MasterStop, ...]
    work_min: float | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Return its places in the usual order."""
        return tuple(stop.place_id for stop in self.stops)

    def vehicle_in(self, fleet: Fleet) -> str | None:
        """Return the vehicle its owner drives in a fleet, None when the owner is not there."""
        if self.courier_id is None:
            return next((one.id for one in fleet.vehicles if one.id == self.vehicle_id), None)
        return next((one.id for one in fleet.vehicles if one.courier_id == self.courier_id), None)


@dataclass(frozen=True)
class Habit:
    """One version of a region's habit.

    Attributes
    ----------
    valid_from, valid_until
        Days it holds for, both included; without an end until the next version in force begins.
    """

    version_id: str
    number: int
    region: str
    valid_from: date
    valid_until: date | None
    rule: HabitRule
    sections: tuple[Section, ...]

    @cached_property
    def sections_of(self) -> Mapping[str, tuple[Section, ...]]:
        """Return the sections of each place that has one, several only where it is shared."""
        found: dict[str, tuple[Section, ...]] = {}
        for section in self.sections:
            for place in section.places:
                found[place] = (*found.get(place, ()), section)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON; the file `read_habit_file` takes has the same sections."""
        return {
            "version_id": self.version_id,
            "number": self.number,
            "region": self.region,
            "valid_from": self.valid_from.isoformat(),
            "valid_until": None if self.valid_until is None else self.valid_until.isoformat(),
            "rule": self.rule.as_dict(),
            "sections": [section_document(one) for one in self.sections],
        }


def section_document(section: Section) -> dict[str, Any]:
    """Return a section as plain JSON."""
    return {
        "number": section.number,
        "vehicle_id": section.vehicle_id,
        "courier_id": section.courier_id,
        "work_min": section.work_min,
        "stops": [vars(stop) for stop in section.stops],
    }


def check_sections(sections: Collection[Section], known_places: Collection[str], fleet: Fleet) -> None:
    """Refuse sections that cannot be meant.

    Raises
    ------
    MasterRoutePlaceError
        If a place is unknown or twice on one master route.
    SectionsOverlapError
        If a place lies in two sections that do not both share it.
    HabitModelError
        If a number occurs twice, or an owner is in no vehicle of the fleet.
    """
    known = set(known_places)
    holders: dict[str, list[tuple[int, bool]]] = {}
    numbers = Counter(section.number for section in sections)
    for section in sections:
        if numbers[section.number] > 1:
            raise HabitModelError(f"section {section.number}: its number occurs twice", section=section.number)
        if section.vehicle_in(fleet) is None:
            owner = section.courier_id or section.vehicle_id
            raise HabitModelError(
                f"section {section.number}: its owner {owner} drives no vehicle of the fleet",
                section=section.number, owner=owner,
            )  # fmt: skip
        _check_places(section, known)
        for stop in section.stops:
            holders.setdefault(stop.place_id, []).append((section.number, stop.shared))
    for place, held in sorted(holders.items()):
        if len(held) > 1 and not all(shared for _, shared in held):
            named = " and ".join(str(number) for number, _ in held)
            raise SectionsOverlapError(
                f"place {place} lies in sections {named}", place=place, sections=[number for number, _ in held]
            )


def _check_places(section: Section, known: set[str]) -> None:
    seen: set[str] = set()
    for place in section.places:
        if place not in known:
            raise MasterRoutePlaceError(
                f"section {section.number}: its master route names place {place}, which the region does not have",
                section=section.number, place=place,
            )  # fmt: skip
        if place in seen:
            raise MasterRoutePlaceError(
                f"section {section.number}: place {place} is twice on its master route",
                section=section.number, place=place,
            )  # fmt: skip
        seen.add(place)
