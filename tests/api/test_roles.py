"""Every route is open to exactly the roles that need it; a new route must be entered here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from api.app import NATIVE_PARTS, PREFIX
from api.auth.access import allowed_roles
from api.auth.access import identify as identify_caller
from api.auth.model import ROLES

EVERYBODY = frozenset({"nobody", *ROLES})
LOGGED_IN = frozenset(ROLES)
OFFICE = frozenset({"dispatcher", "admin"})
COUNTER = frozenset({"station", "dispatcher"})

MATRIX: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/api/v1/health"): EVERYBODY,
    ("GET", "/api/v1/ready"): EVERYBODY,
    ("POST", "/api/v1/session:login"): EVERYBODY,
    ("POST", "/api/v1/session:refresh"): EVERYBODY,
    ("POST", "/api/v1/session:logout"): LOGGED_IN,
    ("POST", "/api/v1/enrolment:redeem"): EVERYBODY,  # the one-time code is the permission
    ("GET", "/api/v1/me"): LOGGED_IN,
    ("GET", "/api/v1/users"): frozenset({"admin"}),
    ("POST", "/api/v1/users"): frozenset({"admin"}),
    ("DELETE", "/api/v1/users/{username}"): frozenset({"admin"}),
    ("GET", "/api/v1/regions"): LOGGED_IN,
    ("GET", "/api/v1/regions/{region}"): LOGGED_IN,
    ("GET", "/api/v1/regions/{region}/places"): LOGGED_IN,
    ("GET", "/api/v1/regions/{region}/roads"): LOGGED_IN,
    ("POST", "/api/v1/parcels:import"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/parcels"): OFFICE | {"station", "company_viewer"},
    ("GET", "/api/v1/parcels/{parcel_id}"): frozenset({"dispatcher", "station", "company_viewer"}),
    ("GET", "/api/v1/parcels/{key}/custody"): LOGGED_IN - {"finance"},
    ("GET", "/api/v1/fleet"): OFFICE,
    ("POST", "/api/v1/versions/{version_id}/drafts"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/versions/{version_id}/diff"): OFFICE,
    ("GET", "/api/v1/versions/{version_id}/explanation"): OFFICE,
    ("GET", "/api/v1/plans/{plan_id}/drafts"): OFFICE,
    ("GET", "/api/v1/plans/{plan_id}/state"): OFFICE,
    ("GET", "/api/v1/plans/{plan_id}/answers"): OFFICE,
    ("POST", "/api/v1/plans/{plan_id}:event"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/plans/{plan_id}:rollback"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/plans/{plan_id}:close"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/drafts/{draft_id}"): OFFICE,
    ("GET", "/api/v1/drafts/{draft_id}/routes/{vehicle_id}"): OFFICE,
    ("GET", "/api/v1/drafts/{draft_id}/steps"): OFFICE,
    ("GET", "/api/v1/drafts/{draft_id}/places"): OFFICE,
    ("GET", "/api/v1/drafts/{draft_id}/diff"): OFFICE,
    ("GET", "/api/v1/drafts/{draft_id}/explanation"): OFFICE,
    ("GET", "/api/v1/drafts/{draft_id}/proposals/{proposal_id}"): OFFICE,
    ("GET", "/api/v1/drafts/{draft_id}/map"): OFFICE,
    ("POST", "/api/v1/drafts/{draft_id}:draw"): OFFICE,
    ("GET", "/api/v1/plans/{plan_id}/offers"): OFFICE,
    ("POST", "/api/v1/drafts/{draft_id}:edit"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/drafts/{draft_id}:try"): OFFICE,
    ("POST", "/api/v1/drafts/{draft_id}:undo"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/drafts/{draft_id}:redo"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/drafts/{draft_id}:copy"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/drafts/{draft_id}:discard"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/drafts/{draft_id}:save"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/drafts/{draft_id}:optimize"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/drafts/{draft_id}:accept"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/courier/route:answer"): frozenset({"courier"}),
    ("POST", "/api/v1/devices/{device_id}/openings"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/openings/{opening_id}"): OFFICE,
    ("GET", "/api/v1/sites"): OFFICE | {"station"},
    ("GET", "/api/v1/devices"): OFFICE,
    ("GET", "/api/v1/devices/{device_id}"): OFFICE,
    ("GET", "/api/v1/devices/{device_id}/commands"): OFFICE,
    ("POST", "/api/v1/devices/{device_id}:diagnose"): OFFICE,
    ("GET", "/api/v1/devices/{device_id}/reports/{command_id}"): OFFICE,
    ("PUT", "/api/v1/devices/{device_id}/settings"): OFFICE,
    ("POST", "/api/v1/devices/{device_id}/alarms/{alarm_id}:close"): frozenset({"admin"}),
    ("GET", "/api/v1/devices/{device_id}/list"): OFFICE,
    ("PATCH", "/api/v1/devices/{device_id}/list"): frozenset({"admin"}),
    ("GET", "/api/v1/rollouts"): OFFICE,
    ("POST", "/api/v1/rollouts"): frozenset({"admin"}),
    ("GET", "/api/v1/rollouts/{rollout_id}"): OFFICE,
    ("POST", "/api/v1/rollouts/{rollout_id}:stop"): frozenset({"admin"}),
    ("GET", "/api/v1/releases"): OFFICE,
    ("GET", "/api/v1/releases/{sha256}"): EVERYBODY,
    ("GET", "/api/v1/stations/{site_id}"): OFFICE | {"station"},
    ("GET", "/api/v1/stations/{site_id}/parcels"): COUNTER,
    ("POST", "/api/v1/stations/{site_id}:deposit"): COUNTER | {"courier"},
    ("POST", "/api/v1/stations/{site_id}/cells/{cell}:deposited"): COUNTER | {"courier"},
    ("POST", "/api/v1/stations/{site_id}:take-out"): COUNTER | {"courier"},
    ("POST", "/api/v1/stations/{site_id}:consent"): COUNTER,
    ("POST", "/api/v1/stations/{site_id}/cells/{cell}:decide"): COUNTER,
    ("POST", "/api/v1/stations/{site_id}/codes:proxy"): COUNTER,
    ("POST", "/api/v1/stations/{site_id}/codes/{code_id}:revoke"): COUNTER,
    ("GET", "/api/v1/stations/{site_id}/facts"): OFFICE | {"station"},
    ("GET", "/api/v1/stations/{site_id}/overdue"): COUNTER,
    ("POST", "/api/v1/stations/{site_id}:return"): COUNTER,
    ("POST", "/api/v1/stations/{site_id}/counts"): frozenset({"station"}),
    ("POST", "/api/v1/stations/{site_id}/counts/{count_id}:scan"): frozenset({"station"}),
    ("POST", "/api/v1/stations/{site_id}/counts/{count_id}:close"): frozenset({"station"}),
    ("POST", "/api/v1/stations/{site_id}/passes"): COUNTER,
    ("POST", "/api/v1/stations/{site_id}/passes/{pass_id}:revoke"): COUNTER,
    ("POST", "/api/v1/stations/{site_id}:enter"): frozenset({"station"}),
    ("GET", "/api/v1/stations/{site_id}/visits"): OFFICE | {"station"},
    ("POST", "/api/v1/stations/{site_id}/visits/{visit_id}:step"): frozenset({"station"}),
    ("POST", "/api/v1/stations/{site_id}/docks"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/stations/{site_id}/docks"): OFFICE | {"station"},
    ("POST", "/api/v1/stations/{site_id}/docks/{dock_id}:step"): frozenset({"station"}),
    ("GET", "/api/v1/stations/{site_id}/economics"): OFFICE | {"station", "finance"},
    ("GET", "/api/v1/kiosks/{site_id}/waybills"): OFFICE,
    ("POST", "/api/v1/kiosks/{site_id}/waybills"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/kiosks/{site_id}/sendings"): OFFICE | {"station"},
    ("POST", "/api/v1/kiosks/{site_id}/sendings/{sending_id}:settle"): COUNTER,
    ("POST", "/api/v1/kiosks/{site_id}/drop-offs"): frozenset({"station"}),
    ("POST", "/api/v1/kiosks/{site_id}/collections"): frozenset({"courier"}),
    ("POST", "/api/v1/kiosks/{site_id}/collections/{collection_id}:close"): frozenset({"courier"}),
    ("GET", "/api/v1/notices"): frozenset({"admin"}),
    ("POST", "/api/v1/notices/{notice_id}:sent"): frozenset({"admin"}),
    ("GET", "/api/v1/activity"): OFFICE | {"finance"},
    ("GET", "/api/v1/echelons/network"): OFFICE,
    ("POST", "/api/v1/echelons:plan"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/weekdays"): OFFICE,
    ("POST", "/api/v1/weekdays:plan"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/weekdays:accept"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/habit:design"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/habit:learn"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/habit:import"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/habit:price"): frozenset({"dispatcher"}),
    ("POST", "/api/v1/habit:accept"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/habit/versions"): OFFICE,
    ("GET", "/api/v1/habit/versions/{version_id}"): OFFICE,
    ("GET", "/api/v1/habit/versions/{version_id}/map"): OFFICE,
    ("GET", "/api/v1/habit/versions/{version_id}/findings"): OFFICE,
    ("GET", "/api/v1/habit/stability"): OFFICE,
    ("GET", "/api/v1/versions/{version_id}/stability"): OFFICE,
    ("POST", "/api/v1/siting:plan"): OFFICE,
    ("GET", "/api/v1/siting"): OFFICE,
    ("GET", "/api/v1/siting/sleepers"): OFFICE,
    ("GET", "/api/v1/siting/{study_id}"): OFFICE,
    ("GET", "/api/v1/siting/{study_id}/facts"): OFFICE,
    ("POST", "/api/v1/modes:compare"): OFFICE | {"finance"},
    ("GET", "/api/v1/sharing/policy"): OFFICE | {"finance"},
    ("POST", "/api/v1/sharing/policy:adopt"): OFFICE,
    ("GET", "/api/v1/versions/{version_id}/shares"): OFFICE | {"finance", "company_viewer"},
    ("POST", "/api/v1/shares:compute"): OFFICE | {"finance"},
    ("POST", "/api/v1/plans:make"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/plans"): OFFICE,
    ("GET", "/api/v1/plans/{plan_id}"): OFFICE,
    ("POST", "/api/v1/plans/{plan_id}:publish"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/versions/{version_id}"): OFFICE,
    ("GET", "/api/v1/versions/{version_id}/routes"): OFFICE,
    ("GET", "/api/v1/versions/{version_id}/routes/{number}"): OFFICE,
    ("GET", "/api/v1/versions/{version_id}/map"): OFFICE,
    ("GET", "/api/v1/versions/{version_id}/unassigned"): OFFICE,
    ("GET", "/api/v1/plans/{plan_id}/lateness"): OFFICE,
    ("POST", "/api/v1/plans/{plan_id}:watch"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/products"): LOGGED_IN,
    ("POST", "/api/v1/products:load"): frozenset({"admin"}),
    ("GET", "/api/v1/sorting/plan"): OFFICE,
    ("GET", "/api/v1/sorting/export"): OFFICE,
    ("GET", "/api/v1/sorting/manifest"): OFFICE,
    ("GET", "/api/v1/sorting/scan"): OFFICE | {"courier"},
    ("GET", "/api/v1/sorting/chutes"): OFFICE | {"courier"},
    ("POST", "/api/v1/sorting/chutes"): frozenset({"dispatcher"}),
    ("GET", "/api/v1/courier/route"): frozenset({"courier"}),
    ("POST", "/api/v1/courier/events"): frozenset({"courier"}),
    ("GET", "/api/v1/operations/{operation_id}"): OFFICE | {"finance"},
    ("POST", "/api/v1/operations/{operation_id}:cancel"): OFFICE | {"finance"},
    ("GET", "/api/v1/operations/{operation_id}/events"): OFFICE | {"finance"},
    ("GET", "/api/v1/events"): OFFICE,
    ("GET", "/api/v1/stream"): OFFICE,
}
OPEN_STREAMS = {("GET", "/api/v1/stream")}  # they answer until the listener leaves


def _routes() -> Iterator[APIRoute]:
    for part in NATIVE_PARTS:
        for route in part.routes:
            assert isinstance(route, APIRoute)
            yield route


def _roles_of(route: APIRoute) -> frozenset[str]:
    """Read from a route's dependencies which roles it lets pass."""
    waiting, found = [route.dependant], EVERYBODY
    while waiting:
        dependant = waiting.pop()
        roles = allowed_roles(dependant.call)
        if roles is not None:
            return roles
        if dependant.call is identify_caller:
            found = LOGGED_IN
        waiting.extend(dependant.dependencies)
    return found


def test_api_15_every_route_is_in_the_matrix() -> None:
    """No route is forgotten: each one's roles are written down here and are the ones it checks."""
    declared = {(method, PREFIX + route.path): _roles_of(route) for route in _routes() for method in route.methods}
    assert declared == MATRIX


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_a_role_gets_where_it_may_and_nowhere_else(role: str, client_of: Callable[[str], httpx.Client]) -> None:
    """Each role is let through by every route of its work and refused, with the reason, by every other."""
    client = client_of(role)
    wrong = []
    for (method, path), allowed in MATRIX.items():
        if (method, path) in OPEN_STREAMS and role in allowed:
            continue
        if path == "/api/v1/session:logout" and role in allowed:
            continue  # would end the session that the rest of this test needs
        filled = path.replace("{username}", "nobody-here").replace("{", "").replace("}", "")
        answer = client.request(method, filled.removeprefix("/api/v1"), json={} if method == "POST" else None)
        code = answer.json().get("code") if answer.content else None
        refused = code in ("role", "token")
        if refused == (role in allowed):
            wrong.append((method, path, answer.status_code, code))
    assert wrong == []
