"""A station's counter, its night side, its kiosk and its report over HTTP."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from api.auth.model import User
from api.services import Services
from api.station_lights import LightOrders, keep_lights, read_strips
from dispatch.parcels.model import Parcel
from dispatch.products.service import seed_products
from dispatch.stations.model import StationFact
from firmware_bridge.simulator.wled import SimWled, WledServer
from kernel.db import Base, Database
from lockers.codes import entry_code
from lockers.dock import DockManifest, DockVisit, proof
from lockers.lights import COLOURS
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository

STATION = "s-1x"
_keys = count(1)
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make every table as the program has it, with the products; each test gets a copy."""
    path = tmp_path_factory.mktemp("prepared") / "cunda.db"
    database = Database(f"sqlite:///{path}")
    Base.metadata.create_all(database.engine)
    with database.begin() as session:
        seed_products(session)
    database.close()
    return path


@pytest.fixture
def counter(services: Services, due_day: Any, two_villages: str, one_user_per_role: Any) -> list[str]:
    """Give the keeper a station, two parcels with consent on the way to it, one without, and another station."""
    with services.database.begin() as session:
        kiosk = SiteRepository(session).get("kiosk-1")
        for site_id in (STATION, "s-2x"):
            fields = {column.name: getattr(kiosk, column.name) for column in Site.__table__.columns}
            session.add(Site(**fields | {"id": site_id, "kind": "station", "name": "东村驿站", "compartments": {}}))
        session.execute(update(User).where(User.role == "station").values(site_id=STATION, region=two_villages))
        parcels = list(session.scalars(select(Parcel).order_by(Parcel.waybill).limit(3)))
        for number, parcel in enumerate(parcels):
            parcel.channel, parcel.channel_site_id = "station", STATION
            parcel.consent_reference = "C-1" if number < 2 else None
        return [parcel.id for parcel in parcels]


@pytest.fixture
def keeper(counter: list[str], client_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """Give the keeper's client."""
    return client_of("station")


def post(client: httpx.Client, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """Post with a key of its own."""
    named = {"Idempotency-Key": f"k-{next(_keys)}"} | {name.replace("_", "-"): text for name, text in headers.items()}
    return client.post(path, json=body, headers=named)


def digits_for(services: Services, parcel_id: str) -> str:
    """Give the code the recipient was sent."""
    from dispatch.stations.model import StationCode

    with services.database.read() as session:
        query = select(StationCode).where(StationCode.parcel_id == parcel_id, StationCode.state == "valid")
        return services.stations.codes.digits(session.scalars(query).one())


def test_a_batch_is_scanned_in_and_one_is_taken_out(keeper: Any, services: Services, counter: list[str]) -> None:
    """Three scans: two get a cell, the one without consent is refused with the reason; a code takes one out, once."""
    batch = {"items": [{"key": key} for key in counter]}
    answer = post(keeper, f"/stations/{STATION}:deposit", batch)
    items = answer.json()["items"]
    assert [(item["outcome"], item["cell"]) for item in items] == [
        ("stored", "A-01"), ("stored", "A-02"), ("refused", None),
    ]  # fmt: skip
    assert items[2]["problem"]["code"] == "deposit_refused"
    assert items[2]["problem"]["params"]["reasons"] == ["no_consent"]
    consent = {"parcel_id": counter[2], "reference": "CALL-1", "means": "phone"}
    assert post(keeper, f"/stations/{STATION}:consent", consent).status_code == 200
    again = post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[2]}]})
    assert again.json()["items"][0]["outcome"] == "stored"
    digits = digits_for(services, counter[0])
    taken = post(keeper, f"/stations/{STATION}:take-out", {"digits": digits})
    assert taken.json() == {"parcel_id": counter[0], "cell": "A-01", "outcome": "collected"}
    refused = post(keeper, f"/stations/{STATION}:take-out", {"digits": digits})
    assert (refused.status_code, refused.json()["code"]) == (409, "code_refused")
    assert refused.json()["params"] == {}


def test_api_03_a_repeated_scan_in_is_one(keeper: Any, counter: list[str]) -> None:
    """The same batch with the same key is answered again and done once; without a key it is refused."""
    batch = {"items": [{"key": counter[0]}]}
    first, second = (
        keeper.post(f"/stations/{STATION}:deposit", json=batch, headers={"Idempotency-Key": "same"}) for _ in range(2)
    )
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert keeper.post(f"/stations/{STATION}:deposit", json=batch).json()["code"] == "idempotency_key_missing"


def test_s4_wrong_codes_lock_the_counter(keeper: Any, services: Services, counter: list[str]) -> None:
    """Five wrong codes are refused without a reason, the sixth is told when to come back; all are on record."""
    post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[0]}]})
    answers = [post(keeper, f"/stations/{STATION}:take-out", {"digits": f"{n:08d}"}) for n in range(6)]
    assert [answer.status_code for answer in answers] == [409] * 5 + [429]
    assert answers[5].headers["Retry-After"] == "600"
    digits = digits_for(services, counter[0])
    assert post(keeper, f"/stations/{STATION}:take-out", {"digits": digits}).status_code == 429
    with services.database.read() as session:
        audit = session.scalars(select(StationFact.type).where(StationFact.type == "code.refused")).all()
    assert len(audit) == 7


def test_codes_and_keys_are_kept_nowhere(keeper: Any, services: Services, counter: list[str]) -> None:
    """A proxy code and a pass key are told, also on a repeat, and stand in no table, not even among kept answers."""
    post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[0]}]})
    headers = {"Idempotency-Key": "proxy"}
    body = {"parcel_id": counter[0]}
    made = [keeper.post(f"/stations/{STATION}/codes:proxy", json=body, headers=headers).json() for _ in range(2)]
    assert made[0]["digits"] == made[1]["digits"]
    passed = post(keeper, f"/stations/{STATION}/passes", {"holder": "person-1", "parcel_ids": [counter[0]]}).json()
    with services.database.engine.connect() as connection:
        dump = "\n".join(connection.connection.iterdump())
    assert made[0]["digits"] not in dump
    assert passed["key_base32"] not in dump
    assert post(keeper, f"/stations/{STATION}/codes/{made[0]['code_id']}:revoke").json()["state"] == "revoked"
    refused = post(keeper, f"/stations/{STATION}:take-out", {"digits": made[0]["digits"]})
    assert refused.json()["code"] == "code_refused"


def test_law_11_one_search_over_all_companies(keeper: Any, counter: list[str]) -> None:
    """A phone's last digits show several candidates with masked names; a waybill shows its one."""
    found = keeper.get(f"/stations/{STATION}/parcels", params={"q": "5678"}).json()["items"]
    assert [item["parcel_id"] for item in found] == counter
    assert {item["recipient_name"] for item in found} == {"张*"}
    assert not any("5678" in item["recipient_phone"] for item in found)
    one = keeper.get(f"/stations/{STATION}/parcels", params={"q": found[0]["waybill"].lower()}).json()["items"]
    assert [item["parcel_id"] for item in one] == counter[:1]


def test_law_08_who_took_what_is_on_record(keeper: Any, services: Services, counter: list[str]) -> None:
    """The record of a parcel names who it was handed to and on what evidence, the newest first, page by page."""
    post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[0]}]})
    by_hand = {"parcel_id": counter[0], "identity_reference": "ID-7"}
    assert post(keeper, f"/stations/{STATION}:take-out", by_hand).json()["outcome"] == "collected"
    query = {"parcel_id": counter[0], "limit": 1}
    first = keeper.get(f"/stations/{STATION}/facts", params=query).json()
    assert (first["items"][0]["type"], first["items"][0]["body"]["identity"]) == ("parcel.collected", "ID-7")
    rest = keeper.get(f"/stations/{STATION}/facts", params=query | {"cursor": first["next_cursor"]}).json()
    assert [fact["type"] for fact in rest["items"]] == ["parcel.deposited"]


def test_api_04_a_cell_is_decided_on_the_version_that_was_seen(keeper: Any) -> None:
    """Blocking a cell needs the version that was looked at: without it, or after a change, the keeper looks again."""
    cells = keeper.get(f"/stations/{STATION}").json()["cells"]
    path, body = f"/stations/{STATION}/cells/{cells[0]['cell']}:decide", {"decision": "block", "reason": "broken"}
    assert post(keeper, path, body).status_code == 428
    tag = f'"{cells[0]["version"]}"'
    assert post(keeper, path, body, If_Match=tag).json()["book"] == "blocked"
    assert post(keeper, path, {"decision": "clear", "reason": "mended"}, If_Match=tag).status_code == 412


def test_s11_what_is_not_the_keepers_does_not_exist(keeper: Any, client_of: Any, counter: list[str]) -> None:
    """Another keeper's station answers as if it did not exist, on every route; a company's viewer gets nowhere."""
    for path in ("", "/parcels", "/overdue", "/visits", "/docks", "/economics?last_day=2026-03-04"):
        answer = keeper.get(f"/stations/s-2x{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_site"), path
    for path, body in (
        (":deposit", {"items": [{"key": counter[0]}]}), (":take-out", {"digits": "00000000"}),
        ("/passes", {"holder": "p"}), ("/counts", None), (":return", {"parcel_id": counter[0]}),
    ):  # fmt: skip
        assert post(keeper, f"/stations/s-2x{path}", body).status_code == 404, path
    viewer = client_of("company_viewer")
    assert viewer.get(f"/stations/{STATION}/parcels").status_code == 403


def test_a_night_visit_over_http(keeper: Any, services: Services, counter: list[str]) -> None:
    """A pass's moving code unlocks the door once, the visitor's cell is lit, scanned, and the exit agrees."""
    post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[0]}, {"key": counter[1]}]})
    made = post(keeper, f"/stations/{STATION}/passes", {"holder": "person-1", "phone_tail": "5678"}).json()
    text = made["key_base32"]
    key = base64.b32decode(text + "=" * (-len(text) % 8))
    enter = {"pass_id": made["pass_id"], "digits": entry_code(key, STATION, services.clock.now())}
    visit = post(keeper, f"/stations/{STATION}:enter", enter).json()
    assert sorted(visit["wanted"]) == sorted(counter[:2])
    assert post(keeper, f"/stations/{STATION}:enter", enter).json()["code"] == "code_refused"

    def step(event: str, **more: Any) -> Any:
        return post(keeper, f"/stations/{STATION}/visits/{visit['id']}:step", {"event": event} | more).json()

    for event in ("entered", "identified", "lights_on"):
        step(event)
    seen = keeper.get(f"/stations/{STATION}/visits").json()
    assert [light["cells"] for light in seen["lights"]] == [["A-01", "A-02"]]
    assert step("scan", parcel_id=counter[0])["facts"] == ["parcel.collected"]
    assert step("exit_scan", carried=[counter[0]])["state"] == "reconciled"
    assert step("exited")["state"] == "left"
    assert step("lights_on")["code"] == "impossible_step"


def test_a_visitors_cells_shine_on_the_strip_and_go_dark(
    keeper: Any, server: Any, services: Services, counter: list[str], tmp_path: Path
) -> None:
    """The program beside the shelves lights the visitor's cells in one colour, and darkens them at the end."""
    post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[0]}, {"key": counter[1]}]})
    made = post(keeper, f"/stations/{STATION}/passes", {"holder": "person-1", "parcel_ids": counter[:1]}).json()
    text = made["key_base32"]
    key = base64.b32decode(text + "=" * (-len(text) % 8))
    enter = {"pass_id": made["pass_id"], "digits": entry_code(key, STATION, services.clock.now())}
    visit = post(keeper, f"/stations/{STATION}:enter", enter).json()
    step = f"/stations/{STATION}/visits/{visit['id']}:step"
    for event in ("entered", "identified", "lights_on"):
        post(keeper, step, {"event": event})
    wled = SimWled(lamps=16)
    with WledServer(wled) as controller:
        described = tmp_path / "strips.toml"
        described.write_text(
            f'[[strip]]\nhost = "127.0.0.1"\nport = {controller.port}\nlamps = 16\n'
            'cells = { "A-01" = [0, 8], "A-02" = [8, 16] }\n'
        )
        strips = read_strips(described)
        orders = LightOrders(server.url, STATION, "station-1", PASSWORD)
        seen: list[dict[int, str]] = []

        def shown(_seconds: float) -> bool:
            seen.append(wled.shining())
            return bool(seen[-1])

        keep_lights(orders, strips, shown)
        assert seen[-1] == dict.fromkeys(range(8), COLOURS[0])
        post(keeper, step, {"event": "exited"})
        assert orders() == []
        orders.close()
    assert wled.shining() == {}


def test_a_count_over_http_is_signed(keeper: Any, counter: list[str]) -> None:
    """A stock-take lists what is missing under the keeper's name; a closed one takes no more scans."""
    post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[0]}, {"key": counter[1]}]})
    begun = post(keeper, f"/stations/{STATION}/counts").json()
    assert (begun["expected"], list(begun["zones"])) == (2, ["A", "B", "C", "D"])
    path = f"/stations/{STATION}/counts/{begun['id']}"
    assert post(keeper, f"{path}:scan", {"seen": {counter[0]: "A-01"}}).json()["seen"] == 1
    assert post(keeper, f"{path}:close").json()["result"]["missing"] == [counter[1]]
    assert post(keeper, f"{path}:scan", {"seen": {}}).status_code == 409


def test_a_vehicle_over_http(keeper: Any, dispatcher: Any, services: Services, counter: list[str]) -> None:
    """A dispatcher announces a run, the vehicle proves itself, a missing piece holds it, then it is released."""
    run = post(dispatcher, f"/stations/{STATION}/docks", {
        "vehicle": "uv-7", "expected_at": (services.clock.now() + timedelta(minutes=20)).isoformat(),
        "to_unload": counter[:1],
    }).json()  # fmt: skip
    visit = DockVisit(run["id"], STATION, "uv-7", DockManifest(frozenset(counter[:1])))
    shown = proof(services.stations.docks.vehicle_key("uv-7"), "vehicle", visit, run["code"])
    path = f"/stations/{STATION}/docks/{run['id']}:step"
    post(keeper, path, {"event": "vehicle_seen"})
    assert post(keeper, path, {"event": "greet", "proof": shown}).json()["station_proof"]
    post(keeper, path, {"event": "confirmed"})
    held = post(keeper, path, {"event": "reconcile"}).json()
    assert (held["state"], held["differences"]["left_behind"]) == ("open", counter[:1])
    assert post(keeper, path, {"event": "released"}).status_code == 409
    post(keeper, path, {"event": "unloaded", "piece": counter[0]})
    for event in ("reconcile", "doors_closed", "released", "vehicle_gone"):
        last = post(keeper, path, {"event": event}).json()
    assert last["state"] == "left"
    assert keeper.get(f"/stations/{STATION}/docks").json()["items"] == []


DROP = {
    "waybill": "KB0001", "company": "yunlu", "weight_g": 640, "size": "S", "compartment": "A1",
    "item_class": "clothing", "proof": "rn-1", "return_platform": "douyin",
}  # fmt: skip


@pytest.fixture
def handed_in(keeper: Any, due_day: Any) -> str:
    """Let the keeper take a marketplace return over the counter."""
    answer = post(keeper, f"/kiosks/{STATION}/drop-offs", {"drop_off": DROP, "day": due_day.isoformat()})
    return str(answer.json()["parcel_id"])


def test_a_courier_empties_a_kiosk_over_http(client_of: Any, handed_in: str, due_day: Any) -> None:
    """What was dropped is listed, inspected and accepted; another courier's collection does not exist."""
    courier = client_of("courier")
    begun = post(courier, f"/kiosks/{STATION}/collections").json()
    assert [one["waybill"] for one in begun["dropped"]] == ["KB0001"]
    word = {"event_id": "0193f0c2-0000-7000-8000-0000000000aa", "parcel_id": handed_in, "result": "accepted"}
    path, body = f"/kiosks/{STATION}/collections/{begun['id']}:close", {"day": due_day.isoformat(), "items": [word]}
    assert post(courier, path, body).json()["code"] == "station_state"
    word["inspected"] = True  # type: ignore[assignment]
    assert post(courier, path, body).json()["result"] == {
        "dropped": 1, "accepted": 1, "refused": 0, "missing": [], "surplus": [], "balanced": True,
    }  # fmt: skip


def test_the_activity_report_comes_from_the_ledger(
    dispatcher: Any, services: Services, handed_in: str, due_day: Any
) -> None:
    """The day's report counts the drop-off, its marketplace and its age, by scene, with every definition."""
    services.clock.advance(600)
    query = {"region": "qianjiang", "day": due_day.isoformat(), "by": "scene", "kind": "all"}
    report = dispatcher.get("/activity", params=query).json()
    total = report["total"]
    assert (total["installed"], total["active"], total["drop_offs"], total["open"]) == (3, 1, 1, 1)
    assert (total["return_share"], report["returns"]) == (1.0, {"douyin": 1})
    assert [row["group"] for row in report["groups"]] == ["pharmacy"]
    assert report["open_drops"] == [handed_in]
    assert set(report["definitions"]) >= {"active_share", "active_share_week", "uptime"}


def test_s2_a_stations_economics_come_from_its_own_events(
    keeper: Any, services: Services, counter: list[str], handed_in: str
) -> None:
    """One parcel fetched by code and one sent: a keeper's minute and a half, and the sending's income, to the fen."""
    post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[0]}]})
    post(keeper, f"/stations/{STATION}:take-out", {"digits": digits_for(services, counter[0])})
    found = keeper.get(f"/stations/{STATION}/economics", params={"last_day": "2026-03-04", "days": 1}).json()
    assert (found["self_service"], found["labour_saved_fen"], found["sending_income_fen"]) == (1, 45, 300)
    assert found["labour_saved_per_year_fen"] == 45 * 365
    assert found["reported_labour_fen_per_year"] == [3_220_000, 3_890_000]


def test_messages_are_for_the_message_service_only(client_of: Any, keeper: Any, counter: list[str]) -> None:
    """The recipient's message waits for the operator's message service; a keeper cannot read it; sent is sent."""
    post(keeper, f"/stations/{STATION}:deposit", {"items": [{"key": counter[0]}]})
    assert keeper.get("/notices").status_code == 403
    admin = client_of("admin")
    (notice,) = admin.get("/notices").json()["items"]
    assert "取件码" in notice["text_zh"]
    post(admin, f"/notices/{notice['id']}:sent")
    assert admin.get("/notices").json()["items"] == []


@pytest.fixture(autouse=True)
def _no_phone_in_the_log(caplog: Any) -> Iterator[None]:
    """Look at every log line of these tests: no phone, no code."""
    yield
    assert "15412345678" not in caplog.text
