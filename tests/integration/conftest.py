"""What the tests of whole commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.samples.generate import write_sample_filings
from tests.fakes.tiny_model import tiny_model

KEPT = ("HALVERSEN", "TESSMARK", "PELLWORTH", "ALDERCOURT")


@pytest.fixture(scope="session")
def some_filings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight of the sample filings, of four companies."""
    folder = tmp_path_factory.mktemp("filings")
    for path in write_sample_filings(folder):
        if not path.name.startswith(KEPT):
            path.unlink()
    return folder


@pytest.fixture(scope="session")
def narrow_model(tmp_path_factory: pytest.TempPathFactory, some_filings: Path) -> str:
    """Folder of a random model of two narrow layers that knows the words of these filings."""
    import pypdfium2

    texts = []
    for path in some_filings.iterdir():
        with pypdfium2.PdfDocument(path) as pdf:
            texts += [page.get_textpage().get_text_bounded() for page in pdf]
    return tiny_model(tmp_path_factory.mktemp("model"), texts, dims=48).path
