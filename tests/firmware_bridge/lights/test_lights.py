"""Shelf lights: the right cells in the visitor's colour, as long as the visit lasts."""

from __future__ import annotations

import itertools
import json
import os
import pty
import time
import tty
from collections.abc import Callable, Iterator, Sequence

import pytest

from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs.board import Line
from firmware_bridge.lights.addressable import (
    AddressableStrip,
    SpiLine,
    adalight_frame,
    frame_colours,
    spi_frame,
)
from firmware_bridge.lights.shelf import RESEND_S, ShelfLights, show_everywhere
from firmware_bridge.lights.strip import Colour, Segment, StripLayout
from firmware_bridge.lights.wled import MAX_COLOURS, HttpWled, MqttWled, WledStrip, took
from firmware_bridge.peripherals.errors import LightLayoutError, LightsError
from firmware_bridge.simulator.wled import SimWled, WledFault, WledServer, obey_wled
from lockers.lights import COLOURS, SHARED, LightOrder, light_orders

RED, BLUE = Colour.of("FF0000"), Colour.of("0000FF")
LAYOUT = StripLayout(60, {"a-1": (0, 8), "a-2": (10, 18), "b-1": (20, 28)})
Wled = tuple[WledStrip, SimWled]


def order(*cells: str, colour: str = "D55E00", pattern: str = "steady", ttl_s: int = 3600) -> LightOrder:
    """Make an order of one visit."""
    return LightOrder(cells, colour, pattern, ttl_s, "v1")


@pytest.fixture
def wled() -> Iterator[Wled]:
    """Give a strip and the simulated controller it reaches by HTTP."""
    sim = SimWled(60)
    with WledServer(sim) as server:
        yield WledStrip(HttpWled("127.0.0.1", server.port), 60), sim


class Wall:
    """A strip that only remembers what it was told."""

    def __init__(self) -> None:
        self.shown: list[tuple[Segment, ...]] = []
        self.broken = False
        self.asked = 0

    def show(self, segments: Sequence[Segment]) -> bool:
        """Remember."""
        self.asked += 1
        if self.broken:
            raise LightsError("no power")
        self.shown.append(tuple(segments))
        return True

    def off(self) -> bool:
        """Remember darkness."""
        return self.show(())


def wait_for(what: Callable[[], bool], meanwhile: Callable[[], object]) -> None:
    """Do something until something is so."""
    until_s = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until_s
        meanwhile()
        time.sleep(0.02)


def test_a_visitors_cells_shine_and_go_dark(wled: Wled) -> None:
    """The cells asked for shine in the visitor's colour, confirmed by the controller, and go dark at the end."""
    strip, sim = wled
    lights = ShelfLights(strip, LAYOUT)
    lights.show([order("a-1", "b-1")])
    assert lights.confirmed
    assert set(sim.shining()) == {*range(8), *range(20, 28)}
    assert set(sim.shining().values()) == {"D55E00"}
    lights.show([order("b-1")])
    assert set(sim.shining()) == set(range(20, 28))
    lights.show([])
    assert sim.shining() == {}


def test_switching_on_and_setting_lamps_are_two_requests(wled: Wled) -> None:
    """The controller would forget the lamps if it were switched on in the same request."""
    strip, sim = wled
    assert strip.show([Segment(0, 4, RED)])
    assert [sorted(request) for request in sim.requests] == [["bri", "on", "tt"], ["seg", "tt"]]
    sim.requests.clear()
    sim.reboot()
    sim.take(b'{"on":true,"seg":[{"id":0,"i":[0,4,"FF0000"]}]}')
    assert sim.shining() == {}  # the simulator has this property of the real one


def test_many_colours_are_sent_in_parts() -> None:
    """No request has more than 256 colours or more bytes than the smaller chip can hold."""
    sim = SimWled(600)
    sent: list[bytes] = []

    def send(state: dict[str, object]) -> bool:
        sent.append(json.dumps(state).encode())
        return sim.take(sent[-1])

    segments = [Segment(place, place + 1, RED if place % 2 else BLUE) for place in range(600)]
    assert WledStrip(send, 600).show(segments)
    assert len(sim.shining()) == 600
    assert len(sent) > 600 // MAX_COLOURS
    assert max(map(len, sent)) < 5000


@pytest.mark.parametrize(
    ("fault", "says"), [(WledFault.SILENT, "LightsError"), (WledFault.REFUSE, "LightsError"), (WledFault.GARBAGE, "no")]
)
def test_a_controller_that_fails_is_never_taken_for_light(wled: Wled, fault: WledFault, says: str) -> None:
    """Silence and refusals are errors, rubbish is "not confirmed"; nothing is called lit that is not."""
    strip, sim = wled
    sim.script.append(fault)
    if says == "no":
        assert not strip.show([Segment(0, 4, RED)])
    else:
        with pytest.raises(LightsError):
            strip.show([Segment(0, 4, RED)])


@pytest.mark.parametrize("said", [b"", b"[]", b"{", b'{"success":1}', b'{"error":9}', b"[" * 100_000, b"\xff"])
def test_only_success_is_success(said: bytes) -> None:
    """Whatever a controller answers, only its word of success counts."""
    assert not took(said)
    assert took(b'{"success":true}')


def test_lost_light_comes_back_while_the_visit_lasts(wled: Wled) -> None:
    """A controller that lost power comes back dark; a few seconds later the visitor's cells shine again."""
    strip, sim = wled
    lights = ShelfLights(strip, LAYOUT)
    lights.show([order("a-1")])
    sim.reboot()
    started_s = time.monotonic()
    wait_for(lambda: bool(sim.shining()), lights.tick)
    assert time.monotonic() - started_s > RESEND_S / 2


def test_cells_go_dark_by_themselves() -> None:
    """A visit that nobody ends goes dark when its time is over."""
    wall = Wall()
    lights = ShelfLights(wall, LAYOUT)
    lights.show([order("a-1", ttl_s=1)])
    wait_for(lambda: wall.shown[-1] == (), lights.tick)


def test_trouble_is_told_once_and_its_end_too() -> None:
    """A strip without power is one trouble, not one for every try; then the light is sent again."""
    wall, told = Wall(), list[str | None]()
    lights = ShelfLights(wall, LAYOUT, told.append)
    wall.broken = True
    lights.show([order("a-1")])
    lights.show([order("a-1", "a-2")])
    for _ in range(3):
        lights.tick()
    assert wall.asked == 1  # not at every turn: each try may take seconds
    wall.broken = False
    wait_for(lambda: bool(wall.shown), lights.tick)
    assert told == ["no power", None]


def test_a_station_of_several_strips_shows_everybody() -> None:
    """Each strip shows its own cells of everybody inside; cells without lamps are named."""
    left, right = Wall(), Wall()
    strips = [ShelfLights(left, LAYOUT), ShelfLights(right, StripLayout(10, {"c-1": (0, 4)}))]
    orders = light_orders({"v1": ["a-1", "c-1"], "v2": ["a-2", "z-9"]}, {"v1": "D55E00", "v2": "56B4E9"})
    assert show_everywhere(strips, orders) == {"z-9"}
    assert left.shown[-1] == (Segment(0, 8, Colour.of("D55E00")), Segment(10, 18, Colour.of("56B4E9")))
    assert right.shown[-1] == (Segment(0, 4, Colour.of("D55E00")),)


def test_a_cell_two_visitors_want_blinks() -> None:
    """A cell of two visitors blinks in a colour of nobody's, as the domain orders."""
    wall = Wall()
    lights = ShelfLights(wall, LAYOUT)
    lights.show(light_orders({"v1": ["a-1"], "v2": ["a-1"]}, {"v1": "D55E00", "v2": "56B4E9"}))
    wait_for(lambda: (Segment(0, 8, Colour.of(SHARED)),) in wall.shown and () in wall.shown, lights.tick)


def test_a_blinking_cell_is_dark_half_of_the_time() -> None:
    """A blinking cell is sent bright and dark in turn."""
    wall = Wall()
    lights = ShelfLights(wall, LAYOUT)
    lights.show([order("a-1", pattern="blink")])
    wait_for(lambda: {len(shown) for shown in wall.shown} == {0, 1}, lights.tick)


def test_colours_stay_apart_for_people_who_see_fewer() -> None:
    """Without red, green or blue cones the visitors' colours still differ by more than 15 in CIE Lab."""
    colours = [Colour.of(colour) for colour in (*COLOURS, SHARED)]
    assert min(_distance(one, other) for one, other in itertools.combinations(colours, 2)) > 15


@pytest.mark.parametrize("cells", [{"a": (0, 8), "b": (7, 9)}, {"a": (5, 5)}, {"a": (50, 61)}, {"a": (-1, 3)}], ids=str)
def test_a_layout_that_contradicts_itself_is_refused(cells: dict[str, tuple[int, int]]) -> None:
    """Two cells on one lamp, empty cells and cells beyond the strip are refused when they are read."""
    with pytest.raises(LightLayoutError):
        StripLayout(60, cells)


def test_a_layout_is_read_from_a_table() -> None:
    """Lamps and cells come from a table; one that lacks something, and a cell without lamps, are refused."""
    assert StripLayout.read({"lamps": 20, "cells": {"a-1": [0, 8]}}).span("a-1") == (0, 8)
    for bad in ({"lamps": 20}, {"lamps": 20, "cells": {"a": [1]}}, {"lamps": "x", "cells": {}}):
        with pytest.raises(LightLayoutError):
            StripLayout.read(bad)
    with pytest.raises(LightLayoutError, match="no lamps"):
        LAYOUT.span("z-9")


def test_over_mqtt_nothing_is_confirmed() -> None:
    """A controller reached by MQTT obeys under its topic, and nobody claims to know that it did."""
    sim, topics = SimWled(60), set[str]()

    def publish(topic: str, payload: bytes) -> None:
        topics.add(topic)
        sim.take(payload)

    lights = ShelfLights(WledStrip(MqttWled(publish, "wled/shelf"), 60), LAYOUT)
    lights.show([order("a-1")])
    assert set(sim.shining()) == set(range(8))
    assert (topics, lights.confirmed) == ({"wled/shelf/api"}, False)

    def broken(topic: str, payload: bytes) -> None:
        raise ConnectionError("no broker")

    with pytest.raises(LightsError, match="no broker"):
        WledStrip(MqttWled(broken, "wled/shelf"), 60).off()


def test_plain_lamps_get_the_signal_of_their_data_sheet() -> None:
    """One red lamp: green, red, blue, each bit three bits long, then a pause of 300 microseconds."""
    frame = spi_frame([RED])
    bits = "".join(f"{byte:08b}" for byte in frame[:9])
    symbols = [bits[place : place + 3] for place in range(0, 72, 3)]
    assert symbols == ["100"] * 8 + ["110"] * 8 + ["100"] * 8
    assert set(frame[9:]) == {0}
    assert len(frame[9:]) * 8 / 2.4e6 >= 280e-6
    assert len(spi_frame([Colour(9, 9, 9)], "sk6812-rgbw")) == len(frame) + 3
    white = spi_frame([Colour(255, 255, 255)], "sk6812-rgbw")
    assert f"{white[9]:08b}{white[10]:08b}{white[11]:08b}" == "110" * 8  # the fourth lamp alone


def test_a_serial_board_gets_its_frame() -> None:
    """The letters, the number of lamps less one with its check, then red, green and blue of each."""
    assert adalight_frame([RED] * 2) == b"Ada\x00\x01\x54" + b"\xff\x00\x00" * 2
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    port = TtyPort(os.ttyname(theirs), Line(115_200))
    strip = AddressableStrip(port, 4, "adalight")
    assert not strip.show([Segment(1, 3, BLUE)])
    said = os.read(ours, 100)
    assert said[6:] == b"\0\0\0" + b"\0\0\xff" * 2 + b"\0\0\0"
    assert not strip.off()
    assert set(os.read(ours, 100)[6:]) == {0}
    port.close()
    os.close(ours)
    with pytest.raises(LightsError):
        AddressableStrip(_Gone(), 4).show([])
    os.close(theirs)


class _Gone:
    def write(self, data: bytes) -> None:
        raise OSError("unplugged")


def test_a_line_that_is_no_spi_device_is_refused() -> None:
    """A missing device, and a file that is none, are said at once."""
    for path in ("/dev/does-not-exist", "/dev/null"):
        with pytest.raises(LightsError):
            SpiLine(path)


def test_segments_beyond_the_strip_are_cut() -> None:
    """Lamps that are not there are left out, and the frame keeps its length."""
    assert len(frame_colours(4, [Segment(2, 9, RED)])) == 4


def test_the_simulated_controller_can_be_played_with_by_hand() -> None:
    """Words make it fail, forget and tell."""
    sim = SimWled(4)
    sim.take(b'{"on":true}')
    sim.take(b'{"seg":[{"i":[1,"FF0000"]}]}')
    assert obey_wled(["show"], sim) == "1:FF0000"
    assert obey_wled(["fault", "late"], sim) is not None
    assert obey_wled(["reboot"], sim) == "dark"
    assert obey_wled(["dance"], sim) is None


# Machado, Oliveira, Fernandes (2009), severity 1: what people without one kind of cones see, in linear RGB.
_SEEN = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def _distance(one: Colour, other: Colour) -> float:
    return min(
        sum((a - b) ** 2 for a, b in zip(_lab(one, seen), _lab(other, seen), strict=True)) ** 0.5 for seen in _SEEN
    )


def _lab(colour: Colour, seen: str) -> tuple[float, float, float]:
    linear = [_linear(part / 255) for part in (colour.red, colour.green, colour.blue)]
    r, g, b = (min(1.0, max(0.0, sum(w * p for w, p in zip(row, linear, strict=True)))) for row in _SEEN[seen])
    x, y, z = (
        _root((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047),
        _root(0.2126 * r + 0.7152 * g + 0.0722 * b),
        _root((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883),
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _root(part: float) -> float:
    return part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
