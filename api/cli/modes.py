"""`cunda modes` and `cunda shares`: compare modes of shared delivery, keep a policy, share a plan's cost."""

from __future__ import annotations

import json as json_text
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.terminal import JsonFlag, emit, progress_bars, ready_services, table, write_file
from dispatch.sharing.shares.choices import ShareRule
from kernel.money import Fen, format_yuan

modes = typer.Typer(help="Modes of shared delivery: compare them, check and adopt a policy.", no_args_is_help=True)
shares = typer.Typer(help="Fair shares of a plan's cost between companies.", no_args_is_help=True)

RegionOption = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]
PolicyFile = Annotated[Path, typer.Argument(help="Policy file, TOML or JSON; docs/sharing.md describes it.")]
RuleOption = Annotated[ShareRule, typer.Option("--rule", help="How a common cost is shared.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Equal seed, equal result.")]


@modes.command("compare")
def compare_modes(
    region: RegionOption = "demo",
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="Days one after the other.")] = 20,
    parcels: Annotated[int, typer.Option("--parcels", min=1, help="Parcels a day of all companies.")] = 3_000,
    companies: Annotated[int, typer.Option("--companies", min=1, help="How many companies.")] = 5,
    first_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day, YYYY-MM-DD; today in the region when absent."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Policy file; the policy in force, or house defaults, when absent.")
    ] = None,
    rule: RuleOption = ShareRule.SHAPLEY,
    iterations: Annotated[int, typer.Option("--iterations", min=1, help="Of the search for each plan.")] = 10_000,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="How many processes work.")] = 2,
    seed: SeedOption = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole result as JSON to this file.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with charts, map and tables.")] = None,
    png: Annotated[
        Path | None, typer.Option("--png", help="Write charts and map as a picture; SVG if the name ends in .svg.")
    ] = None,
) -> None:
    """Simulate each mode, today's separate delivery and the best mix per township on the same demand."""
    from api.comparing import ComparisonOrder, compare
    from api.manifests import today_in
    from dispatch.sharing.picture import comparison_page, comparison_svg
    from dispatch.sharing.policy import load_policy
    from dispatch.sharing.report import comparison_lines

    given = None if policy is None else load_policy(policy)
    with ready_services() as services, progress_bars(False) as progress:
        zone = services.regions.load(region).zone
        day = first_day.date() if first_day is not None else today_in(services.clock, zone)
        order = ComparisonOrder(region, day, days, parcels, companies, seed, iterations, processes, rule)
        document = compare(services, order, given, progress=progress)
    if json_file is not None:
        write_file(json_file, json_text.dumps(document, ensure_ascii=False, indent=1) + "\n")
    if html is not None:
        write_file(html, comparison_page(document))
    if png is not None:
        write_file(png, comparison_svg(document))
    emit(document, False, comparison_lines(document, table))


@modes.command("check")
def check_policy(file: PolicyFile, region: RegionOption = "demo", json: JsonFlag = False) -> None:
    """Check a policy file against a region; nothing is changed."""
    from dispatch.parcels.repository import ParcelRepository
    from dispatch.sharing.policy import load_policy

    policy = load_policy(file)
    with ready_services() as services:
        with services.database.read() as session:
            companies = ParcelRepository(session).company_ids()
        policy.check(services.regions.load(region), companies)
    document = {"region": region, "version": policy.version, "valid": True}
    emit(document, json, [f"{file.name}: version {policy.version} covers every township of {region} once"])


@modes.command("adopt")
def adopt(
    file: PolicyFile,
    region: RegionOption = "demo",
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    json: JsonFlag = False,
) -> None:
    """Put a policy in force. If it is refused, the one in force stays in force."""
    from dispatch.sharing.policy import load_policy
    from dispatch.sharing.service import adopt_policy

    policy = load_policy(file)
    with ready_services() as services:
        county = services.regions.load(region)
        with services.database.begin() as session:
            row = adopt_policy(
                session, county, policy, ids=services.ids, clock=services.clock, actor="user:cli", reason=reason
            )
            document = {"region": region, "version": row.version, "adopted_at": row.adopted_at.isoformat()}
    emit(document, json, [f"version {policy.version} of {region}'s policy is in force"])


@modes.command("policy")
def show_policy(region: RegionOption = "demo", json: JsonFlag = False) -> None:
    """Print the policy in force as a file to edit, or the one to begin with when there is none."""
    import tomli_w

    from dispatch.sharing.policy import policy_document
    from dispatch.sharing.service import policy_or_default

    with ready_services() as services:
        county = services.regions.load(region)
        with services.database.read() as session:
            document = policy_document(policy_or_default(session, county.name))
    emit(document, json, tomli_w.dumps(document).splitlines())


@shares.command("show")
def show_shares(
    version: Annotated[
        str | None, typer.Option("--version-id", help="Plan version; the published one of the day when absent.")
    ] = None,
    region: RegionOption = "demo",
    date: Annotated[
        datetime | None,
        typer.Option("--date", "-d", formats=["%Y-%m-%d"], help="Day; today in the region when absent."),
    ] = None,
    rule: Annotated[
        list[ShareRule] | None, typer.Option("--rule", help="A rule; give it several times. All rules when absent.")
    ] = None,
    solver: Annotated[
        bool, typer.Option("--solver", help="Price each coalition by a search, not by the order as planned.")
    ] = False,
    iterations: Annotated[int, typer.Option("--iterations", min=1, help="Of that search.")] = 3_000,
    seed: SeedOption = 1,
    json: JsonFlag = False,
) -> None:
    """Share a plan version's cost between its companies, and say who would be better off alone."""
    from api.manifests import today_in
    from api.shares import published_version, version_shares
    from dispatch.sharing.shares.choices import Pricing

    pricing = Pricing.SOLVER if solver else Pricing.EXECUTED
    with ready_services() as services, progress_bars(json) as progress:
        if version is None:
            day = date.date() if date is not None else today_in(services.clock, services.regions.load(region).zone)
            version = published_version(services, region, day)
        found = version_shares(
            services,
            version,
            rule or list(ShareRule),
            pricing=pricing,
            iterations=iterations,
            seed=seed,
            progress=progress,
        )
    documents = [one.document() for one in found]
    emit(documents, json, _share_lines(documents))


def _share_lines(documents: list[dict[str, Any]]) -> list[str]:
    first = documents[0]
    companies = [line["company_id"] for line in first["lines"]]
    headings = ("rule", *companies, "better off alone", "by")
    rows = []
    for one in documents:
        worst = one["complaints"][0] if one["complaints"] else None
        rows.append(
            [
                one["rule"] + ("" if one["exact"] else " (sampled)"),
                *(format_yuan(Fen(line["share_fen"])) for line in one["lines"]),
                "nobody" if worst is None else "+".join(worst["companies"]),
                "" if worst is None else format_yuan(Fen(worst["better_off_fen"])),
            ]
        )
    rows.append(["alone", *(format_yuan(Fen(line["alone_fen"])) for line in first["lines"]), "", ""])
    return [
        f"version {first['version_id']}: {format_yuan(Fen(first['total_fen']))} yuan, coalitions priced by "
        f"{first['pricing']}, seed {first['seed']}",
        "",
        *table(headings, rows),
    ]
