"""Companies, and parcels that customers hand in without a manifest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from dispatch.errors import CollectionConflictError, CompanyIdError, CompanyUnknownError
from dispatch.parcels.model import Company, Parcel
from dispatch.parcels.service import NewCollection, ParcelService
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds


@pytest.fixture
def service(ids: SeededIds, clock: ManualClock) -> ParcelService:
    """Give a service with known ids and time."""
    return ParcelService(ids, clock)


@pytest.fixture
def collection() -> NewCollection:
    """Give a return parcel that waits in a pharmacy's kiosk."""
    return NewCollection(
        region="demo", company_id="yunlu", waybill="YLR00001", place_id="v1", product="return",
        due_day=date(2026, 3, 4), weight_g=500, volume_cm3=3000, channel="cabinet", channel_site_id="qj-kiosk-017",
    )  # fmt: skip


def test_a_drop_off_becomes_one_parcel_however_often_it_is_told(
    database: Database, service: ParcelService, collection: NewCollection
) -> None:
    """The same drop-off, sent twice by a kiosk without network, is one parcel."""
    with database.begin() as session:
        service.register_company(session, "yunlu", "云鹿速递")
        first = service.register_collection(session, collection)
    with database.begin() as session:
        assert service.register_collection(session, collection) == first
        parcel = session.get_one(Parcel, first)
        assert (parcel.direction, parcel.recipient_name, parcel.position_confidence) == ("collect", "", "village")
        assert session.scalar(select(func.count()).select_from(Parcel)) == 1


def test_a_waybill_that_is_something_else_is_a_conflict(
    database: Database, service: ParcelService, collection: NewCollection
) -> None:
    """A label that already stands for a parcel in another kiosk is not silently reused."""
    with database.begin() as session:
        service.register_company(session, "yunlu", "云鹿速递")
        service.register_collection(session, collection)
    with pytest.raises(CollectionConflictError, match="YLR00001"), database.begin() as session:
        service.register_collection(session, replace(collection, channel_site_id="qj-kiosk-018"))


def test_a_drop_off_for_an_unknown_company_is_refused(
    sqlite_database: Database, service: ParcelService, collection: NewCollection
) -> None:
    """A kiosk cannot bring in parcels of a company nobody registered."""
    with pytest.raises(CompanyUnknownError, match="yunlu"), sqlite_database.begin() as session:
        service.register_collection(session, collection)


def test_a_company_can_be_renamed_but_keeps_its_id(database: Database, service: ParcelService) -> None:
    """Registering a company again changes its name only, and strange ids are refused."""
    with database.begin() as session:
        service.register_company(session, "yunlu", "云鹿")
        service.register_company(session, "yunlu", "云鹿速递")
        assert session.scalars(select(Company.name)).all() == ["云鹿速递"]
        with pytest.raises(CompanyIdError):
            service.register_company(session, "云鹿", "云鹿")
