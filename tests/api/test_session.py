"""Logging in, staying in and being thrown out."""

from __future__ import annotations

import httpx
import pytest

from api.auth.service import MAX_FAILURES_PER_USER, REUSE_GRACE_S, NewUser
from api.errors import UserExistsError, UserFieldError, WeakPasswordError
from api.services import Services
from kernel.clock import ManualClock

PASSWORD = "correct horse battery"


def _log_in(client: httpx.Client, password: str = PASSWORD, **more: object) -> httpx.Response:
    return client.post("/session:login", json={"username": "dispatcher-1", "password": password, **more})


def test_a_login_tells_who_it_is(nobody: httpx.Client) -> None:
    """A dispatcher who logs in gets a token, and the token says who it belongs to."""
    session = _log_in(nobody).json()
    answer = nobody.get("/me", headers={"Authorization": f"Bearer {session['access_token']}"})
    assert answer.status_code == 200
    assert answer.json()["username"] == "dispatcher-1"
    assert answer.json()["role"] == "dispatcher"
    assert session["access_expires_in_s"] == 900


def test_a_wrong_password_and_an_unknown_name_answer_alike(nobody: httpx.Client) -> None:
    """Somebody who guesses cannot learn which names exist."""
    wrong = _log_in(nobody, "wrong password")
    unknown = nobody.post("/session:login", json={"username": "who", "password": "wrong password"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == unknown.json()["code"] == "bad_credentials"
    assert wrong.json()["detail"] == unknown.json()["detail"]


def test_guessing_is_slowed_down(nobody: httpx.Client, clock: ManualClock) -> None:
    """After eight wrong passwords the right one is refused too, until five minutes have passed."""
    for _ in range(MAX_FAILURES_PER_USER):
        assert _log_in(nobody, "wrong password").status_code == 401
    refused = _log_in(nobody)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "300"
    clock.advance(301)
    assert _log_in(nobody).status_code == 200


def test_api_13_an_access_token_is_short(nobody: httpx.Client, clock: ManualClock) -> None:
    """A token stops working after fifteen minutes, and the refresh token brings a new one."""
    session = _log_in(nobody).json()
    clock.advance(901)
    old = nobody.get("/me", headers={"Authorization": f"Bearer {session['access_token']}"})
    assert old.status_code == 401
    assert old.json()["params"]["reason"] == "expired"
    fresh = nobody.post("/session:refresh", json={"refresh_token": session["refresh_token"]}).json()
    assert nobody.get("/me", headers={"Authorization": f"Bearer {fresh['access_token']}"}).status_code == 200


def test_two_tabs_may_refresh_at_the_same_moment(nobody: httpx.Client) -> None:
    """A dispatcher with two tabs open is not thrown out because both refresh at once."""
    first = _log_in(nobody).json()
    for _ in range(2):
        fresh = nobody.post("/session:refresh", json={"refresh_token": first["refresh_token"]})
        assert fresh.status_code == 200
        bearer = {"Authorization": f"Bearer {fresh.json()['access_token']}"}
        assert nobody.get("/me", headers=bearer).status_code == 200


def test_ended_sessions_are_forgotten(nobody: httpx.Client, services: Services, clock: ManualClock) -> None:
    """Sessions that ended long ago do not pile up in the database."""
    _log_in(nobody)
    clock.advance(40 * 24 * 3600)
    _log_in(nobody)
    with services.database.read() as reading:
        assert reading.connection().exec_driver_sql("SELECT count(*) FROM user_session").scalar() == 1
        assert reading.connection().exec_driver_sql("SELECT count(*) FROM refresh_token").scalar() == 1


def test_a_stolen_refresh_token_ends_the_session(nobody: httpx.Client, clock: ManualClock) -> None:
    """When a refresh token is used twice, nobody who holds a token of that session gets further."""
    first = _log_in(nobody).json()
    second = nobody.post("/session:refresh", json={"refresh_token": first["refresh_token"]}).json()
    clock.advance(REUSE_GRACE_S + 1)
    again = nobody.post("/session:refresh", json={"refresh_token": first["refresh_token"]})
    assert again.status_code == 401
    assert again.json()["params"]["reason"] == "reused"
    assert nobody.get("/me", headers={"Authorization": f"Bearer {second['access_token']}"}).status_code == 401
    assert nobody.post("/session:refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401


def test_logging_out_ends_the_tokens_at_once(dispatcher: httpx.Client) -> None:
    """A dispatcher who logs out on a shared computer leaves nothing usable behind."""
    assert dispatcher.post("/session:logout").status_code == 204
    assert dispatcher.get("/me").status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x.y.z", "Basic YTpi", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."]
)
def test_a_token_that_is_not_ours_is_refused(nobody: httpx.Client, header: str) -> None:
    """A forged or broken token gets a clear refusal, never an error of ours."""
    answer = nobody.get("/me", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "token"


def test_api_09_the_console_logs_in_by_cookie(nobody: httpx.Client) -> None:
    """The web page's tokens live in cookies that its scripts cannot read, and the answer holds none."""
    answer = _log_in(nobody, cookie=True)
    assert answer.json()["access_token"] is None
    assert answer.json()["refresh_token"] is None
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in cookie and "samesite=strict" in cookie.lower() for cookie in cookies)
    assert nobody.get("/me").json()["username"] == "dispatcher-1"
    assert nobody.post("/session:refresh", json={}).status_code == 200
    assert nobody.post("/session:logout").status_code == 204
    assert nobody.get("/me").status_code == 401


def test_another_origins_page_cannot_act_by_cookie(nobody: httpx.Client) -> None:
    """A page of another program on the same machine cannot use the console's login."""
    _log_in(nobody, cookie=True)
    foreign = nobody.post("/session:logout", headers={"Origin": "http://127.0.0.1:1"})
    assert foreign.status_code == 403
    assert foreign.json()["code"] == "foreign_origin"
    own = f"http://{nobody.base_url.host}:{nobody.base_url.port}"
    assert nobody.post("/session:logout", headers={"Origin": own}).status_code == 204


def test_a_new_password_ends_the_old_sessions(dispatcher: httpx.Client, services: Services) -> None:
    """Whoever had the old password is out as soon as the new one is set."""
    services.accounts.set_password("dispatcher-1", "another good password")
    assert dispatcher.get("/me").status_code == 401


def test_an_administrator_makes_and_removes_a_user(admin: httpx.Client, nobody: httpx.Client) -> None:
    """A user made over the API can log in until an administrator takes the access away."""
    body = {"username": "finance-2", "password": PASSWORD, "role": "finance"}
    made = admin.post("/users", json=body, headers={"Idempotency-Key": "k1"})
    assert made.status_code == 201
    assert made.headers["Location"] == "/api/v1/users/finance-2"
    assert "finance-2" in [user["username"] for user in admin.get("/users").json()["items"]]
    session = nobody.post("/session:login", json={"username": "finance-2", "password": PASSWORD}).json()
    assert admin.delete("/users/finance-2").status_code == 204
    gone = nobody.get("/me", headers={"Authorization": f"Bearer {session['access_token']}"})
    assert gone.status_code == 401


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (NewUser("A b", PASSWORD, "admin"), UserFieldError),
        (NewUser("someone", PASSWORD, "king"), UserFieldError),
        (NewUser("someone", PASSWORD, "courier"), UserFieldError),
        (NewUser("someone", PASSWORD, "company_viewer"), UserFieldError),
        (NewUser("someone", "short", "admin"), WeakPasswordError),
    ],
)
def test_a_user_that_does_not_fit_is_refused(services: Services, new: NewUser, problem: type[Exception]) -> None:
    """A login with a bad name, an unknown role or a missing link is not made."""
    with pytest.raises(problem):
        services.accounts.add(new)
    assert services.accounts.list_users() == []


def test_a_name_is_given_once(services: Services) -> None:
    """Two people cannot have the same name."""
    services.accounts.add(NewUser("someone", PASSWORD, "admin"))
    with pytest.raises(UserExistsError):
        services.accounts.add(NewUser("someone", PASSWORD, "finance"))


def test_passwords_and_tokens_are_stored_only_as_digests(services: Services, nobody: httpx.Client) -> None:
    """Whoever steals the database finds neither a password nor a usable token."""
    session = _log_in(nobody).json()
    with services.database.read() as reading:
        raw = reading.connection().exec_driver_sql("SELECT digest FROM refresh_token").scalars().all()
        hashes = reading.connection().exec_driver_sql("SELECT password_hash FROM user_account").scalars().all()
    assert session["refresh_token"] not in raw
    assert all(found.startswith("$argon2id$") for found in hashes)
