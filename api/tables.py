"""Import every room's tables, so that one metadata knows them all (migrations, tests, bootstrap)."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

_MODEL_MODULES = (
    "kernel.events",
    "lockers.registry.model",
    "dispatch.parcels.model",
    "dispatch.custody.model",
    "dispatch.products.model",
    "dispatch.fleet.model",
    "dispatch.plans.model",
    "dispatch.plans.draft_model",
    "dispatch.weekdays.model",
    "dispatch.stations.model",
    "firmware_bridge.server.model",
    "firmware_bridge.pki.model",
    "api.auth.model",
    "api.operations.model",
    "api.native.model",
)


def _present(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


for _name in _MODEL_MODULES:
    if _present(_name):
        import_module(_name)
