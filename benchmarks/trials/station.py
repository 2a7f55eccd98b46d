"""Trials of cabinets, stations and their codes: A7, S4, S5, S6, S11."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
from sqlalchemy.orm import Session

from api.app import NATIVE_PARTS, PREFIX, create_app
from api.auth.access import allowed_roles, identify
from api.auth.model import ROLES
from api.auth.service import NewUser
from api.bootstrap import build_services
from api.server import ServerThread
from api.services import Services
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_most, exactly, noted
from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.parcels.model import Company, Parcel
from dispatch.parcels.service import ParcelService
from dispatch.products.service import seed_products
from dispatch.stations.cells import CellEvent, DepositCheck
from dispatch.stations.errors import DepositRefusedError
from dispatch.stations.service import Stations, build_stations
from firmware_bridge.device.codeguard import CodeGuard
from firmware_bridge.device.store import DeviceStore
from firmware_bridge.device.timekeeping import ServerTime
from kernel.clock import ManualClock
from kernel.db import Base, Database
from kernel.ids import SeededIds, SystemIds
from kernel.settings import load_settings
from lockers.book import Occupancy
from lockers.codes import CodeKind, CodeVerdict, OfflineWindow, WaitingParcel, entry_code, offline_code
from lockers.registry.model import Site

_BEGIN: Final = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)
_DAY: Final = date(2026, 3, 4)
_REGION: Final = "demo"
_PHONE: Final = "15412345678"
_PASSWORD: Final = "correct horse battery"  # noqa: S105 - of a trial's throw-away server
_BOXES: Final = 48
_PICK_UP: Final = (CodeKind.PICK_UP, CodeKind.PROXY)


class _Doors:
    """Takes every wish to open and counts it."""

    def __init__(self) -> None:
        self.asked = 0

    def open(self, session: Session, site_id: str, cell: str, actor: str, reason: str) -> str | None:
        self.asked += 1
        return f"cmd-{self.asked}"


@dataclass(frozen=True)
class _World:
    """A server's desks over a database of their own, with a clock that moves when told."""

    database: Database
    stations: Stations
    clock: ManualClock
    ledger: Ledger
    doors: _Doors


@contextmanager
def _world(settings: TrialSettings) -> Iterator[_World]:
    import api.tables  # noqa: F401 - every room's tables

    clock, ids, doors = ManualClock(_BEGIN), SeededIds(settings.seed), _Doors()
    database = Database(f"sqlite:///{settings.folder / 'server.db'}")
    Base.metadata.create_all(database.engine)
    ledger = Ledger(ids, clock)
    stations = build_stations(b"t" * 32, clock, ids, ledger, ParcelService(ids, clock), opener=doors)
    with database.begin() as session:
        seed_products(session)
        session.add(Company(id="yunlu", name="云鹿速递"))
        session.flush()
        session.add(_site("cabinet-1", "cabinet", {"M": _BOXES}))
        session.add_all([_site("station-1", "station", {}), _site("station-2", "station", {})])
    try:
        yield _World(database, stations, clock, ledger, doors)
    finally:
        database.close()


def _site(site_id: str, kind: str, compartments: dict[str, int]) -> Site:
    return Site(
        id=site_id, region=_REGION, kind=kind, scene="village_service_point", name=site_id, place_id="v1", lon=112.9,
        lat=30.4, compartments=compartments, opening=[], status="active", registered_at=_BEGIN,
    )  # fmt: skip


def _parcel(world: _World, session: Session, number: int, site_id: str, company: str = "yunlu") -> Parcel:
    parcel = Parcel(
        id=f"p-{number:05d}", region=_REGION, company_id=company, waybill=f"YL{number:05d}", piece=1, pieces=1,
        product="village_standard", recipient_name="李小龙", recipient_phone=_PHONE, address="石桥村1组2号",
        place_id="v1", weight_g=900, volume_cm3=5400, due_day=_DAY, imported_at=_BEGIN, channel="cabinet",
        channel_site_id=site_id, consent_reference="C-1",
    )  # fmt: skip
    session.add(parcel)
    session.flush()
    told = NewCustodyEvent("announced", _BEGIN, "user:trial", parcel_id=parcel.id, to_custodian=f"company:{company}")
    world.ledger.append(session, told)
    return parcel


def _put_in(world: _World, session: Session, number: int, check: DepositCheck = DepositCheck()) -> tuple[str, str]:  # noqa: B008 - frozen
    """Let a courier open a box of the cabinet for a parcel; return box and parcel."""
    site = session.get_one(Site, "cabinet-1")
    parcel = _parcel(world, session, number, site.id)
    return world.stations.cells.deposit(session, site, parcel, check, "courier:c-1").cell, parcel.id


def _door(world: _World, session: Session, cell: str, inside: Occupancy | None) -> str:
    told = CellEvent("cabinet-1", cell, "device:cabinet-1", world.clock.now(), inside=inside or Occupancy.UNKNOWN)
    if inside is None:
        return world.stations.cells.door_seen_open(session, told).book
    return world.stations.cells.door_seen_shut(session, told).book


def a7(settings: TrialSettings) -> TrialResult:
    """Put parcels into wrong boxes, two at once, and none at all."""
    rounds = settings.size(100, 5)
    wrong = empty = double = believed = 0
    with _world(settings) as world:
        for number in range(rounds):
            with world.database.begin() as session:
                cell, _ = _put_in(world, session, 3 * number)
                _door(world, session, cell, None)
                free = [row for row in world.stations.cells.cells(session, session.get_one(Site, "cabinet-1"))
                        if row.book == "free"]  # fmt: skip
                other = free[0].cell
                world.stations.cells.seen_elsewhere(session, "cabinet-1", cell, other, "device:cabinet-1")
                boxes = [world.stations.cells.cell(session, "cabinet-1", one) for one in (cell, other)]
                wrong += all(box.book == "disputed" for box in boxes)
                for box in boxes:
                    _door(world, session, box.cell, Occupancy.EMPTY)  # the keeper takes it out and shuts the door
                    world.stations.cells.decide(session, "cabinet-1", box.cell, "settle_free", "user:keeper", "mended")
            with world.database.begin() as session:
                cell, _ = _put_in(world, session, 3 * number + 1)
                _door(world, session, cell, None)
                empty += _door(world, session, cell, Occupancy.EMPTY) == "reserved"
                believed += world.stations.cells.cell(session, "cabinet-1", cell).book == "stored"
            world.clock.advance(901)
            with world.database.begin() as session:
                world.stations.tick(session, session.get_one(Site, "cabinet-1"))
            with suppress(DepositRefusedError), world.database.begin() as session:
                _put_in(world, session, 3 * number + 2, DepositCheck(weighed_g=1900))
                double -= 1
            double += 1
    return TrialResult(
        (
            exactly("parcel in the wrong box: both boxes wait for a person", wrong, rounds, "cases"),
            exactly("empty deposit: asked again, nothing stored", empty, rounds, "cases"),
            exactly("two parcels at once: refused by weight", double, rounds, "cases"),
            exactly("deposits believed without a parcel", believed, 0),
        )
    )


def s4(settings: TrialSettings) -> TrialResult:
    """Guess codes of a full cabinet, one a second, from one account and from many."""
    seconds = settings.size(6 * 3600, 1800)
    rng = Random(settings.seed)
    with _world(settings) as world:
        with world.database.begin() as session:
            for number in range(_BOXES):
                cell, _ = _put_in(world, session, number)
                _door(world, session, cell, None)
                _door(world, session, cell, Occupancy.OCCUPIED)
        one = _guess(world, rng, seconds, lambda number: "account:1", ["cabinet-1"])
        many = _guess(world, rng, seconds, lambda number: f"account:{number}", ["cabinet-1"])
        spread = _guess(world, rng, seconds, lambda number: "account:spread", ["station-1", "station-2", "cabinet-1"])
    return TrialResult(
        (
            at_most("wrong codes judged in any 10 min, one account", one.most, 5),
            at_most("wrong codes judged in any 10 min, a cabinet under many accounts", many.most, 5),
            at_most("wrong codes judged in any 10 min, one account at three cabinets", spread.most, 5),
            exactly("boxes opened by guessing", one.opened + many.opened + spread.opened, 0),
            exactly("lock-outs grow", one.grows and many.grows, True),
            noted("codes tried", 3 * seconds),
            noted("codes judged", one.judged + many.judged + spread.judged),
        )
    )


@dataclass
class _GuessingState:
    """What an attack came to."""

    judged: int = 0
    opened: int = 0
    most: int = 0
    grows: bool = True


def _guess(world: _World, rng: Random, seconds: int, account: Any, sites: Sequence[str]) -> _GuessingState:
    state, recent = _GuessingState(), deque[datetime]()
    rules, pauses = world.stations.policies.common.guess_rules, [0]
    for first in range(0, seconds, 600):
        with world.database.begin() as session:
            for number in range(first, min(first + 600, seconds)):
                world.clock.advance(1)
                now, digits = world.clock.now(), f"{rng.randrange(10**8):08d}"
                site = sites[number % len(sites)]
                shown = world.stations.codes.present(session, _PICK_UP, site, digits, account(number), rules)
                if shown.verdict is CodeVerdict.LOCKED_OUT:
                    pauses.append(max(pauses[-1], shown.locked_s))
                    continue
                state.judged += 1
                state.opened += shown.code is not None
                recent.append(now)
                while now - recent[0] >= timedelta(minutes=10):
                    recent.popleft()
                state.most = max(state.most, len(recent))
    world.clock.advance(2 * 86_400)  # the next attack begins after the longest lock-out
    state.grows = pauses[-1] > rules.first_lock_out.total_seconds()
    return state


def s5(settings: TrialSettings) -> TrialResult:
    """Use offline codes at a cabinet whose network is cut, also twice, late, early, and after a change of keys."""
    count = settings.size(200, 20)
    clock, ids = ManualClock(_BEGIN + timedelta(hours=6)), SeededIds(settings.seed)
    store = DeviceStore(settings.folder / "cabinet.db", clock, ids, reserve_bytes=0)
    new, old, length = b"n" * 32, b"o" * 32, timedelta(hours=24)
    guard = CodeGuard(store, clock, ServerTime(store, clock), [new, old], length)
    parcels = [WaitingParcel(f"M-{number:02d}", f"p-{number}") for number in range(count)]
    opened = reused = rotated = stale = drifted = 0

    def shown(parcel: WaitingParcel, key: bytes, at: datetime) -> CodeVerdict:
        code = offline_code(key, parcel.compartment, parcel.parcel_id, OfflineWindow.at(at, length))
        # Each parcel's holder is another account at another cabinet here: guessing limits are S4's subject.
        return guard.try_code(code, [parcel], f"cabinet-{parcel.parcel_id}", f"account:{parcel.parcel_id}")[0]

    for number, parcel in enumerate(parcels):
        key = new if number % 2 else old
        stale += shown(parcel, key, clock.now() - 2 * length) is not CodeVerdict.OPEN
        first = shown(parcel, key, clock.now())
        opened += first is CodeVerdict.OPEN
        rotated += first is CodeVerdict.OPEN and key is old
        reused += shown(parcel, key, clock.now()) is CodeVerdict.OPEN
    edge = OfflineWindow.at(clock.now(), length)
    midnight = datetime.fromtimestamp((edge.index + 1) * length.total_seconds(), UTC)
    for number, minutes in enumerate((-14, 14) * 5):
        clock.set(midnight + timedelta(minutes=minutes))  # the cabinet's clock is off at the window's edge
        spare = WaitingParcel(f"X-{number}", f"x-{number}")
        issued = midnight + timedelta(seconds=1) if minutes < 0 else midnight - timedelta(seconds=1)
        drifted += shown(spare, new, issued) is CodeVerdict.OPEN
    store.close()
    return TrialResult(
        (
            exactly("opened once without network", opened, count, "codes"),
            exactly("opened a second time", reused, 0),
            exactly("stale windows refused", stale, count, "codes"),
            exactly("drift of 14 min to either side at a window's edge borne", drifted, 10, "codes"),
            exactly("codes of the key before the change still good", rotated, count // 2, "codes"),
        )
    )


def s6(settings: TrialSettings) -> TrialResult:
    """Show entrance codes: fresh, photographed, late, at another station, and with a clock that is off."""
    count = settings.size(200, 20)
    fresh = screenshot = later = elsewhere = drift = far = 0
    with _world(settings) as world:
        for number in range(count):
            world.clock.advance(3600)
            with world.database.begin() as session:
                made = world.stations.visits.issue_pass(
                    session, "station-1", f"person:{number}", [], timedelta(hours=2), "user:keeper"
                )
                key, pass_id = world.stations.visits.pass_key(made), made.id
            enter = partial(_enter, world, pass_id)
            code = entry_code(key, "station-1", world.clock.now())
            elsewhere += enter("station-2", code)
            far += enter("station-1", entry_code(key, "station-1", world.clock.now() - timedelta(seconds=90)))
            fresh += enter("station-1", code)
            screenshot += enter("station-1", code)
            world.clock.advance(30)
            later += enter("station-1", code)
            drift += enter("station-1", entry_code(key, "station-1", world.clock.now() + timedelta(seconds=30)))
    return TrialResult(
        (
            exactly("fresh codes admitted", fresh, count),
            exactly("one step of drift admitted", drift, count),
            exactly("screenshot shown again admitted", screenshot, 0),
            exactly("screenshot shown 30 s later admitted", later, 0),
            exactly("code three steps old admitted", far, 0),
            exactly("code for another station admitted", elsewhere, 0),
        )
    )


def _enter(world: _World, pass_id: str, site_id: str, digits: str) -> bool:
    """Present a code and leave again, so that the station never is full; return whether the door was unlocked."""
    with world.database.begin() as session:
        found = world.stations.visits.enter(session, session.get_one(Site, site_id), pass_id, digits, f"pass:{pass_id}")
        if found.visit is None:
            # Guessing limits are S4's subject: forget the refusals of this one.
            world.stations.codes.count(
                session, (f"cabinet:{site_id}", f"pass:{pass_id}"), CodeVerdict.OPEN,
                world.stations.policies.common.guess_rules,
            )  # fmt: skip
            return False
        for event in ("entered", "exited"):
            world.stations.visits.step(session, found.visit.id, event, "device:station-1")
        return True


def s11(settings: TrialSettings) -> TrialResult:
    """Call every route as everybody, ask for what is another's, and look for phones in logs and answers."""
    log = StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        with _office(settings) as (services, url):
            clients = {role: _client(url, f"{role}-1" if role != "nobody" else None) for role in ("nobody", *ROLES)}
            through, refused, calls, answers = _walk_matrix(clients)
            foreign = _ask_for_others(services, clients)
            for client in clients.values():
                client.close()
    finally:
        logging.getLogger().removeHandler(handler)
    return TrialResult(
        (
            exactly("routes open to a role that may not", through, 0),
            exactly("routes shut to a role that may", refused, 0),
            exactly("ids of others answered", foreign, 0),
            exactly("phones in logs", log.getvalue().count(_PHONE), 0),
            exactly("phones in lists of parcels", answers.count(_PHONE), 0),
            noted("calls", calls),
        )
    )


@contextmanager
def _office(settings: TrialSettings) -> Iterator[tuple[Services, str]]:
    import api.tables  # noqa: F401 - every room's tables

    home = settings.folder / "home"
    Path(home).mkdir()
    services = build_services(load_settings(home=home), ids=SystemIds())
    try:
        Base.metadata.create_all(services.database.engine)
        with services.database.begin() as session:
            seed_products(session)
            session.add_all([Company(id="yunlu", name="云鹿"), Company(id="lanque", name="蓝雀")])
            session.add_all([_site("station-1", "station", {}), _site("station-2", "station", {})])
            session.flush()
            world = _World(services.database, services.stations, ManualClock(_BEGIN), services.ledger, _Doors())
            _parcel(world, session, 1, "station-1")
            _parcel(world, session, 2, "station-2", "lanque")
        links = {
            "courier": {"courier_id": "c-1"}, "company_viewer": {"company_id": "yunlu"},
            "station": {"site_id": "station-1", "region": _REGION},
        }  # fmt: skip
        for role in ROLES:
            services.accounts.add(NewUser(f"{role}-1", _PASSWORD, role, **links.get(role, {})))
        with ServerThread(create_app(services)) as server:
            yield services, server.url + PREFIX
    finally:
        services.database.close()


def _client(url: str, username: str | None) -> httpx.Client:
    client = httpx.Client(base_url=url, timeout=60)
    if username is not None:
        answer = client.post("/session:login", json={"username": username, "password": _PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


def _walk_matrix(clients: dict[str, httpx.Client]) -> tuple[int, int, int, str]:
    """Call every route as every role with ids of nobody; return holes, wrong refusals, calls, and parcels' lists."""
    through = refused = calls = 0
    for path, method, allowed in _routes():
        filled = path.replace("{", "").replace("}", "")
        for role, client in clients.items():
            if role in allowed and path in ("/stream", "/session:logout"):
                continue  # one answers until its listener leaves, the other ends the session
            answer = client.request(method, filled, json={} if method == "POST" else None)
            code = answer.json().get("code") if "json" in answer.headers.get("content-type", "") else None
            stopped = code in ("role", "token")
            through += role not in allowed and not stopped
            refused += role in allowed and stopped
            calls += 1
    lists = [
        clients[role].get("/parcels", params={"region": _REGION}).text
        for role in ("dispatcher", "admin", "station", "company_viewer")
    ]
    lists.append(clients["station"].get("/stations/station-1/parcels", params={"q": _PHONE[-4:]}).text)
    return through, refused, calls + len(lists), "\n".join(lists)


def _routes() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Give every route with the roles it declares, read from its dependencies."""
    everybody = frozenset({"nobody", *ROLES})
    for part in NATIVE_PARTS:
        for route in part.routes:
            waiting, found = [route.dependant], everybody
            while waiting:
                dependant = waiting.pop()
                roles = allowed_roles(dependant.call)
                if roles is not None:
                    found = roles
                    break
                if dependant.call is identify:
                    found = frozenset(ROLES)
                waiting.extend(dependant.dependencies)
            for method in sorted(route.methods):
                yield route.path, method, found


def _ask_for_others(services: Services, clients: dict[str, httpx.Client]) -> int:
    """Ask for another company's parcel, another keeper's station, another's everything; return what was answered."""
    station, viewer = clients["station"], clients["company_viewer"]
    asked = [
        viewer.get("/parcels/p-00002"), viewer.get("/parcels/p-00002/custody"), viewer.get("/parcels/YL00002/custody"),
        station.get("/parcels/p-00002"), station.get("/parcels/p-00002/custody"), station.get("/stations/station-2"),
        station.get("/stations/station-2/parcels"), station.get("/stations/station-2/overdue"),
        station.get("/stations/station-2/visits"), station.get("/stations/station-2/docks"),
    ]  # fmt: skip
    bodies = {
        "/stations/station-2:deposit": {"items": [{"key": "p-00002"}]}, "/stations/station-2/passes": {"holder": "x"},
        "/stations/station-2:take-out": {"digits": "00000000"}, "/stations/station-2/counts": None,
        "/stations/station-1:consent": {"parcel_id": "nobody", "reference": "x", "means": "phone"},
    }  # fmt: skip
    for number, (path, body) in enumerate(bodies.items()):
        asked.append(station.post(path, json=body, headers={"Idempotency-Key": f"s11-{number}"}))
    listed = viewer.get("/parcels", params={"region": _REGION}).json()["items"]
    answered = sum(answer.status_code != 404 for answer in asked)
    return answered + sum(str(one["company_id"]) != "yunlu" for one in listed)


TRIALS: Final = (
    Trial("A7", "Wrong box, two parcels, empty deposit: each enters its flow, nothing is believed", a7),
    Trial("S4", "Codes are guessed for hours: limits per cabinet and per account hold and grow", s4),
    Trial("S5", "Offline codes work without network, once, in their window, over drift and a change of keys", s5),
    Trial("S6", "Entrance codes: no screenshot, no late code, no other station; one step of drift", s6),
    Trial("S11", "Every route as every role, ids of others, phones in logs and lists: no finding", s11),
)
