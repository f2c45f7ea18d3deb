"""Answers that are given again where everything that they came from is the same."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version

from pydantic import TypeAdapter, ValidationError

from rag_service.answering.answer import (
    Answerer,
    AnswerEvent,
    Cited,
    Done,
    Retrieved,
    Token,
)
from rag_service.answering.retrieve import SearchResult
from rag_service.core.errors import StoreError
from rag_service.core.protocols import AnswerCache, ChunkStore
from rag_service.core.telemetry import CACHE_LOOKUPS, NO_METER, Meter
from rag_service.core.types import Answer, Filters

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer without its hits, and the pieces that its text was streamed in."""

    pieces: tuple[str, ...]
    answer: Answer


_KEPT = TypeAdapter(_Kept)


class CachedAnswerer:
    """Answers as ``answerer`` does, with a kept answer where there is one.

    The search is made for every request; what is kept is what was made of its hits. The key is of
    release, model, revision of the documents, hits, question, filters, k, stages, ``llm`` and the
    version of this program: an answer is never given after a change of any of them. Failures are
    not kept. Without a ``cache`` nothing is.
    """

    def __init__(
        self,
        answerer: Answerer,
        cache: AnswerCache | None,
        chunks: ChunkStore,
        llm: str,
        meter: Meter = NO_METER,
    ) -> None:
        self._meter = meter
        self._answerer = answerer
        self._cache = cache
        self._chunks = chunks
        self._made_by = f"{version('ragloop')} {llm}"

    def revision(self) -> int:
        """That of the documents: read before a search whose hits are answered from."""
        return self._chunks.revision() if self._cache is not None else 0

    async def begin(
        self, question: str, result: SearchResult, k: int, filters: Filters, revision: int
    ) -> AsyncIterator[AnswerEvent]:
        """The events of an answer from hits that were found at ``revision``.

        Raises StoreUnavailable; the events raise nothing.
        """
        if self._cache is None:
            return self._answerer.events(question, result)
        key = self._key(question, result, k, filters, revision)
        kept = _read(await asyncio.to_thread(self._cache.get, key), key)
        self._meter.add(CACHE_LOOKUPS, 1, "answer", "miss" if kept is None else "hit")
        if kept is not None:
            return _again(kept, question, result)
        return self._kept(key, self._answerer.events(question, result), revision)

    async def _kept(
        self, key: str, events: AsyncIterator[AnswerEvent], revision: int
    ) -> AsyncIterator[AnswerEvent]:
        """The same events, and their answer put into the cache."""
        pieces: list[str] = []
        async for event in events:
            if isinstance(event, Token):
                pieces.append(event.text)
            if isinstance(event, Done):
                kept = _Kept(tuple(pieces), replace(event.answer, hits=()))
                await asyncio.to_thread(self._keep, key, kept, revision)
            yield event

    def _keep(self, key: str, kept: _Kept, revision: int) -> None:
        assert self._cache is not None
        try:
            # What changed meanwhile may be in the answer, but not in its key.
            if self._chunks.revision() == revision:
                self._cache.put(key, _written(kept))
        except StoreError as error:
            log.error("an answer is given but not kept: %s", error.message)

    def _key(
        self, question: str, result: SearchResult, k: int, filters: Filters, revision: int
    ) -> str:
        parts = [
            self._made_by,
            result.release,
            result.model,
            revision,
            " ".join(unicodedata.normalize("NFC", question).split()),
            k,
            asdict(filters),
            result.stages,
            [hit.chunk.chunk_id for hit in result.hits],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


async def _again(kept: _Kept, question: str, result: SearchResult) -> AsyncIterator[AnswerEvent]:
    yield Retrieved(result)
    for piece in kept.pieces:
        yield Token(piece)
    for citation in kept.answer.citations:
        yield Cited(citation)
    yield Done(replace(kept.answer, question=question, hits=result.hits, cached=True))


def _written(kept: _Kept) -> str:
    document = _KEPT.dump_json(kept).decode()
    return f"{_digest(document)} {document}"


def _read(text: str | None, key: str) -> _Kept | None:
    """What `_written` wrote; None for anything else."""
    if text is None:
        return None
    digest, _, document = text.partition(" ")
    try:
        if digest == _digest(document):
            return _KEPT.validate_json(document)
    except ValidationError as error:
        log.debug("%s", error)
    log.warning("answer %s is kept in a form that cannot be read: it is made anew", key)
    return None


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()[:16]
