"""Ports: a serial line, a USB printer's file or a TCP socket as a plain stream of bytes.

Written on the standard library's termios, so that the device program needs no driver package.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import termios
from typing import Final, Protocol

from firmware_bridge.codecs.board import Line
from firmware_bridge.errors import BusError

_CHUNK: Final = 4096
_BAUDS: Final = {
    2400: termios.B2400, 4800: termios.B4800, 9600: termios.B9600, 19200: termios.B19200, 38400: termios.B38400,
    57600: termios.B57600, 115200: termios.B115200,
}  # fmt: skip


class Port(Protocol):
    """A stream of bytes in both directions."""

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, waiting at most so long for the first byte; nothing at the time-out."""
        ...

    def flush_input(self) -> bytes:
        """Take out and return what has arrived unasked."""
        ...

    def close(self) -> None:
        """Give the line back."""
        ...


class _DescriptorPort:
    """A port on a non-blocking descriptor."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self._name = name

    def write(self, data: bytes) -> None:
        """Send all bytes.

        Raises
        ------
        BusError
            If the line is gone or takes nothing for a second.
        """
        view = memoryview(data)
        try:
            while view:
                if not select.select([], [self._descriptor], [], 1.0)[1]:
                    raise BusError(f"{self._name} takes no bytes", port=self._name)
                view = view[os.write(self._descriptor, view) :]
        except OSError as problem:
            raise BusError(f"{self._name}: {problem.strerror}", port=self._name) from problem

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, waiting at most so long for the first byte.

        Raises
        ------
        BusError
            If the line is gone.
        """
        try:
            if not select.select([self._descriptor], [], [], max(timeout_s, 0.0))[0]:
                return b""
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as problem:
            raise BusError(f"{self._name}: {problem.strerror}", port=self._name) from problem
        if not data:
            raise BusError(f"{self._name} was closed at the other end", port=self._name)
        return data

    def flush_input(self) -> bytes:
        """Take out and return what has arrived unasked."""
        stale = b""
        while data := self.read(0.0):
            stale += data
        return stale

    def close(self) -> None:
        """Give the line back."""
        os.close(self._descriptor)


class TtyPort(_DescriptorPort):
    """A serial line, raw, locked against every other program.

    Raises
    ------
    BusError
        If it cannot be opened, its speed is not one we set, or another program owns it.
    """

    def __init__(self, path: str, line: Line) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as problem:
            raise BusError(f"{path}: {problem.strerror}", port=path) from problem
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _make_raw(descriptor, line)
        except BlockingIOError as problem:
            os.close(descriptor)
            raise BusError(f"{path} is owned by another program", port=path) from problem
        except (OSError, termios.error, KeyError) as problem:
            os.close(descriptor)
            raise BusError(f"{path} cannot be set to {line.baud} baud: {problem}", port=path) from problem
        super().__init__(descriptor, path)


class FilePort(_DescriptorPort):
    """A device file that is no terminal, as USB printers have: ``/dev/usb/lp0``.

    Raises
    ------
    BusError
        If it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as problem:
            raise BusError(f"{path}: {problem.strerror}", port=path) from problem
        super().__init__(descriptor, path)


class TcpPort(_DescriptorPort):
    """A serial line behind a TCP converter.

    Raises
    ------
    BusError
        If nothing answers there.
    """

    def __init__(self, host: str, port: int, timeout_s: float = 3.0) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except OSError as problem:
            raise BusError(f"{host}:{port}: {problem.strerror or problem}", port=f"{host}:{port}") from problem
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        super().__init__(self._socket.fileno(), f"{host}:{port}")

    def close(self) -> None:
        """Give the line back."""
        self._socket.close()


def port_at(where: str, line: Line) -> Port:
    """Open a serial line, a device file that is none, or ``tcp://host:port``.

    Raises
    ------
    BusError
        If it cannot be opened.
    ValueError
        If it is a TCP address without a port.
    """
    if where.startswith("tcp://"):
        host, _, number = where.removeprefix("tcp://").rpartition(":")
        return TcpPort(host, int(number))
    return FilePort(where) if _is_plain(where) else TtyPort(where, line)


def _is_plain(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return not os.isatty(descriptor)
    finally:
        os.close(descriptor)


def _make_raw(descriptor: int, line: Line) -> None:
    settings = termios.tcgetattr(descriptor)
    parity = {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}[line.parity]
    settings[0] = 0  # no translation of what comes in
    settings[1] = 0  # nor of what goes out
    settings[2] = termios.CS8 | termios.CREAD | termios.CLOCAL | parity
    settings[3] = 0  # no echo, no signals, no lines
    settings[4] = settings[5] = _BAUDS[line.baud]
    settings[6][termios.VMIN] = 0
    settings[6][termios.VTIME] = 0
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    termios.tcflush(descriptor, termios.TCIOFLUSH)
