"""What changed reaches everybody who listens, once, in order, also after a broken connection."""

from __future__ import annotations

import json

import httpx
from sqlalchemy import update

from api.auth.model import User
from api.services import Services
from kernel.events import append_event


def _tell(services: Services, *subjects: str) -> None:
    now = services.clock.now()
    with services.database.begin() as session:
        for subject in subjects:
            append_event(session, "plan.published", subject, {"version": 1}, fact_at=now, committed_at=now)


def _read(client: httpx.Client, count: int, last: str | None = None) -> list[tuple[str, str, str]]:
    """Read so many events of the stream as (id, event, subject), then leave."""
    headers = {"Last-Event-ID": last} if last is not None else {}
    found: list[tuple[str, str, str]] = []
    name = kind = ""
    with client.stream("GET", "/stream", headers=headers) as answer:
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            if field == "id":
                name = value
            elif field == "event":
                kind = value
            elif field == "data":
                found.append((name, kind, json.loads(value).get("subject", "")))
                if len(found) == count:
                    break
    return found


def test_api_07_the_feed_is_read_in_pages(dispatcher: httpx.Client, services: Services) -> None:
    """A partner's program reads all changes in commit order, page by page, and knows where to go on."""
    _tell(services, *(f"plan:{number}" for number in range(5)))
    first = dispatcher.get("/events", params={"limit": 3}).json()
    rest = dispatcher.get("/events", params={"after": first["next_after"]}).json()
    subjects = [event["subject"] for event in first["items"] + rest["items"]]
    assert subjects == [f"plan:{number}" for number in range(5)]
    assert dispatcher.get("/events", params={"after": rest["next_after"]}).json()["items"] == []


def test_api_09_the_stream_goes_on_where_it_broke(dispatcher: httpx.Client, services: Services) -> None:
    """A console that lost its connection misses nothing of what happened meanwhile."""
    _tell(services, "plan:0", "plan:1", "plan:2")
    start = dispatcher.get("/events").json()["items"][0]["position"]
    assert [subject for _, _, subject in _read(dispatcher, 2, last=str(start))] == ["plan:1", "plan:2"]


def test_a_position_we_never_had_is_answered_with_reset(dispatcher: httpx.Client, services: Services) -> None:
    """A console that kept a position of another database is told to fetch everything again."""
    _tell(services, "plan:0")
    for last in ("999999", "nonsense", "-4"):
        assert _read(dispatcher, 1, last=last)[0][1] == "reset"


def test_api_15_another_region_s_changes_are_not_told(dispatcher: httpx.Client, services: Services) -> None:
    """A dispatcher bound to one county hears nothing of another's, and still moves on in the feed."""
    _tell(services, "plan:0")
    now = services.clock.now()
    with services.database.begin() as session:
        session.execute(update(User).where(User.username == "dispatcher-1").values(region="demo"))
        append_event(session, "plan.made", "plan:1", {"region": "demo"}, fact_at=now, committed_at=now)
        append_event(session, "plan.made", "plan:2", {"region": "other"}, fact_at=now, committed_at=now)
    page = dispatcher.get("/events").json()
    assert [event["subject"] for event in page["items"]] == ["plan:1"]
    assert page["next_after"] == page["newest"]
    assert [subject for _, _, subject in _read(dispatcher, 1, last="0")] == ["plan:1"]


def test_the_feed_is_not_for_couriers(client_of: object) -> None:
    """A courier does not see what happens on other people's routes."""
    for role in ("courier", "company_viewer", "station", "finance"):
        answer = client_of(role).get("/events")  # type: ignore[operator]
        assert answer.status_code == 403
        assert answer.json()["code"] == "role"
