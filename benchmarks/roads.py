r"""Measures the road engine: import, matrix, agreement with scipy, reachability.

    python -m benchmarks.roads --json roads.json
    python -m benchmarks.roads --extract county.osm.pbf --points 1500

Runs on the generated demo county and on an extract; without ``--extract`` on Andorra when
``../shared/data`` lies beside the project. Points are sampled front doors, so most lie in mid-edge.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from maps.engines.dijkstra import DijkstraEngine
from maps.engines.network import NetworkEngine
from maps.region import Region
from maps.store import RegionStore

PROJECT = Path(__file__).resolve().parent.parent
ANDORRA = PROJECT.parent / "shared" / "data" / "regions" / "andorra" / "andorra-2025-01-18.osm.pbf"
LIBRARIES = ("numpy", "scipy", "shapely", "osmium", "numba", "routingkit-cch")
AGREEMENT_PAIRS = 500

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Measured:
    """Figures of one region.

    Attributes
    ----------
    build_s
        Generating the demo county; None for an extract.
    first_matrix_s
        Loading the stored region and answering 2 × 2, compilation from cache included.
    worst_difference_s, worst_difference_m
        Against scipy's Dijkstra on 500 random pairs, infinite pairs compared as such.
    """

    region: str
    attribution: str
    settlements: int
    reachable_share: float
    townships: int
    junctions: int
    edges: int
    road_km: float
    build_s: float | None
    import_s: float
    first_matrix_s: float
    matrix_points: int
    matrix_s: float
    scipy_matrix_s: float
    route_of_100_s: float
    closure_s: float
    worst_difference_s: float
    worst_difference_m: float


def timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    """Run something and return the seconds it took and its answer."""
    start = time.perf_counter()
    answer = work()
    return time.perf_counter() - start, answer


def sampled_doors(region: Region, count: int, seed: int) -> NDArray[np.float64]:
    """Return front doors spread over the region's places as people are."""
    rng = np.random.default_rng(seed)
    people = np.array([place.population or 100 for place in region.places], dtype=float)
    chosen = rng.choice(len(people), size=count, p=people / people.sum())
    numbers = np.bincount(chosen, minlength=len(people))
    doors = [region.door_points(p.id, int(n), seed) for p, n in zip(region.places, numbers, strict=True) if n]
    return rng.permutation(np.concatenate(doors))


def measure(store: RegionStore, name: str, import_s: float, build_s: float | None, options: Any) -> Measured:
    """Measure one imported region."""
    region = store.load(name)
    centre = [region.depot.lonlat]
    first_s, _ = timed(lambda: region.engine().matrix(centre, centre))
    engine = region.engine()
    if not isinstance(engine, NetworkEngine):
        raise TypeError("a region with roads has an engine on roads")
    plain = DijkstraEngine(engine.graph)
    doors = sampled_doors(region, options.points, options.seed)
    matrix_s, matrix = timed(lambda: engine.matrix(doors, doors))
    scipy_s, reference = timed(lambda: plain.matrix(doors, doors))
    rng = np.random.default_rng(options.seed)
    rows, columns = rng.integers(0, len(doors), size=(2, AGREEMENT_PAIRS))
    places = np.array([place.lonlat for place in region.places])
    there, back = engine.matrix(centre, places).time_s[0], engine.matrix(places, centre).time_s[:, 0]
    route_s, _ = timed(lambda: engine.route(doors[:100]))
    closure_s, _ = timed(lambda: engine.with_closures([0]).matrix(doors[:2], doors[:2]))
    return Measured(
        region=region.title, attribution=region.attribution, settlements=len(places),
        reachable_share=float((np.isfinite(there) & np.isfinite(back)).mean()), townships=len(region.townships),
        junctions=engine.graph.node_count, edges=engine.graph.edge_count,
        road_km=float(engine.graph.length_m.sum() / 1000), build_s=build_s, import_s=import_s, first_matrix_s=first_s,
        matrix_points=len(doors), matrix_s=matrix_s, scipy_matrix_s=scipy_s, route_of_100_s=route_s,
        closure_s=closure_s,
        worst_difference_s=difference(matrix.time_s[rows, columns], reference.time_s[rows, columns]),
        worst_difference_m=difference(matrix.dist_m[rows, columns], reference.dist_m[rows, columns]),
    )  # fmt: skip


def difference(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Return the largest difference; infinite when one side finds a way and the other does not."""
    same = np.isinf(ours) & np.isinf(theirs)
    return float(np.abs(np.where(same, 0, ours) - np.where(same, 0, theirs)).max(initial=0.0))


def run(options: Any) -> list[Measured]:
    """Build, import and measure the regions."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        store = RegionStore(Path(folder))
        total_s, _ = timed(lambda: store.build_demo("demo", seed=options.seed))
        extract = store.folder("demo") / "demo.osm.pbf"
        import_s, _ = timed(lambda: store.import_osm(extract, "demo-again"))
        results.append(measure(store, "demo", import_s, total_s - import_s, options))
        if options.extract is not None:
            import_s, _ = timed(lambda: store.import_osm(options.extract, "extract"))
            results.append(measure(store, "extract", import_s, None, options))
        else:
            print(f"no extract: {ANDORRA.name} is not beside the project and --extract was not given")
    return results


def table(results: Sequence[Measured]) -> str:
    """Write the figures as a table, one column per region."""
    rows = [asdict(result) for result in results]
    lines = []
    for key in rows[0]:
        cells = [f"{row[key]:,.3f}" if isinstance(row[key], float) else str(row[key]) for row in rows]
        lines.append(f"{key:<22}" + "".join(f"{cell:>32}" for cell in cells))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extract", type=Path, default=ANDORRA if ANDORRA.exists() else None)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    results = run(options)
    print(table(results))
    if options.json is not None:
        versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
        machine = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
        record = {"seed": options.seed, "versions": versions, **machine, "regions": [asdict(item) for item in results]}
        options.json.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
