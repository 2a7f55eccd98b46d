"""What can be wrong with shared delivery.

::

    InvalidFileError (kernel)
    └── SharingPolicyError             a policy file cannot be read, or a field of it is wrong
        ├── PolicyCoveredTwiceError    a township has two rules for one company
        ├── PolicyUncoveredError       a township has no rule for a company
        ├── PolicyUnknownIdError       it names a township, contractor or village that does not exist
        ├── RateOverlapError           two lines of a rate card price the same parcel
        └── RateMissingError           no line of a rate card prices a parcel
    InvalidModelError (kernel)
    └── ComparisonError                modes cannot be compared with what was given
        └── ComparisonPlanRejectedError    the independent checker refuses a simulated plan
    InputError (kernel)
    └── SharesError                    a cost cannot be shared as asked
    InternalError (kernel)
    └── SharesSolveError               the linear program of the nucleolus was not solved
    ConflictError (kernel)
    └── SharingPolicyStaleError        a newer version of the policy is in force
"""

from __future__ import annotations

from kernel.errors import ConflictError, InputError, InternalError, InvalidFileError, InvalidModelError


class SharingPolicyError(InvalidFileError):
    """A policy cannot be read, or one of its fields cannot be meant; the policy in force stays in force."""

    code = "sharing_policy"
    remedy = "Correct the entry and field named in the message; docs/sharing.md describes the file."


class PolicyCoveredTwiceError(SharingPolicyError):
    """Two rules of equal precision say how one company's parcels of a township are delivered."""

    code = "sharing_policy_covered_twice"
    remedy = "Take the township or the company out of one of the two rules."


class PolicyUncoveredError(SharingPolicyError):
    """No rule says how a company's parcels of a township are delivered."""

    code = "sharing_policy_uncovered"
    remedy = 'Add the township to a rule, or add a rule for all others: townships = ["*"], companies = ["*"].'


class PolicyUnknownIdError(SharingPolicyError):
    """The policy names a township, village or contractor that does not exist."""

    code = "sharing_policy_unknown_id"
    remedy = "Take the id from `cunda region list` or from the policy's own contractors."


class RateOverlapError(SharingPolicyError):
    """Two lines of a rate card price the same parcel on the same day."""

    code = "sharing_rate_overlap"
    remedy = "Narrow the company, product, area, weight or dates of one of the two lines."


class RateMissingError(SharingPolicyError):
    """No line of a rate card prices a parcel."""

    code = "sharing_rate_missing"
    remedy = "Add a line for the company, product, area and weight named in the message."


class ComparisonError(InvalidModelError):
    """Modes cannot be compared with what was given."""

    code = "sharing_comparison"
    remedy = "Correct the value named in the message."


class ComparisonPlanRejectedError(ComparisonError):
    """The independent checker refuses a simulated plan; nothing is reported."""

    code = "sharing_comparison_plan_rejected"
    status = 500
    remedy = "Report it with region, seed and day: the search made a plan it should not make."


class SharesError(InputError):
    """A cost cannot be shared as asked."""

    code = "sharing_shares"
    remedy = "Choose another rule, or a plan version with parcels of at least one company on routes."


class SharesSolveError(InternalError):
    """The linear program of the nucleolus was not solved."""

    code = "sharing_shares_solve"
    remedy = "Choose another rule and report the plan version and the message."


class SharingPolicyStaleError(ConflictError):
    """A newer version of the policy is in force than the one to be adopted."""

    code = "sharing_policy_stale"
    remedy = "Give the file a higher version number than the policy in force."
