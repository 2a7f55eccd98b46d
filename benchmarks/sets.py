"""The benchmark sets: where their files are, which instances a sample holds, what their best-known plans cost.

The samples were drawn once, before any of our results existed, across sizes and kinds of instance, and are not
to be changed because a result displeases. ``sample`` is for 10 s runs and tables, ``short`` for 60 s runs.

Sources: X by Uchoa et al. (2017); VRPTW by Gehring and Homberger (1999); PDPTW by Li and Lim (2001); MDVRPTW by
Vidal et al. (2013); HFVRP by Pessoa et al. (2018); VRPB by Queiroga et al. (2020); MTVRPTWR by Yang (2023); prizes
after Bulhões et al. (2018). Files and best-known plans: PyVRP/Instances (MIT), SINTEF TOP and
rogalski-wmii-uni-lodz-pl/vrp-benchmarks (Unlicense).
"""

from __future__ import annotations

import csv
import tarfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import references
from routing.checker import check
from routing.formats import BenchmarkProblem, read_benchmark, read_plan_file

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "data" / "bench.tar.xz"


class SetsError(LookupError):
    """Instances or plans that are asked for and not there; the message says which and what to do."""


@dataclass(frozen=True)
class Suite:
    """One family of instances.

    Attributes
    ----------
    folders
        Of the unpacked archive, each either flat with ``.sol`` files or with a ``bks.csv``.
    rounding
        The convention of distances; None is each file's usual one.
    note
        What must be said beside any table.
    """

    name: str
    folders: tuple[str, ...]
    sample: tuple[str, ...]
    short: tuple[str, ...]
    rounding: str | None = None
    note: str = ""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite(
            "X",
            ("PyVRP/CVRP",),
            _words(
                "X-n101-k25 X-n143-k7 X-n176-k26 X-n214-k11 X-n247-k50 X-n284-k15 X-n336-k84 X-n393-k38 X-n449-k29 "
                "X-n502-k39 X-n586-k159 X-n641-k35 X-n733-k159 X-n837-k142 X-n936-k151 X-n1001-k43"
            ),
            _words("X-n143-k7 X-n247-k50 X-n336-k84 X-n502-k39 X-n733-k159 X-n1001-k43"),
            note="distance, rounded to nearest; no limit on the fleet",
        ),
        Suite(
            "GH",
            ("GehringHomberger_200", "GehringHomberger_400", "PyVRP/VRPTW"),
            _words(
                "c1_2_4 r1_2_7 rc1_2_9 c2_2_8 r2_2_5 rc2_2_3 c1_4_6 r1_4_2 rc1_4_8 c2_4_9 r2_4_4 rc2_4_1 "
                "C1_10_2 C2_10_6 R1_10_3 R2_10_7 RC1_10_4 RC2_10_9"
            ),
            _words("r1_2_7 rc2_2_3 c1_4_6 r2_4_4 R1_10_3 RC2_10_9"),
            "dimacs",
            "distance only, DIMACS tenths; published plans of 200 and 400 customers minimise vehicles first, so the "
            "gap is to the cheapest plan published or recorded",
        ),
        Suite(
            "LILIM",
            ("LiLim_200", "LiLim_400", "LiLim_1000"),
            _words(
                "lc1_2_4 lr1_2_7 lrc1_2_9 lc2_2_8 lr2_2_5 lrc2_2_3 lc1_4_6 lr1_4_2 lrc1_4_8 lc2_4_9 lr2_4_4 lrc2_4_1 "
                "lc2_10_6 lr1_10_3 lr2_10_7 lrc1_10_4"
            ),
            _words("lr1_2_7 lrc2_2_3 lc1_4_6 lr2_4_4 lr1_10_3 lrc1_10_4"),
            note="distance only, thousandths, travel times rounded up; published plans minimise vehicles first, so the "
            "gap is to the cheapest plan published or recorded",
        ),
        Suite(
            "MD",
            ("PyVRP/MDVRPTW",),
            _words("PR11A PR12B PR13A PR14B PR15A PR16B PR18A PR19B PR20A PR21B PR22A PR24B"),
            _words("PR11A PR14B PR16B PR18A PR21B PR24B"),
            note="distance in thousandths; each vehicle bound to its depot, limited duration",
        ),
        Suite(
            "HF",
            ("PyVRP/HFVRP",),
            _words(
                "X101-FSMFD X143-FSMF X181-HD X223-HVRP X270-FSMD X331-FSMF X376-HD X449-FSMFD X561-FSMD X627-HVRP "
                "X749-FSMF X895-FSMFD"
            ),
            _words("X143-FSMF X223-HVRP X376-HD X561-FSMD X749-FSMF X895-FSMFD"),
            note="distance in thousandths times unit cost, plus fixed cost",
        ),
        Suite(
            "VRPB",
            ("PyVRP/VRPB",),
            _words("X-n524-66-k129 X-n561-50-k22 X-n641-80-k28 X-n766-66-k62 X-n856-50-k48 X-n1001-80-k34"),
            _words("X-n524-66-k129 X-n561-50-k22 X-n641-80-k28 X-n766-66-k62 X-n856-50-k48 X-n1001-80-k34"),
            note="distance, rounded to nearest; deliveries before collections",
        ),
        Suite(
            "MT",
            ("PyVRP/MTVRPTWR",),
            _words(
                "C201R0.25 C206R0.75 R203R0.5 R208R0.25 RC202R0.75 RC207R0.5 C2_2_03R0.5 C2_2_09R0.25 R2_2_02R0.75 "
                "R2_2_07R0.25 RC2_2_04R0.5 RC2_2_10R0.75"
            ),
            _words("C206R0.75 R203R0.5 RC207R0.5 C2_2_09R0.25 R2_2_02R0.75 RC2_2_04R0.5"),
            note="distance in DIMACS tenths; reloads and release times",
        ),
        Suite(
            "PC",
            ("PyVRP/PCVRPTW",),
            _words("C1_10_2 R1_10_3 R2_10_7 RC2_10_9"),
            _words("C1_10_2 R1_10_3 R2_10_7 RC2_10_9"),
            note="distance plus prizes not collected, DIMACS tenths",
        ),
    )
}


@dataclass(frozen=True)
class Entry:
    """One instance of a set with its best-known plan, if there is one."""

    name: str
    path: Path
    plan: Path | None

    def load(self, suite: Suite) -> tuple[BenchmarkProblem, int | None, str]:
        """Read the problem, and price the best-known routes by the checker, never by a number in a file.

        Where :mod:`benchmarks.references` has recorded a cheaper plan than the published one, that is the reference.

        Returns
        -------
        (the problem, cost of the reference, who found it)
        """
        made = read_benchmark(self.path, rounding=suite.rounding)
        published = None
        if self.plan is not None:
            published = check(made.problem, made.solution(read_plan_file(self.plan))).cost.total
        return made, *references.best(suite.name, self.name, published)


def entries(suite: Suite, bench: Path) -> dict[str, Entry]:
    """List the instances of a suite that are there, by name."""
    found: dict[str, Entry] = {}
    for name in suite.folders:
        folder = bench / name
        table = folder / "bks.csv"
        if table.is_file():
            for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
                plan = folder / "bks" / row["file"] if row["file"] else None
                path = folder / "instances" / f"{row['instance']}.txt"
                found[row["instance"]] = Entry(row["instance"], path, plan)
        for path in sorted(folder.glob("*.vrp")):
            plan = path.with_suffix(".sol")
            found[path.stem] = Entry(path.stem, path, plan if plan.is_file() else None)
    return found


def chosen(suite: Suite, bench: Path, which: str) -> list[Entry]:
    """Choose instances: ``all``, ``sample``, ``short``, or names with commas between them.

    Raises
    ------
    SetsError
        If an instance is not there, or none is.
    """
    known = entries(suite, bench)
    if not known:
        raise SetsError(f"{bench} holds no instance of {suite.name}; name the folder of the unpacked sets with --bench")
    named = {"all": tuple(known), "sample": suite.sample, "short": suite.short}
    names = named.get(which) or tuple(which.split(","))
    if unknown := [name for name in names if name not in known]:
        first = ", ".join(list(known)[:3])
        raise SetsError(f"{suite.name} has no {', '.join(unknown)}; it has {len(known)} instances: {first}, ...")
    return [known[name] for name in names]


def unpack(folder: Path, archive: Path = ARCHIVE) -> Path:
    """Unpack the archive outside the project, once, and return the folder with the sets.

    Raises
    ------
    SetsError
        If the archive is not there.
    """
    if not archive.is_file():
        raise SetsError(f"there is no {archive}; name the folder of the unpacked sets with --bench")
    target = folder / "bench"
    if not target.is_dir():
        with tarfile.open(archive, "r:xz") as packed:
            packed.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 was the first to have it
            packed.extractall(folder)  # noqa: S202 - by the filter above
    return target
