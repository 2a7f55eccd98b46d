"""A simulated OSDP reader with a secure channel, a card slot and a keypad."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from firmware_bridge.codecs.board import MORE, NO_FRAME
from firmware_bridge.readers.osdp_frames import FRAMING, Command, OsdpFrame, Reply, decode, encode
from firmware_bridge.readers.osdp_secure import (
    DEFAULT_KEY,
    RANDOM_BYTES,
    ChannelState,
    SessionKeys,
    same,
)
from firmware_bridge.readers.wiegand import BITS, WiegandCard, encode26

_NAK_UNKNOWN: Final = 3
_NAK_SECURITY: Final = 5
_UID: Final = bytes(8)
#: Vendor, model, version, serial number, firmware: nobody's.
_IDENTITY: Final = bytes(12)
#: Function, level and number: lamp, buzzer, CRC, secure channel.
_ABILITIES: Final = bytes((4, 1, 1, 5, 1, 1, 8, 1, 0, 9, 1, 1))


@dataclass
class SimReader:
    """A reader on a line.

    Parameters
    ----------
    key
        The key it was loaded with.
    installing
        Whether it accepts the default key, as a reader in installation mode does.
    talks_plainly
        A reader that tells cards in clear text: what a panel must refuse.
    """

    address: int = 0
    key: bytes = DEFAULT_KEY
    installing: bool = False
    talks_plainly: bool = False
    seed: int = 1
    lamp: int = 0
    beeps: int = 0
    tampered: bool = False
    _told: deque[tuple[Reply, bytes]] = field(default_factory=deque)
    _channel: ChannelState | None = None
    _keys: SessionKeys | None = None
    _last: tuple[bytes, bytes] = (b"", b"")

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)  # noqa: S311 - a simulator's

    @property
    def secure(self) -> bool:
        """Tell whether a channel is open."""
        return self._channel is not None

    def show_card(self, card: WiegandCard) -> None:
        """Hold a card before the reader."""
        bits = encode26(card) << 32 - BITS
        self._told.append((Reply.RAW_CARD, bytes((0, 1)) + BITS.to_bytes(2, "little") + bits.to_bytes(4, "big")))

    def press(self, keys: str) -> None:
        """Press keys."""
        codes = bytes({"#": 0x0D, "*": 0x7F}.get(key, ord(key)) for key in keys)
        self._told.append((Reply.KEYPAD, bytes((0, len(codes))) + codes))

    def tamper(self, tampered: bool = True) -> None:
        """Open or shut its housing."""
        self.tampered = tampered
        self._told.append((Reply.LOCAL_STATUS, bytes((int(tampered), 0))))

    def lose_power(self) -> None:
        """Forget the channel."""
        self._channel, self._keys, self._last = None, None, (b"", b"")

    def cut(self, buffer: bytes) -> int:
        """Requests carry their length."""
        length = FRAMING.measure(buffer, None)
        return {MORE: -1, NO_FRAME: 0}.get(length, length)

    def answer(self, frame: bytes) -> bytes | None:
        """Answer a frame meant for this reader; a repeated one gets the same answer again."""
        asked = decode(frame)
        if asked is None or asked.reply or asked.address != self.address:
            return None
        if frame == self._last[0] and asked.has_mac:
            return self._last[1]
        said = self._answer(asked, frame)
        self._last = (frame, said)
        return said

    def _answer(self, asked: OsdpFrame, raw: bytes) -> bytes:
        if asked.code == Command.CHALLENGE:
            return self._challenged(asked)
        if asked.code == Command.SERVER_CRYPTOGRAM:
            return self._admitted(asked)
        if not asked.has_mac:
            if asked.code in (Command.ID, Command.CAPABILITIES):  # what a panel may know before the channel
                return self._plain(asked, *_self_description(asked.code))
            if self.talks_plainly and asked.code == Command.POLL:
                return self._plain(asked, *self._next())
            return self._plain(asked, Reply.NAK, bytes((_NAK_SECURITY,)))
        opened = self._channel.open(asked, raw) if self._channel is not None else None
        if opened is None or self._channel is None:
            return self._plain(asked, Reply.NAK, bytes((_NAK_SECURITY,)))
        code, data = self._done(opened)
        if self.talks_plainly and code is Reply.RAW_CARD:
            return self._plain(asked, code, data)
        return self._channel.seal(OsdpFrame(self.address, asked.sequence, code, data, reply=True))

    def _done(self, asked: OsdpFrame) -> tuple[Reply, bytes]:
        if asked.code == Command.POLL:
            return self._next()
        if asked.code == Command.LED and len(asked.data) >= 14:
            self.lamp = asked.data[12]
        elif asked.code == Command.BUZZER and len(asked.data) >= 5:
            self.beeps += asked.data[4]
        elif asked.code == Command.KEY_SET and len(asked.data) == 18:
            self.key, self.installing = asked.data[2:], False
        elif asked.code in (Command.ID, Command.CAPABILITIES):
            return _self_description(asked.code)
        else:
            return Reply.NAK, bytes((_NAK_UNKNOWN,))
        return Reply.ACK, b""

    def _next(self) -> tuple[Reply, bytes]:
        return self._told.popleft() if self._told else (Reply.ACK, b"")

    def _challenged(self, asked: OsdpFrame) -> bytes:
        which = asked.security[1] if len(asked.security) == 2 else -1
        if len(asked.data) != RANDOM_BYTES or which not in (0, 1) or (which == 0 and not self.installing):
            return self._plain(asked, Reply.NAK, bytes((_NAK_SECURITY,)))
        key = self.key if which else DEFAULT_KEY
        self._channel = None
        self._keys = SessionKeys.derive(key, asked.data, self._rng.randbytes(RANDOM_BYTES))
        data = _UID + self._keys.reader_random + self._keys.reader_proof
        return self._plain(asked, Reply.CLIENT_CRYPTOGRAM, data, bytes((0x12, which)))

    def _admitted(self, asked: OsdpFrame) -> bytes:
        if self._keys is None or not same(self._keys.panel_proof, asked.data):
            return self._plain(asked, Reply.NAK, bytes((_NAK_SECURITY,)))
        self._channel = ChannelState(self._keys)
        return self._plain(asked, Reply.INITIAL_MAC, self._keys.initial_mac, bytes((0x14, 1)))

    def _plain(self, asked: OsdpFrame, code: Reply, data: bytes, security: bytes = b"") -> bytes:
        return encode(OsdpFrame(self.address, asked.sequence, code, data, reply=True, security=security))


def _self_description(asked: int) -> tuple[Reply, bytes]:
    return (Reply.ID, _IDENTITY) if asked == Command.ID else (Reply.CAPABILITIES, _ABILITIES)


def obey_reader(said: Sequence[str], reader: SimReader) -> str | None:
    """Act on a line typed by a person; None when it is not understood."""
    verbs: dict[str, Callable[[], None]] = {
        "tamper": lambda: reader.tamper(True),
        "mend": lambda: reader.tamper(False),
        "power": reader.lose_power,
        "install": lambda: setattr(reader, "installing", True),
        "show": lambda: None,
    }
    match said:
        case ["card", facility, number] if facility.isdigit() and number.isdigit():
            reader.show_card(WiegandCard(int(facility) & 0xFF, int(number) & 0xFFFF))
        case ["press", keys] if set(keys) <= set("0123456789*#"):
            reader.press(keys)
        case [verb] if verb in verbs:
            verbs[verb]()
        case _:
            return None
    return f"channel {'open' if reader.secure else 'shut'}, lamp {reader.lamp}, beeps {reader.beeps}"
