"""The console and the courier's page come from the same server as the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.native.stream import ClosingState
from api.problems import install_problem_handlers
from api.server import ServerThread
from api.web import mount_pages


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """Give an empty folder where the build would lie."""
    return tmp_path / "static"


@pytest.fixture
def pages(static: Path) -> Iterator[httpx.Client]:
    """Serve the pages alone."""
    app = FastAPI()
    app.state.streams = ClosingState()
    install_problem_handlers(app)
    mount_pages(app, static)
    with ServerThread(app) as running, httpx.Client(base_url=running.url) as client:
        yield client


def test_a_missing_build_says_how_to_build(pages: httpx.Client) -> None:
    """Somebody who opens the console before it was built reads the one command that builds it."""
    for page in ("console", "courier", "station"):
        answer = pages.get(f"/{page}/")
        assert answer.status_code == 503
        assert "scripts/build-web" in answer.text
    assert pages.get("/assets/console.js").json()["code"] == "web_not_built"
    assert pages.get("/courier.webmanifest").json()["code"] == "web_not_built"


def test_a_build_is_served_without_a_restart(pages: httpx.Client, static: Path) -> None:
    """As soon as the pages are built they are there, and what carries a digest may be kept for ever."""
    (static / "console").mkdir(parents=True)
    (static / "assets").mkdir()
    (static / "console" / "index.html").write_text("<h1>console</h1>", encoding="utf-8")
    (static / "assets" / "console-1a2b.js").write_text("export {}", encoding="utf-8")
    (static / "courier.webmanifest").write_text("{}", encoding="utf-8")
    page = pages.get("/", follow_redirects=True)
    assert page.text == "<h1>console</h1>"
    assert page.headers["cache-control"] == "no-cache"
    assert "immutable" in pages.get("/assets/console-1a2b.js").headers["cache-control"]
    assert pages.get("/courier.webmanifest").headers["content-type"] == "application/manifest+json"


@pytest.mark.parametrize("path", ["/assets/../secret", "/console/..%2f..%2fsecret", "/assets/missing.js"])
def test_nothing_beside_the_build_is_served(pages: httpx.Client, static: Path, path: str) -> None:
    """A crafted path does not lead out of the folder of the pages."""
    for folder in ("console", "assets"):
        (static / folder).mkdir(parents=True)
    (static / "secret").write_text("secret", encoding="utf-8")
    answer = pages.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace(path, "").replace("..%2f..%2fsecret", "").replace("/secret", "")
