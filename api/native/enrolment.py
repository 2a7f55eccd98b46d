"""Devices that join: a one-time code for credentials."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from api.auth.access import ServicesDep
from api.devices import redeem_code
from api.native.form import Body, View, problems
from firmware_bridge.signing import encode_bytes

router = APIRouter(tags=["devices"])


class Redemption(Body):
    """A one-time enrolment code, as `cunda device enrol` printed it."""

    code: str = Field(min_length=1, max_length=64)


class CredentialsView(View):
    """Everything a device needs, given this once; certificates are empty where the broker has no TLS."""

    device: str
    area: str
    broker_url: str
    profile: str
    password: str
    kid: str
    secret: str
    ca: str
    certificate: str
    private_key: str


@router.post("/enrolment:redeem", responses=problems(403, 422, 503))
def redeem_enrolment(body: Redemption, services: ServicesDep) -> CredentialsView:
    """Trade a one-time code for a device's credentials; the code is the permission, and serves once."""
    given, broker, ca = redeem_code(services, body.code)
    reached = broker.public or broker.address
    made = given.certificate
    return CredentialsView(
        device=given.address.device,
        area=given.address.area,
        broker_url=reached.url,
        profile=broker.profile.value,
        password=given.password,
        kid=given.key.kid,
        secret=encode_bytes(given.key.secret),
        ca=ca,
        certificate=made.certificate if made is not None else "",
        private_key=made.key if made is not None else "",
    )
