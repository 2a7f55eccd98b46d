"""Layout of the arrays that all kernels share.

Nodes 0..n-1 are tasks. From n on come terminals: depots by index, and last an imaginary end for open
routes. A route slot ``r`` holds its tasks in ``seq[r, 1..len]``, its start terminal in ``seq[r, 0]`` and
its end terminal in ``seq[r, len + 1]``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# Columns of State.node: one row per task, one cache line.
RID, POS, PRV, NXT, CPRV, CNXT, DEP, LT = range(8)
TPRV, PD, PE, PL, SD, SE, SL, SVC = range(8, 16)
NARROW, WIDE = 8, 16
# With several trips: departure as a function of the trip's start s is max(s + LASTS, IDLE), allowed for s <= START_BY.
LASTS, IDLE, START_BY = PD, PE, PL

# Columns of Data.cls: one row per class of interchangeable vehicles.
COUNT, START, END, CM, TM, FIXED, PS, OPEN, SCLOSE, EOPEN, CLOSE, MAXDUR, OTAFTER, OTPRICE, MAXLEN = range(15)
MAXDIST, MAXDRIVE, FIRSTV, KIND, DM, NOFRONT, MAXTRIPS, TRIPCOST, BREAKS, OPENS = range(
    15, 25
)  # OPENS: vehicles a new route may take
CLS_COLUMNS = 25

# Columns of State.rint: one row per route slot.
LEN, CLS, SPAN, WAIT, DIST, DRIVE, EXTRA, AUX, BASE, VERSION = range(10)  # BASE: fixed cost, arcs, nodes; AUX: all
ROUTE_COLUMNS = 10
HEAD = SPAN  # where changes are tried on links alone: the first entry behind the start, see links.py
# With several trips a slot holds one trip: slots before and after it on the vehicle's day, departure, latest
# arrival at the end, latest release of its tasks.
BEFORE, AFTER, BEGIN, DUE, RELEASE = range(10, 15)
TRIP_COLUMNS = 15

# Columns of State.event: what happens on a route, one row each; the last is the arrival at the end.
EV_START, EV_TRAVEL, EV_WORK, EV_WHAT = range(4)
EV_BREAK = -2  # EV_WHAT of a break (EV_TRAVEL is then its number); a node otherwise

# Entries of Data.rules.
ORDER_PRICE, START_PRICE, BALANCE_OF, BALANCE_TARGET, BALANCE_PRICE, BACKHAUL, MISPLACED, SYMMETRIC = range(8)
# Whether anything is collected or fetched on the way, any vehicle has a limit, vehicles differ in room.
COLLECTED, LIMITED, ROOMS = range(8, 11)
RULES_SIZE = 11
BY_TASKS, BY_DISTANCE, BY_DURATION = 1, 2, 3
NEEDS_DELIVERY = 2  # value of BACKHAUL: no collections on a trip without deliveries

# Bits of Data.flow.
DELIVERS, COLLECTS = 1, 2

# Entries of State.info.
CUR, NROUTES, NFREE, NABSENT, BEST, ITER, STAMP, NSAVED, NREM, GROW, NDIRTY, BESTAT, ACCEPTED, IMPROVED = range(14)
NROUTES_BEST, NABSENT_BEST, VISIT, EVENTS, DEPARTS, HOLDS, VERSIONS, UPGRADING, PACKING, VENTURING = range(14, 24)
OVERLOADED, FITTING = 24, 25  # routes now; iterations of late that ended without any, see overload.py
NROWS, TOP = 26, 27  # rows saved in this iteration, see links.py; slots below which all routes have been
INFO_SIZE = 28

# What Python asks the entry kernel to do.
ANNEAL, LOAD, CONSTRUCT, EXAMINE = range(4)

NONE = -1
INF = 1 << 60
FULL = 1 << 61  # what a task costs on a route without room: more than any limit by more than any arc
FAR_COST = (1 << 30) - 1  # the cost of a leg without a road
FAR = 1_500_000_000  # a leg without a road, beyond every horizon and still an int32


class Data(NamedTuple):
    """What the search reads and never writes."""

    n: Any
    cost: Any  # (matrices, nodes, nodes) int32 or int64
    cost_t: Any  # its transposes, the same array when symmetric
    time: Any  # (matrices, nodes, nodes) int32
    dist: Any  # (matrices, nodes, nodes) int32
    near: Any  # (n, K) int32 neighbours of a task, nearest first
    apart: Any  # (n, K) least cost of the two arcs that join a task between that neighbour and one not yet looked at
    away: Any  # (n,) int64 twice the cheapest arc to or from a terminal
    delivery: Any  # (n, dimensions) int64
    pickup: Any  # (n, dimensions) int64
    windows: Any  # (n, 2 * most windows) int32: open, close, open, close
    window_count: Any  # (n,) int32
    service: Any  # (classes, n) int32
    cls: Any  # (classes, CLS_COLUMNS) int64
    capacity: Any  # (classes, dimensions) int64
    node_cost: Any  # (classes, n) int64
    allowed: Any  # (classes, n) uint8
    prize: Any  # (n,) int64 price of leaving a task out, during search
    kin: Any  # (classes, classes) uint8: same times and prices of time, so that a route may change over by its load
    frozen: Any  # (n,) uint8: never removed
    partner: Any  # (n,) int32 other end of a shipment, or NONE
    flow: Any  # (n,) uint8: DELIVERS, COLLECTS
    side: Any  # (n,) int8: 1 first end of a shipment, -1 second end, 0 neither
    change: Any  # (n, dimensions) int64 change of what is on board
    bare: Any  # (classes, n) int32 service without set-up
    place: Any  # (nodes,) int32 location
    late: Any  # (n,) int64 price per second late, or NONE
    release: Any  # (n,) int64
    breaks: Any  # (classes, most breaks, 3) int64: earliest, latest, duration
    terminal: Any  # (terminals, 3) int64: opens, closes, time to reload
    reload: Any  # (classes, most) int32 terminals for reloading, or NONE
    lead: Any  # (n,) int32 first task of the alternatives it belongs to, itself if none
    other: Any  # (n,) int32 next alternative, or NONE
    mate: Any  # (n,) int32 next task of the same-vehicle group, a ring; itself if alone
    foe_start: Any  # (n + 1,) int32
    foe: Any  # (pairs,) int32 tasks that never share its vehicle
    stay: Any  # (n,) uint8: nothing may come right after
    fixed_at: Any  # (n,) int32 position it must have, or NONE
    ref_before: Any  # (n,) int32 task before it in the reference plan, NONE if first, -2 if not in it
    ref_start: Any  # (n,) int64
    rules: Any  # (RULES_SIZE,) int64
    keys: Any  # (kinds, n) int64 orders of re-insertion
    key_weights: Any  # (kinds,) int64 cumulated weights
    minus_log: Any  # (4096,) float64, -ln of mid-interval


class State(NamedTuple):
    """What one search changes."""

    node: Any  # (n, NARROW or WIDE)
    seq: Any  # (slots, longest + 2) int32
    rint: Any  # (slots, ROUTE_COLUMNS) int64
    load: Any  # (slots, dimensions, 3) int64: delivered, picked up, peak
    toll: Any  # (2, dimensions) float64 price of a unit too many: now, 0 if there must be none; at first
    peak: Any  # (n, dimensions, 2) int64: highest load up to and from the task on
    free_slots: Any  # (slots,) int32 stack
    used_pos: Any  # (slots,) int32 index in used_list, or NONE
    used_list: Any  # (slots,) int32
    free_vehicles: Any  # (classes,) int64
    absent: Any  # (n,) int32
    absent_pos: Any  # (n,) int32, or NONE
    removed: Any  # (n,) int32 what the ruin took out, tasks to insert
    was_absent: Any  # (n,) uint8
    mark: Any  # (n,) int64 stamps
    order: Any  # (n,) int64 keys of removed
    saved: Any  # (touched,) int32 route slots
    saved_stamp: Any  # (slots,) int64
    saved_seq: Any  # (touched, longest + 2)
    saved_rint: Any  # (touched, ROUTE_COLUMNS)
    saved_load: Any  # (touched, dimensions, 3)
    saved_node: Any  # (touched, longest, width)
    saved_peak: Any  # (touched, longest, dimensions, 2)
    row_stamp: Any  # (n,) int64, see links.py; these three are empty where changes are not tried on links alone
    row_of: Any  # (n,) int32 tasks whose rows are saved
    saved_row: Any  # (n, NARROW)
    reach: Any  # (n,) longest arc to a task beside it, and twice the longest to a terminal, see bounds.py
    home: Any  # (n,)
    seat: Any  # (n,) int32 slot of its route plus one, 0 if it has none
    extra: Any  # (slots + 1,) int64 what the task in hand costs on each route beyond arcs
    carried: Any  # (dimensions, slots) int64 what is delivered, as in load
    picked: Any  # (K,) int32 neighbours worth a closer look
    line: Any  # (longest + 8,) int32 a route as it would be
    event: Any  # (2 * longest + 16, 4) int64
    visit: Any  # (slots,) int64 stamps
    by_class: Any  # (slots, classes) int64 what BASE would be with each class
    by_class_of: Any  # (slots,) int64 the VERSION that by_class stands for
    larger: Any  # (slots, 2) int64 class that would have room for the task in hand, and its price
    detour: Any  # (longest + 2, 2) int64 cost of a shipment's second end behind each entry, and the least from there on
    known: Any  # (n, a power of two, 3) int64: version of a route, cost of a shipment in it, both places
    dirty: Any  # (slots,) int32
    dirty_mark: Any  # (slots,) uint8
    best_seq: Any  # (slots, longest + 2) int32
    best_len: Any  # (slots,) int64
    best_cls: Any  # (slots,) int64
    best_before: Any  # (slots,) int32 the trip before on the same vehicle, or NONE; empty without trips
    info: Any  # (INFO_SIZE,) int64
    rng: Any  # (1,) uint64
