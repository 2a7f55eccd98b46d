"""Playing with a simulated device by hand: one word a line, the answer below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TextIO

from firmware_bridge.simulator.line import Fault, SimLine

#: Acts on the words of a line; None when it does not understand them.
Obey = Callable[[Sequence[str]], str | None]

LINE_WORDS: Final = "fault KIND (" + ", ".join(Fault) + "), silent, speak, quit"


def play(words: Iterable[str], out: TextIO, obey: Obey, help_text: str, line: SimLine | None = None) -> None:
    """Obey lines until they end or say ``quit``; what nobody understands is answered with help."""
    for said in (word.split() for word in words):
        if said[:1] == ["quit"]:
            return
        heard = line is not None and _spoil(said, line)
        answer = obey(["show"] if heard else said) if said else ""
        out.write((help_text if answer is None else answer) + "\n")
        out.flush()


def _spoil(said: Sequence[str], line: SimLine) -> bool:
    """Obey the words that every line knows; False when it is none of them."""
    match said:
        case ["fault", kind] if kind in set(Fault):
            line.faults.script.append(Fault(kind))
        case ["silent" | "speak" as verb]:
            line.unanswered = verb == "silent"
        case _:
            return False
    return True
