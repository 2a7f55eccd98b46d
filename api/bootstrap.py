"""The only place that wires: settings become a database, a clock, and every room's services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from api.auth.service import Accounts, TokenPolicy
from api.errors import DatabaseOutdatedError
from api.manifests import ManifestDesk
from api.migrations.runner import MigrationState, migration_state, upgrade
from api.operations.service import OperationRunner
from api.region_catalog import RegionCatalog
from api.services import Services
from api.solving import DaySolver, solve_within
from api.stations import device_master, wire_stations
from api.version import cunda_version
from dispatch.custody.ledger import Ledger
from dispatch.fleet.equipment import EquipmentFolder
from dispatch.habit.day import habit_of_day
from dispatch.parcels.manifest.importer import ManifestImporter
from dispatch.parcels.manifest.table import ManifestLimits
from dispatch.parcels.service import ParcelService
from dispatch.plans.drafts import PlanDesk
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.service import Planner
from dispatch.products.service import seed_products
from dispatch.promises.clocks import area_classes
from dispatch.sorting.desk import SortingDesk
from dispatch.weekdays.service import postponed
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.enrolment import Keyring
from kernel.clock import Clock, SystemClock
from kernel.db import Database
from kernel.ids import Ids, SystemIds
from kernel.settings import Settings


def build_services(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    database: Database | None = None,
    solver: DaySolver = solve_within,
) -> Services:
    """Wire every room from the settings.

    Parameters
    ----------
    settings
        What the operator set.
    clock, ids, database
        Others than the settings name, for tests and simulated days.
    solver
        What searches for plans; a simulated day takes one that no clock stops.
    """
    the_clock, the_ids = clock or SystemClock(), ids or SystemIds()
    the_database = database or Database(settings.resolved_database_url)
    policy = TokenPolicy(settings.resolved_token_secret(), settings.access_token_s, settings.refresh_token_s)
    regions = RegionCatalog(settings.regions_dir)
    parcels = ParcelService(the_ids, the_clock)
    limits = ManifestLimits(settings.import_max_bytes, settings.import_max_rows)
    importer = ManifestImporter(the_ids, the_clock, limits)
    matrices = MatrixStore(settings.home / "matrices")
    ledger = Ledger(the_ids, the_clock)
    planner = Planner(
        the_database,
        regions,
        the_ids,
        the_clock,
        matrices,
        solver,
        _software(),
        rhythm=postponed,
        habits=habit_of_day,
        equipment=EquipmentFolder(settings.home / "equipment"),
    )
    return Services(
        settings=settings,
        database=the_database,
        clock=the_clock,
        ids=the_ids,
        accounts=Accounts(the_database, the_clock, the_ids, policy),
        operations=OperationRunner(the_database, the_clock, the_ids),
        regions=regions,
        ledger=ledger,
        parcels=parcels,
        manifests=ManifestDesk(the_database, the_clock, regions, importer, parcels),
        planner=planner,
        solver=solver,
        desk=PlanDesk(the_database, regions, the_ids, the_clock, matrices, _software()),
        commands=CommandDesk(
            the_database, Keyring(the_database, device_master(settings), the_clock), the_clock, the_ids
        ),
        sorting=SortingDesk(the_database, lambda region: area_classes(regions.load(region))),
        stations=wire_stations(settings, the_database, the_clock, the_ids, ledger, parcels),
    )


def _software() -> dict[str, str]:
    """Return the versions that decide what a plan looks like; they are kept with every plan."""
    return {"cunda": cunda_version()} | {name: version(name) for name in ("numba", "numpy", "routingkit-cch")}


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Wire every room and close the database afterwards."""
    services = build_services(settings)
    try:
        yield services
    finally:
        services.database.close()


def require_schema(database: Database) -> None:
    """Set up a new database; refuse one of another version.

    Raises
    ------
    DatabaseOutdatedError
        If it holds data of another version: upgrading that is the operator's decision.
    """
    state = migration_state(database)
    if state.empty:
        prepare(database)
    elif not state.current:
        raise DatabaseOutdatedError(
            f"the database is at {state.present or 'no known version'}, this program needs {state.newest}",
            present=state.present,
            newest=state.newest,
        )


def prepare(database: Database) -> MigrationState:
    """Bring a database to this program's schema and give it the service products that come with it."""
    state = upgrade(database)
    with database.begin() as session:
        seed_products(session)
    return state
