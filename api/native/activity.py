"""The activity report of sending kiosks and stations, and a station's economics."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api.activity import activity_report
from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import View, problems
from api.native.scope import check_region
from api.native.stations import site_of
from dispatch.stations.activity import report_document
from dispatch.stations.economics import economics

router = APIRouter(tags=["activity"])


class ActivityRowView(View):
    """The metrics of one group; `null` where there is nothing to divide by."""

    group: str
    installed: int
    eligible: int
    active: int
    active_share: float | None
    active_share_week: float | None
    drop_offs: int
    drop_offs_per_device: float | None
    collected: int
    refused: int
    refusal_rate: float | None
    return_share: float | None
    hours_median: float | None
    hours_p90: float | None
    open: int
    oldest_open_hours: float | None
    sleepers: int
    uptime: float | None
    repair_hours: float | None
    paper_out_hours: float
    code_fail_rate: float | None
    overdue: int
    overdue_rate: float | None
    light_to_pick_s: float | None
    wrong_pick_rate: float | None
    unknown_rate: float | None
    wire_faults: int


class ActivityView(View):
    """One day's report; late events restate it, so it says as of when it speaks."""

    day: date
    as_of: datetime
    version: int
    total: ActivityRowView
    groups: list[ActivityRowView]
    sleeping: list[str]
    open_drops: list[str]
    refusals: dict[str, int]
    returns: dict[str, int]
    definitions: dict[str, dict[str, str]]


class EconomicsView(View):
    """What a station saved and earned, in fen, beside the figures of the press report."""

    first_day: date
    days: int
    self_service: int
    by_keeper: int
    drop_offs: int
    labour_saved_fen: int
    sending_income_fen: int
    labour_saved_per_year_fen: int
    sending_per_year_fen: int
    reported_labour_fen_per_year: tuple[int, int]
    reported_sending_fen_per_year: int
    source: str


@router.get("/activity", responses=problems(404))
def get_activity(
    services: ServicesDep,
    region: Annotated[str, Query(max_length=64)],
    day: date,
    by: Annotated[Literal["branch", "scene", "device"], Query(description="What rows stand for.")] = "branch",
    kind: Annotated[Literal["kiosk", "station", "all"], Query(description="Whose activity.")] = "kiosk",
    identity: Identity = allow("dispatcher", "admin", "finance"),
) -> ActivityView:
    """Report a day of a region's kiosks and stations, with the definition of every figure."""
    check_region(identity, region)
    report = activity_report(services, region, day, by, kind)
    document: dict[str, Any] = report_document(report)
    return ActivityView.model_validate(document)


@router.get("/stations/{site_id}/economics", responses=problems(404))
def get_economics(
    site_id: str,
    services: ServicesDep,
    last_day: date,
    days: Annotated[int, Query(ge=1, le=366)] = 30,
    identity: Identity = allow("station", "dispatcher", "admin", "finance"),
) -> EconomicsView:
    """Compute what a station saved and earned over some days, from its own events and configured figures."""
    with services.database.read() as session:
        site = site_of(session, identity, site_id)
        figures = services.stations.policies.of(site.region).economics
        found = economics(session, site_id, figures, last_day, days, services.settings.zone)
        return EconomicsView.model_validate(found)
