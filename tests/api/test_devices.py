"""What kiosks take in after publishing finds its way onto a route by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from api.demo_sites import demo_sites, register_sites
from api.devices import DropOffDesk, find_broker, start_broker
from api.errors import UserExistsError
from api.services import Services
from dispatch.custody.events import NewCustodyEvent
from dispatch.parcels.service import NewCollection
from dispatch.plans.repository import PlanRepository
from dispatch.plans.service import Planner
from dispatch.plans.summary import VersionSummary
from firmware_bridge.broker.launcher import answers
from firmware_bridge.broker.mosquitto import find_mosquitto


def _drop_off(services: Services, region: str, number: int = 1) -> str:
    """Let a customer leave a parcel at the kiosk, as the bridge stores it."""
    new = NewCollection(
        region=region, company_id="yunlu", waybill=f"KIOSK{number}", place_id="429005100201", product="return",
        due_day=services.clock.now().date(), weight_g=800, volume_cm3=3000, channel="cabinet",
        channel_site_id="kiosk-1", lon=112.912, lat=30.412,
    )  # fmt: skip
    with services.database.begin() as session:
        parcel_id = services.parcels.register_collection(session, new)
        accepted = NewCustodyEvent(
            "accepted_from_sender", services.clock.now(), "device:kiosk-1", parcel_id, place="site:kiosk-1",
            from_custodian="sender", to_custodian="site:kiosk-1",
        )  # fmt: skip
        services.ledger.append(session, accepted)
    return parcel_id


@pytest.fixture
def is_planned(services: Services, published: VersionSummary) -> Callable[[str], bool]:
    """Give a way to wait until a parcel is on a route in force."""

    def look(parcel_id: str) -> bool:
        pause = threading.Event()
        for _ in range(200):
            with services.database.read() as session:
                repository = PlanRepository(session)
                current = repository.publication(published.plan_id)
                if current is not None and repository.planned_parcels(current.version_id, [parcel_id]):
                    return True
            pause.wait(0.05)
        return False

    return look


def test_a_hint_puts_a_drop_off_on_a_route(
    services: Services, published: VersionSummary, is_planned: Callable[[str], bool]
) -> None:
    """As soon as the bridge says that a drop-off is stored, it joins the route that passes."""
    with DropOffDesk(services, services.planner, sweep_s=60) as desk:
        parcel = _drop_off(services, published.region)
        desk.hint(parcel)
        assert is_planned(parcel)


def test_a_lost_hint_is_made_up_for(
    services: Services, published: VersionSummary, is_planned: Callable[[str], bool]
) -> None:
    """A drop-off that was stored just before the server stopped is inserted when it starts again."""
    parcel = _drop_off(services, published.region)
    with DropOffDesk(services, services.planner, sweep_s=60):
        assert is_planned(parcel)


def test_the_desk_looks_again_from_time_to_time(
    services: Services, published: VersionSummary, is_planned: Callable[[str], bool]
) -> None:
    """Even without any hint a waiting drop-off is found."""
    with DropOffDesk(services, services.planner, sweep_s=0.1):
        assert is_planned(_drop_off(services, published.region))


def test_one_broken_drop_off_does_not_stop_the_desk(
    services: Services, published: VersionSummary, is_planned: Callable[[str], bool]
) -> None:
    """When the insertion of one drop-off fails, the next ones are still inserted."""

    class _Stumbling:
        def __init__(self, planner: Planner) -> None:
            self.planner, self.stumbled = planner, False

        def insert_waiting(self, *arguments: object, **named: object) -> object:
            return self.planner.insert_waiting(*arguments, **named)  # type: ignore[arg-type]

        def insert_collections(self, *arguments: object, **named: object) -> object:
            if not self.stumbled:
                self.stumbled = True
                raise UserExistsError("no matter what")
            return self.planner.insert_collections(*arguments, **named)  # type: ignore[arg-type]

    stumbling = _Stumbling(services.planner)
    with DropOffDesk(services, stumbling, sweep_s=60) as desk:  # type: ignore[arg-type]
        desk.hint(_drop_off(services, published.region, 1))
        while not stumbling.stumbled:
            threading.Event().wait(0.01)
        second = _drop_off(services, published.region, 2)
        desk.hint(second)
        assert is_planned(second)


@pytest.mark.integration
def test_our_broker_is_found_and_stopped(services: Services) -> None:
    """A second program finds the broker the first one started; stopping it leaves nothing behind."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    assert find_broker(services.settings) is None
    broker = start_broker(services, port=0)
    try:
        found = find_broker(services.settings)
        assert found is not None
        assert found.address == broker.address
    finally:
        broker.stop()
    assert find_broker(services.settings) is None
    assert not answers(broker.address, timeout_s=0.3)


def test_a_foreign_broker_is_used_as_set(services: Services) -> None:
    """When the settings name a broker, that one is used and none is started."""
    settings = services.settings.model_copy(update={"broker_url": "mqtt://broker.example:1884"})
    found = start_broker(replace(services, settings=settings))
    assert (found.kind, found.address.port) == ("foreign", 1884)


def test_demo_sites_stand_where_people_live(services: Services, two_villages: str) -> None:
    """Every located place of an invented county gets a station and a cabinet, and registering again adds none."""
    region = services.regions.load(two_villages)
    sites = demo_sites(region, services.clock, kiosks=3)
    assert {site.place_id for site in sites} == {place.id for place in region.located_places}
    with services.database.begin() as session:
        kiosks = register_sites(session, two_villages, sites)
    with services.database.begin() as session:
        assert register_sites(session, two_villages, demo_sites(region, services.clock, kiosks=3)) == kiosks
    assert len(kiosks) == 3
