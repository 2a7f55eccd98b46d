"""What can be wrong with a file that describes a routing problem or a plan."""

from __future__ import annotations

from kernel.errors import InvalidFileError


class ProblemFileError(InvalidFileError):
    """A problem file cannot be read; the message names file, line and section."""

    code = "problem_file"
    remedy = "Correct the line named in the message, or fetch the file again from its source."


class UnknownProblemFormatError(InvalidFileError):
    """Nothing in the file tells which of the known formats it is."""

    code = "unknown_problem_format"
    remedy = "Name the format: vrplib, solomon, lilim or vroom."


class PlanFileError(InvalidFileError):
    """A file of routes cannot be read, or names nodes the problem does not have."""

    code = "plan_file"
    remedy = "Check that the routes belong to this problem and number its nodes from 0, depots first."


class VroomInputError(InvalidFileError):
    """A VROOM JSON problem contradicts VROOM's own rules; ``params['field']`` is the path to it."""

    code = "vroom_input"
    status = 400
    remedy = "Correct the field named in the message; docs/solver/formats.md lists all of them."


class UnsupportedFieldError(InvalidFileError):
    """A file asks for something that its reader or writer cannot express."""

    code = "unsupported_field"
    remedy = "Remove the field, or choose a format that has it; docs/solver/formats.md says which."
