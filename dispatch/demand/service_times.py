"""How long a courier works at a stop: a set-up for each place and a time for each parcel.

The defaults are house estimates for planning, not measurements: parking, walking up and calling are the
set-up; handing over, scanning and (for collections) the sender inspection (收寄验视) count per parcel.
Replace them by what the tenant's own custody events show.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from dispatch.demand.parcel import StopKind
from kernel.errors import InvalidModelError


class InvalidServiceTimeError(InvalidModelError):
    """A service time is negative or longer than a shift."""

    code = "invalid_service_time"
    remedy = "Give each time in whole seconds, 0 to 14,400."


_LONGEST_S = 14_400


@dataclass(frozen=True)
class KindTime:
    """Times at one kind of stop, seconds."""

    setup_s: int
    per_delivery_s: int
    per_collection_s: int


@dataclass(frozen=True)
class ServiceTimes:
    """Times at every kind of stop.

    Raises
    ------
    InvalidServiceTimeError
        If a time is outside 0 to 14,400 s; names kind and field.
    """

    door: KindTime = field(default=KindTime(setup_s=75, per_delivery_s=30, per_collection_s=90))
    station: KindTime = field(default=KindTime(setup_s=150, per_delivery_s=10, per_collection_s=20))
    cabinet: KindTime = field(default=KindTime(setup_s=90, per_delivery_s=20, per_collection_s=20))
    kiosk: KindTime = field(default=KindTime(setup_s=90, per_delivery_s=20, per_collection_s=25))

    def __post_init__(self) -> None:
        for kind, times in asdict(self).items():
            for name, seconds in times.items():
                if not 0 <= seconds <= _LONGEST_S:
                    raise InvalidServiceTimeError(
                        f"service time {kind}.{name} is {seconds}, must lie between 0 and {_LONGEST_S}",
                        kind=kind,
                        field=name,
                    )

    def of(self, kind: StopKind) -> KindTime:
        """Return the times at one kind of stop."""
        times: KindTime = getattr(self, kind.value)
        return times

    def work_s(self, kind: StopKind, deliveries: int, collections: int) -> int:
        """Return the seconds of work for the parcels of one stop, its set-up not included."""
        times = self.of(kind)
        return deliveries * times.per_delivery_s + collections * times.per_collection_s

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Return all times, for the plan's record of what it assumed."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, dict[str, int]]) -> ServiceTimes:
        """Read back what `as_dict` wrote."""
        return cls(**{kind: KindTime(**times) for kind, times in body.items()})
