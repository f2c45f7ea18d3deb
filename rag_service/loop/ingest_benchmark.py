"""Reading PDFs measured against unstructured's ``fast`` strategy and LangChain's splitter.

Both run in this process, one file after the other, on the same files. Rows of tables, Items and
cover facts are judged where the gold data of ``eval/gold`` or a ``manifest.jsonl`` name the files.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from eval.page_items import items_right, read_page_items
from eval.significance import clustered_interval
from eval.table_rows import Integrity, Passage, TableRow, integrity, read_table_rows
from ingest.partition import elements_of
from ingest.read import CountTokens, ReadOptions, read_file
from ingest.source import load
from rag_service.core.errors import IngestError, NotFound
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, Document, FilingFacts

GOLD = Path(__file__).parents[2] / "eval" / "gold"
BASELINE_CHARACTERS, BASELINE_OVERLAP = 1000, 200
"""The recursive splitter's usual setting."""
SEED = 13
T = TypeVar("T")


@dataclass(slots=True)
class _Reading:
    """What one reader made of the files, and how long it took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    chunks: int = 0
    rows: list[Integrity] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    """The page of each of ``rows``."""

    def speed(self, pages: int) -> dict[str, float]:
        return {
            "pages_per_second": pages / self.seconds,
            "pages_per_cpu_second": pages / self.cpu_seconds,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "chunks": self.chunks,
        }

    def tables(self) -> dict[str, object]:
        return {
            name: _share([getattr(row, name) for row in self.rows], self.pages)
            for name in Integrity._fields
        }


def benchmark(
    files: Sequence[Path],
    options: ReadOptions,
    count_tokens: CountTokens,
    baseline: bool = True,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Speed, and where judgments are at hand the quality, of both readers.

    Args:
        files: PDFs, each read by both readers.
        count_tokens: The embedding model's, as ingestion uses it.
        baseline: Whether the other reader runs too: it takes some twenty times as long.

    Raises:
        NotFound: there is no PDF among the files.
    """
    files = [path for path in files if path.suffix.lower() == ".pdf"]
    if not files:
        raise NotFound("there is no PDF to read: name a folder that holds some")
    own, other = _Reading(), _Reading()
    rows = read_table_rows(GOLD / "table_rows.jsonl")
    items = read_page_items(GOLD / "page_items.jsonl")
    documents: list[Document] = []
    right: list[bool] = []
    _warm_up(options, count_tokens, baseline)
    refused: dict[str, str] = {}
    ratios: dict[str, float] = {}
    for done, path in enumerate(files, 1):
        before = own.cpu_seconds, other.cpu_seconds
        try:
            filing = _timed(own, partial(read_file, path, options, count_tokens))
        except IngestError as error:
            refused[path.name] = error.message
            continue
        documents.append(filing.document)
        own.chunks += len(filing.chunks)
        judged = [row for row in rows if row.file == path.name]
        _judge(own, judged, [_passage(chunk) for chunk in filing.chunks])
        right += [items_right(page, filing.chunks) for page in items if page.file == path.name]
        if baseline:
            texts = _timed(other, partial(_read_with_baseline, path))
            other.chunks += len(texts)
            _judge(other, judged, [Passage(text) for text in texts])
            ratios[path.name] = (other.cpu_seconds - before[1]) / (own.cpu_seconds - before[0])
        progress("bench", done, len(files))
    if not documents:
        raise NotFound(f"no PDF could be read: {refused}")
    report = _report(files, documents, own, other if baseline else None, right)
    return report | {"refused": refused, "cpu_ratio_by_file": ratios}


def _warm_up(options: ReadOptions, count_tokens: CountTokens, baseline: bool) -> None:
    """What is loaded at the first call is not what reading takes, nor looking through it again."""
    from ingest.samples.generate import write_sample_filings

    with TemporaryDirectory() as folder:
        sample = write_sample_filings(Path(folder))[0]
        read_file(sample, options, count_tokens)
        if baseline:
            _read_with_baseline(sample)
    gc.collect()
    gc.freeze()


def _timed(reading: _Reading, call: Callable[[], T]) -> T:
    start, cpu = time.perf_counter(), time.process_time()
    result = call()
    reading.seconds += time.perf_counter() - start
    reading.cpu_seconds += time.process_time() - cpu
    return result


def _read_with_baseline(path: Path) -> list[str]:
    from langchain_text_splitters.character import RecursiveCharacterTextSplitter

    source = load(path, max_mb=1000)
    elements = elements_of(source, ReadOptions(strategy="fast", max_pages=10_000))
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=BASELINE_CHARACTERS, chunk_overlap=BASELINE_OVERLAP
    )
    return splitter.split_text("\n\n".join(element.text for element in elements))


def _passage(chunk: Chunk) -> Passage:
    return Passage(chunk.text, chunk.page_start, chunk.page_end, chunk.cells)


def _judge(reading: _Reading, rows: Sequence[TableRow], passages: Sequence[Passage]) -> None:
    reading.rows += [integrity(row, passages) for row in rows]
    reading.pages += [f"{row.file}#page={row.page}" for row in rows]


def _report(
    files: Sequence[Path],
    documents: Sequence[Document],
    own: _Reading,
    other: _Reading | None,
    right: Sequence[bool],
) -> dict[str, Any]:
    pages = sum(document.pages for document in documents)
    readers = {"ragloop": own} | ({"unstructured_fast": other} if other else {})
    report: dict[str, Any] = {
        "files": len(files),
        "seed": SEED,
        "load": os.getloadavg()[0],
        "pages": pages,
        "speed": {name: reading.speed(pages) for name, reading in readers.items()},
    }
    if other:
        report["speed"]["ratio"] = other.seconds / own.seconds
        report["speed"]["cpu_ratio"] = other.cpu_seconds / own.cpu_seconds
    if own.rows:
        report["tables"] = {"rows": len(own.rows)}
        report["tables"] |= {name: reading.tables() for name, reading in readers.items()}
    if right:
        report["items"] = {
            "pages": len(right),
            "right": _share(right, list(map(str, range(len(right))))),
        }
    if covers := _covers(documents, files[0].parent.parent / "manifest.jsonl"):
        report["covers"] = covers
    return report


def _share(values: Sequence[bool], pages: Sequence[str]) -> dict[str, float]:
    """A share with its 95 % interval over pages, since the rows of one page fail together."""
    found = clustered_interval([float(value) for value in values], pages, SEED)
    return {"value": found.value, "low": found.low, "high": found.high}


def _covers(documents: Sequence[Document], manifest: Path) -> dict[str, Any]:
    """Cover facts against a manifest beside the folder of PDFs, where there is one."""
    if not manifest.is_file():
        return {}
    known = {
        record["file"]: record for record in map(json.loads, manifest.read_text().splitlines())
    }
    listed = [document for document in documents if document.name in known]
    wrong = [d.name for d in listed if not _agree(d.facts, known[d.name])]
    return {"filings": len(listed), "right": len(listed) - len(wrong), "wrong": wrong}


def _agree(facts: FilingFacts, record: Mapping[str, Any]) -> bool:
    company = facts.company.casefold().startswith(str(record["company"]).casefold())
    return company and facts.fiscal_year == record["fiscal_year"]
