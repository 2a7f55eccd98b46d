"""Who may connect, and which topics each may use."""

from __future__ import annotations

import pytest

from firmware_bridge.broker.accounts import (
    SERVER_USER,
    Account,
    covers,
    hash_password,
    may,
    password_file,
    password_fits,
    read_password_file,
)


def test_a_password_fits_its_own_hash_only() -> None:
    """Hashes are salted, and only the right password fits."""
    one, two = hash_password("secret"), hash_password("secret")
    assert one != two
    assert password_fits("secret", one)
    assert password_fits("secret", two)
    assert not password_fits("Secret", one)
    assert not password_fits("secret", "plain")
    assert not password_fits("secret", "$6$101$AA==$AA==")


def test_the_password_file_is_read_as_written() -> None:
    """Users and hashes come back from the file."""
    accounts = [Account("kiosk-1", hash_password("a")), Account("kiosk-2", hash_password("b"))]
    assert read_password_file(password_file(accounts)) == {a.username: a.password_hash for a in accounts}


@pytest.mark.parametrize(
    ("rule", "asked", "covered"),
    [
        ("a/+/c/#", "a/b/c/d/e", True),
        ("a/+/c/#", "a/b/c", True),  # '#' matches its parent too
        ("a/+/c/#", "a/+/c/d", True),
        ("a/+/c/#", "a/#", False),
        ("a/+/c", "a/b/c/d", False),
        ("a/b/c", "a/+/c", False),
        ("a/b/#", "#", False),
        ("a/b", "a", False),
    ],
)
def test_a_rule_covers_no_more_than_it_says(rule: str, asked: str, covered: bool) -> None:
    """A filter is allowed only when everything it matches is allowed."""
    assert covers(rule, asked) is covered


def test_a_device_has_its_own_branch_only() -> None:
    """A device writes its events and reads its commands; the server may use the whole tree, strangers nothing."""
    own = "cunda/v1/area/kiosk-1"
    assert may("kiosk-1", f"{own}/evt/parcel", write=True)
    assert may("kiosk-1", f"{own}/cmd/open", write=False)
    for topic in (f"{own}/cmd/open", f"{own}/ack", "cunda/v1/area/kiosk-2/evt/parcel", "$SYS/x"):
        assert not may("kiosk-1", topic, write=True)
    for topic in ("#", "cunda/v1/#", "cunda/v1/area/+/cmd/#", "cunda/v1/area/kiosk-2/cmd/open", f"{own}/evt/parcel"):
        assert not may("kiosk-1", topic, write=False)
    assert may(SERVER_USER, "cunda/v1/area/kiosk-1/cmd/open", write=True)
    assert not may(SERVER_USER, "$SYS/broker/clients", write=False)
    assert not may("+", "cunda/v1/area/+/cmd/open", write=False)
