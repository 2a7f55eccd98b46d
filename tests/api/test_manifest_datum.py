"""A manifest whose positions are in another datum than it says."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import func, select

from api.manifests import ManifestOrder
from api.services import Services
from dispatch.parcels.model import Parcel
from maps.datum import convert
from maps.errors import DatumDoubtError

VILLAGES = [(112.91, 30.41), (112.89, 30.39)]
HEADER = "company,waybill,recipient_name,recipient_phone,address,village,weight_g,lon,lat,datum\n"


def manifest(declared: str) -> bytes:
    """Write twelve parcels for houses in their villages, in GCJ-02 whatever they declare."""
    rows = []
    for number in range(12):
        lon, lat = VILLAGES[number % 2]
        house = [[lon + number * 5e-5, lat - number * 5e-5]]
        east, north = convert(house, "wgs84", "gcj02")[0]
        village = "东村" if number % 2 == 0 else "西村"
        rows.append(f"yunlu,YL{number:04d},张三,15412345678,1组,{village},500,{east:.6f},{north:.6f},{declared}\n")
    return (HEADER + "".join(rows)).encode()


def order(region: str, *, trust: bool = False) -> ManifestOrder:
    """Order an import for the region."""
    return ManifestOrder(region, "user:test", register_companies=True, trust_datum=trust)


def test_a_file_in_the_wrong_datum_is_refused_whole(services: Services, two_villages: str) -> None:
    """Positions 540 m beside their villages are not planned with: the file is refused, naming the likely datum."""
    with pytest.raises(DatumDoubtError, match=r"day\.csv: declared as WGS-84, but the points fit GCJ-02") as doubt:
        services.manifests.take_in(manifest("wgs84"), "day.csv", order(two_villages))
    assert "gcj02" in doubt.value.remedy
    with services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Parcel)) == 0


def test_the_right_datum_or_a_person_lets_it_in(services: Services, two_villages: str) -> None:
    """The same file comes in when it says GCJ-02; said to be trusted, it comes in as it is."""
    right = services.manifests.take_in(manifest("gcj02"), "day.csv", order(two_villages))
    assert right.added == 12
    again = services.manifests.take_in(manifest("wgs84"), "day.csv", order(two_villages, trust=True))
    assert again.differing == 12


def test_the_preview_says_so_too(dispatcher: httpx.Client, two_villages: str) -> None:
    """Checking the file over HTTP gives the same refusal, before anything is stored."""
    answer = dispatcher.post(
        "/parcels:import",
        files={"file": ("day.csv", manifest("wgs84"))},
        data={"region": two_villages, "register_companies": "true", "check_only": "true"},
        headers={"Idempotency-Key": "k-1"},
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == DatumDoubtError.code
