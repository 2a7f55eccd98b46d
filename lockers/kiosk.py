"""The program of a sending kiosk (寄件宝): customers' sessions over real printers, scales and doors.

It decides nothing that the tables in :mod:`lockers.sending` and :mod:`lockers.book` do not allow. Each step and the
facts it makes are kept in one write before anything moves, so that a power cut finds either the old state or the new
one, and never opens a door by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from kernel.clock import Clock
from kernel.money import Fen
from lockers.book import BOOK, Compartment, Door, Occupancy, Outcome, decide, door_opened, door_shut, reserve
from lockers.compartments import CompartmentSize
from lockers.dropoffs import EVENT_TYPE, ItemClass
from lockers.errors import ImpossibleStepError, KioskRefusedError
from lockers.left_open import LeftOpen, LeftOpenRules
from lockers.price import Quote, SendingTariff, quote
from lockers.returns import ReturnOrders
from lockers.sending import KioskHealth, SendingSession, advance, times_out

STATE_KEY: Final = "kiosk"
#: A parcel nobody collected is an alarm after this long.
UNCOLLECTED: Final = timedelta(hours=24)


@dataclass(frozen=True)
class KioskFact:
    """Something the kiosk tells the server; ids and measures only."""

    type: str
    body: Mapping[str, Any]
    txn: str | None = None


@dataclass(frozen=True)
class Weighing:
    """What the scale said; ``zero_ok`` is false when its zero has drifted."""

    grams: int
    zero_ok: bool = True


class Journal(Protocol):
    """Keeps facts and the kiosk's state in one transaction that survives a power cut."""

    def keep(self, facts: Sequence[KioskFact], state: Mapping[str, Any]) -> None:
        """Write both, or neither."""
        ...

    def kept(self) -> Mapping[str, Any] | None:
        """Return the state last written, None at the very first start."""
        ...


class LabelPrinter(Protocol):
    """Prints the label; whatever hinders it is said by the return value."""

    def print_label(self, waybill: str, company: str) -> bool:
        """Print one label with the recipient masked; return whether it came out."""
        ...


class Scale(Protocol):
    """Weighs what lies on it."""

    def weigh(self) -> Weighing:
        """Return the weight now."""
        ...


class Lock(Protocol):
    """Opens boxes; the door's sensor tells what came of it."""

    def open(self, cell: str, txn: str) -> None:
        """Ask for one pulse of one lock."""
        ...


@dataclass(frozen=True)
class Item:
    """What the sender declares, or a marketplace's return code says.

    Parameters
    ----------
    stated_weight_g
        The sender's own idea, for the price shown before weighing.
    return_platform
        Marketplace whose return this is; ``company`` then comes from the return code.
    """

    company: str
    item_class: ItemClass
    quantity: int
    size: CompartmentSize
    stated_weight_g: int
    declared_value_fen: int = 0
    return_platform: str | None = None


@dataclass(frozen=True)
class KioskState:
    """Everything a restart must find again.

    Parameters
    ----------
    waybills
        Pre-issued numbers by company, for the time without network.
    left_open
        Since when each open door stands open.
    """

    boxes: Mapping[str, Compartment]
    sizes: Mapping[str, CompartmentSize]
    session: SendingSession | None = None
    item: Item | None = None
    price: Quote | None = None
    weight: Weighing | None = None
    cell: str | None = None
    waybills: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dropped: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    left_open: Mapping[str, datetime] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    paper: bool = True
    network: bool = True

    def free_cells(self, size: CompartmentSize) -> list[str]:
        """Return boxes a parcel of this size goes into, the smallest first."""
        fitting = [
            cell
            for cell, box in self.boxes.items()
            if box.offered and size.box.fits_into(self.sizes[cell].box) and cell not in self.left_open
        ]
        return sorted(fitting, key=lambda cell: (list(CompartmentSize).index(self.sizes[cell]), cell))

    def health(self, company: str | None = None, scale: bool = True) -> KioskHealth:
        """Return what the kiosk can do now."""
        stock = sum(len(some) for name, some in self.waybills.items() if company in (None, name))
        free = sum(box.offered for box in self.boxes.values())
        return KioskHealth(self.paper, scale, self.network, free, stock, bool(self._overdue_doors()))

    def _overdue_doors(self) -> tuple[str, ...]:
        return tuple(entry for entry in self.told if entry.startswith("door:"))


class Kiosk:
    """One kiosk: one customer at a time, several boxes.

    Parameters
    ----------
    tariffs
        Price lists by company, as last heard of.
    left_open
        When a door left open beeps, is told to the keeper, becomes a ticket; from the keeper's tier on the kiosk
        takes no new parcel.
    returns
        Knows marketplaces' return codes; without it no return is taken.
    neighbours
        Other kiosks, the nearest first; shown when this one is full.

    Raises
    ------
    KioskRefusedError
        By every step of a customer, with a reason: full, no paper, no waybills, a door left open.
    ImpossibleStepError
        By a step that cannot follow.
    """

    def __init__(
        self,
        journal: Journal,
        printer: LabelPrinter,
        scale: Scale,
        lock: Lock,
        clock: Clock,
        boxes: Mapping[str, CompartmentSize],
        tariffs: Mapping[str, SendingTariff] | None = None,
        left_open: LeftOpenRules = LeftOpenRules(),  # noqa: B008 - frozen
        returns: ReturnOrders | None = None,
        neighbours: Sequence[str] = (),
    ) -> None:
        self._returns = returns
        self._neighbours = tuple(neighbours)
        self._journal = journal
        self._printer = printer
        self._scale = scale
        self._lock = lock
        self._clock = clock
        self._tariffs = dict(tariffs or {})
        self._left_open = left_open
        kept = journal.kept()
        fresh = KioskState({cell: Compartment(cell, Door.CLOSED, Occupancy.EMPTY) for cell in boxes}, dict(boxes))
        self.state = fresh if kept is None else _refitted(read_state(kept), fresh)
        if kept is not None:
            self._power_back()

    # --- a customer's steps -------------------------------------------------------------------------------

    def begin(self, session_id: str, proof: str) -> None:
        """Begin a session for a sender whose identity was proven; says first why it cannot."""
        self._refuse_if(self.state.health().hindrance())
        if self.state.session is not None:
            raise KioskRefusedError("another customer is being served", reason="busy")
        begun = SendingSession(session_id, self._clock.now())
        self._step(begun, "identity_proven", proof=proof)

    def declare(self, item: Item) -> Quote | None:
        """Take the declaration; return the price to show, None when it can only be told later."""
        if not self.state.free_cells(item.size):
            self._refuse_if("full")
        if not self.state.network and not self.state.waybills.get(item.company):
            self._refuse_if("no_waybills")
        certain = self.state.network
        price = quote(
            self._tariffs.get(item.company),
            item.stated_weight_g,
            is_return=item.return_platform is not None,
            certain=certain,
        )
        self._step(self._session, "item_declared", changes={"item": item, "price": price})
        return price

    def declare_return(self, code: str) -> Quote | None:
        """Take a marketplace's return code instead of a declaration; it costs the customer nothing here."""
        order = self._returns.look_up(code) if self._returns is not None else None
        if order is None:
            raise KioskRefusedError("this return code is not known, or was used", reason="return_unknown")
        return self.declare(
            Item(
                order.company, order.item_class, order.quantity, order.size, order.stated_weight_g,
                return_platform=order.platform,
            )
        )  # fmt: skip

    def agree(self) -> None:
        """Take the customer's word on the price."""
        self._step(self._session, "price_agreed")

    def print_label(self, waybill: str | None = None) -> str:
        """Print the label and return its number.

        Parameters
        ----------
        waybill
            Number the server gave; without it the next of the pre-issued block is used up.
        """
        item = self._item
        stock = self.state.waybills.get(item.company, ())
        number = waybill or (stock[0] if stock else None)
        if number is None:
            raise KioskRefusedError("no waybill is at hand and the server is out of reach", reason="no_waybills")
        advance(self._session, "label_printed", self._clock.now(), waybill=number)  # refuses before paper is used
        left = dict(self.state.waybills) | {item.company: tuple(one for one in stock if one != number)}
        self._print(number, item.company)
        self._step(self._session, "label_printed", changes={"waybills": left}, waybill=number)
        return number

    def reprint(self) -> None:
        """Print the same label again, once."""
        session = self._session
        advance(session, "label_reprinted", self._clock.now())  # refuses before paper is used
        self._print(str(session.waybill), self._item.company)
        self._step(session, "label_reprinted")

    def scan_label(self, text: str) -> None:
        """Take the kiosk's own scan of its label on the parcel."""
        if text != self._session.waybill:
            raise ImpossibleStepError("this is another label", field="waybill")
        self._step(self._session, "label_scanned")

    def weigh(self) -> Weighing:
        """Weigh the parcel; a scale whose zero drifted makes weight and price provisional, it refuses nobody."""
        weight = self._scale.weigh()
        price = self.state.price
        if price is not None and not weight.zero_ok:
            price = replace(price, provisional=True)
        self._step(
            self._session,
            "weighed",
            changes={"weight": weight, "price": price},
            weight_provisional=not weight.zero_ok,
        )
        return weight

    def open_door(self) -> str:
        """Open the smallest box that fits; the state is kept before the lock moves."""
        cells = self.state.free_cells(self._item.size)
        cell = self.state.cell or (cells[0] if cells else None)
        if cell is None:
            self._refuse_if("full")
            raise AssertionError  # refused
        box = self.state.boxes[cell]
        if box.book == "free":
            box = reserve(box, str(self._session.waybill)).compartment
        opened = decide(box, "open_to_deposit").compartment
        changes = {"cell": cell, "boxes": dict(self.state.boxes) | {cell: opened}}
        self._step(self._session, "door_opened", changes=changes)
        self._lock.open(cell, self._session.id)
        return cell

    def receipt(self) -> None:
        """Note that the receipt was given; the kiosk is free again."""
        self._step(self._session, "receipt_given")
        self._end()

    def give_up(self) -> None:
        """End the session before the door opened; a printed waybill is void."""
        self._step(self._session, "given_up")
        self._end()

    # --- what sensors, time, network and people say -------------------------------------------------------

    def door_seen(self, cell: str, door: Door, inside: Occupancy = Occupancy.UNKNOWN) -> None:
        """Take what a box's sensors say."""
        box, now = self.state.boxes[cell], self._clock.now()
        if door is Door.OPEN:
            outcome = door_opened(box)
            since = dict(self.state.left_open)
            since.setdefault(cell, now)
            self._keep(self._facts(cell, outcome), boxes=self._boxed(cell, outcome), left_open=since)
            return
        outcome = door_shut(box, inside)
        standing = {other: since for other, since in self.state.left_open.items() if other != cell}
        told = tuple(entry for entry in self.state.told if entry.split("/")[0] != f"door:{cell}")
        facts = self._facts(cell, outcome)
        if told != self.state.told:
            facts.append(KioskFact("door.shut_again", {"cell": cell}))
        dropped = self.state.dropped
        if "parcel.collected" in outcome.facts:
            dropped = {number: entry for number, entry in dropped.items() if entry[0] != cell}
        boxes = self._boxed(cell, outcome)
        self._keep(facts, boxes=boxes, left_open=standing, told=told, dropped=dropped)
        if self.state.session is not None and self.state.session.state == "open" and cell == self.state.cell:
            self._deposit_seen(cell, box.opened, inside)

    def lock_failed(self, cell: str) -> None:
        """Take that a box's lock did not open: nothing was put in, and the customer may try again or give up."""
        session, box = self.state.session, self.state.boxes[cell]
        if session is None or session.state != "open" or cell != self.state.cell or box.opened:
            return
        kept = decide(box, "shut_empty").compartment
        self._step(session, "shut_empty", changes={"boxes": dict(self.state.boxes) | {cell: kept}})

    def tick(self) -> tuple[LeftOpen, tuple[str, ...]]:
        """End slow sessions; raise the tiers of doors left open; name parcels nobody collected.

        Returns
        -------
        The worst tier now (a beep is the kiosk's own affair), and waybills that wait too long.
        """
        now = self._clock.now()
        session = self.state.session
        if session is not None and times_out(session, now):
            self._step(session, "timed_out")
            self._end()
        worst = LeftOpen.NO
        for cell, since in self.state.left_open.items():
            tier = self._left_open.tier((now - since).total_seconds())
            worst = max(worst, tier, key=list(LeftOpen).index)
            entry = f"door:{cell}/{tier.value}"
            if tier in (LeftOpen.KEEPER, LeftOpen.TICKET) and entry not in self.state.told:
                body = {"cell": cell, "tier": tier.value, "open_s": int((now - since).total_seconds())}
                self._keep([KioskFact("door.left_open", body)], told=(*self.state.told, entry))
        return worst, self._uncollected(now)

    def network_seen(self, up: bool) -> None:
        """Take whether the server can be reached."""
        self._keep([], network=up)

    def paper_seen(self, there: bool) -> None:
        """Take whether the printer has paper; each change is told once."""
        if there != self.state.paper:
            self._keep([KioskFact("paper.refilled" if there else "paper.out", {})], paper=there)

    def stock_waybills(self, company: str, numbers: Sequence[str]) -> None:
        """Take a block of pre-issued waybills into stock."""
        known = self.state.waybills.get(company, ())
        added = tuple(number for number in numbers if number not in known)
        self._keep([], waybills=dict(self.state.waybills) | {company: known + added})

    def settle(self, *, dropped: bool, reason: str) -> None:
        """Take a person's word on a session of which nothing certain was seen."""
        cell = self.state.cell
        if not reason or cell is None:
            raise ImpossibleStepError("a person settles it, with a reason", field="reason")
        event = "settled_dropped" if dropped else "settled_voided"
        box = self.state.boxes[cell]
        # Whatever the box waits for is over; its door is shut, and the person has looked inside.
        settled = replace(box, book="stored" if dropped else "free", parcel_id=box.parcel_id if dropped else None)
        self._step(self._session, event, changes={"boxes": dict(self.state.boxes) | {cell: settled}})
        self._end()

    def open_for_courier(self, cell: str, txn: str) -> None:
        """Open a box for the courier who empties it; sensors tell what was taken."""
        box = decide(self.state.boxes[cell], "open_to_collect").compartment
        self._keep([], boxes=dict(self.state.boxes) | {cell: box})
        self._lock.open(cell, txn)

    # --- inside -------------------------------------------------------------------------------------------

    def _power_back(self) -> None:
        """Take stock after a restart: void what had not reached the door, doubt what had, open nothing."""
        session = self.state.session
        unknown = {
            cell: replace(box, door=Door.UNKNOWN, occupancy=Occupancy.UNKNOWN) for cell, box in self.state.boxes.items()
        }
        self._keep([], boxes=unknown)
        if session is None or session.state == "unclear":
            return
        if session.state == "dropped":
            self._step(session, "receipt_given")
        else:
            self._step(session, "power_back")
        if self._session.state != "unclear":
            self._end()

    def _deposit_seen(self, cell: str, seen_open: bool, inside: Occupancy) -> None:
        if not seen_open:
            return  # shut all the time: the lock failed, or nobody pulled
        word = {Occupancy.OCCUPIED: "occupied", Occupancy.EMPTY: "empty"}.get(inside, "unseen")
        self._step(self._session, f"shut_{word}")

    def _uncollected(self, now: datetime) -> tuple[str, ...]:
        late = tuple(sorted(number for number, (_, at) in self.state.dropped.items() if now - at >= UNCOLLECTED))
        new = [number for number in late if f"late:{number}" not in self.state.told]
        if new:
            facts = [KioskFact("parcel.uncollected", {"waybill": number}) for number in new]
            self._keep(facts, told=(*self.state.told, *(f"late:{number}" for number in new)))
        return late

    def _print(self, number: str, company: str) -> None:
        if not self._printer.print_label(number, company):
            self.paper_seen(False)
            raise KioskRefusedError("the printer has no paper or is jammed", reason="no_paper")

    def _step(
        self, session: SendingSession, event: str, changes: Mapping[str, Any] | None = None, **learned: str | bool
    ) -> None:
        after, facts = advance(session, event, self._clock.now(), **learned)
        draft = replace(self.state, session=after, **(changes or {}))
        told = [self._fact(name, draft) for name in facts]
        dropped = dict(draft.dropped)
        if EVENT_TYPE in facts:
            dropped[str(after.waybill)] = (str(draft.cell), after.since)
        self._commit(told, replace(draft, dropped=dropped))

    def _fact(self, name: str, state: KioskState) -> KioskFact:
        assert state.session is not None
        session = state.session
        body: dict[str, Any] = {"state": session.state}
        if name == EVENT_TYPE:
            body = self._drop_off(state, session)
        elif session.waybill is not None:
            body["waybill"] = session.waybill
        if name != EVENT_TYPE and state.item is not None:
            body["company"] = state.item.company
        if name != EVENT_TYPE and state.cell is not None:
            body["cell"] = state.cell
        return KioskFact(name, body, session.id)

    @staticmethod
    def _drop_off(state: KioskState, session: SendingSession) -> dict[str, Any]:
        item, weight, cell = state.item, state.weight, state.cell
        assert item is not None
        assert weight is not None
        assert cell is not None
        seen = ["door_closed"] + (["weight"] if weight.zero_ok else [])
        if state.boxes[cell].occupancy is Occupancy.OCCUPIED:
            seen.insert(0, "item_seen")
        body = {
            "waybill": session.waybill, "company": item.company, "weight_g": max(1, weight.grams),
            "weight_provisional": session.weight_provisional, "size": item.size.value, "compartment": cell,
            "item_class": item.item_class.value, "quantity": item.quantity,
            "declared_value_fen": item.declared_value_fen, "return_platform": item.return_platform,
            "proof": session.proof, "evidence": seen,
            "price_fen": None if state.price is None else int(state.price.amount_fen),
            "price_provisional": state.price is None or state.price.provisional,
        }  # fmt: skip
        return {name: value for name, value in body.items() if value is not None}

    def _end(self) -> None:
        cell = self.state.cell
        boxes = dict(self.state.boxes)
        if cell is not None and BOOK.may(boxes[cell].book, "time_out"):
            boxes[cell] = decide(boxes[cell], "time_out").compartment
        self._keep([], boxes=boxes, session=None, item=None, price=None, weight=None, cell=None)

    def _facts(self, cell: str, outcome: Outcome) -> list[KioskFact]:
        mine = {"door.forced", "doubt.parcel_without_book", "doubt.book_without_parcel"}
        return [KioskFact(name, {"cell": cell}) for name in outcome.facts if name in mine]

    def _boxed(self, cell: str, outcome: Outcome) -> dict[str, Compartment]:
        return dict(self.state.boxes) | {cell: outcome.compartment}

    def _keep(self, facts: Sequence[KioskFact], **changes: Any) -> None:
        self._commit(facts, replace(self.state, **changes))

    def _commit(self, facts: Sequence[KioskFact], state: KioskState) -> None:
        self._journal.keep(facts, write_state(state))
        self.state = state

    def _refuse_if(self, reason: str | None) -> None:
        if reason is not None:
            nearest = {"nearest": self._neighbours[0]} if reason == "full" and self._neighbours else {}
            raise KioskRefusedError(f"the kiosk takes no parcel now: {reason}", reason=reason, **nearest)

    @property
    def _session(self) -> SendingSession:
        if self.state.session is None:
            raise ImpossibleStepError("nobody is being served")
        return self.state.session

    @property
    def _item(self) -> Item:
        if self.state.item is None:
            raise ImpossibleStepError("nothing was declared yet")
        return self.state.item


def _refitted(kept: KioskState, fresh: KioskState) -> KioskState:
    """Take in boxes that were built in; one that was taken out stays on the books until it is free."""
    staying = {cell: box for cell, box in kept.boxes.items() if cell in fresh.boxes or box.book != "free"}
    sizes = {cell: kept.sizes[cell] for cell in staying} | dict(fresh.sizes)
    return replace(kept, boxes=dict(fresh.boxes) | staying, sizes=sizes)


def write_state(state: KioskState) -> dict[str, Any]:
    """Write a state as plain JSON."""
    written: dict[str, Any] = _plain(asdict(state))
    return written


def read_state(kept: Mapping[str, Any]) -> KioskState:
    """Read a state that was written before."""
    session, item, price, weight = (kept[name] for name in ("session", "item", "price", "weight"))
    return KioskState(
        boxes={cell: _compartment(box) for cell, box in kept["boxes"].items()},
        sizes={cell: CompartmentSize(size) for cell, size in kept["sizes"].items()},
        session=None if session is None else SendingSession(**session | {"since": _moment(session["since"])}),
        item=None if item is None else Item(
            **item | {"item_class": ItemClass(item["item_class"]), "size": CompartmentSize(item["size"])}
        ),
        price=None if price is None else Quote(**price | {"amount_fen": Fen(price["amount_fen"])}),
        weight=None if weight is None else Weighing(**weight),
        cell=kept["cell"],
        waybills={company: tuple(numbers) for company, numbers in kept["waybills"].items()},
        dropped={number: (cell, _moment(at)) for number, (cell, at) in kept["dropped"].items()},
        left_open={cell: _moment(at) for cell, at in kept["left_open"].items()},
        told=tuple(kept["told"]),
        paper=kept["paper"],
        network=kept["network"],
    )  # fmt: skip


def _compartment(box: Mapping[str, Any]) -> Compartment:
    seen = {"door": Door(box["door"]), "occupancy": Occupancy(box["occupancy"]), "doubts": tuple(box["doubts"])}
    return Compartment(**dict(box) | seen)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value
