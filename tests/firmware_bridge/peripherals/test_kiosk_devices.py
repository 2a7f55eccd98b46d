"""A kiosk's program over simulated devices on lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from firmware_bridge.bus.port import Port, TtyPort
from firmware_bridge.codecs.board import Line
from firmware_bridge.peripherals.errors import ScaleError
from firmware_bridge.peripherals.kiosk import KioskPrinter, KioskScale
from firmware_bridge.peripherals.label import MaskedParty
from firmware_bridge.peripherals.printer import LabelDesk, MemoryJournal, TsplPrinter
from firmware_bridge.peripherals.scale import SicsScale, WeighingRules
from firmware_bridge.simulator.boards import SimDevice
from firmware_bridge.simulator.line import SimLine
from firmware_bridge.simulator.peripherals import SimSicsScale, SimTsplPrinter
from lockers.kiosk import LabelPrinter, Scale, Weighing

RULES = WeighingRules(step_s=0.01, timeout_s=30)
PARTY = MaskedParty.of("欧阳明", "13812345678", "河阳县青石镇柳树村3组12号")


@pytest.fixture
def wire() -> Iterator[Callable[[SimDevice], Port]]:
    """Put a simulated device on a line."""
    with ExitStack() as stack:

        def make(device: SimDevice) -> Port:
            port = TtyPort(stack.enter_context(SimLine([device])).path, Line(9600))
            stack.callback(port.close)
            return port

        yield make


def test_a_kiosk_weighs_and_says_whether_its_zero_held(wire: Callable[[SimDevice], Port]) -> None:
    """The session gets a settled weight; once the zero has been seen and holds, the price is no longer provisional."""
    sim = SimSicsScale()
    devices = KioskScale(SicsScale(wire(sim)), lambda: sim.load_g == 0, RULES)
    scale: Scale = devices
    sim.put(800)
    assert scale.weigh() == Weighing(800, zero_ok=False)  # its zero was never seen
    sim.put(0)
    while not devices.check_zero():
        pass
    sim.put(800)
    assert scale.weigh() == Weighing(800, zero_ok=True)
    sim.put(0)
    with pytest.raises(ScaleError):
        KioskScale(SicsScale(wire(SimSicsScale())), lambda: True, RULES).weigh()


def test_a_kiosk_knows_whether_its_label_came_out(wire: Callable[[SimDevice], Port]) -> None:
    """A printed label is one; a jam, no paper and a third try are none, and the session can refuse politely."""
    sim = SimTsplPrinter()
    driver = TsplPrinter(wire(sim))
    printer: LabelPrinter = KioskPrinter(driver, LabelDesk(driver, MemoryJournal()), lambda _: (PARTY, PARTY))
    assert printer.print_label("ZT1", "中通")
    sim.jams_next = True
    assert not printer.print_label("ZT2", "中通")
    assert not printer.print_label("ZT2", "中通")  # still jammed: nothing is sent
    sim.trouble = "ready"
    assert printer.print_label("ZT2", "中通")
    assert not printer.print_label("ZT2", "中通")  # a third label
    sim.trouble = "paper_out"
    assert not printer.print_label("ZT3", "中通")
    assert (len(sim.printed), len(sim.lost)) == (2, 1)
