"""What modes are compared by: sums over days, of one company or of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

_LARGEST: Final = frozenset({"most_vehicles"})


@dataclass(frozen=True)
class Figures:
    """Sums over some days.

    Attributes
    ----------
    cost_fen
        Everything paid: vehicles and couriers of the county or company, fees of contractors, commissions.
    fees_fen, commissions_fen
        The parts of it that go to contractors and village stations.
    contractor_cost_fen
        What the contractors' own routes would cost at the fleet's prices; it is not in `cost_fen`.
    vehicle_days, most_vehicles
        Vehicles used, summed over days, and on the busiest day; contractors' included.
    calls
        Doors and counters visited, hand-over points not counted.
    villages_due, villages_reached
        Villages with parcels, and those of them where all were delivered, summed over days.
    """

    parcels: int = 0
    delivered: int = 0
    on_time: int = 0
    cost_fen: int = 0
    fees_fen: int = 0
    commissions_fen: int = 0
    contractor_cost_fen: int = 0
    distance_m: int = 0
    duration_s: int = 0
    vehicle_days: int = 0
    most_vehicles: int = 0
    calls: int = 0
    co2_g: int = 0
    villages_due: int = 0
    villages_reached: int = 0

    def __add__(self, other: Figures) -> Figures:
        """Add day to day; the busiest day is the larger one."""
        return Figures(
            **{
                one.name: (max if one.name in _LARGEST else _plus)(getattr(self, one.name), getattr(other, one.name))
                for one in fields(self)
            }
        )

    def document(self, days: int) -> dict[str, Any]:
        """Return the sums with the ratios people compare by."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {
            "days": days,
            "on_time_share": _ratio(self.on_time, self.parcels),
            "parcels_per_stop": _ratio(self.delivered, self.calls),
            "vehicles_a_day": _ratio(self.vehicle_days, days),
            "cost_fen_per_parcel": _ratio(self.cost_fen, self.delivered),
            "co2_g_per_parcel": _ratio(self.co2_g, self.delivered),
            "villages_reached_share": _ratio(self.villages_reached, self.villages_due),
        }


def _plus(one: int, other: int) -> int:
    return one + other


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


@dataclass(frozen=True)
class Result:
    """The figures of one scenario: in total, by company, and what each township counts for."""

    total: Figures
    companies: Mapping[str, Figures]
    townships_fen: Mapping[str, int]

    def __add__(self, other: Result) -> Result:
        """Add the figures of more days."""
        return Result(
            self.total + other.total,
            added(self.companies, other.companies),
            {
                name: self.townships_fen.get(name, 0) + other.townships_fen.get(name, 0)
                for name in sorted({*self.townships_fen, *other.townships_fen})
            },
        )


def added(one: Mapping[str, Figures], other: Mapping[str, Figures]) -> dict[str, Figures]:
    """Add figures name by name."""
    return {name: one.get(name, Figures()) + other.get(name, Figures()) for name in sorted({*one, *other})}


def total_of(results: Iterable[Result]) -> Result:
    """Add results up."""
    sum_ = Result(Figures(), {}, {})
    for one in results:
        sum_ += one
    return sum_
