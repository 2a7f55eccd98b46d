"""The demonstration drives a whole day by the same doors as a real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_bridge.broker.mosquitto import find_mosquitto

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(900)  # a fresh, busy machine compiles the solver for minutes
@pytest.mark.integration
def test_a_small_day_holds_from_manifest_to_ledger(tmp_path: Path) -> None:
    """County, broker, kiosks, manifest, plan, publishing, courier, drop-offs and ledger work together."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    arguments = ["demo", "--check", "--parcels", "150", "--kiosks", "4", "--seconds", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments], cwd=PROJECT, capture_output=True, text=True,
        env=os.environ | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}, timeout=840, check=False,
    )  # fmt: skip
    summary = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, (summary, done.stderr[-3000:])
    assert summary["ok"]
    assert summary["stopped"]
    assert all(step["ok"] for step in summary["steps"])
    seen = {step["name"]: step["seen"] for step in summary["steps"]}
    assert seen["many_drop_offs"]["lost"] == 0
    assert seen["many_drop_offs"]["twice"] == 0
    assert len(seen["ask_ledger"]["answers"]) == 4
    assert list(tmp_path.glob("cunda-demo-*")) == []
