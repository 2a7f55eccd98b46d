"""Renders the reference pages of the documentation from the program itself."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from firmware_bridge import asyncapi
from firmware_bridge import reference as messages
from kernel.errors import CundaError, registered_errors

ROOMS = ("kernel", "routing", "maps", "lockers", "dispatch", "firmware_bridge", "api")
_NOTICE = "<!-- Written by `cunda docs write`; a test fails when it differs from the program. -->"


def reference_pages() -> dict[str, str]:
    """Return every rendered page by its path under ``docs/``."""
    return {
        "reference/errors.md": errors_page(),
        "reference/settings.md": settings_page(),
        "reference/cli.md": cli_page(),
        "openapi.json": openapi_text(),
        "reference/messages.md": messages.page(),
        "devices/asyncapi.json": asyncapi.text(),
    }


def errors_page() -> str:
    """Render the list of error codes, by HTTP status."""
    _import_error_modules()
    lines = [
        "# Errors", "", _NOTICE, "",
        "Every error has a stable code. The API answers with problem details (RFC 9457) of `code` and `params`;",
        "the command line prints message and remedy on standard error and exits with 2.", "",
        "| code | HTTP | meaning | remedy |", "|---|---|---|---|",
    ]  # fmt: skip
    for error in sorted(_documented_errors(), key=lambda kind: (kind.status, kind.code)):
        lines.append(f"| `{error.code}` | {error.status} | {_cell(_meaning(error))} | {_cell(error.remedy)} |")
    return "\n".join(lines) + "\n"


def _documented_errors() -> Iterator[type[CundaError]]:
    for error in registered_errors().values():
        if error.__module__.split(".")[0] in ROOMS:
            yield error


def _import_error_modules() -> None:
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if "migrations" not in module.name:
                importlib.import_module(module.name)


def _meaning(error: type[CundaError]) -> str:
    return (error.__doc__ or "").strip().splitlines()[0]


def settings_page() -> str:
    """Render the list of settings."""
    from kernel.settings import Settings

    lines = [
        "# Settings", "", _NOTICE, "",
        "Read from environment variables, then the TOML file named by `CUNDA_CONFIG` (or `cunda.toml` in the",
        "working directory), then the defaults. In the file the name is in lower case without `CUNDA_`.", "",
        "| variable | default | meaning |", "|---|---|---|",
    ]  # fmt: skip
    for name, field in Settings.model_fields.items():
        default = "folder of the user's data" if name == "home" else field.default
        shown = "unset" if default is None else f"`{default}`" if name != "home" else default
        lines.append(f"| `CUNDA_{name.upper()}` | {shown} | {_cell(field.description or '')} |")
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Render the list of commands with every argument and option."""
    lines = ["# Command line", "", _NOTICE, ""]
    lines += [
        "Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 our mistake,",
        "2 what was given or found is wrong, 130 interrupted. With `--json` errors are JSON too.", "",
    ]  # fmt: skip
    for name, command in commands():
        lines += [f"## `{name}`", "", _paragraph(command.help or ""), ""]
        rows = [_parameter_row(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += ["| argument or option | default | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def commands() -> list[tuple[str, Any]]:
    """Return every command with its full name; a group counts where it does something by itself."""
    import typer.main

    from api.cli.main import app

    return sorted(_walk("cunda", typer.main.get_command(app)))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    if command.invoke_without_command:
        yield name, command
    for child_name, child in children.items():
        yield from _walk(f"{name} {child_name}", child)


def _parameter_row(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    name = f"{parameter.name.upper()}" if is_argument else ", ".join([*parameter.opts, *parameter.secondary_opts])
    if getattr(parameter, "is_flag", False):
        default = "on" if parameter.default else "off"
    elif parameter.required or parameter.default is None:
        default = "required" if parameter.required else "-"
    else:
        default = f"`{parameter.default}`"
    return f"| `{name}` | {default} | {_cell(parameter.help or '')} |"


@cache
def openapi_text() -> str:
    """Render the API description of this program; nothing is opened and nothing listens."""
    from api.app import describe_api

    return json.dumps(describe_api(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write_pages(docs: Path) -> list[Path]:
    """Write every rendered page below the documentation folder."""
    written = []
    for name, text in reference_pages().items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _paragraph(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())
