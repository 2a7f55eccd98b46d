"""The vocabulary of the custody ledger: event types, what each must carry and what it changes.

The tables here are data: the projection, the ledger's checks and ``docs/custody.md`` all read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from dispatch.errors import CustodyEventError


@dataclass(frozen=True)
class EventType:
    """One type of custody event.

    Parameters
    ----------
    name
        Past tense, as stored.
    title_zh
        The field's word for it.
    status
        Status a parcel has after it, or None when it changes no status.
    takes_custody
        Whether ``to_custodian`` becomes the parcel's one custodian.
    needs
        Fields that must be there.
    custodian
        Custodian when the event names none; the custody stays where it was when this is empty.
    """

    name: str
    title_zh: str
    status: str | None = None
    takes_custody: bool = False
    needs: tuple[str, ...] = ()
    custodian: str = ""


_TYPES = (
    EventType("announced", "预报", "announced", True, ("parcel_id", "to_custodian")),
    EventType("arrived", "到达", "in_office", True, ("parcel_id", "to_custodian")),
    EventType("surplus_scanned", "无预报扫描", "in_office", True, ("to_custodian",)),
    EventType("sectioned", "下段", "sectioned", needs=("parcel_id", "section")),
    EventType("unsectioned", "撤段", "in_office", needs=("parcel_id",)),
    EventType("bagged", "装袋", needs=("parcel_id",)),
    EventType("loaded", "装车", "loaded", True, ("parcel_id",)),
    EventType("unloaded", "卸车", "in_office", True, ("parcel_id", "to_custodian")),
    EventType("departed", "出班", "out_for_delivery", needs=("parcel_id",)),
    EventType("handed_over", "交出", needs=("parcel_id", "from_custodian", "to_custodian")),
    EventType("received", "接收", None, True, ("parcel_id", "from_custodian", "to_custodian")),
    EventType("attempted", "未妥投", "attempted", needs=("parcel_id", "cause", "next_action")),
    EventType("delivered", "妥投", "delivered", True, ("parcel_id",), custodian="recipient"),
    EventType("deposited", "入柜入站", "stored", True, ("parcel_id", "to_custodian")),
    EventType("collected", "取件", "collected", True, ("parcel_id",), custodian="recipient"),
    EventType("not_taken", "逾期未取", "not_taken", needs=("parcel_id",)),
    EventType("accepted_from_sender", "揽收", "accepted", True, ("parcel_id", "to_custodian")),
    EventType("returned_to_office", "带回", "in_office", True, ("parcel_id", "to_custodian")),
    EventType("held", "留存", "held", needs=("parcel_id",)),
    EventType("forwarded", "转出", "forwarded", True, ("parcel_id", "to_custodian")),
    EventType("return_started", "退回", "returning", needs=("parcel_id",)),
    EventType("return_handed", "退回妥投", "returned", True, ("parcel_id",), custodian="sender"),
    EventType("lost_declared", "申报丢失", "lost", needs=("parcel_id",)),
    EventType("damage_noted", "破损记录", needs=("parcel_id",)),
    EventType("counted", "盘点"),
    EventType("money_taken", "收款", needs=("parcel_id", "amount_fen", "means")),
    EventType("money_refunded", "退款", needs=("parcel_id", "amount_fen", "means")),
    EventType("money_remitted", "缴款", needs=("amount_fen", "means")),
    EventType("consent_given", "同意代收", needs=("parcel_id", "consent_reference")),
    EventType("consent_withdrawn", "撤回同意", needs=("parcel_id",)),
    EventType("note_raised", "发验"),
    EventType("note_closed", "销验"),
    EventType("gate_overridden", "特批放行"),
    EventType("corrected", "更正", needs=("corrects",)),
)
EVENT_TYPES: Mapping[str, EventType] = MappingProxyType({kind.name: kind for kind in _TYPES})

NEXT_ACTIONS = ("redeliver", "self_pickup", "hold", "forward", "redirect", "return", "investigate")
"""What may follow a failed attempt; a tenant adds causes, never actions."""

STATUS_TITLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "unannounced": ("known only from a scan", "无预报"),
        "announced": ("announced by its company, not seen yet", "已预报，未到"),
        "in_office": ("in the office, not assigned", "在局，未下段"),
        "sectioned": ("assigned to a section", "已下段"),
        "loaded": ("loaded", "已装车"),
        "out_for_delivery": ("out for delivery", "投递中"),
        "attempted": ("tried, not delivered", "未妥投"),
        "stored": ("waiting in a locker or station", "已入柜或入站"),
        "not_taken": ("not taken in time", "逾期未取"),
        "accepted": ("taken over from its sender", "已揽收"),
        "held": ("held", "留存"),
        "forwarded": ("passed on to another office or company", "已转出"),
        "returning": ("on its way back to the sender", "退回中"),
        "delivered": ("delivered", "妥投"),
        "collected": ("collected by its recipient", "已取件"),
        "returned": ("handed back to its sender", "已退回"),
        "lost": ("declared lost", "已申报丢失"),
    }
)
"""Every status with its English and Chinese title."""

CLOSED_STATUSES = frozenset({"delivered", "collected", "returned", "lost", "forwarded"})
"""Nothing more is owed for a parcel in one of these."""

NEXT_STEP_TITLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "none": ("nothing more", "无"),
        "await_arrival": ("wait for it to arrive, scan it in", "等待到达扫描"),
        "section": ("assign it to a section", "下段"),
        "load": ("load it", "装车"),
        "depart": ("depart", "出班"),
        "deliver": ("deliver it", "投递"),
        "receive": ("the receiver scans it", "接收方扫描"),
        "confirm_hand_over": ("the giver confirms the hand-over", "交出方确认"),
        "await_collection": ("wait for the recipient", "等待取件"),
        "take_back": ("take it out and bring it back", "取回带回"),
        "collect": ("a courier collects it", "上门收取"),
        "bring_in": ("bring it to the office", "带回局内"),
        "pass_on": ("pass it on to its company", "交运"),
        "redeliver": ("try again", "再投"),
        "self_pickup": ("keep it where the recipient fetches it", "转自取"),
        "hold": ("hold it", "留存"),
        "release": ("settle why it is held", "解除留存"),
        "forward": ("forward it to the right office or section", "转投"),
        "redirect": ("deliver it to the new address", "改址投递"),
        "return": ("start its return", "办理退回"),
        "hand_back": ("hand it back to the sender", "退交寄件人"),
        "investigate": ("find out what happened", "查验"),
    }
)
"""Every next step with its English and Chinese title."""


@dataclass(frozen=True)
class NewCustodyEvent:
    """A fact to be recorded.

    Parameters
    ----------
    type
        One of :data:`EVENT_TYPES`.
    fact_at
        When it happened; a device's time already corrected for its clock offset.
    actor
        Who did it, ``kind:id``, from the login or the device's identity, never from the message's text.
    event_id
        Stable id made where the fact happened; the ledger makes one for facts of the server itself.
    device_id, store, seq
        Where it stands in a device's outbox; all three or none.
    place
        ``kind:id`` of where it happened; the custodian's place when unknown.
    from_custodian, to_custodian
        ``kind:id``, for example ``courier:831``.
    transfer_id
        The same on both halves of a hand-over, when the devices agreed on one.
    body
        Anything more, JSON, ids and numbers only. A correction carries ``void: true`` or ``values``.
    """

    type: str
    fact_at: datetime
    actor: str
    parcel_id: str | None = None
    event_id: str | None = None
    device_id: str | None = None
    store: str | None = None
    seq: int | None = None
    device_at: datetime | None = None
    uploaded_at: datetime | None = None
    clock_offset_ms: int | None = None
    place: str | None = None
    from_custodian: str | None = None
    to_custodian: str | None = None
    transfer_id: str | None = None
    section: str | None = None
    wave: str | None = None
    shift: str | None = None
    plan_version_id: str | None = None
    route_id: str | None = None
    stop_id: str | None = None
    cause: str | None = None
    next_action: str | None = None
    next_on: date | None = None
    amount_fen: int | None = None
    means: str | None = None
    consent_reference: str | None = None
    corrects: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


def check_event(new: NewCustodyEvent) -> None:
    """Refuse an event that cannot be true as it stands.

    Raises
    ------
    CustodyEventError
        If the type is unknown, a field the type needs is missing, the outbox position is incomplete,
        a moment has no zone, or the next action is not one of :data:`NEXT_ACTIONS`.
    """
    kind = EVENT_TYPES.get(new.type)
    if kind is None:
        raise CustodyEventError(f"event type {new.type!r} is unknown", type=new.type)
    missing = [name for name in kind.needs if getattr(new, name) in (None, "")]
    if missing:
        raise CustodyEventError(f"event {new.type} needs {', '.join(missing)}", type=new.type, missing=missing)
    if len({value is None for value in (new.device_id, new.store, new.seq)}) != 1:
        raise CustodyEventError(f"event {new.type}: device_id, store and seq come together or not at all")
    if new.seq is not None and new.event_id is None:
        raise CustodyEventError(f"event {new.type}: a device's event brings its own event_id")
    for name in ("fact_at", "device_at", "uploaded_at"):
        moment = getattr(new, name)
        if moment is not None and moment.tzinfo is None:
            raise CustodyEventError(f"event {new.type}: {name} has no time zone")
    if new.next_action is not None and new.next_action not in NEXT_ACTIONS:
        raise CustodyEventError(f"event {new.type}: next_action {new.next_action!r} is unknown")
    if not new.actor:
        raise CustodyEventError(f"event {new.type} needs an actor")
