"""What can be wrong with one manifest row: stable codes, and for each what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "required_missing": "Fill the cell.",
        "formula_cell": "Write the value itself; copy the column and paste it back as values.",
        "control_character": "Type the cell again; it holds an invisible or direction-changing character.",
        "lost_character": "Export again as UTF-8; a character was already lost in this file.",
        "too_long": "Shorten the text.",
        "row_malformed": "Look at the quotation marks in this line.",
        "extra_cells": "Look for a separator inside a text; put such texts in quotation marks.",
        "digits_lost": "Format the column as text before typing or exporting; long numbers lose digits.",
        "waybill_form": "Use 4 to 40 letters, digits and hyphens.",
        "company_unknown": "Register the company, or correct its id.",
        "company_not_allowed": "Send only your own company's parcels.",
        "pieces_order": "The piece number lies between 1 and the number of pieces.",
        "product_unknown": "Use the code of a service product that is in force.",
        "direction_unknown": "Write deliver (派件) or collect (揽收).",
        "phone_form": "Write a mobile number, a landline with area code, or an international number with +.",
        "village_unknown": "Choose one of the candidates, or add the village to the region.",
        "village_ambiguous": "Give the township as well, or the village's id.",
        "position_incomplete": "Give longitude and latitude, or neither.",
        "position_out_of_range": "Give degrees; check that longitude and latitude are not exchanged.",
        "datum_unknown": "Write wgs84, gcj02 or bd09.",
        "channel_unknown": "Write door (上门), station (驿站) or cabinet (快递柜).",
        "channel_not_allowed": "Choose a channel the product and its add-ons allow.",
        "consent_missing": "Ask the recipient, then give the reference of the consent; without it write door.",
        "site_without_channel": "Name a site only with channel station or cabinet.",
        "site_unknown": "Use the id of a registered station or cabinet of this region.",
        "number_form": "Write a plain number in the unit of the column.",
        "number_range": "Check the unit of the column.",
        "amount_form": "Write yuan with at most two decimals, for example 12.50.",
        "amount_range": "Check the amount; it is larger than a parcel may carry.",
        "date_form": "Write the day as 2026-03-04.",
        "date_range": "Check the year.",
        "time_form": "Write the time of day as 09:30.",
        "window_incomplete": "Give both ends of the time window, or neither.",
        "window_order": "The window must end after it starts.",
        "window_missing": "This product needs an appointment; give both ends of the window.",
        "differs": "Nothing was overwritten. Change the parcel by hand, or announce it under a new waybill.",
    }
)
"""Every problem code with its remedy."""


@dataclass(frozen=True)
class RowProblem:
    """One reason why a row was not imported.

    Parameters
    ----------
    line
        Line of the file (CSV: physical line where the row starts; XLSX: row of the sheet), from 1.
    column
        The file's own header of the cell; our name of the column when the file has none.
    code
        Key of :data:`REMEDIES`.
    value
        The cell, shortened; personal fields are masked (LAW-09).
    candidates
        Ids to choose from, for example villages with a similar name.
    """

    line: int
    column: str
    code: str
    message: str
    value: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """Say what to do about it."""
        return REMEDIES[self.code]

    def as_dict(self) -> dict[str, Any]:
        """Return everything, the remedy included, ready for JSON."""
        return asdict(self) | {"remedy": self.remedy, "candidates": list(self.candidates)}
