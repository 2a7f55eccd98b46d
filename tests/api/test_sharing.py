"""Modes of shared delivery, the policy and fair shares over HTTP and on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import tomli_w

from api.auth.passwords import hash_password
from api.auth.service import NewUser
from api.cli.main import main
from api.services import Services
from dispatch.plans.loading import Atlas
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.repository import PlanRepository
from dispatch.plans.summary import VersionSummary
from dispatch.sharing.shares.choices import ShareRule
from dispatch.sharing.shares.version import load_shared

_keys = count(1)
SMALL = {"first_day": "2026-03-04", "days": 2, "parcels": 40, "companies": 3, "iterations": 200, "processes": 1}


def post(client: httpx.Client, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    """Send a command with a key of its own."""
    return client.post(path, json=body, headers={"Idempotency-Key": f"s{next(_keys)}"} | headers)


def test_shr_01_modes_are_compared_on_one_demand(
    dispatcher: httpx.Client, two_villages: str, carry_out: Callable[..., dict[str, Any]]
) -> None:
    """A dispatcher starts a comparison and gets every way to deliver, per company, with its assumptions."""
    done = carry_out(dispatcher, "/modes:compare", SMALL | {"region": two_villages})

    assert done["state"] == "succeeded", done["problem"]
    result = done["result"]
    by_id = {one["id"]: one for one in result["scenarios"]}
    assert {"joint", "township-contract", "station-reuse", "separate", "best-mix"} <= set(by_id)
    assert by_id["joint"]["total"]["cost_fen"] <= by_id["separate"]["total"]["cost_fen"]
    assert by_id["best-mix"]["total"]["cost_fen"] <= by_id["joint"]["total"]["cost_fen"]
    assert {one["total"]["parcels"] for one in by_id.values()} == {80}
    for one in by_id.values():
        assert sum(line["cost_fen"] for line in one["companies"].values()) == one["total"]["cost_fen"]
    assert [one["township"] for one in result["best_mix"]] == ["429005100"]
    assert "IPCC" in json.dumps(result["assumptions"])


def test_finance_follows_only_its_own_comparison(
    client_of: Callable[[str], httpx.Client],
    dispatcher: httpx.Client,
    two_villages: str,
    carry_out: Callable[..., dict[str, Any]],
) -> None:
    """Finance may compare modes, and does not see what dispatchers have running."""
    finance = client_of("finance")

    own = carry_out(finance, "/modes:compare", SMALL | {"region": two_villages, "days": 1})
    others = carry_out(dispatcher, "/modes:compare", SMALL | {"region": two_villages, "days": 1})

    assert own["state"] == "succeeded", own["problem"]
    assert finance.get(f"/operations/{others['id']}").status_code == 404


def test_a_policy_is_replaced_only_by_who_read_it(dispatcher: httpx.Client, two_villages: str) -> None:
    """Without the tag 428, with an old one 412, with the present one the policy is in force."""
    read = dispatcher.get("/sharing/policy", params={"region": two_villages})
    body = {"policy": read.json()["policy"], "reason": "spring"}

    assert read.json()["version"] == 0
    assert post(dispatcher, "/sharing/policy:adopt", body).status_code == 428
    made = post(dispatcher, "/sharing/policy:adopt", body, **{"If-Match": read.headers["ETag"]})
    stale = post(dispatcher, "/sharing/policy:adopt", body, **{"If-Match": read.headers["ETag"]})

    assert (made.status_code, made.json()["version"], made.json()["reason"]) == (200, 1, "spring"), made.text
    assert stale.status_code == 412
    assert dispatcher.get("/sharing/policy", params={"region": two_villages}).json()["version"] == 1


def test_a_refused_policy_leaves_the_one_in_force(dispatcher: httpx.Client, two_villages: str) -> None:
    """A policy that covers the township twice is refused with its id; what was in force stays."""
    read = dispatcher.get("/sharing/policy", params={"region": two_villages})
    post(dispatcher, "/sharing/policy:adopt", {"policy": read.json()["policy"]}, **{"If-Match": read.headers["ETag"]})
    before = dispatcher.get("/sharing/policy", params={"region": two_villages})
    twice = {"townships": ["429005100"], "companies": ["*"], "mode": "joint"}
    wrong = before.json()["policy"] | {"version": 2, "rule": [twice, twice]}

    refused = post(dispatcher, "/sharing/policy:adopt", {"policy": wrong}, **{"If-Match": before.headers["ETag"]})

    assert (refused.status_code, refused.json()["code"]) == (422, "sharing_policy_covered_twice")
    assert refused.json()["params"]["townships"] == ["429005100"]
    assert dispatcher.get("/sharing/policy", params={"region": two_villages}).json() == before.json()


def test_a_lower_version_does_not_replace_a_policy(dispatcher: httpx.Client, two_villages: str) -> None:
    """The same number with another content is refused: versions only go up."""
    read = dispatcher.get("/sharing/policy", params={"region": two_villages})
    post(dispatcher, "/sharing/policy:adopt", {"policy": read.json()["policy"]}, **{"If-Match": read.headers["ETag"]})
    now = dispatcher.get("/sharing/policy", params={"region": two_villages})
    other = now.json()["policy"] | {"source_note": "another"}

    refused = post(dispatcher, "/sharing/policy:adopt", {"policy": other}, **{"If-Match": now.headers["ETag"]})

    assert (refused.status_code, refused.json()["code"]) == (409, "sharing_policy_stale")


def test_shr_20_shares_of_a_published_plan_add_up(dispatcher: httpx.Client, published: VersionSummary) -> None:
    """Every rule shares the plan's whole cost in fen, the same each time it is asked."""
    path = f"/versions/{published.version_id}/shares"

    for rule in ShareRule:
        first, again = (dispatcher.get(path, params={"rule": rule.value}) for _ in range(2))
        assert first.status_code == 200, first.text
        assert first.json() == again.json()
        assert sum(line["share_fen"] for line in first.json()["lines"]) == first.json()["total_fen"]
        assert (first.json()["total_fen"], first.json()["digest"]) == (published.cost_fen, published.digest)
    assert dispatcher.get("/versions/none/shares").status_code == 404


def test_shr_20_everybody_together_costs_what_the_plan_costs(services: Services, published: VersionSummary) -> None:
    """Priced on its own order with all companies, each route of a stored plan costs exactly what the plan says."""
    with services.database.read() as session:
        atlas = Atlas(services.regions.load(published.region), MatrixStore(services.settings.home / "matrices"))
        version = PlanRepository(session).version(published.version_id)
        shared = load_shared(session, version, published.region, atlas)

    for route in shared.routes:
        everybody = frozenset(company for stop in route.stops for company in stop.companies())
        assert route.price_fen(everybody) == route.cost_fen


def test_shr_13_a_company_sees_its_own_line_only(
    services: Services, dispatcher: httpx.Client, client_of: Callable[[str], httpx.Client], published: VersionSummary
) -> None:
    """A company's viewer sees what it pays and would pay alone, and neither others' lines nor coalitions."""
    path = f"/versions/{published.version_id}/shares"
    whole = dispatcher.get(path).json()
    company = whole["lines"][0]["company_id"]
    with services.database.begin() as session:
        viewer = NewUser(username="own-viewer", password="x" * 20, role="company_viewer", company_id=company)
        services.accounts.add_hashed(session, viewer, hash_password("correct horse battery"))
    stranger = client_of("company_viewer")
    own = client_of("nobody")
    token = own.post("/session:login", json={"username": "own-viewer", "password": "correct horse battery"}).json()
    own.headers["Authorization"] = f"Bearer {token['access_token']}"

    seen = own.get(path)

    assert seen.json()["lines"] == whole["lines"][:1]
    assert seen.json()["complaints"] == []
    others = {line["company_id"] for line in whole["lines"][1:]}
    assert not any(f'"{one}"' in seen.text for one in others)
    if "sf" not in {line["company_id"] for line in whole["lines"]}:
        assert stranger.get(path).status_code == 404


def test_coalitions_may_be_priced_by_a_search(
    dispatcher: httpx.Client, published: VersionSummary, carry_out: Callable[..., dict[str, Any]]
) -> None:
    """As long work every coalition gets a plan of its own; alone is never dearer than on the plan's order."""
    order = {"version_id": published.version_id, "iterations": 200}
    done = carry_out(dispatcher, "/shares:compute", order)
    executed = dispatcher.get(f"/versions/{published.version_id}/shares").json()

    assert done["state"] == "succeeded", done["problem"]
    found = done["result"]
    assert (found["pricing"], found["iterations"]) == ("solver", 200)
    assert sum(line["share_fen"] for line in found["lines"]) == found["total_fen"]
    for one, other in zip(found["lines"], executed["lines"], strict=True):
        assert one["alone_fen"] <= other["alone_fen"]


def test_modes_and_shares_are_commands(
    services: Services,
    published: VersionSummary,
    two_villages: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A policy is printed, checked and adopted, modes are compared into files, a plan's cost is shared."""
    monkeypatch.setenv("CUNDA_HOME", str(services.settings.home))
    services.database.close()
    assert main(["modes", "policy", "--region", two_villages, "--json"]) == 0
    policy = json.loads(capsys.readouterr().out)
    file = tmp_path / "policy.toml"
    file.write_text(tomli_w.dumps(policy), encoding="utf-8")
    assert main(["modes", "check", str(file), "--region", two_villages]) == 0
    assert main(["modes", "adopt", str(file), "--region", two_villages, "--reason", "first"]) == 0
    capsys.readouterr()

    targets = {kind: tmp_path / f"modes.{kind}" for kind in ("json", "html", "png")}
    files = [part for kind, path in targets.items() for part in (f"--{kind}", str(path))]
    small = ["--days", "1", "--parcels", "30", "--companies", "2", "--iterations", "200", "--processes", "1"]
    assert main(["modes", "compare", "--region", two_villages, "--from", "2026-03-04", *small, *files]) == 0
    printed = capsys.readouterr().out
    assert "station-reuse" in printed
    assert "Assumptions:" in printed
    assert json.loads(targets["json"].read_text(encoding="utf-8"))["region"] == two_villages
    assert targets["png"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in targets["html"].read_text(encoding="utf-8")

    assert main(["shares", "show", "--version-id", published.version_id, "--region", two_villages, "--json"]) == 0
    shared = json.loads(capsys.readouterr().out)
    assert {one["rule"] for one in shared} >= {"shapley", "nucleolus"}
    assert main(["shares", "show", "--version-id", published.version_id, "--rule", "shapley"]) == 0
    assert "better off alone" in capsys.readouterr().out


def test_a_wrong_policy_file_changes_nothing(
    services: Services,
    two_villages: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Adopting a file that leaves the township out ends with its id and a remedy on the screen."""
    monkeypatch.setenv("CUNDA_HOME", str(services.settings.home))
    services.database.close()
    assert main(["modes", "policy", "--region", two_villages, "--json"]) == 0
    policy = json.loads(capsys.readouterr().out)
    policy["rule"] = [{"townships": ["*"], "companies": ["yunlu"], "mode": "joint"}]
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy), encoding="utf-8")

    assert main(["modes", "adopt", str(file), "--region", two_villages]) == 2

    told = capsys.readouterr().err
    assert "township 429005100" in told
    assert "sharing_policy_uncovered" in told
