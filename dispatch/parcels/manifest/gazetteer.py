"""Finding a village by the name somebody typed, among the places of one region."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Protocol

from dispatch.errors import CellError


class NamedTownship(Protocol):
    """What we need to know of a township."""

    @property
    def id(self) -> str:
        """Return its id."""
        ...

    @property
    def name(self) -> str:
        """Return its name."""
        ...


class NamedPlace(NamedTownship, Protocol):
    """What we need to know of a village or town."""

    @property
    def township_id(self) -> str:
        """Return the id of its township."""
        ...

    @property
    def lon(self) -> float | None:
        """Return its longitude, WGS-84, when known."""
        ...

    @property
    def lat(self) -> float | None:
        """Return its latitude, WGS-84, when known."""
        ...


class RegionPlaces(Protocol):
    """What we need to know of a region; ``maps.region.Region`` has it."""

    @property
    def places(self) -> Sequence[NamedPlace]:
        """Return its villages and towns."""
        ...

    @property
    def townships(self) -> Sequence[NamedTownship]:
        """Return its townships."""
        ...


@dataclass(frozen=True)
class Spot:
    """A place with the words people use for it."""

    id: str
    name: str
    township_id: str
    township: str
    lon: float | None
    lat: float | None

    @property
    def title(self) -> str:
        """Return its name with its township."""
        return f"{self.name} ({self.township})" if self.township else self.name


# Longest first: 村民委员会 must go before 村 is looked for.
_VILLAGE_ENDS = re.compile(r"(村民委员会|居民委员会|社区居委会|社区居委|村委会|居委会|村委|居委|社区|行政村|村)$")
_TOWNSHIP_ENDS = re.compile(r"(街道办事处|街道办|街道|民族乡|镇|乡)$")
_SUGGESTIONS = 3
# Comparing one unknown name with a county's villages takes about a millisecond; a file in which every
# name is unknown belongs to another region, and guessing on would not help anybody.
_MAX_GUESSES = 500


def _fold(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _short(name: str, ends: re.Pattern[str]) -> str:
    stripped = ends.sub("", name)
    return stripped if len(stripped) >= 2 or stripped == name else name


class Gazetteer:
    """The places of a region by id, by name and by name without its ending (村, 社区, 村委会).

    Parameters
    ----------
    places, townships
        Everything the region knows.
    """

    def __init__(self, places: Iterable[NamedPlace], townships: Iterable[NamedTownship]) -> None:
        names = {township.id: township.name for township in townships}
        self._spots = {
            place.id: Spot(
                place.id, place.name, place.township_id, names.get(place.township_id, ""), place.lon, place.lat
            )
            for place in places
        }
        self._exact: dict[str, list[Spot]] = defaultdict(list)
        self._stripped: dict[str, list[Spot]] = defaultdict(list)
        for spot in self._spots.values():
            self._exact[_fold(spot.name)].append(spot)
            self._stripped[_short(_fold(spot.name), _VILLAGE_ENDS)].append(spot)
        self._township_ids: dict[str, str] = {}
        for township_id, name in names.items():
            for word in (township_id.casefold(), _short(_fold(name), _TOWNSHIP_ENDS), _fold(name)):
                self._township_ids[word] = township_id
        self._guesses = 0
        self._find = lru_cache(maxsize=20_000)(self._search)

    @classmethod
    def of(cls, region: RegionPlaces) -> Gazetteer:
        """Make the gazetteer of a region."""
        return cls(region.places, region.townships)

    def find(self, village: str, township: str = "") -> Spot:
        """Find the one place that is meant.

        Raises
        ------
        CellError
            ``village_unknown`` or ``village_ambiguous``, with the ids of candidates.
        """
        found = self._find(village, township)
        if isinstance(found, Spot):
            return found
        code, message, candidates = found
        raise CellError(code, message, candidates)

    def _search(self, village: str, township: str) -> Spot | tuple[str, str, tuple[str, ...]]:
        if village in self._spots:
            return self._spots[village]
        township_id = self._township_id(township)
        for folded, within in self._readings(_fold(village), township_id):
            for names, word in ((self._exact, folded), (self._stripped, _short(folded, _VILLAGE_ENDS))):
                matches = [spot for spot in names.get(word, ()) if within in (None, spot.township_id)]
                if len(matches) == 1:
                    return matches[0]
                if matches:
                    return self._answer("village_ambiguous", f"{village!r} is the name of {len(matches)}", matches)
        return self._unknown(village, township_id)

    def _township_id(self, township: str) -> str | None:
        folded = _fold(township)
        return self._township_ids.get(folded) or self._township_ids.get(_short(folded, _TOWNSHIP_ENDS))

    def _readings(self, folded: str, township_id: str | None) -> list[tuple[str, str | None]]:
        """Read the words as they stand, then as township and village written together."""
        readings: list[tuple[str, str | None]] = [(folded, township_id)]
        for word, within in self._township_ids.items():
            if folded.startswith(word) and len(folded) > len(word) + 1 and township_id in (None, within):
                readings.append((folded[len(word) :], within))
        return readings

    def _unknown(self, village: str, township_id: str | None) -> tuple[str, str, tuple[str, ...]]:
        self._guesses += 1
        if self._guesses > _MAX_GUESSES:
            return self._answer("village_unknown", f"the region has no place {village[:40]!r}", [])
        word = _short(_fold(village), _VILLAGE_ENDS)
        here = [spot for spot in self._spots.values() if township_id in (None, spot.township_id)]
        known: dict[str, list[Spot]] = defaultdict(list)
        for spot in here or self._spots.values():
            known[_short(_fold(spot.name), _VILLAGE_ENDS)].append(spot)
        near = get_close_matches(word, known, n=_SUGGESTIONS, cutoff=0.5)
        spots = [spot for name in near for spot in known[name]][:_SUGGESTIONS]
        return self._answer("village_unknown", f"the region has no place {village[:40]!r}", spots)

    def _answer(self, code: str, what: str, spots: list[Spot]) -> tuple[str, str, tuple[str, ...]]:
        shown = ", ".join(spot.title for spot in spots[:_SUGGESTIONS])
        hint = f": {shown}" if code == "village_ambiguous" else f"; perhaps {shown}" if shown else ""
        return code, what + (" places" if code == "village_ambiguous" else "") + hint, tuple(s.id for s in spots[:10])
