"""Is this village served today? The question a day's demand asks, as a pure function over accepted weekdays."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from dispatch.demand.parcel import DueParcel
from dispatch.demand.reasons import Fix, Reason, ReasonCode
from dispatch.weekdays.patterns import DAYS, Pattern


class ServiceCalendar(Protocol):
    """What planning asks about a place and a day."""

    def next_service_day(self, place_id: str, day: date) -> date:
        """Return the first day from this one on on which a place is served; the day itself when nothing is promised."""
        ...


@dataclass(frozen=True)
class WeekdayCalendar:
    """Accepted weekdays of a region's villages; places without an entry are served on every day.

    Attributes
    ----------
    version_id
        The accepted version; empty when none was ever accepted.
    """

    patterns: Mapping[str, Pattern] = field(default_factory=dict)
    version_id: str = ""

    def next_service_day(self, place_id: str, day: date) -> date:
        """Return the first day from this one on on which a place is served."""
        pattern = self.patterns.get(place_id)
        if not pattern:
            return day
        return next(
            later for later in (day + timedelta(days=ahead) for ahead in range(DAYS)) if later.weekday() in pattern
        )


def split_by_service_day(
    parcels: Iterable[DueParcel], day: date, calendar: ServiceCalendar, urgent: Collection[str] = ()
) -> tuple[tuple[DueParcel, ...], dict[str, Reason]]:
    """Part a day's parcels into those to plan and those that wait for their village's next service day.

    Parameters
    ----------
    urgent
        Ids of parcels whose product counts days and not service days: they do not wait.

    Returns
    -------
    The parcels to plan, and ``NOT_A_SERVICE_DAY`` with the next day for each of the others. A parcel with an
    appointment, or that waits at a kiosk or station, is planned on any day.
    """
    today: list[DueParcel] = []
    waiting: dict[str, Reason] = {}
    for parcel in parcels:
        bound = parcel.window_start_s is not None or parcel.channel_site_id is not None or parcel.id in urgent
        served = day if bound else calendar.next_service_day(parcel.place_id, day)
        if served == day:
            today.append(parcel)
        else:
            waiting[parcel.id] = Reason(ReasonCode.NOT_A_SERVICE_DAY, fix=Fix("due_day", served.isoformat()))
    return tuple(today), waiting
