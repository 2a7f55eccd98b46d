"""The sorting table and the promises page in a real browser, against the real server."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_m_10_a_scan_shows_its_chute_in_big_letters(published: Any, browse: Any):
    """A gun's scan shows the chute, an unknown number is refused in both languages, and a manifest has barcodes."""
    plan = published.services.sorting.sort_plan("demo", published.day)
    parcel = plan.parcels[0]
    seen = browse("sortParcels", waybill=parcel.facts.waybill)
    assert seen.outside == [], "the browser asked another origin than ours"
    assert seen.complaints == []
    assert seen.result["chute"] == parcel.chute
    assert seen.result["routes"] == len(plan.routes)
    assert seen.result["codes"] > 3
    assert seen.result["mistakes"] == []
    assert "sorting-zh.png" in seen.pictures
