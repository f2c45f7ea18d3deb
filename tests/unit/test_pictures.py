"""The charts of the guides: their figures stand in the results, and they are drawn of them."""

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


def _module(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    return _module("pictures")


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


def test_the_chart_of_growth_tells_every_figure_of_every_size() -> None:
    growth = _module("growth_picture")
    picture = ET.fromstring(growth.draw(_report()))
    svg = "{http://www.w3.org/2000/svg}"
    assert picture.findtext(f"{svg}title") == growth.TITLE
    told = picture.findtext(f"{svg}desc") or ""
    for size in (1_000, 3_000, 10_000):
        assert f"vectors p99 ∝ n^0.20, {size} chunks: 2.0 (interval 1.5 to 3.0)" in told
        assert f"{size} chunks: 0.9950 (interval 0.9910 to 0.9980)" in told
    assert "an index more, 10000 chunks" not in told, "the greatest was not reindexed"
    drawn = [mark.get("class") for mark in picture.iter(f"{svg}circle")]
    legend = 4
    assert drawn.count("dot filled") == legend + 3 * 5
    assert drawn.count("dot") == legend + 3 * 2 + 2 * 2


def test_the_kept_chart_of_growth_is_drawn_of_the_kept_figures() -> None:
    growth = _module("growth_picture")
    if not growth.FIGURES.exists():
        pytest.skip("no figures of growth are recorded: `ragloop bench growth --output` does so")
    drawn = growth.draw(json.loads(growth.FIGURES.read_text(encoding="utf-8")))
    kept = growth.PICTURE.read_text(encoding="utf-8")
    assert kept == drawn, "run python docs/growth_picture.py"


def _report() -> dict[str, Any]:
    """As the benchmark writes it, with equal figures at all sizes."""

    def figure(value: float, low: float, high: float) -> dict[str, float]:
        return {"value": value, "low": low, "high": high}

    def search(factor: float) -> dict[str, Any]:
        one = figure(2 * factor, 1.5 * factor, 3 * factor)
        return {"p50_ms": one, "p99_ms": one}

    sizes = [
        {
            "chunks": size,
            "ingest_chunks_per_second": 900.0,
            "reindex_chunks_per_second": rate,
            "bytes_per_chunk": 9_000.0,
            "index_bytes_per_chunk": rate and 8_000.0,
            "recall": figure(0.995, 0.991, 0.998),
            "vectors": search(1),
            "hybrid": search(5),
        }
        for size, rate in ((1_000, 800.0), (3_000, 800.0), (10_000, None))
    ]
    exponents = {"vectors_p99_ms": figure(0.2, 0.1, 0.3)}
    return {"sizes": sizes, "exponents": exponents, "wanted": {"recall": 0.99, "k": 10}}
