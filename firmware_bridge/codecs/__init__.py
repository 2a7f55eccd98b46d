"""Lock-board protocols: pure functions between meaning and bytes, one module per family.

Sources of the frames are vendors' sheets and users' code; none was seen on our own hardware. What vendors
disagree about (polarity, order of fields, addresses) is a setting of each board, learned at commissioning.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.codecs.board import Codec
from firmware_bridge.codecs.cu16 import Cu16
from firmware_bridge.codecs.cu48 import Cu48, Scu
from firmware_bridge.codecs.eight_a import EightA
from firmware_bridge.codecs.modbus import Cu48Modbus, RelayModbus, XunmingModbus
from firmware_bridge.codecs.winnsen import Winnsen
from firmware_bridge.codecs.wkly import Wkly

CODECS: Final[dict[str, Codec]] = {
    codec.family: codec
    for codec in (
        EightA(), Cu16(), Wkly(), Winnsen(), XunmingModbus(), RelayModbus(), Cu48(), Scu(), Cu48Modbus(),
    )
}  # fmt: skip
"""Every family by its name; the experimental ones refuse boards that do not allow them."""
