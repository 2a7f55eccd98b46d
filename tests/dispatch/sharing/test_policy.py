"""What a county's policy may say, and how a wrong one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from dispatch.sharing.errors import (
    PolicyCoveredTwiceError,
    PolicyUncoveredError,
    PolicyUnknownIdError,
    RateMissingError,
    RateOverlapError,
    SharingPolicyError,
)
from dispatch.sharing.policy import (
    Mode,
    RateLine,
    SharingPolicy,
    default_policy,
    load_policy,
    policy_document,
)
from maps.region import Region

MakePolicy = Callable[..., SharingPolicy]


def rule(*townships: str, mode: str = "joint", **more: Any) -> dict[str, Any]:
    """Write a rule as the file has it."""
    return {"townships": list(townships), "mode": mode, **more}


def test_a_policy_covers_every_township_once(two_townships: Region, make_policy: MakePolicy) -> None:
    """A rule for one township stands before the rule for all others."""
    policy = make_policy(rule=[rule("*"), rule("west", mode="station-reuse")]).check(two_townships)

    assert policy.rule_for("east", "yunlu").mode is Mode.JOINT
    assert policy.rule_for("west", "yunlu").mode is Mode.STATION


def test_one_company_may_differ(two_townships: Region, make_policy: MakePolicy) -> None:
    """A company that still drives itself is excepted from its township's rule."""
    policy = make_policy(rule=[rule("*"), rule("west", mode="separate", companies=["yunlu"])]).check(two_townships)

    assert policy.rule_for("west", "yunlu").mode is Mode.SEPARATE
    assert policy.rule_for("west", "hefeng").mode is Mode.JOINT


def test_a_township_covered_twice_is_named(two_townships: Region, make_policy: MakePolicy) -> None:
    """Two rules for one township are refused with the township, both rules and a remedy."""
    policy = make_policy(rule=[rule("east", "west"), rule("west", mode="station-reuse")])

    with pytest.raises(PolicyCoveredTwiceError, match=r"rules 1, 2 both cover township west") as refused:
        policy.check(two_townships)
    assert refused.value.params["townships"] == ["west"]
    assert "one of the two rules" in refused.value.remedy


def test_a_township_without_a_rule_is_named(two_townships: Region, make_policy: MakePolicy) -> None:
    """A township that no rule covers is refused with its id."""
    policy = make_policy(rule=[rule("east")])

    with pytest.raises(PolicyUncoveredError, match="township west") as refused:
        policy.check(two_townships)
    assert refused.value.params["townships"] == ["west"]


def test_a_rule_for_some_companies_leaves_the_others_uncovered(two_townships: Region, make_policy: MakePolicy) -> None:
    """A township covered for one company only is not covered for those still to come."""
    policy = make_policy(rule=[rule("*", companies=["yunlu"])])

    with pytest.raises(PolicyUncoveredError, match="hefeng"):
        policy.check(two_townships, ["hefeng"])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rule": [rule("*"), rule("north", mode="station-reuse")]}, "north"),  # no such township
        ({"station": {"commission_fen": 50, "at": [{"place": "v-nowhere"}]}}, "v-nowhere"),  # no such village
    ],
)
def test_unknown_ids_are_named(
    two_townships: Region, make_policy: MakePolicy, changes: dict[str, Any], named: str
) -> None:
    """A township or village that the county does not have is refused by its id."""
    with pytest.raises(PolicyUnknownIdError, match=named):
        make_policy(**changes).check(two_townships)


def test_an_unlisted_contractor_is_named(make_policy: MakePolicy) -> None:
    """A rule cannot hand a township to somebody who has no rate card."""
    with pytest.raises(PolicyUnknownIdError, match="nobody"):
        make_policy(rule=[rule("*", mode="township-contract", contractor="nobody")])


def test_shr_10_overlapping_rate_lines_are_refused(make_policy: MakePolicy) -> None:
    """Two lines that price the same parcel are an error when the policy is saved, with the lines' numbers."""
    lines = [
        {"weight_to_g": 3_000, "fen": 140, "valid_from": "2026-01-01"},
        {"weight_from_g": 2_000, "fen": 200, "valid_from": "2026-06-01"},
    ]
    with pytest.raises(RateOverlapError, match="lines 1 and 2"):
        make_policy(contractor=[{"id": "wang", "name": "王", "rate": lines}])


def test_a_gap_in_the_rate_card_is_named(two_townships: Region, make_policy: MakePolicy) -> None:
    """A parcel heavier than every band has no price: refused with the weight."""
    lines = [{"weight_to_g": 3_000, "fen": 140, "valid_from": "2020-01-01"}]
    policy = make_policy(contractor=[{"id": "wang", "name": "王", "rate": lines}])

    with pytest.raises(RateMissingError, match="3000 g"):
        policy.check(two_townships)


def test_a_kilogram_begun_is_paid() -> None:
    """A rate by weight counts begun kilograms."""
    contractor = default_policy("plain").contractors[0]

    assert contractor.fee_fen("yunlu", "village_standard", "village", 900, date(2026, 1, 2)) == 180
    assert contractor.fee_fen("yunlu", "village_standard", "village", 3_001, date(2026, 1, 2)) == 4 * 70


def test_rate_lines_that_differ_in_anything_do_not_overlap() -> None:
    """Lines for different companies, products, areas, weights or dates stand beside each other."""
    base = RateLine(
        fen=100, valid_from=date(2026, 1, 1), valid_to=date(2026, 6, 30), company="yunlu", weight_to_g=1_000
    )
    others = [
        base.model_copy(update={"company": "hefeng"}),
        base.model_copy(update={"weight_from_g": 1_000, "weight_to_g": None}),
        base.model_copy(update={"valid_from": date(2026, 7, 1), "valid_to": None}),
    ]

    assert not any(base.overlaps(other) or other.overlaps(base) for other in others)
    assert base.overlaps(base.model_copy(update={"product": "fresh"}))


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_a_policy_file_reads_back(tmp_path: Path, suffix: str) -> None:
    """The policy to begin with can be written out, changed and read in both forms."""
    path = tmp_path / f"policy{suffix}"
    document = policy_document(default_policy("plain"))
    path.write_text(tomli_w.dumps(document) if suffix == ".toml" else json.dumps(document), encoding="utf-8")

    assert load_policy(path) == default_policy("plain")


@pytest.mark.parametrize(
    "text",
    ["region = ", 'region = "plain"\nversion = 0', "[]", "\udcff"],  # no TOML, wrong field, no table, no text
    ids=["broken", "version", "empty", "bytes"],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """A file that cannot be meant is refused naming the file and the entry."""
    path = tmp_path / "policy.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(SharingPolicyError, match=r"policy\.toml"):
        load_policy(path)


def test_a_policy_of_another_region_is_refused(two_townships: Region) -> None:
    """A county's policy is not put in force next door."""
    with pytest.raises(SharingPolicyError, match="demo's, not plain's"):
        default_policy("demo").check(two_townships)


def test_emissions_are_found_by_type_then_by_profile() -> None:
    """A county van has its own factor, a type nobody named takes its road profile's."""
    emissions = default_policy("plain").emissions

    assert (emissions.of("plain-county-van", "van"), emissions.of("plain-lorry", "van")) == (375, 185)
    with pytest.raises(SharingPolicyError, match="boat"):
        emissions.of("plain-boat", "river")
