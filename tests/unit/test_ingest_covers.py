"""Covers of real and of drawn filings against what is known of them: facts, and no false alarm."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ingest.read import Filing, ReadOptions, read_files
from ingest.samples.generate import write_sample_filings

FILINGS = Path(__file__).parents[3] / "shared" / "filings"


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) * 3 // 2 + 2 for text in texts]


def read(folder: Path) -> Mapping[str, Filing]:
    outcomes = read_files(sorted(folder.glob("*.pdf")), ReadOptions(), count_words)
    return {path.name: filing for path, filing in outcomes if isinstance(filing, Filing)}


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    """What the manifest says of each real filing."""
    if not FILINGS.is_dir():
        pytest.skip("no real filings beside the repository")
    return [json.loads(line) for line in (FILINGS / "manifest.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def filings(entries: list[dict[str, Any]]) -> Mapping[str, Filing]:
    return read(FILINGS / "pdfs")


@pytest.mark.slow
def test_every_real_cover_gives_company_form_and_fiscal_year(
    entries: list[dict[str, Any]], filings: Mapping[str, Filing]
) -> None:
    assert set(filings) == {entry["file"] for entry in entries}
    for entry in entries:
        facts = filings[entry["file"]].document.facts
        assert _letters(facts.company).startswith(_letters(entry["company"])), entry["file"]
        assert _letters(facts.form) == _letters(entry["form"]), entry["file"]
        assert facts.fiscal_year == entry["fiscal_year"], entry["file"]


@pytest.mark.slow
def test_no_name_of_a_real_filing_contradicts_its_cover(filings: Mapping[str, Filing]) -> None:
    warnings = [warning for filing in filings.values() for warning in filing.warnings]
    assert [warning for warning in warnings if "name" in warning or "cover" in warning] == []


@pytest.mark.slow
def test_no_name_of_a_sample_contradicts_its_cover(tmp_path: Path) -> None:
    write_sample_filings(tmp_path)
    samples = read(tmp_path)
    assert len(samples) == len(list(tmp_path.glob("*.pdf"))) > 0
    assert {name: filing.warnings for name, filing in samples.items() if filing.warnings} == {}


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
