"""Write benchmark instances in the layouts we read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from routing.formats.errors import UnsupportedFieldError
from routing.formats.plane import PlaneInstance


def _figure(value: float) -> str:
    """Write a number without a needless fraction."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def write_vrplib(instance: PlaneInstance) -> str:
    """Write an instance as VRPLIB text in the dialect of its kind; reading it gives the instance back.

    Raises
    ------
    UnsupportedFieldError
        If it has pickup and delivery pairs, for which VRPLIB has no section.
    """
    if instance.pairs:
        raise UnsupportedFieldError(f"{instance.name}: VRPLIB has no section for pickup and delivery pairs")
    weights = {"euclid": "EUC_2D", "ceil": "CEIL_2D", "explicit": "EXPLICIT"}[instance.edge_weights]
    lines = [f"NAME : {instance.name}", f"COMMENT : {instance.comment}"] if instance.comment else [
        f"NAME : {instance.name}"
    ]  # fmt: skip
    lines += [f"TYPE : {instance.kind}", f"DIMENSION : {instance.size}", f"EDGE_WEIGHT_TYPE : {weights}"]
    lines += _fleet(instance)
    if instance.matrix is not None:
        lines += ["EDGE_WEIGHT_FORMAT : FULL_MATRIX", "EDGE_WEIGHT_SECTION"]
        lines += [" ".join(_figure(value) for value in row) for row in instance.matrix.tolist()]
    if len(instance.xy):
        lines += _section("NODE_COORD", instance.xy.tolist())
    lines += _section("DEMAND", [[value] for value in instance.demand])
    lines += _section("BACKHAUL", [[value] for value in instance.pickups])
    lines += _section("SERVICE_TIME", [[value] for value in instance.service])
    lines += _section("TIME_WINDOW", instance.windows)
    lines += _section("RELEASE_TIME", [[value] for value in instance.releases])
    lines += _section("PRIZE", [[value] for value in instance.prizes])
    lines += _section("MUTUALLY_EXCLUSIVE_GROUP", [[node + 1 for node in group] for group in instance.groups])
    lines += ["DEPOT_SECTION", *(str(depot + 1) for depot in instance.depots), "-1", "EOF"]
    return "\n".join(lines) + "\n"


def _section(name: str, rows: Iterable[Sequence[float]]) -> list[str]:
    """Write one row per entry, numbered from 1; nothing at all when there are none."""
    body = [" ".join([str(at), *(_figure(value) for value in row)]) for at, row in enumerate(rows, start=1)]
    return [f"{name}_SECTION", *body] if body else []


def _fleet(instance: PlaneInstance) -> list[str]:
    """Write a value all vehicles share as a header, others as a section with one row per vehicle."""
    vehicles = instance.vehicles
    lines = [f"VEHICLES : {len(vehicles)}"] if instance.fleet_is_limited else []
    columns: tuple[tuple[str, list[float | None], float | None], ...] = (
        ("CAPACITY", [vehicle.capacity for vehicle in vehicles], None),
        ("VEHICLES_FIXED_COST", [vehicle.fixed_cost for vehicle in vehicles], 0),
        ("VEHICLES_UNIT_DISTANCE_COST", [vehicle.unit_distance_cost for vehicle in vehicles], 1),
        ("VEHICLES_MAX_DURATION", [vehicle.max_duration for vehicle in vehicles], None),
        ("VEHICLES_DEPOT", [vehicle.depot + 1 for vehicle in vehicles], instance.depots[0] + 1),
    )
    sections: list[str] = []
    for name, values, default in columns:
        shared = len(set(values)) == 1
        if shared and values[0] in (default, None):
            continue
        if shared:
            lines.append(f"{name} : {_figure(values[0] or 0)}")
        else:
            sections += _section(name, [[value or 0] for value in values])
    if any(vehicle.reloads for vehicle in vehicles):
        sections += _section("VEHICLES_RELOAD_DEPOT", [[r + 1 for r in vehicle.reloads] for vehicle in vehicles])
    return lines + sections


def write_solomon(instance: PlaneInstance) -> str:
    """Write an instance with windows and one kind of vehicle in Solomon's layout.

    Raises
    ------
    UnsupportedFieldError
        If it has anything the layout has no column for.
    """
    _refuse_beyond(instance, "Solomon's layout", paired=False)
    lines = [instance.name, "", "VEHICLE", "NUMBER     CAPACITY"]
    lines += [f"  {len(instance.vehicles)}  {instance.vehicles[0].capacity}", "", "CUSTOMER"]
    lines += ["CUST NO.  XCOORD.  YCOORD.  DEMAND  READY TIME  DUE DATE  SERVICE TIME", ""]
    lines += ["  ".join(_node_row(instance, node)) for node in range(instance.size)]
    return "\n".join(lines) + "\n"


def write_lilim(instance: PlaneInstance) -> str:
    """Write a pickup and delivery instance in Li & Lim's layout.

    Raises
    ------
    UnsupportedFieldError
        If it has anything the layout has no column for.
    """
    _refuse_beyond(instance, "Li & Lim's layout", paired=True)
    partner = {delivery: (pickup, 0) for pickup, delivery in instance.pairs}
    partner |= {pickup: (0, delivery) for pickup, delivery in instance.pairs}
    lines = [f"{len(instance.vehicles)}\t{instance.vehicles[0].capacity}\t1"]
    for node in range(instance.size):
        lines.append("\t".join([*_node_row(instance, node), *map(str, partner.get(node, (0, 0)))]))
    return "\n".join(lines) + "\n"


def _node_row(instance: PlaneInstance, node: int) -> list[str]:
    x, y = instance.xy[node].tolist()
    service = instance.service[node] if instance.service else 0
    row = [node, x, y, instance.demand[node], *instance.windows[node], service]
    return [_figure(value) for value in row]


def _refuse_beyond(instance: PlaneInstance, layout: str, *, paired: bool) -> None:
    beyond = {
        "pairs": bool(instance.pairs) != paired,
        "several kinds of vehicles": len(set(instance.vehicles)) > 1,
        "an unlimited fleet": not instance.fleet_is_limited,
        "no windows": not instance.windows,
        "a depot that is not node 0": instance.depots != (0,),
        "prizes": instance.prizes,
        "releases": instance.releases,
        "collections": instance.pickups,
        "exclusive groups": instance.groups,
        "an explicit matrix": instance.matrix is not None,
    }
    if found := [name for name, value in beyond.items() if value]:
        raise UnsupportedFieldError(f"{instance.name}: {layout} cannot state {', '.join(found)}")
