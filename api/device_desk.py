"""What people do with devices from the office: settings, lists, reports, releases, rollouts."""

from __future__ import annotations

from dataclasses import dataclass

from api.services import Services
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.configuration import ConfigDesk
from firmware_bridge.server.enrolment import Keyring
from firmware_bridge.server.local_lists import ListDesk
from firmware_bridge.server.releases import ReleaseShelf
from firmware_bridge.server.rollouts import RolloutDesk
from kernel.settings import keep_secret


@dataclass(frozen=True)
class DeviceDesk:
    """The desks of the bridge, for use without a bridge: what they write is carried out by the one that runs."""

    keyring: Keyring
    commands: CommandDesk
    configs: ConfigDesk
    lists: ListDesk
    rollouts: RolloutDesk
    shelf: ReleaseShelf


def device_desk(services: Services) -> DeviceDesk:
    """Return the desks over the services' database."""
    home, clock = services.settings.home, services.clock
    keyring = Keyring(services.database, keep_secret(home / "devices.secret").encode(), clock)
    configs = ConfigDesk(clock)
    return DeviceDesk(
        keyring=keyring,
        commands=CommandDesk(services.database, keyring, clock, services.ids),
        configs=configs,
        lists=ListDesk(),
        rollouts=RolloutDesk(clock, configs),
        shelf=ReleaseShelf(home / "releases", clock),
    )
