"""Structured logs: one event name, then fields; secrets and personal data never leave.

Fields whose names say that they are secret or personal are masked whatever their value.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_SECRET_NAMES = re.compile(
    r"(password|secret|token|api_key|authorization|cookie|(?:^|_)code$|phone|mobile|address|recipient_name)", re.I
)
_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{6}(\d{2})(?!\d)")
_URL_PASSWORD = re.compile(r"(://[^:/@\s]+:)[^@/\s]+@")


def mask_text(value: str) -> str:
    """Hide phone numbers and URL passwords inside a text."""
    return _URL_PASSWORD.sub(r"\1***@", _PHONE.sub(r"\1******\2", value))


def _mask(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in entry.items():
        if name != "error_code" and _SECRET_NAMES.search(name):
            entry[name] = "***"
        elif isinstance(value, str):
            entry[name] = mask_text(value)
    return entry


def set_up_logging(
    level: str = "info", style: str = "auto", stream: TextIO | None = None, *, cache: bool = True
) -> None:
    """Configure the program's logs once, at its start.

    Parameters
    ----------
    level
        Least severe level written: debug, info, warning or error.
    style
        ``text``, ``json`` or ``auto`` (text when the stream is a terminal).
    stream
        Where lines go; standard error when omitted, so that standard output stays for results.
    cache
        Whether a logger keeps this set-up once it has spoken; faster, and right for a program.
    """
    target = stream or sys.stderr
    as_text = style == "text" or (style == "auto" and target.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=target.isatty())
        if as_text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        # Without a stream of its own a logger takes the standard error of the moment it speaks.
        logger_factory=lambda *_: structlog.PrintLogger(stream or sys.stderr),
        cache_logger_on_first_use=stream is not None or cache,
    )


def get_logger(room: str) -> Any:
    """Return a logger whose lines carry the room they come from."""
    # Not .bind(): that would fix today's configuration for a logger made while its module is imported.
    return structlog.get_logger(room=room)


# A program that forgets the set-up must not print its secrets: structlog's own default shows local variables.
set_up_logging(cache=False)
