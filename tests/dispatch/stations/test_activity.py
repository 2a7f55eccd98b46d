"""The activity report fed from the ledger: what counts, what is restated, what is grouped."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from dispatch.custody.events import NewCustodyEvent
from dispatch.stations.activity import region_report, report_csv, report_document
from dispatch.stations.sending import Inspected, note_outage
from lockers.activity import METRICS
from lockers.dropoffs import DropOff
from lockers.registry.model import Site

DAY = date(2026, 3, 4)
ZONE = "Asia/Shanghai"
KIOSK = "kiosk-1"


@pytest.fixture
def day(county: Any, stations: Any) -> Any:
    """Give a kiosk's morning: three parcels dropped, and a way to ask for the report."""
    with county.begin() as session:
        session.execute(update(Site).where(Site.id != KIOSK).values(scene="station"))
        site = session.get_one(Site, KIOSK)
        parcels = [
            stations.sending.take_in(
                session, site,
                DropOff.model_validate(
                    {"waybill": f"KB{number:04d}", "company": "yunlu", "weight_g": 640, "size": "S",
                     "compartment": "A1", "item_class": "clothing", "proof": "rn-1",
                     "return_platform": "taobao" if number == 0 else None}
                ),
                "device:kiosk-1", DAY,
            )
            for number in range(3)
        ]  # fmt: skip

    def ask(by: str = "branch", on: date = DAY, kind: str = "all") -> Any:
        with county.read() as session:
            now = stations.journal._clock.now()
            return region_report(session, "demo", on, ZONE, now, by, kind=kind)  # type: ignore[arg-type]

    ask.parcels = parcels  # type: ignore[attr-defined]
    return ask


def close(county: Any, stations: Any, accepted: str, refused: str) -> None:
    """Let a courier accept one and refuse one."""
    with county.begin() as session:
        run = stations.sending.begin_collection(session, session.get_one(Site, KIOSK), "c-1")
        run.dropped = sorted([accepted, refused])
        words = [
            Inspected("11111111-0000-7000-8000-000000000001", accepted, True, inspected=True),
            Inspected("11111111-0000-7000-8000-000000000002", refused, False, cause="PROHIBITED"),
        ]
        stations.sending.close_collection(session, run, DAY, words)


def test_a_kiosks_day_from_drop_to_collection(county: Any, stations: Any, day: Any) -> None:
    """Three dropped, one accepted after two hours, one refused, one still open with its age."""
    stations.journal._clock.advance(7200)
    close(county, stations, day.parcels[0], day.parcels[1])
    stations.journal._clock.advance(3600)
    report = day()
    row = report.total
    assert (row.installed, row.active, row.drop_offs, row.collected, row.refused) == (2, 1, 3, 1, 1)
    assert (row.hours_median, row.hours_p90, row.open, row.oldest_open_hours) == (2, 2, 1, 3)
    assert (dict(report.refusals), dict(report.returns)) == ({"PROHIBITED": 1}, {"taobao": 1})
    assert report.open_drops == (day.parcels[2],)
    assert report.total.wire_faults == 0


def test_a_corrected_drop_off_is_not_counted(county: Any, stations: Any, day: Any) -> None:
    """A drop-off that was reported by mistake and corrected counts in no day."""
    from dispatch.custody.repository import CustodyRepository

    clock = stations.journal._clock
    clock.advance(60)
    with county.begin() as session:
        (fact,) = CustodyRepository(session).facts(day.parcels[2])
        told = NewCustodyEvent("corrected", clock.now(), "user:office", parcel_id=day.parcels[2],
                               corrects=fact.event_id, body={"void": True})  # fmt: skip
        stations.cells._ledger.append(session, told)
        found = CustodyRepository(session).facts(day.parcels[0])
        assert len(found) == 1
    assert day().total.drop_offs == 2


def test_groups_by_branch_scene_and_device_add_up(day: Any) -> None:
    """By township, by scene, by device: the groups' figures add up to the total."""
    for by, groups in (("branch", ["v1"]), ("scene", ["station", "village_service_point"]),
                       ("device", ["kiosk-1", "station-1"])):  # fmt: skip
        report = day(by)
        assert [row.group for row in report.groups] == groups
        assert sum(row.drop_offs for row in report.groups) == report.total.drop_offs == 3


def test_kiosks_and_stations_are_reported_apart(day: Any) -> None:
    """The share of active kiosks is of kiosks: stations that could also take parcels in do not thin it out."""
    assert [float(day(kind=kind).total.active_share) for kind in ("kiosk", "station", "all")] == [1.0, 0.0, 0.5]


def test_time_out_of_service_is_taken_off(county: Any, stations: Any, day: Any) -> None:
    """A kiosk in maintenance is not eligible that day; an outage of an hour is an hour off the uptime."""
    clock = stations.journal._clock
    with county.begin() as session:
        note_outage(session, KIOSK, "outage", clock.now(), began=True)
        note_outage(session, "station-1", "maintenance", clock.now(), began=True)
    clock.advance(3600)
    with county.begin() as session:
        note_outage(session, KIOSK, "outage", clock.now(), began=False)
    clock.advance(86_400)
    row = day().total
    assert (row.installed, row.eligible) == (2, 1)
    assert float(row.uptime) == pytest.approx(23 / 24)
    assert row.repair_hours == 1


def test_a_late_report_restates_an_earlier_day(stations: Any, day: Any) -> None:
    """The report of yesterday asked today says as of today, and counts what came late."""
    stations.journal._clock.advance(2 * 86_400)
    report = day()
    assert (report.day, report.total.drop_offs, report.total.open) == (DAY, 3, 3)
    assert report.as_of - timedelta(days=2) < stations.journal._clock.now()
    assert day(on=DAY + timedelta(days=1)).total.drop_offs == 0


def test_the_report_is_written_as_csv_and_json(day: Any) -> None:
    """One row per group and one for the total, with every metric; JSON carries the definitions."""
    report = day("device")
    rows = list(csv.DictReader(io.StringIO(report_csv(report))))
    assert [row["group"] for row in rows] == ["kiosk-1", "station-1", "total"]
    assert set(METRICS) < set(rows[0])
    assert rows[0]["drop_offs"] == "3"
    document = report_document(report)
    assert set(document["definitions"]) == set(METRICS)
    assert document["total"]["active_share"] == 0.5
