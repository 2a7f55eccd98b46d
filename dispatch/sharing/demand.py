"""A day's parcels as a comparison of modes sees them: whose, for which village, by when, to door or station."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from dispatch.demand.windows import DAY_S
from dispatch.parcels.generator import generate_manifest
from dispatch.parcels.manifest.gazetteer import Gazetteer
from dispatch.products.product import AreaClass, Channel, ServiceProduct, allowed_channels, load_products
from dispatch.promises.clocks import area_classes, products_of
from kernel.money import Fen, parse_yuan
from maps.region import Region


@dataclass(frozen=True, slots=True)
class Consignment:
    """One parcel.

    Attributes
    ----------
    recipient
        Equal for parcels to one door.
    station_allowed
        Whether its product may be collected at a station at all.
    earliest_s, latest_s
        When it counts as on time: its appointment and its product's deadline, seconds of the day.
    """

    company: str
    place: str
    recipient: str
    collect: bool
    channel: Channel
    station_allowed: bool
    product: str
    area: AreaClass
    weight_g: int
    volume_cm3: int
    earliest_s: int
    latest_s: int


@dataclass(frozen=True)
class DayDemand:
    """The parcels due on a day."""

    day: date
    parcels: tuple[Consignment, ...]

    def of_company(self, company: str) -> DayDemand:
        """Return one company's part."""
        return DayDemand(self.day, tuple(one for one in self.parcels if one.company == company))


def generated_day(region: Region, parcels: int, companies: int, seed: int, day: date) -> DayDemand:
    """Generate a day's manifest and read it as demand; equal arguments, equal demand."""
    products = {one.code: one for one in load_products() if one.in_force(day)}
    areas = area_classes(region)
    gazetteer = Gazetteer.of(region)
    rows = generate_manifest(_Villages(region), parcels, companies, seed, day)
    return DayDemand(day, tuple(_consignment(row, areas, gazetteer, products) for row in rows))


class _Villages:
    """A region for the generator without its front doors: villages are all a comparison plans by."""

    def __init__(self, region: Region) -> None:
        self.places, self.townships = region.places, region.townships

    def door_points(self, place_id: str, n: int, seed: int) -> NDArray[np.float64]:
        """Return points nobody looks at."""
        return np.zeros((n, 2))


def _consignment(
    row: Mapping[str, str],
    areas: Mapping[str, AreaClass],
    gazetteer: Gazetteer,
    products: Mapping[str, ServiceProduct],
) -> Consignment:
    place = gazetteer.find(row["village"], row["township"]).id
    area, product = areas[place], products[row["product"]]
    of_parcel = products_of(
        products, row["product"], cod_fen=_fen(row["cod"]), declared_value_fen=_fen(row["declared_value"])
    )
    allowed: Sequence[Channel] = allowed_channels(of_parcel)
    collect = row["direction"] == "collect"
    channel: Channel = (
        "station" if row["channel"] == "station" else "cabinet" if row["channel"] == "cabinet" else "door"
    )
    return Consignment(
        company=row["company"],
        place=place,
        recipient=row["recipient_phone"],
        collect=collect,
        channel=channel,
        station_allowed="station" in allowed and not collect and not row["window_start"],
        product=product.code,
        area=area,
        weight_g=int(row["weight_g"]),
        volume_cm3=int(row["volume_cm3"]),
        earliest_s=_second(row["window_start"], 0),
        latest_s=_second(row["window_end"], DAY_S if collect else product.rules.deadlines[area].at_s),
    )


def _fen(text: str) -> Fen:
    return parse_yuan(text) if text else Fen(0)


def _second(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60
