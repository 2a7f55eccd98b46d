"""Read fields of a JSON object by name and kind; what is wrong is reported with the path to the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.formats.errors import VroomInputError
from routing.problem import UNREACHABLE, Window

_MOST = 2**32 - 1
_MOST_ID = 2**64 - 1


@dataclass(frozen=True)
class PlaceFields:
    """Where something is: (lon, lat), a matrix row, or both; `path` is the object that says so."""

    location: tuple[float, float] | None
    index: int | None
    path: str
    index_field: str = "location_index"

    def error(self, name: str, reason: str) -> VroomInputError:
        """Make an error about one of the place's fields."""
        name = self.index_field if name == "location_index" else name
        return VroomInputError(f"{self.path}.{name} {reason}", field=f"{self.path}.{name}")

    def as_dict(self) -> dict[str, Any]:
        """Repeat the place as the document gave it."""
        given: dict[str, Any] = {}
        if self.location is not None:
            given["location"] = list(self.location)
        if self.index is not None:
            given["location_index"] = self.index
        return given


@dataclass(frozen=True)
class Fields:
    """One JSON object and the path to it."""

    values: Mapping[str, Any]
    path: str

    @classmethod
    def of_document(cls, document: Any) -> Fields:
        """Start at the root of a document."""
        if not isinstance(document, dict):
            raise VroomInputError("the document is not a JSON object", field="")
        return cls(document, "")

    def where(self, name: str) -> str:
        """Give the path to a field."""
        return f"{self.path}.{name}" if self.path else name

    def error(self, name: str, reason: str) -> VroomInputError:
        """Make an error about a field."""
        return VroomInputError(f"{self.where(name)} {reason}", field=self.where(name))

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not null."""
        return self.values.get(name) is not None

    def names(self) -> list[str]:
        """Give the names of all fields."""
        return list(self.values)

    def object(self, name: str) -> Fields:
        """Give a nested object."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self.error(name, "is missing" if value is None else "is not an object")
        return Fields(value, self.where(name))

    def objects(self, name: str) -> list[Fields]:
        """Give a list of objects; empty when the field is not there."""
        items = self._list(name)
        found = []
        for at, item in enumerate(items):
            if not isinstance(item, dict):
                raise self.error(f"{name}[{at}]", "is not an object")
            found.append(Fields(item, f"{self.where(name)}[{at}]"))
        return found

    def _list(self, name: str) -> list[Any]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(name, "is not a list")
        return value

    def text(self, name: str) -> str | None:
        """Give a text or None."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, "is not a text")
        return value

    def unsigned(self, name: str, default: int | None = None, *, most: int | None = _MOST) -> int:
        """Give an unsigned integer; `most` None means a 64-bit id."""
        if name not in self.values and default is not None:
            return default
        return self._unsigned(name, self.values.get(name), _MOST_ID if most is None else most)

    def _unsigned(self, name: str, value: Any, most: int) -> int:
        if value is None:
            raise self.error(name, "is missing")
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise self.error(name, f"is not a whole number from 0 to {most}")
        return value

    def limit(self, name: str) -> int | None:
        """Give an unsigned integer, or None when the field is not there."""
        return self.unsigned(name) if self.has(name) else None

    def decimal(self, name: str, default: float) -> float:
        """Give a finite number."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
            raise self.error(name, "is not a number")
        return float(value)

    def numbers(self, name: str) -> list[int]:
        """Give a list of unsigned integers."""
        return [self._unsigned(f"{name}[{at}]", value, _MOST) for at, value in enumerate(self._list(name))]

    def amounts(self, name: str, dimensions: int) -> list[int]:
        """Give one number for each load dimension; zeros when the field is not there."""
        if not self.has(name):
            return [0] * dimensions
        found = self.numbers(name)
        if len(found) != dimensions:
            raise self.error(name, f"has {len(found)} numbers, the first vehicle's capacity has {dimensions}")
        return found

    def window(self, name: str) -> Window | None:
        """Give one window, or None when the field is not there."""
        return self._window(name, self.values[name]) if self.has(name) else None

    def _window(self, name: str, value: Any) -> Window:
        if not isinstance(value, list) or len(value) != 2:
            raise self.error(name, "is not a pair of times")
        open_s, close_s = (self._unsigned(name, time_s, _MOST) for time_s in value)
        if close_s < open_s:
            raise self.error(name, f"ends at {close_s}, before it starts at {open_s}")
        return open_s, close_s

    def windows(self, name: str) -> list[Window]:
        """Give windows sorted by their start; an empty list in the document is an error."""
        if not self.has(name):
            return []
        items = self._list(name)
        if not items:
            raise self.error(name, "is empty")
        found = sorted(self._window(f"{name}[{at}]", item) for at, item in enumerate(items))
        for (_, close_s), (open_s, _) in pairwise(found):
            if open_s <= close_s:
                raise self.error(name, f"overlap or touch at {open_s}")
        return found

    def times_by_type(self, name: str) -> dict[str, int]:
        """Give seconds by vehicle type."""
        if not self.has(name):
            return {}
        by_type = self.object(name)
        return {kind: by_type.unsigned(kind) for kind in by_type.names()}

    def place(self) -> PlaceFields:
        """Give this object's own place."""
        index = self.limit("location_index")
        location = self._location("location")
        if index is None and location is None:
            raise self.error("location", "is missing")
        return PlaceFields(location, index, self.path)

    def place_at(self, name: str) -> PlaceFields | None:
        """Give a place whose fields are called `name` and `name`_index, or None when neither is there."""
        index = self.limit(f"{name}_index")
        location = self._location(name)
        if index is None and location is None:
            return None
        return PlaceFields(location, index, self.path, f"{name}_index")

    def _location(self, name: str) -> tuple[float, float] | None:
        value = self.values.get(name)
        if value is None:
            return None
        good = isinstance(value, list) and len(value) == 2
        if not good or any(isinstance(x, bool) or not isinstance(x, (int, float)) for x in value):
            raise self.error(name, "is not [lon, lat]")
        if not np.isfinite(value).all():
            raise self.error(name, "is not finite")
        return float(value[0]), float(value[1])

    def matrix(self, name: str) -> NDArray[np.int64]:
        """Give a square matrix of unsigned integers; what is too far to be real becomes unreachable."""
        rows = self._list(name)
        size = len(rows)
        if not size or any(not isinstance(row, list) or len(row) != size for row in rows):
            raise self.error(name, "is not a square matrix")
        for at, row in enumerate(rows):
            if any(type(value) is not int or not 0 <= value <= _MOST for value in row):
                raise self.error(f"{name}[{at}]", "holds something that is not an unsigned whole number")
        return np.minimum(np.array(rows, dtype=np.int64), UNREACHABLE)
