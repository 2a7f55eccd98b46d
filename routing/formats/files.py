"""Open problem and plan files of any known format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from routing.formats.errors import PlanFileError, ProblemFileError, UnknownProblemFormatError
from routing.formats.instances import BenchmarkProblem, make_problem
from routing.formats.plane import CONVENTIONS, PlaneInstance, Rounding
from routing.formats.plans import PlanFile, read_plan
from routing.formats.solomon import read_lilim, read_solomon
from routing.formats.vroom import read_vroom
from routing.formats.vrplib import read_vrplib
from routing.problem import Problem

FormatName = Literal["auto", "vrplib", "solomon", "lilim", "vroom"]
FORMATS: tuple[FormatName, ...] = ("auto", "vrplib", "solomon", "lilim", "vroom")

# No problem we can hold in memory has a larger text; a larger file is a mistake or an attack.
MAX_BYTES = 512 * 1024 * 1024


def read_text(path: Path) -> str:
    """Read a text file as UTF-8, whatever its line ends; bytes that are none become question marks.

    Raises
    ------
    ProblemFileError
        If it does not exist, is a folder, is empty or is larger than half a gigabyte.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ProblemFileError(f"{path.name}: {size} bytes are more than {MAX_BYTES}")
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise ProblemFileError(f"{path}: cannot be read ({error.strerror})") from error
    if not text.strip():
        raise ProblemFileError(f"{path.name}: the file is empty")
    return text


def detect_format(text: str, source: str = "problem") -> FormatName:
    """Tell a problem's format from its text.

    Raises
    ------
    UnknownProblemFormatError
        If it looks like none.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return "vroom"
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if any("_SECTION" in line[0] for line in lines) or any(line[0].startswith("DIMENSION") for line in lines):
        return "vrplib"
    if "CUSTOMER" in {line[0].upper() for line in lines[:12]}:
        return "solomon"
    numeric = [line for line in lines[:4] if all(_is_number(word) for word in line)]
    if len(numeric) >= 2 and len(numeric[0]) in (2, 3) and len(numeric[1]) == 9:
        return "lilim"
    raise UnknownProblemFormatError(f"{source}: the text is neither VRPLIB, Solomon, Li & Lim nor VROOM JSON")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def read_instance(path: str | Path, format: FormatName = "auto") -> PlaneInstance:
    """Read a benchmark instance as its file states it.

    Raises
    ------
    ProblemFileError, UnsupportedFieldError
        If the text cannot be understood.
    UnknownProblemFormatError
        If no format fits, or `format` is not the name of a benchmark format.
    """
    path = Path(path)
    text = read_text(path)
    name = detect_format(text, path.name) if format == "auto" else format
    readers = {"vrplib": read_vrplib, "solomon": read_solomon, "lilim": read_lilim}
    if name not in readers:
        raise UnknownProblemFormatError(f"{path.name}: {name!r} is not a benchmark format")
    return readers[name](text, path.stem)


def read_benchmark(
    path: str | Path, format: FormatName = "auto", rounding: str | Rounding | None = None
) -> BenchmarkProblem:
    """Read a benchmark instance with its problem and the way back to node numbers; see :func:`read_problem`."""
    return make_problem(read_instance(path, format), _rounding(rounding))


def read_problem(path: str | Path, format: FormatName = "auto", rounding: str | Rounding | None = None) -> Problem:
    """Read a problem file of any known format.

    Parameters
    ----------
    format
        One of :data:`FORMATS`; ``auto`` looks at the text.
    rounding
        How distances of benchmark files become integers: a name of
        :data:`~routing.formats.plane.CONVENTIONS` or a :class:`~routing.formats.plane.Rounding`; the family's
        usual one when omitted. VROOM files hold integers already.

    Raises
    ------
    ProblemFileError, VroomInputError, UnsupportedFieldError
        If the text cannot be understood; the message names file, line or field.
    UnknownProblemFormatError
        If no format fits.
    InvalidProblemError
        If the file is well formed but its problem contradicts itself.
    """
    path = Path(path)
    text = read_text(path)
    name = detect_format(text, path.name) if format == "auto" else format
    if name == "vroom":
        try:
            document = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ProblemFileError(f"{path.name}: is not JSON ({error})") from error
        return read_vroom(document).problem
    return read_benchmark(path, name, rounding).problem


def read_plan_file(path: str | Path) -> PlanFile:
    """Read a ``.sol`` file or a plan of SINTEF's tables.

    Raises
    ------
    PlanFileError
        If there are no routes in it, or it cannot be read.
    """
    path = Path(path)
    try:
        return read_plan(read_text(path), path.name)
    except ProblemFileError as error:
        raise PlanFileError(error.message) from error


def _rounding(rounding: str | Rounding | None) -> Rounding | None:
    if rounding is None or isinstance(rounding, Rounding):
        return rounding
    for convention in CONVENTIONS:
        if rounding == convention:
            return Rounding(convention)
    raise UnknownProblemFormatError(
        f"{rounding!r} is not a rounding convention", remedy=f"Use one of {', '.join(CONVENTIONS)}."
    )
