"""Errors of plans."""

from __future__ import annotations

from kernel.errors import ConflictError, InputError, InternalError, NotFoundError, StaleError


class PlanNotFoundError(NotFoundError):
    """There is no plan, or none published, for this region and day."""

    code = "plan_not_found"
    remedy = "Make a plan for the region and day and publish it; a list call shows what there is."


class PlanVersionNotFoundError(NotFoundError):
    """No plan version has this id."""

    code = "plan_version_not_found"
    remedy = "List the plan's versions and use one of their ids."


class NoRouteError(NotFoundError):
    """The courier has no route on this day."""

    code = "no_route"
    remedy = "Ask the dispatcher whether a plan is published and which vehicle is yours today."


class NothingDueError(ConflictError):
    """No parcel is due, so there is nothing to plan."""

    code = "nothing_due"
    remedy = "Import the day's manifest first, or choose the day the parcels are due."


class StalePlanError(StaleError):
    """Another version was published since this one was made."""

    code = "stale_plan"
    remedy = "Look at what was published meanwhile, plan again on top of it and publish that."


class PlanUnderWayError(ConflictError):
    """A new plan would take parcels off vans that are loaded or under way."""

    code = "plan_under_way"
    remedy = "Let the courier bring the parcels back or report them, then plan again; drop-offs can be inserted."


class PlanRejectedError(InternalError):
    """The independent checker found the solver's plan to break a rule; the plan was not stored."""

    code = "plan_rejected"
    remedy = "Report it with the violations named; plan again with another seed meanwhile."


class ParcelNotOnRouteError(NotFoundError):
    """The parcel was never on a published route of this courier on this day."""

    code = "parcel_not_on_route"
    remedy = "Scan the label again; hand a parcel that is not yours to the office."


class OutcomeError(InputError):
    """A courier's report cannot be true as it stands."""

    code = "outcome"
    remedy = "Give kind, parcel and time; a failed attempt also needs cause and next action."


class NotACollectionError(InputError):
    """A parcel that is to be inserted is not waiting at a site to be collected."""

    code = "not_a_collection"
    remedy = "Only parcels with direction collect that wait at a kiosk, cabinet or station can be inserted."


class EditCommandError(InputError):
    """An edit names something the plan does not have, or lacks something it needs."""

    code = "edit_command"
    remedy = "Correct the field named; reading the draft shows its vehicles and stops."


class EditViolatesError(ConflictError):
    """An edit would break rules that were kept before; nothing was changed."""

    code = "edit_violates"
    remedy = "Choose another place, or repeat the edit as an override with a reason."


class ContradictoryLocksError(ConflictError):
    """Locks contradict each other, or what is loaded, done or accepted."""

    code = "contradictory_locks"
    remedy = "Remove one of the locks named; what is loaded or done cannot be unlocked."


class DraftNotFoundError(NotFoundError):
    """There is no draft of this id."""

    code = "draft_not_found"
    remedy = "List the plan's drafts and use one of their ids."


class DraftClosedError(ConflictError):
    """The draft was saved or discarded; it takes no more edits."""

    code = "draft_closed"
    remedy = "Open a new draft on the version you want to change."


class DraftStaleError(StaleError):
    """Somebody edited the draft meanwhile."""

    code = "draft_stale"
    remedy = "Read the draft again, look at the steps made meanwhile and repeat the edit."


class NothingToUndoError(ConflictError):
    """There is no step to take back, or none to repeat."""

    code = "nothing_to_undo"
    remedy = "Read the draft: it lists the steps that can be taken back or repeated."


class PlanClosedError(ConflictError):
    """The plan's day is closed; its versions stay as they are."""

    code = "plan_closed"
    remedy = "Plan the next day; what is still open is due there."


class ProposalNotFoundError(NotFoundError):
    """There is no proposal of this id, or it has no such part."""

    code = "proposal_not_found"
    remedy = "Re-optimise again and use the ids in the answer."


class ProposalStaleError(StaleError):
    """The draft was edited after the proposal was made."""

    code = "proposal_stale"
    remedy = "Re-optimise again from the present state of the draft."


class NoOfferError(NotFoundError):
    """There is no change of this route that waits for the courier's answer."""

    code = "no_offer"
    remedy = "Pull the route again; its changes name the version to answer."
