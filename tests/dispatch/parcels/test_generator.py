"""A made-up day that looks like a real one, the same for every run."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date
from typing import Any

import pytest

from dispatch.parcels.generator import HEADER, INVENTED_COMPANIES, generate_manifest, write_manifest_csv
from dispatch.parcels.manifest.columns import map_columns
from kernel.errors import InputError

DAY = date(2026, 3, 4)
Rows = list[dict[str, str]]


@pytest.fixture
def generated(county: Any) -> Rows:
    """Give two thousand parcels of five companies."""
    return list(generate_manifest(county, 2_000, 5, 1, DAY))


def test_equal_seed_equal_day_and_another_seed_another(county: Any, generated: Rows) -> None:
    """The same seed repeats every cell; another seed or day does not."""
    assert list(generate_manifest(county, 2_000, 5, 1, DAY)) == generated
    assert list(generate_manifest(county, 2_000, 5, 2, DAY)) != generated
    assert list(generate_manifest(county, 2_000, 5, 1, date(2026, 3, 5))) != generated


def test_the_counts_asked_for_are_kept(generated: Rows) -> None:
    """Exactly so many rows and companies, and no piece twice."""
    assert len(generated) == 2_000
    assert {row["company"] for row in generated} == {company for company, _ in INVENTED_COMPANIES[:5]}
    assert len({(row["company"], row["waybill"], row["piece"]) for row in generated}) == 2_000


def test_the_day_has_the_shape_of_a_real_one(generated: Rows) -> None:
    """Recipients repeat, villages differ in size, some parcels are heavy, some are paid on delivery."""
    recipients = Counter(row["recipient_phone"] for row in generated)
    villages = Counter(row["village"] for row in generated)
    weights = sorted(int(row["weight_g"]) for row in generated)
    assert max(recipients.values()) >= 3
    assert len(recipients) < 2_000
    assert villages.most_common(1)[0][1] > 3 * min(villages.values())
    assert 600 < weights[1_000] < 1_300
    assert weights[-1] > 5_000
    shares = {
        name: sum(bool(row[name]) for row in generated) / 2_000
        for name in ("cod", "declared_value", "window_start", "lon")
    }
    assert 0.005 < shares["cod"] < 0.05
    assert 0.01 < shares["declared_value"] < 0.06
    assert 0.01 < shares["window_start"] < 0.08
    assert 0.4 < shares["lon"] < 0.9
    assert {row["channel"] for row in generated} == {"door", "station", "cabinet"}
    assert {row["direction"] for row in generated} == {"deliver", "collect"}
    assert any(row["pieces"] != "1" for row in generated)
    assert len({row["product"] for row in generated}) >= 4


def test_law_02_stations_and_cabinets_come_with_consent(generated: Rows) -> None:
    """Nobody in the made-up day is sent to a station or cabinet without having consented."""
    assert all(bool(row["consent"]) == (row["channel"] != "door") for row in generated)


def test_nobody_in_it_can_be_called(generated: Rows) -> None:
    """Every telephone number begins with a prefix that no operator was given."""
    assert all(row["recipient_phone"].startswith("154") for row in generated)


def test_a_village_without_position_gets_parcels_without_one(generated: Rows) -> None:
    """Parcels to a village whose position is unknown carry no coordinates, never zeros."""
    far = [row for row in generated if row["village"] == "远山村"]
    assert far
    assert all(row["lon"] == "" and row["lat"] == "" for row in far)


def test_the_file_needs_no_mapping(generated: Rows) -> None:
    """The written CSV has our own headers and comes back cell by cell."""
    file = io.StringIO(newline="")
    assert write_manifest_csv(generated[:10], file) == 10
    back = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert back == generated[:10]
    assert set(map_columns(HEADER).positions) == set(HEADER)


@pytest.mark.parametrize(("parcels", "companies"), [(0, 5), (10, 0), (10, 99)])
def test_impossible_counts_are_refused(county: Any, parcels: int, companies: int) -> None:
    """No parcel at all, or more companies than have names, is an error."""
    with pytest.raises(InputError):
        generate_manifest(county, parcels, companies, 1, DAY)


def test_a_region_without_places_or_a_day_without_products_is_refused(county: Any) -> None:
    """Where nobody lives nothing can be sent, and a day needs a product in force."""
    empty = type(county)((), county.townships)
    with pytest.raises(InputError, match="no place"):
        generate_manifest(empty, 10, 1, 1, DAY)
    with pytest.raises(InputError, match="no service product"):
        generate_manifest(county, 10, 1, 1, date(1999, 1, 1))
