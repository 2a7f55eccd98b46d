"""Strips without a controller of their own: WS2812 and SK6812 lamps on SPI, or behind a small board on a serial line.

On SPI each bit of the lamps' signal is three bits at 2.4 MHz: ``110`` is one, ``100`` is zero; a pause of 300 µs ends
the frame. A serial board takes "Ada" frames: three letters, number of lamps less one, their xor with 55, then colours.
Sources: Worldsemi WS2812B (0.4 and 0.8 µs pulses, pause over 280 µs) and SK6812RGBW data sheets; Adafruit's Adalight.
"""

from __future__ import annotations

import array
import fcntl
import os
from collections.abc import Sequence
from typing import Final, Literal, Protocol

from firmware_bridge.bus.port import Port
from firmware_bridge.errors import BusError
from firmware_bridge.lights.strip import DARK, Colour, Segment
from firmware_bridge.peripherals.errors import LightsError

SPI_HZ: Final = 2_400_000
_PAUSE_S: Final = 300e-6
_ONE, _ZERO = 0b110, 0b100
_SET_SPEED: Final = 0x40046B04  # SPI_IOC_WR_MAX_SPEED_HZ of Linux
_ADA: Final = b"Ada"
_ADA_SALT: Final = 0x55
Kind = Literal["ws2812", "sk6812-rgbw"]


class FrameWriter(Protocol):
    """Takes the bytes of a whole frame."""

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        ...


def frame_colours(lamps: int, segments: Sequence[Segment]) -> list[Colour]:
    """Return the colour of every lamp; what no segment covers is dark."""
    colours = [DARK] * lamps
    for segment in segments:
        colours[segment.first : segment.end] = [segment.colour] * (min(segment.end, lamps) - segment.first)
    return colours[:lamps]


def spi_frame(colours: Sequence[Colour], kind: Kind = "ws2812") -> bytes:
    """Return the bytes that shift a frame out over SPI at :data:`SPI_HZ`, with the pause that ends it."""
    said = b"".join(_TRIPLES[byte] for colour in colours for byte in _lamp_bytes(colour, kind))
    return said + bytes(round(_PAUSE_S * SPI_HZ / 8))


def adalight_frame(colours: Sequence[Colour]) -> bytes:
    """Return the frame a serial board takes, red first."""
    high, low = divmod(len(colours) - 1, 256)
    head = _ADA + bytes((high, low, high ^ low ^ _ADA_SALT))
    return head + b"".join(bytes((colour.red, colour.green, colour.blue)) for colour in colours)


class AddressableStrip:
    """Lamps that are told one after the other; nothing comes back, so nothing is ever confirmed."""

    def __init__(self, line: FrameWriter | Port, lamps: int, kind: Kind | Literal["adalight"] = "ws2812") -> None:
        self._line = line
        self._lamps = lamps
        self._kind = kind

    def show(self, segments: Sequence[Segment]) -> bool:
        """Show these segments and nothing else."""
        colours = frame_colours(self._lamps, segments)
        try:
            self._line.write(adalight_frame(colours) if self._kind == "adalight" else spi_frame(colours, self._kind))
        except (BusError, OSError) as problem:
            raise LightsError(f"light strip: {problem}") from problem
        return False

    def off(self) -> bool:
        """Make the strip dark."""
        return self.show(())


class SpiLine:
    """An SPI device of Linux that only writes.

    Raises
    ------
    LightsError
        If it cannot be opened or set to the lamps' speed.
    """

    def __init__(self, path: str) -> None:
        try:
            self._descriptor = os.open(path, os.O_WRONLY)
        except OSError as problem:
            raise LightsError(f"{path}: {problem.strerror}", path=path) from problem
        try:
            fcntl.ioctl(self._descriptor, _SET_SPEED, array.array("I", [SPI_HZ]))
        except OSError as problem:
            os.close(self._descriptor)
            raise LightsError(f"{path} is no SPI device: {problem.strerror}", path=path) from problem

    def write(self, data: bytes) -> None:
        """Send a frame in one transfer; a pause inside it would end it."""
        os.write(self._descriptor, data)

    def close(self) -> None:
        """Give the device back."""
        os.close(self._descriptor)


def _lamp_bytes(colour: Colour, kind: Kind) -> bytes:
    if kind == "ws2812":
        return bytes((colour.green, colour.red, colour.blue))
    white = min(colour.red, colour.green, colour.blue)  # the fourth lamp makes a cleaner white
    return bytes((colour.green - white, colour.red - white, colour.blue - white, white))


def _triple(byte: int) -> bytes:
    bits = 0
    for place in range(7, -1, -1):
        bits = bits << 3 | (_ONE if byte >> place & 1 else _ZERO)
    return bits.to_bytes(3, "big")


_TRIPLES: Final = tuple(_triple(byte) for byte in range(256))
