"""Rules of cabinets, kiosks and stations as data: one versioned file, each law reading with source and date.

Nothing of it is hard-coded elsewhere. The readings are second-hand; a person must check them before use.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatch.stations.errors import StationPolicyError
from kernel.money import Fen
from lockers.codes import GuessRules
from lockers.deposit import DepositRules
from lockers.errors import RetentionRulesError
from lockers.retention import RetentionRules
from lockers.visit import StationRules

_LAWS: Final = tuple(f"LAW-{number:02d}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11))


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LawReading(_Frozen):
    """Where a rule comes from: our reading of it, its source, and when it was read."""

    ids: tuple[str, ...] = Field(min_length=1)
    reading: str = Field(min_length=10)
    source: str = Field(min_length=10)
    read_on: date


class _Consent(_Frozen):
    cabinet: bool
    station: bool
    law: LawReading


class _Deposit(_Frozen):
    weight_tolerance_percent: int = Field(ge=0, le=100)
    weight_tolerance_g: int = Field(ge=0)
    valuable_from_fen: int = Field(ge=0)
    law: LawReading


class _Notice(_Frozen):
    fields: tuple[str, ...]
    law: LawReading


class _Retention(_Frozen):
    promised_h: int = Field(ge=1)
    remind_h: int = Field(ge=1)
    call_h: int = Field(ge=1)
    return_h: int = Field(ge=1)
    free_h: int = Field(ge=1)
    step_h: int = Field(ge=1)
    step_fen: int = Field(ge=0)
    cap_fen: int = Field(ge=0)
    law: LawReading


class _Sending(_Frozen):
    proof_needed: bool
    inspection_needed: bool
    items_kept: tuple[str, ...]
    law: LawReading


class _Evidence(_Frozen):
    clips_kept_days: int = Field(ge=1)
    law: LawReading


class _Attempts(_Frozen):
    free: int = Field(ge=1)
    law: LawReading


class _Proxy(_Frozen):
    valid_h: int = Field(ge=1)
    law: LawReading


class _Codes(_Frozen):
    wrong: int = Field(ge=1, le=20)
    within_s: int = Field(ge=60)
    first_lock_out_s: int = Field(ge=60)
    longest_lock_out_s: int = Field(ge=60)
    offline_window_h: int = Field(ge=1)
    reserved_s: int = Field(ge=60)


class _Visits(_Frozen):
    most_visitors: int = Field(ge=1)
    stay_s: int = Field(ge=60)
    door_s: int = Field(ge=5)


class EconomicsFigures(_Frozen):
    """Configured figures for a station's economics, with their source (S2)."""

    seconds_per_hand_over: int = Field(ge=0)
    wage_fen_per_hour: int = Field(ge=0)
    sending_income_fen: int = Field(ge=0)
    reported_labour_fen_per_year: tuple[int, int]
    reported_sending_fen_per_year: int
    source: str = Field(min_length=10)


class StationPolicy(_Frozen):
    """All rules in force at a region's stations, in their checked form."""

    version: int = Field(ge=1)
    valid_from: date
    consent: _Consent
    deposit: _Deposit
    notice: _Notice
    retention: _Retention
    sending: _Sending
    evidence: _Evidence
    attempts: _Attempts
    proxy: _Proxy
    codes: _Codes
    visits: _Visits
    economics: EconomicsFigures

    def laws(self) -> Iterator[tuple[str, LawReading]]:
        """Give every law reading by its id."""
        for name in type(self).model_fields:
            law = getattr(getattr(self, name), "law", None)
            if isinstance(law, LawReading):
                for law_id in law.ids:
                    yield law_id, law

    def deposit_rules(self, kind: str) -> DepositRules:
        """Return what stands in the way of a deposit at a site of a kind."""
        return DepositRules(
            consent_needed=self.consent.station if kind == "station" else self.consent.cabinet,
            weight_tolerance_percent=self.deposit.weight_tolerance_percent,
            weight_tolerance_g=self.deposit.weight_tolerance_g,
            valuable_from_fen=self.deposit.valuable_from_fen,
        )

    @property
    def retention_rules(self) -> RetentionRules:
        """Return how long parcels are kept."""
        kept = self.retention
        return RetentionRules(
            kept.promised_h, kept.remind_h, kept.call_h, kept.return_h, kept.free_h, kept.step_h,
            Fen(kept.step_fen), Fen(kept.cap_fen),
        )  # fmt: skip

    @property
    def guess_rules(self) -> GuessRules:
        """Return how many wrong codes are borne."""
        codes = self.codes
        first, longest = timedelta(seconds=codes.first_lock_out_s), timedelta(seconds=codes.longest_lock_out_s)
        return GuessRules(codes.wrong, timedelta(seconds=codes.within_s), first, longest)

    @property
    def station_rules(self) -> StationRules:
        """Return the limits of a 24-hour station."""
        return StationRules(self.visits.most_visitors, self.visits.stay_s, self.visits.door_s)


@dataclass(frozen=True)
class StationPolicies:
    """The rules that come with Cunda, and what regions say otherwise."""

    common: StationPolicy
    regions: Mapping[str, StationPolicy]

    def of(self, region: str) -> StationPolicy:
        """Return the rules in force in a region."""
        return self.regions.get(region, self.common)


def load_policies(path: Path | None = None) -> StationPolicies:
    """Read and check a file of station rules; the one that comes with Cunda when none is given.

    Raises
    ------
    StationPolicyError
        If the file cannot be read, a setting is wrong, or a law has no reading; names section and setting.
    """
    try:
        text = (path or files(__package__) / "policy.toml").read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise StationPolicyError(f"station rules cannot be read: {problem}") from problem
    special = raw.pop("region", [])
    common = _checked(raw)
    regions = {str(entry.get("name", "")): _checked(_merged(raw, entry)) for entry in special}
    return StationPolicies(common, regions)


def _merged(common: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name: part for name, part in entry.items() if name != "name"}
    return {
        name: dict(part) | changed.get(name, {}) if isinstance(part, dict) else changed.get(name, part)
        for name, part in common.items()
    }


def _checked(raw: Mapping[str, Any]) -> StationPolicy:
    try:
        policy = StationPolicy.model_validate(raw)
        _ = policy.retention_rules
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StationPolicyError(f"station rules, {where}: {first['msg']}", field=where) from problem
    except RetentionRulesError as problem:
        raise StationPolicyError(f"station rules, retention: {problem.message}", field="retention") from problem
    missing = sorted(set(_LAWS) - {law_id for law_id, _ in policy.laws()})
    if missing:
        raise StationPolicyError(f"station rules: no reading of {', '.join(missing)}", field="law")
    return policy
