"""The notebook, executed from its first cell to its last with a model of two narrow layers."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from ingest.samples.generate import write_sample_filings
from tests.fakes.tiny_model import tiny_model

pytestmark = pytest.mark.slow
NOTEBOOK = Path(__file__).parents[2] / "docs" / "ragloop.ipynb"
EXPECTED = {
    "## Ingest": r"added \| TESSMARK_2023_10K.pdf \| Tessmark Pump Holdings, Inc. \| 2023",
    "## Search": r"Halversen Flow Industries, Inc. fiscal 2023: confident",
    "## Ask": r"grounded: True, computed, release r0001\nHALVERSEN_2023_10K.pdf, page \d+: 'Purch",
    "## Improve": r"'train': \d",
    "What it was trained on": r"2022\?.* \| (TESSMARK|HALVERSEN)_202[23]_10K.pdf, page \d+ \|",
    "### Before and after": r"ndcg@10 \| 0\.\d+ \[0.*\] \| 0\.\d+ (.|\n)*promoted\n(.|\n)*<svg",
    "## Compare": r"rank in r0001 \| rank in r0002",
    "## The same over HTTP": r"'grounded': True(.|\n)*'release': 'r0002'(.|\n)*'page': \d",
    "## Experiment": r"r0002 \| \d+ \| \d+ \| \d+ \|\n\| r0001 \| \d+ \| \d+ \| \d+ ",
    "## Roll back": r"searched in r0002, and now in r0001",
}
"""By the beginning of the text before them, what the cells of a section show."""


@pytest.fixture(scope="module")
def filings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two companies: the fewest that can be split."""
    folder = tmp_path_factory.mktemp("filings")
    for path in write_sample_filings(folder):
        if not path.name.startswith(("HALVERSEN", "TESSMARK")):
            path.unlink()
    return folder


def test_every_cell_runs_and_shows_what_its_section_is_about(
    tmp_path: Path, filings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["fiscal sales income cash assets total net of the in and million 2021 2022 2023"]
    model = tiny_model(tmp_path, words, dims=48)
    for name, value in {
        "RAGLOOP_HOME": str(tmp_path / "home"),
        "RAGLOOP_EMBEDDING_MODEL": model.path,
        "RAGLOOP_LLM": "none",
        "NOTEBOOK_FILINGS": str(filings),
        "NOTEBOOK_QUESTIONS": "200",
    }.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    where = {"metadata": {"path": str(tmp_path)}}

    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=where).execute()

    shown = _shown_by_section(notebook)
    for section, expected in EXPECTED.items():
        [told] = [text for title, text in shown.items() if title.startswith(section)]
        assert re.search(expected, told), f"{section} shows:\n{told}"
    assert not any("stderr" in text for text in shown.values()), shown


def _shown_by_section(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """What the cells after each text show, by that text."""
    shown: dict[str, str] = {}
    section = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            section = cell.source
            continue
        for output in cell.outputs:
            data = output.get("data", {})
            told = output.get("text") or data.get("text/markdown") or data.get("image/svg+xml")
            name = "stderr" if output.get("name") == "stderr" else ""
            shown[section] = f"{shown.get(section, '')}{name}{told or data.get('text/plain')}\n"
    return shown
