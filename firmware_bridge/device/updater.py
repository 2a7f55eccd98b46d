"""Taking releases: fetched, checked against the maker's signature, put beside the running one, tried, confirmed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from firmware_bridge.device.config import UpdateConfig
from firmware_bridge.device.ed25519 import is_signed_by
from firmware_bridge.device.slots import INSTALLED, Slots
from firmware_bridge.device.store import DeviceStore, Fact
from firmware_bridge.device.unpacking import unpack
from firmware_bridge.errors import PayloadError, ReleaseError
from firmware_bridge.releases import MAX_ARCHIVE_BYTES, signed_bytes
from firmware_bridge.schemas import ReleaseOffer
from firmware_bridge.signing import decode_bytes
from kernel.errors import CundaError
from kernel.log import get_logger

log = get_logger("firmware_bridge.device")

_FETCH_TIMEOUT_S: Final = 30.0
_KEY: Final = "update/{}"


class Updater:
    """One device's way from an offer to a program that has proved itself.

    Parameters
    ----------
    record
        Writes an event; the agent's own.
    restart
        Asks the program to end in order, so that the supervisor starts the other one.

    Notes
    -----
    What became of each rollout's offer is kept, so that the server may offer as often as it likes.
    """

    def __init__(
        self, config: UpdateConfig, store: DeviceStore, record: Callable[[Fact], object], restart: Callable[[], None]
    ) -> None:
        self._config = config
        self._slots = Slots(config.folder)
        self._store = store
        self._record = record
        self._restart = restart
        self._thread: threading.Thread | None = None

    @property
    def on_trial(self) -> bool:
        """Tell whether the running program must still prove itself."""
        return self._slots.read().trial

    def tell_outcome(self) -> None:
        """Record what the supervisor noted about a release that was taken back."""
        outcome = self._slots.read().outcome
        if outcome is not None:
            self._finish(int(outcome["rollout"]), str(outcome["release"]), str(outcome["state"]), outcome["detail"])
            self._slots.clear_outcome()

    def confirm(self) -> None:
        """Say that the running program is well; it stays from now on."""
        state = self._slots.read()
        if state.trial and state.running != INSTALLED:
            self._finish(state.rollout, self._slots.release(state) or "?", "confirmed")
            self._slots.confirm()

    def take(self, offer: ReleaseOffer) -> None:
        """Begin to fetch what is offered, unless it was settled before or something is in hand."""
        busy = self._thread is not None and self._thread.is_alive()
        if busy or self.on_trial or self._store.state(_KEY.format(offer.rollout)) is not None:
            return
        state = self._slots.read()
        if self._slots.release(state) == offer.release:
            self._finish(offer.rollout, offer.release, "confirmed", "it runs already")
            return
        self._thread = threading.Thread(target=self._work, args=(offer,), name="updater", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait until what is in hand is done."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _work(self, offer: ReleaseOffer) -> None:
        archive = self._config.folder / "offered.zip"
        try:
            self._check_signature(offer)
            self._fetch(offer, archive)
            place, target = self._slots.spare()
            unpack(archive, target)
            self._slots.fill(place, offer.release)
        except (OSError, ValueError, CundaError) as problem:
            log.error("release_refused", release=offer.release, why=str(problem))
            self._finish(offer.rollout, offer.release, "refused", str(problem))
            return
        finally:
            archive.unlink(missing_ok=True)
        self._slots.try_out(place, offer.rollout)
        log.info("release_waits", release=offer.release)
        self._restart()

    def _check_signature(self, offer: ReleaseOffer) -> None:
        try:
            signature = decode_bytes(offer.signature)
        except PayloadError:
            signature = b""
        if not is_signed_by(self._config.public_key, signed_bytes(offer.release, offer.sha256), signature):
            raise ReleaseError("the release is not signed by its maker")

    def _fetch(self, offer: ReleaseOffer, archive: Path) -> None:
        import urllib.request  # needed a few times a year; it costs three megabytes

        self._config.folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        # The scheme is http or https by the offer's schema; what arrives is judged by its digest alone.
        with urllib.request.urlopen(offer.url, timeout=_FETCH_TIMEOUT_S) as answer, archive.open("wb") as file:  # noqa: S310
            while block := answer.read(65536):
                size += len(block)
                if size > min(offer.size, MAX_ARCHIVE_BYTES):
                    raise ReleaseError("more bytes came than were offered")
                digest.update(block)
                file.write(block)
        if size != offer.size or digest.hexdigest() != offer.sha256:
            raise ReleaseError("what came is not what was signed")

    def _finish(self, rollout: int, release: str, state: str, detail: str = "") -> None:
        body: dict[str, Any] = {"rollout": rollout, "release": release, "state": state, "detail": detail[:160]}
        with self._store.transaction():
            self._record(Fact("device", "update.finished", body))
            self._store.change({_KEY.format(rollout): state})
