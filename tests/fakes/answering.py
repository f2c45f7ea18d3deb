"""Releases over fake stores, with encoders and an LLM that do as they are told."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.history import History
from eval.timeline import Timeline
from rag_service.answering.answer import Answerer
from rag_service.answering.answer_cache import CachedAnswerer
from rag_service.answering.compare import Comparer
from rag_service.answering.experiments import Experiments
from rag_service.answering.filings import Filings
from rag_service.answering.glossary import load_glossary
from rag_service.answering.metered_llm import MeteredGenerator
from rag_service.answering.passages import Passages
from rag_service.answering.prompt import LARGE, Profile
from rag_service.answering.query_encoding import QueryEncoder
from rag_service.answering.retrieve import Retriever
from rag_service.answering.serving import Serving
from rag_service.core.errors import ModelError, NotFound, RagloopError
from rag_service.core.protocols import Message
from rag_service.core.settings import Settings
from rag_service.core.telemetry import NO_TELEMETRY, Telemetry
from rag_service.core.types import Chunk, IndexSpec, Readiness, Release, ReleaseState, Vectors
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.writer import DocumentWriter
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.jobs import JobStore
from rag_service.loop.kept_filings import KeptFilings
from rag_service.loop.reporting import Reporter
from rag_service.loop.uploads import Uploads
from rag_service.wiring import read_options
from tests.fakes.experiments import FakeExperimentStore
from tests.fakes.jobs import FakeJobQueue
from tests.fakes.keys import FakeKeyStore, FakeRateLimiter
from tests.fakes.models import FakeEmbedder, FakeRegistry
from tests.fakes.stores import (
    FakeAnswerCache,
    FakeChunkStore,
    FakeRedis,
    FakeReleaseStore,
    FakeVectorStore,
)

DIMS = 64


class WatchedEmbedder(FakeEmbedder):
    """Records the queries, and calls ``on_query`` when one is encoded."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(DIMS, fingerprint)
        self.calls: list[list[str]] = []
        self.on_query: Callable[[], None] = lambda: None

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        vectors = super().embed_queries(texts)
        self.on_query()
        return vectors


class WatchedRegistry(FakeRegistry):
    """Records what is loaded, and calls ``before_load``; ``forget`` makes a model fail to load."""

    def __init__(self) -> None:
        super().__init__(dims=DIMS)
        self.loads: list[str] = []
        self.before_load: Callable[[str], None] = lambda fingerprint: None
        self.embedders: dict[str, WatchedEmbedder] = {}

    def register(self, fingerprint: str) -> None:
        self.embedders.setdefault(fingerprint, WatchedEmbedder(fingerprint))

    def forget(self, fingerprint: str) -> None:
        del self.embedders[fingerprint]

    def load(self, fingerprint: str) -> WatchedEmbedder:
        self.loads.append(fingerprint)
        self.before_load(fingerprint)
        if fingerprint not in self.embedders:
            raise ModelError(f"model {fingerprint} is not registered")
        return self.embedders[fingerprint]


class ScriptedGenerator:
    """Streams ``pieces``, then raises ``error`` if there is one."""

    name = "scripted"
    parallel = 1

    def __init__(self, *pieces: str, error: RagloopError | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.asked: list[list[Message]] = []
        self.schemas: list[dict[str, Any] | None] = []
        self.delivered = 0
        self.ended = False

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncGenerator[str, None]:
        self.asked.append(list(messages))
        self.schemas.append(schema)
        try:
            for piece in self.pieces:
                self.delivered += 1
                yield piece
            if self.error is not None:
                raise self.error
        finally:
            self.ended = True

    async def aclose(self) -> None:
        self.ended = True


def said(passage: int, quote: str, answer: str) -> str:
    """What an LLM that keeps to its schema writes."""
    return claimed([(passage, quote)] if quote else [], [], answer)


def claimed(
    evidence: Sequence[tuple[int, str]],
    calculations: Sequence[tuple[str, Sequence[tuple[int, str]]]],
    answer: str,
) -> str:
    """The same with several quotes, and calculations on figures in them."""
    return json.dumps(
        {
            "evidence": [{"passage": passage, "quote": quote} for passage, quote in evidence],
            "calculations": [
                {
                    "operation": operation,
                    "operands": [{"evidence": at, "figure": figure} for at, figure in operands],
                }
                for operation, operands in calculations
            ],
            "answer": answer,
        }
    )


@dataclass
class World:
    """Stores, registry and LLM, and what answering makes of them."""

    home: Path
    generator: ScriptedGenerator | None = None
    profile: Profile = LARGE
    background: bool = False
    caching: bool = False
    kept: int = 0
    """Vectors of questions that are kept."""
    redis: FakeRedis = field(default_factory=FakeRedis)
    checks: dict[str, str] = field(default_factory=lambda: {"redis": "ok", "model": "ok"})
    notes: dict[str, str] = field(default_factory=dict)
    telemetry: Telemetry = NO_TELEMETRY

    def __post_init__(self) -> None:
        # What a test client is to the service: somebody from elsewhere, at a name of its own.
        self.settings = Settings(
            home=self.home, auth="off", allowed_hosts="testserver", rate_ask="", rate_operate=""
        )
        self.keys = FakeKeyStore()
        self.rates = FakeRateLimiter()
        self.vectors = FakeVectorStore(self.redis)
        self.chunks = FakeChunkStore(self.redis)
        self.releases = FakeReleaseStore(self.redis)
        self.registry = WatchedRegistry()
        self.serving = Serving(
            self.releases, self.vectors, self.registry, background=self.background
        )
        self.filings = Filings(self.chunks)
        self.retriever = Retriever(
            self.serving,
            self.vectors,
            self.settings.max_question_chars,
            filings=self.filings,
            glossary=load_glossary(),
            encoder=QueryEncoder(kept=self.kept, meter=self.telemetry.meter),
            telemetry=self.telemetry,
        )
        llm = self.generator and MeteredGenerator(self.generator, self.telemetry)
        self.answerer = Answerer(
            self.retriever, llm, self.profile, Passages(self.chunks), self.telemetry
        )
        self.answers = CachedAnswerer(
            self.answerer,
            FakeAnswerCache(self.redis) if self.caching else None,
            self.chunks,
            self.generator.name if self.generator else "none",
            self.telemetry.meter,
        )
        self.comparer = Comparer(self.retriever, self.answerer)
        self.experiments = Experiments(
            FakeExperimentStore(self.redis), self.releases, self.retriever
        )
        self.queue = FakeJobQueue()
        self.uploads = Uploads(self.home)
        self.kept_filings = KeptFilings(self.home)
        self.ingestion = Ingestion(
            self.chunks,
            self.registry,
            ShadowIndexer(
                self.chunks,
                self.vectors,
                self.releases,
                self.registry,
                lambda release, model: IndexSpec(f"ix-{release}", model.dims, model.fingerprint),
            ),
            DocumentWriter(self.chunks, self.vectors, self.releases, self.registry),
            read_options(self.settings),
            self._live,
            JobStore(self.home),
            self.kept_filings,
        )
        self.history = History(self.home / "history")
        self.timeline = Timeline(self.history)
        self.reporter = Reporter(
            home=self.home,
            history=self.history,
            chunks=self.chunks,
            releases=self.releases,
            registry=self.registry,
            jobs=JobStore(self.home),
        )
        self.threads: set[int] = set()

    def add_release(
        self,
        model: str,
        chunks: Sequence[Chunk],
        *,
        state: ReleaseState = "candidate",
        live: bool = False,
        index_model: str | None = None,
    ) -> Release:
        """A release of ``chunks`` as ``model`` encodes them."""
        self.registry.register(model)
        name = self.releases.new_name()
        index = f"ix-{name}"
        self.vectors.create(IndexSpec(name=index, dims=DIMS, model=index_model or model))
        if chunks:
            texts = [chunk.embedded_text for chunk in chunks]
            self.vectors.write(index, chunks, FakeEmbedder(DIMS, model).embed_documents(texts))
        created = f"2024-01-01T00:00:{len(self.releases.all()):02d}Z"
        release = Release(name, state, model, index, DIMS, len(chunks), created)
        self.releases.put(release)
        if live:
            self.promote(name)
        return self.releases.get(name)

    def promote(self, release: str, force: bool = False) -> Release:
        current = self.releases.current()
        self.releases.swap(
            current.release if current else None, release, self.chunks.revision(), rollback=False
        )
        return self.releases.get(release)

    def rollback(self) -> Release:
        current, previous = self.releases.current(), self.releases.previous()
        if current is None or previous is None:
            raise NotFound("there is no release to go back to")
        self.releases.swap(current.release, previous.release, self.chunks.revision(), rollback=True)
        return self.releases.get(previous.release)

    def _live(self) -> Release:
        live = self.releases.current()
        assert live is not None
        return live

    def ready(self) -> Readiness:
        self.threads.add(threading.get_ident())
        return Readiness(self.checks, self.notes)
