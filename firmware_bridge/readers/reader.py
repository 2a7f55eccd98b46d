"""An OSDP reader as a panel drives it: polled, only over the secure channel, only with a key of its own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from firmware_bridge.bus.deframer import hear
from firmware_bridge.bus.port import Port
from firmware_bridge.peripherals.errors import ReaderInstallError
from firmware_bridge.readers.osdp_frames import FRAMING, Command, OsdpFrame, Reply, decode, encode
from firmware_bridge.readers.osdp_secure import DEFAULT_KEY, RANDOM_BYTES, ChannelState, SessionKeys, checked_key, same
from firmware_bridge.readers.wiegand import WiegandCard, card_of
from kernel.log import get_logger

log = get_logger("firmware_bridge.readers")

POLL_S: Final = 0.05
REPLY_S: Final = 0.2
OFFLINE_S: Final = 8.0
_TRIES: Final = 3
_QUEUE: Final = 16
_AGAIN_S: Final = 1.0
_CHALLENGE, _CLIENT, _SERVER, _INITIAL = 0x11, 0x12, 0x13, 0x14
_OWN_KEY, _DEFAULT_KEY = 1, 0
_ADDRESSES: Final = range(127)
_KEY_OF_CHANNEL: Final = 1
_ENTER: Final = 0x0D
_CLEAR: Final = 0x7F


class Lamp(Enum):
    """Colours of a reader's lamp."""

    OFF = 0
    RED = 1
    GREEN = 2
    AMBER = 3
    BLUE = 4


@dataclass(frozen=True)
class ReaderSettings:
    """One reader on a line.

    Parameters
    ----------
    key
        The 16 bytes this reader shares with us; the default key of the standard is refused.
    reply_s, offline_s
        Longest wait for a reply, and how long a reader may be silent before it is lost.
    """

    address: int
    key: bytes
    reply_s: float = REPLY_S
    offline_s: float = OFFLINE_S

    def __post_init__(self) -> None:
        checked_key(self.key)
        if self.address not in _ADDRESSES:
            raise ReaderInstallError(f"reader address {self.address} is outside 0 to 126", field="address")


@dataclass(frozen=True)
class CardRead:
    """A card's raw bits; ``card`` is set where they are Wiegand 26."""

    bit_count: int
    data: bytes

    @property
    def card(self) -> WiegandCard | None:
        """Return the card, None for other formats."""
        return card_of(self.bit_count, self.data)


@dataclass(frozen=True)
class KeysPressed:
    """Keys of a keypad: digits, ``*`` and ``#``."""

    keys: str


class ReaderState(StrEnum):
    """What is known of a reader."""

    LOST = "lost"
    SECURE = "secure"
    TAMPERED = "tampered"


@dataclass(frozen=True)
class ReaderMoved:
    """A reader is known to be in another state."""

    now: ReaderState


ReaderEvent = CardRead | KeysPressed | ReaderMoved


@dataclass
class ReaderStatsState:
    """What a reader went through since the start; ``refused`` counts frames that were not sealed as they must be."""

    polls: int = 0
    silent: int = 0
    refused: int = 0
    sessions: int = 0


class OsdpReader:
    """Drives one reader.

    Parameters
    ----------
    random_bytes
        Where random numbers come from: ``secrets.token_bytes``, or a seeded one in tests.

    Notes
    -----
    Nothing a reader says outside the secure channel counts: a card sent in clear text is refused and counted. A
    command is repeated byte for byte when its reply is lost; after three tries the channel is opened anew.
    """

    def __init__(self, port: Port, settings: ReaderSettings, random_bytes: Callable[[int], bytes]) -> None:
        self._wire = _Wire(port, settings.address, settings.reply_s)
        self._settings = settings
        self._random = random_bytes
        self._channel: ChannelState | None = None
        self._waiting: deque[tuple[Command, bytes]] = deque(maxlen=_QUEUE)
        self._heard_s = time.monotonic()
        self._try_again_s = float("-inf")
        self.state = ReaderState.LOST
        self.stats = self._wire.stats

    def lamp(self, colour: Lamp) -> None:
        """Light the reader's lamp from the next poll on, until another colour is asked for."""
        permanent = bytes((1, 1, 0, colour.value, colour.value))
        self._waiting.append((Command.LED, bytes((0, 0, 0)) + bytes(6) + permanent))

    def beep(self, times: int = 1) -> None:
        """Beep at the next poll."""
        self._waiting.append((Command.BUZZER, bytes((0, 2, 2, 1, times))))

    def poll(self) -> list[ReaderEvent]:
        """Ask the reader once and return what it told; call it about every 50 ms.

        Raises
        ------
        BusError
            If the line is gone.
        """
        now_s = time.monotonic()
        if self._channel is None and now_s >= self._try_again_s:
            self._channel = open_channel(self._wire, self._settings.key, _OWN_KEY, self._random(RANDOM_BYTES))
            self._try_again_s = now_s + _AGAIN_S
        if self._channel is None:
            return self._moved(ReaderState.LOST) if now_s - self._heard_s > self._settings.offline_s else []
        self.stats.polls += 1
        code, data = self._waiting[0] if self._waiting else (Command.POLL, b"")
        answer = self._wire.ask_sealed(self._channel, code, data)
        if answer is None:
            self._channel = None  # the next poll opens another one
            return []
        self._heard_s = time.monotonic()
        if self._waiting and answer.code != Reply.BUSY:
            self._waiting.popleft()
        events = self._moved(ReaderState.SECURE) if self.state is ReaderState.LOST else []
        return events + self._understood(answer)

    def _understood(self, answer: OsdpFrame) -> list[ReaderEvent]:
        data = answer.data
        if answer.code == Reply.RAW_CARD and len(data) >= 4:
            bit_count = int.from_bytes(data[2:4], "little")
            return [CardRead(bit_count, data[4:])] if len(data) - 4 >= (bit_count + 7) // 8 else []
        if answer.code == Reply.KEYPAD and len(data) >= 2 and len(data) - 2 >= data[1]:
            return [KeysPressed("".join(_key(code) for code in data[2 : 2 + data[1]]))]
        if answer.code == Reply.LOCAL_STATUS and len(data) >= 2:
            return self._moved(ReaderState.TAMPERED if data[0] else ReaderState.SECURE)
        return []

    def _moved(self, now: ReaderState) -> list[ReaderEvent]:
        if self.state is now:
            return []
        log.info("reader_moved", reader=self._settings.address, now=now.value)
        self.state = now
        return [ReaderMoved(now)]


def install_key(
    port: Port, address: int, key: bytes, random_bytes: Callable[[int], bytes], reply_s: float = REPLY_S
) -> None:
    """Load a reader's own key while it is in installation mode: the only use of the default key.

    Do it at the bench, with this one reader connected: whoever listens learns the new key.

    Raises
    ------
    ReaderKeyError
        If the new key protects nothing.
    ReaderInstallError
        If the reader does not open a channel with the default key or does not take the new one.
    """
    wire = _Wire(port, address, reply_s)
    channel = open_channel(wire, DEFAULT_KEY, _DEFAULT_KEY, random_bytes(RANDOM_BYTES))
    if channel is None:
        raise ReaderInstallError(f"reader {address} is not in installation mode", address=address)
    answer = wire.ask_sealed(channel, Command.KEY_SET, bytes((_KEY_OF_CHANNEL, len(key))) + checked_key(key))
    if answer is None or answer.code != Reply.ACK:
        raise ReaderInstallError(f"reader {address} did not take its key", address=address)


def open_channel(wire: _Wire, key: bytes, which: int, panel_random: bytes) -> ChannelState | None:
    """Begin a session; None when the reader is silent or cannot show that it has the key."""
    wire.restart()
    first = wire.ask(Command.CHALLENGE, panel_random, bytes((_CHALLENGE, which)))
    if first is None or first.code != Reply.CLIENT_CRYPTOGRAM or len(first.data) != 32:
        return None
    if first.security != bytes((_CLIENT, which)):
        wire.stats.refused += 1
        return None
    keys = SessionKeys.derive(key, panel_random, first.data[8:16])
    if not same(keys.reader_proof, first.data[16:]):
        wire.stats.refused += 1
        return None
    second = wire.ask(Command.SERVER_CRYPTOGRAM, keys.panel_proof, bytes((_SERVER, which)))
    if second is None or second.code != Reply.INITIAL_MAC or second.security[:1] != bytes((_INITIAL,)):
        return None
    if not same(keys.initial_mac, second.data):
        wire.stats.refused += 1
        return None
    wire.stats.sessions += 1
    return ChannelState(keys)


class _Wire:
    """One reader's end of the line: sequence numbers, time-outs, repeats."""

    def __init__(self, port: Port, address: int, reply_s: float) -> None:
        self._port = port
        self._address = address
        self._reply_s = reply_s
        self._sequence = 0
        self.stats = ReaderStatsState()

    def restart(self) -> None:
        """Begin with sequence 0, by which the reader forgets what was before."""
        self._sequence = 0

    def ask(self, code: Command, data: bytes, security: bytes) -> OsdpFrame | None:
        """Send a frame outside the channel and return its reply."""
        frame = OsdpFrame(self._address, self._sequence, code, data, security=security)
        heard = self._exchange(encode(frame))
        return heard[0] if heard is not None else None

    def ask_sealed(self, channel: ChannelState, code: Command, data: bytes) -> OsdpFrame | None:
        """Send a sealed frame and return its reply, verified and decrypted; None when there is no such reply."""
        sealed = channel.seal(OsdpFrame(self._address, self._sequence, code, data))
        for _ in range(_TRIES):
            heard = self._exchange(sealed)
            if heard is None:
                self.stats.silent += 1
                continue
            frame, raw = heard
            if frame.code == Reply.BUSY:
                continue
            opened = channel.open(frame, raw)
            if opened is None:
                self.stats.refused += 1
                return None
            self._sequence = self._sequence % 3 + 1
            return opened
        return None

    def _exchange(self, said: bytes) -> tuple[OsdpFrame, bytes] | None:
        self._port.flush_input()
        self._port.write(said)
        return hear(self._port, FRAMING, self._reply_s, self._fitting)

    def _fitting(self, raw: bytes) -> tuple[OsdpFrame, bytes] | None:
        """Take a reply of our reader to the frame just sent; BUSY answers any sequence."""
        frame = decode(raw)
        if frame is None or not frame.reply or frame.address != self._address:
            return None
        if frame.code == Reply.BUSY:
            return frame, raw
        if frame.sequence != self._sequence:
            return None
        if not frame.has_mac and self._sequence == 0:
            self._sequence = 1  # outside the channel the next frame follows at once
        return frame, raw


def _key(code: int) -> str:
    return {_ENTER: "#", _CLEAR: "*"}.get(code, chr(code) if 0x20 <= code < 0x7F else "?")
