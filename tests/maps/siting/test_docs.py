"""docs/siting.md tells what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import maps.errors
from kernel.errors import CundaError
from maps.siting.plan import MODELS
from maps.siting.scenes import PATTERNS, SCENES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "siting.md").read_text(encoding="utf-8")


def test_the_patterns_on_the_page_are_the_presets() -> None:
    """Name, spacing and cluster of each pattern on the page are those in force."""
    rows = re.findall(r"^\| `(\w+)` (\S+) \| .* \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {name: zh for name, zh, *_ in rows} == {name: pattern.zh for name, pattern in PATTERNS.items()}
    for name, _, spacing, cluster in rows:
        pattern = PATTERNS[name]
        assert spacing == (f"{pattern.min_spacing_m:,.0f} m" if pattern.min_spacing_m else "–")
        assert (f"{pattern.cluster_m:,.0f} m" in cluster) == (pattern.cluster_size > 1)


def test_models_scenes_and_error_codes_of_the_page_exist() -> None:
    """Every model, scene and error code is on the page, and every code on the page exists."""
    assert all(f"| `{model}` |" in PAGE for model in MODELS)
    assert all(f"`{scene}`" in PAGE for scene in SCENES)
    known = {
        item.code for item in vars(maps.errors).values() if isinstance(item, type) and issubclass(item, CundaError)
    }
    named = set(re.findall(r"^\| `((?:siting|coverage)_\w+)` \|", PAGE, re.MULTILINE))
    assert named == {code for code in known if code.startswith(("siting", "coverage"))}
