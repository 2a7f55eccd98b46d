"""Check values of serial frames."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final

_CRC16_POLYNOMIAL: Final = 0xA001  # of Modbus, reflected
_CRC8_POLYNOMIAL: Final = 0x8C  # of Maxim, reflected
_CCITT_POLYNOMIAL: Final = 0x1021
_OSDP_START: Final = 0x1D0F


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


def crc8_maxim(data: bytes) -> int:
    """Return the CRC-8 of Maxim's 1-Wire parts (reflected 31, start 0).

    Source: Maxim application note 27.
    """
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (_CRC8_POLYNOMIAL if value & 1 else 0)
    return value


def _ccitt_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        value <<= 8
        for _ in range(8):
            value = (value << 1 ^ (_CCITT_POLYNOMIAL if value & 0x8000 else 0)) & 0xFFFF
        table.append(value)
    return tuple(table)


_CCITT_TABLE: Final = _ccitt_table()


def crc16_osdp(data: bytes) -> bytes:
    """Return the CRC-16 of OSDP (polynomial 1021, start 1D0F), low byte first.

    Source: IEC 60839-11-5, as libosdp 3.2.9 computes it.
    """
    value = _OSDP_START
    for byte in data:
        value = (value << 8 & 0xFF00) ^ _CCITT_TABLE[value >> 8 ^ byte]
    return value.to_bytes(2, "little")
