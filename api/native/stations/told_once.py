"""Answers that hold a secret only once: what is kept for repeats of a call holds none."""

from __future__ import annotations

import base64
import json
from typing import Any

from fastapi.responses import JSONResponse

from api.services import Services
from dispatch.stations.model import EntryPass, StationCode, StationDock


def with_digits(services: Services, made: JSONResponse) -> JSONResponse:
    """Add a code's digits to an answer; the answer kept for repeats holds none."""
    with services.database.read() as session:
        code = session.get_one(StationCode, _body(made)["code_id"])
        return _extended(made, {"digits": services.stations.codes.digits(code)})


def with_key(services: Services, made: JSONResponse) -> JSONResponse:
    """Add a pass's key to an answer; the answer kept for repeats holds none."""
    with services.database.read() as session:
        key = services.stations.visits.pass_key(session.get_one(EntryPass, _body(made)["pass_id"]))
    return _extended(made, {"key_base32": base64.b32encode(key).decode().rstrip("=")})


def with_run_code(services: Services, made: JSONResponse) -> JSONResponse:
    """Add the code of a vehicle's call to an answer; the answer kept for repeats holds none."""
    with services.database.read() as session:
        row = session.get_one(StationDock, _body(made)["id"])
        return _extended(made, {"code": services.stations.docks.code(row)})


def _body(made: JSONResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(made.body))
    return found


def _extended(made: JSONResponse, more: dict[str, Any]) -> JSONResponse:
    replayed = {name: value for name, value in made.headers.items() if name == "idempotency-replayed"}
    return JSONResponse(_body(made) | more, status_code=made.status_code, headers=replayed)
