"""Scales: a weight counts when it is settled, and is provisional when the zero is off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs.board import Line
from firmware_bridge.peripherals.errors import ScaleError
from firmware_bridge.peripherals.scale import (
    Scale,
    SicsFraming,
    SicsScale,
    ToledoFraming,
    ToledoScale,
    Weighed,
    Weighing,
    WeighingRules,
    ZeroWatchState,
    read_sics,
    read_toledo,
    weigh,
)
from firmware_bridge.simulator.line import Fault, FaultsState, SimLine
from firmware_bridge.simulator.peripherals import SIM_SCALES, SimScale, SimToledoScale, obey_scale

DRIVERS: dict[str, Callable[[TtyPort], Scale]] = {"toledo": ToledoScale, "sics": SicsScale}
PROTOCOLS = sorted(DRIVERS)
RULES = WeighingRules(step_s=0.01, timeout_s=30.0)
HASTY = WeighingRules(step_s=0.01, timeout_s=0.8)
Wired = tuple[Scale, SimScale, SimLine]


@pytest.fixture
def wire() -> Iterator[Callable[..., Wired]]:
    """Put a simulated scale on a line with its driver."""
    with ExitStack() as stack:

        def make(protocol: str, faults: FaultsState | None = None, drift_g: int = 0) -> Wired:
            sim = SIM_SCALES[protocol](drift_g=drift_g)
            line = stack.enter_context(SimLine([sim], faults))
            port = TtyPort(line.path, Line(9600))
            stack.callback(port.close)
            return DRIVERS[protocol](port), sim, line

        yield make


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until_s = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until_s
        time.sleep(0.01)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_parcel_is_weighed_when_it_has_settled(wire: Callable[..., Wired], protocol: str) -> None:
    """The weight is the settled one, not one seen while the platform still moved."""
    scale, sim, _ = wire(protocol)
    sim.put(2_345)
    wait_for(lambda: (scale.read() or Weighing(0)).grams != 0)
    assert weigh(scale, RULES, zero_holds=True) == Weighed(2_345, provisional=False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.WRONG_ADDRESS])  # they have none
def test_spoilt_readings_do_not_change_a_weight(wire: Callable[..., Wired], protocol: str, fault: Fault) -> None:
    """Noise, cut and late readings on the line give the same weight a moment later."""
    scale, sim, _ = wire(protocol, FaultsState(script=[fault, None, fault], late_s=0.2))
    sim.put(812)
    assert weigh(scale, RULES, zero_holds=True).grams == 812


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_no_weight_is_said(wire: Callable[..., Wired], protocol: str) -> None:
    """An overloaded, an empty and a silent scale each give an error and no price."""
    scale, sim, line = wire(protocol)
    sim.put(61_000)
    wait_for(lambda: (scale.read() or Weighing(0)).grams is None)
    with pytest.raises(ScaleError, match="overload"):
        weigh(scale, HASTY, zero_holds=True)
    sim.put(0)
    wait_for(lambda: (scale.read() or Weighing(None)).grams == 0)
    with pytest.raises(ScaleError, match="no parcel"):
        weigh(scale, RULES, zero_holds=True)
    line.unanswered = True
    with pytest.raises(ScaleError, match="silent"):
        weigh(scale, HASTY, zero_holds=True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_small_drift_is_set_to_zero(wire: Callable[..., Wired], protocol: str) -> None:
    """An empty platform that shows a little is set to zero, and the weight is good."""
    scale, sim, _ = wire(protocol, drift_g=15)
    watch = ZeroWatchState(scale, RULES, lambda: True)
    assert watch.check()
    wait_for(lambda: sim.drift_g == 0)
    assert watch.check()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_large_drift_makes_weights_provisional(wire: Callable[..., Wired], protocol: str) -> None:
    """An empty platform that shows much is not trusted: the parcel is weighed again at collection."""
    scale, sim, _ = wire(protocol, drift_g=400)
    watch = ZeroWatchState(scale, RULES, lambda: True)
    assert watch.drifted  # never seen yet
    assert not watch.check()
    assert watch.off_by_g == 400
    sim.put(1_000)
    wait_for(lambda: (scale.read() or Weighing(0)).grams != 400)
    assert weigh(scale, RULES, zero_holds=not watch.drifted) == Weighed(1_400, provisional=True)


def test_a_forgotten_parcel_is_not_taken_for_zero(wire: Callable[..., Wired]) -> None:
    """As long as something may lie on it, the platform's reading is no zero."""
    scale, sim, _ = wire("sics")
    watch = ZeroWatchState(scale, RULES, lambda: sim.load_g == 0)
    assert watch.check()
    sim.put(15)
    assert watch.check()
    assert sim.drift_g == 0


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("S S      0.812 kg", Weighing(812, stable=True)),
        ("S D      812 g", Weighing(812)),
        ("S S    -0.005 kg", Weighing(-5, stable=True)),
        ("S S   1500.4 g", Weighing(1500, stable=True)),
        ("S +", Weighing(None, problem="overload")),
        ("S -", Weighing(None, problem="underload")),
        ("S I", Weighing(None, problem="busy")),
        ("Z A", None),
    ],
)
def test_answers_are_read_as_the_sheet_says(said: str, meaning: Weighing | None) -> None:
    """Stable and moving weights, their units, and every way of having none."""
    frame = said.encode() + b"\r\n"
    assert SicsFraming().valid(frame)
    assert read_sics(frame) == meaning


@pytest.mark.parametrize("said", ["S S 1e9 kg", "S S 0.1 lb", "S S kg", "X", "S S 1.2.3 kg", "S S  999999999 t"])
def test_what_is_no_answer_is_not_read(said: str) -> None:
    """Pounds, exponents and nonsense are no weights."""
    frame = said.encode() + b"\r\n"
    assert not SicsFraming().valid(frame) or read_sics(frame) is None


@given(st.integers(0, 60_000))
def test_every_weight_makes_the_round_trip(grams: int) -> None:
    """Whatever lies on the simulated scale is read to the gram, with parity bits or without."""
    frame = SimToledoScale(load_g=grams).frame()
    with_parity = bytes(byte | (byte.bit_count() % 2) << 7 for byte in frame)
    for said in (frame, with_parity):
        assert ToledoFraming().valid(said)
        assert read_toledo(said) == Weighing(grams, stable=True)


def test_no_flipped_bit_is_read_as_another_weight() -> None:
    """One flipped bit in checked output makes it no frame; parity bits carry nothing."""
    frame = SimToledoScale(load_g=2_345).frame()
    for bit in range(len(frame) * 8):
        spoilt = bytearray(frame)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert not ToledoFraming().valid(bytes(spoilt)) or read_toledo(bytes(spoilt)) == read_toledo(frame)


def test_the_simulated_scale_can_be_played_with_by_hand() -> None:
    """Words put things on it and make its zero drift."""
    scale = SimToledoScale()
    assert obey_scale(["put", "500"], scale) == "500 g on it, zero off by 0 g"
    assert obey_scale(["drift", "-30"], scale) == "500 g on it, zero off by -30 g"
    assert obey_scale(["show"], scale) is not None
    assert obey_scale(["dance"], scale) is None
