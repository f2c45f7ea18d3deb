"""Processes that run the same reindex at once: one release, and no chunk embedded twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import redis

from rag_service.core.types import Chunk
from rag_service.loop.jobs import JobStore
from tests.fakes.filings import filings
from tests.integration.reindexing import Place, World, begin, context, work


def test_two_processes_and_a_second_machine_share_a_build(
    redis_url: str, client: redis.Redis, namespace: str, tmp_path: Path
) -> None:
    here = Place(redis_url, namespace, tmp_path / "here", tmp_path / "encoded", delay=0.01)
    there = replace(here, home=tmp_path / "there")
    by_document: dict[str, list[Chunk]] = {}
    for chunk in filings(6, tuple(range(2020, 2024))):
        by_document.setdefault(chunk.document_id, []).append(chunk)
    begin(here, list(by_document.values()))
    world = World(here)

    processes = context()
    ready, ended = processes.Barrier(3), processes.Queue()
    workers = [
        processes.Process(target=work, args=(place, ready, ended)) for place in (here, here, there)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    for worker in workers:
        worker.close()

    outcomes = [ended.get(timeout=10) for _ in workers]
    assert {(release, state) for release, state, _ in outcomes} == {("r0002", "candidate")}
    assert all(embedded > 0 for _, _, embedded in outcomes)
    texts = Counter(
        line for line in here.log.read_text().splitlines() if line.startswith("better\t")
    )
    total = len(world.chunks.chunk_ids())
    assert len(texts) == texts.total() == total == sum(outcome[2] for outcome in outcomes)
    candidate = world.releases.get("r0002")
    assert world.indexer.completeness(candidate).complete
    assert world.vectors.count(candidate.index) == candidate.chunks == total
    journals = [journal for home in (here, there) for journal in JobStore(home.home).all()]
    assert [(journal["kind"], journal["state"]) for journal in journals] == [
        ("reindex", "done")
    ] * 2
    assert {journal["steps"]["release"]["result"] for journal in journals} == {"r0002"}
    world.close()
