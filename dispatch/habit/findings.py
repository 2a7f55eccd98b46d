"""What does not fit about a habit today: closed roads, absent owners, places in no section, bounds no day can keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from dispatch.fleet.fleet import DIMENSIONS, Fleet
from dispatch.habit.errors import HabitBoundError
from dispatch.habit.master import Habit, Section
from dispatch.habit.rule import HabitRule
from dispatch.habit.stability import owners_absent
from dispatch.plans.matrices import Roads
from maps.region import Region
from maps.sections.problem import parts_of
from maps.sections.survey import survey_sections

MeanLoad = Mapping[str, tuple[float, float, float]]
"""Weight, volume and count of an average day by place."""
_VAN: Final = "van"


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit, with what would help.

    Attributes
    ----------
    code
        ``place_unknown``, ``no_road``, ``owner_absent``, ``in_no_section``, ``scattered`` or ``bound``.
    """

    code: str
    message: str
    remedy: str
    section: int | None = None
    place_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def findings(habit: Habit, region: Region, roads: Roads, fleet: Fleet, load: MeanLoad) -> list[Finding]:
    """List everything about a habit that does not fit a region, its roads and a fleet.

    Parameters
    ----------
    roads
        The region's roads, with whatever is closed today.
    """
    return [
        *_unknown_places(habit, region),
        *_without_road(habit, region, roads, fleet),
        *_absent(habit, fleet),
        *_in_no_section(habit, region),
        *_scattered(habit.sections, region),
        *_impossible(habit.sections, habit.rule, fleet, load),
    ]


def refuse_impossible_bound(sections: Sequence[Section], rule: HabitRule, fleet: Fleet, load: MeanLoad) -> None:
    """Refuse a bound that an average day cannot keep.

    Raises
    ------
    HabitBoundError
        If what must stay with a courier does not fit in the vehicle, naming section, vehicle and dimension.
    """
    for one in _impossible(sections, rule, fleet, load):
        raise HabitBoundError(one.message, section=one.section)


def scattered(sections: Sequence[Section], region: Region) -> dict[int, list[str]]:
    """Return for each section that does not hang together by road the places outside its largest part."""
    survey = survey_sections(region, {}, max(1, len(sections)))
    cell_of = {cell.place_id: at for at, cell in enumerate(survey.cells)}
    found: dict[int, list[str]] = {}
    for section in sections:
        mine = np.array(sorted({cell_of[place] for place in section.places if place in cell_of}), dtype=np.int64)
        inside = np.zeros(len(survey.cells), dtype=np.int64)
        inside[mine] = 1
        part = parts_of(survey.neighbours, inside)[mine]
        if len(set(part.tolist())) > 1:
            largest = np.bincount(part).argmax()
            found[section.number] = sorted(survey.cells[at].place_id for at in mine[part != largest].tolist())
    return found


def _unknown_places(habit: Habit, region: Region) -> list[Finding]:
    known = {place.id for place in region.places}
    return [
        Finding(
            "place_unknown",
            f"section {section.number}: the region has no place {place}",
            "make the habit anew: the region was imported again since",
            section.number,
            place,
        )
        for section in habit.sections
        for place in section.places
        if place not in known
    ]


def _without_road(habit: Habit, region: Region, roads: Roads, fleet: Fleet) -> list[Finding]:
    """List the places of master routes their owner cannot drive to and back."""
    located = {place.id: place for place in region.places if place.located}
    profiles = {kind.id: kind.profile for kind in fleet.types}
    profile_of = {one.id: profiles[one.type_id] for one in fleet.vehicles}
    found = []
    for section in habit.sections:
        places = [located[one] for one in section.places if one in located]
        if not places:
            continue
        profile = profile_of.get(section.vehicle_in(fleet) or "", _VAN)
        points = [place.lonlat for place in places]
        there = roads.matrix([region.depot.lonlat], points, profile).time_s[0]
        back = roads.matrix(points, [region.depot.lonlat], profile).time_s[:, 0]
        for place, is_open in zip(places, np.isfinite(there) & np.isfinite(back), strict=True):
            if not is_open:
                found.append(
                    Finding(
                        "no_road",
                        f"section {section.number}: no road leads a {profile} to {place.name} ({place.id}) and back",
                        "open the road, or take the place off the master route while it is closed",
                        section.number,
                        place.id,
                    )
                )
    return found


def _absent(habit: Habit, fleet: Fleet) -> list[Finding]:
    return [
        Finding(
            "owner_absent",
            f"section {one.number}: {one.courier_id or one.vehicle_id} drives no vehicle of the fleet",
            "give the section to somebody on duty; until then nothing is priced in it",
            one.number,
        )
        for one in owners_absent(habit, fleet)
    ]


def _in_no_section(habit: Habit, region: Region) -> list[Finding]:
    return [
        Finding(
            "in_no_section",
            f"{place.name} ({place.id}) lies in no section",
            "give it to a section; until then anybody may serve it at no price",
            place_id=place.id,
        )
        for place in region.places
        if place.id not in habit.sections_of
    ]


def _scattered(sections: Sequence[Section], region: Region) -> list[Finding]:
    return [
        Finding(
            "scattered",
            f"section {number} does not hang together by road: {', '.join(places)} lie apart from the rest",
            "give those places to a section they border on",
            number,
        )
        for number, places in scattered(sections, region).items()
    ]


def _impossible(sections: Sequence[Section], rule: HabitRule, fleet: Fleet, load: MeanLoad) -> list[Finding]:
    """List sections of which more must stay with the courier than the vehicle holds on an average day.

    Shared places are not counted: others may serve them at no price.
    """
    if rule.most_moved_percent is None:
        return []
    kinds = {kind.id: kind for kind in fleet.types}
    capacity = {one.id: kinds[one.type_id].capacity.as_list() for one in fleet.vehicles}
    found = []
    for section in sections:
        vehicle = section.vehicle_in(fleet)
        own = [load[one.place_id] for one in section.stops if not one.shared and one.place_id in load]
        if vehicle is None or not own:
            continue
        for name, room, amounts in zip(DIMENSIONS, capacity[vehicle], zip(*own, strict=True), strict=True):
            stays = sum(amounts) * (100 - rule.most_moved_percent) / 100
            if stays > room:
                found.append(
                    Finding(
                        "bound",
                        f"section {section.number}: at most {rule.most_moved_percent} % may leave {vehicle}, but the "
                        f"rest of an average day is {stays:.0f} in {name} and it holds {room}",
                        "loosen most_moved_percent, or give the section to a larger vehicle",
                        section.number,
                    )
                )
    return found
