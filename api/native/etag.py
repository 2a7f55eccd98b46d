"""Strong entity tags (RFC 9110 section 8.8.3): equal tag, equal bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.encoders import jsonable_encoder

from api.errors import IfMatchMissingError, IfMatchStaleError

IfMatch = Annotated[str | None, Header(alias="If-Match", description="ETag of what was read. Required.")]


def etag_of(content: Any) -> str:
    """Return the strong tag of a JSON document."""
    text = json.dumps(jsonable_encoder(content), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _listed(header: str) -> list[str]:
    return [tag.strip() for tag in header.split(",") if tag.strip()]


def json_with_etag(request: Request, content: Any, tag: str | None = None) -> Response:
    """Answer with a JSON document and its tag, or 304 when the caller has it already."""
    body = jsonable_encoder(content)
    tag = tag or etag_of(body)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = [entry.removeprefix("W/") for entry in _listed(request.headers.get("if-none-match", ""))]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, media_type="application/json", headers=headers)


def check_if_match(header: str | None, present: str, **links: str) -> None:
    """Let a change pass only when it was decided on the present state (API-04).

    Raises
    ------
    IfMatchMissingError
        If the header is missing (428).
    IfMatchStaleError
        If the tag is not the present one (412); the problem's params carry the present tag.
    """
    if header is None:
        raise IfMatchMissingError("header If-Match is missing", header="If-Match", etag=present)
    if present not in _listed(header):
        raise IfMatchStaleError("this was changed since you read it", etag=present, **links)
