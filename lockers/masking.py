"""Hiding personal data: one masking function for label, screen, message and log.

Masked forms follow GB/T 41833-2022 as read in news summaries: at least one character of each name and at
least six digits of each phone are hidden; a person must check the official text before use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

_PHONE: Final = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])")
_ID_CARD: Final = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0\d|1[0-2])[0-3]\d\d{3}[0-9Xx](?![0-9A-Za-z])"
)
# Names of fields that would hold personal data or a secret; ids, masked forms and digests may travel.
_PERSONAL_NAMES: Final = re.compile(
    r"(?:^|_)(?:name|phone|mobile|tel|address|addr|id_card|idcard|identity_number|email|wechat|pin|otp|password|"
    r"pickup_code|passcode|code)$",
    re.IGNORECASE,
)
# A reason code or an error code is a word from a list, not a secret.
_HARMLESS_NAMES: Final = re.compile(
    r"(?:^|_)(?:reason|error|refusal|product|scene|firmware|model|branch)_(?:code|name)$"
)
# A waybill of eleven digits may look like a phone.
_NUMBERS_BY_NATURE: Final = frozenset({"waybill"})


def mask_name(name: str) -> str:
    """Keep a name's first character; a compound of four or more keeps two (诸葛○○)."""
    name = name.strip()
    kept = 2 if len(name) >= 4 and not name.isascii() else 1
    return name[:kept] + "*" * max(len(name) - kept, 1) if name else ""


def mask_phone(phone: str) -> str:
    """Keep a phone's first three and last two digits, so that six or more are hidden."""
    digits = re.sub(r"\D", "", phone)
    if len(digits) < 11:
        return "*" * len(digits)
    return digits[:3] + "*" * (len(digits) - 5) + digits[-2:]


def mask_address(address: str) -> str:
    """Hide house, unit and room: every number and what follows the first one."""
    match = re.search(r"\d|[A-Za-z]\d", address)
    return address if match is None else address[: match.start()] + "***"


def personal_data_in(value: Any, path: str = "") -> Iterator[str]:
    """Name the places inside a message that hold, or look as if they held, personal data.

    Parameters
    ----------
    value
        A JSON value.
    path
        Where it stands, for the answer.
    """
    if isinstance(value, dict):
        for name, part in value.items():
            here = f"{path}.{name}" if path else str(name)
            if _is_personal_name(str(name)) and part not in (None, ""):
                yield here
            elif name not in _NUMBERS_BY_NATURE:
                yield from personal_data_in(part, here)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from personal_data_in(part, f"{path}[{index}]")
    elif isinstance(value, str) and (_PHONE.search(value) or _ID_CARD.search(value)):
        yield path or "text"


def _is_personal_name(name: str) -> bool:
    return bool(_PERSONAL_NAMES.search(name)) and not _HARMLESS_NAMES.search(name)
