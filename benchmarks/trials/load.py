"""A thousand devices at once: R1 connects them, R2 lets them drop parcels off for a minute."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from benchmarks.trials.stage import Stage, score, until
from benchmarks.trials.swarm import Orders
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_least, at_most, exactly, noted


def many_connect(settings: TrialSettings) -> TrialResult:
    """Connect all devices at once, wait for every birth reply, and stay connected."""
    devices = settings.size(1000, 50)
    with Stage(settings, devices) as stage:
        server = stage.server()
        orders = Orders(hold_s=settings.size(40, 2), connects_per_s=1e9, seed=settings.seed)
        swarm = stage.run("swarm", json.dumps(asdict(orders)))
        online_s = until(lambda: stage.online() >= devices, 60)
        report: dict[str, Any] = json.loads(swarm.line())
        resident_mb = server.resident_mb()
        return TrialResult(
            (
                exactly("devices born", report["born"], devices),
                at_most("all born within", report["births_s"], 10, "s"),
                noted("known to be online after", online_s, "s, with the start of the program"),
                exactly("connections that ended by themselves", report["closed"], 0),
                at_most("server's memory", resident_mb, 300, "MB"),
            )
        )


def steady_ingest(settings: TrialSettings) -> TrialResult:
    """Let all devices drop parcels off at a steady rate, and time each from when it was due to its signed ack."""
    devices, per_s = settings.size(1000, 40), settings.size(520, 100)
    seconds = settings.size(60, 3)
    orders = Orders(events=int(per_s * seconds), per_s=per_s, seed=settings.seed)
    with Stage(settings, devices) as stage:
        server = stage.server()
        report: dict[str, Any] = json.loads(stage.run("swarm", json.dumps(asdict(orders))).line())
        found = score(stage.database, report["ids"])
        resident_mb, processor_s = server.resident_mb(), server.processor_s()
        stats: dict[str, Any] = json.loads(server.stop())
        return TrialResult(
            (
                at_least("committed and acknowledged", report["acked_in_time"] / report["sending_s"],
                         settings.size(500, 1), "events/s"),
                at_most("p99 from event to acknowledgement", report["p99_ms"], settings.size(500, 60_000), "ms"),
                noted("p50", report["p50_ms"], "ms"),
                noted("longest", report["longest_ms"], "ms"),
                *found.figures,
                exactly("lines of the broker about dropped messages", stage.count_dropped_lines(), 0),
                noted("sent again", report["resent"], "events"),
                noted("events in one transaction", stats["stored"] / max(stats["batches"], 1)),
                noted("server's processor time, births included", processor_s / max(stats["received"], 1) * 1000,
                      "ms for a drop-off"),
                noted("server's memory", resident_mb, "MB"),
            )
        )  # fmt: skip


TRIALS: tuple[Trial, ...] = (
    Trial("R1", "1,000 devices connect at once, are born and stay", many_connect),
    Trial("R2", "1,000 devices drop off 520 parcels a second for a minute", steady_ingest),
)
