"""A realistic manifest for any region: who gets what, where, by which company; equal seed, equal file.

Nobody in it exists. Company names are invented; telephone numbers begin with 154, a prefix that no
operator was given.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from dispatch.parcels.manifest.columns import COLUMN_NAMES
from dispatch.parcels.manifest.gazetteer import NamedPlace, NamedTownship
from dispatch.products.product import ServiceProduct, allowed_channels, load_products
from kernel.errors import InputError
from kernel.money import Fen, format_yuan

INVENTED_COMPANIES: tuple[tuple[str, str], ...] = (
    ("yunlu", "云鹿速递"),
    ("hefeng", "禾风快运"),
    ("qingchuan", "晴川速运"),
    ("shiqiao", "石桥快递"),
    ("baiyu", "白榆快运"),
    ("zhuxi", "竹溪速运"),
    ("nanli", "南篱快递"),
    ("heting", "鹤汀快运"),
)
"""Id and name of each company a manifest can hold, largest first."""

# Column names of the file, in order; grams and cubic centimetres, so their alternatives stay out.
HEADER = tuple(name for name in COLUMN_NAMES if name not in {"weight_kg", "volume_m3"})

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰春梅建国志红文辉建军海燕小龙云山水清林月雪"
_FICTIONAL_PREFIX = "154"

# Shape of the day, our estimates where no figure was found: shares in percent.
_CHANNEL_PERCENT = {"door": 45, "station": 40, "cabinet": 15}
_COLLECT_PERCENT = 3
_COD_PERCENT = 2
_VALUED_PERCENT = 3
_MULTI_PIECE_PERCENT = 2
_WINDOW_PERCENT = 3
_EXACT_POSITION_PERCENT = 80
_DEFAULT_PRODUCT_SHARE = 0.8
_APPOINTMENT_WEIGHT = 0.15  # appointments are rarer than other special products
_PARCELS_PER_RECIPIENT = 1.4  # a day's recipients repeat
_VILLAGE_RANK_EXPONENT = 0.6  # a few villages get much: flatter than Zipf's law
_COMPANY_RANK_EXPONENT = 0.7
_WEIGHT_MEDIAN_G = 900
_WEIGHT_SIGMA = 1.0
_WEIGHT_RANGE_G = (50, 30_000)
_VOLUME_CM3_PER_G = 6
_VOLUME_SIGMA = 0.35
_DEFAULT_POPULATION = 1_000
_WINDOWS = (("08:30", "11:00"), ("09:00", "12:00"), ("14:00", "17:00"), ("15:00", "18:00"))


class PeopledPlace(NamedPlace, Protocol):
    """A village with its population, when known."""

    @property
    def population(self) -> int | None:
        """Return how many people live there."""
        ...


class PeopledRegion(Protocol):
    """What the generator needs of a region; ``maps.region.Region`` has it."""

    @property
    def places(self) -> Sequence[PeopledPlace]:
        """Return its villages and towns."""
        ...

    @property
    def townships(self) -> Sequence[NamedTownship]:
        """Return its townships."""
        ...

    def door_points(self, place_id: str, n: int, seed: int) -> NDArray[np.float64]:
        """Return ``n`` plausible front doors, shape (n, 2), WGS-84 longitude and latitude."""
        ...


@dataclass(frozen=True)
class _Recipient:
    name: str
    phone: str
    address: str
    village: str
    township: str
    channel: str
    consent: str
    lon: float | None
    lat: float | None


def generate_manifest(
    region: PeopledRegion,
    parcels: int,
    companies: int,
    seed: int,
    day: date,
    products: Sequence[ServiceProduct] | None = None,
) -> Iterator[dict[str, str]]:
    """Make the rows of a day's manifest.

    Parameters
    ----------
    parcels
        How many rows; a multi-piece waybill gives one row per piece.
    companies
        How many companies, at most as many as :data:`INVENTED_COMPANIES`.
    seed
        With day, region and counts it determines every row.
    products
        Products to choose from; those that come with Cunda when none are given.

    Raises
    ------
    InputError
        If a count is not positive, there are too many companies, or the region has no place.
    """
    if parcels < 1 or not 1 <= companies <= len(INVENTED_COMPANIES):
        raise InputError(
            f"a manifest needs at least one parcel and 1 to {len(INVENTED_COMPANIES)} companies",
            parcels=parcels,
            companies=companies,
        )
    if not region.places:
        raise InputError("the region has no place a parcel could go to")
    stream = hashlib.sha256(f"{seed}/{day.isoformat()}/{parcels}/{companies}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(stream[:8], "big"))
    people = _people(region, parcels, rng)
    writer = _RowWriter(rng, companies, day, load_products() if products is None else products)
    return writer.rows(people, parcels)


def write_manifest_csv(rows: Iterable[dict[str, str]], file: TextIO) -> int:
    """Write rows as CSV with our own column names; give how many there were.

    The file must have been opened with ``newline=""``.
    """
    writer = csv.DictWriter(file, HEADER, lineterminator="\n")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


def _people(region: PeopledRegion, parcels: int, rng: np.random.Generator) -> list[_Recipient]:
    """Spread recipients over the villages: by population, and unevenly among equals."""
    places = list(region.places)
    townships = {township.id: township.name for township in region.townships}
    rank = rng.permutation(len(places)) + 1
    weight = np.array([place.population or _DEFAULT_POPULATION for place in places], dtype=float)
    weight *= rank.astype(float) ** -_VILLAGE_RANK_EXPONENT
    how_many = max(1, int(parcels / _PARCELS_PER_RECIPIENT))
    households = rng.multinomial(how_many, weight / weight.sum())
    doors_seed = int(rng.integers(2**31))
    people: list[_Recipient] = []
    for place, count in zip(places, households.tolist(), strict=True):
        if count:
            doors = region.door_points(place.id, count, doors_seed) if place.lon is not None else None
            township = townships.get(place.township_id, "")
            people.extend(_recipient(place, township, index, doors, rng) for index in range(count))
    return people


def _recipient(
    place: PeopledPlace, township: str, index: int, doors: NDArray[np.float64] | None, rng: np.random.Generator
) -> _Recipient:
    draw = rng.integers(0, 2**31, size=6)
    given = "".join(_GIVEN[int(number) % len(_GIVEN)] for number in draw[1 : 2 + int(draw[0]) % 2])
    channel = _pick_percent(int(draw[3]) % 100)
    exact = doors is not None and int(draw[4]) % 100 < _EXACT_POSITION_PERCENT
    return _Recipient(
        name=_SURNAMES[int(draw[0]) % len(_SURNAMES)] + given,
        phone=f"{_FICTIONAL_PREFIX}{int(draw[5]) % 10**8:08d}",
        address=f"{township}{place.name}{index % 9 + 1}组{index // 9 + 1}号",
        village=place.name,
        township=township,
        channel=channel,
        consent="" if channel == "door" else f"C{int(draw[2]):08X}",
        lon=round(float(doors[index, 0]), 6) if exact and doors is not None else None,
        lat=round(float(doors[index, 1]), 6) if exact and doors is not None else None,
    )


def _pick_percent(number: int) -> str:
    for channel, percent in _CHANNEL_PERCENT.items():
        if number < percent:
            return channel
        number -= percent
    return "door"


class _RowWriter:
    """Turns draws into rows."""

    def __init__(self, rng: np.random.Generator, companies: int, day: date, products: Sequence[ServiceProduct]) -> None:
        self._rng = rng
        self._day = day
        in_force = [product for product in products if product.in_force(day)]
        self._add_ons = [product for product in in_force if product.kind == "add_on"]
        carriers = [product for product in in_force if product.kind == "carrier"]
        self._to_deliver = [product for product in carriers if product.default_for != "collect"]
        self._to_collect = [product for product in carriers if product.default_for == "collect"]
        if not self._to_deliver:
            raise InputError(f"no service product is in force on {day}", day=day.isoformat())
        self._product_shares = _product_shares(self._to_deliver)
        self._companies = [company_id for company_id, _ in INVENTED_COMPANIES[:companies]]
        share = np.arange(1, companies + 1, dtype=float) ** -_COMPANY_RANK_EXPONENT
        self._company_shares = share / share.sum()
        self._stamp = f"{day:%y%m%d}{int(rng.integers(100)):02d}"

    def rows(self, people: Sequence[_Recipient], parcels: int) -> Iterator[dict[str, str]]:
        """Make exactly so many rows."""
        written = number = 0
        while written < parcels:
            number += 1
            for row in self._waybill(people[int(self._rng.integers(len(people)))], number, parcels - written):
                written += 1
                yield row

    def _chance(self, percent: int) -> bool:
        return int(self._rng.integers(100)) < percent

    def _waybill(self, who: _Recipient, number: int, room: int) -> Iterator[dict[str, str]]:
        company = self._companies[int(self._rng.choice(len(self._companies), p=self._company_shares))]
        collect = bool(self._to_collect) and self._chance(_COLLECT_PERCENT)
        product = self._to_collect[0] if collect else self._a_product()
        cod_fen, value_fen = self._amounts(collect)
        allowed = allowed_channels([product, *self._applying(cod_fen, value_fen)])
        channel = who.channel if who.channel in allowed and not collect else "door"
        pieces = min(room, 2 + int(self._rng.integers(2))) if self._chance(_MULTI_PIECE_PERCENT) else 1
        start, end = self._window(product)
        shared = {
            "company": company,
            "waybill": f"{company[:2].upper()}{self._stamp}{number:06d}",
            "pieces": str(pieces),
            "direction": "collect" if collect else "deliver",
            "product": product.code,
            "recipient_name": who.name,
            "recipient_phone": who.phone,
            "address": who.address,
            "village": who.village,
            "township": who.township,
            "lon": "" if who.lon is None else f"{who.lon:.6f}",
            "lat": "" if who.lat is None else f"{who.lat:.6f}",
            "datum": "" if who.lon is None else "wgs84",
            "channel": channel,
            "site": "",
            "consent": who.consent if channel != "door" else "",
            "due_day": self._day.isoformat(),
            "window_start": start,
            "window_end": end,
        }
        for piece in range(1, pieces + 1):
            weight_g = self._weight_g()
            yield shared | {
                "piece": str(piece),
                "weight_g": str(weight_g),
                "volume_cm3": str(self._volume_cm3(weight_g)),
                "declared_value": format_yuan(value_fen) if value_fen and piece == 1 else "",
                "cod": format_yuan(cod_fen) if cod_fen and piece == 1 else "",
            }

    def _applying(self, cod_fen: int, value_fen: int) -> list[ServiceProduct]:
        return [extra for extra in self._add_ons if extra.applies(cod_fen=cod_fen, declared_value_fen=value_fen)]

    def _a_product(self) -> ServiceProduct:
        return self._to_deliver[int(self._rng.choice(len(self._to_deliver), p=self._product_shares))]

    def _amounts(self, collect: bool) -> tuple[Fen, Fen]:
        if collect:
            return Fen(0), Fen(0)
        cod = Fen(int(self._rng.integers(2_000, 50_000)) // 100 * 100) if self._chance(_COD_PERCENT) else Fen(0)
        value = Fen(int(self._rng.integers(3, 80)) * 10_000) if self._chance(_VALUED_PERCENT) else Fen(0)
        return cod, value

    def _window(self, product: ServiceProduct) -> tuple[str, str]:
        if product.rules.requires_window or self._chance(_WINDOW_PERCENT):
            return _WINDOWS[int(self._rng.integers(len(_WINDOWS)))]
        return "", ""

    def _weight_g(self) -> int:
        low, high = _WEIGHT_RANGE_G
        return int(np.clip(self._rng.lognormal(np.log(_WEIGHT_MEDIAN_G), _WEIGHT_SIGMA), low, high))

    def _volume_cm3(self, weight_g: int) -> int:
        return max(100, int(weight_g * _VOLUME_CM3_PER_G * self._rng.lognormal(0.0, _VOLUME_SIGMA)))


def _product_shares(products: Sequence[ServiceProduct]) -> NDArray[np.float64]:
    """Give most of the day to the default product; appointments are rarer than the other special ones."""
    special: NDArray[np.float64] = np.array(
        [_APPOINTMENT_WEIGHT if product.rules.requires_window else 1.0 for product in products]
    )
    is_default = np.array([product.default_for == "deliver" for product in products])
    if not is_default.any() or is_default.all():
        return np.asarray(special / special.sum(), dtype=np.float64)
    shares: NDArray[np.float64] = np.where(is_default, 0.0, special)
    shares *= (1.0 - _DEFAULT_PRODUCT_SHARE) / shares.sum()
    shares[is_default] = _DEFAULT_PRODUCT_SHARE / is_default.sum()
    return np.asarray(shares / shares.sum(), dtype=np.float64)
