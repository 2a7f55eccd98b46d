"""The evening's account (平衡合拢): where every parcel came to, and the identities that must hold over the ledger.

All of it is computed from the ledger's facts alone, so that it would find what the simulation itself got wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_OFFICE_IN: Final = {"arrived": "arrived", "returned_to_office": "brought_back"}
_OFFICE_OUT: Final = {"sectioned": "sectioned", "forwarded": "forwarded"}
_VEHICLE_IN: Final = {"loaded": "loaded", "received": "taken_over", "accepted_from_sender": "accepted"}
_VEHICLE_OUT: Final = {
    "delivered": "delivered", "deposited": "deposited", "handed_over": "handed_over",
    "returned_to_office": "brought_back",
}  # fmt: skip
_ENDS: Final = {"delivered": "delivered", "deposited": "deposited", "attempted": "failed", "held": "failed"}


@dataclass(frozen=True)
class Fact:
    """One fact of the ledger, as far as the account needs it."""

    parcel_id: str
    type: str
    giver: str | None = None
    taker: str | None = None
    cause: str | None = None
    next_action: str | None = None


@dataclass(frozen=True)
class Standing:
    """Where a parcel stands at the end, by the ledger."""

    parcel_id: str
    company_id: str
    status: str
    custodian: str
    next_step: str


@dataclass(frozen=True)
class Identity:
    """One identity of one company or courier.

    Attributes
    ----------
    left, right
        What must be equal, by name.
    different
        Parcels at fault; empty when the identity holds.
    """

    code: str
    whose: str
    left: Mapping[str, int]
    right: Mapping[str, int]
    different: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Tell whether both sides are equal, parcel by parcel."""
        return not self.different and sum(self.left.values()) == sum(self.right.values())

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "code": self.code, "whose": self.whose, "left": dict(self.left), "right": dict(self.right),
            "holds": self.holds, "different": list(self.different),
        }  # fmt: skip


@dataclass(frozen=True)
class Account:
    """What became of every parcel.

    Attributes
    ----------
    places
        Number of parcels by where they came to.
    unexplained
        Parcels that nobody can explain, each with what is wrong.
    """

    parcels: int
    places: Mapping[str, int]
    identities: tuple[Identity, ...]
    unexplained: Mapping[str, str]

    @property
    def holds(self) -> bool:
        """Tell whether every identity holds and every parcel is explained."""
        return not self.unexplained and all(one.holds for one in self.identities)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "parcels": self.parcels, "places": dict(self.places), "holds": self.holds,
            "identities": [one.as_dict() for one in self.identities], "unexplained": dict(self.unexplained),
        }  # fmt: skip


def account(facts: Iterable[Fact], standings: Sequence[Standing], reasons: Mapping[str, str]) -> Account:
    """Account for a day.

    Parameters
    ----------
    facts
        Every fact about these parcels, each parcel's in the order of happening.
    reasons
        Reason code of each parcel that was on no route in the end.
    """
    by_parcel: dict[str, list[Fact]] = {one.parcel_id: [] for one in standings}
    for fact in facts:
        by_parcel[fact.parcel_id].append(fact)
    company_of = {one.parcel_id: one.company_id for one in standings}
    in_office = {one.parcel_id for one in standings if one.custodian.startswith("office:")}
    places: Counter[str] = Counter()
    unexplained: dict[str, str] = {}
    for one in standings:
        place = _place(one, by_parcel[one.parcel_id], reasons)
        places[place or "unexplained"] += 1
        if place is None:
            unexplained[one.parcel_id] = f"{one.status}, with {one.custodian}, next {one.next_step}"
    identities = (
        *_office_identities(by_parcel, company_of, in_office),
        *_delivery_identities(by_parcel, company_of),
        *_vehicle_identities(by_parcel),
    )
    return Account(len(standings), dict(sorted(places.items())), identities, unexplained)


def _place(one: Standing, facts: Sequence[Fact], reasons: Mapping[str, str]) -> str | None:
    """Name where a parcel came to; nothing when that needs an explanation which is not there."""
    holder = one.custodian.partition(":")[0]
    tried = next((fact.cause for fact in reversed(facts) if fact.cause is not None), None)
    if one.status in ("delivered", "collected", "forwarded"):
        return one.status
    if one.status == "stored" and holder == "site":
        return "stored"
    if one.next_step in ("redeliver", "hold") and tried is not None and holder in ("office", "sender"):
        return f"{holder}: {tried}"
    if one.parcel_id in reasons and holder in ("office", "site", "sender", "company"):
        return f"{holder}: {reasons[one.parcel_id]}"
    return None


@dataclass
class _SidesState:
    """Both sides of an identity while they are counted."""

    left: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)

    def count(self, parcel_id: str, left: Iterable[str], right: Iterable[str]) -> None:
        """Count one parcel, and note it when its own sides differ."""
        mine, other = list(left), list(right)
        self.left.update(mine)
        self.right.update(other)
        if len(mine) != len(other):
            self.different.append(parcel_id)

    def identity(self, code: str, whose: str) -> Identity:
        """Return the identity."""
        left, right = dict(sorted(self.left.items())), dict(sorted(self.right.items()))
        return Identity(code, whose, left, right, tuple(sorted(self.different)))


def _office_identities(
    by_parcel: Mapping[str, Sequence[Fact]], company_of: Mapping[str, str], in_office: set[str]
) -> list[Identity]:
    """CUS-21: arrived + brought back = sectioned + forwarded + closing stock, for each company."""
    sides: dict[str, _SidesState] = {}
    for parcel_id, facts in by_parcel.items():
        came = [_OFFICE_IN[fact.type] for fact in facts if fact.type in _OFFICE_IN]
        left = [_OFFICE_OUT[fact.type] for fact in facts if fact.type in _OFFICE_OUT]
        stays = ["closing_stock"] if parcel_id in in_office else []
        sides.setdefault(company_of[parcel_id], _SidesState()).count(parcel_id, came, left + stays)
    return [sides[company].identity("CUS-21", company) for company in sorted(sides)]


def _delivery_identities(by_parcel: Mapping[str, Sequence[Fact]], company_of: Mapping[str, str]) -> list[Identity]:
    """CUS-22: sectioned = delivered + deposited + failed with cause and next action; no feedback must be 0."""
    sides: dict[str, _SidesState] = {}
    for parcel_id, facts in by_parcel.items():
        if any(fact.type == "sectioned" for fact in facts):
            end = _delivery_end(facts)
            right = [] if end is None else [end]
            sides.setdefault(company_of[parcel_id], _SidesState()).count(parcel_id, ["sectioned"], right)
    return [sides[company].identity("CUS-22", company) for company in sorted(sides)]


def _delivery_end(facts: Sequence[Fact]) -> str | None:
    """Return what the last attempt of a parcel came to; nothing when nobody told."""
    for fact in reversed(facts):
        if fact.type in _ENDS:
            complete = _ENDS[fact.type] != "failed" or (fact.cause is not None and fact.next_action is not None)
            return _ENDS[fact.type] if complete else None
    return None


def _vehicle_identities(by_parcel: Mapping[str, Sequence[Fact]]) -> list[Identity]:
    """CUS-23: loaded + taken over + accepted = delivered + deposited + handed over + brought back, by courier."""
    sides: dict[str, _SidesState] = {}
    for parcel_id, facts in by_parcel.items():
        came: dict[str, list[str]] = {}
        went: dict[str, list[str]] = {}
        for fact in facts:
            if fact.type in _VEHICLE_IN and _is_courier(fact.taker):
                came.setdefault(str(fact.taker), []).append(_VEHICLE_IN[fact.type])
            if fact.type in _VEHICLE_OUT and _is_courier(fact.giver):
                went.setdefault(str(fact.giver), []).append(_VEHICLE_OUT[fact.type])
        for courier in came.keys() | went.keys():
            side = sides.setdefault(courier, _SidesState())
            side.count(parcel_id, came.get(courier, ()), went.get(courier, ()))
    return [sides[courier].identity("CUS-23", courier) for courier in sorted(sides)]


def _is_courier(holder: str | None) -> bool:
    return holder is not None and holder.startswith("courier:")
