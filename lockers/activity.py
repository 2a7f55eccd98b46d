"""Activity of sending kiosks (活跃度), metrics version 2: pure functions of events.

Time is corrected event time in the region's zone. Late events restate their day, so a report says "as of". Reports in
the press quote "56 % active" without saying of which period: both the day's and the week's share are given.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

VERSION: Final = 2
WEEK: Final = 7
SLEEPER_DAYS: Final = 14

METRICS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "installed": ("布放量", "sites commissioned on or before the day and not retired on or before it"),
        "eligible": ("在用设备日", "installed sites that are not in maintenance on the day"),
        "active": ("当日活跃", "eligible sites with at least one drop-off on the day"),
        "active_share": ("当日活跃度", "active ÷ eligible"),
        "active_share_week": (
            "七日活跃度",
            "sites eligible on the day with a drop-off on it or the six days before ÷ eligible",
        ),
        "drop_offs": ("投件量", "distinct drop-offs on the day, voided ones excluded"),
        "drop_offs_per_device": ("台均投件", "drop-offs ÷ eligible"),
        "collected": ("揽收量", "pieces accepted by a courier on the day, not merely fetched"),
        "refused": ("拒收量", "pieces refused at inspection on the day, by reason"),
        "refusal_rate": ("拒收率", "refused ÷ (accepted + refused) on the day"),
        "return_share": ("退货占比", "drop-offs on the day that are marketplace returns ÷ drop-offs"),
        "hours_median": ("投揽时长中位数", "median hours from drop-off to acceptance, of pieces accepted on the day"),
        "hours_p90": ("投揽时长九成位", "90th percentile of the same, nearest rank"),
        "open": ("未揽收", "drop-offs up to the end of the day neither accepted, refused nor voided by then"),
        "oldest_open_hours": ("最久未揽收", "age of the oldest of them at the end of the day, or as of the report"),
        "sleepers": ("沉睡设备", "eligible sites commissioned at least 14 days ago, without a drop-off in 14 days"),
        "uptime": ("在线率", "1 − confirmed outage ÷ eligible time of the day, up to the report's moment"),
        "repair_hours": ("平均修复时间", "mean length of the outages that ended on the day, hours"),
        "paper_out_hours": ("缺纸时长", "hours of the day in which labels could not be printed, all sites together"),
        "code_fail_rate": ("取件码失败率", "refused codes ÷ all codes presented on the day"),
        "overdue": ("滞留件", "parcels whose promised time ended on the day while they were still there"),
        "overdue_rate": ("滞留率", "overdue ÷ (overdue + parcels that left within their promised time), on the day"),
        "light_to_pick_s": ("亮灯取件用时", "median seconds from a visitor's light to the first parcel of that visit"),
        "wrong_pick_rate": ("错取率", "scans of another's parcel ÷ all scans inside a station on the day"),
        "unknown_rate": ("指令未知率", "commands of the day whose outcome stayed unknown ÷ commands; target 0"),
        "wire_faults": ("线路异常", "dead letters, forks and gaps of the day; target 0"),
    }
)
"""Every metric with its Chinese name and exact definition."""


@dataclass(frozen=True)
class InstalledSite:
    """A site as the metrics need it.

    Parameters
    ----------
    maintenance
        First and last day of each time out of service.
    """

    id: str
    branch: str
    scene: str
    commissioned_on: date | None
    retired_on: date | None = None
    maintenance: tuple[tuple[date, date], ...] = ()

    def installed(self, day: date) -> bool:
        """Tell whether it stands there on a day."""
        if self.commissioned_on is None or day < self.commissioned_on:
            return False
        return self.retired_on is None or day < self.retired_on

    def eligible(self, day: date) -> bool:
        """Tell whether it could take parcels on a day."""
        return self.installed(day) and not any(first <= day <= last for first, last in self.maintenance)


@dataclass(frozen=True)
class Drop:
    """One drop-off and what became of it."""

    id: str
    site_id: str
    dropped_at: datetime
    accepted_at: datetime | None = None
    refused_at: datetime | None = None
    refusal_reason: str | None = None
    return_platform: str | None = None
    voided: bool = False


@dataclass(frozen=True)
class Outage:
    """A time a site could not work; ``ended_at`` is None while it lasts.

    Parameters
    ----------
    kind
        ``outage``: nobody heard it for so long that it is confirmed. ``paper``: it could not print.
    """

    site_id: str
    kind: str
    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class SiteOperations:
    """What else happened at one site on the day, as counts."""

    codes: int = 0
    codes_refused: int = 0
    overdue: int = 0
    left_in_time: int = 0
    picks: int = 0
    picks_wrong: int = 0
    light_to_pick_s: tuple[int, ...] = ()
    commands: int = 0
    commands_unknown: int = 0
    wire_faults: int = 0


@dataclass(frozen=True)
class ActivityRow:
    """The metrics of one group of sites on one day; a share is None when there is nothing to divide by."""

    group: str
    installed: int
    eligible: int
    active: int
    active_share: Fraction | None
    active_share_week: Fraction | None
    drop_offs: int
    drop_offs_per_device: Fraction | None
    collected: int
    refused: int
    refusal_rate: Fraction | None
    return_share: Fraction | None
    hours_median: Fraction | None
    hours_p90: Fraction | None
    open: int
    oldest_open_hours: Fraction | None
    sleepers: int
    uptime: Fraction | None
    repair_hours: Fraction | None
    paper_out_hours: Fraction
    code_fail_rate: Fraction | None
    overdue: int
    overdue_rate: Fraction | None
    light_to_pick_s: Fraction | None
    wrong_pick_rate: Fraction | None
    unknown_rate: Fraction | None
    wire_faults: int


@dataclass(frozen=True)
class ActivityReport:
    """One day's report.

    Parameters
    ----------
    as_of
        When it was computed; events that arrive later restate it.
    """

    day: date
    as_of: datetime
    version: int
    total: ActivityRow
    groups: tuple[ActivityRow, ...]
    sleeping: tuple[str, ...]
    open_drops: tuple[str, ...]
    refusals: Mapping[str, int]
    returns: Mapping[str, int]


def daily_report(
    day: date,
    zone: str,
    sites: Sequence[InstalledSite],
    drops: Iterable[Drop],
    as_of: datetime,
    group_by: Callable[[InstalledSite], str] = lambda site: site.branch,
    outages: Sequence[Outage] = (),
    operations: Mapping[str, SiteOperations] = MappingProxyType({}),
) -> ActivityReport:
    """Compute the report of one day.

    Parameters
    ----------
    drops
        All drop-offs that may still matter: of the last 14 days, and older ones that are open. The same one twice
        counts once; those of unknown sites count in no group and are left out.
    group_by
        ``lambda site: site.scene`` for scenes, ``lambda site: site.id`` for devices.
    outages
        Times sites could not work that touch the day.
    operations
        Counts of the day by site.
    """
    known = {site.id for site in sites}
    distinct = {drop.id: drop for drop in drops if not drop.voided and drop.site_id in known}
    facts = _Facts(day, ZoneInfo(zone), as_of, tuple(distinct.values()), tuple(outages), operations)
    grouped: dict[str, list[InstalledSite]] = defaultdict(list)
    for site in sites:
        grouped[group_by(site)].append(site)
    sleeping = tuple(sorted(site.id for site in sites if facts.sleeps(site)))
    today = [drop for drop in facts.drops if facts.day_of(drop.dropped_at) == day]
    refused = [drop for drop in facts.drops if drop.refused_at and facts.day_of(drop.refused_at) == day]
    return ActivityReport(
        day=day,
        as_of=as_of,
        version=VERSION,
        total=facts.row("total", sites),
        groups=tuple(facts.row(group, members) for group, members in sorted(grouped.items())),
        sleeping=sleeping,
        open_drops=tuple(sorted(drop.id for drop in facts.drops if facts.is_open(drop))),
        refusals=MappingProxyType(dict(Counter(drop.refusal_reason or "unstated" for drop in refused))),
        returns=MappingProxyType(dict(Counter(drop.return_platform for drop in today if drop.return_platform))),
    )


@dataclass(frozen=True)
class _Facts:
    """The drop-offs of a report, and questions to them."""

    day: date
    zone: ZoneInfo
    as_of: datetime
    drops: tuple[Drop, ...]
    outages: tuple[Outage, ...]
    operations: Mapping[str, SiteOperations]

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    @property
    def begin(self) -> datetime:
        """Return local midnight of the day."""
        return datetime(self.day.year, self.day.month, self.day.day, tzinfo=self.zone)

    @property
    def end(self) -> datetime:
        """Return the end of the day, or the moment of the report if that is earlier."""
        return min(self.begin + timedelta(days=1), self.as_of)

    def outage_s(self, sites: set[str], kind: str) -> int:
        """Return how many seconds of the day the sites were out, each for itself."""
        lost = timedelta(0)
        for one in self.outages:
            if one.kind == kind and one.site_id in sites:
                span = min(one.ended_at or self.end, self.end) - max(one.began_at, self.begin)
                lost += max(span, timedelta(0))
        return lost // timedelta(seconds=1)

    def repairs(self, sites: set[str]) -> list[Fraction]:
        """Return the lengths of the outages that ended on the day, hours."""
        return [
            _hours(one.ended_at - one.began_at)
            for one in self.outages
            if one.kind == "outage" and one.site_id in sites and one.ended_at and self.day_of(one.ended_at) == self.day
        ]

    def is_open(self, drop: Drop) -> bool:
        done_at = drop.accepted_at or drop.refused_at
        return drop.dropped_at < self.end and (done_at is None or done_at >= self.end)

    def sleeps(self, site: InstalledSite) -> bool:
        begin = self.day - timedelta(days=SLEEPER_DAYS - 1)
        if not site.eligible(self.day) or site.commissioned_on is None or site.commissioned_on > begin:
            return False
        return not any(drop.site_id == site.id and begin <= self.day_of(drop.dropped_at) <= self.day
                       for drop in self.drops)  # fmt: skip

    def row(self, group: str, sites: Sequence[InstalledSite]) -> ActivityRow:
        eligible = {site.id for site in sites if site.eligible(self.day)}
        members = {site.id for site in sites}
        mine = [drop for drop in self.drops if drop.site_id in members]
        today = [drop for drop in mine if self.day_of(drop.dropped_at) == self.day]
        week_begin = self.day - timedelta(days=WEEK - 1)
        in_week = {drop.site_id for drop in mine if week_begin <= self.day_of(drop.dropped_at) <= self.day}
        active = eligible & {drop.site_id for drop in today}
        accepted = [drop for drop in mine if drop.accepted_at and self.day_of(drop.accepted_at) == self.day]
        refused = [drop for drop in mine if drop.refused_at and self.day_of(drop.refused_at) == self.day]
        hours = sorted(_hours(drop.accepted_at - drop.dropped_at) for drop in accepted if drop.accepted_at)
        still_open = [_hours(self.end - drop.dropped_at) for drop in mine if self.is_open(drop)]
        return ActivityRow(
            group=group,
            installed=sum(site.installed(self.day) for site in sites),
            eligible=len(eligible),
            active=len(active),
            active_share=_share(len(active), len(eligible)),
            active_share_week=_share(len(eligible & in_week), len(eligible)),
            drop_offs=len(today),
            drop_offs_per_device=_share(len(today), len(eligible)),
            collected=len(accepted),
            refused=len(refused),
            refusal_rate=_share(len(refused), len(accepted) + len(refused)),
            return_share=_share(sum(drop.return_platform is not None for drop in today), len(today)),
            hours_median=_median(hours),
            hours_p90=_nearest_rank(hours, 90),
            open=len(still_open),
            oldest_open_hours=max(still_open, default=None),
            sleepers=sum(self.sleeps(site) for site in sites),
            **self._health(members, eligible),
        )

    def _health(self, members: set[str], eligible: set[str]) -> dict[str, Any]:
        """Return what concerns machines, codes and wires rather than drop-offs."""
        mine = [one for site_id, one in self.operations.items() if site_id in members]
        day_s = max(0, (self.end - self.begin) // timedelta(seconds=1))
        down = _share(self.outage_s(eligible, "outage"), day_s * len(eligible))
        repairs = self.repairs(members)
        overdue = sum(one.overdue for one in mine)
        return {
            "uptime": None if down is None else 1 - down,
            "repair_hours": sum(repairs, Fraction(0)) / len(repairs) if repairs else None,
            "paper_out_hours": Fraction(self.outage_s(members, "paper"), 3600),
            "code_fail_rate": _share(sum(one.codes_refused for one in mine), sum(one.codes for one in mine)),
            "overdue": overdue,
            "overdue_rate": _share(overdue, overdue + sum(one.left_in_time for one in mine)),
            "light_to_pick_s": _median(sorted(Fraction(s) for one in mine for s in one.light_to_pick_s)),
            "wrong_pick_rate": _share(sum(one.picks_wrong for one in mine), sum(one.picks for one in mine)),
            "unknown_rate": _share(sum(one.commands_unknown for one in mine), sum(one.commands for one in mine)),
            "wire_faults": sum(one.wire_faults for one in mine),
        }


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _hours(span: timedelta) -> Fraction:
    return Fraction(span // timedelta(seconds=1), 3600)


def _median(values: Sequence[Fraction]) -> Fraction | None:
    if not values:
        return None
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _nearest_rank(values: Sequence[Fraction], percent: int) -> Fraction | None:
    return values[-(-percent * len(values) // 100) - 1] if values else None
