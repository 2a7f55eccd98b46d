"""Commands in the agent: through the gate, to the actuator, and back as progress and events."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from firmware_bridge.bus.cabinet import Pulse
from firmware_bridge.codecs.board import Door
from firmware_bridge.device.actuator import Actuator, Doors, Opening, Told
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.gate import LONGEST, QUIET, Accepted, Gate, Known, Refused
from firmware_bridge.device.store import DeviceStore, Fact
from firmware_bridge.device.timekeeping import ServerTime
from firmware_bridge.link import InMessage
from firmware_bridge.schemas import SECURITY_REFUSALS, Command, CommandState, Progress, RefusalCode
from firmware_bridge.signing import Direction, seal
from kernel.clock import Clock
from kernel.ids import Ids
from kernel.log import get_logger

log = get_logger("firmware_bridge.device")

SECURITY_EVERY_S: Final = 60.0
_TELLINGS: Final = 256


@dataclass
class _RefusalsState:
    count: int = 0
    told_s: float = float("-inf")
    digest: str = ""


class NoDoors:
    """The doors of a device that has none."""

    def has_sensor(self, target: str) -> bool:
        """Tell that nothing can be seen."""
        return False

    def door(self, target: str) -> Door:
        """Tell that nothing is known."""
        return Door.UNKNOWN

    def look(self, target: str) -> Door:
        """Tell that nothing can be seen."""
        return Door.UNKNOWN

    def pulse(self, target: str) -> Pulse:
        """Tell that there is no coil."""
        return Pulse(target, refused=True, reason="this device has no doors")


class Commander:
    """What an agent with doors does with commands.

    Parameters
    ----------
    targets
        Boxes and doors of this device.
    record
        Writes an event; the agent's own, which knows whether the server is in reach.
    at
        Passed to the actuator, for trials.
    quiet
        What to do for each operation that moves nothing; what it returns becomes a report.
    """

    def __init__(
        self,
        config: AgentConfig,
        store: DeviceStore,
        server_time: ServerTime,
        clock: Clock,
        ids: Ids,
        doors: Doors,
        targets: Collection[str],
        record: Callable[[Fact], object],
        at: Callable[[str], None] = lambda point: None,
        quiet: Mapping[str, Callable[[], dict[str, Any] | None]] = MappingProxyType({}),
    ) -> None:
        self._config = config
        self._store = store
        self._quiet = quiet
        self._clock = clock
        self._time = server_time
        self._record = record
        self.gate = Gate(config, store, server_time, targets)
        self.actuator = Actuator(doors, store, server_time, ids, self.tell, record=record, at=at)
        # Losing the oldest is no loss: the event command.finished is certain.
        self._tellings: deque[Told] = deque(maxlen=_TELLINGS)
        self._refusals: dict[RefusalCode, _RefusalsState] = {}

    def tell(self, told: Told) -> None:
        """Queue a word for the server; safe from any thread."""
        self._tellings.append(told)

    def take(self, message: InMessage, *, born: bool) -> None:
        """Judge one message on a command topic and act on it."""
        if not message.payload:
            return  # the server cleared what somebody had the broker keep
        verdict = self.gate.judge(message, born=born)
        if isinstance(verdict, Refused):
            self._refuse(verdict, message)
        elif isinstance(verdict, Known):
            self.tell(Told(verdict.cmd_id, verdict.state, verdict.code, verdict.detail))
        elif isinstance(verdict, Accepted):
            command = verdict.command
            if command.op in QUIET:
                self._answer(command)
                return
            exp = min(command.exp, command.issued_at + LONGEST)
            self.tell(Told(command.cmd_id, CommandState.ACCEPTED))
            refused = self.actuator.submit(Opening(command.cmd_id, command.target, command.expect == "closed", exp))
            if refused is not None:
                # Not remembered as refused: the server may send these very bytes again until they expire.
                self.tell(Told(command.cmd_id, CommandState.REFUSED, refused))

    def progress(self) -> list[tuple[str, bytes]]:
        """Return what is to be published now: topic and signed message."""
        topic, messages = self._config.address.response, []
        while self._tellings:
            told = self._tellings.popleft()
            word = Progress(
                cmd_id=told.cmd_id,
                dev=self._config.address.device,
                state=told.state,
                code=told.code,
                detail=told.detail,
                server_time=self._time.now(),
            )
            messages.append((topic, seal(self._config.key, Direction.RESPONSE, topic, word.to_bytes())))
        return messages

    def report_refusals(self) -> None:
        """Write down refusals that mean an attack, at most once a minute for each kind."""
        now_s = self._clock.monotonic_s()
        for code, refusals in self._refusals.items():
            if refusals.count and now_s - refusals.told_s >= SECURITY_EVERY_S:
                body = {"reason_code": code.value, "count": refusals.count, "digest": refusals.digest}
                self._record(Fact("security", "security.refused", body))
                refusals.count, refusals.told_s = 0, now_s

    def _answer(self, command: Command) -> None:
        """Carry out what moves nothing; report and end are one transaction, so that it happens once."""
        said = self._quiet[command.op]()
        body = {"cmd_id": command.cmd_id, "target": command.target, "state": CommandState.CONFIRMED.value}
        with self._store.transaction() as cursor:
            if said is not None:
                self._record(Fact("device", "device.reported", {"cmd_id": command.cmd_id, "report": said}))
            self._record(Fact("command", "command.finished", body))
            cursor.execute("UPDATE command SET state = 'confirmed' WHERE id = ?", (command.cmd_id,))
        self.tell(Told(command.cmd_id, CommandState.CONFIRMED))

    def _refuse(self, refused: Refused, message: InMessage) -> None:
        log.warning("command_refused", reason=refused.code.value)
        if refused.cmd_id is not None:
            self.tell(Told(refused.cmd_id, CommandState.REFUSED, refused.code))
        if refused.code in SECURITY_REFUSALS:
            refusals = self._refusals.setdefault(refused.code, _RefusalsState())
            refusals.count += 1
            refusals.digest = hashlib.sha256(message.payload).hexdigest()
            self.report_refusals()
