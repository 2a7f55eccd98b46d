"""Message schemas: the one place where their fields are fixed.

Everything travels as JSON. Unknown fields of a known schema are kept; docs/reference/messages.md shows each
message with an example, and a test keeps page and models equal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from firmware_bridge.errors import EventBodyError, PayloadError, PersonalDataError
from firmware_bridge.payload import parse_object, write_object
from lockers.dropoffs import EVENT_TYPE as PARCEL_DROPPED
from lockers.dropoffs import DropOff
from lockers.masking import personal_data_in

DeviceId = Annotated[str, Field(pattern=r"^[a-z0-9-]{3,32}$")]
StoreId = Annotated[str, Field(pattern=r"^[a-z0-9]{4,32}$")]
EventId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
EventType = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){1,3}$", max_length=64)]
Seq = Annotated[int, Field(ge=1, le=2**53)]
Boot = Annotated[int, Field(ge=1, le=2**53)]

#: Most entries of ``missing`` or ``dead`` in one acknowledgement; the rest follows with the next.
MAX_LISTED: Final = 200


class Message(BaseModel):
    """Parent of all messages: immutable, unknown fields kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def to_bytes(self) -> bytes:
        """Write the message as JSON bytes, in the order of its fields."""
        return write_object(self.model_dump(mode="json"))


class ClockReport(Message):
    """What the device knows of its own clock when it sends.

    ``offset_ms`` is server time minus device time at the event, when ``synced``.
    """

    synced: bool
    offset_ms: int = Field(default=0, ge=-(10**15), le=10**15)


class Event(Message):
    """Envelope of a fact on ``evt/{class}``.

    ``id``, ``store``, ``boot``, ``seq``, ``ts``, ``mono_ms``, ``type``, ``schema``, ``txn`` and ``body`` belong
    to the fact and are the same on every retry; ``clock``, ``offline`` and ``historical`` tell of the delivery.
    """

    id: EventId
    dev: DeviceId
    store: StoreId
    boot: Boot
    seq: Seq
    ts: AwareDatetime
    mono_ms: int = Field(ge=0)
    clock: ClockReport
    type: EventType
    schema_version: int = Field(alias="schema", ge=1, le=1000)
    txn: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    offline: bool = False
    historical: bool = False
    body: dict[str, Any]

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    def to_bytes(self) -> bytes:
        """Write the event as JSON bytes, in the order of its fields."""
        return write_object(self.model_dump(mode="json", by_alias=True))

    def fact(self) -> dict[str, Any]:
        """Return what must be equal on every retry of this event."""
        return self.model_dump(mode="json", by_alias=True, exclude={"clock", "offline", "historical"})


#: A sequence number, or the first and last of a run of them.
SeqRange = Seq | tuple[Seq, Seq]


class Ack(Message):
    """On ``ack``: everything of this store up to ``upto`` is committed, except what ``missing`` lists.

    ``dead`` names events that were put aside for a person: by number, or, where no number could be read,
    by ``sha256:`` and the digest of the body bytes. They are committed too and are not sent again.
    """

    store: StoreId
    upto: int = Field(ge=0, le=2**53)
    missing: tuple[SeqRange, ...] = Field(default=(), max_length=MAX_LISTED)
    dead: tuple[Seq | Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")], ...] = Field(
        default=(), max_length=MAX_LISTED
    )
    server_time: AwareDatetime

    @model_validator(mode="after")
    def _ranges_rise(self) -> Self:
        for entry in self.missing:
            if isinstance(entry, tuple) and entry[0] > entry[1]:
                raise ValueError("a run of missing numbers ends before it starts")
        return self

    def covers(self, seq: int) -> bool:
        """Tell whether this acknowledgement says that a number is committed."""
        if seq in self.dead:
            return True
        return seq <= self.upto and not any(_contains(entry, seq) for entry in self.missing)


def _contains(entry: int | tuple[int, int], seq: int) -> bool:
    return entry == seq if isinstance(entry, int) else entry[0] <= seq <= entry[1]


class Birth(Message):
    """On ``state``, retained: first message of a connection, and again when the server asks."""

    kind: Annotated[str, Field(pattern=r"^(birth|disconnected|death)$")] = "birth"
    dev: DeviceId
    store: StoreId
    boot: Boot
    connection: int = Field(ge=1, description="Counts the connections of this boot.")
    next_seq: Seq
    nonce: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    ts: AwareDatetime
    firmware: Annotated[str, Field(max_length=40)] = "unknown"
    schemas: dict[str, int] = Field(default_factory=dict, description="Event types this device sends, with versions.")
    description: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = Field(
        default="", description="SHA-256 of the device's self-description."
    )


class BirthReply(Message):
    """On ``ack/birth``: the server's signed answer, bound to the birth by its nonce."""

    dev: DeviceId
    store: StoreId
    nonce: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    server_time: AwareDatetime
    acked_seq: int = Field(ge=0)
    list_version: int = Field(default=0, ge=0)
    config_version: int = Field(default=0, ge=0)
    counter_floor: int = Field(default=0, ge=0)


#: Event types whose bodies the server understands, with the newest schema version it knows.
EVENT_BODIES: Final[dict[str, tuple[int, type[BaseModel]]]] = {PARCEL_DROPPED: (1, DropOff)}

AnyMessage = TypeVar("AnyMessage", bound=Message)


def parse_message(kind: type[AnyMessage], raw: bytes) -> AnyMessage:
    """Read a message of a given kind from its JSON bytes.

    Raises
    ------
    PayloadError, PayloadTooLargeError
        If the bytes are no acceptable JSON object, or (reason ``schema``) a field is wrong; names it.
    """
    value = parse_object(raw)
    try:
        return kind.model_validate(value)
    except ValidationError as problem:
        raise PayloadError("schema", f"{kind.__name__}: {first_problem(problem)}") from problem


def check_event_body(event: Event) -> BaseModel | None:
    """Check an event's body against its type; nothing is returned for a type nobody here knows.

    Raises
    ------
    EventBodyError
        If a known type lacks what it needs.
    PersonalDataError
        If the body holds a name, phone, address or code.
    """
    if found := next(personal_data_in(event.body), None):
        raise PersonalDataError(f"event {event.id}: body field {found} holds personal data", field=found)
    known = EVENT_BODIES.get(event.type)
    if known is None:
        return None
    try:
        return known[1].model_validate(event.body)
    except ValidationError as problem:
        raise EventBodyError(f"event {event.id}, {event.type}: {first_problem(problem)}") from problem


def first_problem(problem: ValidationError) -> str:
    """Say where the first mistake stands and what it is, without repeating the value."""
    first = problem.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'message'}: {first['msg']}"


def moment_text(moment: datetime) -> str:
    """Write a moment for the wire, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")
