"""What planning knows about a parcel and about the sites parcels go to: frozen values, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal

from dispatch.demand.windows import ALL_DAY, Windows
from dispatch.fleet.fleet import Load

Direction = Literal["deliver", "collect"]
Channel = Literal["door", "station", "cabinet"]


class StopKind(StrEnum):
    """What stands at a stop."""

    DOOR = "door"
    STATION = "station"
    CABINET = "cabinet"
    KIOSK = "kiosk"


SITE_CHANNELS: Final = ("station", "cabinet")


@dataclass(frozen=True)
class DueParcel:
    """One parcel as far as planning cares.

    Attributes
    ----------
    recipient_key
        Equal for parcels to the same person; a digest, so that no name or phone leaves the parcel's table.
    lon, lat
        Position of the door in WGS-84, None when only the place is known.
    doubtful
        Somebody or some check doubts the position; it waits for a person instead of being routed.
    channel_site_id
        Station, cabinet or kiosk the parcel goes to or waits in.
    consent
        Whether the recipient's consent to a station or cabinet is on record.
    window_start_s, window_end_s
        When work at the stop may start, seconds since the day's start; None for no limit on that side.
    deadline_s
        When its product's clock runs out on this day; work starts by then where any vehicle can. None when the clock
        runs out on another day.
    skills
        What its vehicle must have.
    """

    id: str
    direction: Direction
    due_day: date
    load: Load
    recipient_key: str
    place_id: str
    lon: float | None = None
    lat: float | None = None
    doubtful: bool = False
    channel: Channel = "door"
    channel_site_id: str | None = None
    consent: bool = False
    window_start_s: int | None = None
    window_end_s: int | None = None
    priority: int = 0
    deadline_s: int | None = None
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SitePoint:
    """A kiosk, station or cabinet on one day.

    Attributes
    ----------
    windows
        Opening hours of the day; empty when it is closed all day.
    in_service
        False while it is planned, under maintenance or retired.
    """

    id: str
    kind: StopKind
    name: str
    place_id: str
    lon: float
    lat: float
    windows: Windows = ALL_DAY
    in_service: bool = True


@dataclass(frozen=True)
class PlacePoint:
    """A village or town centre, where a parcel goes when its door's position is not known.

    Attributes
    ----------
    lon, lat
        None when the place has no position.
    suspect
        The position is doubted; nothing is routed to it silently.
    """

    id: str
    name: str
    lon: float | None
    lat: float | None
    suspect: bool = False
