"""The one mask for personal data: on labels, screens, messages and logs (LAW-09, 隐私面单).

:func:`masked` hides what must not be shown; :func:`personal_data_in` finds what must not travel.

Reading of GB/T 41833-2022 (recommended standard, in force 2023-02-01), second-hand: hide at least one
character of each name, at least six digits of each telephone number, and the unit or room of the address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

PersonalField = Literal["name", "phone", "address"]

_MASK = "*"
_HIDDEN_DIGITS = 6
_SHOWN_HEAD = 3
_SHOWN_TAIL = 2

_ADMINISTRATIVE = r"(?:省|市|区|县|旗|镇|乡|街道|社区|村|屯|寨|路|街|大道|巷|弄|胡同)"
# Where the private part of an address begins: the first digit, a Chinese number before a word for
# building, unit, floor, room or group, a lettered building, or an English word for a unit.
_PRIVATE_PART = re.compile(
    r"\d"
    r"|[零〇一二三四五六七八九十百两甲乙丙丁]+\s*(?:号|栋|幢|座|楼|单元|层|室|房|户|门|组|队|排|期)"
    r"|[A-Za-z]\s*(?:栋|幢|座|区|单元|室|楼)"
    r"|\b(?:unit|room|rm|apt|apartment|flat|suite|floor|house|no|building|block)\b",
    re.IGNORECASE,
)
_LAST_ADMINISTRATIVE = re.compile(rf".*{_ADMINISTRATIVE}", re.DOTALL)


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


def masked(field: PersonalField, value: str) -> str:
    """Hide the personal part of a value.

    Parameters
    ----------
    field
        ``name``, ``phone`` or ``address``; each has its own rule.
    value
        Text as stored; an empty one stays empty.
    """
    if not value.strip():
        return ""
    rules = {"name": _mask_name, "phone": _mask_phone, "address": _mask_address}
    return rules[field](value)


def _mask_name(name: str) -> str:
    """Keep the first character of each word of two or more; the rest becomes stars."""
    return " ".join(word[0] + _MASK * (len(word) - 1) if len(word) > 1 else _MASK for word in name.split())


def _mask_phone(phone: str) -> str:
    """Keep at most three digits in front and two behind, never so many that fewer than six are hidden."""
    places = [index for index, letter in enumerate(phone) if letter.isdigit()]
    can_show = max(0, len(places) - _HIDDEN_DIGITS)
    tail = min(_SHOWN_TAIL, can_show)
    head = min(_SHOWN_HEAD, can_show - tail)
    shown = {*places[:head], *places[len(places) - tail :]}
    hidden = [_MASK if letter.isdigit() and index not in shown else letter for index, letter in enumerate(phone)]
    return "".join(hidden)


def _mask_address(address: str) -> str:
    """Keep the administrative part (county, township, village, street); the unit or room goes."""
    private = _PRIVATE_PART.search(address)
    public = address[: private.start()] if private else address
    last = _LAST_ADMINISTRATIVE.match(public)
    if last is not None:
        public = last.group()
    elif private is None:
        public = public[: len(public) // 2]
    return public.rstrip() + _MASK * 4


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
