"""Serves the built web pages; where they are not built, says how to build them."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api.errors import WebNotBuiltError

STATIC = Path(__file__).parent / "static"
#: Pages, and the folders they load from. Nothing else of the build is reachable.
PAGES = ("console", "courier", "station")
_FOLDERS = ("assets", "icons")
_MANIFEST = "courier.webmanifest"
#: Names in here carry a digest of their content, so a browser may keep them.
_FOREVER = "public, max-age=31536000, immutable"

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Cunda</title>
<body style="font: 16px/1.5 system-ui; max-width: 40em; margin: 4em auto; padding: 0 1em">
<h1>The web pages are not built</h1>
<p>This installation runs from sources whose pages were never built. Build them with</p>
<pre>scripts/build-web</pre>
<p>and load this page again; the server need not be restarted. The API works without them.</p>
<p lang="zh">网页尚未构建：运行 <code>scripts/build-web</code> 后刷新本页。</p>
</body></html>
"""


class BuiltFiles:
    """One folder of the build, looked at anew with each request.

    Parameters
    ----------
    folder
        The folder.
    is_page
        Whether a person asks for it: then a missing build is answered with a page.
    cache_control
        How long a browser may keep its files.
    """

    def __init__(self, folder: Path, *, is_page: bool, cache_control: str) -> None:
        self._folder = folder
        self._is_page = is_page
        self._cache_control = cache_control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""
        if self._folder.is_dir():
            response = await self._file(scope)
        elif self._is_page:
            response = HTMLResponse(_NOT_BUILT, status_code=503)
        else:
            raise WebNotBuiltError(f"{scope['path']} is part of the web pages, which are not built")
        await response(scope, receive, send)

    async def _file(self, scope: Scope) -> Response:
        files = StaticFiles(directory=self._folder, html=self._is_page)
        response = await files.get_response(files.get_path(scope), scope)
        response.headers["Cache-Control"] = self._cache_control
        return response


def mount_pages(app: FastAPI, static: Path = STATIC) -> None:
    """Let the application serve the pages beside the API."""
    for page in PAGES:
        app.mount(f"/{page}", BuiltFiles(static / page, is_page=True, cache_control="no-cache"), name=page)
    for folder in _FOLDERS:
        app.mount(f"/{folder}", BuiltFiles(static / folder, is_page=False, cache_control=_FOREVER), name=folder)

    @app.get("/", include_in_schema=False)
    def start() -> RedirectResponse:
        return RedirectResponse("/console/")

    @app.get(f"/{_MANIFEST}", include_in_schema=False)
    def manifest() -> Response:
        path = static / _MANIFEST
        if not path.is_file():
            raise WebNotBuiltError(f"/{_MANIFEST} is part of the web pages, which are not built")
        return Response(path.read_bytes(), media_type="application/manifest+json")
