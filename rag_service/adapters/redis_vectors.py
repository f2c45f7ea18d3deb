"""Vectors of chunks in Redis's query engine, through redisvl."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache, partial
from itertools import chain, groupby, islice
from typing import Any

import numpy as np
import redis
from redis.client import NEVER_DECODE, Pipeline
from redisvl.index import SearchIndex
from redisvl.query import TextQuery, VectorQuery
from redisvl.query.filter import FilterExpression

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_cluster import listed_indexes
from rag_service.adapters.redis_codec import load_chunk
from rag_service.adapters.redis_keys import Keys
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_schema import (
    CHUNK,
    MODEL,
    TEXT_FIELDS,
    VECTOR,
    dump_vector,
    entry,
    filter_expression,
    index_schema,
    load_vector,
    word_weights,
)
from rag_service.adapters.redis_words import WordCounts, any_of, rarest
from rag_service.core.errors import (
    ConfigError,
    IndexMissing,
    InvalidRequest,
    StoreError,
    StoreUnavailable,
)
from rag_service.core.ids import document_of
from rag_service.core.types import Chunk, Filters, Hit, IndexSpec, Lookup, Vectors

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_SEARCH_MILLISECONDS = 10_000
_INDEXING_SECONDS = 300.0
_SCAN_BATCH = 1000
_DROPPED = "dropped"
_ALL = ""
SCORED = 100_000
"""Entries, of all words together, that a search by words reads: what takes some 25 ms."""
_LOOKED_UP = 10
"""Times as long as reading an entry in order takes looking it up in the others' lists."""
_DECODED = 2000
"""Chunks that are kept as they were decoded."""

# Compared where they are: what differs is little, and all of it would be the whole corpus.
_UNLIKE = """
local unlike = {}
for i, chunk_id in ipairs(ARGV) do
  local written = redis.call('HGET', KEYS[2 * i - 1], 'chunk')
  local stored = redis.call('HGET', KEYS[2 * i], chunk_id)
  if written and stored and written ~= stored then unlike[#unlike + 1] = chunk_id end
end
return unlike
"""
_COMPARED = 64
"""Chunks that one script compares: searches wait for it."""


class RedisVectorStore:
    """The protocol ``VectorStore`` on one namespace of a Redis.

    A search by words reads every entry that holds one, for each of them. Where that comes to more
    than ``scored``, a hit must hold one of the rarest, of which the entries can be searched for
    all the other words in the same time: about ten times as few.
    """

    def __init__(self, client: redis.Redis, namespace: str, scored: int = SCORED) -> None:
        self._client = client
        self._scored = scored
        self._words = WordCounts()
        self._keys = Keys(namespace)
        self._unlike = client.register_script(_UNLIKE)
        # By its JSON: the lookups of a question find much the same chunks.
        self._chunk = lru_cache(_DECODED)(load_chunk)

    @store_errors()
    def create(self, spec: IndexSpec) -> None:
        if not _NAME.fullmatch(spec.name):
            raise StoreError(f"{spec.name!r} is no index name: use letters, digits, '.', '_', '-'")
        if not self._client.sadd(self._keys.index_names, spec.name):
            raise StoreError(f"the index name {spec.name} was used before: take a new one")
        # Before the index, so that what a crash leaves behind can be dropped.
        made_of: dict[Any, Any] = asdict(spec)
        self._client.hset(self._keys.index_spec(spec.name), mapping=made_of)
        self._create(spec)

    @store_errors()
    def recreate(self, index: str) -> None:
        """The engine's part of an index that is stored already, unless it is to be dropped."""
        with suppress(IndexMissing):
            self._create(self._spec(index))

    @store_errors()
    def write(
        self, index: str, chunks: Sequence[Chunk], vectors: Vectors, remove: Collection[str] = ()
    ) -> None:
        spec = self._spec(index)
        vectors = np.asarray(vectors, dtype=np.float32)
        if len(chunks) or vectors.size:
            _check_vectors(vectors, (len(chunks), spec.dims))
        physical = self._keys.physical(index)
        if self._resolved(physical) != physical:
            raise _missing(index)
        written: dict[str, dict[str, Any]] = {self._together(c.chunk_id): {} for c in chunks}
        removed: dict[str, list[str]] = {self._together(chunk_id): [] for chunk_id in remove}
        for chunk, vector in zip(chunks, vectors, strict=True):
            key = self._keys.entry(index, chunk.chunk_id)
            written[self._together(chunk.chunk_id)][key] = entry(chunk, vector, spec)
        for chunk_id in remove:
            removed[self._together(chunk_id)].append(self._keys.entry(index, chunk_id))

        def write(pipe: Pipeline, together: str) -> None:
            if together in removed:
                pipe.unlink(*removed[together])
            for key, fields in written.get(together, {}).items():
                pipe.hset(key, mapping=fields)

        def change(pipe: Pipeline) -> None:
            # Read under the watch: an index that is dropped meanwhile gets no entries.
            self._spec(index)
            pipe.multi()
            write(pipe, _ALL)

        if not self._keys.spread:
            self._client.transaction(change, self._keys.index_spec(index))
            return
        # What is new comes before what goes.
        for document_id in dict.fromkeys((*written, *removed)):
            self._client.transaction(partial(write, together=document_id))
        try:
            self._spec(index)
        except IndexMissing:  # dropped meanwhile
            self._unlink(chain.from_iterable(written.values()))
            raise

    def search(self, index: str, vector: Vectors, k: int, filters: Filters) -> list[Hit]:
        return self.look_up(index, [Lookup(k, filters, vector=vector)])[0]

    def search_text(self, index: str, query: str, k: int, filters: Filters) -> list[Hit]:
        return self.look_up(index, [Lookup(k, filters, terms=((query, 1.0),))])[0]

    @store_errors()
    def look_up(self, index: str, lookups: Sequence[Lookup]) -> list[list[Hit]]:
        spec = self._spec(index)
        engine = self._index(spec)
        queries = [self._query(lookup, spec, engine) for lookup in lookups]
        asked = [query for query in queries if query is not None]
        found = iter(engine.batch_query(asked, batch_size=max(1, len(asked))))
        return [
            [] if query is None else self._ranked(index, _scored(next(found), query))
            for query in queries
        ]

    @store_errors()
    def ids(self, index: str) -> set[str]:
        self._spec(index)
        found = self._client.scan_iter(f"{self._keys.entries(index)}*", count=_SCAN_BATCH)
        return {self._keys.chunk_of(index, key) for key in found}

    @store_errors()
    def vectors(self, index: str, chunk_ids: Sequence[str]) -> Vectors:
        spec = self._spec(index)
        found = np.empty((len(chunk_ids), spec.dims), dtype=np.float32)
        for start in range(0, len(chunk_ids), _SCAN_BATCH):
            batch = chunk_ids[start : start + _SCAN_BATCH]
            with self._client.pipeline(transaction=False) as pipe:
                for chunk_id in batch:
                    # The client decodes answers as text, which a vector's bytes are not.
                    options: dict[str, Any] = {NEVER_DECODE: True}
                    pipe.execute_command(  # type: ignore[no-untyped-call]
                        "HGET", self._keys.entry(index, chunk_id), VECTOR, **options
                    )
                for row, (chunk_id, raw) in enumerate(zip(batch, pipe.execute(), strict=True)):
                    if raw is None:
                        raise StoreError(f"chunk {chunk_id} is not in index {index}")
                    found[start + row] = load_vector(raw, spec.datatype)
        return found

    @store_errors()
    def documents(self, index: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        self._spec(index)
        with self._client.pipeline(transaction=False) as pipe:
            for chunk_id in chunk_ids:
                pipe.hget(self._keys.entry(index, chunk_id), CHUNK)
            found = zip(chunk_ids, pipe.execute(), strict=True)
            return {chunk_id: load_chunk(text).document for chunk_id, text in found if text}

    @store_errors()
    def outdated(self, index: str, chunk_ids: Sequence[str]) -> set[str]:
        self._spec(index)
        unlike: list[str] = []
        for _, together in groupby(sorted(chunk_ids, key=self._together), self._together):
            while batch := list(islice(together, _COMPARED)):
                keys = [key for chunk_id in batch for key in self._both_keys(index, chunk_id)]
                unlike += self._unlike(keys=keys, args=batch)
        # Other JSON may say the same: an earlier version wrote it.
        with self._client.pipeline(transaction=False) as pipe:
            for chunk_id in unlike:
                entry_key, stored_key = self._both_keys(index, chunk_id)
                pipe.hget(entry_key, CHUNK)
                pipe.hget(stored_key, chunk_id)
            texts = iter(pipe.execute())
        found = zip(unlike, texts, texts, strict=True)
        return {
            chunk_id
            for chunk_id, written, stored in found
            if written and stored and load_chunk(written) != load_chunk(stored)
        }

    @store_errors()
    def count(self, index: str) -> int:
        self._spec(index)
        engine = self._client.ft(self._keys.physical(index))
        deadline = time.monotonic() + _INDEXING_SECONDS
        while int((info := engine.info())["indexing"]):  # type: ignore[no-untyped-call]
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"Redis has been indexing {index} for {_INDEXING_SECONDS:.0f} s: try again"
                )
            time.sleep(0.05)
        return int(info["num_docs"])

    @store_errors()
    def model(self, index: str) -> str:
        return self._spec(index).model

    @store_errors()
    def spec(self, index: str) -> IndexSpec:
        return self._spec(index)

    @store_errors()
    def names(self) -> list[str]:
        ever = sorted(map(str, self._client.smembers(self._keys.index_names)))
        with self._client.pipeline(transaction=False) as pipe:
            for name in ever:
                pipe.exists(self._keys.index_spec(name))
            return [name for name, there in zip(ever, pipe.execute(), strict=True) if there]

    @store_errors()
    def drop(self, index: str) -> None:
        spec_key = self._keys.index_spec(index)
        if not self._client.exists(spec_key):
            raise IndexMissing(f"there is no index {index}; an alias cannot be dropped")
        physical = self._keys.physical(index)

        def delete(pipe: Pipeline) -> None:
            # The live index moves only together with the pointer, which is watched.
            if self._live() == physical:
                raise StoreError(f"index {index} is live: promote another release before")
            resolved = self._resolved(physical)
            if resolved not in (physical, None):
                raise StoreError(f"{index} is an alias of {resolved}, which stays")
            pipe.multi()
            pipe.hset(spec_key, _DROPPED, "1")
            if resolved and not self._keys.spread:
                pipe.ft(physical).dropindex()

        self._client.transaction(delete, self._keys.live, spec_key)
        if self._keys.spread and self._resolved(physical):
            self._client.ft(physical).dropindex()
        # The spec goes last, so that a drop that was interrupted can be taken up again.
        self._unlink(self._client.scan_iter(f"{self._keys.entries(index)}*", count=_SCAN_BATCH))
        self._client.unlink(spec_key)

    def _create(self, spec: IndexSpec) -> None:
        """A new index first scans all keys: what is written meanwhile would be indexed twice."""
        self._index(spec).create()
        name = self._keys.physical(spec.name)
        if not all(name in names for names in listed_indexes(self._client)):
            raise ConfigError(
                "the query engine of this Redis Cluster searches one node alone: use Redis 8, "
                "whose engine searches all of them, or set RAGLOOP_REDIS_URL to a single Redis"
            )
        self.count(spec.name)

    def _live(self) -> str | None:
        """The live index as the engine names it: by the alias, or where it may be behind, not."""
        if not self._keys.spread:
            return self._resolved(self._keys.alias)
        live = RedisReleaseStore(self._client, self._keys.namespace).current()
        return None if live is None else self._keys.physical(live.index)

    def _together(self, chunk_id: str) -> str:
        """Chunks of which this is equal can change in one step."""
        return document_of(chunk_id) if self._keys.spread else _ALL

    def _unlink(self, keys: Iterable[str]) -> None:
        keys = iter(keys)
        while batch := list(islice(keys, _SCAN_BATCH)):
            self._client.unlink(*batch)

    def _spec(self, index: str) -> IndexSpec:
        """What ``index`` is made of. Raises IndexMissing, also for an alias."""
        raw: dict[Any, Any] = self._client.hgetall(self._keys.index_spec(index))
        if not raw or _DROPPED in raw:
            raise _missing(index)
        made_of: dict[str, Any] = {
            # Indexes of earlier versions say neither, and are what the defaults say.
            **{name: raw[name] for name in ("algorithm", "datatype") if name in raw},
            **{name: int(raw[name]) for name in ("dims", "m", "ef_construction", "ef_runtime")},
        }
        return IndexSpec(name=index, model=raw["model"], **made_of)

    def _query(
        self, lookup: Lookup, spec: IndexSpec, engine: SearchIndex
    ) -> VectorQuery | TextQuery | None:
        """What redisvl is to ask; None if there is no word to look for."""
        if lookup.k < 1:
            raise InvalidRequest(f"k must be at least 1, not {lookup.k}")
        if lookup.vector is not None:
            return _vector_query(lookup, spec)
        weights = word_weights(lookup.terms)
        return _text_query(lookup, weights, self._needed(lookup, weights, engine))

    def _needed(self, lookup: Lookup, words: Collection[str], engine: SearchIndex) -> Sequence[str]:
        """Those of ``words`` of which a hit must have one; none of them where any word will do."""
        if not words or _names_filing(lookup.filters):
            return ()
        if self._words.size(engine) * len(words) <= self._scored:
            return ()
        counts = self._words.of(engine, words)
        if sum(counts.values()) <= self._scored:
            return ()
        return rarest(counts, self._scored // _LOOKED_UP)

    def _ranked(self, index: str, found: Iterable[tuple[float, dict[str, Any]]]) -> list[Hit]:
        ranked = sorted(found, key=lambda scored: (-scored[0], scored[1]["id"]))
        if any(MODEL not in row for _, row in ranked):
            raise StoreError(
                f"index {index} has entries of an earlier version, which do not say what model "
                "made their vectors: reindex with `ragloop reindex` and promote that release"
            )
        return [
            Hit(rank, score, self._chunk(row[CHUNK]), row[MODEL])
            for rank, (score, row) in enumerate(ranked, 1)
        ]

    def _both_keys(self, index: str, chunk_id: str) -> tuple[str, str]:
        """Where a chunk is written in an index, and where the chunk store has its document."""
        return self._keys.entry(index, chunk_id), self._keys.chunks(document_of(chunk_id))

    def _index(self, spec: IndexSpec) -> SearchIndex:
        return SearchIndex(index_schema(self._keys, spec), self._client)

    def _resolved(self, name: str) -> str | None:
        """The index that the query engine knows by a name or alias."""
        try:
            with store_errors():
                info = self._client.ft(name).info()  # type: ignore[no-untyped-call]
                return str(info["index_name"])
        except IndexMissing:
            return None


def _names_filing(filters: Filters) -> bool:
    """True if few entries pass, so that all their words can be scored."""
    return bool(filters.company or filters.documents)


def _missing(index: str) -> IndexMissing:
    return IndexMissing(f"there is no index {index} in Redis: reindex its model, or roll back")


def _check_vectors(vectors: Vectors, shape: tuple[int, ...]) -> None:
    if vectors.shape != shape:
        raise StoreError(f"vectors have the shape {vectors.shape} where {shape} is needed")
    lengths = np.linalg.norm(vectors, axis=-1)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise StoreError("a vector is zero or not finite: the model is damaged")


def _vector_query(lookup: Lookup, spec: IndexSpec) -> VectorQuery:
    vector = np.asarray(lookup.vector, dtype=np.float32)
    _check_vectors(vector, (spec.dims,))
    return VectorQuery(
        dump_vector(vector, spec.datatype),
        VECTOR,
        return_fields=[CHUNK, MODEL],
        dtype=spec.datatype,
        filter_expression=filter_expression(lookup.filters),
        num_results=lookup.k,
        # An index of another kind refuses it.
        ef_runtime=lookup.ef_runtime or None if spec.algorithm == "hnsw" else None,
    ).timeout(_SEARCH_MILLISECONDS)


def _text_query(
    lookup: Lookup, weights: Mapping[str, float], needed: Sequence[str]
) -> TextQuery | None:
    if not weights:
        return None
    only = filter_expression(lookup.filters)
    if needed:
        # It adds nothing to the score, which is that of all words. A union of which one part alone
        # holds anything is that part to the engine, without the weight: this one has it twice.
        rare = FilterExpression(f"(({any_of(needed)} | {any_of(needed)}) => {{$weight: 0}})")
        only = rare if only is None else only & rare
    return TextQuery(
        " ".join(weights),
        TEXT_FIELDS,
        filter_expression=only,
        return_fields=[CHUNK, MODEL],
        num_results=lookup.k,
        stopwords=None,
        text_weights={word: weight for word, weight in weights.items() if weight != 1},
    ).timeout(_SEARCH_MILLISECONDS)


def _scored(
    rows: Iterable[dict[str, Any]], query: VectorQuery | TextQuery
) -> Iterator[tuple[float, dict[str, Any]]]:
    for row in rows:
        if isinstance(query, VectorQuery):
            yield _cosine(row["vector_distance"]), row
        else:
            yield float(row["score"]), row


def _cosine(distance: str) -> float:
    """Rounding, of float16 above all, takes the engine's distances a little outside [0, 2]."""
    return max(-1.0, min(1.0, 1.0 - float(distance)))
