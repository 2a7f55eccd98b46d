"""Settings that the server may wish for: checked, kept, reported. None of them moves anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from firmware_bridge.device.store import DeviceStore
from firmware_bridge.schemas import ConfigReport, DesiredSettings

_KEY: Final = "config"
_LONGEST: Final = 160


class DeviceSettings(BaseModel):
    """What can be set from afar; docs/devices/fleet.md lists it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    heartbeat_s: int = Field(default=30, ge=5, le=30, description="Seconds between heartbeats.")
    confirm_s: float = Field(default=2.0, ge=0.5, le=10.0, description="How long a pulse waits for its door, seconds.")
    maintenance: bool = Field(default=False, description="Nothing is opened from afar while somebody works on it.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line."
    )


class SettingsBook:
    """Settings in force and what became of the newest that were wished for; survives restarts.

    Parameters
    ----------
    objections
        What this very device has against settings that are right in form, by field; none when omitted.
    """

    def __init__(
        self,
        store: DeviceStore,
        device: str,
        objections: Callable[[DeviceSettings], Mapping[str, str]] = lambda settings: {},
    ) -> None:
        self._store = store
        self._device = device
        self._objections = objections
        kept = store.state(_KEY) or {}
        self.version: int = kept.get("version", 0)
        self.heard: int = kept.get("heard", 0)
        self.errors: dict[str, str] = kept.get("errors", {})
        self.current, problems = _checked(kept.get("settings", {}))
        if problems:  # an older program runs again: it goes back to what it was made with and asks anew
            self.version = self.heard = 0
            self.errors = {}

    def take(self, desired: DesiredSettings) -> bool:
        """Take all of a new version into force, or nothing of it; return whether something changed.

        An older version than one heard before is ignored: it is a replay.
        """
        if desired.version <= self.heard:
            return False
        settings, problems = _checked(desired.settings)
        problems = problems or {name: why[:_LONGEST] for name, why in self._objections(settings).items()}
        self.heard, self.errors = desired.version, problems
        if not problems:
            self.version, self.current = desired.version, settings
        self._store.change(
            {
                _KEY: {
                    "version": self.version, "heard": self.heard, "errors": self.errors,
                    "settings": self.current.model_dump(exclude_defaults=True),
                }
            }
        )  # fmt: skip
        return not problems

    def report(self) -> ConfigReport:
        """Say what is in force."""
        return ConfigReport(dev=self._device, version=self.version, heard=self.heard, errors=self.errors)


def _checked(settings: dict[str, Any]) -> tuple[DeviceSettings, dict[str, str]]:
    try:
        return DeviceSettings.model_validate(settings), {}
    except ValidationError as problem:
        found = problem.errors(include_input=False, include_url=False)
        return DeviceSettings(), {str(one["loc"][0])[:64]: one["msg"][:_LONGEST] for one in found[:20]}
