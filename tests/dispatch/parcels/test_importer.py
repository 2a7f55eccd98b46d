"""Importing a day: good rows once, bad rows kept, a file that fails leaves no trace."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyEvent, CustodyStanding
from dispatch.custody.whereabouts import where_is
from dispatch.errors import (
    ManifestArchiveError,
    ManifestEmptyError,
    ManifestEncodingError,
    ManifestError,
    ManifestMalformedError,
    ManifestTooLargeError,
    ProductUnknownError,
)
from dispatch.parcels.generator import generate_manifest, write_manifest_csv
from dispatch.parcels.manifest.importer import ImportOptions, ImportReport, ManifestImporter
from dispatch.parcels.manifest.table import ManifestLimits
from dispatch.parcels.model import Company, ManifestImport, Parcel, RejectedRow
from kernel.clock import ManualClock
from kernel.db import Base, Database
from kernel.events import events_after
from kernel.ids import SeededIds

Importing = Callable[..., ImportReport]
CsvOf = Callable[..., bytes]


def _contents(session: Session) -> dict[str, int]:
    """Count the rows of every table."""
    return {
        name: session.scalar(select(func.count()).select_from(table)) or 0
        for name, table in Base.metadata.tables.items()
    }


def _whole_rows(session: Session) -> list[tuple[object, ...]]:
    return [tuple(row) for row in session.execute(select(Parcel.__table__).order_by(Parcel.id))]


def test_a_good_row_becomes_a_parcel_its_company_announced(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """A parcel is stored with village and sizes, and the ledger says that its company still has it."""
    report = importing(csv_of([row]))
    assert (report.added, report.rejected, report.companies_added) == (1, 0, ("yunlu",))
    with database.read() as session:
        parcel = session.scalars(select(Parcel)).one()
        assert (parcel.place_id, parcel.weight_g, parcel.volume_cm3) == ("v1", 900, 5400)
        assert (parcel.channel, parcel.due_day, parcel.product) == ("door", date(2026, 3, 4), "village_standard")
        (answer,) = where_is(session, "YL0000001")
        assert (answer.state.who, answer.state.next_step) == ("company:yunlu", "await_arrival")
        assert session.scalars(select(CustodyEvent.device_id)).all() == [None]
        kinds = [event.kind for event in events_after(session, 0)]
        assert kinds == ["parcels.manifest_imported"]


def test_m_01_bad_rows_come_back_with_line_column_and_remedy_and_good_ones_are_kept(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """Two wrong rows between good ones are named cell by cell and wait, masked, for a person."""
    bad = row | {"waybill": "YL0000002", "village": "石乔村", "recipient_phone": "12345", "recipient_name": "欧阳小龙"}
    report = importing(csv_of([row, bad, row | {"waybill": "YL0000003"}, row | {"waybill": "", "address": ""}]))
    assert (report.rows_read, report.added, report.rejected) == (4, 2, 2)
    found = [(problem.line, problem.column, problem.code, problem.value) for problem in report.problems]
    assert found == [
        (3, "recipient_phone", "phone_form", "*****"),
        (3, "village", "village_unknown", "石乔村"),
        (5, "waybill", "required_missing", ""),
        (5, "address", "required_missing", ""),
    ]
    assert report.problems[1].candidates == ("v1",)
    assert all(problem.remedy for problem in report.problems)
    with database.read() as session:
        kept = session.scalars(select(RejectedRow).order_by(RejectedRow.line)).all()
        assert [waiting.line for waiting in kept] == [3, 5]
        assert kept[0].cells["recipient_phone"] == "12345"
        assert "欧阳小龙" not in str(kept[0].problems)


def test_m_01_the_same_file_again_changes_nothing(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str], clock: ManualClock
) -> None:
    """Importing a file twice, even a day later and with bad rows in it, leaves every table as it was."""
    data = csv_of([row, row | {"waybill": "YL0000002"}, row | {"waybill": "!"}])
    first = importing(data)
    with database.read() as session:
        before, rows_before = _contents(session), _whole_rows(session)
    clock.advance(86_400)
    again = importing(data, day=date(2026, 3, 5))
    with database.read() as session:
        assert (_contents(session), _whole_rows(session)) == (before, rows_before)
    assert (again.added, again.unchanged, again.rejected) == (0, 2, 1)
    assert again.import_id == first.import_id


def test_m_01_a_changed_row_is_reported_and_not_overwritten(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """A row that now says another name and weight is listed with both values, masked; the parcel stays."""
    importing(csv_of([row]))
    report = importing(csv_of([row | {"recipient_name": "王大明", "weight_g": "1500"}]), "corrected.csv")
    assert (report.added, report.differing) == (0, 1)
    assert [(problem.column, problem.code) for problem in report.problems] == [
        ("recipient_name", "differs"),
        ("weight_g", "differs"),
        ("volume_cm3", "differs"),
    ]
    assert "李**" in report.problems[0].message
    assert "王大明" not in report.problems[0].message
    with database.read() as session:
        assert session.scalars(select(Parcel.recipient_name)).all() == ["李小龙"]


def test_the_same_piece_twice_in_one_file_counts_once(importing: Importing, csv_of: CsvOf, row: dict[str, str]) -> None:
    """A doubled line is passed over; a doubled waybill with other content is reported with the first line."""
    report = importing(csv_of([row, row, row | {"address": "石桥村9号"}]))
    assert (report.added, report.unchanged, report.differing) == (1, 1, 1)
    assert "line 2" in report.problems[0].message


def test_pieces_of_one_waybill_are_parcels_of_their_own(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """Three pieces under one waybill are three parcels; the fourth of three is a mistake."""
    pieces = [row | {"piece": str(number), "pieces": "3"} for number in (1, 2, 3, 4)]
    report = importing(csv_of(pieces))
    assert (report.added, [problem.code for problem in report.problems]) == (3, ["pieces_order"])
    with database.read() as session:
        assert len(where_is(session, "YL0000001")) == 3


def test_two_companies_may_use_the_same_number(importing: Importing, csv_of: CsvOf, row: dict[str, str]) -> None:
    """A waybill number is unique within its company only."""
    assert importing(csv_of([row, row | {"company": "hefeng"}])).added == 2


@pytest.mark.parametrize("channel", ["station", "驿站"])
def test_law_02_no_station_without_consent(
    checking: Importing, csv_of: CsvOf, row: dict[str, str], channel: str
) -> None:
    """A row that wants a station without the recipient's consent waits, and says how to go on."""
    (problem,) = checking(csv_of([row | {"channel": channel, "consent": ""}])).problems
    assert (problem.code, problem.column) == ("consent_missing", "consent")
    assert "door" in problem.remedy
    assert checking(csv_of([row | {"channel": channel, "consent": "C0001"}])).added == 1


def test_law_01_no_cabinet_without_consent(checking: Importing, csv_of: CsvOf, row: dict[str, str]) -> None:
    """A row that wants a cabinet without consent is refused; the same row to the door is accepted."""
    (problem,) = checking(csv_of([row | {"channel": "cabinet"}])).problems
    assert problem.code == "consent_missing"
    assert checking(csv_of([row | {"channel": "door"}])).added == 1


def test_law_01_a_sender_needs_no_recipients_consent(checking: Importing, csv_of: CsvOf, row: dict[str, str]) -> None:
    """A parcel to be collected from a cabinet is the sender's own choice."""
    sender = {name: row[name] for name in ("company", "waybill", "village", "weight_g")}
    assert checking(csv_of([sender | {"direction": "collect", "channel": "cabinet"}])).added == 1


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"company": "云"}, "company", "company_unknown"),
        ({"company": ""}, "company", "required_missing"),
        ({"product": "carrier_pigeon"}, "product", "product_unknown"),
        ({"product": "cod"}, "product", "product_unknown"),
        ({"product": "document_one_to_one"}, "window_start", "window_missing"),
        ({"channel": "cabinet", "consent": "C1", "product": "fresh"}, "channel", "channel_not_allowed"),
        ({"channel": "cabinet", "consent": "C1", "cod": "20"}, "channel", "channel_not_allowed"),
        ({"site": "sh-01"}, "site", "site_without_channel"),
        ({"channel": "station", "consent": "C1", "site": "sh-99"}, "site", "site_unknown"),
        ({"village": "新建村"}, "village", "village_ambiguous"),
        ({"village": ""}, "village", "required_missing"),
        ({"weight_g": ""}, "weight_kg", "required_missing"),
        ({"weight_g": "-3"}, "weight_g", "number_range"),
        ({"lon": "112.8"}, "lat", "position_incomplete"),
        ({"lon": "30.4", "lat": "112.8"}, "lat", "position_out_of_range"),
        ({"lon": "0", "lat": "0"}, "lon", "position_out_of_range"),
        ({"lon": "112.8", "lat": "30.4", "datum": "mars"}, "datum", "datum_unknown"),
        ({"window_start": "9:00"}, "window_end", "window_incomplete"),
        ({"window_start": "12:00", "window_end": "9:00"}, "window_end", "window_order"),
        ({"address": "@SUM(A1)"}, "address", "formula_cell"),
        ({"address": '=HYPERLINK("http://x")'}, "address", "formula_cell"),
        ({"recipient_name": "李\u202e龙"}, "recipient_name", "control_character"),
        ({"direction": "sideways"}, "direction", "direction_unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_wrong_cell_is_named(
    checking: Importing, csv_of: CsvOf, row: dict[str, str], change: dict[str, str], column: str, code: str
) -> None:
    """Each mistake brings exactly one problem, at its own column."""
    report = checking(csv_of([row | change]), site_ids={"sh-01"})
    assert [(problem.column, problem.code) for problem in report.problems] == [(column, code)]
    assert report.rejected == 1


@pytest.mark.parametrize("nothing", ["", "-", "/", "无", "N/A"])
def test_a_dash_means_nothing(checking: Importing, csv_of: CsvOf, row: dict[str, str], nothing: str) -> None:
    """People write a dash, a slash or 无 where there is nothing; an empty cell is the same."""
    assert checking(csv_of([row | {"cod": nothing, "lon": nothing, "lat": nothing, "consent": nothing}])).added == 1
    (problem,) = checking(csv_of([row | {"address": nothing}])).problems
    assert (problem.column, problem.code) == ("address", "required_missing")


def test_a_row_with_too_many_cells_is_not_guessed(checking: Importing, csv_of: CsvOf, row: dict[str, str]) -> None:
    """An unquoted comma inside an address shifts everything after it; the row is refused as a whole."""
    data = csv_of([row]) + "yunlu,YL0000009,李,15412345678,石桥村,1组,石桥村,900\n".encode()
    report = checking(data)
    assert report.added == 1
    assert "extra_cells" in {problem.code for problem in report.problems}


def test_a_line_with_a_stray_quote_is_a_problem_of_its_own(
    importing: Importing, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """A line that cannot even be split into cells is listed with its number."""
    report = importing(csv_of([row]) + b'yunlu,"YL"2,x,x,x,x,900\n')
    assert [(problem.line, problem.code) for problem in report.problems] == [(3, "row_malformed")]


def test_exact_positions_are_kept_and_far_ones_are_doubted(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """A position near its village is exact; one in another county is kept but marked as doubtful."""
    near, far = {"lon": "112.801", "lat": "30.401"}, {"lon": "113.801", "lat": "30.401"}
    importing(csv_of([row | near, row | far | {"waybill": "YL0000002"}, row | {"waybill": "YL0000003"}]))
    with database.read() as session:
        found = session.execute(select(Parcel.position_confidence, Parcel.lon).order_by(Parcel.waybill)).all()
    assert [tuple(one) for one in found] == [("exact", 112.801), ("doubtful", 113.801), ("village", None)]


def test_m_02_another_datum_is_converted_and_remembered(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """A position from a Chinese map is stored in WGS-84, half a kilometre away, with the datum it came in."""
    given = {"lon": "112.806", "lat": "30.398"}
    rows = [
        row | given | {"datum": datum, "waybill": f"YL000000{number}"}
        for number, datum in enumerate(["wgs84", "高德", "bd09"])
    ]
    importing(csv_of(rows))
    assert importing(csv_of(rows)).unchanged == 3
    with database.read() as session:
        plain, gcj, bd = session.execute(select(Parcel.lon, Parcel.lat, Parcel.datum).order_by(Parcel.waybill))
    assert [one.datum for one in (plain, gcj, bd)] == ["wgs84", "gcj02", "bd09"]
    assert plain.lon == 112.806
    assert 0.003 < plain.lon - gcj.lon < 0.008 < plain.lon - bd.lon < 0.016


def test_companies_are_not_invented_unless_allowed(checking: Importing, csv_of: CsvOf, row: dict[str, str]) -> None:
    """A mistyped company is a problem when registration by import is switched off."""
    (problem,) = checking(csv_of([row]), register_companies=False).problems
    assert problem.code == "company_unknown"


def test_a_company_may_be_written_by_its_name(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """A registered company is recognised by its Chinese name; a file of one company needs no such column."""
    with database.begin() as session:
        session.add(Company(id="yunlu", name="云鹿速递"))
    assert importing(csv_of([row | {"company": "云鹿速递"}]), register_companies=False).added == 1
    alone = {name: text for name, text in row.items() if name != "company"} | {"waybill": "YL0000002"}
    assert importing(csv_of([alone]), default_company="yunlu").added == 1
    with database.read() as session:
        assert set(session.scalars(select(Parcel.company_id))) == {"yunlu"}


def test_api_15_a_company_cannot_bring_in_anothers_parcels(
    checking: Importing, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """A partner's upload is limited to its own parcels."""
    report = checking(csv_of([row, row | {"company": "hefeng", "waybill": "HF0001"}]), only_company="yunlu")
    assert (report.added, [problem.code for problem in report.problems]) == (1, ["company_not_allowed"])


def test_a_preview_writes_nothing(
    checking: Importing, sqlite_database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """Looking at a file before importing it gives the same report and changes no table."""
    with sqlite_database.read() as session:
        before = _contents(session)
    report = checking(csv_of([row, row | {"waybill": "!"}]))
    assert (report.import_id, report.added, report.rejected) == (None, 1, 1)
    with sqlite_database.read() as session:
        assert _contents(session) == before


@pytest.mark.parametrize("kind", ["empty", "cut quote", "wrong encoding", "too many rows", "cut zip", "late bad byte"])
def test_a_file_that_fails_leaves_the_database_as_it_was(
    database: Database, importing: Importing, csv_of: CsvOf, xlsx_of: Callable[..., bytes], row: dict[str, str],
    options: ImportOptions, ids: SeededIds, clock: ManualClock, kind: str,
) -> None:  # fmt: skip
    """Even when thousands of good rows were read before the file broke, nothing of it remains."""
    many = [row | {"waybill": f"YL{number:07d}"} for number in range(2_500)]
    good = csv_of(many)
    broken: dict[str, tuple[Callable[[], bytes], type[ManifestError]]] = {
        "empty": (lambda: b"", ManifestEmptyError),
        "cut quote": (lambda: good + b'yunlu,"YL9', ManifestMalformedError),
        "wrong encoding": (lambda: good.decode().encode("utf-16"), ManifestEncodingError),
        "too many rows": (lambda: good, ManifestTooLargeError),
        "cut zip": (lambda: xlsx_of([list(row), *(list(one.values()) for one in many)])[:-200], ManifestArchiveError),
        "late bad byte": (lambda: good + b"\xff\xff\n", ManifestEncodingError),
    }
    make, error = broken[kind]
    with database.read() as session:
        before = _contents(session)
    importer = ManifestImporter(ids, clock, ManifestLimits(max_rows=2_499 if kind == "too many rows" else 10_000))
    with pytest.raises(error), database.begin() as session:
        importer.run(session, make(), "day", options)
    with database.read() as session:
        assert _contents(session) == before


def test_an_empty_product_table_is_said_to_be_empty(
    sqlite_database: Database, options: ImportOptions, ids: SeededIds, clock: ManualClock, csv_of: CsvOf,
    row: dict[str, str],
) -> None:  # fmt: skip
    """Importing before the products were seeded fails with the remedy, not with three thousand bad rows."""
    with pytest.raises(ProductUnknownError, match="default"), sqlite_database.begin() as session:
        ManifestImporter(ids, clock).run(session, csv_of([row]), "day.csv", options)


def test_a_generated_day_imports_whole(importing: Importing, database: Database, county: object) -> None:
    """Three thousand generated parcels of five companies import without a single problem."""
    file = io.StringIO(newline="")
    write_manifest_csv(generate_manifest(county, 3_000, 5, 1, date(2026, 3, 4)), file)  # type: ignore[arg-type]
    report = importing(file.getvalue().encode("gb18030"))
    assert (report.added, report.problems) == (3_000, ())
    with database.read() as session:
        counts = _contents(session)
        assert (counts["parcel"], counts["custody_event"], counts["custody_standing"]) == (3_000, 3_000, 3_000)
        assert counts["manifest_import"] == 1
        statuses = session.execute(select(CustodyStanding.status, func.count()).group_by(CustodyStanding.status)).all()
        assert [tuple(one) for one in statuses] == [("announced", 3_000)]


def test_progress_is_told_while_reading(
    checking: Importing, sqlite_database: Database, options: ImportOptions, ids: SeededIds, clock: ManualClock,
    csv_of: CsvOf, row: dict[str, str],
) -> None:  # fmt: skip
    """Whoever waits for a long import hears how many rows were read."""
    told: list[int] = []

    def listen(stage: str, done: int, total: int | None = None, note: str = "") -> None:
        told.append(done)

    data = csv_of(row | {"waybill": f"YL{number:07d}"} for number in range(4_500))
    with sqlite_database.begin() as session:
        ManifestImporter(ids, clock).run(session, data, "day.csv", replace(options, check_only=True), listen)
    assert told == [2_000, 4_000, 4_500]


def test_a_report_can_be_written_as_json(checking: Importing, csv_of: CsvOf, row: dict[str, str]) -> None:
    """The report of an import is plain JSON, its list of problems cut where asked."""
    report = checking(csv_of([row | {"waybill": "!"}, row | {"waybill": "?"}]))
    shown = json.loads(json.dumps(report.as_dict(most_problems=1), ensure_ascii=False))
    assert (shown["rejected"], len(shown["problems"])) == (2, 1)
    assert shown["problems"][0]["remedy"]


def test_an_import_record_tells_what_was_read(
    importing: Importing, database: Database, csv_of: CsvOf, row: dict[str, str]
) -> None:
    """Later it is known who imported which file, in which encoding and with which mapping."""
    mapped = {"公司": "yunlu", **{name: text for name, text in row.items() if name != "company"}, "备注": "x"}
    report = importing(csv_of([mapped], encoding="gb18030"), "三月四日.csv")
    with database.read() as session:
        record = session.get_one(ManifestImport, report.import_id)
        assert (record.file_name, record.encoding, record.actor) == ("三月四日.csv", "gb18030", "user:dispatcher")
        assert record.mapping["company"] == "公司"
        assert (record.rows_read, record.rows_added) == (1, 1)
    assert report.ignored_columns == ("备注",)
