"""Studies of where kiosks go: made, kept, drawn, and held against what came after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, cast

import numpy as np
from sqlalchemy.orm import Session

from api.manifests import today_in
from api.region_catalog import RegionCatalog
from api.siting import KioskSurvey, drop_off_histories, standing_kiosks, survey_kiosks
from kernel.clock import Clock
from kernel.db import Database
from kernel.ids import Ids
from kernel.progress import Progress, silent
from lockers.registry.model import Site
from lockers.siting.model import SitingStudy
from lockers.siting.repository import SitingRepository
from maps.geodesy import straight_m
from maps.region import Region
from maps.siting.after import FactReport, Sleeper, forecast_against_fact, sleepers
from maps.siting.forecast import Forecast, RateModel, fit_rates
from maps.siting.plan import Model, SitingPlan, site_kiosks, standing_demand
from maps.siting.problem import Candidate, SitingRules
from maps.siting.report import plan_document, plan_geojson
from maps.siting.scenes import pattern_of
from maps.siting.survey import SeenPlace, seen_candidates

#: A kiosk put up within so many metres of a proposed place is taken for the one proposed.
SAME_PLACE_M: Final = 300.0


@dataclass(frozen=True)
class SitingOrder:
    """What is asked of a study; `candidates` are places somebody looked at, supposed ones when None."""

    region: str
    budget: int
    within_min: float = 15.0
    model: str = "covering"
    pattern: str = "any"
    spacing_m: float | None = None
    quick: bool = False
    candidates: tuple[SeenPlace, ...] | None = None

    def rules(self) -> SitingRules:
        """Return the rules of the order.

        Raises
        ------
        SitingInputError
            If a number or the pattern is none.
        """
        rules = SitingRules(self.budget, self.within_min, pattern_of(self.pattern))
        return rules if self.spacing_m is None else rules.spaced(self.spacing_m)

    def places(self, region: Region) -> tuple[Candidate, ...] | None:
        """Return the candidates of the order's list, None without one.

        Raises
        ------
        SitingInputError
            If a scene is none of the ten.
        """
        return None if self.candidates is None else seen_candidates(self.candidates, region)

    def check(self, region: Region) -> None:
        """Refuse what could not be carried out whatever the database holds.

        Raises
        ------
        SitingInputError
            If a number, the pattern or a scene is none.
        """
        self.rules()
        self.places(region)


@dataclass(frozen=True)
class MadeStudy:
    """A study as it was made: its row's id and number, what was surveyed, and the plan."""

    study_id: str
    number: int
    survey: KioskSurvey
    plan: SitingPlan
    document: Mapping[str, Any]


class SitingDesk:
    """Siting studies of every region of a database."""

    def __init__(self, database: Database, regions: RegionCatalog, ids: Ids, clock: Clock) -> None:
        self._database, self._regions, self._ids, self._clock = database, regions, ids, clock

    def make(self, order: SitingOrder, *, actor: str, progress: Progress = silent) -> MadeStudy:
        """Choose places for kiosks, forecast each, and keep the study.

        Raises
        ------
        SitingInputError, SitingImpossibleError, CoverageImpossibleError, SitingMethodError
            As :func:`maps.siting.plan.site_kiosks`; nothing is kept then.
        """
        rules, region = order.rules(), self._regions.load(order.region)
        progress("measuring road minutes", 0, 3)
        with self._database.read() as session:
            found = survey_kiosks(session, region, order.places(region))
        progress("choosing places", 1, 3)
        model = cast("Model", order.model)
        plan = site_kiosks(found.problem, rules, model, "swap" if order.quick else "exact")
        progress("forecasting drop-offs", 2, 3)
        plan = _forecast(found, rules, model, plan)
        document = {"region": region.name, "demand_from": found.demand_from} | plan_document(plan, found.problem)
        document["map"] = plan_geojson(plan, found.problem)
        with self._database.begin() as session:
            study = self._store(session, order, region, plan, document, actor)
            progress("forecasting drop-offs", 3, 3)
            return MadeStudy(study.id, study.number, found, plan, document)

    def studies(self, region: str) -> Sequence[SitingStudy]:
        """List a region's studies, the newest first."""
        with self._database.read() as session:
            found = SitingRepository(session).studies(region)
            session.expunge_all()
            return found

    def study(self, study_id: str) -> SitingStudy:
        """Give a study.

        Raises
        ------
        SitingStudyNotFoundError
            If there is none of this id.
        """
        with self._database.read() as session:
            found = SitingRepository(session).study(study_id)
            session.expunge_all()
            return found

    def facts(self, study_id: str) -> FactReport:
        """Hold a study's forecasts against the drop-offs of later days.

        Kiosks that stood are known by their id, proposed ones by the first kiosk put up near their place since.

        Raises
        ------
        SitingStudyNotFoundError
            If there is none of this id.
        """
        with self._database.read() as session:
            study = SitingRepository(session).study(study_id)
            sites = standing_kiosks(session, study.region)
            facts = drop_off_histories(session, study.region, sites, after=study.day)
            forecasts = {site: Forecast(**known) for site, known in _put_up(study, sites).items()}
        return forecast_against_fact(forecasts, facts)

    def sleepers(self, order: SitingOrder, days: int = 28, at_most: int = 0) -> tuple[tuple[Sleeper, ...], KioskSurvey]:
        """Point out kiosks that took in next to nothing of late, each with a better place; and what was surveyed.

        Parameters
        ----------
        order
            Its region, reach, pattern and candidates; the rest is not asked.
        days, at_most
            So few drop-offs in so many last days are sleep.
        """
        rules, region = order.rules(), self._regions.load(order.region)
        candidates = order.places(region)
        with self._database.read() as session:
            whole = survey_kiosks(session, region, candidates)
            sites = standing_kiosks(session, region.name)
            recent = drop_off_histories(session, region.name, sites, recent_days=days)
        rates = _rates(whole, rules, "covering")
        late = _with_demand(replace(whole, histories=recent), rules, "covering")
        return sleepers(late.problem, rules, late.histories, rates, at_most=at_most), late

    def _store(
        self,
        session: Session,
        order: SitingOrder,
        region: Region,
        plan: SitingPlan,
        document: dict[str, Any],
        actor: str,
    ) -> SitingStudy:
        study = SitingStudy(
            id=self._ids.new(),
            region=region.name,
            number=SitingRepository(session).next_number(region.name),
            day=today_in(self._clock, region.zone),
            made_at=self._clock.now(),
            actor=actor,
            request=asdict(order),
            document=document,
            forecasts={site.candidate.id: asdict(site.forecast) for site in plan.sites if site.forecast is not None},
        )
        session.add(study)
        session.flush()
        return study


def _with_demand(found: KioskSurvey, rules: SitingRules, model: Model) -> KioskSurvey:
    served = standing_demand(found.problem, rules, model)
    return replace(found, histories=tuple(replace(one, demand=served[one.site_id]) for one in found.histories))


def _rates(found: KioskSurvey, rules: SitingRules, model: Model, usual_demand: float | None = None) -> RateModel:
    return fit_rates(_with_demand(found, rules, model).histories, usual_demand)


def _forecast(found: KioskSurvey, rules: SitingRules, model: Model, plan: SitingPlan) -> SitingPlan:
    usual = sum(site.weight for site in plan.sites) / len(plan.sites) if plan.sites else None
    known = _with_demand(found, rules, model)
    return plan.with_forecasts(_rates(found, rules, model, usual), known.histories)


def _put_up(study: SitingStudy, sites: Sequence[Site]) -> dict[str, dict[str, Any]]:
    """Return forecasts by the site that stands where they were made for."""
    found = {site.id: study.forecasts[site.id] for site in sites if site.id in study.forecasts}
    proposed = [one for one in study.document["sites"] if not one["existing"] and one["id"] in study.forecasts]
    for site in sorted(sites, key=lambda one: (one.registered_at, one.id)):
        near = [(_distance_m(site, one), one["id"]) for one in proposed]
        if site.id in found or site.registered_at < study.made_at or not near or min(near)[0] > SAME_PLACE_M:
            continue
        place = min(near)[1]
        found[site.id] = study.forecasts[place]
        proposed = [one for one in proposed if one["id"] != place]
    return found


def _distance_m(site: Site, place: Mapping[str, Any]) -> float:
    return float(straight_m(np.array([site.lon, site.lat]), np.array([place["lon"], place["lat"]])))


def facts_document(report: FactReport) -> dict[str, Any]:
    """Return forecast against fact for JSON."""
    return {
        "kiosks": [asdict(row) for row in report.rows],
        "expected": round(report.expected, 3),
        "actual": report.actual,
        "share_within": round(report.share_within, 4),
        "by_scene": {
            scene: {"expected": round(expected, 3), "actual": actual}
            for scene, (expected, actual) in sorted(report.by_scene.items())
        },
        "unforecast": list(report.unforecast),
        "unobserved": list(report.unobserved),
    }


def sleeper_document(sleeper: Sleeper) -> dict[str, Any]:
    """Return a sleeping kiosk for JSON, with where it would do more."""
    move = sleeper.move
    return {
        "site_id": sleeper.kiosk.id,
        "scene": sleeper.kiosk.scene,
        "drop_offs": sleeper.drop_offs,
        "days": sleeper.days,
        "chance": round(sleeper.chance, 4),
        "move": None if move is None else {
            "id": move.candidate.id, "name": move.candidate.name, "lon": move.candidate.lon, "lat": move.candidate.lat,
            "gained": round(move.gained, 3), "lost": round(move.lost, 3),
            "drop_offs_a_day": round(move.forecast.mean, 3),
        },
    }  # fmt: skip
