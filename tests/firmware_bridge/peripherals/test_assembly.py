"""Peripherals from agent.toml: what is described is opened, what is wrong is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from firmware_bridge.bus.port import FilePort, port_at
from firmware_bridge.codecs.board import Line
from firmware_bridge.errors import AgentConfigError, BusError
from firmware_bridge.peripherals.assembly import Peripherals, open_peripherals
from firmware_bridge.peripherals.label import Label, MaskedParty
from firmware_bridge.peripherals.printer import MemoryJournal
from firmware_bridge.peripherals.scale import WeighingRules, weigh
from firmware_bridge.peripherals.scanner import Scan
from firmware_bridge.simulator.line import SimLine
from firmware_bridge.simulator.peripherals import SimScanner, SimSicsScale, SimTsplPrinter
from firmware_bridge.simulator.reader import SimReader
from firmware_bridge.simulator.wled import SimWled, WledServer
from lockers.lights import LightOrder

KEY = bytes(range(1, 17))


class Kiosk:
    """All simulated peripherals of one kiosk."""

    def __init__(self) -> None:
        self.scale, self.printer, self.scanner = SimSicsScale(), SimTsplPrinter(), SimScanner()
        self.reader, self.wled = SimReader(key=KEY), SimWled(20)
        self.lines = [SimLine([device]) for device in (self.scale, self.printer, self.scanner, self.reader)]
        self.server = WledServer(self.wled)

    def description(self) -> str:
        """Return the tables of agent.toml."""
        scale, printer, scanner, reader = (line.path for line in self.lines)
        return f"""
[scale]
port = "{scale}"
protocol = "sics"
[printer]
port = "{printer}"
language = "tspl"
height_mm = 100
[scanner]
port = "{scanner}"
[reader]
port = "{reader}"
key = "{KEY.hex()}"
[lights.left]
kind = "wled-http"
host = "127.0.0.1"
http_port = {self.server.port}
lamps = 20
cells = {{ "a-1" = [0, 8] }}
[lights.right]
kind = "wled-mqtt"
topic = "wled/right"
lamps = 20
cells = {{ "b-1" = [0, 8] }}
"""


@pytest.fixture
def kiosk() -> Iterator[Kiosk]:
    """Start the simulated peripherals."""
    kiosk = Kiosk()
    for part in (*kiosk.lines, kiosk.server):
        part.__enter__()
    yield kiosk
    for part in (*kiosk.lines, kiosk.server):
        part.__exit__()


def opened(tmp_path: Path, text: str, published: list[str] | None = None) -> Peripherals:
    """Open what a description says."""
    path = tmp_path / "agent.toml"
    path.write_text(text, encoding="utf-8")
    publish = None if published is None else lambda topic, _: published.append(topic)
    return open_peripherals(path, Random(1).randbytes, MemoryJournal(), publish)


def test_a_kiosk_is_described_and_works(tmp_path: Path, kiosk: Kiosk) -> None:
    """One file describes scale, printer, scanner, reader and lights, and each of them works."""
    published: list[str] = []
    found = opened(tmp_path, kiosk.description(), published)
    assert found.scale is not None
    assert found.labels is not None
    assert found.scanner is not None
    assert found.reader is not None
    kiosk.scale.put(900)
    assert weigh(found.scale, WeighingRules(step_s=0.01, timeout_s=60), zero_holds=True).grams == 900
    party = MaskedParty.of("欧阳明", "13812345678", "柳树村12号")
    assert found.labels.print(Label("ZT1", "中通", party, party)) == 1
    kiosk.scanner.see(kiosk.lines[2], "ZT1")
    assert found.scanner.read(60) == [Scan("ZT1")]
    while not kiosk.reader.secure:
        found.reader.poll()
    found.lights["left"].show([LightOrder(("a-1",), "D55E00", "steady", 60, "v")])
    assert set(kiosk.wled.shining()) == set(range(8))
    found.lights["right"].show([LightOrder(("b-1",), "D55E00", "steady", 60, "v")])
    assert set(published) == {"wled/right/api"}
    found.close()


def test_nothing_described_is_nothing_there(tmp_path: Path) -> None:
    """A kiosk without these tables has none of these devices."""
    found = opened(tmp_path, "device = 'x'")
    assert (found.scale, found.labels, found.scanner, found.reader, found.lights) == (None, None, None, None, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[scale]\nport = "/dev/null"', "protocol"),
        ('[scale]\nport = "x"\nprotocol = "morse"', "morse"),
        ('[printer]\nport = "x"\nlanguage = "tspl"\ncolour = 1', "colour"),
        ('[reader]\nport = "x"\nkey = "303132333435363738393a3b3c3d3e3f"', "everybody knows"),
        ('[reader]\nport = "x"\nkey = "zz"', "hexadecimal"),
        ('[scanner]\nport = "tcp://here"', "invalid literal"),
        ('[lights.a]\nkind = "wled-mqtt"\ntopic = "t"\nlamps = 9\ncells = {}', "broker"),
        ('[lights.a]\nkind = "wled-http"\nlamps = 9\ncells = {}', "host"),
        ('[lights.a]\nkind = "wled-http"\nhost = "h"\nlamps = 9\ncells = { x = [0, 10] }', "outside"),
        ("lights = 3\n", "lights"),
        ('scale = "x"\n', "scale"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    """Missing, unknown and impossible fields are refused by name, and so is the key that everybody knows."""
    with pytest.raises(AgentConfigError, match=says):
        opened(tmp_path, text)


def test_a_cell_on_two_strips_is_refused(tmp_path: Path) -> None:
    """One cell cannot shine on two strips."""
    strip = 'kind = "wled-http"\nhost = "h"\nlamps = 9\ncells = { x = [0, 2] }\n'
    with pytest.raises(AgentConfigError, match="a and b"):
        opened(tmp_path, f"[lights.a]\n{strip}[lights.b]\n{strip}")


def test_a_usb_printer_is_a_file(tmp_path: Path) -> None:
    """A printer whose device file is no serial line gets the label's bytes all the same."""
    pipe = tmp_path / "lp0"
    os.mkfifo(pipe)
    printer = FilePort(str(pipe))
    port = port_at(str(pipe), Line(9600))
    assert isinstance(port, FilePort)
    port.write(b"PRINT 1,1")
    assert printer.read(60) == b"PRINT 1,1"
    port.close()
    printer.close()
    with pytest.raises(BusError):
        FilePort("/dev/does-not-exist")


def test_lines_are_given_back_when_one_is_missing(tmp_path: Path, kiosk: Kiosk) -> None:
    """When the second line cannot be opened the first one is free for another program."""
    path = kiosk.lines[0].path
    good = f'[scale]\nport = "{path}"\nprotocol = "sics"\n'
    with pytest.raises(BusError):
        opened(tmp_path, good + '[scanner]\nport = "/dev/does-not-exist"\n')
    opened(tmp_path, good).close()
