"""Settings from environment and file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kernel.settings import SettingsError, keep_secret, load_settings


def test_defaults_listen_on_loopback_only(tmp_path: Path) -> None:
    """A fresh installation answers nobody but its own machine."""
    settings = load_settings()
    assert settings.http_host == "127.0.0.1"
    assert settings.resolved_database_url.startswith("sqlite:///")


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator can override one value of the file for one run."""
    file = tmp_path / "cunda.toml"
    file.write_text("solve_seconds = 5.0\nhttp_port = 9000\n", encoding="utf-8")
    monkeypatch.setenv("CUNDA_CONFIG", str(file))
    monkeypatch.setenv("CUNDA_HTTP_PORT", "9001")
    settings = load_settings()
    assert (settings.solve_seconds, settings.http_port) == (5.0, 9001)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CUNDA_HTTP_PORT", "eighty", "http_port"),
        ("CUNDA_SOLVE_SECONDS", "-1", "solve_seconds"),
        ("CUNDA_SOLVE_SECOND", "5", "CUNDA_SOLVE_SECOND"),
        ("CUNDA_CONFIG", "/nowhere/cunda.toml", "not a file"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt or impossible setting stops the program and is named."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_a_broken_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settings file with an unknown or unreadable line says so."""
    file = tmp_path / "cunda.toml"
    monkeypatch.setenv("CUNDA_CONFIG", str(file))
    file.write_text("no_such_setting = 1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="no_such_setting"):
        load_settings()
    file.write_text("= broken", encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings()


def test_a_kept_secret_is_made_once_and_private(tmp_path: Path) -> None:
    """The signing secret survives a restart and only its owner can read it."""
    path = tmp_path / "home" / "token.secret"
    secret = keep_secret(path)
    assert keep_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
