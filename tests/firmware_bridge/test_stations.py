"""A kiosk's program and a cabinet's doors over the wire: what they tell comes out at the desks and in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

import dispatch.stations.model  # noqa: F401 - its tables are made with the others
from dispatch.custody.ledger import Ledger
from dispatch.custody.model import CustodyStanding
from dispatch.parcels.model import Parcel
from dispatch.parcels.service import ParcelService
from dispatch.stations.cells import DepositCheck
from dispatch.stations.model import KioskSending, SiteOutage, StationAlarm, StationCell
from dispatch.stations.service import Stations, build_stations
from firmware_bridge.device.kiosk_journal import DeviceJournal
from firmware_bridge.device.store import Fact
from firmware_bridge.server.dropoffs import DropOffHandler
from firmware_bridge.server.intake import Intake
from firmware_bridge.server.stations import station_handlers
from firmware_bridge.server.wire_report import DeviceWire, keep_outages
from kernel.clock import ManualClock
from kernel.ids import SeededIds
from lockers.book import Door, Occupancy
from lockers.compartments import CompartmentSize
from lockers.dropoffs import ItemClass
from lockers.kiosk import Item, Weighing
from lockers.kiosk import Kiosk as KioskProgram
from lockers.registry.model import Site


class Hardware:
    """A printer that prints, a scale that weighs 640 g, a lock that opens."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def print_label(self, waybill: str, company: str) -> bool:
        """Print."""
        return True

    def weigh(self) -> Weighing:
        """Weigh."""
        return Weighing(640)

    def open(self, cell: str, txn: str) -> None:
        """Note one pulse."""
        self.opened.append(cell)


class CommandingDoors:
    """Takes every wish to open."""

    def open(self, session: Any, site_id: str, cell: str, actor: str, reason: str) -> str | None:
        """Pretend to have asked."""
        return "cmd"


@pytest.fixture
def stations(clock: ManualClock, ids: SeededIds) -> Stations:
    """Give the desks."""
    return build_stations(
        b"s" * 32, clock, ids, Ledger(ids, clock), ParcelService(ids, clock), opener=CommandingDoors()
    )


@pytest.fixture
def wired(any_server: Any, stations: Stations, clock: ManualClock, ids: SeededIds) -> Any:
    """Let the server's intake hand events to the desks."""
    handlers = {"parcel.dropped": DropOffHandler(ids, clock, "Asia/Shanghai")} | dict(station_handlers(stations))
    any_server.intake = Intake(any_server.database, any_server.keyring, clock, handlers)
    return any_server


@pytest.fixture
def device(wired: Any, enrolled: Callable[..., Any], new_kiosk: Callable[..., Any]) -> Any:
    """Give one enrolled device."""
    return new_kiosk(enrolled(wired))


def program(device: Any, hardware: Hardware) -> KioskProgram:
    """Start the kiosk's program over the device's own disk."""
    journal = DeviceJournal(device.agent.store, device.agent.record)
    return KioskProgram(journal, hardware, hardware, hardware, device.clock, {"A1": CompartmentSize.S})


def send(kiosk: KioskProgram, waybill: str) -> None:
    """Walk a customer up to the open door."""
    kiosk.begin(f"s-{waybill}", "rn-1")
    kiosk.declare(Item("sf", ItemClass.CLOTHING, 1, CompartmentSize.S, 600))
    kiosk.agree()
    kiosk.scan_label(kiosk.print_label(waybill))
    kiosk.weigh()
    kiosk.open_door()


def test_a_customers_session_at_a_kiosk_becomes_a_parcel_in_the_ledger(wired: Any, device: Any, stations: Any) -> None:
    """The kiosk's program, its outbox, the signed wire, the intake: the drop-off waits for a courier, once."""
    hardware = Hardware()
    kiosk = program(device, hardware)
    send(kiosk, "SF0000000001")
    kiosk.door_seen("A1", Door.OPEN)
    kiosk.door_seen("A1", Door.CLOSED, Occupancy.OCCUPIED)
    kiosk.receipt()
    batch = wired.take(device.step())
    wired.take(device.step(after_s=10))  # sent again: the same facts
    assert batch.put_aside == 0
    with wired.database.read() as session:
        parcel = session.scalars(select(Parcel)).one()
        standing = session.get_one(CustodyStanding, parcel.id)
        assert (standing.next_step, standing.custodian) == ("collect", "site:qj-kiosk-017")
        sending = session.scalars(select(KioskSending)).one()
        assert (sending.waybill, sending.company_id) == ("SF0000000001", "sf")


def test_a_power_cut_at_the_open_door_waits_for_a_person_at_the_server(wired: Any, device: Any, stations: Any) -> None:
    """The restarted kiosk tells that nothing certain was seen; the server has an alarm and the session to settle."""
    hardware = Hardware()
    send(program(device, hardware), "SF0000000002")
    again = program(device, hardware)
    wired.take(device.step())
    assert (hardware.opened, again.state.session.state) == (["A1"], "unclear")
    with wired.database.read() as session:
        assert session.scalars(select(KioskSending.state)).one() == "unclear"
        assert session.scalars(select(StationAlarm.kind)).all() == ["session_unclear"]


@pytest.fixture
def cabinet(wired: Any, device: Any, stations: Stations) -> str:
    """Make the site a cabinet in whose box a parcel is about to be put; give the parcel's id."""
    with wired.database.begin() as session:
        site = session.get_one(Site, "qj-kiosk-017")
        site.kind = "cabinet"
        parcel = Parcel(
            id="00000000-0000-7000-8000-000000000009", region=site.region, company_id="sf", waybill="SF9", piece=1,
            pieces=1, product="village_standard", recipient_name="李", recipient_phone="15400000001", address="村",
            place_id="v-1", weight_g=600, volume_cm3=5000, due_day=date(2026, 3, 4), imported_at=wired.clock.now(),
            channel="cabinet", channel_site_id=site.id, consent_reference="C-1",
        )  # fmt: skip
        session.add(parcel)
        session.flush()
        stations.cells.deposit(session, site, parcel, DepositCheck(), "courier:c-1")
    return "00000000-0000-7000-8000-000000000009"


def door(device: Any, wired: Any, type_: str, **body: object) -> None:
    """Let the device tell of a door and the server take it in."""
    device.agent.record(Fact("door", type_, {"target": "S-01"} | body))
    assert wired.take(device.step()).put_aside == 0


def test_a_cabinets_doors_fill_and_empty_a_cell(wired: Any, device: Any, cabinet: str) -> None:
    """Door open, shut on a parcel: deposited. Opened by an offline code, shut on nothing: collected, in the ledger."""
    door(device, wired, "door.opened")
    door(device, wired, "door.closed", inside="occupied")
    device.agent.record(Fact("access", "access.granted", {"target": "S-01", "parcel_id": cabinet}))
    door(device, wired, "door.opened")
    door(device, wired, "door.closed", inside="empty")
    with wired.database.read() as session:
        assert session.get_one(CustodyStanding, cabinet).status == "collected"
        assert session.get_one(StationCell, ("qj-kiosk-017", "S-01")).book == "free"


def test_a_door_that_opens_and_shuts_within_one_batch_keeps_its_order(wired: Any, device: Any, cabinet: str) -> None:
    """Doors whose words arrive together after an outage are believed in the order in which they moved."""
    for number, type_ in enumerate(("door.opened", "door.closed") * 2):
        inside = {"inside": "occupied" if number < 2 else "empty"} if type_ == "door.closed" else {}
        device.agent.record(Fact("door", type_, {"target": "S-01"} | inside))
    assert wired.take(device.step()).put_aside == 0
    with wired.database.read() as session:
        assert session.get_one(CustodyStanding, cabinet).status == "collected"


def test_a_door_opened_by_hand_is_forced(wired: Any, device: Any, cabinet: str) -> None:
    """A stored parcel's door that opens by hand is an alarm and a dispute, whatever the book hoped for."""
    door(device, wired, "door.opened")
    door(device, wired, "door.closed", inside="occupied")
    door(device, wired, "door.opened", by_hand=True)
    with wired.database.read() as session:
        assert session.get_one(StationCell, ("qj-kiosk-017", "S-01")).book == "disputed"
        assert session.scalars(select(StationAlarm.kind)).all() == ["forced"]


def test_wire_health_is_counted_by_site(wired: Any, device: Any) -> None:
    """A message that cannot be used counts as a fault of its site and day."""
    device.agent.record(Fact("parcel", "parcel.dropped", {"waybill": "X"}))
    wired.take(device.step())
    now = wired.clock.now()
    with wired.database.read() as session:
        day = DeviceWire().of_day(session, ["qj-kiosk-017"], now.replace(hour=0), now.replace(hour=23, minute=59))
        assert (day["qj-kiosk-017"].faults, day["qj-kiosk-017"].commands) == (1, 0)


def test_an_outage_is_kept_from_the_last_word_until_the_device_is_back(wired: Any, device: Any) -> None:
    """A device nobody heard for two hours is out since its last word; when it is back, the outage has its end."""
    from firmware_bridge.server.model import DevicePresence

    heard = wired.clock.now()
    fields = {"store": "abcd", "boot": 1, "connection": 1, "firmware": "f", "description": "", "connects": []}
    with wired.database.begin() as session:
        row = DevicePresence(device_id="qj-kiosk-017", state="outage", since=heard, heard_at=heard, **fields)
        session.add(row)
        session.flush()
        keep_outages(session)
        keep_outages(session)
        wired.clock.advance(9000)
        row.state, row.since, row.heard_at = "online", wired.clock.now(), wired.clock.now()
        session.flush()
        keep_outages(session)
        outage = session.scalars(select(SiteOutage)).one()
        assert (outage.began_at, (outage.ended_at - outage.began_at).total_seconds()) == (heard, 9000)
