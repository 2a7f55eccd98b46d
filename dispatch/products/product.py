"""What a service product promises and asks: the checked form of a product row (SVC-01).

A product is data. Code reads its rules and never asks for its name; what a marketing department calls
次晨达 is a row like any other.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from dispatch.errors import ProductDataError

Channel = Literal["door", "station", "cabinet"]
AreaClass = Literal["urban", "fringe", "township", "village"]
Demand = Literal["disabled", "enabled", "warn", "required"]
EvidenceKind = Literal[
    "photo", "signature", "code", "identity", "scan", "device_event", "temperature", "weight", "money"
]

_DEMANDS: tuple[Demand, ...] = ("disabled", "enabled", "warn", "required")
_MOST_PROBLEMS = 50
_NAMED_PROBLEMS = 5
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def _second_of_day(value: Any) -> Any:
    if isinstance(value, str) and (match := _TIME.fullmatch(value)):
        return int(match[1]) * 3600 + int(match[2]) * 60
    return value


SecondOfDay = Annotated[int, BeforeValidator(_second_of_day), Field(ge=0, lt=86_400)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Deadline(_Frozen):
    """When a parcel must be there: days after the clock's start, or the n-th service day of the place."""

    days: int | None = Field(default=None, ge=0, le=60)
    service_days: int | None = Field(default=None, ge=1, le=30)
    at_s: SecondOfDay = Field(alias="at")

    @model_validator(mode="after")
    def _one_way_of_counting(self) -> Deadline:
        if (self.days is None) == (self.service_days is None):
            raise ValueError("a deadline counts either days or service_days")
        return self


class ProductRules(_Frozen):
    """Clocks, channels, evidence and special demands; units are in the names."""

    clock_start: Literal["ordered", "accepted", "arrived_at_county", "harvested"] | None = None
    cut_off_s: SecondOfDay | None = Field(default=None, alias="cut_off")
    deadlines: Mapping[AreaClass, Deadline] = Field(default_factory=dict)
    pickup_within_s: int | None = Field(default=None, gt=0)
    collect_within_s: int | None = Field(default=None, gt=0)
    fresh_for_s: int | None = Field(default=None, gt=0)
    attempts: int | None = Field(default=None, ge=1, le=9)
    channels: tuple[Channel, ...] = Field(min_length=1)
    evidence: Mapping[Channel, Mapping[EvidenceKind, Demand]] = Field(default_factory=dict)
    warn_percent: int | None = Field(default=None, ge=1, le=100)
    priority: int | None = Field(default=None, ge=0, le=100)
    requires_window: bool = False
    identity_check: Demand = "disabled"
    optional_skills: tuple[str, ...] = ()
    required_skills: tuple[str, ...] = ()
    cold_compartment: bool = False
    sender_inspection: bool = False
    signature_at_hand_over: bool = False
    separate_load_list: bool = False
    money_before_delivery: bool = False
    after_failure: Literal["redeliver", "hold", "return"] = "redeliver"
    compensation_rule: str | None = None

    @model_validator(mode="after")
    def _evidence_only_where_allowed(self) -> ProductRules:
        foreign = sorted(set(self.evidence) - set(self.channels))
        if foreign:
            raise ValueError(f"evidence for {', '.join(foreign)}, which the product does not allow")
        return self


class ServiceProduct(_Frozen):
    """One version of a product, or of an add-on to a product."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    version: int = Field(ge=1)
    kind: Literal["carrier", "add_on"]
    title_zh: str = Field(min_length=1, max_length=80)
    title_en: str = Field(min_length=1, max_length=80)
    default_for: Literal["deliver", "collect"] | None = None
    applies_when: Literal["declared_value", "cod", "requested"] | None = None
    valid_from: date
    valid_to: date | None = None
    source_note: str = Field(min_length=1)
    rules: ProductRules

    @model_validator(mode="after")
    def _kind_is_complete(self) -> ServiceProduct:
        rules = self.rules
        if self.kind == "add_on" and self.applies_when is None:
            raise ValueError("an add-on says when it applies (applies_when)")
        if self.kind == "carrier":
            wanted = ("clock_start", "attempts", "warn_percent", "priority")
            missing = [name for name in wanted if getattr(rules, name) is None]
            if missing:
                raise ValueError(f"a carrier product needs {', '.join(missing)}")
            if len(rules.deadlines) != 4:
                raise ValueError("a carrier product has a deadline for urban, fringe, township and village")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self

    def in_force(self, day: date) -> bool:
        """Tell whether this version is valid on a day; both ends belong to it."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def applies(self, *, cod_fen: int, declared_value_fen: int) -> bool:
        """Tell whether this add-on comes with such a parcel without being asked for."""
        amounts = {"cod": cod_fen, "declared_value": declared_value_fen}
        return self.kind == "add_on" and amounts.get(self.applies_when or "", 0) > 0


def allowed_channels(products: Iterable[ServiceProduct]) -> tuple[Channel, ...]:
    """Give the channels that a product and all its add-ons allow."""
    rules = [product.rules for product in products]
    return tuple(channel for channel in ("door", "station", "cabinet") if all(channel in r.channels for r in rules))


def evidence_for(products: Iterable[ServiceProduct], channel: Channel) -> dict[EvidenceKind, Demand]:
    """Give the evidence that a product with its add-ons asks on a channel: the strictest of each kind."""
    strictest: dict[EvidenceKind, Demand] = {}
    for product in products:
        for kind, demand in product.rules.evidence.get(channel, {}).items():
            known = strictest.get(kind, "disabled")
            strictest[kind] = max(known, demand, key=_DEMANDS.index)
    return strictest


@dataclass(frozen=True)
class ProductProblem:
    """One thing wrong with a file of service products.

    Attributes
    ----------
    row
        Number of the ``[[product]]`` in the file, from 1; 0 when the file as a whole is meant.
    field
        Where in it, dots between the parts; empty when the row as a whole is meant.
    """

    row: int
    product: str
    field: str
    message: str

    def __str__(self) -> str:
        """Return it as one line for a reader."""
        named = f"product {self.row} ({self.product})" if self.row else "the file"
        return f"{named}{', field ' + self.field if self.field else ''}: {self.message}"


def load_products(path: Path | None = None) -> tuple[ServiceProduct, ...]:
    """Read and check a file of service products; the one that comes with Cunda when none is given.

    Raises
    ------
    ProductDataError
        If the file is not TOML, a product is incomplete, a version appears twice, or two products in force at once are
        the default of one direction. It names row, product and field of everything that is wrong; nothing is taken in.
    """
    try:
        text = (path or files(__package__) / "seed.toml").read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ProductDataError(f"service products cannot be read: {problem}") from problem
    return read_products(raw)


def read_products(raw: Mapping[str, Any]) -> tuple[ServiceProduct, ...]:
    """Check service products that were parsed already: ``{"product": [...]}``; raises as `load_products`."""
    entries = raw.get("product", ())
    problems = [
        ProductProblem(0, "?", name, "is not known; the rows are [[product]]") for name in raw if name != "product"
    ]
    if not isinstance(entries, (list, tuple)) or not entries:
        problems.append(ProductProblem(0, "?", "product", "the file holds no [[product]]"))
        entries = ()
    products: list[ServiceProduct] = []
    for row, entry in enumerate(entries, start=1):
        try:
            products.append(ServiceProduct.model_validate(entry))
        except ValidationError as problem:
            problems += _problems_of(row, entry, problem)
    problems += clashes(products)
    refuse(problems)
    return tuple(products)


def refuse(problems: Sequence[ProductProblem]) -> None:
    """Refuse a file with anything wrong in it, whole.

    Raises
    ------
    ProductDataError
        If there is a problem; the message names the first, ``params`` all of them.
    """
    if not problems:
        return
    first = problems[0]
    named = "; ".join(str(one) for one in problems[:_NAMED_PROBLEMS])
    more = f"; and {len(problems) - _NAMED_PROBLEMS} more" if len(problems) > _NAMED_PROBLEMS else ""
    listed = [dict(vars(one)) for one in problems[:_MOST_PROBLEMS]]
    raise ProductDataError(f"{named}{more}", product=first.product, row=first.row, field=first.field, problems=listed)


def _problems_of(row: int, entry: Any, problem: ValidationError) -> list[ProductProblem]:
    name = str(entry.get("code", "?")) if isinstance(entry, dict) else "?"
    found = []
    for error in problem.errors():
        field = ".".join(str(part) for part in error["loc"])
        found.append(ProductProblem(row, name, field, error["msg"].removeprefix("Value error, ")))
    return found


def clashes(products: Sequence[ServiceProduct], stored: Sequence[ServiceProduct] = ()) -> list[ProductProblem]:
    """List what products of a file contradict among themselves, or against those that are stored already."""
    found: list[ProductProblem] = []
    seen: set[tuple[str, int]] = set()
    for row, product in enumerate(products, start=1):
        if (product.code, product.version) in seen:
            found.append(ProductProblem(row, product.code, "version", f"has version {product.version} twice"))
        seen.add((product.code, product.version))
        for other in (*products[: row - 1], *stored):
            if product.code != other.code and _both_default(product, other):
                message = f"{other.code} and {product.code} are both the default for {product.default_for}"
                found.append(ProductProblem(row, product.code, "default_for", message))
    return found


def _both_default(one: ServiceProduct, other: ServiceProduct) -> bool:
    return one.default_for is not None and one.default_for == other.default_for and _overlap(one, other)


def _overlap(one: ServiceProduct, other: ServiceProduct) -> bool:
    ends = [product.valid_to for product in (one, other) if product.valid_to is not None]
    return all(max(one.valid_from, other.valid_from) <= end for end in ends)
