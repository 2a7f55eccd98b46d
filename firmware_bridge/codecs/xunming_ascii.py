"""The text form of Xunming's 16-lock board: ``comm,NN,`` and sixteen hexadecimal digits. Read only.

The last two digits are a CRC-8 over the seven bytes before them; five of the six published frames fit. What the seven
bytes mean is known for "query", "open all" and "reboot", none of which opens one lock, so there is no driver: this
module tells a frame from noise, for whoever looks at a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from firmware_bridge.codecs.checks import crc8_maxim

_FRAME: Final = re.compile(rb"comm,([0-9]{2}),([0-9A-Fa-f]{16})")
_MEANINGS: Final = {
    bytes(7): "query",
    bytes.fromhex("001011ff000000"): "open all",
    bytes.fromhex("01000000000000"): "reboot",
    bytes.fromhex("001011ffffff00"): "reply to open all",
}


@dataclass(frozen=True)
class AsciiFrame:
    """A frame whose check fits; ``meaning`` is empty where no source tells it."""

    node: int
    payload: bytes
    meaning: str


def read_frame(raw: bytes) -> AsciiFrame | None:
    """Read one whole frame; None when its form or its check does not fit."""
    found = _FRAME.fullmatch(raw)
    if found is None:
        return None
    payload = bytes.fromhex(found[2].decode("ascii"))
    if crc8_maxim(payload[:-1]) != payload[-1]:
        return None
    return AsciiFrame(int(found[1]), payload[:-1], _MEANINGS.get(payload[:-1], ""))
