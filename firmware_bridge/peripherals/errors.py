"""Errors of lights, readers, scales, printers and scanners."""

from __future__ import annotations

from kernel.errors import ConflictError, InputError, UnavailableError


class ReaderKeyError(InputError):
    """A reader's key cannot be used: wrong length, or the one printed in the standard."""

    code = "reader_key"
    remedy = "Make 16 random bytes for each reader and load them with the installation command."


class ReaderInstallError(UnavailableError):
    """A reader did not take its new key."""

    code = "reader_install"
    remedy = "Put the reader into installation mode, check its address and speed, and try again."


class LightLayoutError(InputError):
    """A cell's lights overlap another's, lie outside the strip, or the cell has none."""

    code = "light_layout"
    remedy = "Correct the table of cells and LED ranges; ranges begin at 0 and end before the next cell's first."


class LightsError(UnavailableError):
    """A light strip's controller does not answer."""

    code = "lights"
    remedy = "Check its power and network; parcels can be found by their shelf code meanwhile."


class LabelError(InputError):
    """A label or receipt cannot be printed as given."""

    code = "label"
    remedy = "Waybills are 1 to 40 letters, digits and hyphens; texts have one line each."


class ReprintError(ConflictError):
    """A label was printed twice already: the first time and once again."""

    code = "label_reprint"
    remedy = "Void the waybill and issue a new one."


class PrinterError(UnavailableError):
    """A printer cannot print now; ``state`` says why."""

    code = "printer"
    remedy = "Put in paper, clear the jam or shut the cover; nothing was sent to it."


class ScaleError(UnavailableError):
    """A scale gives no weight that can be used."""

    code = "scale"
    remedy = "Weigh at collection; the price stays provisional until then."
