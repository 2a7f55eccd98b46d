"""Bags (总包袋) and their places in the vehicle: last in, first out.

Bags are filled in the order of driving, so that the first bag to be opened holds the first stops. Goods from the cold
store and valuables that go on a separate load list have bags of their own. A parcel that was put into a bag stays in
it while it stays on its vehicle: later versions of the plan add bags, they never refill one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dispatch.sorting.chutes import BagLimits

BagKind = Literal["plain", "listed", "cold"]
_DEEPEST_FIRST: tuple[BagKind, ...] = ("plain", "listed", "cold")
"""Kinds by when they are loaded: cold goods leave the cold store last."""


@dataclass(frozen=True)
class Piece:
    """A parcel on its way to a vehicle.

    Attributes
    ----------
    position
        Place of its stop in the order of driving, from 0.
    label
        Number of its stop on the parcel.
    expires_s
        When its freshness ends, seconds since the day's start; None for goods that keep.
    """

    parcel_id: str
    position: int
    label: int
    weight_g: int
    volume_cm3: int
    kind: BagKind = "plain"
    expires_s: int | None = None

    @property
    def unloading_key(self) -> tuple[int, bool, int, str]:
        """Sort by what is taken out first: the order of driving, at one stop what expires first."""
        return (self.position, self.expires_s is None, self.expires_s or 0, self.parcel_id)


@dataclass
class BagState:
    """One bag while it is filled; ``number`` counts within its vehicle from 1."""

    number: int
    kind: BagKind
    pieces: list[Piece] = field(default_factory=list)

    def takes(self, piece: Piece, limits: BagLimits) -> bool:
        """Tell whether a piece goes in; one that is too large for any bag gets one of its own."""
        return (
            len(self.pieces) < limits.most_parcels
            and sum(one.weight_g for one in self.pieces) + piece.weight_g <= limits.most_weight_g
            and sum(one.volume_cm3 for one in self.pieces) + piece.volume_cm3 <= limits.most_volume_cm3
        )


@dataclass(frozen=True)
class Stowed:
    """Where a parcel lies: its bag, and its place in the vehicle.

    Attributes
    ----------
    load_order
        1 is loaded first and lies deepest.
    """

    bag: int
    kind: BagKind
    bag_order: int
    load_order: int


def fill_bags(pieces: Sequence[Piece], limits: BagLimits, before: Mapping[str, int] | None = None) -> list[BagState]:
    """Put a vehicle's parcels into bags.

    Parameters
    ----------
    before
        Bag of each parcel that has one already, as an earlier version of the plan gave it.
    """
    before = before or {}
    here = {piece.parcel_id for piece in pieces}
    last = max(before.values(), default=0)
    bags: dict[int, BagState] = {}
    for piece in sorted(pieces, key=lambda one: one.unloading_key):
        number = before.get(piece.parcel_id)
        if number is not None:
            bags.setdefault(number, BagState(number, piece.kind)).pieces.append(piece)
    open_bags: dict[BagKind, BagState] = {}
    for piece in sorted(pieces, key=lambda one: one.unloading_key):
        if piece.parcel_id in before:
            continue
        bag = open_bags.get(piece.kind)
        if bag is None or not bag.takes(piece, limits):
            last += 1
            bag = open_bags[piece.kind] = bags[last] = BagState(last, piece.kind)
        bag.pieces.append(piece)
    return [bags[number] for number in sorted(bags) if any(one.parcel_id in here for one in bags[number].pieces)]


def stow(bags: Sequence[BagState]) -> dict[str, Stowed]:
    """Give every parcel its place in the vehicle, last in, first out.

    Notes
    -----
    A bag is as urgent as its first stop. Plain bags lie deepest, then valuables, and on top what comes from the cold
    store; among bags of one kind the one opened last is loaded first, and so are the parcels inside a bag. At one stop
    what expires first lies uppermost (freshest first in, S10).
    """
    outward = sorted(
        bags, key=lambda bag: (-_DEEPEST_FIRST.index(bag.kind), min(p.unloading_key for p in bag.pieces), bag.number)
    )
    stowed: dict[str, Stowed] = {}
    order = sum(len(bag.pieces) for bag in bags)
    for from_outside, bag in enumerate(outward):
        for piece in sorted(bag.pieces, key=lambda one: one.unloading_key):
            stowed[piece.parcel_id] = Stowed(bag.number, bag.kind, len(bags) - from_outside, order)
            order -= 1
    return stowed
