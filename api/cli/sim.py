"""`cunda sim`: simulated devices to play with by hand, when the real one is not at hand or must not be tried."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from enum import Enum
from typing import Annotated

import typer

from api.cli.terminal import ends_on_sigterm
from api.errors import UsageError
from firmware_bridge.simulator.boards import SIM_BOARDS, SimDevice
from firmware_bridge.simulator.console import LINE_WORDS, Obey, play
from firmware_bridge.simulator.line import FaultsState, SimLine
from firmware_bridge.simulator.peripherals import SIM_PRINTERS, SIM_SCALES

app = typer.Typer(
    help="Play a device by hand: it prints the port or address a driver opens, then takes one command a line.",
    no_args_is_help=True,
)
BoardFamily = Enum("BoardFamily", {name: name for name in SIM_BOARDS}, type=str)  # type: ignore[misc]
ScaleKind = Enum("ScaleKind", {name: name for name in SIM_SCALES}, type=str)  # type: ignore[misc]
PrinterKind = Enum("PrinterKind", {name: name for name in SIM_PRINTERS}, type=str)  # type: ignore[misc]
ShareOption = Annotated[
    float, typer.Option("--spoil", min=0.0, max=1.0, help="Share of answers that are spoilt, 0 to 1: noise, cut, late.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Another seed spoils other answers.")]


@app.command("cabinet")
def cabinet(
    protocol: Annotated[BoardFamily, typer.Option("--protocol", help="Family of the lock board.")] = BoardFamily("8a"),
    doors: Annotated[int, typer.Option("--doors", min=1, max=48, help="How many doors it has.")] = 24,
    address: Annotated[int, typer.Option("--address", min=0, max=247, help="Its address on the line.")] = 1,
    spoil: ShareOption = 0.0,
    seed: SeedOption = 1,
) -> None:
    """Play a lock board on a pseudo-terminal. Type `open 3`, `shut 3`, `jam 3`, `fault noise`, `silent`, `quit`.

    Put the two printed lines into [cabinet] of agent.toml, or open the port with any program. Each answer shows all
    doors: `3O1` is door 3, open, pulsed once; `3.1` is shut; a star is an item inside. The word `help` lists all.
    """
    from firmware_bridge.simulator.cabinet import run_cabinet

    with ends_on_sigterm():
        run_cabinet(protocol.value, doors, address, _typed(), sys.stdout, FaultsState(seed, spoil))


@app.command("reader")
def reader(
    address: Annotated[int, typer.Option("--address", min=0, max=126, help="Its address on the line.")] = 0,
    key: Annotated[
        str, typer.Option("--key", help="Its own key, 32 hexadecimal digits; it installs one if absent.")
    ] = "",
    spoil: ShareOption = 0.0,
    seed: SeedOption = 1,
) -> None:
    """Play an OSDP door reader. Type `card 90 324`, `press 1234#`, `tamper`, `mend`, `power`, `install`, `quit`."""
    from firmware_bridge.readers.osdp_secure import checked_key
    from firmware_bridge.simulator.reader import SimReader, obey_reader

    sim = SimReader(address=address, installing=not key, seed=seed)
    if key:
        try:
            sim.key = checked_key(bytes.fromhex(key))
        except ValueError as problem:
            raise UsageError(
                "a key has 32 hexadecimal digits", remedy="Write --key with two digits a byte."
            ) from problem
    words = "card FACILITY NUMBER, press KEYS, tamper, mend, power, install, show"
    _serve(sim, lambda said: obey_reader(said, sim), words, FaultsState(seed, spoil))


@app.command("scale")
def scale(
    protocol: Annotated[ScaleKind, typer.Option("--protocol", help="Speaks ten times a second, or when asked.")] = (
        ScaleKind("toledo")
    ),
    spoil: ShareOption = 0.0,
    seed: SeedOption = 1,
) -> None:
    """Play a scale. Type `put 1250` (grams), `drift 30`, `fault noise`, `silent`, `quit`."""
    from firmware_bridge.simulator.peripherals import obey_scale

    sim = SIM_SCALES[protocol.value]()
    _serve(sim, lambda said: obey_scale(said, sim), "put GRAMS, drift GRAMS, show", FaultsState(seed, spoil))


@app.command("printer")
def printer(
    language: Annotated[PrinterKind, typer.Option("--language", help="Label printer or receipt printer.")] = (
        PrinterKind("tspl")
    ),
    spoil: ShareOption = 0.0,
    seed: SeedOption = 1,
) -> None:
    """Play a printer. Type `paper_out`, `jam next`, `cover_open`, `ready`, `last` (shows what it printed), `quit`."""
    from firmware_bridge.simulator.peripherals import TROUBLES, obey_printer

    sim = SIM_PRINTERS[language.value]()
    words = f"{', '.join(TROUBLES)}, jam next, last, show"
    _serve(sim, lambda said: obey_printer(said, sim), words, FaultsState(seed, spoil))


@app.command("scanner")
def scanner() -> None:
    """Play a barcode scanner. Every line typed is a code it reads; `quit` ends."""
    from firmware_bridge.simulator.peripherals import SimScanner

    sim = SimScanner()
    with ends_on_sigterm(), SimLine([sim]) as line:
        print(f'port = "{line.path}"', flush=True)
        for code in (word.strip() for word in _typed()):
            if code == "quit":
                return
            sim.see(line, code)


@app.command("wled")
def wled(
    lamps: Annotated[int, typer.Option("--lamps", min=1, max=1500, help="How many lamps the strip has.")] = 60,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="HTTP port on loopback; 0 takes a free one.")
    ] = 0,
    broker: Annotated[
        str | None, typer.Option("--broker", help="Listen here too, HOST:PORT without a password.")
    ] = None,
    topic: Annotated[str, typer.Option("--topic", help="Its topic at the broker.")] = "wled/shelf",
) -> None:
    """Play a WLED light controller. Type `show`, `fault late`, `reboot`, `quit`.

    Answers show each lamp that shines: `12:0072B2` is lamp 12 in blue.
    """
    from firmware_bridge.simulator.wled import SimWled, WledFault, WledServer, listen_by_mqtt, obey_wled

    sim = SimWled(lamps)
    with ends_on_sigterm(), WledServer(sim, port) as server:
        print(f'url = "http://127.0.0.1:{server.port}"', flush=True)
        client = None
        if broker is not None:
            host, _, number = broker.rpartition(":")
            if not host or not number.isdigit():
                raise UsageError(f"{broker} is not HOST:PORT", remedy="Write --broker 127.0.0.1:1883.")
            client = listen_by_mqtt(sim, host, int(number), topic)
        help_text = f"show, reboot, fault KIND ({', '.join(WledFault)}), quit"
        play(_typed(), sys.stdout, lambda said: obey_wled(said, sim), help_text)
        if client is not None:
            client.disconnect()
            client.loop_stop()


def _serve(device: SimDevice, obey: Obey, words: str, faults: FaultsState) -> None:
    with ends_on_sigterm(), SimLine([device], faults) as line:
        print(f'port = "{line.path}"', flush=True)
        play(_typed(), sys.stdout, obey, f"{words}, {LINE_WORDS}", line)


def _typed() -> Iterator[str]:
    """Give the lines a person types; when input ends without `quit`, serve on until Ctrl-C."""
    yield from sys.stdin
    threading.Event().wait()
