"""Message schemas: the one place where their fields are fixed.

Everything travels as JSON. Unknown fields of a known schema are kept; docs/reference/messages.md shows each
message with an example, and a test keeps page and models equal.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from firmware_bridge.errors import EventBodyError, PayloadError, PersonalDataError
from firmware_bridge.payload import parse_object, write_object
from kernel.privacy import personal_data_in
from lockers.dropoffs import EVENT_TYPE as PARCEL_DROPPED
from lockers.dropoffs import DropOff

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
    """What the device knows of its own clock when it sends."""

    synced: bool = Field(description="Whether the server's signed time was heard since the device started.")
    offset_ms: int = Field(
        default=0, ge=-(10**15), le=10**15, description="Server time minus device time at the event, when `synced`."
    )


class Event(Message):
    """Envelope of a fact.

    ``clock``, ``offline`` and ``historical`` tell of the delivery; everything else belongs to the fact and is the
    same on every retry.
    """

    id: EventId = Field(description="UUIDv7 made when the fact happened.")
    dev: DeviceId = Field(description="The device; the topic must say the same.")
    store: StoreId = Field(description="Random id made with the device's database file.")
    boot: Boot = Field(description="Start of the device program that recorded the fact.")
    seq: Seq = Field(description="Number within the store: rises by one, is never used twice.")
    ts: AwareDatetime = Field(description="Device's clock at the fact; orders nothing.")
    mono_ms: int = Field(ge=0, description="Device's monotonic clock at the fact.")
    clock: ClockReport = Field(description="What the device knows of its clock.")
    type: EventType = Field(description="What happened, `thing.past_tense`.")
    schema_version: int = Field(alias="schema", ge=1, le=1000, description="Version of the body's schema.")
    txn: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = Field(
        default=None, description="Business transaction it belongs to, for example one customer's session."
    )
    offline: bool = Field(default=False, description="Recorded while the server was out of reach.")
    historical: bool = Field(
        default=False, description="Older than 60 s at its first sending, or recorded while offline."
    )
    body: dict[str, Any] = Field(description="Depends on the type.")

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
    """What of a store the server has committed."""

    store: StoreId = Field(description="Store of the device this speaks of; another one ignores it.")
    upto: int = Field(
        ge=0, le=2**53, description="Everything up to this number is committed, except what `missing` lists."
    )
    missing: tuple[SeqRange, ...] = Field(
        default=(), max_length=MAX_LISTED, description="Numbers, or `[first, last]` of runs, to be sent again."
    )
    dead: tuple[Seq | Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")], ...] = Field(
        default=(),
        max_length=MAX_LISTED,
        description="Events put aside for a person: by number, or by digest of their bytes where no number could "
        "be read. They are kept by the server and not sent again.",
    )
    server_time: AwareDatetime = Field(description="When this was said; never early, so it may be believed late.")

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
    """First message of a connection, repeated every ten minutes; its will and its good-bye have the same form."""

    kind: Annotated[str, Field(pattern=r"^(birth|disconnected|death)$")] = Field(
        default="birth", description="`birth`; `disconnected` before an orderly end; `death` in the will."
    )
    dev: DeviceId = Field(description="The device.")
    store: StoreId = Field(description="Its present store.")
    boot: Boot = Field(description="Start of its program.")
    connection: int = Field(ge=1, description="Counts the connections of this boot; binds a death to its birth.")
    next_seq: Seq = Field(description="Number its next event will get.")
    nonce: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")] = Field(
        description="Never used before; the reply repeats it."
    )
    start: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = Field(
        default="", description="Random for each start of the program: two of one boot number are two programs."
    )
    ts: AwareDatetime = Field(description="Device's clock.")
    firmware: Annotated[str, Field(max_length=40)] = Field(default="unknown", description="Program and version.")
    schemas: dict[str, int] = Field(default_factory=dict, description="Event types it sends, with schema versions.")
    description: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = Field(
        default="", description="SHA-256 of the device's self-description."
    )


class BirthReply(Message):
    """The server's answer to a birth: proof that the device can hear, and time it may believe."""

    dev: DeviceId = Field(description="The device.")
    store: StoreId = Field(description="The store the birth named.")
    nonce: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")] = Field(description="Of the birth it answers.")
    server_time: AwareDatetime = Field(description="The server's clock.")
    acked_seq: int = Field(ge=0, description="Everything up to here is committed.")
    list_version: int = Field(default=0, ge=0, description="Newest local authorisation list.")
    config_version: int = Field(default=0, ge=0, description="Newest desired configuration.")
    counter_floor: int = Field(default=0, ge=0, description="Command counters up to here are void.")


class RefusalCode(StrEnum):
    """Why a device did not do what a command says."""

    BAD_SIGNATURE = "bad_signature"
    WRONG_DEVICE = "wrong_device"
    WRONG_TARGET = "wrong_target"
    WRONG_STORE = "wrong_store"
    EXPIRED = "expired"
    CLOCK_UNSYNCED = "clock_unsynced"
    REPLAYED = "replayed"
    RETAINED = "retained"
    INCOMPLETE = "incomplete"
    NOT_BORN = "not_born"
    ALREADY_OPEN = "already_open"
    INTERLOCK = "interlock"
    COOLING = "cooling"
    BUSY = "busy"
    MAINTENANCE = "maintenance"
    REVOKED = "revoked"
    UNKNOWN_OP = "unknown_op"


#: Refusals that mean an attack or a clone, not a mishap.
SECURITY_REFUSALS: Final = frozenset(
    {
        RefusalCode.BAD_SIGNATURE,
        RefusalCode.WRONG_DEVICE,
        RefusalCode.WRONG_TARGET,
        RefusalCode.WRONG_STORE,
        RefusalCode.REPLAYED,
        RefusalCode.RETAINED,
    }
)


class CommandState(StrEnum):
    """How far a command has come, as told by the device."""

    ACCEPTED = "accepted"
    ACTUATED = "actuated"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"


CommandId = EventId
ReleaseVersion = Annotated[str, Field(pattern=r"^[0-9a-z][0-9a-z.+-]{0,31}$")]
Actor = Annotated[str, Field(pattern=r"^[a-z]{1,16}:[A-Za-z0-9._-]{1,64}$")]


class Command(Message):
    """Something that moves a lock; every field is needed, and a missing one is a refusal."""

    cmd_id: CommandId = Field(description="Made by the server; an id is carried out once at most.")
    dev: DeviceId = Field(description="The one device it is for.")
    store: StoreId = Field(description="The device's store when it was issued.")
    op: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")] = Field(description="What to do; the topic says the same.")
    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] = Field(description="The one box or door.")
    issued_at: AwareDatetime = Field(description="Server's clock.")
    exp: AwareDatetime = Field(description="Not after this moment; at most 120 s after `issued_at` count.")
    ctr: int = Field(ge=1, le=2**53, description="Counter of the device's commands.")
    actor: Actor = Field(description="Who wants it, `kind:id`.")
    reason: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")] = Field(description="Why, a word from a list.")
    expect: Annotated[str, Field(pattern=r"^(closed|any)$")] = Field(
        description="`closed`: an open door is not pulsed; `any`: it is."
    )


class Progress(Message):
    """How far a command has come; quick, while the event `command.finished` is certain."""

    cmd_id: CommandId = Field(description="The command.")
    dev: DeviceId = Field(description="The device.")
    state: CommandState = Field(description="How far it has come.")
    code: RefusalCode | None = Field(default=None, description="Why it was refused.")
    detail: Annotated[str, Field(max_length=80)] = Field(default="", description="What was seen, for diagnosis.")
    server_time: AwareDatetime | None = Field(default=None, description="When, by the server's time, if known.")


class Health(Message):
    """Telemetry `health`, the heartbeat: the newest one counts, older ones are never sent."""

    dev: DeviceId = Field(description="The device.")
    store: StoreId = Field(description="Its present store.")
    boot: Boot = Field(description="Start of its program.")
    connection: int = Field(ge=1, description="Connection of this boot that carries it.")
    uptime_s: int = Field(ge=0, description="Seconds since the program started.")
    waiting: int = Field(ge=0, description="Events that the server has not acknowledged.")
    oldest_s: int = Field(default=0, ge=0, description="Age of the oldest of them, seconds.")
    dead: int = Field(default=0, ge=0, description="Events that the server put aside.")
    free_bytes: int = Field(ge=0, description="Room on the disk of the store.")
    deposits_refused: bool = Field(default=False, description="Whether the disk is too full to take parcels in.")
    clock_synced: bool = Field(default=False, description="Whether the server's signed time was heard.")
    config_version: int = Field(default=0, ge=0, description="Version of the settings in force.")
    config_heard: int = Field(default=0, ge=0, description="Newest version heard, in force or refused.")
    list_version: int = Field(default=0, ge=0, description="Version of the local authorisation list.")
    firmware: Annotated[str, Field(max_length=40)] = Field(default="unknown", description="Program and version.")
    rss_kb: int = Field(default=0, ge=0, description="Memory of the program, KiB.")


class DoorStates(Message):
    """Telemetry `doors`: every door as it is known now; a silent board's doors are unknown."""

    dev: DeviceId = Field(description="The device.")
    boot: Boot = Field(description="Start of its program.")
    doors: dict[str, Annotated[str, Field(pattern=r"^(open|closed|unknown)$")]] = Field(description="State by name.")


class Description(Message):
    """Telemetry `description`: what a device is and can do; its digest stands in every birth."""

    dev: DeviceId = Field(description="The device.")
    firmware: Annotated[str, Field(max_length=40)] = Field(description="Program and version.")
    boxes: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")], ...] = Field(
        default=(), max_length=1000, description="Boxes and doors it may open."
    )
    ops: tuple[str, ...] = Field(default=(), description="Operations it knows.")
    settings: tuple[str, ...] = Field(default=(), description="Settings it knows.")
    schemas: dict[str, int] = Field(default_factory=dict, description="Event types it sends, with schema versions.")
    updates: bool = Field(default=False, description="Whether it can take releases.")


class ConfigReport(Message):
    """Telemetry `config`: which settings are in force, and why wanted ones are not."""

    dev: DeviceId = Field(description="The device.")
    version: int = Field(ge=0, description="Version in force; 0 are those it was made with.")
    heard: int = Field(ge=0, description="Newest version heard.")
    errors: dict[str, Annotated[str, Field(max_length=160)]] = Field(
        default_factory=dict, description="By setting: why version `heard` was refused as a whole."
    )


class DesiredSettings(Message):
    """On `cfg`: the settings a device is to have. They never move anything, whatever they say."""

    kind: Literal["settings"] = Field(default="settings", description="`settings`.")
    dev: DeviceId = Field(description="The device.")
    version: int = Field(ge=1, le=2**53, description="Rises with every change; an older one is ignored.")
    settings: dict[str, Any] = Field(description="All settings that differ from those it was made with.")


class Grant(Message):
    """One line of a local authorisation list: who may open what without network."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = Field(description="Name of the line.")
    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] = Field(description="Box or door.")
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="HMAC-SHA256 of the credential with the device's key; the credential itself never travels."
    )
    until: AwareDatetime = Field(description="Not after this moment.")


class ListUpdate(Message):
    """On `cfg`: a local authorisation list, whole or as a difference to the version the device has."""

    kind: Literal["list"] = Field(default="list", description="`list`.")
    dev: DeviceId = Field(description="The device.")
    version: int = Field(ge=1, le=2**53, description="Version the list has afterwards.")
    base: int | None = Field(default=None, ge=0, description="Version this is a difference to; absent for a whole one.")
    expires_at: AwareDatetime = Field(description="The whole list counts until then.")
    grants: tuple[Grant, ...] = Field(default=(), max_length=500, description="Lines that are new or changed.")
    removed: tuple[Annotated[str, Field(max_length=64)], ...] = Field(
        default=(), max_length=500, description="Lines that are no more."
    )
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(description="Of the list afterwards.")


class ReleaseOffer(Message):
    """On `cfg`: a program to be fetched and tried; the archive carries a signature of its own."""

    kind: Literal["release"] = Field(default="release", description="`release`.")
    dev: DeviceId = Field(description="The device.")
    rollout: int = Field(ge=1, description="The rollout that offers it.")
    release: ReleaseVersion = Field(description="Version.")
    url: Annotated[str, Field(pattern=r"^https?://", max_length=300)] = Field(description="Where it lies.")
    size: int = Field(ge=1, le=64 * 1024 * 1024, description="Bytes.")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(description="Digest of the archive.")
    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{86}$")] = Field(
        description="Ed25519 over version and digest, base64url."
    )


class DoorEvent(Message):
    """Body of `door.pulsed`, `door.opened` and `door.closed`, schema 1: four kinds of evidence, four events."""

    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] = Field(description="Box or door.")
    cmd_id: CommandId | None = Field(default=None, description="The command that caused it, if one did.")
    by_hand: bool = Field(default=False, description="Opened without a pulse of ours.")
    not_latched: bool = Field(default=False, description="Sprang open again right after it was shut.")
    inside: Annotated[str, Field(pattern=r"^(empty|occupied)$")] | None = Field(
        default=None, description="With `door.closed`: what the sensor inside says, where there is one."
    )


class CommandFinished(Message):
    """Body of `command.finished`, schema 1: the device's last word on a command."""

    cmd_id: CommandId = Field(description="The command.")
    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] = Field(description="Box or door.")
    state: CommandState = Field(description="`confirmed`, `failed`, `unknown` or `refused`.")
    reason_code: RefusalCode | None = Field(default=None, description="Why it was refused.")
    detail: Annotated[str, Field(max_length=80)] = Field(default="", description="What was seen.")
    local: bool = Field(default=False, description="An opening that the device allowed by itself.")


class SecurityRefused(Message):
    """Body of `security.refused`, schema 1: refused commands of one kind, at most one event a minute."""

    reason_code: RefusalCode = Field(description="Why.")
    count: int = Field(ge=1, description="How many since the last such event.")
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(description="SHA-256 of the last one's bytes.")


class AccessGranted(Message):
    """Body of `access.granted`, schema 1: a code was accepted at the device and is used up; the code is not told."""

    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] = Field(description="Box or door it is for.")
    parcel_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")] = Field(description="Parcel it is for.")


class AccessPresented(Message):
    """Body of `access.presented`, schema 1: somebody presented a credential of the local list; it is not told."""

    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] = Field(description="Box or door it was for.")
    verdict: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")] = Field(
        description="`allowed`, or why not: `no_list`, `list_expired`, `unknown`, `grant_expired`; at a reader also "
        "`second_factor` (a Wiegand card without its PIN) and `locked_out` (too many wrong ones)."
    )
    grant: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="Line that allowed it.")
    cmd_id: CommandId | None = Field(default=None, description="Opening that followed; its end is an event too.")


class DeviceReported(Message):
    """Body of `device.reported`, schema 1: what a device says of itself when it is asked; nothing moved for it."""

    cmd_id: CommandId = Field(description="The command that asked.")
    report: dict[str, Any] = Field(description="Numbers and words for diagnosis.")


class StoreReplaced(Message):
    """Body of `store.replaced`, schema 1: the database was damaged; a new one began and the doors were read anew."""

    set_aside: Annotated[str, Field(max_length=80)] = Field(description="File that the damaged one was moved to.")


class UpdateFinished(Message):
    """Body of `update.finished`, schema 1: what became of a release that was offered."""

    rollout: int = Field(ge=1, description="The rollout that offered it.")
    release: ReleaseVersion = Field(description="The release.")
    state: Annotated[str, Field(pattern=r"^(confirmed|refused|rolled_back)$")] = Field(
        description="`confirmed`: it runs and the server was heard; `refused`: never started; `rolled_back`: started, "
        "was not well, and the one before runs again."
    )
    detail: Annotated[str, Field(max_length=160)] = Field(default="", description="What was seen.")


#: Event types whose bodies the server understands, with the newest schema version it knows.
EVENT_BODIES: Final[dict[str, tuple[int, type[BaseModel]]]] = {
    PARCEL_DROPPED: (1, DropOff),
    "door.pulsed": (1, DoorEvent),
    "door.opened": (1, DoorEvent),
    "door.closed": (1, DoorEvent),
    "command.finished": (1, CommandFinished),
    "security.refused": (1, SecurityRefused),
    "access.granted": (1, AccessGranted),
    "access.presented": (1, AccessPresented),
    "device.reported": (1, DeviceReported),
    "store.replaced": (1, StoreReplaced),
    "update.finished": (1, UpdateFinished),
}

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
