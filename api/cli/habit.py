"""`cunda habit`: courier sections, master routes, what leaving them costs, and how steady plans are."""

from __future__ import annotations

import json as json_text
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import JsonFlag, emit, plain, progress_bars, ready_services, table, write_file

if TYPE_CHECKING:
    from datetime import date

    from api.services import Services
    from dispatch.habit.model import HabitVersion
    from dispatch.habit.rule import HabitRule
    from dispatch.habit.service import HabitService
    from maps.region import Region

app = typer.Typer(help="Habit: sections, master routes, and how steady plans are.", no_args_is_help=True)

RegionOption = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]
FromOption = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day it holds for; today when absent.")
]
UntilOption = Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day it holds for.")]
WeeksOption = Annotated[int, typer.Option("--weeks", min=1, max=52, help="Weeks of published plans to look at.")]
AcceptFlag = Annotated[bool, typer.Option("--accept", help="Put the version in force at once.")]
RuleOption = Annotated[
    list[str] | None,
    typer.Option("--rule", help="NAME=VALUE of a price or bound, as docs/habit.md lists them; repeatable."),
]
VersionOption = Annotated[str | None, typer.Option("--version", help="Id of a version; the one in force when absent.")]


@app.command()
def design(
    count: Annotated[int, typer.Option("--count", min=1, help="How many sections, one per courier.")],
    region: RegionOption = "demo",
    valid_from: FromOption = None,
    valid_until: UntilOption = None,
    weeks: WeeksOption = 4,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another design.")] = 1,
    rule: RuleOption = None,
    accept: AcceptFlag = False,
    json: JsonFlag = False,
) -> None:
    """Design connected sections of equal measured work, choose their owners, and store them as a version."""
    with ready_services() as services, progress_bars(json) as progress:
        found = services.regions.load(region)
        first, last = _validity(services, found, valid_from, valid_until)
        made = _habit(services).design(
            found, count, first, actor="user:cli", valid_until=last, rule=_rule(rule), weeks=weeks, seed=seed,
            progress=progress,
        )  # fmt: skip
        _made(services, found, made, accept, json)


@app.command()
def learn(
    region: RegionOption = "demo",
    valid_from: FromOption = None,
    valid_until: UntilOption = None,
    weeks: WeeksOption = 4,
    keep_sections: Annotated[
        bool, typer.Option("--keep-sections", help="Keep the sections in force, learn their order and hours only.")
    ] = False,
    rule: RuleOption = None,
    accept: AcceptFlag = False,
    json: JsonFlag = False,
) -> None:
    """Learn sections and master routes from the plans published in the last weeks, and store them as a version."""
    with ready_services() as services:
        found = services.regions.load(region)
        first, last = _validity(services, found, valid_from, valid_until)
        made = _habit(services).learn(
            found, first, actor="user:cli", valid_until=last, rule=None if rule is None else _rule(rule), weeks=weeks,
            keep_sections=keep_sections,
        )  # fmt: skip
        _made(services, found, made, accept, json)


@app.command("import")
def import_sections(
    file: Annotated[Path, typer.Argument(help="JSON as `cunda habit show --json` prints it.")],
    region: RegionOption = "demo",
    valid_from: FromOption = None,
    valid_until: UntilOption = None,
    allow_scattered: Annotated[
        bool, typer.Option("--allow-scattered", help="Take sections that do not hang together by road.")
    ] = False,
    rule: RuleOption = None,
    accept: AcceptFlag = False,
    json: JsonFlag = False,
) -> None:
    """Take sections and master routes somebody wrote, and store them as a version."""
    from dispatch.habit.file import read_habit_file

    with ready_services() as services:
        found = services.regions.load(region)
        first, last = _validity(services, found, valid_from, valid_until)
        made = _habit(services).take(
            found, read_habit_file(file), first, actor="user:cli", valid_until=last, rule=_rule(rule),
            allow_scattered=allow_scattered,
        )  # fmt: skip
        _made(services, found, made, accept, json)


@app.command()
def price(
    version: Annotated[str, typer.Argument(help="Id of the version whose sections stay.")],
    rule: Annotated[list[str], typer.Option("--rule", help="NAME=VALUE of a price or bound; repeatable.")],
    accept: AcceptFlag = False,
    json: JsonFlag = False,
) -> None:
    """Store a version's sections with other prices and bounds as a new version."""
    with ready_services() as services:
        made = _habit(services).with_rule(version, _rule(rule), actor="user:cli")
        _made(services, services.regions.load(made.region), made, accept, json)


@app.command("accept")
def accept_version(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    json: JsonFlag = False,
) -> None:
    """Put a version in force; plans made from then on are priced by it, published ones stay."""
    with ready_services() as services:
        accepted = _habit(services).accept(version, actor="user:cli", reason=reason)
    document: dict[str, Any] = {"version_id": accepted.version_id, "region": accepted.region}
    emit(document, json, [f"habit {accepted.version_id} is in force in {accepted.region}"])


@app.command()
def show(
    region: RegionOption = "demo",
    version: VersionOption = None,
    geojson: Annotated[Path | None, typer.Option("--geojson", help="Write the map as GeoJSON to this file.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the map as an SVG picture to this file.")] = None,
    json: JsonFlag = False,
) -> None:
    """Show sections with their owners and master routes, as a table and on a map."""
    from dispatch.habit import report
    from dispatch.habit.repository import HabitRepository

    with ready_services() as services:
        found = services.regions.load(region)
        with services.database.read() as session:
            habit = HabitRepository(session).habit(_version_id(services, found, version))
    picture = report.section_map(habit, found, f"{found.title}: habit {habit.number}")
    if geojson is not None:
        write_file(geojson, json_text.dumps(picture.geojson(), ensure_ascii=False))
    if svg is not None:
        write_file(svg, picture.svg())
    lines = [
        f"habit {habit.number} from {habit.valid_from}" + (f" until {habit.valid_until}" if habit.valid_until else ""),
        *table(report.SECTION_COLUMNS, report.section_rows(habit, found)),
        "",
        *(f"{name} {'none' if value is None else value}" for name, value in habit.rule.as_dict().items()),
    ]
    emit(report.habit_document(habit, found), json, lines)


@app.command()
def check(region: RegionOption = "demo", version: VersionOption = None, json: JsonFlag = False) -> None:
    """List what does not fit today: closed roads, absent owners, places in no section, bounds no day can keep."""
    with ready_services() as services:
        found = services.regions.load(region)
        findings = _habit(services).check(_version_id(services, found, version), found)
    lines = [f"{one.code}: {one.message}; {one.remedy}" for one in findings] or ["nothing to mend"]
    emit({"findings": [one.as_dict() for one in findings]}, json, lines)


@app.command()
def stability(
    region: RegionOption = "demo",
    first: FromOption = None,
    last: UntilOption = None,
    plan_version: Annotated[str | None, typer.Option("--plan", help="Id of one plan version, with reasons.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the chart over the days to this file.")] = None,
    json: JsonFlag = False,
) -> None:
    """Show how steady published plans are: habitual couriers, common order, moved hours, day by day."""
    from datetime import timedelta

    from dispatch.habit import report

    with ready_services() as services:
        found = services.regions.load(region)
        if plan_version is not None:
            document = _habit(services).of_version(plan_version)
            days = [document]
            planned = document["planned_with"] or {}
        else:
            today = _today(services, found)
            end = today if last is None else last.date()
            start = end - timedelta(days=27) if first is None else first.date()
            days, planned = _habit(services).over_days(region, start, end), {}
            document = {"region": region, "days": days}
    if svg is not None:
        write_file(svg, report.day_chart(days))
    lines = [
        *table(report.DAY_COLUMNS, report.day_rows(days)),
        *(
            f"{one['kind']} of section {one['section']}: {one['place_id']} ({one['reason']}); {one['remedy']}"
            for one in planned.get("exceeded", [])
        ),
    ]
    emit(plain(document), json, lines)


def _habit(services: Services) -> HabitService:
    from dispatch.habit.service import HabitService

    return HabitService(services.database, services.ids, services.clock)


def _today(services: Services, region: Region) -> date:
    from api.manifests import today_in

    return today_in(services.clock, region.zone)


def _validity(
    services: Services, region: Region, first: datetime | None, last: datetime | None
) -> tuple[date, date | None]:
    start = _today(services, region) if first is None else first.date()
    return start, None if last is None else last.date()


def _rule(given: list[str] | None) -> HabitRule:
    """Read `NAME=VALUE` pairs; `none` takes a bound away."""
    from dispatch.habit.errors import HabitBoundError
    from dispatch.habit.rule import HabitRule

    values: dict[str, int | None] = {}
    for pair in given or []:
        name, _, value = pair.partition("=")
        if value != "none" and not value.lstrip("-").isdecimal():
            raise HabitBoundError(f"habit rule: {pair!r} is not NAME=NUMBER or NAME=none", field=name)
        values[name] = None if value == "none" else int(value)
    return HabitRule.given(values)


def _version_id(services: Services, region: Region, version: str | None) -> str:
    """Return the version named, or the one in force today."""
    from dispatch.habit.errors import HabitVersionNotFoundError
    from dispatch.habit.repository import HabitRepository

    if version is not None:
        return version
    with services.database.read() as session:
        habit = HabitRepository(session).in_force(region.name, _today(services, region))
    if habit is None:
        raise HabitVersionNotFoundError(f"no habit is in force in {region.name} today", region=region.name)
    return habit.version_id


def _made(services: Services, region: Region, made: HabitVersion, accept: bool, json: bool) -> None:
    from dispatch.habit import report
    from dispatch.habit.repository import HabitRepository

    service = _habit(services)
    if accept:
        service.accept(made.id, actor="user:cli")
    with services.database.read() as session:
        habit = HabitRepository(session).habit(made.id)
    findings = service.check(made.id, region)
    document = report.habit_document(habit, region) | {
        "in_force": accept,
        "made_from": made.made_from,
        "figures": made.figures,
        "findings": [one.as_dict() for one in findings],
    }
    lines = [
        f"habit {made.number} made from {made.made_from}"
        + (", in force" if accept else f"; put it in force with: cunda habit accept {made.id}"),
        *table(report.SECTION_COLUMNS, report.section_rows(habit, region)),
        *(f"{name}: {value}" for name, value in made.figures.items() if value not in ([], None)),
        *(f"note: {one.message}; {one.remedy}" for one in findings),
    ]
    emit(plain(document), json, lines)
