"""Errors as RFC 9457 problem details.

A client translates ``code`` and ``params``; ``detail`` is for the person who reads a log. Every problem
names its request, so that a report can be matched with the server's log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.errors import InvalidRequestError, UnknownRouteError
from kernel.errors import CundaError, InternalError
from kernel.log import get_logger

MEDIA_TYPE = "application/problem+json"
_RETRY_DEFAULT_S = 5

#: Name of the schema below in the API description: every failure of every route points at it.
PROBLEM_NAME = "Problem"
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details; clients translate `code` and `params`, never `detail`.",
    "required": ["type", "title", "status", "detail", "code", "params", "remedy", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "`urn:cunda:problem:` and the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "`urn:cunda:request:` and the request id."},
        "code": {"type": "string"},
        "params": {"type": "object"},
        "remedy": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["in", "pointer", "code", "message", "params"],
                "properties": {
                    "in": {"type": "string", "enum": ["body", "query", "path", "header", "cookie"]},
                    "pointer": {"type": "string", "description": "RFC 6901 JSON pointer, or `/name` of a parameter."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "params": {"type": "object"},
                },
            },
        },
    },
}


def request_id(request: Request) -> str:
    """Return the id of the request being served."""
    return str(getattr(request.state, "request_id", "-"))


def problem_body(error: CundaError, request_name: str, errors: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Write an error as problem details."""
    body: dict[str, Any] = {
        "type": f"urn:cunda:problem:{error.code}",
        "title": first_sentence(type(error)),
        "status": error.status,
        "detail": error.message,
        "instance": f"urn:cunda:request:{request_name}",
        "code": error.code,
        "params": jsonable_encoder(error.params),
        "remedy": error.remedy,
    }
    if errors:
        body["errors"] = list(errors)
    return body


def first_sentence(error: type[CundaError]) -> str:
    """Return what a class of errors means, from its docstring."""
    lines = (error.__doc__ or error.code).strip().splitlines()
    return lines[0].rstrip(".")


def problem_response(error: CundaError, request_name: str, errors: Sequence[Mapping[str, Any]] = ()) -> JSONResponse:
    """Answer with an error; 429 and 503 say when to come back (API-17)."""
    headers = {}
    if error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(int(error.params.get("retry_after_s", _RETRY_DEFAULT_S)))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        problem_body(error, request_name, errors), status_code=error.status, headers=headers, media_type=MEDIA_TYPE
    )


def json_pointer(path: Sequence[str | int]) -> str:
    """Write a path into a document as RFC 6901 JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def field_problem(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Write one finding of a validation as an entry of ``errors``."""
    location = list(entry["loc"])
    where = str(location[0]) if location else "body"
    params = {name: value for name, value in (entry.get("ctx") or {}).items() if isinstance(value, str | int | float)}
    return {
        "in": where,
        "pointer": json_pointer(location[1:]),
        "code": str(entry["type"]),
        "message": str(entry["msg"]),
        "params": params,
    }


def install_problem_handlers(app: FastAPI) -> None:
    """Make every failure of the application a problem."""
    app.add_exception_handler(CundaError, _on_cunda_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_cunda_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CundaError)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        get_logger("api").error("request_failed", error_code=error.code, detail=error.message)
    return problem_response(error, request_id(request))


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [field_problem(entry) for entry in error.errors()]
    first = fields[0] if fields else {"in": "body", "pointer": "", "message": "malformed"}
    summary = InvalidRequestError(
        f"{first['in']} {first['pointer'] or '/'}: {first['message']}", count=len(fields), pointer=first["pointer"]
    )
    return problem_response(summary, request_id(request), fields)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, CundaError):  # raised while the body was being read
        return await _on_cunda_error(request, error.__cause__)
    if error.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        problem: CundaError = UnknownRouteError(f"{request.method} {request.url.path} is not served here")
    else:
        problem = InvalidRequestError(str(error.detail))
    response = problem_response(problem, request_id(request))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.status_code = HTTPStatus.METHOD_NOT_ALLOWED
        response.headers.update(error.headers or {})
    return response


def unexpected_problem(error: Exception, request_name: str, path: str) -> JSONResponse:
    """Answer with "our mistake": the stack goes to the log only, the client gets the request id to quote."""
    get_logger("api").error("unexpected_error", path=path, exc_info=(type(error), error, error.__traceback__))
    return problem_response(InternalError("an unexpected error happened", request_id=request_name), request_name)
