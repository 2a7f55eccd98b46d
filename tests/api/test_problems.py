"""Every failure is a problem a program can understand."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import httpx
import pytest

from api.app import MAX_BODY_BYTES, create_app
from api.problems import json_pointer
from api.server import ServerThread
from api.services import Services
from kernel.log import set_up_logging


@pytest.fixture
def written_log() -> io.StringIO:
    """Give what the server writes into its log."""
    stream = io.StringIO()
    set_up_logging("info", "json", stream)
    return stream


def _is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"urn:cunda:problem:{code}"
    assert body["instance"] == f"urn:cunda:request:{answer.headers['x-request-id']}"
    assert {"title", "detail", "params", "remedy"} <= body.keys()
    return dict(body)


def test_api_02_a_wrong_field_is_pointed_at(nobody: httpx.Client) -> None:
    """Whoever sends a form with two mistakes is shown both, by JSON pointer and code."""
    answer = nobody.post("/session:login", json={"username": 7, "pass/word": "x", "password": "y"})
    body = _is_problem(answer, 422, "invalid_request")
    errors = {(error["in"], error["pointer"], error["code"]) for error in body["errors"]}  # type: ignore[attr-defined]
    assert errors == {("body", "/username", "string_type"), ("body", "/pass~1word", "extra_forbidden")}


def test_api_12_unknown_fields_are_refused(nobody: httpx.Client) -> None:
    """A misspelt field is an error and not silently ignored."""
    answer = nobody.post("/session:login", json={"username": "a", "password": "b", "cooky": True})
    body = _is_problem(answer, 422, "invalid_request")
    assert body["errors"][0]["pointer"] == "/cooky"  # type: ignore[index]


def test_a_misspelt_query_parameter_is_refused(dispatcher: httpx.Client) -> None:
    """A filter whose name is misspelt is an error instead of an unfiltered list."""
    body = _is_problem(dispatcher.get("/events", params={"aftr": 3}), 422, "invalid_request")
    assert body["errors"][0] == {  # type: ignore[index]
        "in": "query", "pointer": "/aftr", "code": "extra_forbidden", "message": "There is no such parameter",
        "params": {},
    }  # fmt: skip


def test_an_unknown_path_is_a_problem(nobody: httpx.Client) -> None:
    """A path that does not exist answers in the same form as everything else."""
    _is_problem(nobody.get("/nothing-here"), 404, "unknown_route")


def test_a_wrong_method_is_a_problem(nobody: httpx.Client) -> None:
    """A path used with the wrong method says which it takes."""
    answer = nobody.delete("/me")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert answer.json()["code"] == "unknown_route"


def test_broken_json_is_a_problem(nobody: httpx.Client) -> None:
    """A body cut off on the way is refused politely."""
    answer = nobody.post("/session:login", content=b'{"username": ', headers={"content-type": "application/json"})
    _is_problem(answer, 422, "invalid_request")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_is_refused(nobody: httpx.Client, chunked: bool) -> None:
    """Nobody can fill the server's memory with one request, whether or not its length is announced."""
    big = json.dumps({"username": "a", "password": "b" * (MAX_BODY_BYTES + 1)}).encode()
    content = iter([big[:1_000_000], big[1_000_000:]]) if chunked else big
    answer = nobody.post("/session:login", content=content, headers={"content-type": "application/json"})  # type: ignore[arg-type]
    body = _is_problem(answer, 413, "body_too_large")
    assert body["params"] == {"max_bytes": MAX_BODY_BYTES}


def test_an_unexpected_error_shows_no_stack(services: Services, written_log: io.StringIO) -> None:
    """When we make a mistake the caller gets a request id, and the log behind that id has the stack."""
    app = create_app(services)

    @app.get("/api/v1/broken")
    def broken() -> None:
        raise ZeroDivisionError("the secret reason")

    with ServerThread(app) as running:
        answer = httpx.get(f"{running.url}/api/v1/broken")
    _is_problem(answer, 500, "internal")
    assert "secret reason" not in answer.text
    assert "Traceback" not in answer.text
    log = written_log.getvalue()
    assert "the secret reason" in log
    assert answer.headers["x-request-id"] in log


def test_a_request_keeps_the_id_it_came_with(nobody: httpx.Client) -> None:
    """A caller's own request id is used, so that both logs can be matched; a hostile one is replaced."""
    assert nobody.get("/health", headers={"X-Request-Id": "shop-7"}).headers["x-request-id"] == "shop-7"
    assert nobody.get("/health", headers={"X-Request-Id": "a b<script>"}).headers["x-request-id"] != "a b<script>"


def test_api_18_the_access_log_has_no_query_and_no_secret(nobody: httpx.Client, written_log: io.StringIO) -> None:
    """The log names path, status and duration of a request, never its query, password or token."""
    nobody.get("/health", params={"api_key": "very-secret"}, headers={"Authorization": "Bearer also-secret"})
    nobody.post("/session:login", json={"username": "dispatcher-1", "password": "guess of a password"})
    wanted = {"/api/v1/health", "/api/v1/session:login"}
    requests: list[dict[str, Any]] = []
    patience_s = time.monotonic() + 10.0
    while not wanted <= {line["path"] for line in requests} and time.monotonic() < patience_s:
        time.sleep(0.02)  # the line is written when the answer has gone out
        lines = [json.loads(line) for line in written_log.getvalue().splitlines()]
        requests = [line for line in lines if line["event"] == "request"]
    assert {line["path"] for line in requests} >= wanted
    assert all({"status", "duration_ms", "method", "request_id"} <= line.keys() for line in requests)
    text = json.dumps(lines)
    assert "very-secret" not in text
    assert "also-secret" not in text
    assert "guess of a password" not in text


def test_a_browser_is_told_to_be_careful(nobody: httpx.Client) -> None:
    """Every answer forbids framing, sniffing and requests to other origins."""
    headers = nobody.get("/health").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "connect-src 'self'" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, no-cache"
    assert "server" not in headers


def test_ready_tells_that_the_database_answers(nobody: httpx.Client) -> None:
    """The server says that it can work only when the database fits this program."""
    assert nobody.get("/ready").json()["status"] == "ready"


def test_a_json_pointer_escapes_its_signs() -> None:
    """A field with a slash or a tilde in its name is still pointed at."""
    assert json_pointer(["a/b", "c~d", 0]) == "/a~1b/c~0d/0"
