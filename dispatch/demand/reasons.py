"""Why a parcel is on no route: codes, their certainty and a sentence in Chinese and English.

The codes follow Google Route Optimization's skip reasons where the meaning fits and add ours in the same
style. They are additive only: a code that was once published keeps its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class ReasonCode(StrEnum):
    """Names of reasons, the same in files, in the API and on screens."""

    NO_VEHICLE = "NO_VEHICLE"
    DEMAND_EXCEEDS_VEHICLE_CAPACITY = "DEMAND_EXCEEDS_VEHICLE_CAPACITY"
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT = "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT"
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT = "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT"
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TRAVEL_DURATION_LIMIT = (
        "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TRAVEL_DURATION_LIMIT"
    )
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS = "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS"
    VEHICLE_NOT_ALLOWED = "VEHICLE_NOT_ALLOWED"
    SKILL_MISSING = "SKILL_MISSING"
    UNREACHABLE_BY_ROAD = "UNREACHABLE_BY_ROAD"
    POSITION_UNCONFIRMED = "POSITION_UNCONFIRMED"
    NO_CONSENT = "NO_CONSENT"
    SITE_NOT_IN_SERVICE = "SITE_NOT_IN_SERVICE"
    NOT_A_SERVICE_DAY = "NOT_A_SERVICE_DAY"
    NOT_DUE = "NOT_DUE"
    RELEASED_TOO_LATE = "RELEASED_TOO_LATE"
    LESS_VALUABLE = "LESS_VALUABLE"
    TAKEN_OFF = "TAKEN_OFF"
    VEHICLE_OUT_OF_SERVICE = "VEHICLE_OUT_OF_SERVICE"


class Certainty(StrEnum):
    """Whether a reason is shown or only likely."""

    PROVED = "proved"
    HEURISTIC = "heuristic"


_SENTENCES: Final[dict[ReasonCode, tuple[str, str]]] = {
    ReasonCode.NO_VEHICLE: ("本日没有可用车辆", "There is no vehicle on this day"),
    ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY: (
        "超过所有车型的装载能力",
        "Larger than any vehicle can carry",
    ),
    ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT: (
        "单独派车也超出班次时长",
        "Even alone it takes longer than a shift",
    ),
    ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT: (
        "单独派车也超出里程限制",
        "Even alone it is farther than a vehicle may drive",
    ),
    ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TRAVEL_DURATION_LIMIT: (
        "单独派车也超出行驶时间限制",
        "Even alone it means more driving than is allowed",
    ),
    ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS: (
        "没有车辆能在时间窗内到达",
        "No vehicle can be there within the time window and its shift",
    ),
    ReasonCode.VEHICLE_NOT_ALLOWED: ("没有允许前往的车辆", "No vehicle is allowed to go there"),
    ReasonCode.SKILL_MISSING: ("没有车辆具备所需技能", "No vehicle has the skill it needs"),
    ReasonCode.UNREACHABLE_BY_ROAD: ("没有道路可达", "No road leads there and back"),
    ReasonCode.POSITION_UNCONFIRMED: ("位置待确认", "Its position is not confirmed"),
    ReasonCode.NO_CONSENT: ("收件人未同意投柜或投站", "The recipient has not agreed to a station or cabinet"),
    ReasonCode.SITE_NOT_IN_SERVICE: ("站点或柜机未启用", "The station, cabinet or kiosk is not in service"),
    ReasonCode.NOT_A_SERVICE_DAY: ("当日不是该村或站点的服务日", "The village or station is not served on this day"),
    ReasonCode.NOT_DUE: ("未到派送日", "It is not due on this day"),
    ReasonCode.RELEASED_TOO_LATE: ("到达太晚", "It arrives too late for this day's routes"),
    ReasonCode.LESS_VALUABLE: (
        "本日运力不足,优先级较低",
        "Other parcels were served first with the vehicles there are",
    ),
    ReasonCode.TAKEN_OFF: ("调度员已从路线移出", "A dispatcher took it off its route"),
    ReasonCode.VEHICLE_OUT_OF_SERVICE: (
        "原车辆停用，待重新安排",
        "Its vehicle is out of service; it waits for another",
    ),
}


@dataclass(frozen=True)
class Fix:
    """One change that would serve the parcel, and its price where known.

    Attributes
    ----------
    constraint
        What would be relaxed, for example ``shift_end_s`` or ``consent``.
    change
        By how much or to what, in the unit of the constraint; text for machines.
    cost_fen
        What serving it would then add to the plan, None when it was not computed.
    """

    constraint: str
    change: str
    cost_fen: int | None = None


@dataclass(frozen=True)
class Reason:
    """Why a parcel is on no route.

    Attributes
    ----------
    vehicle
        Vehicle type that serves as the example, where there is one.
    dimension
        Load dimension that is exceeded.
    amount
        By how much the limit is missed, in the unit of the constraint.
    """

    code: ReasonCode
    certainty: Certainty = Certainty.PROVED
    vehicle: str | None = None
    dimension: str | None = None
    amount: int | None = None
    fix: Fix | None = None

    def sentence(self, language: str = "zh") -> str:
        """Return the reason for a reader: Chinese, or English for ``en``."""
        chinese, english = _SENTENCES[self.code]
        return english if language == "en" else chinese

    def as_dict(self) -> dict[str, Any]:
        """Return the reason object of the API."""
        fix = None
        if self.fix is not None:
            fix = {
                "constraint": self.fix.constraint,
                "change": self.fix.change,
                "cost_fen": self.fix.cost_fen,
            }
        return {
            "code": self.code.value,
            "certainty": self.certainty.value,
            "vehicle": self.vehicle,
            "dimension": self.dimension,
            "amount": self.amount,
            "fix": fix,
        }

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Reason:
        """Read back what `as_dict` wrote."""
        fix = body.get("fix")
        return cls(
            code=ReasonCode(body["code"]),
            certainty=Certainty(body["certainty"]),
            vehicle=body.get("vehicle"),
            dimension=body.get("dimension"),
            amount=body.get("amount"),
            fix=None if fix is None else Fix(fix["constraint"], fix["change"], fix.get("cost_fen")),
        )
