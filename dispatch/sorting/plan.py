"""A sort plan as a value: every parcel with chute, bag and loading position, every route with its bags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dispatch.plans.routes import PlannedRoute
from dispatch.sorting.bags import BagKind, BagState, Piece, fill_bags, stow
from dispatch.sorting.chutes import BagLimits


@dataclass(frozen=True)
class ParcelFacts:
    """What sorting knows about a parcel; it does not change.

    Attributes
    ----------
    expires_s
        When its freshness ends, seconds since the plan's day began; None for goods that keep.
    """

    parcel_id: str
    company_id: str
    waybill: str
    piece: int
    pieces: int
    weight_g: int
    volume_cm3: int
    kind: BagKind = "plain"
    expires_s: int | None = None


@dataclass(frozen=True)
class SortedParcel:
    """One parcel's way from the sorting table into its vehicle.

    Attributes
    ----------
    chute
        Where it is put: its route's chute, or the one for goods from the cold store.
    stop_label
        Number of its stop, printed on it; stays when the order of driving changes.
    stop_position
        Place of its stop in the order of driving, from 1.
    bag_order, load_order
        1 goes into the vehicle first and lies deepest.
    """

    facts: ParcelFacts
    route: int
    vehicle_id: str
    wave: int
    chute: str
    bag: str
    bag_kind: BagKind
    bag_order: int
    load_order: int
    stop_label: int
    stop_position: int
    stop_name: str
    place_id: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "parcel_id": self.facts.parcel_id,
            "company_id": self.facts.company_id,
            "waybill": self.facts.waybill,
            "piece": self.facts.piece,
            "pieces": self.facts.pieces,
            "route": self.route,
            "vehicle_id": self.vehicle_id,
            "wave": self.wave,
            "chute": self.chute,
            "bag": self.bag,
            "bag_kind": self.bag_kind,
            "bag_order": self.bag_order,
            "load_order": self.load_order,
            "stop_label": self.stop_label,
            "stop_position": self.stop_position,
            "stop_name": self.stop_name,
            "place_id": self.place_id,
            "weight_g": self.facts.weight_g,
            "expires_s": self.facts.expires_s,
        }


@dataclass(frozen=True)
class SortBag:
    """One bag of a route; its stops are given by the numbers on the parcels."""

    code: str
    kind: BagKind
    bag_order: int
    parcels: int
    weight_g: int
    volume_cm3: int
    stop_labels: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return dict(vars(self)) | {"stop_labels": list(self.stop_labels)}


@dataclass(frozen=True)
class SortRoute:
    """One vehicle's share of the sorting table."""

    number: int
    vehicle_id: str
    plate: str
    courier: str
    start_s: int
    wave: int
    chute: str
    parcels: tuple[SortedParcel, ...]
    bags: tuple[SortBag, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON, its parcels counted."""
        body = dict(vars(self)) | {"bags": [bag.as_dict() for bag in self.bags], "parcels": len(self.parcels)}
        return body


@dataclass(frozen=True)
class SortPlan:
    """How a published plan is sorted.

    Attributes
    ----------
    sequence
        Number of the plan's publication.
    waves
        How often the table is filled.
    walked_m
        Metres from the scanner to the chutes, over all parcels.
    table_from
        Day from which the chute table is valid.
    """

    region: str
    day: date
    zone: str
    plan_id: str
    version_id: str
    version_number: int
    sequence: int
    published_at: datetime
    table_from: date
    waves: int
    walked_m: int
    routes: tuple[SortRoute, ...]

    @property
    def parcels(self) -> tuple[SortedParcel, ...]:
        """Return all parcels, route by route in the order of loading."""
        return tuple(parcel for route in self.routes for parcel in route.parcels)

    def digest(self) -> str:
        """Return a fingerprint of what is printed: equal plans, publications and tables give equal digests."""
        text = repr([self.region, self.day, self.version_id, [vars(route) for route in self.routes]])
        return hashlib.sha256(text.encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON, without the parcels."""
        return {
            "region": self.region,
            "day": self.day.isoformat(),
            "zone": self.zone,
            "plan_id": self.plan_id,
            "version_id": self.version_id,
            "version_number": self.version_number,
            "published_at": self.published_at,
            "table_from": self.table_from.isoformat(),
            "waves": self.waves,
            "walked_m": self.walked_m,
            "parcels": sum(len(route.parcels) for route in self.routes),
            "routes": [route.as_dict() for route in self.routes],
        }


@dataclass(frozen=True)
class VehicleSheet:
    """What one vehicle carries, and how it is stowed: everything about it but the chute.

    Attributes
    ----------
    bag_of
        Bag number of each parcel it was ever given: a bag that was filled once keeps its number.
    """

    route: PlannedRoute
    bags: tuple[BagState, ...]
    bag_of: Mapping[str, int]


def sheet_of(history: Sequence[PlannedRoute], facts: Mapping[str, ParcelFacts], limits: BagLimits) -> VehicleSheet:
    """Stow a vehicle by the routes it was published with, oldest first: the newest counts, older bags stay.

    Parameters
    ----------
    history
        At least one route; all of one vehicle.
    facts
        Of every parcel that is delivered on any of them.
    """
    bag_of: dict[str, int] = {}
    bags: list[BagState] = []
    for route in history:
        bags = fill_bags(_pieces(route, facts), limits, bag_of)
        bag_of |= {piece.parcel_id: bag.number for bag in bags for piece in bag.pieces}
    return VehicleSheet(history[-1], tuple(bags), bag_of)


def _pieces(route: PlannedRoute, facts: Mapping[str, ParcelFacts]) -> list[Piece]:
    return [
        Piece(
            parcel_id,
            position,
            one.visit.label,
            facts[parcel_id].weight_g,
            facts[parcel_id].volume_cm3,
            facts[parcel_id].kind,
            facts[parcel_id].expires_s,
        )
        for position, one in enumerate(route.stops)
        for parcel_id in one.stop.deliveries
    ]


def bag_code(day: date, route: int, bag: int) -> str:
    """Return what is printed on a bag as its barcode: day, route and bag."""
    return f"B{day:%y%m%d}-{route:03d}-{bag:02d}"


def sort_route(
    sheet: VehicleSheet,
    facts: Mapping[str, ParcelFacts],
    *,
    day: date,
    wave: int,
    chute: str,
    cold_chute: str | None,
    plate: str,
    courier: str,
) -> SortRoute:
    """Write a vehicle's sheet out with its chute: parcels in the order of loading, bags likewise."""
    route, places = sheet.route, stow(sheet.bags)
    parcels = []
    for position, one in enumerate(route.stops, start=1):
        for parcel_id in one.stop.deliveries:
            place = places[parcel_id]
            parcels.append(
                SortedParcel(
                    facts=facts[parcel_id],
                    route=route.number,
                    vehicle_id=route.vehicle_id,
                    wave=wave,
                    chute=cold_chute if place.kind == "cold" and cold_chute is not None else chute,
                    bag=bag_code(day, route.number, place.bag),
                    bag_kind=place.kind,
                    bag_order=place.bag_order,
                    load_order=place.load_order,
                    stop_label=one.visit.label,
                    stop_position=position,
                    stop_name=one.stop.name,
                    place_id=one.stop.place_id,
                )
            )
    orders = {places[piece.parcel_id].bag: places[piece.parcel_id].bag_order for b in sheet.bags for piece in b.pieces}
    bags = [
        SortBag(
            code=bag_code(day, route.number, bag.number),
            kind=bag.kind,
            bag_order=orders[bag.number],
            parcels=len(bag.pieces),
            weight_g=sum(piece.weight_g for piece in bag.pieces),
            volume_cm3=sum(piece.volume_cm3 for piece in bag.pieces),
            stop_labels=tuple(sorted({piece.label for piece in bag.pieces})),
        )
        for bag in sheet.bags
    ]
    return SortRoute(
        number=route.number,
        vehicle_id=route.vehicle_id,
        plate=plate,
        courier=courier,
        start_s=route.start_s,
        wave=wave,
        chute=chute,
        parcels=tuple(sorted(parcels, key=lambda parcel: parcel.load_order)),
        bags=tuple(sorted(bags, key=lambda bag: bag.bag_order)),
    )
