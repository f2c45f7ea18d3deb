"""Small measurements of what ingestion and reindexing take, part by part, as they run here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from random import Random

import numpy as np

from ingest.read import CountTokens, Filing, ReadOptions, read_files
from rag_service.core.errors import DataError
from rag_service.core.ids import document_id
from rag_service.core.protocols import ChunkStore, Progress, VectorStore
from rag_service.core.types import Chunk, ModelCard, Vectors
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.writer import DocumentWriter
from rag_service.loop.rates import Fill, Parts

BLOCK = 1024
"""The engine takes memory for so many vectors at a time: a fill of fewer would count a block."""
_BLOCKS = 4
_RUN = 32
"""Chunks of like length that are measured together, as they are encoded together."""
_ONE_PAGE = "<html><body><h1>ITEM 1. BUSINESS</h1><p>We make {} instruments.</p></body></html>"


def one_pagers(folder: Path, count: int) -> list[Path]:
    """Filings of which nothing takes time, all different."""
    paths = [folder / f"one_page_{number}.html" for number in range(1, count + 1)]
    for number, path in enumerate(paths, 1):
        path.write_text(_ONE_PAGE.format(number))
    return paths


def read_rate(
    files: Sequence[Path],
    warm: Path,
    options: ReadOptions,
    count_tokens: CountTokens,
    workers: int,
    progress: Progress,
) -> tuple[list[Filing], Parts]:
    """What stands in the files, and pages and seconds of every ``workers`` of them.

    ``warm`` is read first, so that the start of the processes does not count. Files that are
    refused are left out; raises DataError if no other is left.
    """
    filings: list[Filing] = []
    parts: list[tuple[float, float]] = []
    with closing(read_files([warm] * workers + list(files), options, count_tokens)) as outcomes:
        for _ in islice(outcomes, workers):
            pass
        started, pages = time.perf_counter(), 0
        for number, (_, outcome) in enumerate(outcomes, 1):
            progress("read", number, len(files))
            if isinstance(outcome, Filing) and outcome.chunks:
                filings.append(outcome)
                pages += outcome.document.pages
            if pages and (number % workers == 0 or number == len(files)):
                now = time.perf_counter()
                parts.append((pages, now - started))
                started, pages = now, 0
    if not filings:
        raise DataError("none of the files can be read: name filings that `ragloop ingest` takes")
    return filings, tuple(parts)


def drawn(filings: Sequence[Filing], most: int) -> list[Filing]:
    """The filings with some of their chunks: about ``most`` in all, of each length alike."""
    runs = max(1, round(most / len(filings) / _RUN))
    return [
        replace(filing, chunks=tuple(_of_each_length(filing.chunks, runs))) for filing in filings
    ]


def _of_each_length(chunks: Sequence[Chunk], runs: int) -> Iterator[Chunk]:
    """Neighbours by length, so that what fills a batch up to its longest stays as it is."""
    ordered = sorted(chunks, key=lambda chunk: len(chunk.embedded_text))
    if runs * _RUN >= len(ordered):
        yield from ordered
        return
    room = len(ordered) / runs
    for number in range(runs):
        start = round((number + 0.5) * room - _RUN / 2)
        yield from ordered[start : start + _RUN]


def embed_rate(writer: DocumentWriter, filings: Sequence[Filing], progress: Progress) -> Parts:
    """Chunks and seconds of each filing, from text to the live index and the chunk store."""
    parts: list[tuple[float, float]] = []
    for number, filing in enumerate(filings):
        progress("embed", number, len(filings))
        started = time.perf_counter()
        writer.put(replace(filing.document, chunks=len(filing.chunks)), filing.chunks)
        parts.append((len(filing.chunks), time.perf_counter() - started))
    progress("embed", len(filings), len(filings))
    return tuple(parts)


def reindex_rate(
    indexer: ShadowIndexer, load: Callable[[str], object], models: Sequence[ModelCard]
) -> Parts:
    """Chunks and seconds of a candidate of each model, of which no index holds vectors."""
    parts: list[tuple[float, float]] = []
    for model in models:
        load(model.fingerprint)
        started = time.perf_counter()
        release = indexer.build(model)
        parts.append((release.chunks, time.perf_counter() - started))
    return tuple(parts)


def enough_chunks(filings: Sequence[Filing], random: Random) -> list[list[Chunk]]:
    """Blocks of chunks in reading order; where there are too few, again with other figures.

    Figures are most of the words that a filing adds to an index.
    """
    own = [chunk for filing in filings for chunk in filing.chunks]
    most = BLOCK * _BLOCKS
    more = (_with_other_figures(chunk, random) for chunk in cycle(own))
    chunks = [*own[:most], *islice(more, max(0, most - len(own)))]
    return [
        [_placed(chunk, block) for chunk in chunks[block * BLOCK : (block + 1) * BLOCK]]
        for block in range(_BLOCKS)
    ]


def fill_index(
    store: VectorStore,
    index: str,
    blocks: Sequence[Sequence[Chunk]],
    rows: Vectors,
    used_memory: Callable[[], int],
    random: np.random.Generator,
) -> tuple[int, list[tuple[int, float]]]:
    """Bytes of the first chunk in an index, then bytes and seconds of each block.

    The vectors are ``rows`` ``(n, dims)``, moved as far as they lie from one another.
    """
    before = used_memory()
    store.write(index, blocks[0][:1], rows[:1])
    store.count(index)
    first = used_memory() - before
    found = []
    for block in blocks:
        around = rows[random.integers(len(rows), size=len(block))]
        moved = around + random.normal(scale=rows.std(axis=0), size=around.shape)
        vectors = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
        before, seconds = used_memory(), 0.0
        for places in _documents(block).values():
            part = [block[i] for i in places]
            started = time.perf_counter()
            store.write(index, part, vectors[places])
            seconds += time.perf_counter() - started
        store.count(index)
        found.append((used_memory() - before, seconds))
    (in_first, seconds), *others = found
    return first, [(in_first + first, seconds), *others]


def fill_store(
    store: ChunkStore,
    blocks: Sequence[Sequence[Chunk]],
    like: Filing,
    used_memory: Callable[[], int],
) -> list[int]:
    """Bytes of each block in the chunk store."""
    found = []
    for block in blocks:
        before = used_memory()
        for document, places in _documents(block).items():
            part = [block[i] for i in places]
            of = replace(like.document, document_id=document, name=document, chunks=len(part))
            store.replace(of, part, None)
        found.append(used_memory() - before)
    return found


def fills(
    blocks: Sequence[Sequence[Chunk]], index: Sequence[tuple[int, float]], store: Sequence[int]
) -> tuple[Fill, ...]:
    return tuple(
        Fill(chunks=len(block), index_bytes=in_index, store_bytes=in_store, seconds=seconds)
        for block, (in_index, seconds), in_store in zip(blocks, index, store, strict=True)
    )


def _documents(block: Sequence[Chunk]) -> dict[str, list[int]]:
    """Places in a block, by document: each is written in one step."""
    places: dict[str, list[int]] = {}
    for place, chunk in enumerate(block):
        places.setdefault(chunk.document_id, []).append(place)
    return places


def _with_other_figures(chunk: Chunk, random: Random) -> Chunk:
    suffix = f"{random.getrandbits(64):016x}"
    text = re.sub(r"\d", lambda _: str(random.randrange(10)), chunk.text)
    return replace(chunk, chunk_id=f"{chunk.document_id}.{suffix}", text=text)


def _placed(chunk: Chunk, block: int) -> Chunk:
    """As part of a document of this block alone."""
    document = document_id(f"{chunk.document_id} {block}".encode())
    own = chunk.chunk_id.partition(".")[2]
    return replace(chunk, chunk_id=f"{document}.{own}", document_id=document)
