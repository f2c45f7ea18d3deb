"""From one kind of index to another through Redis: the same reindex, the same gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from eval.latency import Latency
from eval.question_sets import save
from rag_service.answering.retrieve import VECTORS_ALONE
from rag_service.core.settings import Settings
from rag_service.core.types import Interval, Question, QuestionSet, Release
from rag_service.indexing.shadow import BuildOptions
from rag_service.indexing.shared_vectors import Tally
from rag_service.loop.evaluation import Evaluator
from rag_service.wiring import Services
from tests.fakes.filings import filing, filings
from tests.fakes.tiny_model import tiny_model
from tests.unit.test_indexing import document

CHUNKS = filings(2)
NEW = filing("Cedarline", 2023)
TEXTS = [chunk.embedded_text for chunk in CHUNKS]
QUESTIONS = tuple(
    Question(f"q{n}", text, {chunk.chunk_id: 1})
    for n, (text, chunk) in enumerate(zip(TEXTS, CHUNKS, strict=True))
)


@pytest.fixture
def services(
    client: Redis, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    """A live HNSW index of float32; how long a query takes is not measured here."""
    texts = [*TEXTS, *(chunk.embedded_text for chunk in NEW)]
    settings = Settings(
        home=tmp_path / "home",
        namespace=namespace,
        embedding_model=tiny_model(tmp_path / "model", texts).path,
        precision="float32",
        llm="none",
    )
    services = Services(settings, client, background=False)
    services.ensure_live()
    for name in dict.fromkeys(chunk.document for chunk in CHUNKS):
        own = [chunk for chunk in CHUNKS if chunk.document == name]
        services.writer.put(document(own), own)
    as_fast = Latency(1.0, 1.0, Interval(1.0, 0.9, 1.1), questions=32, rounds=5, seed=7)
    monkeypatch.setattr(Evaluator, "latency", lambda *_: as_fast)
    save(settings.home / "question_sets" / "kept", QuestionSet("kept", "test", QUESTIONS))
    yield services
    services.close()


def live(services: Services) -> Release:
    found = services.releases.current()
    assert found is not None
    return found


def check_search(services: Services) -> None:
    """Every chunk is found by its own text, with a vector of the live release's model."""
    release = live(services)
    for question, hits in zip(
        QUESTIONS, services.retriever.search_many(TEXTS, 3, stages=VECTORS_ALONE), strict=True
    ):
        assert hits[0].chunk.chunk_id in question.relevant
        assert hits[0].score == pytest.approx(1.0, abs=1e-3)
        assert {hit.model for hit in hits} == {release.model}
    assert services.vectors.ids(release.index) == services.chunks.chunk_ids()


def test_from_hnsw_to_flat_to_fewer_dimensions_to_float16_and_back(services: Services) -> None:
    first = live(services)
    whole = services.registry.get(first.model)
    cut = services.registry.truncated(first.model, 12)
    check_search(services)
    for model, options in (
        (whole, BuildOptions(algorithm="flat")),
        (cut, BuildOptions()),
        (whole, BuildOptions(datatype="float16")),
    ):
        before = live(services)
        tally = Tally()
        begun = services.indexer.start(model, options=options)
        candidate = services.indexer.finish(begun, tally=tally)
        assert (tally.encoded, tally.copied) == (0, len(CHUNKS)), "an index holds all vectors"
        assert services.indexer.check(candidate).complete
        assert live(services) == before

        judged = services.judge_candidate(candidate.release)
        assert judged is not None
        assert judged.decision.promoted, judged.decision.reasons
        assert "is not worse (the same model" in judged.decision.reasons[0]
        assert services.judge_candidate(candidate.release) is None, "decided already"
        assert services.promote(candidate.release).release == candidate.release

        now = live(services)
        shape = (now.algorithm, now.datatype, now.dims, now.model)
        algorithm, datatype = options.algorithm or "hnsw", options.datatype or "float32"
        assert shape == (algorithm, datatype, model.dims, model.fingerprint)
        held = services.vectors.vectors(now.index, [chunk.chunk_id for chunk in CHUNKS])
        given = services.registry.load(model.fingerprint).embed_documents(TEXTS)
        np.testing.assert_allclose(held, given, atol=1e-3 if datatype == "float16" else 1e-5)
        check_search(services)

    services.writer.put(document(NEW), NEW)
    check_search(services)
    previous = services.rollback()
    assert (previous.datatype, previous.dims) == ("float32", cut.dims)
    check_search(services)
    back = services.promote(first.release)
    assert (back.algorithm, back.datatype, back.dims) == ("hnsw", "float32", whole.dims)
    check_search(services)
