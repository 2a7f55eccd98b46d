"""The connection: bounded, spread out, and awake when its peer is gone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from random import Random

import pytest

from firmware_bridge.endpoint import BrokerAddress, Login
from firmware_bridge.link import Link, LinkOptions, Waker, drive
from kernel.clock import ManualClock, SystemClock


@pytest.fixture
def mute_server() -> Iterator[BrokerAddress]:
    """Run a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield BrokerAddress("127.0.0.1", server.getsockname()[1])


@pytest.fixture
def nowhere() -> Iterator[BrokerAddress]:
    """Give an address where nobody listens, and nobody can meanwhile: its port stays taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield BrokerAddress("127.0.0.1", taken.getsockname()[1])


def test_dev_083_reconnect_storm_spreads(clock: ManualClock, nowhere: BrokerAddress) -> None:
    """After a mass outage devices come back one by one, between one second and a minute, never all at once."""
    links = [Link(nowhere, Login("k", "k"), (), clock, Random(f"kiosk-{number}")) for number in range(100)]
    for attempt in range(12):
        waits = []
        for link in links:
            link.tend()
            waits.append(link.retry_in_s)
        assert all(1.0 <= wait <= 60.0 for wait in waits)
        assert len({round(wait, 6) for wait in waits}) == 100
        if attempt >= 5:
            assert max(waits) - min(waits) > 40
        clock.advance(61)


def test_dev_082_queues_bounded(clock: ManualClock, nowhere: BrokerAddress) -> None:
    """Messages handed over while there is no connection are refused beyond the limit and counted."""
    link = Link(nowhere, Login("k", "k"), (), clock, Random(1), options=LinkOptions(queued=10))
    assert [link.post("cunda/v1/a/k/ack", b"{}") for _ in range(12)] == [True] * 10 + [False] * 2
    assert link.lost_in_memory == 2
    assert not link.publish("cunda/v1/a/k/ack", b"{}")


def test_a_mute_peer_is_left(mute_server: BrokerAddress, clock: ManualClock) -> None:
    """A peer that accepts the connection and says nothing is left after some seconds."""
    link = Link(mute_server, Login("k", "k"), (), clock, Random(1))
    drive([link], 0.0)
    assert link.descriptor is not None
    clock.advance(6)
    drive([link], 0.0)
    assert link.descriptor is None
    assert link.retry_in_s >= 1.0


def test_a_waiting_thread_is_woken() -> None:
    """Work handed over by another thread is noticed at once, not at the next time-out."""
    waker = Waker()
    threading.Timer(0.05, waker.wake).start()
    started_s = time.perf_counter()
    drive([], 5.0, waker)
    assert time.perf_counter() - started_s < 1.0
    for _ in range(100_000):
        waker.wake()  # never blocks, however many wake-ups wait
    drive([], 0.0, waker)
    started_s = time.perf_counter()
    drive([], 0.05, waker)
    assert time.perf_counter() - started_s >= 0.04
    waker.close()


def test_a_closed_link_stays_closed(nowhere: BrokerAddress) -> None:
    """A link that was closed in order does not come back."""
    link = Link(nowhere, Login("k", "k"), (), SystemClock(), Random(1))
    link.close()
    drive([link], 0.0)
    assert (link.connected, link.connection) == (False, 0)
