"""Releases over fake stores, with encoders and an LLM that do as they are told."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from rag_service.answering.answer import Answerer
from rag_service.answering.compare import Comparer
from rag_service.answering.prompt import LARGE, Profile
from rag_service.answering.retrieve import Retriever
from rag_service.answering.serving import Serving
from rag_service.core.errors import ModelError, NotFound, RagloopError
from rag_service.core.protocols import Message
from rag_service.core.settings import Settings
from rag_service.core.types import Chunk, IndexSpec, ModelCard, Release, ReleaseState, Vectors
from tests.fakes.stores import FakeChunkStore, FakeRedis, FakeReleaseStore, FakeVectorStore


class WordEmbedder:
    """A sum of random directions, one a word; each fingerprint has directions of its own."""

    max_tokens = 256
    dims = 64

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self.calls: list[list[str]] = []
        self.on_query: Callable[[], None] = lambda: None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        vectors = self.embed_documents(texts)
        self.on_query()
        return vectors

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        vectors = np.stack([self._vector(text) for text in texts])
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def _vector(self, text: str) -> Vectors:
        total = np.full(self.dims, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", text.casefold()):
            total += _direction(self.fingerprint, word, self.dims)
        return total


@cache
def _direction(fingerprint: str, word: str, dims: int) -> Vectors:
    random = Random(f"{fingerprint} {word}")
    return np.array([random.gauss(0, 1) for _ in range(dims)], dtype=np.float32)


class WordRegistry:
    """Loads a `WordEmbedder` of any fingerprint that is in ``known``."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.loads: list[str] = []
        self.before_load: Callable[[str], None] = lambda fingerprint: None
        self.embedders: dict[str, WordEmbedder] = {}

    def load(self, fingerprint: str) -> WordEmbedder:
        self.loads.append(fingerprint)
        self.before_load(fingerprint)
        if fingerprint not in self.known:
            raise ModelError(f"model {fingerprint} is not registered")
        return self.embedders.setdefault(fingerprint, WordEmbedder(fingerprint))

    def resolve(self, name: str) -> ModelCard:
        return self.get(name)

    def get(self, fingerprint: str) -> ModelCard:
        if fingerprint not in self.known:
            raise ModelError(f"model {fingerprint} is not registered")
        return ModelCard(fingerprint, fingerprint, "", WordEmbedder.dims, 256, "", "", "")

    def add(
        self, folder: Path, *, name: str, base: str = "", training: dict[str, Any] | None = None
    ) -> ModelCard:
        self.known.add(name)
        return self.get(name)

    def all(self) -> list[ModelCard]:
        return [self.get(fingerprint) for fingerprint in sorted(self.known)]


class ScriptedGenerator:
    """Streams ``pieces``, then raises ``error`` if there is one."""

    name = "scripted"

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
    return json.dumps({"passage": passage, "quote": quote, "answer": answer})


@dataclass
class World:
    """Stores, registry and LLM, and what answering makes of them."""

    home: Path
    generator: ScriptedGenerator | None = None
    profile: Profile = LARGE
    background: bool = False
    redis: FakeRedis = field(default_factory=FakeRedis)
    checks: dict[str, str] = field(default_factory=lambda: {"redis": "ok", "model": "ok"})

    def __post_init__(self) -> None:
        self.settings = Settings(home=self.home)
        self.vectors = FakeVectorStore(self.redis)
        self.chunks = FakeChunkStore(self.redis)
        self.releases = FakeReleaseStore(self.redis)
        self.registry = WordRegistry()
        self.serving = Serving(
            self.releases, self.vectors, self.registry, background=self.background
        )
        self.retriever = Retriever(self.serving, self.vectors, self.settings.max_question_chars)
        self.answerer = Answerer(self.retriever, self.generator, self.profile)
        self.comparer = Comparer(self.retriever, self.answerer)
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
        self.registry.known.add(model)
        name = self.releases.new_name()
        index = f"ix-{name}"
        dims = WordEmbedder.dims
        self.vectors.create(IndexSpec(name=index, dims=dims, model=index_model or model))
        if chunks:
            texts = [chunk.embedded_text for chunk in chunks]
            self.vectors.write(index, chunks, WordEmbedder(model).embed_documents(texts))
        created = f"2024-01-01T00:00:{len(self.releases.all()):02d}Z"
        release = Release(name, state, model, index, dims, len(chunks), created)
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

    def ready(self) -> dict[str, str]:
        self.threads.add(threading.get_ident())
        return self.checks
