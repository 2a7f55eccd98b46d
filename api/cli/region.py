"""`cunda region`: counties, their roads and places."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import region_sections
from api.cli.terminal import JsonFlag, current_settings, emit, progress_bars, table, write_file
from api.errors import UsageError

if TYPE_CHECKING:
    from maps.region import Region
    from maps.store import RegionStore

app = typer.Typer(help="Counties: build, import, list, show.", no_args_is_help=True)
build_app = typer.Typer(help="Build a fictional region.", no_args_is_help=True)
app.add_typer(build_app, name="build")
app.command("sections")(region_sections.sections)

Name = Annotated[str, typer.Option("--name", help="Short name of the region: a-z 0-9 -")]


@build_app.command("demo")
def build_demo(
    name: Name = "demo",
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another county.")] = 1,
    json: JsonFlag = False,
) -> None:
    """Generate the fictional mountain county as an OpenStreetMap extract and import it."""
    with progress_bars(json) as progress:
        region = _store().build_demo(name, seed, progress=progress)
    _show(region, json)


@app.command("import")
def import_region(
    file: Annotated[Path, typer.Argument(help="OpenStreetMap extract (.osm.pbf, .osm), or a CSV of villages.")],
    name: Name,
    boundary: Annotated[
        Path | None, typer.Option("--boundary", help="GeoJSON of the townships, or of the county's border.")
    ] = None,
    towns: Annotated[Path | None, typer.Option("--towns", help="CSV of towns, beside a CSV of villages.")] = None,
    terrain: Annotated[
        str, typer.Option("--terrain", help="flat, hilly or mountain: how distances without roads are estimated.")
    ] = "hilly",
    depot: Annotated[str | None, typer.Option("--depot", help="County centre as LON,LAT; else found.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Name for people, such as 云岭县.")] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="Time zone; the setting `zone` when absent.")] = None,
    datum: Annotated[str, typer.Option("--datum", help="What a CSV's points are in: wgs84, gcj02 or bd09.")] = "wgs84",
    trust_datum: Annotated[
        bool, typer.Option("--trust-datum", help="Do not compare a CSV's points with what is known here.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Import a county, replacing a region of that name; a failed import changes nothing."""
    store, in_zone = _store(), zone or current_settings().zone
    centre = _lonlat(depot) if depot is not None else None
    with progress_bars(json) as progress:
        if file.suffix.lower() == ".csv":
            if towns is None:
                raise UsageError("a CSV of villages needs the CSV of its towns", remedy="Add --towns FILE.")
            region = store.import_csv(
                file, towns, name, terrain, depot=centre, title=title, zone=in_zone, datum=datum,
                trust_datum=trust_datum, progress=progress,
            )  # fmt: skip
        else:
            region = store.import_osm(file, name, boundary, depot=centre, title=title, zone=in_zone, progress=progress)
    _show(region, json)


@app.command("list")
def list_regions(json: JsonFlag = False) -> None:
    """List the imported regions."""
    store = _store()
    regions = [_summary(store.load(name)) for name in store.names()]
    rows = [tuple(one[key] for key in ("name", "title", "source", "townships", "places", "version")) for one in regions]
    emit(regions, json, table(("name", "title", "distances", "townships", "places", "version"), rows))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of the region.")],
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Write a map of roads and places: SVG, or PNG by its name.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Describe one region and what its import noticed."""
    found = _store().load(name)
    if svg is not None:
        from api.plan_picture import region_picture

        write_file(svg, region_picture(found).svg())
    _show(found, json)


def _store() -> RegionStore:
    from maps.store import RegionStore

    return RegionStore(current_settings().regions_dir)


def _summary(region: Region) -> dict[str, object]:
    return {
        "name": region.name,
        "title": region.title,
        "zone": region.zone,
        "source": region.source,
        "attribution": region.attribution,
        "version": region.version,
        "terrain": region.terrain,
        "depot": {"name": region.depot.name, "lon": region.depot.lon, "lat": region.depot.lat},
        "townships": len(region.townships),
        "places": len(region.places),
        "unlocated": len(region.unlocated_places),
        "notes": list(region.notes),
    }


def _show(region: Region, json: bool) -> None:
    found = _summary(region)
    distances = "measured on roads" if region.source == "road" else f"ESTIMATED, {region.terrain} terrain"
    lines = [
        f"{region.title} ({region.name}), version {region.version}",
        f"  townships {found['townships']}, places {found['places']}, without position {found['unlocated']}",
        f"  centre {region.depot.name} {region.depot.lon}, {region.depot.lat}; zone {region.zone}",
        f"  distances {distances}",
        f"  {region.attribution}",
        *(f"  note: {note}" for note in region.notes),
    ]
    emit(found, json, lines)


def _lonlat(text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError as problem:
        raise UsageError(f"--depot {text!r} is not LON,LAT", remedy="For example --depot 112.89,30.42") from problem
    return lon, lat
