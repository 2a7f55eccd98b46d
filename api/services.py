"""What the application is wired with: one frozen bundle of every room's services."""

from __future__ import annotations

from dataclasses import dataclass

from api.auth.service import Accounts
from api.manifests import ManifestDesk
from api.operations.service import OperationRunner
from api.region_catalog import RegionCatalog
from api.solving import DaySolver
from dispatch.custody.ledger import Ledger
from dispatch.parcels.service import ParcelService
from dispatch.plans.drafts import PlanDesk
from dispatch.plans.service import Planner
from dispatch.sorting.desk import SortingDesk
from dispatch.stations.service import Stations
from firmware_bridge.server.commands import CommandDesk
from kernel.clock import Clock
from kernel.db import Database
from kernel.ids import Ids
from kernel.settings import Settings


@dataclass(frozen=True)
class Services:
    """Everything a route or a command may use."""

    settings: Settings
    database: Database
    clock: Clock
    ids: Ids
    accounts: Accounts
    operations: OperationRunner
    regions: RegionCatalog
    ledger: Ledger
    parcels: ParcelService
    manifests: ManifestDesk
    planner: Planner
    solver: DaySolver
    desk: PlanDesk
    sorting: SortingDesk
    stations: Stations
    commands: CommandDesk
