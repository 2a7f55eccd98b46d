"""What a station saves and earns, from its own events and configured figures (S2: 磐安 24-hour stations).

Only counts come from events; what a hand-over costs in a keeper's time and what a sending earns are settings with
their source. The press figures stand beside the result, they do not make it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.parcels.model import COLLECT, Parcel
from dispatch.stations.model import StationFact
from dispatch.stations.policy import EconomicsFigures
from kernel.clock import day_start
from kernel.money import Fen

_YEAR_DAYS = 365
_HOUR_S = 3600


@dataclass(frozen=True)
class StationEconomics:
    """A station's days in fen.

    Parameters
    ----------
    self_service
        Parcels fetched by code or in a visit, without a keeper.
    labour_saved_per_year_fen, sending_per_year_fen
        The days' figures carried to a year.
    """

    first_day: date
    days: int
    self_service: int
    by_keeper: int
    drop_offs: int
    labour_saved_fen: Fen
    sending_income_fen: Fen
    labour_saved_per_year_fen: Fen
    sending_per_year_fen: Fen
    reported_labour_fen_per_year: tuple[int, int]
    reported_sending_fen_per_year: int
    source: str


def economics(
    session: Session, site_id: str, figures: EconomicsFigures, last_day: date, days: int, zone: str
) -> StationEconomics:
    """Compute a station's economics over some days that end with ``last_day``."""
    first = last_day - timedelta(days=days - 1)
    begin, end = day_start(first, zone), day_start(last_day + timedelta(days=1), zone)
    query = select(StationFact).where(
        StationFact.site_id == site_id, StationFact.type == "parcel.collected", StationFact.fact_at >= begin,
        StationFact.fact_at < end,
    )  # fmt: skip
    taken = session.scalars(query).all()
    alone = sum("identity" not in fact.body for fact in taken)
    dropped = int(
        session.scalar(
            select(func.count()).select_from(Parcel).where(
                Parcel.channel_site_id == site_id, Parcel.direction == COLLECT, Parcel.due_day >= first,
                Parcel.due_day <= last_day,
            )
        ) or 0
    )  # fmt: skip
    saved = alone * figures.seconds_per_hand_over * figures.wage_fen_per_hour // _HOUR_S
    earned = dropped * figures.sending_income_fen
    return StationEconomics(
        first, days, alone, len(taken) - alone, dropped, Fen(saved), Fen(earned),
        Fen(saved * _YEAR_DAYS // days), Fen(earned * _YEAR_DAYS // days),
        figures.reported_labour_fen_per_year, figures.reported_sending_fen_per_year, figures.source,
    )  # fmt: skip
