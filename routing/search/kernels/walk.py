# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201
"""Judges a whole route by walking along it: every rule that no constant-time test covers.

Used where a problem has prices for lateness, set-up, breaks, several trips, release times, a backhaul rule,
prices against a reference plan, balance, or shipments together with priced time. A candidate is walked only
after its arcs alone have beaten the best place found so far, so few are.

The schedule is that of the problem module: depart, then everything as early as possible. The departure is
the latest that ends the route no later and makes nobody later: a forward pass finds the earliest times, a
backward pass how late each may be. Departures at which a break is no longer owed are tried as well.
"""

from __future__ import annotations

from .arrays import (
    BACKHAUL,
    BALANCE_OF,
    BALANCE_PRICE,
    BALANCE_TARGET,
    BREAKS,
    BY_DISTANCE,
    BY_TASKS,
    CLOSE,
    DEPARTS,
    DM,
    EOPEN,
    EV_BREAK,
    EV_START,
    EV_TRAVEL,
    EV_WHAT,
    EV_WORK,
    EVENTS,
    INF,
    MAXDIST,
    MAXDRIVE,
    MAXDUR,
    MAXLEN,
    MAXTRIPS,
    MISPLACED,
    NONE,
    OPEN,
    ORDER_PRICE,
    OTAFTER,
    OTPRICE,
    PS,
    SCLOSE,
    START_PRICE,
    TM,
    TRIPCOST,
)
from .compiled import apart, inner
from .features import PAIR
from .windows import latest_start, next_start


@inner
def line_loads_fit(data, state, c, m):
    """Tell whether loads and the backhaul rule hold on every trip of the line."""
    n = data.n
    line = state.line
    for d in range(data.delivery.shape[1]):
        room = data.capacity[c, d]
        first = 1
        while first <= m + 1:
            now = 0
            k = first
            while k <= m and line[k] < n:
                now += data.delivery[line[k], d]
                k += 1
            if now > room:
                return False
            for i in range(first, k):
                now += data.change[line[i], d]
                if now > room:
                    return False
            first = k + 1
    if data.rules[BACKHAUL] > 0:
        delivers = False
        collects = False
        for k in range(1, m + 2):
            x = line[k]
            if x >= n:
                if collects and not delivers and data.rules[BACKHAUL] == 2:
                    return False
                delivers = False
                collects = False
                continue
            for d in range(data.delivery.shape[1]):
                if data.delivery[x, d] > 0:
                    delivers = True
                    if collects:
                        return False
            for d in range(data.delivery.shape[1]):
                if data.pickup[x, d] > 0:
                    collects = True
    return True


@inner
def line_release(data, state, k, m):
    """Return the latest release of the trip whose first task is entry ``k`` of the line."""
    latest = 0
    while k <= m and state.line[k] < data.n:
        latest = max(latest, data.release[state.line[k]])
        k += 1
    return latest


@inner
def begin_work(data, x, arrival):
    """Return the start of work at a task: in the next window, late at a price, or NONE."""
    start = next_start(data, x, arrival)
    if start < 0 and data.late[x] >= 0:
        return arrival
    return start


@inner
def log_event(state, start, travel, work, what):
    """Append one row to the events of the line."""
    e = state.info[EVENTS]
    state.event[e, EV_START] = start
    state.event[e, EV_TRAVEL] = travel
    state.event[e, EV_WORK] = work
    state.event[e, EV_WHAT] = what
    state.info[EVENTS] = e + 1


@inner
def after_next(data, state, c, tm, u, k, m, clock):
    """Return when the vehicle is done with entry ``k`` of the line (and a reload right behind it)."""
    n = data.n
    x = state.line[k]
    if x < n:
        start = begin_work(data, x, clock + data.time[tm, u, x])
        if start < 0:
            return INF
        same = u < n and data.place[u] == data.place[x]
        clock = start + (data.bare[c, x] if same else data.service[c, x])
        if k < m and state.line[k + 1] >= n:
            y = state.line[k + 1]
            clock = max(clock + data.time[tm, x, y], data.terminal[y - n, 0]) + data.terminal[y - n, 2]
        return clock
    clock += data.time[tm, u, x]
    if k == m + 1:
        return max(clock, data.cls[c, EOPEN])
    return max(clock, data.terminal[x - n, 0]) + data.terminal[x - n, 2]


@inner
def walk_forward(data, state, c, m, departure):
    """Run along the line from a departure; return (end, price of lateness), end INF if a rule breaks.

    Breaks are taken as late as possible, or earlier where the wait for a window hides them. None is taken
    right before a reload: a plan cannot say so.
    """
    n = data.n
    line = state.line
    tm = data.cls[c, TM]
    state.info[EVENTS] = 0
    clock = departure
    late = 0
    b = 0
    count = data.cls[c, BREAKS]
    u = line[0]
    for k in range(1, m + 2):
        x = line[k]
        reload_next = x >= n and k <= m
        while b < count and not reload_next:
            earliest = data.breaks[c, b, 0]
            last = data.breaks[c, b, 1]
            length = data.breaks[c, b, 2]
            if departure >= earliest + length:
                b += 1
                continue
            done = after_next(data, state, c, tm, u, k, m, clock)
            begin = max(clock, earliest)
            hidden = False
            if x < n and begin <= last:
                arrival = clock + data.time[tm, u, x]
                start = begin_work(data, x, arrival)
                hidden = start > arrival and begin + length + data.time[tm, u, x] <= start
            if done <= last and not hidden:
                break
            if begin > last:
                return INF, 0
            log_event(state, begin, b, length, EV_BREAK)
            clock = begin + length
            b += 1
        travel = data.time[tm, u, x]
        clock += travel
        if x < n:
            start = begin_work(data, x, clock)
            if start < 0:
                return INF, 0
            closes = data.windows[x, 2 * data.window_count[x] - 1]
            if start > closes:
                late += (start - closes) * data.late[x]
            same = u < n and data.place[u] == data.place[x]
            work = data.bare[c, x] if same else data.service[c, x]
            log_event(state, start, travel, work, x)
            clock = start + work
        elif k <= m:
            start = max(clock, data.terminal[x - n, 0])
            if start > data.terminal[x - n, 1]:
                return INF, 0
            log_event(state, start, travel, data.terminal[x - n, 2], x)
            clock = max(start + data.terminal[x - n, 2], line_release(data, state, k + 1, m))
        else:
            clock = max(clock, data.cls[c, EOPEN])
            log_event(state, clock, travel, 0, x)
        u = x
    if clock > data.cls[c, CLOSE]:
        return INF, 0
    return clock, late


@inner
def walk_backward(data, state, c):
    """Return the latest departure that keeps end and lateness of the events as they are."""
    e = state.info[EVENTS] - 1
    bound = state.event[e, EV_START] - state.event[e, EV_TRAVEL]
    e -= 1
    while e >= 0:
        what = state.event[e, EV_WHAT]
        start = state.event[e, EV_START]
        latest = bound - state.event[e, EV_WORK]
        if what == EV_BREAK:
            # Which break it is does not matter here: it must not start later than it does.
            latest = min(latest, start)
        elif what < data.n:
            closes = data.windows[what, 2 * data.window_count[what] - 1]
            if start > closes:
                latest = start
            else:
                latest = max(start, latest_start(data, what, latest))
        else:
            latest = min(latest, max(start, data.terminal[what - data.n, 1]))
        bound = latest
        if what != EV_BREAK:
            bound -= state.event[e, EV_TRAVEL]
        e -= 1
    return min(bound, data.cls[c, SCLOSE])


@inner
def line_prices(data, state, c, m, duration, way, tasks):
    """Return balance and disturbance prices of the line, with its events as they are."""
    n = data.n
    price = 0
    rules = data.rules
    if rules[BALANCE_PRICE] > 0:
        if rules[BALANCE_OF] == BY_TASKS:
            measure = tasks
        elif rules[BALANCE_OF] == BY_DISTANCE:
            measure = way
        else:
            measure = duration
        price += rules[BALANCE_PRICE] * abs(measure - rules[BALANCE_TARGET])
    if rules[ORDER_PRICE] > 0:
        for k in range(1, m + 1):
            x = state.line[k]
            if x < n and data.ref_before[x] != -2:
                before = state.line[k - 1]
                if before >= n:
                    before = NONE
                if before != data.ref_before[x]:
                    price += rules[ORDER_PRICE]
    if rules[START_PRICE] > 0:
        for e in range(state.info[EVENTS]):
            x = state.event[e, EV_WHAT]
            if 0 <= x < n and data.ref_before[x] != -2:
                price += rules[START_PRICE] * abs(state.event[e, EV_START] - data.ref_start[x])
    return price


@apart
def walk(data, state, c, m):
    """Judge ``line[1..m]`` between its terminals; return its cost beyond arcs and node costs, or INF.

    Leaves the events of the schedule in ``state.event`` and the departure in ``info[DEPARTS]``.
    """
    n = data.n
    line = state.line
    cls = data.cls
    tm = cls[c, TM]
    dm = cls[c, DM]
    way = 0
    drive = 0
    full = 0
    tasks = 0
    trips = 1
    extra = 0
    on_board = 0
    for k in range(1, m + 2):
        u = line[k - 1]
        x = line[k]
        way += data.dist[dm, u, x]
        drive += data.time[tm, u, x]
        if x < n:
            full += data.service[c, x]
            if data.fixed_at[x] >= 0:
                extra += data.rules[MISPLACED] * abs(tasks - data.fixed_at[x])
            tasks += 1
            if PAIR:
                on_board += int(data.side[x])
        elif k <= m:
            trips += 1
            if PAIR and on_board > 0:
                return INF  # a shipment stays within one trip
    if tasks > cls[c, MAXLEN] or way > cls[c, MAXDIST] or drive > cls[c, MAXDRIVE] or trips > cls[c, MAXTRIPS]:
        return INF
    if not line_loads_fit(data, state, c, m):
        return INF
    early = max(cls[c, OPEN], line_release(data, state, 1, m))
    if early > cls[c, SCLOSE]:
        return INF
    extra += (trips - 1) * cls[c, TRIPCOST] - cls[c, PS] * (drive + full)
    return cheapest_departure(data, state, c, m, early, extra, way, tasks)


@inner
def next_departure(data, c, early, b):
    """Return the number of the next break, from ``b`` on, that a later departure would not owe."""
    while b < data.cls[c, BREAKS]:
        free = data.breaks[c, b, 0] + data.breaks[c, b, 2]
        if early < free <= data.cls[c, SCLOSE]:
            return b
        b += 1
    return b


@inner
def cheapest_departure(data, state, c, m, early, extra, way, tasks):
    """Try the earliest departure, then those at which a break is no longer owed; return the least cost or INF.

    One loop, so that the timed passes are compiled once. Its last turn repeats the best departure, unless
    that was the last one tried, and leaves its events behind.
    """
    cls = data.cls
    count = cls[c, BREAKS]
    best = INF
    best_start = early
    start = early
    b = -1
    moved = False
    while True:
        end, late = walk_forward(data, state, c, m, start)
        price = INF
        departure = start
        if end < INF:
            if not moved:
                departure = max(start, walk_backward(data, state, c))
                if data.rules[START_PRICE] > 0 and departure > start:
                    # Everybody's start counts: compute them for this departure.
                    start = departure
                    moved = True
                    continue
            duration = end - departure
            if duration <= cls[c, MAXDUR]:
                price = extra + cls[c, PS] * duration + late
                price += cls[c, OTPRICE] * max(0, duration - cls[c, OTAFTER])
                price += line_prices(data, state, c, m, duration, way, tasks)
        state.info[DEPARTS] = departure
        if b >= count:
            return price
        first = early if b < 0 else data.breaks[c, b, 0] + data.breaks[c, b, 2]
        if price < best:
            best = price
            best_start = first
        b = next_departure(data, c, early, b + 1)
        if b >= count and (best >= INF or best_start == first):
            return best
        start = best_start if b >= count else data.breaks[c, b, 0] + data.breaks[c, b, 2]
        moved = False


@inner
def copy_line(state, r, length):
    """Lay the entries of a route into the line; return their number."""
    for k in range(length + 2):
        state.line[k] = state.seq[r, k]
    return length


@inner
def insert_in_line(state, m, k, x):
    """Make ``x`` entry ``k`` of a line of ``m`` entries; return the new number."""
    for i in range(m + 1, k - 1, -1):
        state.line[i + 1] = state.line[i]
    state.line[k] = x
    return m + 1
