"""A TCP proxy that does to connections what networks do: delay, cut, trickle, and the half-open silence.

It runs in a thread of its own, so that a trial can change the weather while programs talk through it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal

Weather = Literal["clear", "delay", "trickle"]
_CHUNK = 4096
_TURN_S = 0.02


@dataclass
class _PairState:
    """One connection through the proxy, and when each end gave it up after it went silent."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    frozen: bool = False
    ended_s: dict[str, float] = field(default_factory=dict)


class FaultProxy(AbstractContextManager["FaultProxy"]):
    """A listener on loopback whose connections go on to another port.

    Parameters
    ----------
    port
        Where connections go on to.
    delay_s
        How late bytes are in the weather ``delay``, each way.
    """

    def __init__(self, port: int, delay_s: float = 0.3) -> None:
        self._target, self._delay_s = port, delay_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._pairs: list[_PairState] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.weather: Weather = "clear"
        self.port = 0

    def __enter__(self) -> FaultProxy:
        """Listen."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *failure: object) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def freeze(self) -> float:
        """Let all present connections fall silent without a word to either end; new ones are untouched.

        Returns
        -------
        When, on the clock of ``time.perf_counter``.
        """
        for pair in self._pairs:
            pair.frozen = True
        return time.perf_counter()

    def gave_up(self, side: Literal["client", "server"]) -> list[float]:
        """Say when that end of each frozen connection closed it; infinity where it has not yet."""
        return [pair.ended_s.get(side, float("inf")) for pair in self._pairs if pair.frozen]

    def cut(self) -> None:
        """Reset all connections."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for pair in self._pairs:
            for writer in pair.writers:
                writer.transport.abort()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the broker is away: so is this connection
            to_client.close()
            return
        pair = _PairState((to_client, to_server))
        self._pairs.append(pair)
        for reader, writer, side in ((client, to_server, "client"), (server, to_client, "server")):
            task = asyncio.create_task(self._carry(pair, reader, writer, side))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self, pair: _PairState, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, side: str
    ) -> None:
        """Carry bytes one way until this side ends."""
        try:
            while data := await reader.read(1 if self.weather == "trickle" else _CHUNK):
                if self.weather == "delay":
                    await asyncio.sleep(self._delay_s)
                elif self.weather == "trickle":
                    await asyncio.sleep(1.0)
                if not pair.frozen:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        pair.ended_s[side] = time.perf_counter()
        if not pair.frozen:
            writer.close()
