"""The README's chart: its figures stand in the results, and it is drawn of them."""

from __future__ import annotations

import importlib.util
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
FIGURES: list[dict[str, Any]] = json.loads((DOCS / "figures.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    found = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("of", FIGURES, ids=lambda of: of["label"])
def test_each_figure_stands_in_its_line_of_the_results(of: dict[str, Any]) -> None:
    results = (DOCS / "RESULTS.md").read_text(encoding="utf-8").splitlines()
    for taken in (of["before"], of["after"]):
        assert taken["line"] in results
        assert f"| {taken['figure']} |" in taken["line"]


def test_the_chart_is_drawn_of_these_figures(pictures: ModuleType) -> None:
    drawn = pictures.draw(pictures.rows_of(FIGURES))
    kept = pictures.PICTURE.read_text(encoding="utf-8")
    assert kept == drawn, "run python docs/pictures.py"


def test_a_screen_reader_is_told_every_figure_and_interval(pictures: ModuleType) -> None:
    picture = ET.fromstring(pictures.PICTURE.read_text(encoding="utf-8"))
    svg = "{http://www.w3.org/2000/svg}"
    assert picture.get("role") == "img"
    assert picture.findtext(f"{svg}title") == pictures.TITLE
    told = picture.findtext(f"{svg}desc") or ""
    for row in pictures.rows_of(FIGURES):
        for figure in (row.before, row.after):
            assert f"{figure.value:.3f} (interval {figure.low:.3f} to {figure.high:.3f})" in told
