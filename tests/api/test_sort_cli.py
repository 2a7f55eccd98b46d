"""`cunda sort` and `cunda products` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import api.tables  # noqa: F401 - every table is known
from api.cli.main import main
from api.services import Services
from dispatch.plans.summary import VersionSummary
from kernel.db import Base


@pytest.fixture
def home(services: Services, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the commands work where the services do."""
    Base.metadata.create_all(services.database.engine)
    monkeypatch.setenv("CUNDA_HOME", str(services.settings.home))
    return services.settings.home


def test_a_sort_plan_is_written_as_pdf_csv_and_json(
    home: Path, published: VersionSummary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """One command writes all three files and shows who is sorted where."""
    files = {name: tmp_path / f"sort.{name}" for name in ("pdf", "csv", "json")}
    given = ["sort", "plan", "-r", "qianjiang", "-d", "2026-03-04"]
    assert main([*given, *(part for name, file in files.items() for part in (f"--{name}", str(file)))]) == 0
    assert "12 parcels to sort" in capsys.readouterr().out
    assert files["pdf"].read_bytes().startswith(b"%PDF-")
    assert len(files["csv"].read_text(encoding="utf-8-sig").splitlines()) == 13
    assert len(json.loads(files["json"].read_text(encoding="utf-8"))["items"]) == 12
    assert main([*given[:-1], "2030-01-01"]) == 2
    assert "no_sort_plan" in capsys.readouterr().err


def test_a_chute_table_is_checked_loaded_and_shown(
    home: Path, two_villages: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A good table is in force from its day on; a bad one is refused and changes nothing."""
    table = 'valid_from = 2020-01-01\n[[row]]\nprefix = "Q"\ncount = 2\nfirst_distance_m = 1\nstep_m = 1\n'
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(table + '[[chute]]\nid = "NO"\npurpose = "reject"\ndistance_m = 1\n', encoding="utf-8")
    bad.write_text(table, encoding="utf-8")
    assert main(["sort", "chutes", "check", str(good)]) == 0
    assert main(["sort", "chutes", "load", str(good), "-r", two_villages]) == 0
    assert main(["sort", "chutes", "load", str(bad), "-r", two_villages]) == 2
    assert "chute_table" in capsys.readouterr().err
    assert main(["sort", "chutes", "show", "-r", two_villages]) == 0
    assert "Q02" in capsys.readouterr().out


def test_products_are_listed_checked_and_loaded(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The list shows deadlines; a bad file names row and field; a good one adds its new versions once."""
    assert main(["products", "list", "--date", "2026-03-04"]) == 0
    assert "urb D+1 13:00" in capsys.readouterr().out
    row = (
        '[[product]]\ncode = "gift"\nversion = 1\nkind = "add_on"\ntitle_zh = "礼品"\ntitle_en = "Gift"\n'
        'applies_when = "requested"\nvalid_from = 2020-01-01\nsource_note = "test"\n'
        '[product.rules]\nchannels = ["door"]\n'
    )
    file = tmp_path / "products.toml"
    file.write_text(row.replace('"door"', '"boat"'), encoding="utf-8")
    assert main(["products", "check", str(file)]) == 2
    assert "product 1 (gift), field rules.channels.0" in capsys.readouterr().err
    file.write_text(row, encoding="utf-8")
    assert main(["products", "load", str(file)]) == 0
    assert main(["products", "load", str(file)]) == 0
    told = capsys.readouterr().out
    assert "1 new of 1 versions" in told
    assert "0 new of 1 versions" in told
