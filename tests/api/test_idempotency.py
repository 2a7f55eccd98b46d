"""A request repeated after a lost answer is done once (API-03)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from api.app import create_app
from api.auth.service import Identity
from api.errors import IdempotencyKeyMissingError
from api.native.idempotency import CLAIM_LEASE_S, KEPT_S, IdempotencyKey, answer, once
from api.server import ServerThread
from api.services import Services
from kernel.clock import ManualClock
from kernel.errors import ConflictError

_SOMEBODY = Identity("u-1", "somebody", "dispatcher", "s-1")


@pytest.fixture
def till(services: Services) -> Iterator[tuple[httpx.Client, list[int], threading.Event]]:
    """Serve one route that counts its calls, is slow when asked and fails when asked."""
    app: FastAPI = create_app(services)
    calls: list[int] = []
    waiting = threading.Event()

    @app.post("/count")
    def count(request: Request, amount: int = 1, slow: bool = False, key: IdempotencyKey = None) -> JSONResponse:
        def act() -> object:
            calls.append(amount)
            if slow:
                waiting.wait(10)
            if amount < 0:
                raise ConflictError("not now")
            return answer({"calls": len(calls)}, 201)

        return once(request, key, {"amount": amount}, _SOMEBODY, services).around(act)  # type: ignore[arg-type]

    with ServerThread(app) as running, httpx.Client(base_url=running.url, timeout=30) as client:
        yield client, calls, waiting


def _post(client: httpx.Client, key: str | None, **params: int | bool) -> httpx.Response:
    return client.post("/count", params=params, headers={"Idempotency-Key": key} if key else {})


def test_the_same_key_gets_the_same_answer(till: tuple[httpx.Client, list[int], threading.Event]) -> None:
    """A handheld that repeats a request because the answer was lost does not do it twice."""
    client, calls, _ = till
    first, again = _post(client, "k"), _post(client, "k")
    assert first.json() == again.json() == {"calls": 1}
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert calls == [1]


def test_the_same_key_with_another_content_is_refused(
    till: tuple[httpx.Client, list[int], threading.Event],
) -> None:
    """A key used again for something else is a mistake, and nothing is done."""
    client, calls, _ = till
    _post(client, "k")
    refused = _post(client, "k", amount=2)
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key_reused"
    assert calls == [1]


def test_a_missing_key_is_refused(till: tuple[httpx.Client, list[int], threading.Event]) -> None:
    """A request that acts must carry a key."""
    client, calls, _ = till
    refused = _post(client, None)
    assert refused.status_code == 400
    assert refused.json()["code"] == IdempotencyKeyMissingError.code
    assert calls == []


def test_a_repeat_while_the_first_runs_waits(till: tuple[httpx.Client, list[int], threading.Event]) -> None:
    """A repeat that comes while the first is still running is told to come back."""
    client, calls, waiting = till
    first = threading.Thread(target=_post, args=(client, "k"), kwargs={"slow": True})
    first.start()
    while not calls:
        pass
    early = _post(client, "k")
    waiting.set()
    first.join()
    assert early.status_code == 409
    assert early.json()["code"] == "idempotency_key_busy"
    assert _post(client, "k").json() == {"calls": 1}


def test_a_failure_may_be_tried_again(till: tuple[httpx.Client, list[int], threading.Event]) -> None:
    """When the first attempt was refused, the same key may be used once the cause is gone."""
    client, calls, _ = till
    assert _post(client, "k", amount=-1).status_code == 409
    assert _post(client, "k", amount=-1).status_code == 409
    assert calls == [-1, -1]


def test_a_key_is_kept_for_two_days(till: tuple[httpx.Client, list[int], threading.Event], clock: ManualClock) -> None:
    """A repeat the next day still gets the first answer; after two days the key is free."""
    client, _calls, _ = till
    _post(client, "k")
    clock.advance(24 * 3600)
    assert _post(client, "k").json() == {"calls": 1}
    clock.advance(KEPT_S)
    assert _post(client, "k").json() == {"calls": 2}


def test_the_claim_of_a_crashed_server_is_taken_over(services: Services, clock: ManualClock) -> None:
    """A key whose first request died with the server is usable again after two minutes."""
    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [], "query_string": b"", "server": ("h", 80)}
    turn = once(Request(scope), "k", {}, _SOMEBODY, services)
    with services.database.begin() as session:
        assert turn._claim(session) is None
    clock.advance(CLAIM_LEASE_S + 1)
    assert turn.around(lambda: answer({"ok": True})).status_code == 200


def test_two_people_may_use_the_same_key(admin: httpx.Client, client_of: object, services: Services) -> None:
    """Keys belong to their user: somebody else's answer is never replayed."""
    body = {"username": "new-1", "password": "correct horse battery", "role": "finance"}
    assert admin.post("/users", json=body, headers={"Idempotency-Key": "k"}).status_code == 201
    replay = admin.post("/users", json=body, headers={"Idempotency-Key": "k"})
    assert replay.status_code == 201
    assert replay.headers["Idempotency-Replayed"] == "true"
    refused = client_of("dispatcher").post("/users", json=body, headers={"Idempotency-Key": "k"})  # type: ignore[operator]
    assert refused.status_code == 403
