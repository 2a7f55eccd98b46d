"""A manifest goes in, and every parcel can be asked for."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import update

from api.auth.model import User
from api.services import Services

HEADER = "company,waybill,piece,pieces,recipient_name,recipient_phone,address,village,weight_g\n"
GOOD = "".join(
    f"yunlu,YL{number:04d},1,1,张三,15412345678,东村1组{number}号,{'东村' if number % 2 else '西村'},500\n"
    for number in range(12)
)
BAD = "yunlu,YL9999,1,1,张三,15412345678,某处,没有这个村,heavy\n"


def _send(client: httpx.Client, text: str, key: str = "k", **form: object) -> httpx.Response:
    fields = {"region": "qianjiang", "day": "2026-03-04", "register_companies": "true", **form}
    return client.post(
        "/parcels:import",
        data={name: str(value) for name, value in fields.items()},
        files={"file": ("day.csv", text.encode("gb18030"), "text/csv")},
        headers={"Idempotency-Key": key},
    )


@pytest.fixture
def imported(two_villages: str, dispatcher: httpx.Client) -> httpx.Client:
    """Import twelve good rows and a bad one, and give the dispatcher's client."""
    answer = _send(dispatcher, HEADER + GOOD + BAD)
    assert answer.status_code == 200, answer.text
    return dispatcher


def test_m_01_bad_rows_come_back_with_their_reason(two_villages: str, dispatcher: httpx.Client) -> None:
    """Good rows of a manifest are kept, the bad one is named by line, column and reason."""
    report = _send(dispatcher, HEADER + GOOD + BAD).json()
    assert (report["rows_read"], report["added"], report["rejected"]) == (13, 12, 1)
    assert report["encoding"].lower() == "gb18030"
    assert {problem["column"] for problem in report["problems"]} == {"village", "weight_g"}
    assert all(problem["line"] == 14 and problem["remedy"] for problem in report["problems"])


def test_importing_again_changes_nothing(imported: httpx.Client) -> None:
    """The same file sent again, as a retry or as a new request, adds no parcel."""
    replayed = _send(imported, HEADER + GOOD + BAD)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    again = _send(imported, HEADER + GOOD + BAD, key="k2").json()
    assert (again["added"], again["unchanged"]) == (0, 12)


def test_a_preview_stores_nothing(two_villages: str, dispatcher: httpx.Client) -> None:
    """A dispatcher can look at the report before anything is stored."""
    report = _send(dispatcher, HEADER + GOOD, check_only=True).json()
    assert report["import_id"] is None
    assert report["added"] == 12
    assert dispatcher.get("/parcels", params={"region": "qianjiang"}).json()["items"] == []


def test_a_column_can_be_mapped_by_hand(two_villages: str, dispatcher: httpx.Client) -> None:
    """A partner's odd header is mapped by the dispatcher instead of edited in the file."""
    odd = (HEADER + GOOD).replace("weight_g", "how heavy")
    assert _send(dispatcher, odd).json()["code"] == "manifest_columns"
    mapped = _send(dispatcher, odd, key="k2", mapping=json.dumps({"weight_g": "how heavy"}), check_only=True).json()
    assert mapped["mapping"]["weight_g"] == "how heavy"
    broken = _send(dispatcher, odd, key="k3", mapping="[1]")
    assert broken.status_code == 400
    assert broken.json()["code"] == "manifest_mapping"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "manifest_empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "manifest_binary"),
        (b"a,b\n1,2\n", "manifest_columns"),
    ],
)
def test_a_hostile_file_leaves_the_database_as_it_was(
    two_villages: str, dispatcher: httpx.Client, content: bytes, code: str
) -> None:
    """An empty, foreign or senseless file is refused by name and leaves no trace."""
    answer = dispatcher.post(
        "/parcels:import", data={"region": "qianjiang"}, files={"file": ("x.csv", content)},
        headers={"Idempotency-Key": "k"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert dispatcher.get("/parcels", params={"region": "qianjiang"}).json()["items"] == []


def test_api_05_a_list_is_read_page_by_page(imported: httpx.Client) -> None:
    """A list read in pages neither skips nor repeats, also when parcels come in between."""
    seen: list[str] = []
    cursor = None
    for turn in range(10):
        params = {"region": "qianjiang", "limit": 5} | ({"cursor": cursor} if cursor else {})
        page = imported.get("/parcels", params=params).json()
        seen += [parcel["waybill"] for parcel in page["items"]]
        cursor = page["next_cursor"]
        if turn == 0:
            more = GOOD.replace("YL", "ZZ").splitlines(keepends=True)[0]
            assert _send(imported, HEADER + more, key="later").json()["added"] == 1
        if cursor is None:
            break
    assert sorted(seen) == sorted([f"YL{number:04d}" for number in range(12)] + ["ZZ0000"])
    assert imported.get("/parcels", params={"region": "qianjiang", "cursor": "bm9uc2Vuc2U"}).json()["code"] == "cursor"


def test_lists_are_filtered_and_masked(imported: httpx.Client) -> None:
    """A list shows only what was asked for, with names, phones and house numbers hidden."""
    params = {"region": "qianjiang", "status": "announced", "company_id": "yunlu", "day": "2026-03-04"}
    items = imported.get("/parcels", params=params).json()["items"]
    assert len(items) == 12
    assert {item["recipient_name"] for item in items} == {"张*"}
    assert "15412345678" not in json.dumps(items)
    assert imported.get("/parcels", params=params | {"status": "delivered"}).json()["items"] == []
    whole = imported.get(f"/parcels/{items[0]['id']}").json()
    assert whole["recipient_phone"] == "15412345678"


def test_the_ledger_answers_for_a_waybill(imported: httpx.Client) -> None:
    """Whoever asks for a waybill learns where it is, who has it, since when, and what comes next."""
    found = imported.get("/parcels/YL0003/custody").json()["items"]
    assert len(found) == 1
    assert found[0]["who"] == "company:yunlu"
    assert found[0]["status"] == "announced"
    assert found[0]["next_step"] == "await_arrival"
    assert found[0]["since"].startswith("2026-03-03T23:00:00")
    assert [event["type"] for event in found[0]["history"]] == ["announced"]
    assert imported.get("/parcels/NOBODY/custody").json()["code"] == "parcel_unknown"


def test_api_15_a_company_sees_its_own_parcels_only(
    imported: httpx.Client, services: Services, client_of: Callable[[str], httpx.Client]
) -> None:
    """Another company's parcel does not exist for a company's login, by list, by id and by waybill."""
    item = imported.get("/parcels", params={"region": "qianjiang", "limit": 1}).json()["items"][0]
    viewer = client_of("company_viewer")
    assert viewer.get("/parcels", params={"region": "qianjiang"}).json()["items"] == []
    assert viewer.get(f"/parcels/{item['id']}").status_code == 404
    assert viewer.get(f"/parcels/{item['waybill']}/custody").status_code == 404
    with services.database.begin() as session:
        session.execute(update(User).where(User.username == "company_viewer-1").values(company_id="yunlu"))
    assert len(viewer.get("/parcels", params={"region": "qianjiang"}).json()["items"]) == 12
    assert viewer.get(f"/parcels/{item['id']}").json()["recipient_name"] == "张*"
    assert viewer.get(f"/parcels/{item['waybill']}/custody").status_code == 200


def test_a_station_sees_what_is_meant_for_it(imported: httpx.Client, client_of: Callable[[str], httpx.Client]) -> None:
    """A station's keeper does not see parcels that go to doors."""
    station = client_of("station")
    assert station.get("/parcels", params={"region": "qianjiang"}).json()["items"] == []
    assert station.get("/parcels/YL0003/custody").status_code == 404
