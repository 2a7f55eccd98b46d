"""Problem and plan files: CVRPLIB/VRPLIB dialects, Solomon, Li & Lim, VROOM JSON, ``.sol`` and SINTEF plans."""

from __future__ import annotations

from routing.formats.errors import (
    PlanFileError,
    ProblemFileError,
    UnknownProblemFormatError,
    UnsupportedFieldError,
    VroomInputError,
)
from routing.formats.files import (
    FORMATS,
    FormatName,
    detect_format,
    read_benchmark,
    read_instance,
    read_plan_file,
    read_problem,
)
from routing.formats.instances import BenchmarkProblem, make_problem
from routing.formats.plane import CONVENTIONS, PlaneInstance, PlaneVehicle, Rounding
from routing.formats.plane_write import write_lilim, write_solomon, write_vrplib
from routing.formats.plans import PlanFile, read_plan, write_plan
from routing.formats.solomon import read_lilim, read_solomon
from routing.formats.two_echelon import (
    PlaneSatellite,
    TwoEchelonInstance,
    generate_two_echelon,
    read_two_echelon,
    read_two_echelon_file,
    write_two_echelon,
)
from routing.formats.vroom import MatrixSource, VroomProblem, VroomTask, VroomVehicle, read_vroom
from routing.formats.vroom_answer import ComputingTimes, vroom_error, write_vroom
from routing.formats.vroom_write import problem_to_vroom
from routing.formats.vrplib import read_vrplib

__all__ = [
    "CONVENTIONS",
    "FORMATS",
    "BenchmarkProblem",
    "ComputingTimes",
    "FormatName",
    "MatrixSource",
    "PlanFile",
    "PlanFileError",
    "PlaneInstance",
    "PlaneSatellite",
    "PlaneVehicle",
    "ProblemFileError",
    "Rounding",
    "TwoEchelonInstance",
    "UnknownProblemFormatError",
    "UnsupportedFieldError",
    "VroomInputError",
    "VroomProblem",
    "VroomTask",
    "VroomVehicle",
    "detect_format",
    "generate_two_echelon",
    "make_problem",
    "problem_to_vroom",
    "read_benchmark",
    "read_instance",
    "read_lilim",
    "read_plan",
    "read_plan_file",
    "read_problem",
    "read_solomon",
    "read_two_echelon",
    "read_two_echelon_file",
    "read_vroom",
    "read_vrplib",
    "vroom_error",
    "write_lilim",
    "write_plan",
    "write_solomon",
    "write_two_echelon",
    "write_vroom",
    "write_vrplib",
]
