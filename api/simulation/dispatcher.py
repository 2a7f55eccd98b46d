"""The dispatcher's policy as a program: it plans, watches, re-plans under a budget and publishes, all over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from api.simulation.person import Person
from api.simulation.world import DISPATCHER, World
from kernel.progress import Progress

_BUDGET: Final = {"moved_vehicle": 60, "moved_order": 60, "dropped": 0}
"""How much one event may disturb; what cannot be kept is published all the same and told so."""

_MAY_BE_REFUSED: Final = (200, 409)

Rescue = Callable[[set[str]], None]


@dataclass
class PlanState:
    """The plan as the dispatcher knows it.

    Attributes
    ----------
    digests
        By version id, the digest read when the version was made; compared again in the evening.
    routes
        Route id by courier, of the version in force.
    """

    plan_id: str = ""
    in_force: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)


class Dispatcher:
    """One dispatcher's program.

    Parameters
    ----------
    tell
        Rings the handheld of a courier whose route changed.
    """

    def __init__(self, world: World, tell: Callable[[str], None], progress: Progress) -> None:
        self.world, self._tell, self._progress = world, tell, progress
        self.person: Person = world.person(DISPATCHER)
        self.plan = PlanState()
        self.log: list[dict[str, Any]] = []
        self._settled: set[str] = set()

    # -- the morning -------------------------------------------------------------------------------------------

    def import_manifest(self, data: bytes, name: str) -> dict[str, Any]:
        """Send a manifest in."""
        options = self.world.options
        answer = self.person.answer(
            "POST", "/parcels:import", data={"region": options.region, "day": options.day.isoformat()},
            files={"file": (name, data, "text/csv")}, headers={"Idempotency-Key": name},
        )  # fmt: skip
        return dict(answer.json())

    def make_plan(self) -> dict[str, Any]:
        """Plan the day and put the plan in force."""
        options = self.world.options
        order = {
            "region": options.region, "day": options.day.isoformat(), "seconds": options.plan_seconds,
            "seed": options.seed,
        }  # fmt: skip
        made = self._follow(self.person.act("/plans:make", order))
        self.plan.plan_id = made["plan_id"]
        path = f"/plans/{self.plan.plan_id}"
        tag = self.person.answer("GET", path).headers["ETag"]
        body = {"version_id": made["version_id"], "reason": "the morning's plan"}
        self.person.act(f"{path}:publish", body, if_match=tag)
        self.look()
        return made

    # -- the running day ---------------------------------------------------------------------------------------

    def look(self) -> None:
        """Read what is in force, and ring up the couriers whose route is another one now."""
        view = self.person.get(f"/plans/{self.plan.plan_id}")
        for version in view["versions"]:
            if version["id"] not in self.plan.digests:
                self.plan.digests[version["id"]] = self.person.get(f"/versions/{version['id']}")["digest"]
        if view["in_force"] == self.plan.in_force:
            return
        self.plan.in_force = view["in_force"]
        before = self.plan.routes
        items = self.person.get(f"/versions/{self.plan.in_force}/routes")["items"]
        self.plan.routes = {one["courier_id"]: one["id"] for one in items}
        for courier_id in sorted(before.keys() | self.plan.routes.keys()):
            if before.get(courier_id) != self.plan.routes.get(courier_id):
                self._tell(courier_id)

    def event(self, event: Mapping[str, Any], reason: str, rescue: Rescue | None = None, **told: Any) -> None:
        """Take an event into the plan in force; what keeps the budget is in force at once, the rest by decision.

        Parameters
        ----------
        rescue
            Takes goods from a vehicle that no other vehicle can take over today; a plan that leaves goods on a
            loaded vehicle without a route is not published.
        """
        order = {"event": dict(event), "reason": reason, "publish": True, "optimize": self._order()}
        found = self._follow(self.person.act(f"/plans/{self.plan.plan_id}:event", order))
        if found["published"] is None:
            if rescue is not None:
                waiting = self.person.get(f"/drafts/{found['draft_id']}")["waiting"]
                rescue({parcel_id for stop in waiting for parcel_id in stop["parcels"]})
            self._save(found["draft_id"], f"{reason}; no plan keeps the budget")
        self._note(str(event["kind"]), found, reason=reason, **told)

    def visit_again(self, stops: Sequence[str]) -> None:
        """Plan second visits: one draft, an edit for each, a re-optimisation, accepted, saved and published."""
        draft = self._open("second visits")
        edits = [{"kind": "retry", "stop": key, "after_s": self.world.timeline.now_s + 1800} for key in stops]
        planned = [edit for edit in edits if self._edit(draft, edit, "the recipient rang up")]
        self._finish(draft, "second visits", asked=len(stops), planned=len(planned))

    def settle_refusals(self) -> None:
        """Plan the routes anew whose couriers refused a change."""
        answers = self.person.get(f"/plans/{self.plan.plan_id}/answers")["items"]
        in_force = set(self.plan.routes.values()) - self._settled
        refused = [one for one in answers if one["answer"] == "refused" and one["route_id"] in in_force]
        if refused:
            self._settled |= {one["route_id"] for one in refused}
            couriers = sorted(one["courier_id"] for one in refused)
            self._finish(self._open("refused changes"), "refused changes", couriers=couriers)

    def close(self) -> None:
        """Close the day: the plan takes no more changes."""
        self.person.act(f"/plans/{self.plan.plan_id}:close", {"reason": "everybody is back"})

    # -- drafts ------------------------------------------------------------------------------------------------

    def _order(self) -> dict[str, Any]:
        options = self.world.options
        return {"budget": dict(_BUDGET), "seconds": options.replan_seconds, "seed": options.seed}

    def _open(self, name: str) -> str:
        return str(self.person.act(f"/versions/{self.plan.in_force}/drafts", {"name": name}).json()["id"])

    def _tag(self, draft: str) -> str:
        return str(self.person.answer("GET", f"/drafts/{draft}").headers["ETag"])

    def _edit(self, draft: str, command: Mapping[str, Any], reason: str) -> bool:
        """Do an edit; false when it names what has changed meanwhile."""
        body = {"command": dict(command), "reason": reason, "override": True}
        tried = self.person.answer(
            "POST", f"/drafts/{draft}:try", expect=(200, 400, 409), json={"command": dict(command)}
        )
        if tried.status_code != httpx.codes.OK:
            return False
        self.person.act(f"/drafts/{draft}:edit", body, if_match=self._tag(draft))
        return True

    def _finish(self, draft: str, name: str, **told: Any) -> None:
        """Re-optimise a draft under the budget, accept what was found, put it in force."""
        found = self._follow(self.person.act(f"/drafts/{draft}:optimize", self._order()))
        if found["parts"]:
            self.person.act(f"/drafts/{draft}:accept", {"proposal_id": found["proposal_id"]}, if_match=self._tag(draft))
        self._save(draft, name)
        self._note(name, found, **told)

    def _save(self, draft: str, reason: str) -> None:
        """Save and publish; a draft that would leave goods on a loaded vehicle is given up."""
        body = {"reason": reason, "publish": True}
        saved = self.person.act(f"/drafts/{draft}:save", body, expect=_MAY_BE_REFUSED, if_match=self._tag(draft))
        if saved.status_code == httpx.codes.CONFLICT:
            self.person.act(f"/drafts/{draft}:discard", {"reason": saved.json()["code"]}, if_match=self._tag(draft))

    def _follow(self, answer: httpx.Response) -> dict[str, Any]:
        return self.person.follow_operation(answer.json(), self._progress)

    def _note(self, kind: str, found: Mapping[str, Any], **told: Any) -> None:
        before = self.plan.in_force
        self.look()
        chosen = found["chosen"]
        self.log.append(
            {
                "at": self.world.timeline.stamp(),
                "kind": kind,
                **told,
                "level": chosen["level"],
                "cost_fen": chosen["cost_fen"],
                "waiting": chosen["waiting"],
                "disturbance": chosen["disturbance"],
                "exceeded": chosen["exceeded"],
                "within_budget": chosen["within_budget"],
                "gap_percent": found["gap_percent"],
                "version": len(self.plan.digests) if self.plan.in_force != before else None,
            }
        )
