"""A crowd of strangers at the broker's door: ``python -m benchmarks.trials.crowd PORT SECONDS PER_S SLOW``."""

from __future__ import annotations

import selectors
import socket
import sys
import time

from benchmarks.trials import mqtt


def crowd(port: int, seconds: float, per_s: int, slow: int) -> int:
    """Come with wrong passwords at a rate, and hold silent or trickling connections; return the attempts made."""
    hello = mqtt.connect("kiosk-0000", "kiosk-0000", "guess", 30)
    held: list[socket.socket] = []
    watch = selectors.DefaultSelector()
    started_s, made = time.perf_counter(), 0
    while (now_s := time.perf_counter() - started_s) < seconds:
        while len(held) < slow and (silent := _connected(port)) is not None:
            held.append(silent)
        for one in held[:: max(len(held) // 50, 1)]:
            _trickle(one, hello)
        while made < now_s * per_s:
            stranger = _connected(port)
            made += 1
            if stranger is None:
                break
            _trickle(stranger, hello, whole=True)
            watch.register(stranger, selectors.EVENT_READ)
        for key, _ in watch.select(0.01):
            watch.unregister(key.fileobj)
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
    return made


def _connected(port: int) -> socket.socket | None:
    link = socket.socket()
    link.settimeout(0.2)
    try:
        link.connect(("127.0.0.1", port))
    except OSError:
        link.close()
        return None
    return link


def _trickle(link: socket.socket, hello: bytes, *, whole: bool = False) -> None:
    try:
        link.send(hello if whole else hello[:1])
    except OSError:
        return


if __name__ == "__main__":
    print(crowd(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
