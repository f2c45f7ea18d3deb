"""Documents that come, change and go throughout a reindex and the promotion after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from random import Random

import numpy as np
import redis

from rag_service.core.errors import ReleaseConflict
from rag_service.core.ids import chunk_id
from rag_service.core.types import Chunk, Filters, Release
from rag_service.indexing.shadow import BuildOptions
from tests.fakes.filings import COMPANIES, filing
from tests.integration.reindexing import CARDS, Place, World, begin

SEED = 17
DOCUMENTS = [filing(company, year) for company in COMPANIES for year in range(2014, 2024)]


def test_after_promotion_the_live_index_is_what_a_fresh_build_gives(
    redis_url: str, client: redis.Redis, namespace: str, tmp_path: Path
) -> None:
    place = Place(redis_url, namespace, tmp_path, tmp_path / "encoded", delay=0.01)
    begin(place, DOCUMENTS[: len(DOCUMENTS) // 2])
    world = World(place)
    with churn(place) as changes:
        candidate = persist(lambda: world.indexer.build(CARDS["better"]))
        during = dict(changes.counts)
        persist(lambda: world.promoter.promote(candidate.release))
        changes.wait_for_more(4)
    assert all(during[kind] >= 2 for kind in ("added", "changed", "removed")), during

    live = world.releases.current()
    assert live is not None
    assert (live.release, live.model) == (candidate.release, "better")
    ids = world.vectors.ids(live.index)
    assert ids == world.chunks.chunk_ids()
    assert world.vectors.count(live.index) == len(ids)

    quick = World(replace(place, delay=0.0))
    fresh = quick.indexer.start(CARDS["better"], options=BuildOptions(fresh=True))
    fresh = quick.indexer.finish(fresh)
    quick.close()
    assert world.vectors.ids(fresh.index) == ids
    order = sorted(ids)
    assert np.allclose(
        world.vectors.vectors(fresh.index, order), world.vectors.vectors(live.index, order)
    )
    for gone in changes.gone - ids:
        text, name = changes.seen[gone]
        hits = world.vectors.search_text(live.index, text, 20, Filters(documents=(name,)))
        assert gone not in {hit.chunk.chunk_id for hit in hits}
    assert changes.gone - ids
    world.close()


def persist(work: Callable[[], Release]) -> Release:
    """Do as an operator, who is told to try again while documents change fast."""
    for _ in range(20):
        try:
            return work()
        except ReleaseConflict:
            continue
    raise AssertionError("documents changed faster than they were caught up with")


class Changes:
    """What a writer did to the documents; it writes to whatever release is live."""

    def __init__(self, place: Place) -> None:
        self.counts = {"added": 0, "changed": 0, "removed": 0}
        self.gone: set[str] = set()
        self.seen: dict[str, tuple[str, str]] = {}
        self._world = World(replace(place, delay=0.0))
        self._random = Random(SEED)
        self._step = threading.Condition()

    def go_on(self, until: threading.Event) -> None:
        waiting = DOCUMENTS[len(DOCUMENTS) // 2 :]
        there = DOCUMENTS[: len(DOCUMENTS) // 2]
        kinds = cycle(self.counts)
        while not until.wait(0.2):
            kind = next(kinds)
            if kind == "added" and waiting:
                there.append(waiting.pop())
                self._put(there[-1])
            elif kind == "changed":
                place = self._random.randrange(len(there))
                self._forget(there[place])
                there[place] = restated(there[place], sum(self.counts.values()))
                self._put(there[place])
            elif kind == "removed" and len(there) > 3:
                gone = there.pop(self._random.randrange(len(there)))
                self._forget(gone)
                self._world.writer.remove(gone[0].document)
                waiting.insert(0, gone)
            else:
                continue
            with self._step:
                self.counts[kind] += 1
                self._step.notify_all()
        self._world.close()

    def wait_for_more(self, n: int) -> None:
        before = sum(self.counts.values())
        with self._step:
            assert self._step.wait_for(lambda: sum(self.counts.values()) >= before + n, 30)

    def _put(self, chunks: list[Chunk]) -> None:
        self.seen |= {chunk.chunk_id: (chunk.text, chunk.document) for chunk in chunks}
        self._world.put(chunks)

    def _forget(self, chunks: list[Chunk]) -> None:
        self.seen |= {chunk.chunk_id: (chunk.text, chunk.document) for chunk in chunks}
        self.gone |= {chunk.chunk_id for chunk in chunks}


@contextmanager
def churn(place: Place) -> Iterator[Changes]:
    changes, end = Changes(place), threading.Event()
    writer = threading.Thread(target=changes.go_on, args=(end,))
    writer.start()
    try:
        yield changes
    finally:
        end.set()
        writer.join(30)
    assert not writer.is_alive()


def restated(chunks: list[Chunk], version: int) -> list[Chunk]:
    """Another file of the same name, of which some chunks say what they said before."""
    document = f"{version:04d}{chunks[0].document_id[4:]}"
    changed = [
        replace(chunk, text=f"{chunk.text} Restated {version}.") if n % 2 else chunk
        for n, chunk in enumerate(chunks)
    ]
    return [
        replace(
            chunk,
            document_id=document,
            chunk_id=chunk_id(document, chunk.text, chunk.context, chunk.page_start, 0),
        )
        for chunk in changed
    ]
