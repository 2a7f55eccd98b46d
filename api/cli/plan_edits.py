"""`cunda plan …`: a dispatcher's edits, comparisons and events from the shell, on the record like those of a screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import JsonFlag, emit, plain, progress_bars, ready_services

if TYPE_CHECKING:
    from dispatch.plans.drafts import Who

DraftId = Annotated[str, typer.Argument(help="Id of the draft.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("draft")(draft)
    app.command("edit")(edit)
    app.command("undo")(undo)
    app.command("places")(places)
    app.command("diff")(diff)
    app.command("explain")(explain)
    app.command("save")(save)
    app.command("event")(event)
    app.command("rollback")(rollback)


def draft(
    region: Annotated[str, typer.Option("--region", "-r", help="Name of the region.")],
    date: Annotated[datetime, typer.Option("--date", "-d", formats=["%Y-%m-%d"], help="Day, YYYY-MM-DD.")],
    name: Annotated[str, typer.Option("--name", help="What to call it.")] = "",
    json: JsonFlag = False,
) -> None:
    """Open a draft on the plan in force, or on the newest version when nothing is published."""
    from dispatch.plans.figures import figures_of
    from dispatch.plans.repository import PlanRepository

    with ready_services() as services:
        with services.database.read() as session:
            repository = PlanRepository(session)
            plan = repository.plan(region, date.date())
            current = repository.publication(plan.id)
            version_id = current.version_id if current is not None else repository.versions(plan.id)[-1].id
        view = services.desk.open(version_id, _who(), name=name)
        figures = figures_of(view.board)
        vehicles = {name: list(lane.keys) for name, lane in view.board.lanes.items() if lane.keys}
    lines = [f"draft {view.id}", _summary(figures), *(f"  {one}: {' '.join(keys)}" for one, keys in vehicles.items())]
    emit({"draft": view.id, "figures": figures, "vehicles": vehicles}, json, lines)


def edit(
    draft_id: DraftId,
    command: Annotated[
        str, typer.Argument(help='One edit as JSON, for example {"kind": "reverse", "vehicle": "v-1"}.')
    ],
    reason: Reason = "",
    override: Annotated[
        bool, typer.Option("--override", help="Do it although it breaks rules; needs --reason.")
    ] = False,
    dry: Annotated[bool, typer.Option("--try", help="Tell what it would come to, without doing it.")] = False,
    json: JsonFlag = False,
) -> None:
    """Do one edit of a draft and print what it comes to."""
    from json import loads

    from dispatch.plans.edits import worsened
    from dispatch.plans.errors import EditCommandError
    from dispatch.plans.figures import figures_of

    try:
        wanted: Mapping[str, Any] = loads(command)
    except ValueError as wrong:
        raise EditCommandError(f"the edit is no JSON: {wrong}", field="command") from wrong
    with ready_services() as services:
        if dry:
            before, after = services.desk.attempt(draft_id, wanted)
        else:
            before, view = services.desk.edit(draft_id, wanted, _who(reason), override=override)
            after = view.board
    figures, flaws = figures_of(after), [flaw.as_dict() for flaw in worsened(before, after)]
    added = after.cost_fen - before.cost_fen
    lines = [
        f"{_signed(added)} yuan",
        _summary(figures),
        *(f"  breaks {flaw['code']}: {flaw['message']}" for flaw in flaws),
    ]
    emit({"added_fen": added, "figures": figures, "violations": flaws}, json, lines)


def undo(
    draft_id: DraftId,
    redo: Annotated[bool, typer.Option("--redo", help="Repeat the last step taken back instead.")] = False,
    json: JsonFlag = False,
) -> None:
    """Take the last edit of a draft back, or repeat it."""
    from dispatch.plans.figures import figures_of

    with ready_services() as services:
        _, view = services.desk.turn(draft_id, "redo" if redo else "undo", _who())
        figures = figures_of(view.board)
    emit({"steps": view.steps, "figures": figures}, json, [_summary(figures)])


def places(
    draft_id: DraftId,
    stop: Annotated[str, typer.Argument(help="Key of a stop, or a parcel's id.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=20, help="How many.")] = 5,
    json: JsonFlag = False,
) -> None:
    """Rank the best places for a stop."""
    with ready_services() as services:
        found = services.desk.places(draft_id, stop, limit)
    lines = [
        f"{one.vehicle_id} position {one.position}: {_signed(one.added_fen)} yuan, moves {len(one.affected)} stops"
        for one in found
    ]
    emit([plain(one) for one in found], json, lines or ["it fits nowhere as things are"])


def diff(
    draft_id: DraftId,
    against: Annotated[str, typer.Option("--against", help="base, or the id of a draft or version.")] = "base",
    json: JsonFlag = False,
) -> None:
    """Compare a draft with its base, another draft or a version."""
    with ready_services() as services:
        found = services.desk.difference(draft_id, against).as_dict()
    told = ", ".join(f"{name} {count}" for name, count in found["disturbance"].items())
    lines = [f"{_signed(found['added_fen'])} yuan; {told}"]
    lines += [f"  {one['vehicle_id']}: {len(one['changes'])} changes" for one in found["routes"]]
    emit(found, json, lines)


def explain(
    draft_id: DraftId,
    stop: Annotated[str, typer.Argument(help="Key of a stop, or a parcel's id.")],
    json: JsonFlag = False,
) -> None:
    """Say why a stop is where it is, or why it is on no route and what would serve it."""
    with ready_services() as services:
        found = services.desk.explain(draft_id, stop)
    lines = [found.sentence_en, *(f"  {one['code']} ({one['certainty']})" for one in found.reasons)]
    lines += [
        f"  fix: {one['constraint']} +{one['change']} {one['unit']} at {_yuan(one['cost_fen'])} yuan"
        f" ({one['certainty']})"
        for one in found.fixes
    ]
    lines += [f"  displaces {one['name']} ({one['stop_key']})" for one in found.displaces]
    emit(plain(found), json, lines)


def save(
    draft_id: DraftId,
    reason: Reason = "",
    publish: Annotated[bool, typer.Option("--publish", help="Put the version in force.")] = False,
    json: JsonFlag = False,
) -> None:
    """Store a draft as an immutable version."""
    with ready_services() as services:
        made = services.desk.save(draft_id, _who(reason), publish=publish)
    state = "in force" if made.published else "not published"
    emit(plain(made.as_dict()), json, [f"version {made.number} ({state}), {_yuan(made.cost_fen)} yuan"])


def event(
    region: Annotated[str, typer.Option("--region", "-r", help="Name of the region.")],
    date: Annotated[datetime, typer.Option("--date", "-d", formats=["%Y-%m-%d"], help="Day, YYYY-MM-DD.")],
    what: Annotated[
        str, typer.Argument(help='One event as JSON, for example {"kind": "breakdown", "vehicle": "v-1"}.')
    ],
    moved: Annotated[
        int | None, typer.Option("--moved", min=0, help="Most parcels that may change their vehicle.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="Search time; the setting when absent.")
    ] = None,
    reason: Reason = "",
    publish: Annotated[
        bool, typer.Option("--publish", help="Put the outcome in force when it keeps the budget.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Take an event of the running day into the plan in force and re-plan what it touches."""
    from json import loads

    from api.solving import solve_within
    from dispatch.plans.difference import Budget
    from dispatch.plans.dynamic import handle_event
    from dispatch.plans.errors import EditCommandError
    from dispatch.plans.replanning import ReplanOrder
    from dispatch.plans.repository import PlanRepository

    try:
        wanted = loads(what)
    except ValueError as wrong:
        raise EditCommandError(f"the event is no JSON: {wrong}", field="event") from wrong
    with ready_services() as services:
        with services.database.read() as session:
            plan_id = PlanRepository(session).plan(region, date.date()).id
        limits = {"dropped": 0} | ({} if moved is None else {"moved_vehicle": moved})
        settings = services.settings
        order = ReplanOrder(
            budget=Budget(limits), seconds=seconds or settings.solve_seconds, seed=settings.solve_seed,
            threads=settings.worker_threads,
        )  # fmt: skip
        with progress_bars(json) as progress:
            made = handle_event(
                services.desk, plan_id, wanted, order, solve_within, _who(reason), publish=publish, progress=progress
            )
    chosen, free = made.replan.chosen, made.replan.unrestricted
    told = ", ".join(f"{name} {count}" for name, count in chosen.disturbance.as_dict().items())
    lines = [
        f"draft {made.draft.id}: {told}; budget {'kept' if chosen.within_budget else 'EXCEEDED'}",
        f"  cost {_yuan(chosen.cost_fen)} yuan; unrestricted {_yuan(free.cost_fen)} yuan "
        f"({made.replan.gap_percent:+.2f} %)",
        f"  {'published' if made.published is not None else 'not published'}",
    ]
    emit(plain(made.as_dict()), json, lines)


def rollback(
    version_id: Annotated[str, typer.Argument(help="Id of the version whose content is to be in force again.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    json: JsonFlag = False,
) -> None:
    """Put an old version's content in force again, as a new version."""
    with ready_services() as services:
        made = services.desk.roll_back(version_id, _who(reason))
    emit(plain(made.as_dict()), json, [f"version {made.number} is in force"])


def _who(reason: str = "") -> Who:
    from dispatch.plans.drafts import Who

    return Who("user:cli", reason)


def _yuan(fen: int) -> str:
    from kernel.money import Fen, format_yuan

    return format_yuan(Fen(fen))


def _signed(fen: int) -> str:
    return f"{'+' if fen > 0 else ''}{_yuan(fen)}"


def _summary(figures: Mapping[str, int]) -> str:
    return (
        f"  {_yuan(figures['cost_fen'])} yuan, {figures['routes']} routes, {figures['stops']} stops, "
        f"{figures['unassigned']} parcels on no route, {figures['late_stops']} stops late, "
        f"{figures['violations']} rules broken"
    )
