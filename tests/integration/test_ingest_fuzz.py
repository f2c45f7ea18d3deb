"""Hundreds of broken and hostile files in one run: each has an outcome, good ones are read."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingest.read import Filing, ReadOptions, read_file, read_files
from rag_service.core.errors import IngestError
from tests.unit import ingest_files as files
from tests.unit.ingest_files import count_words
from tests.unit.ingest_mutants import mutants
from tests.unit.ingest_text_mutants import text_mutants

BROUGHT_DOWN = {"crashed", "memory", "timeout"}
REFUSED = {
    "broken", "empty", "encrypted", "no_text", "not_pdf", "too_large", "too_many_pages",
    "unsupported",
}  # fmt: skip
GOOD_EVERY = 25
SEED = 7

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.filing(tmp_path_factory.mktemp("good") / "good.pdf")


def among_good(folder: Path, bad: Iterator[tuple[str, bytes]], good: Path) -> list[Path]:
    """The bad files, written down, with the good one first, last and between them."""
    paths = [good]
    for number, (name, content) in enumerate(bad, 1):
        paths.append(folder / f"{number:04d}_{name}")
        paths[-1].write_bytes(content)
        if number % GOOD_EVERY == 0:
            paths.append(good)
    return [*paths, good]


def outcomes(paths: Sequence[Path], options: ReadOptions, good: Path) -> dict[Path, str]:
    """What became of each bad file: ``read`` or a reason; the good one is checked each time."""
    alone = read_file(good, options, count_words).chunks
    found: dict[Path, str] = {}
    for wanted, (path, outcome) in zip(paths, read_files(paths, options, count_words), strict=True):
        assert path == wanted
        if path == good:
            assert isinstance(outcome, Filing), outcome
            assert outcome.chunks == alone
        elif isinstance(outcome, IngestError):
            assert outcome.message
            found[path] = outcome.reason
        else:
            check(outcome, options)
            found[path] = "read"
    logging.info("outcomes: %s", Counter(found.values()).most_common())
    return found


def check(filing: Filing, options: ReadOptions) -> None:
    """Whatever was read of a bad file is in order."""
    chunks = filing.chunks
    assert chunks
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)
    assert all(1 <= c.page_start <= c.page_end <= filing.document.pages for c in chunks)
    assert max(count_words([c.embedded_text for c in chunks])) <= options.chunk_tokens


def test_bad_pdfs_end_with_an_outcome_and_harm_no_good_one(tmp_path: Path, good: Path) -> None:
    bad = ((f"{name}.pdf", content) for name, content in mutants(SEED, 550))
    options = ReadOptions(seconds=20, memory_mb=1024, max_pages=200, workers=2)
    paths = among_good(tmp_path, bad, good)
    found = outcomes(paths, options, good)
    assert len({path.read_bytes() for path in found}) >= 500
    assert paths.count(good) > len(found) // GOOD_EVERY
    counts = Counter(found.values())
    assert counts.keys() <= {"read"} | REFUSED | BROUGHT_DOWN
    assert {"read", "broken", "encrypted", "no_text", "not_pdf", "too_many_pages"} <= counts.keys()
    assert counts["read"] > len(found) / 4, counts
    assert sum(counts[reason] for reason in BROUGHT_DOWN) < len(found) / 20, counts


def test_bad_texts_end_with_an_outcome_and_harm_no_good_file(tmp_path: Path, good: Path) -> None:
    options = ReadOptions(seconds=10, memory_mb=2048, workers=2)
    paths = among_good(tmp_path, text_mutants(SEED, 50), good)
    found = outcomes(paths, options, good)
    assert len(found) >= 50
    counts = Counter(found.values())
    assert counts.keys() <= {"read"} | REFUSED | BROUGHT_DOWN
    assert {"read", "unsupported"} <= counts.keys()
    assert counts["read"] > len(found) / 3, counts
