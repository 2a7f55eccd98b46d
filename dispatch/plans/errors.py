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
