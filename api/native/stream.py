"""Server-sent events over a stored log (API-09).

Every event has an id, the position in its log; `Last-Event-ID` resumes after it without loss. A position
that the log cannot continue from is answered with one `reset`: fetch again, then listen from there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from kernel.clock import Clock

HEARTBEAT_S = 15.0
POLL_S = 0.3

LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="Id of the last event received; the stream goes on after it.")
]


#: Kind of an entry that this listener may not see: it moves the position and nothing else.
HIDDEN = ""


@dataclass(frozen=True)
class Sent:
    """One event on its way to a listener."""

    position: int
    kind: str
    data: Any
    last: bool = False

    def encoded(self) -> str:
        """Write it in the event stream format of the HTML standard."""
        text = json.dumps(jsonable_encoder(self.data), ensure_ascii=False, separators=(",", ":"))
        return f"id: {self.position}\nevent: {self.kind}\ndata: {text}\n\n"


class ClosingState:
    """Tells open streams that the server is about to stop, so that they end instead of holding it up."""

    def __init__(self) -> None:
        self.closing = False


def parse_position(last_event_id: str | None, newest: int) -> int | None:
    """Return the position to go on after, None when the log cannot continue from there."""
    if last_event_id is None:
        return 0
    text = last_event_id.strip()
    if not text.isdecimal() or len(text) > 18 or int(text) > newest:
        return None
    return int(text)


def stream_log(
    request: Request,
    clock: Clock,
    read_after: Callable[[int], Sequence[Sent]],
    start: int | None,
    newest: int,
) -> StreamingResponse:
    """Answer with a stream of everything after a position, as it is stored.

    Parameters
    ----------
    read_after
        Returns the next entries after a position; runs in a worker thread.
    start
        Where to go on; None sends `reset` and goes on from ``newest``.
    newest
        The newest position at the time of the request.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    feed = _follow(request, clock, read_after, start, newest)
    return StreamingResponse(feed, media_type="text/event-stream", headers=headers)


async def _follow(
    request: Request,
    clock: Clock,
    read_after: Callable[[int], Sequence[Sent]],
    start: int | None,
    newest: int,
) -> AsyncIterator[str]:
    state: ClosingState = request.app.state.streams
    position = newest if start is None else start
    yield "retry: 2000\n\n"
    if start is None:
        yield Sent(newest, "reset", {"position": newest}).encoded()
    told_s = clock.monotonic_s()
    while not state.closing and not await request.is_disconnected():
        entries = await run_in_threadpool(read_after, position)
        for entry in entries:
            if entry.kind != HIDDEN:
                yield entry.encoded()
            position = entry.position
            if entry.last:
                return
        if entries:
            told_s = clock.monotonic_s()
        elif clock.monotonic_s() - told_s >= HEARTBEAT_S:
            told_s = clock.monotonic_s()
            yield ": still here\n\n"
        if not entries:
            await asyncio.sleep(POLL_S)
