"""What the sorting table says to a scan: one chute, or clearly why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.custody.events import CLOSED_STATUSES, STATUS_TITLES
from dispatch.custody.model import CustodyStanding
from dispatch.demand.reasons import Reason
from dispatch.parcels.model import Parcel
from dispatch.plans.model import PlanUnassigned
from dispatch.plans.repository import ON_VAN, PlanRepository
from dispatch.sorting.index import ScanIndex
from dispatch.sorting.plan import SortedParcel


class ScanOutcome(StrEnum):
    """What a scan came to; the screen shows colour and words by it."""

    SORT = "sort"
    CHANGED = "changed"
    LATER_WAVE = "later_wave"
    WRONG_CHUTE = "wrong_chute"
    ALREADY_LOADED = "already_loaded"
    SEVERAL = "several"
    NOT_PLANNED = "not_planned"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    TO_COLLECT = "to_collect"
    OTHER_REGION = "other_region"
    UNKNOWN = "unknown"


GO: Final = frozenset({ScanOutcome.SORT, ScanOutcome.CHANGED})
"""Outcomes with which a parcel goes into its route's chute."""

_SENTENCES: Final[Mapping[ScanOutcome, tuple[str, str]]] = {
    ScanOutcome.SORT: ("放入 {chute} 格口", "Into chute {chute}"),
    ScanOutcome.CHANGED: (
        "发布后改线：放入 {chute} 格口（原 {was}）",
        "Changed since it was published first: into chute {chute} (was {was})",
    ),
    ScanOutcome.LATER_WAVE: (
        "第 {wave} 频次再分拣，先放 {chute}",
        "Sorted in wave {wave}; put it into {chute} until then",
    ),
    ScanOutcome.WRONG_CHUTE: ("分错格口：应在 {chute}，不是 {at}", "Wrong chute: it belongs into {chute}, not {at}"),
    ScanOutcome.ALREADY_LOADED: (
        "已装车（路线 {route}），不要再分拣",
        "Already on the vehicle of route {route}; leave it",
    ),
    ScanOutcome.SEVERAL: (
        "该运单有多件且去向不同，请扫描件号条码",
        "Several pieces of this waybill go to different chutes; scan the piece's own barcode",
    ),
    ScanOutcome.NOT_PLANNED: ("今日未排线：{reason}", "On no route today: {reason}"),
    ScanOutcome.CANCELLED: ("已撤销或拦截：{reason}", "Taken off or stopped: {reason}"),
    ScanOutcome.FINISHED: ("该件已办结：{reason}", "Nothing more is owed for it: {reason}"),
    ScanOutcome.TO_COLLECT: ("这是揽收件，不参加分拣", "This parcel is collected on the way, it is not sorted here"),
    ScanOutcome.OTHER_REGION: ("不属于本区域，请转出", "It belongs to another region; pass it on"),
    ScanOutcome.UNKNOWN: ("系统中没有此件，请按无预报件登记", "Nobody announced this number; record a surplus scan"),
}

_STOPPED: Final = frozenset({"held", "returning", "not_taken"})
_TAKEN_OFF: Final = "TAKEN_OFF"


@dataclass(frozen=True)
class ScanAnswer:
    """What the sorter sees.

    Attributes
    ----------
    chute
        Where to put it: the route's chute, the one for later waves, or the one for what cannot be sorted. Empty when
        it stays where it is.
    params
        What the sentences are made of.
    """

    outcome: ScanOutcome
    code: str
    chute: str
    parcel: SortedParcel | None = None
    parcel_id: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    params_zh: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = "zh") -> str:
        """Return it for a reader: Chinese, or English for ``en``."""
        chinese, english = _SENTENCES[self.outcome]
        if language == "en":
            return english.format(**self.params)
        return chinese.format(**{**self.params, **self.params_zh})


def answer_scan(
    session: Session, index: ScanIndex, code: str, *, wave: int | None = None, at_chute: str | None = None
) -> ScanAnswer:
    """Say where a scanned parcel goes.

    Parameters
    ----------
    wave
        The wave that is being sorted; parcels of later ones wait. None sorts every wave at once.
    at_chute
        The chute at which it was scanned to check it; None at the table.
    """
    found = index.find(code)
    if not found:
        return _stranger(session, index, code)
    if len({parcel.chute for parcel in found}) > 1:
        return ScanAnswer(ScanOutcome.SEVERAL, code, "")
    standings = _standings(session, [parcel.facts.parcel_id for parcel in found])
    # Pieces that share a chute share an answer; the one still to be sorted speaks for them.
    parcel = next((one for one in found if standings.get(one.facts.parcel_id) not in ON_VAN), found[0])
    status = standings.get(parcel.facts.parcel_id, "unannounced")
    return _planned(index, parcel, status, code, wave, at_chute)


def _planned(
    index: ScanIndex, parcel: SortedParcel, status: str, code: str, wave: int | None, at_chute: str | None
) -> ScanAnswer:
    def made(outcome: ScanOutcome, chute: str, **params: Any) -> ScanAnswer:
        said = {"chute": chute, **params}
        return ScanAnswer(outcome, code, chute, parcel, parcel.facts.parcel_id, said)

    if status in ON_VAN:
        return made(ScanOutcome.ALREADY_LOADED, "", route=parcel.route)
    if status in CLOSED_STATUSES or status == "stored":
        return _told(ScanOutcome.FINISHED, code, index.reject, status, parcel)
    if status in _STOPPED:
        return _told(ScanOutcome.CANCELLED, code, index.reject, status, parcel)
    if at_chute is not None and at_chute != parcel.chute:
        return made(ScanOutcome.WRONG_CHUTE, parcel.chute, at=at_chute)
    if wave is not None and parcel.wave > wave and parcel.bag_kind != "cold":
        return made(ScanOutcome.LATER_WAVE, index.rest, wave=parcel.wave)
    before = index.published_before(parcel)
    if before is not None:
        return made(ScanOutcome.CHANGED, parcel.chute, was=index.chutes_of.get(before, before))
    return made(ScanOutcome.SORT, parcel.chute)


def _told(outcome: ScanOutcome, code: str, chute: str, status: str, parcel: SortedParcel | None) -> ScanAnswer:
    english, chinese = STATUS_TITLES.get(status, (status, status))
    parcel_id = None if parcel is None else parcel.facts.parcel_id
    return ScanAnswer(outcome, code, chute, parcel, parcel_id, {"reason": english}, {"reason": chinese})


def _stranger(session: Session, index: ScanIndex, code: str) -> ScanAnswer:
    """Say why a code that is not on any route has no chute."""
    matches = _stored(session, code)
    mine = [parcel for parcel in matches if parcel.region == index.plan.region]
    if not matches:
        return ScanAnswer(ScanOutcome.UNKNOWN, code, index.reject)
    if not mine:
        return ScanAnswer(ScanOutcome.OTHER_REGION, code, index.reject, parcel_id=matches[0].id)
    parcel = mine[0]
    if parcel.direction == "collect":
        return ScanAnswer(ScanOutcome.TO_COLLECT, code, index.reject, parcel_id=parcel.id)
    status = _standings(session, [parcel.id]).get(parcel.id, "unannounced")
    if status in CLOSED_STATUSES or status == "stored":
        return _named(_told(ScanOutcome.FINISHED, code, index.reject, status, None), parcel.id)
    if status in ON_VAN:
        return ScanAnswer(ScanOutcome.ALREADY_LOADED, code, "", None, parcel.id, {"route": "–"})
    if status in _STOPPED:
        return _named(_told(ScanOutcome.CANCELLED, code, index.reject, status, None), parcel.id)
    return _off_plan(session, index, parcel, code)


def _off_plan(session: Session, index: ScanIndex, parcel: Parcel, code: str) -> ScanAnswer:
    version = PlanRepository(session).version(index.plan.version_id)
    query = select(PlanUnassigned.reason).where(
        PlanUnassigned.version_id == version.reasons_of, PlanUnassigned.parcel_id == parcel.id
    )
    body = session.scalar(query)
    if body is None:
        day = parcel.due_day.isoformat()
        return ScanAnswer(
            ScanOutcome.NOT_PLANNED,
            code,
            index.reject,
            parcel_id=parcel.id,
            params={"reason": f"due on {day}, not part of this plan"},
            params_zh={"reason": f"应投日期 {day}，不在本计划内"},
        )
    reason = Reason.from_dict(body)
    was_on = index.before.get(parcel.id) is not None or reason.code.value == _TAKEN_OFF
    outcome = ScanOutcome.CANCELLED if was_on else ScanOutcome.NOT_PLANNED
    return ScanAnswer(
        outcome,
        code,
        index.reject,
        parcel_id=parcel.id,
        params={"reason": reason.sentence("en"), "reason_code": reason.code.value},
        params_zh={"reason": reason.sentence("zh")},
    )


def _named(answer: ScanAnswer, parcel_id: str) -> ScanAnswer:
    return ScanAnswer(answer.outcome, answer.code, answer.chute, None, parcel_id, answer.params, answer.params_zh)


def _standings(session: Session, parcel_ids: list[str]) -> dict[str, str]:
    query = select(CustodyStanding.parcel_id, CustodyStanding.status).where(CustodyStanding.parcel_id.in_(parcel_ids))
    return dict(session.execute(query).all())


def _stored(session: Session, code: str) -> list[Parcel]:
    """Find parcels by waybill, waybill with piece, or id; a scanner may add the piece after a hyphen."""
    text = code.strip()
    head, _, tail = text.partition("-")
    wanted = [text, text.upper(), head, head.upper()] if tail.replace("-", "").isdigit() else [text, text.upper()]
    query = select(Parcel).where(or_(Parcel.waybill.in_(wanted), Parcel.id == text.lower()))
    return list(session.scalars(query.order_by(Parcel.id).limit(20)))
