"""What can be wrong with a routing problem, a plan, or a call to the solver.

::

    InvalidModelError (kernel)
    └── InvalidProblemError        any contradiction inside a Problem
        ├── NegativeValueError     a quantity below zero
        ├── WindowError            a window that ends before it starts
        ├── MatrixShapeError       a matrix of the wrong shape
        ├── MatrixValueError       NaN, infinite or negative entries
        ├── UnreachablePlaceError  no vehicle can get there or back
        ├── UnknownReferenceError  an id or index that does not exist
        ├── DuplicateIdError       two things of one kind with one id
        ├── DimensionError         loads or capacities of the wrong length
        ├── MagnitudeError         numbers so large that sums could overflow
        └── ContradictionError     two rules that exclude each other
    InputError (kernel)
    ├── InvalidPlanError           a start plan that does not fit its problem
    ├── InvalidStopRuleError       a stopping rule that can never or only at once be true
    └── UnsupportedFeatureError    the core does not search over this rule yet
"""

from __future__ import annotations

from typing import ClassVar

from kernel.errors import InputError, InvalidModelError


class InvalidProblemError(InvalidModelError):
    """A routing problem contradicts itself.

    Parameters
    ----------
    subject
        The object, for example ``"task 'p-17'"``.
    field
        The field of that object.
    reason
        What is wrong, as the end of a sentence that starts with object and field.
    remedy
        What to do about it.
    """

    code: ClassVar[str] = "invalid_problem"

    def __init__(self, subject: str, field: str, reason: str, *, remedy: str | None = None) -> None:
        super().__init__(f"{subject}: {field} {reason}", remedy=remedy, object=subject, field=field)


class NegativeValueError(InvalidProblemError):
    """A quantity that must not be negative is."""

    code = "problem_negative_value"
    remedy = "Give zero or more; an absent limit is None, not a negative number."


class WindowError(InvalidProblemError):
    """A time window ends before it starts, or windows of one object overlap."""

    code = "problem_window"
    remedy = "Give windows as (open_s, close_s) with open_s <= close_s, in order and apart."


class MatrixShapeError(InvalidProblemError):
    """A matrix is not square, or not of the size of the others."""

    code = "problem_matrix_shape"
    remedy = "Give square matrices with one row and one column for each location."


class MatrixValueError(InvalidProblemError):
    """A matrix holds NaN, infinity or a negative number."""

    code = "problem_matrix_value"
    remedy = "Mark legs without a road with routing.problem.UNREACHABLE and correct the others."


class UnreachablePlaceError(InvalidProblemError):
    """No vehicle that may serve a task can reach its place and come back."""

    code = "problem_unreachable_place"
    remedy = "Leave the task out and report it, or give the place a road (or an estimate) in the matrix."


class UnknownReferenceError(InvalidProblemError):
    """A field names something that does not exist."""

    code = "problem_unknown_reference"
    remedy = "Add the missing object first, or correct the name."


class DuplicateIdError(InvalidProblemError):
    """Two objects of one kind carry the same id."""

    code = "problem_duplicate_id"
    remedy = "Give every object of one kind an id of its own."


class DimensionError(InvalidProblemError):
    """A load or capacity has another number of dimensions than the problem."""

    code = "problem_dimension"
    remedy = "Give one number for each load dimension, in the problem's order."


class MagnitudeError(InvalidProblemError):
    """Numbers are so large that a sum over a plan could overflow 64 bits."""

    code = "problem_magnitude"
    remedy = "Use a coarser unit (metres instead of millimetres, fen instead of fractions of it)."


class ContradictionError(InvalidProblemError):
    """Two rules of the problem exclude each other whatever the plan."""

    code = "problem_contradiction"
    remedy = "Drop one of the two rules named in the message."


class InvalidPlanError(InputError):
    """A plan does not fit its problem: unknown tasks, a task twice, an unknown vehicle."""

    code = "routing_invalid_plan"
    remedy = "Build the plan from the same problem it is used with."


class InvalidStopRuleError(InputError):
    """A stopping rule makes no sense, for example a negative time."""

    code = "routing_stop_rule"
    remedy = "Give a positive number of seconds or iterations."


class UnsupportedFeatureError(InputError):
    """The problem uses rules that the search core does not handle."""

    code = "routing_unsupported_feature"
    remedy = "Remove the rules named in the message, or apply them to the plan afterwards."

    def __init__(self, features: tuple[str, ...]) -> None:
        super().__init__(f"the search core does not handle: {', '.join(features)}", features=list(features))
