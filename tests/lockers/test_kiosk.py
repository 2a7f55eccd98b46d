"""A sending kiosk with its faults: paper, scale, boxes, network, power, doors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from kernel.clock import ManualClock
from kernel.money import Fen
from lockers.book import Door, Occupancy
from lockers.compartments import CompartmentSize
from lockers.dropoffs import ItemClass, parse_drop_off
from lockers.errors import ImpossibleStepError, KioskRefusedError
from lockers.kiosk import Item, Kiosk, KioskFact, Weighing
from lockers.left_open import LeftOpen
from lockers.price import SendingTariff, quote
from lockers.returns import SimulatedReturns

S, M = CompartmentSize.S, CompartmentSize.M
SHIRT = Item("yunlu", ItemClass.CLOTHING, 1, S, 600)
TARIFF = SendingTariff("yunlu", 3, 1000, Fen(800), 500, Fen(200))


@dataclass
class MemoryState:
    """Journal, printer, scale and lock of a kiosk on a desk; what it wrote survives its program."""

    facts: list[KioskFact] = field(default_factory=list)
    written: str | None = None
    paper: int = 100
    weight: Weighing = field(default_factory=lambda: Weighing(640))
    opened: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)

    def keep(self, facts: Sequence[KioskFact], state: Mapping[str, Any]) -> None:
        """Write both."""
        self.facts += facts
        self.written = json.dumps(state)

    def kept(self) -> Mapping[str, Any] | None:
        """Give what was written."""
        return None if self.written is None else json.loads(self.written)

    def print_label(self, waybill: str, company: str) -> bool:
        """Print while there is paper."""
        if self.paper < 1:
            return False
        self.paper -= 1
        self.printed.append(waybill)
        return True

    def weigh(self) -> Weighing:
        """Give the weight on the scale."""
        return self.weight

    def open(self, cell: str, txn: str) -> None:
        """Note one pulse."""
        self.opened.append(cell)

    def told(self) -> list[str]:
        """Give what was told."""
        return [fact.type for fact in self.facts]


@pytest.fixture
def desk() -> MemoryState:
    """Give the kiosk's hardware and disk."""
    return MemoryState()


@pytest.fixture
def start(desk: MemoryState, clock: ManualClock) -> Any:
    """Give a way to start the kiosk's program, again and again over the same disk."""

    def run() -> Kiosk:
        return Kiosk(
            desk, desk, desk, desk, clock, {"A1": S, "A2": S, "B1": M}, {"yunlu": TARIFF},
            returns=SimulatedReturns("yunlu"), neighbours=["kiosk-2"],
        )  # fmt: skip

    return run


def to_door(kiosk: Kiosk, waybill: str | None = "YL0001", item: Item = SHIRT) -> str:
    """Walk a customer up to the open door."""
    kiosk.begin("s-1", "rn-1")
    kiosk.declare(item)
    kiosk.agree()
    number = kiosk.print_label(waybill)
    kiosk.scan_label(number)
    kiosk.weigh()
    return kiosk.open_door()


def put_in(kiosk: Kiosk, cell: str, inside: Occupancy = Occupancy.OCCUPIED) -> None:
    """Open and shut the door as the customer does."""
    kiosk.door_seen(cell, Door.OPEN)
    kiosk.door_seen(cell, Door.CLOSED, inside)


def test_a_customer_sends_a_parcel(desk: MemoryState, start: Any) -> None:
    """From the identity check to the receipt: one pulse, one drop-off with its measures, and the kiosk is free."""
    kiosk = start()
    kiosk.begin("s-1", "rn-1")
    price = kiosk.declare(SHIRT)
    assert (price.amount_fen, price.provisional) == (800, False)
    kiosk.agree()
    kiosk.scan_label(kiosk.print_label("YL0001"))
    kiosk.weigh()
    cell = kiosk.open_door()
    put_in(kiosk, cell)
    kiosk.receipt()
    assert (cell, desk.opened) == ("A1", ["A1"])
    assert desk.told() == ["session.started", "waybill.assigned", "parcel.dropped"]
    drop = parse_drop_off(dict(desk.facts[-1].body))
    assert (drop.waybill, drop.weight_g, drop.compartment, drop.proof) == ("YL0001", 640, "A1", "rn-1")
    assert drop.evidence == ("item_seen", "door_closed", "weight")
    assert kiosk.state.session is None
    assert kiosk.state.boxes["A1"].book == "stored"


def test_a_return_costs_nothing_and_names_its_marketplace(desk: MemoryState, start: Any) -> None:
    """A marketplace's return is free for the customer here, and the drop-off says whose return it is."""
    kiosk = start()
    kiosk.begin("s-1", "rn-1")
    with pytest.raises(KioskRefusedError, match="return code"):
        kiosk.declare_return("XX-1")
    assert kiosk.declare_return("DY-2231").amount_fen == 0
    kiosk.agree()
    kiosk.scan_label(kiosk.print_label("YL0001"))
    kiosk.weigh()
    put_in(kiosk, kiosk.open_door())
    kiosk.receipt()
    kiosk.begin("s-2", "rn-2")
    with pytest.raises(KioskRefusedError, match="used"):
        kiosk.declare_return("DY-2231")
    assert desk.facts[2].body["return_platform"] == "douyin"
    assert desk.facts[2].body["price_fen"] == 0


def test_paper_out_lets_no_new_session_begin(desk: MemoryState, start: Any) -> None:
    """Without paper the label fails, the keeper is told once, nobody else is served, and refilling mends it."""
    desk.paper = 0
    kiosk = start()
    kiosk.begin("s-1", "rn-1")
    kiosk.declare(SHIRT)
    kiosk.agree()
    with pytest.raises(KioskRefusedError, match="paper"):
        kiosk.print_label("YL0001")
    with pytest.raises(KioskRefusedError):
        kiosk.print_label("YL0001")
    kiosk.give_up()
    with pytest.raises(KioskRefusedError, match="no_paper"):
        kiosk.begin("s-2", "rn-2")
    assert desk.told().count("paper.out") == 1
    desk.paper = 10
    kiosk.paper_seen(True)
    kiosk.begin("s-3", "rn-3")


def test_a_label_is_printed_again_once_under_the_same_number(desk: MemoryState, start: Any) -> None:
    """After a jam one more label with the same number, and no third."""
    kiosk = start()
    kiosk.begin("s-1", "rn-1")
    kiosk.declare(SHIRT)
    kiosk.agree()
    kiosk.print_label("YL0001")
    kiosk.reprint()
    with pytest.raises(ImpossibleStepError, match="once"):
        kiosk.reprint()
    assert desk.printed == ["YL0001", "YL0001"]


def test_scale_drift_accepts_with_weigh_at_collection(desk: MemoryState, start: Any) -> None:
    """A scale that cannot find its zero refuses nobody: weight and price are marked provisional."""
    desk.weight = Weighing(655, zero_ok=False)
    kiosk = start()
    put_in(kiosk, to_door(kiosk))
    body = desk.facts[-1].body
    assert (body["weight_provisional"], body["price_provisional"]) == (True, True)
    assert "weight" not in body["evidence"]


def test_box_full_is_said_before_the_price(start: Any) -> None:
    """When no box fits, the customer hears it before a price is shown; when none is free, before the identity check."""
    kiosk = start()
    for number in range(3):
        put_in(kiosk, to_door(kiosk, f"YL000{number}"))
        kiosk.receipt()
    with pytest.raises(KioskRefusedError, match="full") as refused:
        kiosk.begin("s-9", "rn-9")
    assert refused.value.params["nearest"] == "kiosk-2"
    kiosk.open_for_courier("A1", "c-1")
    put_in(kiosk, "A1", Occupancy.EMPTY)
    assert "YL0000" not in kiosk.state.dropped
    kiosk.begin("s-10", "rn-10")
    with pytest.raises(KioskRefusedError, match="full"):
        kiosk.declare(Item("yunlu", ItemClass.OTHER, 1, M, 600))
    assert kiosk.state.price is None


def test_network_down_uses_the_block_and_then_refuses_politely(desk: MemoryState, start: Any) -> None:
    """Without network pre-issued numbers are used up one by one and the price is provisional; then nobody is asked."""
    kiosk = start()
    kiosk.stock_waybills("yunlu", ["OFF1", "OFF2"])
    kiosk.network_seen(False)
    for expected in ("OFF1", "OFF2"):
        put_in(kiosk, to_door(kiosk, None))
        assert desk.facts[-1].body["waybill"] == expected
        assert desk.facts[-1].body["price_provisional"]
        kiosk.receipt()
    with pytest.raises(KioskRefusedError, match="no_waybills"):
        kiosk.begin("s-9", "rn-9")


@pytest.mark.parametrize("steps", range(1, 7))
def test_power_cut_before_the_door_voids_the_session(desk: MemoryState, start: Any, steps: int) -> None:
    """After a power cut before the door the session is void with its waybill, and no door has opened."""
    kiosk = start()
    acts = [
        lambda: kiosk.begin("s-1", "rn-1"), lambda: kiosk.declare(SHIRT), kiosk.agree,
        lambda: kiosk.print_label("YL0001"), lambda: kiosk.scan_label("YL0001"), kiosk.weigh,
    ]  # fmt: skip
    for act in acts[:steps]:
        act()
    again = start()
    assert (desk.opened, again.state.session) == ([], None)
    assert desk.told()[-1 if steps < 4 else -2] == "session.voided"
    assert ("waybill.voided" in desk.told()) == (steps >= 4)


def test_power_cut_with_the_door_open_is_unclear_and_never_opens_again(desk: MemoryState, start: Any) -> None:
    """After a power cut at the open door a person decides; the kiosk opens nothing by itself and serves nobody else."""
    cell = to_door(start())
    again = start()
    assert again.state.session.state == "unclear"
    with pytest.raises(KioskRefusedError, match="another customer"):
        again.begin("s-2", "rn-2")
    again.door_seen(cell, Door.CLOSED, Occupancy.OCCUPIED)
    with pytest.raises(ImpossibleStepError, match="reason"):
        again.settle(dropped=True, reason="")
    again.settle(dropped=True, reason="seen_inside")
    assert desk.opened == [cell]
    assert desk.told()[-2:] == ["session.unclear", "parcel.dropped"]
    assert start().state.session is None


def test_power_cut_after_the_drop_keeps_the_parcel(desk: MemoryState, start: Any) -> None:
    """A parcel that was dropped before the power failed is dropped once, and the kiosk is free."""
    put_in(start(), to_door(start()))
    cut = MemoryState(written=desk.written)
    assert cut.written is not None
    kiosk = start()
    put_in(kiosk, to_door(kiosk, "YL0002"))
    again = start()
    assert again.state.session is None
    assert desk.told().count("parcel.dropped") == 1
    assert "YL0002" in again.state.dropped


def test_an_empty_deposit_is_none_and_the_box_is_free_again(desk: MemoryState, start: Any) -> None:
    """Shutting the door on nothing is no drop-off; the door may open again, or the session ends and frees the box."""
    kiosk = start()
    cell = to_door(kiosk)
    put_in(kiosk, cell, Occupancy.EMPTY)
    assert kiosk.open_door() == cell
    put_in(kiosk, cell, Occupancy.EMPTY)
    kiosk.give_up()
    assert kiosk.state.boxes[cell].book == "free"
    assert desk.told()[-2:] == ["session.voided", "waybill.voided"]


def test_a_door_left_open_is_told_in_tiers_and_stops_new_drops(desk: MemoryState, start: Any, clock: ManualClock):
    """A minute: a beep. Five: the keeper, and no new parcels. Thirty: a ticket. Shutting it ends all of that."""
    kiosk = start()
    put_in(kiosk, to_door(kiosk))
    kiosk.receipt()
    kiosk.door_seen("A1", Door.OPEN)
    clock.advance(60)
    assert kiosk.tick()[0] is LeftOpen.BEEP
    kiosk.begin("s-2", "rn-2")
    kiosk.give_up()
    clock.advance(240)
    assert kiosk.tick()[0] is LeftOpen.KEEPER
    kiosk.tick()
    with pytest.raises(KioskRefusedError, match="door_left_open"):
        kiosk.begin("s-3", "rn-3")
    clock.advance(1500)
    assert kiosk.tick()[0] is LeftOpen.TICKET
    kiosk.door_seen("A1", Door.CLOSED, Occupancy.EMPTY)
    kiosk.begin("s-4", "rn-4")
    assert [fact.body["tier"] for fact in desk.facts if fact.type == "door.left_open"] == ["keeper", "ticket"]
    assert desk.told().count("door.shut_again") == 1


def test_a_slow_customer_is_sent_away_and_an_old_parcel_is_told(desk: MemoryState, start: Any, clock: ManualClock):
    """After a minute's silence the session is void; a parcel nobody collected for a day is told once."""
    kiosk = start()
    put_in(kiosk, to_door(kiosk))
    kiosk.receipt()
    kiosk.begin("s-2", "rn-2")
    clock.advance(61)
    kiosk.tick()
    assert kiosk.state.session is None
    clock.advance(86_400)
    assert kiosk.tick()[1] == ("YL0001",)
    kiosk.tick()
    assert desk.told().count("parcel.uncollected") == 1


def test_prices_are_whole_fen() -> None:
    """First weight, then begun steps; a return costs nothing; without a price list the price comes later."""
    assert [TARIFF.price(grams) for grams in (1, 1000, 1001, 1500, 1501)] == [800, 800, 1000, 1000, 1200]
    assert quote(None, 500, is_return=False, certain=True) is None
    assert quote(None, 500, is_return=True, certain=False).amount_fen == 0
