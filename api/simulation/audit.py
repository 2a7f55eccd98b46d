"""What is read in the evening: the ledger, every plan version, and the couriers' own notes."""

from __future__ import annotations

from typing import Any

from api.simulation.account import Account, Fact, Standing, account
from api.simulation.day import DayState
from dispatch.custody.projection import in_order
from dispatch.custody.repository import CustodyRepository


def audit_parcels(state: DayState) -> Account:
    """Account for every parcel the ledger knows."""
    world, person = state.world, state.dispatcher.person
    standings = [
        Standing(one["id"], one["company_id"], one["status"], one["custodian"], one["next_step"])
        for one in person.pages("/parcels", region=world.options.region)
    ]
    in_force = state.dispatcher.plan.in_force
    left_out = person.pages(f"/versions/{in_force}/unassigned")
    reasons = state.refused | {one["parcel_id"]: one["code"] for one in left_out}
    with world.services.database.read() as session:
        known = CustodyRepository(session).facts_of_many([one.parcel_id for one in standings])
    facts = [
        Fact(parcel_id, one.type, one.from_custodian, one.to_custodian, one.cause, one.next_action)
        for parcel_id, mine in known.items()
        for _, one in in_order(mine)
    ]
    return account(facts, standings, reasons)


def audit_versions(state: DayState) -> dict[str, Any]:
    """Read every version again: all there, numbered without a gap, each from its parent, and none changed since."""
    dispatcher = state.dispatcher
    person, known = dispatcher.person, dispatcher.plan.digests
    listed = person.get(f"/plans/{dispatcher.plan.plan_id}")["versions"]
    entries, lost = [], sorted(known.keys() - {one["id"] for one in listed})
    for one in sorted(listed, key=lambda version: int(version["number"])):
        version = person.get(f"/versions/{one['id']}")
        routes = person.get(f"/versions/{one['id']}/routes")["items"]
        readable = len(routes) == version["routes"] and sum(route["stops"] for route in routes) == version["stops"]
        entries.append(
            {
                "number": version["number"], "kind": version["kind"], "reason": version["reason"],
                "actor": version["actor"].partition(":")[0], "created_at": version["created_at"],
                "published": one["published_at"] is not None, "routes": version["routes"], "stops": version["stops"],
                "distance_m": version["distance_m"], "cost_fen": version["cost_fen"], "digest": version["digest"],
                "readable": readable, "unchanged": known.get(one["id"]) == version["digest"],
            }
        )  # fmt: skip
    numbers = [one["number"] for one in entries]
    ids = {one["id"] for one in listed}
    parents = all(one["parent_id"] is None or one["parent_id"] in ids for one in listed)
    holds = (
        not lost
        and numbers == list(range(1, len(numbers) + 1))
        and parents
        and all(one["readable"] and one["unchanged"] for one in entries)
    )
    return {"versions": len(entries), "lost": lost, "holds": holds, "items": entries}
