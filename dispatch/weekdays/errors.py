"""What can be wrong with promised weekdays.

::

    InvalidModelError (kernel)
    └── WeekdayModelError              villages, promises or vehicles contradict each other
        └── WeekdayPatternImpossibleError   no choice of weekdays keeps a promise
    NotFoundError (kernel)
    └── WeekdayVersionNotFoundError    no such version of a region's weekdays
    ConflictError (kernel)
    └── WeekdayAcceptedError           another version was accepted meanwhile
"""

from __future__ import annotations

from kernel.errors import ConflictError, InvalidModelError, NotFoundError


class WeekdayModelError(InvalidModelError):
    """Villages, promises or vehicles contradict each other."""

    code = "weekday_model"
    remedy = "Correct the village and field named in the message."


class WeekdayPatternImpossibleError(WeekdayModelError):
    """No choice of weekdays keeps a village's promise."""

    code = "weekday_pattern_impossible"
    remedy = "Promise fewer visits or a longer gap, add a service day, or use a larger vehicle."


class WeekdayVersionNotFoundError(NotFoundError):
    """There is no such version of a region's weekdays."""

    code = "weekday_version_not_found"
    remedy = "List the versions of the region; ids are given there."


class WeekdayAcceptedError(ConflictError):
    """Another version of the weekdays was accepted since this one was made."""

    code = "weekday_accepted_meanwhile"
    remedy = "Make the weekdays again from the version in force, then accept."
