"""Drafts and what couriers answered, as a screen draws them: lines on roads, stops, lists by urgency."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.drafts import visible
from api.native.form import Body, View, problems
from dispatch.plans.drawing import draft_features, route_features
from dispatch.plans.offers import offers_of

router = APIRouter(tags=["drafts"])

VehicleId = Annotated[str, Field(max_length=64)]
StopKey = Annotated[str, Field(max_length=80)]


class DrawOrder(Body):
    """Routes that are to be drawn although the draft has others: a tried edit, a proposal."""

    orders: dict[VehicleId, list[StopKey]] = Field(description="By vehicle, stops still to do in order.")


class OfferChange(View):
    """One change of a route against the one its courier knows."""

    kind: Literal["stop_added", "stop_removed", "parcels_added", "parcels_removed", "order_moved", "eta_moved"]
    stop_key: str
    label: int
    name: str
    parcel_ids: list[str]
    shift_s: int


class OfferView(View):
    """What one courier was asked last, and the answer."""

    courier_id: str
    vehicle_id: str
    number: int
    route_id: str
    state: Literal["known", "waiting", "accepted", "refused", "withdrawn"]
    since: datetime
    reason: str
    answered_at: datetime | None
    changes: list[OfferChange]


class OfferList(View):
    """Every courier of the plan in force; refusals and missing answers first."""

    items: list[OfferView]


@router.get("/drafts/{draft_id}/map", responses=problems(400, 404), response_model=dict[str, Any])
def draft_map(
    draft_id: str,
    services: ServicesDep,
    vehicle: Annotated[
        list[VehicleId] | None, Query(max_length=500, description="Whose routes; repeatable. All when absent.")
    ] = None,
    identity: Identity = allow("dispatcher", "admin"),
) -> dict[str, Any]:
    """Draw a draft: lines on roads, stops, and stops that wait, as GeoJSON."""
    view = visible(services, draft_id, identity)
    return _collection(draft_features(view.board, services.desk.atlas(view.region), vehicle))


@router.post("/drafts/{draft_id}:draw", responses=problems(400, 404), response_model=dict[str, Any])
def draw_routes(
    draft_id: str, body: DrawOrder, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> dict[str, Any]:
    """Draw the drives of other orders than the draft's, without changing it, as GeoJSON."""
    view = visible(services, draft_id, identity)
    return _collection(route_features(view.board, services.desk.atlas(view.region), body.orders))


@router.get("/plans/{plan_id}/offers", responses=problems(404))
def list_offers(plan_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")) -> OfferList:
    """List what each courier of the plan in force was asked and answered; refusals and missing answers first."""
    services.desk.plan_for(plan_id, identity.region)
    with services.database.read() as session:
        return OfferList(items=[OfferView.model_validate(one) for one in offers_of(session, plan_id)])


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}
