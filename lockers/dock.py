"""An unmanned vehicle at a station's dock (无人车对接): expected, proven, unloaded and loaded, reconciled, released.

Both sides prove themselves with the run's one-time code under a key they share, the station and the vehicle each for
its own direction, so that an answer cannot be sent back as a question. Nothing leaves while the manifest differs.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lockers.errors import ImpossibleStepError
from lockers.machine import Machine, Step

DOCK: Final = Machine(
    "dock",
    "expected",
    MappingProxyType(
        {
            "expected": "a run is announced with its manifest and a one-time code",
            "arrived": "the vehicle stands at the dock",
            "greeted": "vehicle and station have proven themselves to each other",
            "open": "keeper or station confirmed; doors are open and pieces are scanned",
            "reconciled": "the manifest agrees both ways, or a person settled each difference",
            "shut": "sensors saw all doors closed",
            "released": "the vehicle may leave",
            "left": "the vehicle is away",
            "refused": "the vehicle could not prove itself",
            "missed": "it did not come",
        }
    ),
    (
        Step(("expected",), "vehicle_seen", "arrived", ("dock.arrived",)),
        Step(("expected",), "too_late", "missed", ("dock.missed",)),
        Step(("arrived",), "proof_fits", "greeted", ("dock.greeted",), "the code is used up"),
        Step(("arrived",), "proof_wrong", "refused", ("dock.refused",), "security event"),
        Step(("greeted",), "confirmed", "open", ("dock.opened",), "by the keeper, or the station where none is"),
        Step(("open",), "piece_unloaded", "open", ("piece.unloaded",)),
        Step(("open",), "piece_loaded", "open", ("piece.loaded",)),
        Step(("open",), "manifest_agrees", "reconciled", ("dock.reconciled",)),
        Step(("open",), "manifest_differs", "open", ("dock.mismatch",), "alarm before release"),
        Step(("open",), "differences_settled", "reconciled", ("dock.reconciled",), "a person, with a reason"),
        Step(("reconciled",), "doors_closed", "shut", (), "by sensor"),
        Step(("shut",), "released", "released", ("dock.released",)),
        Step(("released",), "vehicle_gone", "left", ("dock.left",)),
        Step(("arrived", "greeted"), "vehicle_gone", "missed", ("dock.missed",), "it left before anything moved"),
    ),
)
"""The dock."""


@dataclass(frozen=True)
class DockManifest:
    """What a run brings and what it takes away, by parcel."""

    to_unload: frozenset[str] = frozenset()
    to_load: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """Return the SHA-256 of both lists, the same at both sides."""
        text = "\n".join([*sorted(self.to_unload), "--", *sorted(self.to_load)])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class DockDifferences:
    """Where the scans differ from the manifest, both ways."""

    left_behind: tuple[str, ...] = ()
    surplus_unloaded: tuple[str, ...] = ()
    not_loaded: tuple[str, ...] = ()
    surplus_loaded: tuple[str, ...] = ()

    @property
    def agree(self) -> bool:
        """Tell whether nothing differs."""
        return not (self.left_behind or self.surplus_unloaded or self.not_loaded or self.surplus_loaded)


@dataclass(frozen=True)
class DockVisit:
    """One run's stay at the dock."""

    id: str
    station: str
    vehicle: str
    manifest: DockManifest
    state: str = DOCK.start
    unloaded: frozenset[str] = frozenset()
    loaded: frozenset[str] = frozenset()

    def differences(self) -> DockDifferences:
        """Compare scans and manifest."""
        off, on = self.manifest.to_unload, self.manifest.to_load
        return DockDifferences(
            left_behind=tuple(sorted(off - self.unloaded)),
            surplus_unloaded=tuple(sorted(self.unloaded - off)),
            not_loaded=tuple(sorted(on - self.loaded)),
            surplus_loaded=tuple(sorted(self.loaded - on)),
        )


def proof(key: bytes, speaker: str, visit: DockVisit, code: str) -> str:
    """Return what one side shows the other.

    Parameters
    ----------
    speaker
        ``vehicle`` or ``station``; a proof of one is worthless as the other's.
    code
        The run's one-time code.
    """
    label = "\x00".join(("dock", speaker, visit.id, visit.station, visit.vehicle, visit.manifest.digest, code))
    return hmac.new(key, label.encode(), hashlib.sha256).hexdigest()


def greet(visit: DockVisit, key: bytes, code: str, shown: str) -> tuple[DockVisit, tuple[str, ...]]:
    """Judge the vehicle's proof, in constant time.

    Raises
    ------
    ImpossibleStepError
        If the vehicle is not standing there unproven.
    """
    fits = hmac.compare_digest(proof(key, "vehicle", visit, code), shown)
    return proceed(visit, "proof_fits" if fits else "proof_wrong")


def proceed(visit: DockVisit, event: str) -> tuple[DockVisit, tuple[str, ...]]:
    """Apply an event; return the visit and the facts to be recorded.

    Raises
    ------
    ImpossibleStepError
        If it cannot happen now.
    """
    step = DOCK.step(visit.state, event)
    return replace(visit, state=step.after), step.emits


def scan_piece(visit: DockVisit, piece: str, *, unloading: bool) -> tuple[DockVisit, tuple[str, ...]]:
    """Apply the scan of a piece; the same piece again changes nothing.

    Raises
    ------
    ImpossibleStepError
        If the doors are not open.
    """
    after, facts = proceed(visit, "piece_unloaded" if unloading else "piece_loaded")
    known = visit.unloaded if unloading else visit.loaded
    if piece in known:
        return visit, ()
    if unloading:
        return replace(after, unloaded=known | {piece}), facts
    return replace(after, loaded=known | {piece}), facts


def reconcile(visit: DockVisit, settled_by: str | None = None) -> tuple[DockVisit, tuple[str, ...]]:
    """Close the exchange when the manifest agrees, or a person answers for the differences.

    Raises
    ------
    ImpossibleStepError
        If the doors are not open.
    """
    if visit.differences().agree:
        return proceed(visit, "manifest_agrees")
    return proceed(visit, "manifest_differs" if settled_by is None else "differences_settled")


def may_leave(visit: DockVisit) -> bool:
    """Tell whether the vehicle is free to go; with an unexplained piece it never is."""
    return visit.state in ("released", "left", "refused", "missed")


def check_expected(visit: DockVisit) -> None:
    """Refuse a run that brings and takes the same piece, or nothing.

    Raises
    ------
    ImpossibleStepError
        Naming what contradicts itself.
    """
    both = sorted(visit.manifest.to_unload & visit.manifest.to_load)
    if both:
        raise ImpossibleStepError(f"dock {visit.id}: {both[0]} is to be unloaded and loaded", piece=both[0])
    if not (visit.manifest.to_unload or visit.manifest.to_load):
        raise ImpossibleStepError(f"dock {visit.id}: the manifest is empty")
