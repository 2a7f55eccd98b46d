"""A kiosk's scale and label printer, as its program in :mod:`lockers.kiosk` wants them, over real devices."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from firmware_bridge.errors import BusError
from firmware_bridge.peripherals.errors import PrinterError, ReprintError
from firmware_bridge.peripherals.label import Label, MaskedParty
from firmware_bridge.peripherals.printer import LabelDesk, Printer
from firmware_bridge.peripherals.printer_state import PrinterState
from firmware_bridge.peripherals.scale import Scale, WeighingRules, ZeroWatchState, weigh
from kernel.log import get_logger
from lockers.kiosk import Weighing

log = get_logger("firmware_bridge.peripherals")

_PRINTING_S: Final = 10.0
_LOOK_S: Final = 0.2

#: Recipient and sender of a waybill, masked.
Parties = Callable[[str], tuple[MaskedParty, MaskedParty]]


class KioskScale:
    """Weighs for a session; looks at the zero between sessions.

    Parameters
    ----------
    empty
        Tells whether nothing lies on the platform by other evidence.
    """

    def __init__(self, scale: Scale, empty: Callable[[], bool], rules: WeighingRules | None = None) -> None:
        self._scale = scale
        self._rules = rules or WeighingRules()
        self._zero = ZeroWatchState(scale, self._rules, empty)

    def check_zero(self) -> bool:
        """Look at the empty platform, between customers, and return whether its zero holds."""
        return self._zero.check()

    def weigh(self) -> Weighing:
        """Return a settled weight, and whether the zero held before.

        Raises
        ------
        ScaleError
            If there is no weight that can be used.
        BusError
            If the line is gone.
        """
        weighed = weigh(self._scale, self._rules, zero_holds=not self._zero.drifted)
        return Weighing(weighed.grams, zero_ok=not weighed.provisional)


class KioskPrinter:
    """Prints a session's label and says whether it came out."""

    def __init__(self, printer: Printer, desk: LabelDesk, parties: Parties) -> None:
        self._printer = printer
        self._desk = desk
        self._parties = parties

    def print_label(self, waybill: str, company: str) -> bool:
        """Print one label with everybody masked; False when it did not come out, or may not be printed again."""
        recipient, sender = self._parties(waybill)
        try:
            self._desk.print(Label(waybill, company, recipient, sender))
            return self._came_out()
        except (PrinterError, ReprintError, BusError) as problem:
            log.warning("label_not_printed", waybill=waybill, why=problem.message)
            return False

    def _came_out(self) -> bool:
        """Wait until the printer has finished and tell whether it is well then."""
        until_s = time.monotonic() + _PRINTING_S
        state = self._printer.state()
        while state is PrinterState.BUSY and time.monotonic() < until_s:
            time.sleep(_LOOK_S)
            state = self._printer.state()
        return state.can_print
