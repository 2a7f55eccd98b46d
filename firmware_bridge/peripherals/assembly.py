"""Scale, printer, scanner, reader and lights as ``agent.toml`` describes them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from firmware_bridge.bus.port import Port, port_at
from firmware_bridge.codecs.board import Line
from firmware_bridge.errors import AgentConfigError, BusError
from firmware_bridge.lights.addressable import AddressableStrip, SpiLine
from firmware_bridge.lights.shelf import ShelfLights
from firmware_bridge.lights.strip import LightStrip, StripLayout
from firmware_bridge.lights.wled import HttpWled, MqttWled, WledStrip
from firmware_bridge.peripherals.printer import EscPosPrinter, LabelDesk, PrintJournal, TsplPrinter
from firmware_bridge.peripherals.scale import Scale, SicsScale, ToledoScale
from firmware_bridge.peripherals.scanner import ScannerSettings, SerialScanner
from firmware_bridge.readers.reader import OsdpReader, ReaderSettings
from kernel.errors import CundaError

Publish = Callable[[str, bytes], None]
Made = TypeVar("Made")
_BAUD: Final = 9600


@dataclass
class Peripherals:
    """What stands in a kiosk or station besides doors; None or nothing where it has none.

    ``reader_opens`` is the box or door that badges at the reader open.
    """

    scale: Scale | None = None
    labels: LabelDesk | None = None
    scanner: SerialScanner | None = None
    reader: OsdpReader | None = None
    reader_opens: str | None = None
    lights: dict[str, ShelfLights] = field(default_factory=dict)
    _lines: list[Port | SpiLine] = field(default_factory=list)

    def close(self) -> None:
        """Give all lines back."""
        for line in self._lines:
            line.close()


class _Builder:
    """Reads one description; remembers the lines it opened."""

    def __init__(self, random_bytes: Callable[[int], bytes], journal: PrintJournal, publish: Publish | None) -> None:
        self._random = random_bytes
        self._journal = journal
        self._publish = publish
        self.lines: list[Port | SpiLine] = []

    def scale(self, table: Mapping[str, Any]) -> Scale:
        """Read ``[scale]``: port, protocol, baud, checked."""
        _known(table, "port", "protocol", "baud", "checked")
        if _chosen(table, "protocol", ("toledo", "sics")) == "sics":
            return SicsScale(self._port(table))
        return ToledoScale(self._port(table), checked=bool(table.get("checked", True)))

    def printer(self, table: Mapping[str, Any]) -> LabelDesk:
        """Read ``[printer]``: port, language, baud, width_mm, height_mm."""
        _known(table, "port", "language", "baud", "width_mm", "height_mm")
        if _chosen(table, "language", ("tspl", "escpos")) == "escpos":
            return LabelDesk(EscPosPrinter(self._port(table)), self._journal)
        size = {name: int(table[name]) for name in ("width_mm", "height_mm") if name in table}
        return LabelDesk(TsplPrinter(self._port(table), **size), self._journal)

    def scanner(self, table: Mapping[str, Any]) -> SerialScanner:
        """Read ``[scanner]``: port, baud, prefix, suffix, aim."""
        _known(table, "port", "baud", "prefix", "suffix", "aim")
        settings = ScannerSettings(
            prefix=str(table.get("prefix", "")).encode("ascii"),
            suffix=str(table.get("suffix", "\r\n")).encode("ascii"),
            aim=bool(table.get("aim", False)),
        )
        return SerialScanner(self._port(table), settings)

    def reader(self, table: Mapping[str, Any]) -> OsdpReader:
        """Read ``[reader]``: port, baud, address, key, opens."""
        _known(table, "port", "baud", "address", "key", "opens")
        settings = ReaderSettings(int(table.get("address", 0)), bytes.fromhex(str(table["key"])))
        return OsdpReader(self._port(table), settings, self._random)

    def lights(self, name: str, table: Mapping[str, Any]) -> ShelfLights:
        """Read ``[lights.NAME]``: kind, lamps, cells, and where the strip is."""
        _known(table, "kind", "lamps", "cells", "host", "http_port", "topic", "port", "baud")
        layout = StripLayout.read(table)
        return ShelfLights(self._strip(name, table, layout.lamps), layout)

    def _strip(self, name: str, table: Mapping[str, Any], lamps: int) -> LightStrip:
        kind = _chosen(table, "kind", ("wled-http", "wled-mqtt", "adalight", "ws2812", "sk6812-rgbw"))
        if kind == "wled-http":
            return WledStrip(HttpWled(str(table["host"]), int(table.get("http_port", 80))), lamps)
        if kind == "wled-mqtt":
            if self._publish is None:
                raise AgentConfigError(f"lights {name} need a broker of the station's own", field="lights")
            return WledStrip(MqttWled(self._publish, str(table["topic"])), lamps)
        if kind == "adalight":
            return AddressableStrip(self._port(table), lamps, "adalight")
        spi = SpiLine(str(table["port"]))
        self.lines.append(spi)
        return AddressableStrip(spi, lamps, "ws2812" if kind == "ws2812" else "sk6812-rgbw")

    def _port(self, table: Mapping[str, Any]) -> Port:
        port = port_at(str(table["port"]), Line(int(table.get("baud", _BAUD))))
        self.lines.append(port)
        return port


def open_peripherals(
    path: Path, random_bytes: Callable[[int], bytes], journal: PrintJournal, publish: Publish | None = None
) -> Peripherals:
    """Open what ``agent.toml`` describes; what it does not mention is not there.

    Parameters
    ----------
    random_bytes
        For the reader's secure channel: ``secrets.token_bytes``.
    journal
        Remembers printed labels over power cuts.
    publish
        Publishes at the station's own broker, for lights reached by MQTT.

    Raises
    ------
    AgentConfigError
        If a table lacks something, holds something unknown, or describes what cannot be; names it.
    BusError
        If a line cannot be opened; those already opened are given back.
    """
    described = tomllib.loads(path.read_text(encoding="utf-8"))
    builder = _Builder(random_bytes, journal, publish)
    try:
        return Peripherals(
            _made(path, described, "scale", builder.scale),
            _made(path, described, "printer", builder.printer),
            _made(path, described, "scanner", builder.scanner),
            _made(path, described, "reader", builder.reader),
            described.get("reader", {}).get("opens"),
            _lights(path, described.get("lights", {}), builder),
            builder.lines,
        )
    except CundaError:
        for line in builder.lines:
            line.close()
        raise


def _made(
    path: Path, described: Mapping[str, Any], name: str, make: Callable[[Mapping[str, Any]], Made]
) -> Made | None:
    if name not in described:
        return None
    try:
        return make(described[name])
    except (AgentConfigError, BusError):
        raise
    except CundaError as problem:
        raise AgentConfigError(f"{path}: {name}: {problem.message}", path=str(path)) from problem
    except KeyError as problem:
        raise AgentConfigError(f"{path}: {name}: {problem} is missing", path=str(path)) from problem
    except (TypeError, ValueError, AttributeError) as problem:
        raise AgentConfigError(f"{path}: {name}: {problem}", path=str(path)) from problem


def _lights(path: Path, described: Any, builder: _Builder) -> dict[str, ShelfLights]:
    if not isinstance(described, Mapping):
        raise AgentConfigError(f"{path}: lights are tables [lights.NAME]", path=str(path))
    lights: dict[str, ShelfLights] = {}
    seen: dict[str, str] = {}
    for name in described:
        made = _made(path, described, name, lambda table, name=name: builder.lights(name, table))  # type: ignore[misc]
        assert made is not None
        for cell in made.layout.cells:
            if cell in seen:
                raise AgentConfigError(f"{path}: cell {cell} is on strips {seen[cell]} and {name}", path=str(path))
            seen[cell] = name
        lights[name] = made
    return lights


def _known(table: Mapping[str, Any], *names: str) -> None:
    unknown = set(table) - set(names)
    if unknown:
        raise ValueError(f"unknown fields {', '.join(sorted(unknown))}")


def _chosen(table: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = str(table[name])
    if value not in allowed:
        raise ValueError(f"{name} {value} is none of {', '.join(allowed)}")
    return value
