"""Importing a manifest: good rows become parcels once, bad rows wait, a file that fails leaves no trace."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.parcels.manifest.columns import COLUMNS
from dispatch.parcels.manifest.gazetteer import Gazetteer
from dispatch.parcels.manifest.problems import RowProblem
from dispatch.parcels.manifest.raw import RawRow
from dispatch.parcels.manifest.rows import Draft, RowReader, RowRules
from dispatch.parcels.manifest.table import ManifestLimits, Table, open_table
from dispatch.parcels.model import DELIVER, DIRECTIONS
from dispatch.parcels.repository import ParcelRepository, PieceKey
from dispatch.products.product import ServiceProduct
from dispatch.products.service import default_product, products_in_force
from kernel.clock import Clock
from kernel.events import append_event
from kernel.ids import Ids
from kernel.privacy import PersonalField, masked
from kernel.progress import Progress, silent

_BATCH_ROWS = 2_000
_JUDGED_POSITIONS = 400  # of one datum; a median over more says the same

Position = tuple[float, float]
PositionJudge = Callable[[str, Sequence[Position]], None]
"""Raises when positions (longitude, latitude) do not look as if they were in the datum they are declared in."""

# What may differ between a stored parcel and a row of a later file, with the manifest's column for it.
_COMPARED: Mapping[str, str] = {
    "pieces": "pieces",
    "direction": "direction",
    "product": "product",
    "recipient_name": "recipient_name",
    "recipient_phone": "recipient_phone",
    "address": "address",
    "place_id": "village",
    "lon": "lon",
    "lat": "lat",
    "channel": "channel",
    "channel_site_id": "site",
    "consent_reference": "consent",
    "weight_g": "weight_g",
    "volume_cm3": "volume_cm3",
    "due_day": "due_day",
    "window_start_s": "window_start",
    "window_end_s": "window_end",
    "declared_value_fen": "declared_value",
    "cod_fen": "cod",
    "region": "village",
}
_PERSONAL: Mapping[str, PersonalField] = {entry.name: entry.personal for entry in COLUMNS if entry.personal}


@dataclass(frozen=True)
class ImportOptions:
    """How a manifest is to be read.

    Parameters
    ----------
    region
        Name of the region the parcels belong to.
    day
        Due day of rows that state none.
    gazetteer
        Places of the region.
    actor
        Who imports, ``kind:id``.
    mapping
        Our column name to the file's header; other columns are mapped by their synonyms.
    register_companies
        Whether companies nobody registered are registered.
    default_company
        Company of rows that state none, for files of a single company.
    only_company
        The one company whose parcels may be in the file, when the importer belongs to it.
    site_ids
        Registered stations and cabinets, or None when they cannot be checked.
    check_only
        Whether to stop short of writing: a preview with the same report.
    judge_positions
        Asked once for each datum that rows declare.
    """

    region: str
    day: date
    gazetteer: Gazetteer
    actor: str
    mapping: Mapping[str, str] | None = None
    register_companies: bool = False
    default_company: str | None = None
    only_company: str | None = None
    site_ids: Collection[str] | None = None
    check_only: bool = False
    judge_positions: PositionJudge | None = None


@dataclass(frozen=True)
class ImportReport:
    """What became of a manifest.

    Parameters
    ----------
    import_id
        Record of the import; of the earlier one when the same file changed nothing; None for a preview.
    unchanged
        Rows stored before with the same content, or repeated within the file.
    differing
        Rows stored before with other content; nothing was overwritten.
    problems
        Every reason, by line; the rows themselves are kept in ``rejected_row``.
    """

    import_id: str | None
    file_name: str
    file_format: str
    encoding: str | None
    mapping: dict[str, str]
    ignored_columns: tuple[str, ...]
    rows_read: int
    added: int
    unchanged: int
    differing: int
    rejected: int
    companies_added: tuple[str, ...]
    problems: tuple[RowProblem, ...]

    def as_dict(self, most_problems: int | None = None) -> dict[str, Any]:
        """Return the report ready for JSON, with at most so many problems."""
        shown = {name: value for name, value in vars(self).items() if name != "problems"}
        problems = [problem.as_dict() for problem in self.problems[:most_problems]]
        return shown | {
            "ignored_columns": list(self.ignored_columns),
            "companies_added": list(self.companies_added),
            "problems": problems,
        }


@dataclass
class _RunState:
    import_id: str
    is_open: bool = False
    rows_read: int = 0
    added: int = 0
    unchanged: int = 0
    differing: int = 0
    rejected: int = 0
    companies_added: list[str] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    seen: dict[PieceKey, tuple[int, int]] = field(default_factory=dict)
    positions: dict[str, list[Position]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        return {
            "rows_read": self.rows_read,
            "rows_added": self.added,
            "rows_unchanged": self.unchanged,
            "rows_differing": self.differing,
            "rows_rejected": self.rejected,
        }


class ManifestImporter:
    """Imports manifests.

    Parameters
    ----------
    ids
        Makes ids of parcels, events and imports.
    clock
        Says when the import happens.
    limits
        How large a file may be.
    """

    def __init__(self, ids: Ids, clock: Clock, limits: ManifestLimits | None = None) -> None:
        self._ids = ids
        self._clock = clock
        self._limits = limits or ManifestLimits()

    def run(
        self, session: Session, data: bytes, file_name: str, options: ImportOptions, progress: Progress = silent
    ) -> ImportReport:
        """Import a manifest within the caller's transaction.

        Good rows become parcels with an ``announced`` custody event; bad rows are kept with their
        problems. A row is known by company, waybill and piece: the same file again changes nothing.

        Raises
        ------
        ManifestError
            One of its leaves, when the file as a whole cannot be used. Part of it may have been written
            to the transaction by then, so the caller must let the error end the transaction.
        ManifestMappingError
            If the mapping names a column that does not exist.
        ProductUnknownError
            If no service product in force is the default of a direction.

        Notes
        -----
        Whatever ``options.judge_positions`` raises ends the import too.
        """
        table = open_table(data, self._limits, options.mapping, default_company=options.default_company)
        repository = ParcelRepository(session)
        repository.one_import_at_a_time()
        rules = self._rules(session, repository, options)
        run = _Run(repository, Ledger(self._ids, self._clock), self._ids, self._clock, options, rules, table)
        digest = hashlib.sha256(data).hexdigest()
        run.header = {"file_name": file_name[:255], "file_digest": digest}
        while batch := list(islice(table.rows, _BATCH_ROWS)):
            run.take(session, batch)
            progress("rows", run.state.rows_read)
        run.judge_positions()
        return run.close(session)

    def _rules(self, session: Session, repository: ParcelRepository, options: ImportOptions) -> RowRules:
        products: dict[str, ServiceProduct] = products_in_force(session, options.day)
        return RowRules(
            day=options.day,
            gazetteer=options.gazetteer,
            products=products,
            defaults={direction: default_product(session, direction, options.day).code for direction in DIRECTIONS},
            companies=repository.company_names(),
            admit_companies=options.register_companies,
            default_company=options.default_company,
            only_company=options.only_company,
            site_ids=options.site_ids,
        )


class _Run:
    """One import under way."""

    def __init__(
        self,
        repository: ParcelRepository,
        ledger: Ledger,
        ids: Ids,
        clock: Clock,
        options: ImportOptions,
        rules: RowRules,
        table: Table,
    ) -> None:
        self._repository = repository
        self._ledger = ledger
        self._ids = ids
        self._options = options
        self._table = table
        self._reader = RowReader(table.columns, table.width, rules)
        self._companies = set(rules.companies.values())
        self._now: datetime = clock.now()
        self.header: dict[str, str] = {}
        self.state = _RunState(import_id=ids.new())

    def take(self, session: Session, batch: Sequence[RawRow]) -> None:
        """Read and store some rows."""
        state = self.state
        state.rows_read += len(batch)
        refused: dict[int, tuple[RawRow, list[RowProblem]]] = {}
        drafts: list[tuple[RawRow, Draft]] = []
        for raw in batch:
            outcome = self._reader.read(raw)
            if isinstance(outcome, Draft):
                drafts.append((raw, outcome))
                if outcome.given_position is not None:
                    state.positions.setdefault(outcome.values["datum"], []).append(outcome.given_position)
            else:
                refused[raw.line] = (raw, list(outcome))
                state.rejected += 1
        fresh = self._sorted_out(drafts, refused)
        for _, problems in refused.values():
            state.problems.extend(problems)
        if self._options.check_only:
            state.added += len(fresh)
            return
        self._store(session, fresh, refused)

    def _sorted_out(
        self, drafts: list[tuple[RawRow, Draft]], refused: dict[int, tuple[RawRow, list[RowProblem]]]
    ) -> list[Draft]:
        """Set aside rows that are known already; give the new ones."""
        stored = self._repository.stored_pieces([draft.key for _, draft in drafts], tuple(_COMPARED))
        fresh: list[Draft] = []
        for raw, draft in drafts:
            known = stored.get(draft.key)
            problems = self._repeated(draft) if known is None else self._differences(draft, known)
            if problems:
                self.state.differing += 1
                refused[raw.line] = (raw, problems)
            elif problems is not None:
                self.state.unchanged += 1
            else:
                fresh.append(draft)
        return fresh

    def _repeated(self, draft: Draft) -> list[RowProblem] | None:
        """Compare with the same piece earlier in the file; None when it is the first."""
        content = hash(tuple(draft.values.values()))
        line, earlier = self.state.seen.setdefault(draft.key, (draft.line, content))
        if line == draft.line:
            return None
        if earlier == content:
            return []
        said = f"line {line} of this file says something else about the same piece"
        return [self._reader.problem(draft.line, "waybill", "differs", said)]

    def _differences(self, draft: Draft, stored: tuple[Any, ...]) -> list[RowProblem]:
        given = draft.values | {"region": self._options.region}
        problems = []
        for (name, header), old in zip(_COMPARED.items(), stored, strict=True):
            if old == given[name] or (name == "due_day" and not draft.states_day):
                continue
            said = f"stored is {_shown(header, old)}, the file says {_shown(header, given[name])}"
            problems.append(self._reader.problem(draft.line, header, "differs", said))
        return problems

    def _store(
        self, session: Session, fresh: list[Draft], refused: Mapping[int, tuple[RawRow, list[RowProblem]]]
    ) -> None:
        state = self.state
        if not fresh and not refused:
            return
        if not state.is_open:
            self._repository.open_import(self._record())
            state.is_open = True
        self._add_parcels(session, fresh)
        self._repository.add_rejected(
            [
                {
                    "import_id": state.import_id,
                    "line": line,
                    "cells": self._reader.cells(raw),
                    "problems": [problem.as_dict() for problem in problems],
                }
                for line, (raw, problems) in refused.items()
            ]
        )

    def _add_parcels(self, session: Session, fresh: list[Draft]) -> None:
        state, options = self.state, self._options
        for company_id in sorted({draft.key[0] for draft in fresh} - self._companies):
            self._repository.add_company(company_id, company_id)
            self._companies.add(company_id)
            state.companies_added.append(company_id)
        shared = {"region": options.region, "imported_at": self._now, "import_id": state.import_id}
        rows = [draft.values | shared | {"id": self._ids.new()} for draft in fresh]
        self._repository.add_many(rows)
        self._ledger.announce(session, list(self._announcements(rows)))
        state.added += len(rows)

    def _announcements(self, rows: list[dict[str, Any]]) -> Iterator[NewCustodyEvent]:
        """Say who has each parcel before it arrives: its company, or the sender it is to be collected from."""
        for row in rows:
            from_company = row["direction"] == DELIVER
            yield NewCustodyEvent(
                type="announced",
                fact_at=self._now,
                actor=self._options.actor,
                parcel_id=row["id"],
                place=None if from_company else f"place:{row['place_id']}",
                to_custodian=f"company:{row['company_id']}" if from_company else "sender",
                consent_reference=row["consent_reference"],
                body={"import_id": self.state.import_id},
            )

    def _record(self) -> dict[str, Any]:
        return {
            "id": self.state.import_id,
            "region": self._options.region,
            "imported_at": self._now,
            "actor": self._options.actor,
            "file_format": self._table.file_format,
            "encoding": self._table.encoding,
            "mapping": dict(self._table.columns.headers),
            **self.header,
            **self.state.counts,
        }

    def judge_positions(self) -> None:
        """Let the positions be judged, some of each datum, spread over the file."""
        if self._options.judge_positions is None:
            return
        for datum, given in self.state.positions.items():
            step = -(-len(given) // _JUDGED_POSITIONS)
            self._options.judge_positions(datum, given[::step])

    def close(self, session: Session) -> ImportReport:
        """Write the counts, or forget the import when the same file changed nothing."""
        state = self.state
        report = self._report(state.import_id)
        if self._options.check_only:
            return replace(report, import_id=None)
        earlier = self._earlier_twin() if state.added == 0 else None
        if earlier is not None:
            self._repository.drop_import(state.import_id)
            return replace(report, import_id=earlier)
        if not state.is_open:
            self._repository.open_import(self._record())
        self._repository.close_import(state.import_id, state.counts)
        append_event(
            session,
            "parcels.manifest_imported",
            f"manifest_import:{state.import_id}",
            {"region": self._options.region, **state.counts},
            fact_at=self._now,
            committed_at=self._now,
        )
        return report

    def _earlier_twin(self) -> str | None:
        """Find an import of the same bytes after which this one has nothing new to tell."""
        for record in self._repository.imports_of(self._options.region, self.header["file_digest"]):
            same = (record.rows_rejected, record.rows_differing) == (self.state.rejected, self.state.differing)
            if record.id != self.state.import_id and same:
                return record.id
        return None

    def _report(self, import_id: str) -> ImportReport:
        state, table = self.state, self._table
        return ImportReport(
            import_id=import_id,
            file_name=self.header["file_name"],
            file_format=table.file_format,
            encoding=table.encoding,
            mapping=dict(table.columns.headers),
            ignored_columns=table.columns.ignored,
            rows_read=state.rows_read,
            added=state.added,
            unchanged=state.unchanged,
            differing=state.differing,
            rejected=state.rejected,
            companies_added=tuple(state.companies_added),
            problems=tuple(sorted(state.problems, key=lambda problem: problem.line)),
        )


def _shown(header: str, value: Any) -> str:
    if value is None:
        return "nothing"
    personal = _PERSONAL.get(header)
    return repr(masked(personal, str(value)) if personal else value)
