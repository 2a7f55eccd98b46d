"""What can be wrong with sections, master routes and their bounds.

::

    InvalidModelError (kernel)
    └── HabitModelError                sections or master routes contradict themselves or the region
        ├── SectionsOverlapError       a place lies in two sections
        ├── SectionScatteredError      a section does not hang together by road
        ├── MasterRoutePlaceError      a master route names a place the region does not have, or one twice
        └── HabitBoundError            a price or bound cannot be meant, or bounds contradict each other
    NotFoundError (kernel)
    └── HabitVersionNotFoundError      no such version of a region's habit
    ConflictError (kernel)
    └── HabitAcceptedError             another version was put in force meanwhile
"""

from __future__ import annotations

from kernel.errors import ConflictError, InvalidModelError, NotFoundError


class HabitModelError(InvalidModelError):
    """Sections or master routes contradict themselves, the fleet or the region."""

    code = "habit_model"
    remedy = "Correct the section and field named in the message."


class SectionsOverlapError(HabitModelError):
    """A place lies in two sections that do not share it on purpose."""

    code = "sections_overlap"
    remedy = "Leave the place in one of the sections named, or mark it as shared in each."


class SectionScatteredError(HabitModelError):
    """A section does not hang together by road."""

    code = "section_scattered"
    remedy = "Give the places named to a section they border on, or allow scattered sections."


class MasterRoutePlaceError(HabitModelError):
    """A master route names a place the region does not have, or one twice."""

    code = "master_route_place"
    remedy = "Take the id out of the master route, or correct it; `cunda region list` shows the region's places."


class HabitBoundError(HabitModelError):
    """A price or bound cannot be meant, or bounds contradict prices, vehicles or each other."""

    code = "habit_bound"
    remedy = "Loosen the bound, set its price above 0, or give the section to a larger vehicle."


class HabitVersionNotFoundError(NotFoundError):
    """There is no such version of a region's habit."""

    code = "habit_version_not_found"
    remedy = "List the versions of the region; ids are given there."


class HabitAcceptedError(ConflictError):
    """Another version of the habit was put in force since this one was made."""

    code = "habit_accepted_meanwhile"
    remedy = "Make the version again from the one in force, then accept it."
