"""The form every native body and answer has: unknown fields are refused on the way in (API-12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from api.problems import MEDIA_TYPE, PROBLEM_NAME


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse query parameters the route does not know: a misspelt filter must not return everything.

    Raises
    ------
    RequestValidationError
        Naming each unknown parameter.
    """
    route = request.scope.get("route")
    known = {field.alias for field in _query_fields(route.dependant)} if isinstance(route, APIRoute) else set()
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise RequestValidationError(
            [
                {"type": "extra_forbidden", "loc": ("query", name), "msg": "There is no such parameter"}
                for name in unknown
            ]
        )


def _query_fields(dependant: Dependant) -> Iterator[Any]:
    yield from dependant.query_params
    for below in dependant.dependencies:
        yield from _query_fields(below)


class Body(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


_PROBLEM_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{PROBLEM_NAME}"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the failures of a route for the API description."""
    words = {
        304: "Not changed since the ETag sent.",
        400: "A value or header is wrong.",
        401: "No valid login.",
        403: "The role may not do this.",
        404: "No such thing, or not the caller's.",
        409: "Not in the present state.",
        412: "Changed since it was read.",
        413: "Too large.",
        422: "The body or file cannot be used; `errors` points at the fields.",
        428: "A condition header is missing.",
        429: "Too often; see Retry-After.",
        503: "Something needed does not answer; see Retry-After.",
    }
    return {
        status: {"description": words[status]} | ({} if status == 304 else {"content": _PROBLEM_CONTENT})
        for status in sorted({401, 403, 422, *statuses})
    }
