"""A county's policy of shared delivery (一县一策) as data: who is delivered how, contractors' rates, commissions.

The file is TOML or JSON. A rule names townships and companies; ``*`` stands for all that no more precise rule
names. For every township and company exactly one rule must be left, or the policy is refused with the ids.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dispatch.products.product import AreaClass
from dispatch.sharing.errors import (
    PolicyCoveredTwiceError,
    PolicyUncoveredError,
    PolicyUnknownIdError,
    RateMissingError,
    RateOverlapError,
    SharingPolicyError,
)
from kernel.money import Fen
from maps.region import Region

ALL: Final = "*"
_SHOWN: Final = 10
_AREAS: Final[tuple[AreaClass, ...]] = ("urban", "fringe", "township", "village")
_FEN_MOST: Final = 10_000_000


class Mode(StrEnum):
    """How parcels of a township are delivered (operating modes of 邮快合作, and today's way)."""

    JOINT = "joint"  # 县域同分共配: the county sorts and delivers for all
    CONTRACT = "township-contract"  # 乡镇承包配送: a contractor takes over at the township
    STATION = "station-reuse"  # 村级站点复用: one village station serves all companies
    SEPARATE = "separate"  # the company still drives itself


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Frozen):
    """How the parcels of some companies in some townships are delivered."""

    townships: tuple[str, ...] = Field(min_length=1)
    companies: tuple[str, ...] = Field(default=(ALL,), min_length=1)
    mode: Mode
    contractor: str | None = None

    @model_validator(mode="after")
    def _contractor_for_a_contract(self) -> Rule:
        if (self.mode is Mode.CONTRACT) != (self.contractor is not None):
            raise ValueError("a township-contract rule names its contractor, and no other rule does")
        return self


class RateLine(_Frozen):
    """One line of a contractor's rate card (SHR-10); ``*`` is any.

    Attributes
    ----------
    weight_from_g, weight_to_g
        From this weight, and below that one.
    unit
        What `fen` is paid for: each parcel, or each kilogram begun.
    """

    company: str = ALL
    product: str = ALL
    area_class: AreaClass | Literal["*"] = "*"
    weight_from_g: int = Field(default=0, ge=0)
    weight_to_g: int | None = Field(default=None, gt=0)
    unit: Literal["parcel", "kg"] = "parcel"
    fen: int = Field(ge=0, le=_FEN_MOST)
    valid_from: date
    valid_to: date | None = None

    @model_validator(mode="after")
    def _bounds_in_order(self) -> RateLine:
        if self.weight_to_g is not None and self.weight_to_g <= self.weight_from_g:
            raise ValueError("weight_to_g must be above weight_from_g")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self

    def prices(self, company: str, product: str, area: str, weight_g: int, day: date) -> bool:
        """Tell whether this line prices such a parcel on a day."""
        return (
            self.company in (ALL, company)
            and self.product in (ALL, product)
            and self.area_class in (ALL, area)
            and self.weight_from_g <= weight_g
            and (self.weight_to_g is None or weight_g < self.weight_to_g)
            and self.valid_from <= day
            and (self.valid_to is None or day <= self.valid_to)
        )

    def overlaps(self, other: RateLine) -> bool:
        """Tell whether some parcel on some day is priced by both lines."""

        def meet(one: str, two: str) -> bool:
            return ALL in (one, two) or one == two

        return (
            meet(self.company, other.company)
            and meet(self.product, other.product)
            and meet(self.area_class, other.area_class)
            and (self.weight_to_g is None or other.weight_from_g < self.weight_to_g)
            and (other.weight_to_g is None or self.weight_from_g < other.weight_to_g)
            and (self.valid_to is None or other.valid_from <= self.valid_to)
            and (other.valid_to is None or self.valid_from <= other.valid_to)
        )


class Contractor(_Frozen):
    """Who takes parcels over at a township (乡镇承包商), what it is paid, and how it is assumed to drive.

    Attributes
    ----------
    vehicle_types
        Ids (or endings of ids) of the fleet's types it drives; all types when empty.
    hand_over_s
        From the trunk's arrival until its first courier may leave.
    late_penalty_fen
        Kept back for each parcel it delivers late.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    name: str = Field(min_length=1, max_length=80)
    rates: tuple[RateLine, ...] = Field(alias="rate", min_length=1)
    vehicle_types: tuple[str, ...] = ()
    hand_over_s: int = Field(default=1_800, ge=0, le=14_400)
    late_penalty_fen: int = Field(default=0, ge=0, le=_FEN_MOST)

    @model_validator(mode="after")
    def _no_overlap(self) -> Contractor:
        for one, other in combinations(range(len(self.rates)), 2):
            if self.rates[one].overlaps(self.rates[other]):
                raise RateOverlapError(
                    f"contractor {self.id}: rate lines {one + 1} and {other + 1} price the same parcels",
                    contractor=self.id,
                    lines=[one + 1, other + 1],
                )
        return self

    def fee_fen(self, company: str, product: str, area: str, weight_g: int, day: date) -> Fen:
        """Price the delivery of a parcel.

        Raises
        ------
        RateMissingError
            If no line prices it; names contractor, company, product, area and weight.
        """
        for line in self.rates:
            if line.prices(company, product, area, weight_g, day):
                return Fen(line.fen * (1 if line.unit == "parcel" else -(-weight_g // 1000)))
        raise RateMissingError(
            f"contractor {self.id}: no rate for company {company}, product {product}, area {area}, "
            f"{weight_g} g on {day}",
            contractor=self.id,
            company=company,
            product=product,
            area_class=area,
            weight_g=weight_g,
        )

    def check_complete(self, companies: Iterable[str], day: date) -> None:
        """Price one parcel of every kind the lines distinguish.

        Raises
        ------
        RateMissingError
            If one has no price on that day.
        """
        weights = {1} | {line.weight_from_g for line in self.rates} | {line.weight_to_g or 1 for line in self.rates}
        products = sorted({ALL} | {line.product for line in self.rates})
        for company in sorted({ALL} | {line.company for line in self.rates} | set(companies)):
            for product in products:
                for area in _AREAS:
                    for weight_g in sorted(weights - {0}):
                        self.fee_fen(company, product, area, weight_g, day)


class StationTerms(_Frozen):
    """What village stations are paid and can take; entries of `at` replace the figures of one village.

    Attributes
    ----------
    commission_fen
        For each parcel a recipient collects (SHR-30).
    capacity
        Parcels a station takes on a day; the rest go to the door.
    consent_percent
        Share of door recipients who agree to collect at the station; the rest are delivered to the door.
    """

    class At(_Frozen):
        """Terms of one village's station."""

        place: str
        commission_fen: int | None = Field(default=None, ge=0, le=_FEN_MOST)
        capacity: int | None = Field(default=None, ge=0)

    commission_fen: int = Field(ge=0, le=_FEN_MOST)
    capacity: int = Field(default=150, ge=0)
    consent_percent: int = Field(default=80, ge=0, le=100)
    at: tuple[At, ...] = ()

    @cached_property
    def _by_place(self) -> dict[str, StationTerms.At]:
        return {one.place: one for one in self.at}

    def commission_at(self, place: str) -> int:
        """Return the commission for a parcel at a village's station."""
        own = self._by_place.get(place)
        return self.commission_fen if own is None or own.commission_fen is None else own.commission_fen

    def capacity_at(self, place: str) -> int:
        """Return how many parcels a village's station takes on a day."""
        own = self._by_place.get(place)
        return self.capacity if own is None or own.capacity is None else own.capacity


class Emissions(_Frozen):
    """Carbon dioxide of a kilometre, grams by road profile or by ending of a vehicle type's id, with its source."""

    g_per_km: Mapping[str, int]
    source: str = Field(min_length=10)

    def of(self, type_id: str, profile: str) -> int:
        """Return the factor of a vehicle type: the longest ending of its id that is named, else its profile's.

        Raises
        ------
        SharingPolicyError
            If neither is named.
        """
        endings = [name for name in self.g_per_km if type_id == name or type_id.endswith(f"-{name}")]
        name = max(endings, key=len) if endings else profile
        if name not in self.g_per_km:
            raise SharingPolicyError(
                f"emissions.g_per_km names neither the vehicle type {type_id} nor the profile {profile}",
                vehicle_type=type_id,
            )
        return self.g_per_km[name]


class SharingPolicy(_Frozen):
    """One version of a county's policy."""

    region: str = Field(min_length=1, max_length=64)
    version: int = Field(ge=1)
    valid_from: date
    source_note: str = Field(min_length=1, max_length=500)
    rules: tuple[Rule, ...] = Field(alias="rule", min_length=1)
    contractors: tuple[Contractor, ...] = Field(default=(), alias="contractor")
    station: StationTerms
    emissions: Emissions

    @model_validator(mode="after")
    def _names_meet(self) -> SharingPolicy:
        ids = [one.id for one in self.contractors]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"contractor {twice[0]} is given twice")
        unknown = sorted({rule.contractor for rule in self.rules if rule.contractor} - set(ids))
        if unknown:
            raise PolicyUnknownIdError(f"a rule names the contractor {unknown[0]}, which is not listed", ids=unknown)
        return self

    def contractor(self, contractor_id: str) -> Contractor:
        """Return a contractor by id; the policy's own rules only name known ones."""
        return next(one for one in self.contractors if one.id == contractor_id)

    def rule_for(self, township: str, company: str) -> Rule:
        """Return the one rule for a company's parcels of a township.

        Raises
        ------
        PolicyCoveredTwiceError, PolicyUncoveredError
            If two rules of equal precision apply, or none.
        """
        found = self._most_precise(township, company)
        if not found:
            raise _uncovered([(township, company)])
        if len(found) > 1:
            raise _twice([(township, company)], found)
        return self.rules[found[0]]

    def _most_precise(self, township: str, company: str) -> list[int]:
        """Return the numbers of the rules that apply and name township and company most precisely."""
        ranks = {
            number: (township in rule.townships, company in rule.companies)
            for number, rule in enumerate(self.rules)
            if (township in rule.townships or ALL in rule.townships)
            and (company in rule.companies or ALL in rule.companies)
        }
        best = max(ranks.values(), default=None)
        return [number for number, rank in ranks.items() if rank == best]

    def check(self, region: Region, companies: Iterable[str] = ()) -> SharingPolicy:
        """Return the policy when it fits a region: every id known, every township covered once for everybody.

        Parameters
        ----------
        companies
            Companies known besides those the policy names; rules for ``*`` stand for companies to come.

        Raises
        ------
        SharingPolicyError
            One of its leaves, naming ids and remedy.
        """
        if self.region != region.name:
            raise SharingPolicyError(f"the policy is {self.region}'s, not {region.name}'s", region=self.region)
        self._check_ids(region)
        named = {company for rule in self.rules for company in rule.companies}
        everyone = sorted(named | set(companies) | {ALL})
        for contractor in self.contractors:
            contractor.check_complete(everyone, self.valid_from)
        pairs = [(township.id, company) for township in region.townships for company in everyone]
        applying = {pair: self._most_precise(*pair) for pair in pairs}
        twice = [pair for pair in pairs if len(applying[pair]) > 1]
        if twice:
            raise _twice(twice, applying[twice[0]])
        without = [pair for pair in pairs if not applying[pair]]
        if without:
            raise _uncovered(without)
        return self

    def _check_ids(self, region: Region) -> None:
        townships = {one.id for one in region.townships}
        unknown = sorted({one for rule in self.rules for one in rule.townships} - townships - {ALL})
        if unknown:
            raise PolicyUnknownIdError(f"no township {', '.join(unknown[:_SHOWN])} in {region.name}", ids=unknown)
        places = {one.id for one in region.places}
        foreign = sorted({one.place for one in self.station.at} - places)
        if foreign:
            raise PolicyUnknownIdError(f"no village {', '.join(foreign[:_SHOWN])} in {region.name}", ids=foreign)


def _uncovered(pairs: list[tuple[str, str]]) -> PolicyUncoveredError:
    return PolicyUncoveredError(
        f"no rule covers {_pairs_text(pairs)}", townships=sorted({one for one, _ in pairs}), pairs=pairs[:_SHOWN]
    )


def _twice(pairs: list[tuple[str, str]], rules: list[int]) -> PolicyCoveredTwiceError:
    numbers = ", ".join(str(number + 1) for number in rules)
    return PolicyCoveredTwiceError(
        f"rules {numbers} both cover {_pairs_text(pairs)}",
        townships=sorted({one for one, _ in pairs}),
        rules=[number + 1 for number in rules],
        pairs=pairs[:_SHOWN],
    )


def _pairs_text(pairs: list[tuple[str, str]]) -> str:
    shown = ", ".join(f"township {township} (company {company})" for township, company in pairs[:_SHOWN])
    return shown + (f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else "")


def read_policy(document: Mapping[str, Any], name: str = "policy") -> SharingPolicy:
    """Check a policy given as plain data.

    Raises
    ------
    SharingPolicyError
        Naming entry and field.
    """
    try:
        return SharingPolicy.model_validate(document)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "policy"
        raise SharingPolicyError(f"{name}, {where}: {first['msg']}", file=name, field=where) from problem


def load_policy(path: Path) -> SharingPolicy:
    """Read a policy from a TOML file, or from JSON when its name ends so.

    Raises
    ------
    SharingPolicyError
        If it cannot be read, or a field is wrong; names entry and field.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError, ValueError) as problem:
        raise SharingPolicyError(f"{path.name} cannot be read: {problem}", file=path.name) from problem
    if not isinstance(document, dict):
        raise SharingPolicyError(f"{path.name} holds no table", file=path.name)
    return read_policy(document, path.name)


def policy_document(policy: SharingPolicy) -> dict[str, Any]:
    """Return a policy as plain data, as a file has it."""
    document: dict[str, Any] = policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    return document


# Fees and commissions were found nowhere in the press: the amounts below are house defaults to be replaced.
_DEFAULT_SINCE: Final = date(2020, 1, 1)
_CO2_SOURCE: Final = (
    "Consumption is our assumption: box van 14 l diesel, small van 8 l petrol, motorcycle 2.5 l petrol, electric "
    "tricycle 6 kWh per 100 km; 2.68 and 2.31 kg/l (IPCC 2006 default factors); grid 0.5366 kg/kWh (Ministry of "
    "Ecology and Environment, 2024-12-26, national average of 2022)."
)


def default_policy(region: str) -> SharingPolicy:
    """Return a policy to begin with: all townships joint, a rate card and a commission to be replaced."""
    return SharingPolicy(
        region=region,
        version=1,
        valid_from=_DEFAULT_SINCE,
        source_note="House defaults. Fees and commissions are nobody's: replace them by your own contracts.",
        rule=(Rule(townships=(ALL,), mode=Mode.JOINT),),
        contractor=(
            Contractor(
                id="township",
                name="乡镇承包商",
                rate=(
                    RateLine(weight_to_g=3_000, fen=180, valid_from=_DEFAULT_SINCE),
                    RateLine(weight_from_g=3_000, unit="kg", fen=70, valid_from=_DEFAULT_SINCE),
                ),
            ),
        ),
        station=StationTerms(commission_fen=50),
        emissions=Emissions(
            g_per_km={"county-van": 375, "small-van": 185, "van": 185, "motorcycle": 58, "etrike": 32},
            source=_CO2_SOURCE,
        ),
    )
