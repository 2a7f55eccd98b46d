"""Import every room's tables, so that one metadata knows them all (migrations, tests, bootstrap)."""

from __future__ import annotations

from importlib import import_module

_MODEL_MODULES = (
    "kernel.events",
    "lockers.registry.model",
    "lockers.siting.model",
    "dispatch.parcels.model",
    "dispatch.custody.model",
    "dispatch.products.model",
    "dispatch.fleet.model",
    "dispatch.plans.model",
    "dispatch.plans.draft_model",
    "dispatch.sorting.model",
    "dispatch.weekdays.model",
    "dispatch.habit.model",
    "dispatch.sharing.model",
    "dispatch.stations.model",
    "firmware_bridge.server.model",
    "firmware_bridge.pki.model",
    "api.auth.model",
    "api.operations.model",
)


for _name in _MODEL_MODULES:
    import_module(_name)
