"""Tests of how the server listens."""

from __future__ import annotations

import asyncio
import socket

import pytest

from api.errors import PortTakenError
from api.server import bound_socket


def test_answers_are_not_held_back() -> None:
    """A connection sends each piece of an answer at once, without waiting for the other side's receipt."""

    async def nodelay_of_a_connection() -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            seen.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = bound_socket("127.0.0.1", 0)
        server = await asyncio.start_server(accepted, sock=listening)
        async with server:
            _reader, writer = await asyncio.open_connection("127.0.0.1", listening.getsockname()[1])
            found = await asyncio.wait_for(seen, 60)
            writer.close()
            await writer.wait_closed()
        return found

    assert asyncio.run(nodelay_of_a_connection()) != 0


def test_a_taken_port_is_told_by_its_number() -> None:
    """Listening where another program listens is refused with the port's number."""
    with bound_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            bound_socket("127.0.0.1", port)


def test_who_comes_early_waits() -> None:
    """A connection made before the application is ready is kept until it is, not refused."""
    with bound_socket("127.0.0.1", 0) as listening, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as early:
        early.settimeout(60)
        early.connect(listening.getsockname())
        accepted, _ = listening.accept()
        accepted.close()
