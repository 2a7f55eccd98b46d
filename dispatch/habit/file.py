"""Sections and master routes as somebody writes them: the file and the API body of the same form."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatch.habit.errors import HabitModelError
from dispatch.habit.master import MasterStop, Section

_DAY_S = 86_400


class StopEntry(BaseModel):
    """A place of a master route."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    place_id: str = Field(max_length=64)
    arrival_s: int | None = Field(default=None, ge=0, le=2 * _DAY_S, description="Usual arrival, seconds of the day.")
    days: int = Field(default=0, ge=0, le=10_000, description="On how many days that was seen.")
    shared: bool = Field(default=False, description="The place belongs to several sections on purpose.")
    name: str | None = Field(default=None, max_length=128, description="For the reader; not stored.")


class SectionEntry(BaseModel):
    """A section with its owner and master route."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1, le=10_000)
    vehicle_id: str = Field(max_length=64)
    courier_id: str | None = Field(
        default=None, max_length=64, description="The owner; the vehicle itself when absent."
    )
    work_min: float | None = Field(default=None, ge=0, description="Minutes of an average day.")
    stops: list[StopEntry] = Field(max_length=5_000, description="Places in the usual order.")

    def section(self) -> Section:
        """Return it as a value."""
        stops = tuple(MasterStop(one.place_id, one.arrival_s, one.days, one.shared) for one in self.stops)
        return Section(self.number, self.vehicle_id, self.courier_id, stops, self.work_min)


class HabitFile(BaseModel):
    """A file of sections; what `cunda habit show --json` prints can be edited and imported again."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sections: list[SectionEntry] = Field(min_length=1, max_length=1_000)


def read_habit_file(path: Path) -> tuple[Section, ...]:
    """Read sections and master routes from a JSON file.

    Raises
    ------
    HabitModelError
        If the file cannot be read, naming the first field that is wrong.
    """
    try:
        found = HabitFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as wrong:
        raise HabitModelError(f"{path}: no JSON file of sections: {wrong}", remedy="See docs/habit.md.") from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HabitModelError(f"{path}: {where}: {first['msg']}", field=where) from None
    return tuple(one.section() for one in found.sections)
