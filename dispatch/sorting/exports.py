"""The sort plan as files for other programs: CSV for a sorting machine or a sheet, JSON with everything."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from dispatch.sorting.plan import SortPlan

COLUMNS: Final = (
    "wave", "chute", "route", "vehicle_id", "bag", "bag_kind", "bag_order", "load_order", "stop_label", "stop_position",
    "stop_name", "place_id", "company_id", "waybill", "piece", "pieces", "weight_g", "expires_s", "parcel_id",
)  # fmt: skip
"""Columns of the CSV; each line is one parcel."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def sort_plan_csv(plan: SortPlan) -> str:
    """Write one line for each parcel in the order of loading, headed by :data:`COLUMNS`.

    Notes
    -----
    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for parcel in plan.parcels:
        body = parcel.as_dict()
        writer.writerow([_cell(body[name]) for name in COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def sort_plan_json(plan: SortPlan) -> dict[str, Any]:
    """Return the whole sort plan as plain JSON: routes with their bags, and every parcel."""
    return plan.as_dict() | {
        "published_at": plan.published_at.isoformat(),
        "items": [parcel.as_dict() for parcel in plan.parcels],
    }
