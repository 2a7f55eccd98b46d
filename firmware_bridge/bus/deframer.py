"""Cutting frames out of a stream that may hold anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from firmware_bridge.bus.port import Port
from firmware_bridge.codecs.board import MORE, NO_FRAME, Framing, Request

Heard = TypeVar("Heard")


class DeframerState:
    """Finds frames however bytes are split, merged or mixed with noise.

    Holds at most one frame of bytes: what cannot start a frame, or turns out not to be one, is dropped byte
    by byte.

    Parameters
    ----------
    request
        The pending request: only with it can some families' frames be measured.
    """

    def __init__(self, codec: Framing, request: Request | None = None) -> None:
        self._codec = codec
        self._request = request
        self._buffer = bytearray()
        self.skipped = 0

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the frames they complete."""
        frames: list[bytes] = []
        for byte in data:
            self._buffer.append(byte)
            self._cut(frames)
        return frames

    def settle(self) -> list[bytes]:
        """Return frames hidden behind a false start, when no more bytes are to be expected."""
        frames: list[bytes] = []
        while self._buffer:
            self._skip()
            self._cut(frames)
        return frames

    def _cut(self, frames: list[bytes]) -> None:
        while self._buffer:
            length = self._codec.measure(bytes(self._buffer), self._request)
            if length == MORE or length > len(self._buffer):
                return
            if length == NO_FRAME or not self._codec.valid(bytes(self._buffer[:length])):
                self._skip()
                continue
            frames.append(bytes(self._buffer[:length]))
            del self._buffer[:length]

    def _skip(self) -> None:
        del self._buffer[0]
        self.skipped += 1


def hear(port: Port, framing: Framing, reply_s: float, read: Callable[[bytes], Heard | None]) -> Heard | None:
    """Return what the first frame means that means something; None when none comes in its time.

    Parameters
    ----------
    read
        Reads a whole frame; None when it means nothing here.

    Raises
    ------
    BusError
        If the line is gone.
    """
    frames, until_s = DeframerState(framing), time.monotonic() + reply_s
    while (left_s := until_s - time.monotonic()) > 0:
        for frame in frames.feed(port.read(left_s)):
            meaning = read(frame)
            if meaning is not None:
                return meaning
    meanings = (read(frame) for frame in frames.settle())
    return next((meaning for meaning in meanings if meaning is not None), None)
