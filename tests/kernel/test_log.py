"""Logs that keep secrets."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from kernel.log import get_logger, mask_text, set_up_logging


def test_api_18_secrets_and_phones_never_reach_the_log() -> None:
    """Whatever a careless line logs, codes, tokens, passwords and phones are masked."""
    stream = io.StringIO()
    set_up_logging("debug", "json", stream)
    get_logger("api").info(
        "login", password="hunter2", pickup_code="4711", note="call 13912345678 back", error_code="input",
        url="postgresql://cunda:s3cret@db/cunda", recipient_phone="13912345678",
    )  # fmt: skip
    line = json.loads(stream.getvalue())
    assert line["password"] == line["pickup_code"] == line["recipient_phone"] == "***"
    assert line["note"] == "call 139******78 back"
    assert line["url"] == "postgresql://cunda:***@db/cunda"
    assert line["error_code"] == "input"
    assert line["room"] == "api"


@pytest.mark.parametrize(
    ("said", "masked"),
    [("13800001111", "138******11"), ("waybill 138000011112", "waybill 138000011112")],
)
def test_a_waybill_is_not_taken_for_a_phone(said: str, masked: str) -> None:
    """A longer number that contains a phone-like part stays readable."""
    assert mask_text(said) == masked


def test_a_logger_made_before_the_set_up_obeys_it() -> None:
    """A module's logger, made at import, writes where and what the program later decides."""
    early = get_logger("lockers")
    stream = io.StringIO()
    set_up_logging("warning", "json", stream)
    early.info("too_quiet")
    early.warning("heard")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["heard"]


def test_a_program_without_set_up_still_masks() -> None:
    """A program that forgot to set up its logs prints no secret, not even from inside a failure."""
    code = (
        "from kernel.log import get_logger\n"
        "def fail(password):\n"
        "    raise RuntimeError('no')\n"
        "try:\n"
        "    fail('hunter2')\n"
        "except RuntimeError:\n"
        "    get_logger('api').exception('failed', token='s3cret')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "failed" in done.stderr
    assert "s3cret" not in done.stderr + done.stdout
    assert "hunter2" not in (done.stderr + done.stdout).replace("fail('hunter2')", "")
