"""What is printed: a parcel's label (面单) and a sender's receipt, with nobody's data in full."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from firmware_bridge.peripherals.errors import LabelError
from kernel.privacy import masked

_WAYBILL: Final = re.compile(r"[A-Za-z0-9-]{1,40}")
_LONGEST_LINE: Final = 120


@dataclass(frozen=True)
class MaskedParty:
    """Sender or recipient as a label may show them; made by :meth:`of` only, which masks."""

    name: str
    phone: str
    address: str
    _made: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._made is not _MASKED:
            raise LabelError("a party on a label is made by MaskedParty.of, which masks it", field="party")

    @classmethod
    def of(cls, name: str, phone: str, address: str) -> MaskedParty:
        """Mask a party's data for printing (LAW-09)."""
        return cls(masked("name", name), masked("phone", phone), masked("address", address), _MASKED)


_MASKED: Final = object()


@dataclass(frozen=True)
class Label:
    """One parcel's label.

    Parameters
    ----------
    routing
        What sorters read from afar: section or station.
    qr
        What a scanner reads beside the waybill; the waybill again when omitted.
    """

    waybill: str
    company: str
    recipient: MaskedParty
    sender: MaskedParty
    routing: str = ""
    weight_g: int | None = None
    printed_at: str = ""
    qr: str = ""

    def __post_init__(self) -> None:
        if not _WAYBILL.fullmatch(self.waybill):
            raise LabelError("a waybill is 1 to 40 letters, digits and hyphens", field="waybill")
        checked_lines("label", [self.company, self.routing, self.printed_at, self.qr])


@dataclass(frozen=True)
class Receipt:
    """A slip for the sender: a title, lines, and a code to follow the parcel with."""

    title: str
    lines: tuple[str, ...]
    qr: str = ""

    def __post_init__(self) -> None:
        checked_lines("receipt", [self.title, *self.lines, self.qr])


def checked_lines(what: str, lines: list[str]) -> None:
    """Refuse texts that would be commands to a printer, or are too long for paper.

    Raises
    ------
    LabelError
        If a line holds control characters or is too long.
    """
    for line in lines:
        if len(line) > _LONGEST_LINE or any(not letter.isprintable() for letter in line):
            raise LabelError(f"a line of the {what} is too long or holds control characters", field=what)


def weight_text(weight_g: int | None) -> str:
    """Return a weight as it is printed, in kilograms."""
    return "" if weight_g is None else f"{weight_g // 1000}.{weight_g % 1000:03d} kg"
