"""Parcels become stops, or get a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.demand.errors import DuplicateParcelError, UnaccountedParcelsError
from dispatch.demand.parcel import DueParcel, PlacePoint, SitePoint, StopKind
from dispatch.demand.reasons import Reason, ReasonCode
from dispatch.demand.service_times import InvalidServiceTimeError, KindTime, ServiceTimes
from dispatch.demand.stops import Demand, build_stops, check_accounted
from dispatch.fleet.fleet import Load

DAY = date(2026, 3, 4)
HOUR = 3600
PLACES = {
    "v1": PlacePoint("v1", "上坝村", 110.0, 27.0),
    "v2": PlacePoint("v2", "下坝村", 110.1, 27.1),
    "lost": PlacePoint("lost", "无名村", None, None),
    "odd": PlacePoint("odd", "疑村", 111.0, 28.0, suspect=True),
}
SITES = {
    "v1-station": SitePoint("v1-station", StopKind.STATION, "上坝村驿站", "v1", 110.0, 27.0, ((8 * HOUR, 18 * HOUR),)),
    "v2-cabinet": SitePoint("v2-cabinet", StopKind.CABINET, "下坝村柜", "v2", 110.1, 27.1),
    "v2-kiosk": SitePoint("v2-kiosk", StopKind.KIOSK, "下坝村药店", "v2", 110.1, 27.1),
    "closed": SitePoint("closed", StopKind.STATION, "歇业站", "v1", 110.0, 27.0, ()),
    "planned": SitePoint("planned", StopKind.STATION, "筹建站", "v1", 110.0, 27.0, in_service=False),
}
VAN = ("van", Load(600_000, 3_000_000, 100))


def parcel(number: int, **changes: object) -> DueParcel:
    """Make a door parcel of 1 kg for recipient r1 in v1, with changes."""
    base = DueParcel(
        id=f"p{number:03d}",
        direction="deliver",
        due_day=DAY,
        load=Load(1000, 5000, 1),
        recipient_key="r1",
        place_id="v1",
        lon=110.001,
        lat=27.001,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def plan(*parcels: DueParcel, capacities: tuple[tuple[str, Load], ...] = (VAN,)) -> Demand:
    """Build the stops of the test county."""
    return build_stops(parcels, DAY, PLACES, SITES, capacities)


def test_parcels_of_one_recipient_share_a_stop() -> None:
    """Two parcels of different companies for one recipient are handed over in one visit."""
    (stop,) = plan(parcel(1), parcel(2)).stops
    assert stop.deliveries == ("p001", "p002")
    assert stop.delivery_load == Load(2000, 10_000, 2)
    assert stop.setup_s == 75
    assert stop.service_s == 60


def test_points_a_few_metres_apart_are_one_door() -> None:
    """Two geocoders that differ by a metre do not make the courier ring twice."""
    assert len(plan(parcel(1), parcel(2, lon=110.001001)).stops) == 1


def test_neighbours_are_two_stops() -> None:
    """Two recipients in one village are two visits."""
    assert len(plan(parcel(1), parcel(2, recipient_key="r2")).stops) == 2


def test_a_parcel_without_its_own_point_goes_to_the_village() -> None:
    """A parcel addressed only to its village is routed to the village's centre and says so."""
    (stop,) = plan(parcel(1, lon=None, lat=None)).stops
    assert (stop.lon, stop.lat, stop.position_source) == (110.0, 27.0, "place")


def test_a_station_and_a_cabinet_merge_all_their_parcels() -> None:
    """All parcels for one station are one stop, whoever receives them, inside its opening hours."""
    stops = plan(
        parcel(1, channel="station", channel_site_id="v1-station", consent=True),
        parcel(2, channel="station", channel_site_id="v1-station", consent=True, recipient_key="r2"),
        parcel(3, channel="cabinet", channel_site_id="v2-cabinet", consent=True),
    ).stops
    assert [(stop.key, len(stop.deliveries)) for stop in stops] == [("site-v1-station", 2), ("site-v2-cabinet", 1)]
    assert stops[0].windows == ((8 * HOUR, 18 * HOUR),)


def test_a_parcel_for_the_village_station_goes_to_the_one_registered_there() -> None:
    """A parcel that names only its village's station is merged with those that name the station itself."""
    (stop,) = plan(
        parcel(1, channel="station", consent=True),
        parcel(2, channel="station", channel_site_id="v1-station", consent=True),
    ).stops
    assert (stop.site_id, stop.deliveries) == ("v1-station", ("p001", "p002"))


def test_a_village_whose_station_nobody_registered_is_served_at_its_own_point() -> None:
    """Parcels for an unregistered village station share one stop at the village's point, which says so."""
    (stop,) = plan(
        parcel(1, channel="station", consent=True, place_id="v2"),
        parcel(2, channel="station", consent=True, place_id="v2", recipient_key="r2"),
    ).stops
    assert (stop.key, stop.kind, stop.site_id, stop.position_source) == (
        "station-v2",
        StopKind.STATION,
        None,
        "place",
    )


def test_kiosk_drop_offs_are_collected_in_one_stop() -> None:
    """Several drop-offs at one kiosk are one collection, and need no consent."""
    drop_offs = [parcel(n, direction="collect", channel_site_id="v2-kiosk", lon=None, lat=None) for n in (1, 2, 3)]
    (stop,) = plan(*drop_offs).stops
    assert stop.kind is StopKind.KIOSK
    assert stop.collections == ("p001", "p002", "p003")
    assert stop.delivery_load == Load()
    assert stop.collection_load.count == 3
    assert stop.service_s == 75


def test_a_door_can_hand_over_and_give_back_at_once() -> None:
    """A return that waits at a recipient's door is taken on the same visit."""
    (stop,) = plan(parcel(1), parcel(2, direction="collect")).stops
    assert (stop.deliveries, stop.collections) == (("p001",), ("p002",))


def test_windows_that_meet_are_intersected_and_others_make_a_second_visit() -> None:
    """Morning and all-day parcels share a visit in the morning; an afternoon-only parcel needs its own."""
    stops = plan(
        parcel(1, window_start_s=9 * HOUR, window_end_s=11 * HOUR),
        parcel(2),
        parcel(3, window_start_s=14 * HOUR, window_end_s=16 * HOUR),
    ).stops
    assert [(stop.deliveries, stop.windows) for stop in stops] == [
        (("p001", "p002"), ((9 * HOUR, 11 * HOUR),)),
        (("p003",), ((14 * HOUR, 16 * HOUR),)),
    ]
    assert stops[0].key.endswith("-w1")
    assert stops[0].lon == stops[1].lon


def test_windows_that_barely_touch_are_two_visits() -> None:
    """Two windows with five minutes in common are not squeezed into one visit."""
    stops = plan(
        parcel(1, window_start_s=9 * HOUR, window_end_s=11 * HOUR),
        parcel(2, window_start_s=11 * HOUR - 300, window_end_s=13 * HOUR),
    ).stops
    assert len(stops) == 2


def test_a_stop_larger_than_any_vehicle_is_split() -> None:
    """A station with more parcels than the largest vehicle holds becomes several stops at one place."""
    many = [parcel(n, channel="station", channel_site_id="v1-station", consent=True) for n in range(250)]
    stops = plan(*many).stops
    assert sorted(len(stop.deliveries) for stop in stops) == [50, 100, 100]
    assert len({stop.key for stop in stops}) == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"due_day": date(2026, 3, 5)}, ReasonCode.NOT_DUE),
        ({"lon": None, "lat": None, "place_id": "lost"}, ReasonCode.POSITION_UNCONFIRMED),
        ({"lon": None, "lat": None, "place_id": "odd"}, ReasonCode.POSITION_UNCONFIRMED),
        ({"lon": None, "lat": None, "place_id": "nowhere"}, ReasonCode.POSITION_UNCONFIRMED),
        ({"doubtful": True}, ReasonCode.POSITION_UNCONFIRMED),
        ({"channel": "station", "channel_site_id": "v1-station"}, ReasonCode.NO_CONSENT),
        ({"channel": "station", "place_id": "lost", "consent": True}, ReasonCode.POSITION_UNCONFIRMED),
        ({"channel": "cabinet", "channel_site_id": "gone", "consent": True}, ReasonCode.SITE_NOT_IN_SERVICE),
        ({"channel": "station", "channel_site_id": "planned", "consent": True}, ReasonCode.SITE_NOT_IN_SERVICE),
        ({"channel": "station", "channel_site_id": "closed", "consent": True}, ReasonCode.NOT_A_SERVICE_DAY),
        ({"load": Load(700_000, 5000, 1)}, ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY),
        (
            {"window_start_s": 10 * HOUR, "window_end_s": 9 * HOUR},
            ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS,
        ),
        (
            {"channel": "station", "channel_site_id": "v1-station", "consent": True, "window_start_s": 19 * HOUR},
            ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS,
        ),
    ],
)
def test_a_parcel_that_cannot_be_planned_says_why(changes: dict[str, object], code: ReasonCode) -> None:
    """A parcel that cannot go on a route gets the reason a dispatcher can act on, and the others go."""
    demand = plan(parcel(1, **changes), parcel(2, recipient_key="r2"))
    assert demand.reasons["p001"].code is code
    assert demand.reasons["p001"].fix is not None
    assert [stop.deliveries for stop in demand.stops] == [("p002",)]


def test_too_heavy_names_dimension_and_amount() -> None:
    """A pallet of 700 kg says that it is 100 kg too heavy for the van."""
    reason = plan(parcel(1, load=Load(700_000, 5000, 1))).reasons["p001"]
    assert (reason.vehicle, reason.dimension, reason.amount) == ("van", "weight_g", 100_000)


def test_without_vehicles_every_parcel_says_so() -> None:
    """On a day without vehicles every parcel has that reason."""
    assert plan(parcel(1), capacities=()).reasons["p001"].code is ReasonCode.NO_VEHICLE


def test_the_same_parcel_twice_is_refused() -> None:
    """A parcel given twice is an error by its id, not two visits."""
    with pytest.raises(DuplicateParcelError, match="p001"):
        plan(parcel(1), parcel(1))


def test_a_lost_or_doubled_parcel_is_found() -> None:
    """The closing identity names a parcel that is nowhere, one that is counted twice and one nobody knows."""
    demand = plan(parcel(1), parcel(2, recipient_key="r2"))
    check_accounted(["p001", "p002"], demand.stops, {})
    with pytest.raises(UnaccountedParcelsError) as missing:
        check_accounted(["p001", "p002", "p003"], demand.stops, {})
    assert missing.value.params["missing"] == ["p003"]
    with pytest.raises(UnaccountedParcelsError) as doubled:
        check_accounted(["p001", "p002"], demand.stops, {"p002": Reason(ReasonCode.NOT_DUE)})
    assert doubled.value.params["doubled"] == ["p002"]
    with pytest.raises(UnaccountedParcelsError) as foreign:
        check_accounted(["p001"], demand.stops, {})
    assert foreign.value.params["foreign"] == ["p002"]


def test_every_reason_speaks_both_languages_and_survives_json() -> None:
    """Each reason code has a Chinese and an English sentence and reads back from what was stored."""
    for code in ReasonCode:
        reason = Reason(code)
        assert reason.sentence("zh") != reason.sentence("en")
        assert Reason.from_dict(reason.as_dict()) == reason


def test_service_times_are_checked_by_kind_and_field() -> None:
    """A negative or day-long service time is refused and named."""
    with pytest.raises(InvalidServiceTimeError, match=r"kiosk\.setup_s"):
        ServiceTimes(kiosk=KindTime(-1, 0, 0))
    assert ServiceTimes.from_dict(ServiceTimes().as_dict()) == ServiceTimes()


clock_seconds = st.one_of(st.none(), st.integers(0, 86_400))
any_parcel = st.builds(
    dict,
    direction=st.sampled_from(["deliver", "collect"]),
    due_day=st.sampled_from([DAY, date(2026, 3, 3), date(2026, 3, 5)]),
    recipient_key=st.sampled_from(["r1", "r2", "r3"]),
    place_id=st.sampled_from(["v1", "v2", "lost", "odd", "nowhere"]),
    lon=st.sampled_from([None, 110.001, 110.1]),
    channel=st.sampled_from(["door", "station", "cabinet"]),
    channel_site_id=st.sampled_from([None, *SITES, "gone"]),
    consent=st.booleans(),
    window_start_s=clock_seconds,
    window_end_s=clock_seconds,
    load=st.builds(Load, st.integers(0, 700_000), st.integers(0, 3_500_000), st.just(1)),
)


@given(st.lists(any_parcel, max_size=30))
@settings(max_examples=50, deadline=None)
def test_every_parcel_is_at_one_stop_or_has_a_reason(changes: list[dict[str, object]]) -> None:
    """Whatever parcels arrive, each is at exactly one stop or has a reason, and every stop fits a vehicle."""
    parcels = [parcel(n, **one) for n, one in enumerate(changes)]
    demand = plan(*parcels)
    on_stops = [parcel_id for stop in demand.stops for parcel_id in stop.parcel_ids]
    assert sorted([*on_stops, *demand.reasons]) == [one.id for one in parcels]
    assert all(stop.delivery_load.fits(VAN[1]) and stop.collection_load.fits(VAN[1]) for stop in demand.stops)
    assert all(stop.windows for stop in demand.stops)
    assert len({stop.key for stop in demand.stops}) == len(demand.stops)


@given(st.lists(any_parcel, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_parcels_does_not_matter(changes: list[dict[str, object]], chance: object) -> None:
    """The stops of a day do not depend on the order in which its parcels were imported."""
    parcels = [parcel(n, **one) for n, one in enumerate(changes)]
    shuffled = list(parcels)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan(*shuffled) == plan(*parcels)
