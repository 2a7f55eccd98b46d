"""The sending kiosk inside the agent: the customer's steps over real boxes, a scale, a printer and the outbox.

The rules are :mod:`lockers.kiosk`'s. This module gives them their devices, tells them what doors, time and network
say, and offers their steps by name to a screen.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from firmware_bridge.bus.cabinet import BoxMoved, Cabinet
from firmware_bridge.codecs.board import Door as Seen
from firmware_bridge.device.agent import Agent
from firmware_bridge.device.kiosk_journal import DeviceJournal
from firmware_bridge.device.watchdog import LIMIT_S
from firmware_bridge.errors import AgentConfigError, KioskStepError, OutboxFullError
from firmware_bridge.lights.shelf import show_everywhere
from firmware_bridge.peripherals.assembly import Peripherals
from firmware_bridge.peripherals.kiosk import KioskPrinter, KioskScale
from firmware_bridge.peripherals.label import MaskedParty
from firmware_bridge.schemas import first_problem
from kernel.clock import Clock
from kernel.errors import CundaError
from kernel.ids import Ids
from kernel.log import get_logger
from kernel.money import Fen
from lockers.book import Door, Occupancy
from lockers.compartments import CompartmentSize
from lockers.dropoffs import MAX_WEIGHT_G, ItemClass, TargetId, Waybill, Word
from lockers.errors import KioskRefusedError
from lockers.kiosk import Item, Kiosk
from lockers.lights import COLOURS, LIT_S, LightOrder
from lockers.price import SendingTariff
from lockers.sending import SENDING

log = get_logger("firmware_bridge.device")

_TURN_S: Final = 0.1
_TICK_S: Final = 1.0
#: So often paper and the scale's zero are looked at while nobody is served.
_LOOK_S: Final = 30.0
_SCAN_S: Final = 5.0
_END_S: Final = 5.0
_DOORS: Final = {Seen.OPEN: Door.OPEN, Seen.CLOSED: Door.CLOSED}
_INSIDE: Final = {True: Occupancy.OCCUPIED, False: Occupancy.EMPTY, None: Occupancy.UNKNOWN}
_NOT_OPENED: Final = ("failed", "refused")
_UNDECIDED: Final = ("accepted", "intent", "actuated")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TariffTable(_Told):
    """``[kiosk.tariffs.COMPANY]``: a price list as :class:`lockers.price.SendingTariff` has it."""

    version: int = Field(ge=1)
    first_g: int = Field(gt=0)
    first_fen: int = Field(ge=0)
    step_g: int = Field(gt=0)
    step_fen: int = Field(ge=0)

    def tariff(self, company: str) -> SendingTariff:
        """Return it for its company."""
        return SendingTariff(
            company, self.version, self.first_g, Fen(self.first_fen), self.step_g, Fen(self.step_fen)
        )  # fmt: skip


class KioskTable(_Told):
    """``[kiosk]`` in ``agent.toml``: boxes that take parcels in with their sizes, price lists, nearest kiosks."""

    boxes: dict[TargetId, CompartmentSize] = Field(min_length=1)
    tariffs: dict[Word, TariffTable] = Field(default_factory=dict)
    neighbours: tuple[str, ...] = ()


class Nothing(_Told):
    """A step that needs nothing more."""


class Identify(_Told):
    """The sender's identity was proven elsewhere; only the reference comes here."""

    proof: Annotated[str, Field(pattern=r"^[A-Za-z0-9:._-]{1,64}$")]


class Declare(_Told):
    """What is sent."""

    company: Word
    item_class: ItemClass
    size: CompartmentSize
    stated_weight_g: int = Field(gt=0, le=MAX_WEIGHT_G)
    quantity: int = Field(default=1, ge=1, le=99)
    declared_value_fen: int = Field(default=0, ge=0, le=100_000_000)


class Party(_Told):
    """Sender or recipient in full: masked on arrival, forgotten with the session, never written down."""

    name: str = Field(min_length=1, max_length=60)
    phone: str = Field(min_length=1, max_length=30)
    address: str = Field(min_length=1, max_length=200)

    def masked(self) -> MaskedParty:
        """Return what a label may show."""
        return MaskedParty.of(self.name, self.phone, self.address)


class PrintLabel(_Told):
    """Whom the label names; without a waybill the next of the stock is used."""

    recipient: Party
    sender: Party
    waybill: Waybill | None = None


class ScanLabel(_Told):
    """The code on the parcel; without it the kiosk's scanner is asked."""

    code: str | None = Field(default=None, max_length=120)


class Stock(_Told):
    """Pre-issued waybills for the time without network."""

    company: Word
    numbers: tuple[Waybill, ...] = Field(max_length=500)


class Settle(_Told):
    """The word of a person with a right to the box, about a session of which nothing certain was seen."""

    credential: str = Field(min_length=1, max_length=120)
    dropped: bool
    reason: Word


def read_kiosk(path: Path, described: Mapping[str, Any]) -> KioskTable:
    """Read ``[kiosk]``.

    Raises
    ------
    AgentConfigError
        If a field is missing, unknown or wrong; names it.
    """
    try:
        return KioskTable.model_validate(described)
    except ValidationError as problem:
        raise AgentConfigError(f"{path}: kiosk: {first_problem(problem)}", path=str(path)) from problem


class KioskDesk:
    """One kiosk's program in the agent.

    Raises
    ------
    AgentConfigError
        If scale or printer is missing, or the cabinet lacks a box of the table.

    Notes
    -----
    :meth:`act` and :meth:`view` may be called from any thread: one step at a time. :meth:`moved` returns at once; a
    thread of its own (:meth:`start`) tells the kiosk in order what the doors did.
    """

    def __init__(
        self, table: KioskTable, agent: Agent, cabinet: Cabinet | None, devices: Peripherals, clock: Clock, ids: Ids
    ) -> None:
        if cabinet is None or devices.scale is None or devices.labels is None:
            raise AgentConfigError("a [kiosk] needs a [cabinet], a [scale] and a [printer]", field="kiosk")
        if missing := sorted(set(table.boxes) - set(cabinet.targets)):
            raise AgentConfigError(f"kiosk: the cabinet has no box {missing[0]}", field="kiosk.boxes")
        self._agent = agent
        self._cabinet = cabinet
        self._devices = devices
        self._ids = ids
        self._printer = devices.labels.printer
        self._serving = threading.RLock()
        self._moves: deque[BoxMoved] = deque()
        self._parties: tuple[MaskedParty, MaskedParty] | None = None
        self._opening: tuple[str, str] | None = None
        self._lit: str | None = None
        self._due_s = {"tick": float("-inf"), "look": float("-inf")}
        self._thread: threading.Thread | None = None
        self._beat_s = time.monotonic()
        # Nobody being served is the evidence for an empty platform: a parcel forgotten there is heavier than any
        # drift that is set to zero, so it makes weights provisional and no more.
        self._scale = KioskScale(devices.scale, lambda: self.kiosk.state.session is None)
        self.kiosk = Kiosk(
            DeviceJournal(agent.store, agent.record),
            KioskPrinter(self._printer, devices.labels, self._parties_of),
            self._scale,
            self,
            clock,
            table.boxes,
            {company: one.tariff(company) for company, one in table.tariffs.items()},
            neighbours=table.neighbours,
        )
        self._steps: dict[str, tuple[type[_Told], Callable[[Any], object]]] = {
            "identify": (Identify, self._identify),
            "declare": (Declare, self._declare),
            "agree": (Nothing, lambda _: self.kiosk.agree()),
            "label": (PrintLabel, self._label),
            "reprint": (Nothing, lambda _: self.kiosk.reprint()),
            "scan": (ScanLabel, lambda told: self.kiosk.scan_label(told.code)),
            "weigh": (Nothing, lambda _: self.kiosk.weigh()),
            "open": (Nothing, self._open),
            "receipt": (Nothing, lambda _: self.kiosk.receipt()),
            "give_up": (Nothing, lambda _: self.kiosk.give_up()),
            "stock": (Stock, lambda told: self.kiosk.stock_waybills(told.company, told.numbers)),
            "settle": (Settle, self._settle),
        }

    # --- for the screen -----------------------------------------------------------------------------------

    def act(self, step: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Take one step and return what the screen shows then.

        Raises
        ------
        KioskStepError
            If there is no such step, or it is told wrongly.
        KioskRefusedError, ImpossibleStepError
            By the kiosk's own rules; also ``disk_full`` before anything is taken in.
        """
        if step not in self._steps:
            raise KioskStepError(f"there is no step {step}", step=step)
        form, take = self._steps[step]
        try:
            told = form.model_validate(body)
        except ValidationError as problem:
            raise KioskStepError(f"{step}: {first_problem(problem)}", step=step) from problem
        if isinstance(told, ScanLabel) and told.code is None:
            told = self._scanned()  # outside the lock: a customer may take a while
        with self._serving:
            take(told)
            return self.view()

    def view(self) -> dict[str, Any]:
        """Return what the screen shows: measures and words, nobody's data."""
        with self._serving:
            state = self.kiosk.state
            session, price = state.session, state.price
            at = session.state if session is not None else SENDING.start
            return {
                "state": at,
                "meaning": SENDING.states[at],
                "hindrance": self._hindrance(),
                "waybill": session.waybill if session is not None else None,
                "cell": state.cell,
                "price_fen": int(price.amount_fen) if price is not None else None,
                "price_provisional": price is None or price.provisional,
                "weight_g": state.weight.grams if state.weight is not None else None,
                "weight_provisional": session is not None and session.weight_provisional,
                "network": state.network,
                "paper": state.paper,
                "boxes": {
                    cell: {"size": state.sizes[cell].value, "door": box.door.value, "book": box.book}
                    for cell, box in state.boxes.items()
                },
                "doors_left_open": sorted(state.left_open),
            }

    # --- for the device program ---------------------------------------------------------------------------

    def start(self, stop: threading.Event) -> None:
        """Begin to tell the kiosk what doors, time and network say."""
        self._thread = threading.Thread(target=self._run, args=(stop,), name="kiosk", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread once it was told to stop."""
        if self._thread is not None:
            self._thread.join(_END_S)

    def alive(self) -> bool:
        """Tell whether the thread has come round lately."""
        return self._thread is not None and self._thread.is_alive() and time.monotonic() - self._beat_s < LIMIT_S

    def moved(self, move: BoxMoved) -> None:
        """Take note of a door that moved; from any thread."""
        self._moves.append(move)

    def open(self, cell: str, txn: str) -> None:
        """Ask the actuator for one pulse of one lock: intent first, as for every opening."""
        self._opening = (cell, self._agent.commander.actuator.open_locally(cell))

    def turn(self) -> None:
        """Tell the kiosk everything that is due."""
        with self._serving:
            self._tell_moves()
            self._tell_opening()
            if self._is_due("tick", _TICK_S):
                self._tick()
            if self.kiosk.state.session is None:
                self._parties = None
                if self._is_due("look", _LOOK_S):
                    self._look_at_paper()
                    self._scale.check_zero()
            session = self.kiosk.state.session
            lit = self.kiosk.state.cell if session is not None and session.state == "open" else None
        self._shine(lit)

    # --- steps --------------------------------------------------------------------------------------------

    def _identify(self, told: Identify) -> None:
        self._refuse_when_full()
        self._look_at_paper()
        self.kiosk.begin(self._ids.new(), told.proof)

    def _declare(self, told: Declare) -> None:
        self.kiosk.declare(
            Item(
                told.company, told.item_class, told.quantity, told.size, told.stated_weight_g, told.declared_value_fen
            )
        )  # fmt: skip

    def _label(self, told: PrintLabel) -> None:
        self._parties = (told.recipient.masked(), told.sender.masked())
        self.kiosk.print_label(told.waybill)

    def _open(self, _: Nothing) -> None:
        self._refuse_when_full()
        self.kiosk.open_door()

    def _settle(self, told: Settle) -> None:
        cell = self.kiosk.state.cell
        allowed = cell is not None and self._agent.present(told.credential, cell, opens=False).grant is not None
        if not allowed:
            raise KioskRefusedError("a session is settled by whoever may open its box", reason="no_right")
        self.kiosk.settle(dropped=told.dropped, reason=told.reason)

    def _scanned(self) -> ScanLabel:
        scans = self._devices.scanner.read(_SCAN_S) if self._devices.scanner is not None else []
        if not scans:
            raise KioskRefusedError("no code was scanned", reason="nothing_scanned")
        return ScanLabel(code=scans[0].text)

    # --- inside -------------------------------------------------------------------------------------------

    def _hindrance(self) -> str | None:
        return self.kiosk.state.health().hindrance() if self._agent.accepts_deposits else "disk_full"

    def _refuse_when_full(self) -> None:
        if not self._agent.accepts_deposits:
            raise KioskRefusedError("the kiosk takes no parcel now: its disk is full", reason="disk_full")

    def _parties_of(self, waybill: str) -> tuple[MaskedParty, MaskedParty]:
        if self._parties is None:
            raise KioskRefusedError(f"nobody is named for {waybill}", reason="no_parties")
        return self._parties

    def _look_at_paper(self) -> None:
        try:
            there = self._printer.state().can_print
        except CundaError as problem:
            log.warning("printer_gone", why=problem.message)
            there = False
        self.kiosk.paper_seen(there)

    def _tell_moves(self) -> None:
        while self._moves:
            move = self._moves[0]
            if move.now in _DOORS and move.target in self.kiosk.state.boxes:
                try:
                    self.kiosk.door_seen(move.target, _DOORS[move.now], _INSIDE[move.occupied])
                except OutboxFullError:
                    raise  # the disk's reserve was given away for it: the next turn tells it again
                except CundaError as problem:
                    log.error("door_not_understood", cell=move.target, why=problem.message)
            self._moves.popleft()

    def _tell_opening(self) -> None:
        if self._opening is None:
            return
        cell, opening = self._opening
        rows = self._agent.store.query("SELECT state FROM command WHERE id = ?", (opening,))
        state = rows[0][0] if rows else "unknown"
        if state in _UNDECIDED:
            return
        if state in _NOT_OPENED:
            self.kiosk.lock_failed(cell)
        self._opening = None

    def _tick(self) -> None:
        self.kiosk.tick()
        up = self._agent.link.connected
        if up != self.kiosk.state.network:
            self.kiosk.network_seen(up)
        self._cabinet.busy = self.kiosk.state.session is not None

    def _shine(self, cell: str | None) -> None:
        strips = self._devices.lights.values()
        if cell == self._lit:
            for strip in strips:
                strip.tick()
            return
        self._lit = cell
        orders = [] if cell is None else [LightOrder((cell,), COLOURS[0], "steady", LIT_S, "kiosk")]
        show_everywhere(strips, orders)

    def _is_due(self, what: str, every_s: float) -> bool:
        now_s = time.monotonic()
        if now_s - self._due_s[what] < every_s:
            return False
        self._due_s[what] = now_s
        return True

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(_TURN_S):
            self._beat_s = time.monotonic()
            try:
                self.turn()
            except (CundaError, OSError) as problem:
                log.error("kiosk_turn_failed", why=str(problem))
