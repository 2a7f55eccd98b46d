"""Check values of serial frames."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final

_CRC16_POLYNOMIAL: Final = 0xA001  # of Modbus, reflected


def xor8(data: bytes) -> int:
    """Return the exclusive or of all bytes."""
    return reduce(xor, data, 0)


def sum8(data: bytes) -> int:
    """Return the sum of all bytes, modulo 256."""
    return sum(data) & 0xFF


def _crc16_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_CRC16_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE: Final = _crc16_table()


def crc16_modbus(data: bytes) -> bytes:
    """Return the CRC-16 of Modbus RTU, low byte first.

    Source: Modbus over serial line V1.02, section 2.5.1.2.
    """
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")
