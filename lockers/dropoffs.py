"""A drop-off (投件): what a customer left in a kiosk, as the kiosk states it.

The statement carries ids and measures only: who the sender is stays with the company's own system, under
the proof reference.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lockers.compartments import CompartmentSize
from lockers.errors import InvalidDropOffError

EVENT_TYPE: Final = "parcel.dropped"
EVENT_CLASS: Final = "parcel"
SCHEMA_VERSION: Final = 1
#: Heaviest single parcel the express standard speaks of (快递服务 GB/T 27917: 50 kg).
MAX_WEIGHT_G: Final = 50_000

Waybill = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{4,40}$")]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]
TargetId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]


class ItemClass(StrEnum):
    """What is inside, as declared; the courier inspects it at collection (收寄验视)."""

    DOCUMENT = "document"
    CLOTHING = "clothing"
    ELECTRONICS = "electronics"
    FOOD = "food"
    MEDICINE = "medicine"
    FRAGILE = "fragile"
    OTHER = "other"


class DropOff(BaseModel):
    """Body of the event ``parcel.dropped``, schema 1.

    Unknown fields are kept: a newer kiosk may say more than this server knows.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    waybill: Waybill = Field(description="Number on the label.")
    company: Word = Field(description="Express company that carries it.")
    weight_g: int = Field(gt=0, le=MAX_WEIGHT_G, description="Weight on the kiosk's scale, grams.")
    weight_provisional: bool = Field(default=False, description="True when the scale failed its zero check.")
    volume_cm3: int | None = Field(default=None, gt=0, le=2_000_000, description="Measured volume, if measured.")
    size: CompartmentSize = Field(description="Size class of the compartment it lies in.")
    compartment: TargetId = Field(description="Compartment it lies in.")
    item_class: ItemClass = Field(description="Declared kind of content.")
    declared_value_fen: int = Field(default=0, ge=0, le=100_000_000, description="Declared value, fen.")
    return_platform: Word | None = Field(default=None, description="Marketplace whose return this is, if one.")
    proof: Annotated[str, Field(pattern=r"^[A-Za-z0-9:._-]{1,64}$")] | None = Field(
        default=None, description="Reference of the sender's real-name check; never the identity itself."
    )
    evidence: tuple[Word, ...] = Field(
        default=(), max_length=8, description="What the kiosk saw: item_seen, weight, door_closed, photo."
    )

    @property
    def billed_volume_cm3(self) -> int:
        """Return the measured volume, or that of the whole compartment when nothing was measured."""
        return self.volume_cm3 if self.volume_cm3 is not None else self.size.box.volume_cm3


def parse_drop_off(body: dict[str, Any]) -> DropOff:
    """Read the body of a drop-off event.

    Raises
    ------
    InvalidDropOffError
        Naming the field that is wrong.
    """
    try:
        return DropOff.model_validate(body)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidDropOffError(f"drop-off: {field}: {first['msg']}", field=field) from problem
