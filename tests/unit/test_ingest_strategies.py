"""HTML, text and unstructured's own PDF strategies go through the same outline and chunks."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from ingest import partition
from ingest.read import Filing, ReadOptions, read_file
from rag_service.core.errors import ConfigError, IngestError
from rag_service.core.types import TableCells
from tests.unit import ingest_files as files
from tests.unit.ingest_files import count_words

HTML = """<html><body>
<p>FORM 10-K</p><p>For the fiscal year ended September 30, 2023</p>
<p>HARROW INSTRUMENTS CORPORATION</p>
<p>(Exact name of registrant as specified in its charter)</p>
<h2>Item 1. Business</h2>
<p>We design and make measuring instruments for laboratories and for process plants.</p>
<h2>Item 8. Financial Statements and Supplementary Data</h2>
<h3>Consolidated Statements of Income</h3>
<table>
<tr><td>(in millions)</td><td></td><td colspan=3>2023</td><td></td><td colspan=3>2022</td></tr>
<tr><td>Net sales</td><td></td><td>$</td><td>4,210</td><td></td><td></td><td>$</td><td>3,985</td>
<td></td></tr>
<tr><td>Net loss</td><td></td><td></td><td>(34</td><td>)</td><td></td><td></td><td>(11</td>
<td>)</td></tr>
</table></body></html>"""

needs_unstructured_pdf = pytest.mark.skipif(
    any(
        importlib.util.find_spec(name) is None for name in ("unstructured_inference", "matplotlib")
    ),
    reason="unstructured's PDF strategies are not installed",
)


def read(path: Path, strategy: str = "rows") -> Filing:
    return read_file(path, ReadOptions(strategy=strategy), count_words)


def test_html(tmp_path: Path) -> None:
    path = tmp_path / "filing.htm"
    path.write_text(HTML)
    filing = read(path)
    facts = filing.document.facts
    assert (facts.company, facts.form, facts.fiscal_year) == (
        "Harrow Instruments Corporation",
        "10-K",
        2023,
    )
    assert [chunk.section for chunk in filing.chunks] == ["", "Item 1", "Item 8"]
    assert filing.chunks[-1].cells == TableCells(
        title="Consolidated Statements of Income",
        unit="(in millions)",
        columns=("2023", "2022"),
        rows=(("Net sales", "$4,210", "$3,985"), ("Net loss", "(34)", "(11)")),
    )
    assert os.environ["DO_NOT_TRACK"] == "1"


def test_text(tmp_path: Path) -> None:
    path = tmp_path / "filing.txt"
    path.write_text(
        "FORM 10-K\n\nItem 1. Business\n\nWe make measuring instruments for many plants.\n\n"
        "Item 2. Properties\n\nWe own the plants in which we make them, and lease none.\n"
    )
    filing = read(path)
    sections = {chunk.section for chunk in filing.chunks}
    assert sections == {"", "Item 1", "Item 2"}
    assert "the cover page does not state: company, fiscal_year" in filing.warnings


@needs_unstructured_pdf
def test_fast(tmp_path: Path) -> None:
    filing = read(files.filing(tmp_path / "filing.pdf"), "fast")
    text = " ".join(" ".join(chunk.text for chunk in filing.chunks).split())
    assert files.PROSE[0] in text
    assert filing.document.facts.company == "Harrow Instruments Corporation"
    assert files.HEADER not in text
    with pytest.raises(IngestError) as caught:
        read(files.image_only(tmp_path / "scan.pdf"), "fast")
    assert caught.value.reason == "no_text"


def test_strategies_refuse_what_rows_refuses(tmp_path: Path) -> None:
    plain = files.filing(tmp_path / "filing.pdf")
    with pytest.raises(IngestError) as caught:
        read(files.encrypted(tmp_path / "locked.pdf", plain), "fast")
    assert caught.value.reason == "encrypted"


def test_without_a_spacy_model_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "SPACY_MODELS", ("no_such_model",))
    path = files.filing(tmp_path / "filing.pdf")
    with pytest.raises(ConfigError, match=r"no_such_model.*install ragloop\[pdf\]"):
        read(path, "fast")


def test_html_and_text_need_no_spacy_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "SPACY_MODELS", ("no_such_model",))
    for path in (tmp_path / "filing.txt", tmp_path / "filing.htm"):
        path.write_text("<p>We make instruments.</p>" if path.suffix == ".htm" else "We make them.")
        assert len(read(path).chunks) == 1


def test_hi_res_without_its_models_is_a_wrong_setting() -> None:
    class LocalEntryNotFoundError(Exception):
        pass

    def fail() -> list[object]:
        raise LocalEntryNotFoundError("offline")

    with pytest.raises(ConfigError, match=r"ragloop\[hi-res\]"):
        partition._run(fail, "hi_res")


def test_a_parser_error_is_about_the_file() -> None:
    def fail() -> list[object]:
        raise ValueError("unexpected token")

    with pytest.raises(IngestError, match="unexpected token") as caught:
        partition._run(fail)
    assert caught.value.reason == "broken"


def test_html_that_fails_to_be_read_never_asks_for_hi_res(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot_map(part: object) -> None:
        raise ImportError("cannot allocate memory in static TLS block")

    monkeypatch.setattr(partition, "_read_part", cannot_map)
    path = tmp_path / "filing.htm"
    path.write_text(HTML)
    with pytest.raises(IngestError, match="cannot allocate memory") as found:
        read(path)
    assert found.value.reason == "broken"
