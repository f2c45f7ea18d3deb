"""What is measured: which chunks are drawn, and that each part is counted by itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import numpy as np

from ingest.read import Filing
from rag_service.core.types import Chunk, Document, FilingFacts
from rag_service.loop import calibration
from tests.fakes.filings import filing
from tests.unit.test_indexing import World, card


def read(company: str, chunks: list[Chunk] | None = None) -> Filing:
    chunks = chunks or filing(company, 2022)
    document = Document(chunks[0].document_id, company, FilingFacts(), 9, len(chunks), 0, "")
    return Filing(Path(company), document, tuple(chunks))


def test_chunks_are_drawn_from_each_filing_and_each_length() -> None:
    one = filing("Alder Mills", 2022)[0]
    chunks = [replace(one, chunk_id=f"{one.document_id}.{n}", text="x" * n) for n in range(1, 401)]
    (few,) = calibration.drawn([read("Alder Mills", chunks)], 64)
    lengths = sorted(len(chunk.text) for chunk in few.chunks)
    assert lengths == [*range(85, 117), *range(285, 317)]
    (small,) = calibration.drawn([read("Elmstone")], 1000)
    assert sorted(c.chunk_id for c in small.chunks) == sorted(
        c.chunk_id for c in filing("Elmstone", 2022)
    )


def test_too_few_chunks_are_filled_up_with_others_of_other_figures() -> None:
    filings = [read("Alder Mills"), read("Birchwater")]
    own = [chunk for one in filings for chunk in one.chunks]
    blocks = calibration.enough_chunks(filings, Random(1))
    chunks = [chunk for block in blocks for chunk in block]
    assert [len(block) for block in blocks] == [calibration.BLOCK] * 4
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)
    assert all(chunk.chunk_id.startswith(chunk.document_id) for chunk in chunks)
    assert [chunk.text for chunk in chunks[: len(own)]] == [chunk.text for chunk in own]
    assert len({chunk.text for chunk in chunks}) > 0.8 * len(chunks)
    documents = [{chunk.document_id for chunk in block} for block in blocks]
    assert not documents[0] & documents[1]


def test_memory_is_counted_by_the_block_and_the_first_chunk_by_itself() -> None:
    world = World()
    release = world.indexer.create(card("base"))
    chunks = filing("Alder Mills", 2022)
    blocks = [chunks[:4], chunks[4:]]
    rows = np.eye(3, release.dims, dtype=np.float32)
    sizes = iter([100, 150, 150, 400, 400, 450])
    first, found = calibration.fill_index(
        world.vectors, release.index, blocks, rows, lambda: next(sizes), np.random.default_rng(1)
    )
    assert first == 50
    assert [size for size, _ in found] == [300, 50]
    assert world.vectors.ids(release.index) == {chunk.chunk_id for chunk in chunks}

    steps = count(0, 10)
    store = World().chunks
    like = read("Alder Mills")
    assert calibration.fill_store(store, blocks, like, lambda: next(steps)) == [10, 10]
    fills = calibration.fills(blocks, found, [10, 10])
    assert [one.chunks for one in fills] == [4, len(chunks) - 4]
    assert [one.store_bytes for one in fills] == [10, 10]


def test_each_filing_is_embedded_as_ingestion_does() -> None:
    world = World()
    world.promoter.ensure_live(lambda: card("base"))
    filings = [read("Alder Mills"), read("Birchwater")]
    parts = calibration.embed_rate(world.writer, filings, lambda *_: None)
    assert [chunks for chunks, _ in parts] == [len(one.chunks) for one in filings]
    assert all(seconds > 0 for _, seconds in parts)
    stored = {chunk.chunk_id for one in filings for chunk in one.chunks}
    assert world.chunks.chunk_ids() == stored

    (part,) = calibration.reindex_rate(world.indexer, world.registry.load, [card("other")])
    assert part[0] == len(stored)
    assert part[1] > 0
