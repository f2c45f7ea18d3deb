"""Stores in memory that behave as those in Redis do, for tests of what uses them."""

from __future__ import annotations

import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rag_service.core.errors import (
    IndexMissing,
    InvalidRequest,
    NotFound,
    ReleaseConflict,
    StoreError,
)
from rag_service.core.ids import document_of
from rag_service.core.types import (
    Chunk,
    Document,
    Filters,
    Hit,
    IndexSpec,
    Lookup,
    Release,
    ReleaseState,
    Vectors,
)


@dataclass(slots=True)
class FakeRedis:
    """What the stores share, as they share one Redis: its data, its clock, one step at a time."""

    documents: dict[str, Document] = field(default_factory=dict)
    chunks: dict[str, list[Chunk]] = field(default_factory=dict)
    revision: int = 0
    releases: dict[str, Release] = field(default_factory=dict)
    release_count: int = 0
    live: str | None = None
    history: list[str] = field(default_factory=list)
    indexes: dict[str, FakeIndex] = field(default_factory=dict)
    index_names: set[str] = field(default_factory=set)
    users: dict[str, dict[str, float]] = field(default_factory=dict)
    claims: dict[str, dict[str, tuple[str, float]]] = field(default_factory=dict)
    latencies: list[tuple[float, float]] = field(default_factory=list)
    answers: dict[str, tuple[str, float]] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    step: threading.RLock = field(default_factory=threading.RLock)


@dataclass(slots=True)
class FakeIndex:
    spec: IndexSpec
    entries: dict[str, tuple[Chunk, Vectors]] = field(default_factory=dict)


class FakeVectorStore:
    """Exact cosine search."""

    def __init__(self, redis: FakeRedis | None = None) -> None:
        self._redis = redis or FakeRedis()

    def create(self, spec: IndexSpec) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", spec.name):
            raise StoreError(f"{spec.name!r} is no index name")
        if spec.name in self._redis.index_names:
            raise StoreError(f"the index name {spec.name} was used before")
        self._redis.index_names.add(spec.name)
        self._redis.indexes[spec.name] = FakeIndex(spec)

    def write(
        self, index: str, chunks: Sequence[Chunk], vectors: Vectors, remove: Collection[str] = ()
    ) -> None:
        held = self._index(index)
        if len(chunks) or vectors.size:
            _check_vectors(vectors, (len(chunks), held.spec.dims))
        for chunk_id in remove:
            held.entries.pop(chunk_id, None)
        for position, chunk in enumerate(chunks):
            held.entries[chunk.chunk_id] = (chunk, _stored(vectors[position], held.spec))

    def search(self, index: str, vector: Vectors, k: int, filters: Filters) -> list[Hit]:
        held = self._index(index)
        _check_vectors(vector, (held.spec.dims,))
        asked = _stored(vector, held.spec)
        return _best(
            k,
            [
                (_cosine(asked, kept), chunk)
                for chunk, kept in list(held.entries.values())  # a writer may run beside it
                if _passes(chunk, filters)
            ],
            held.spec.model,
        )

    def search_text(self, index: str, query: str, k: int, filters: Filters) -> list[Hit]:
        return self._by_words(index, dict.fromkeys(_words(query), 1.0), k, filters)

    def look_up(self, index: str, lookups: Sequence[Lookup]) -> list[list[Hit]]:
        return [
            self.search(index, lookup.vector, lookup.k, lookup.filters)
            if lookup.vector is not None
            else self._by_words(index, _weights(lookup.terms), lookup.k, lookup.filters)
            for lookup in lookups
        ]

    def _by_words(
        self, index: str, weights: dict[str, float], k: int, filters: Filters
    ) -> list[Hit]:
        held = self._index(index)
        bags = [
            (chunk, Counter(_words(chunk.text) + _words(chunk.context)))
            for chunk, _ in list(held.entries.values())
        ]
        rarity = {
            word: weight * _rarity(sum(word in bag for _, bag in bags), len(bags))
            for word, weight in weights.items()
        }
        scored = [(_bm25(bag, rarity), chunk) for chunk, bag in bags if _passes(chunk, filters)]
        return _best(k, [(s, chunk) for s, chunk in scored if s > 0], held.spec.model)

    def ids(self, index: str) -> set[str]:
        return set(self._index(index).entries)

    def vectors(self, index: str, chunk_ids: Sequence[str]) -> Vectors:
        held = self._index(index)
        if missing := [chunk_id for chunk_id in chunk_ids if chunk_id not in held.entries]:
            raise StoreError(f"chunk {missing[0]} is not in index {index}")
        rows = [held.entries[chunk_id][1] for chunk_id in chunk_ids]
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), held.spec.dims)

    def documents(self, index: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        held = self._index(index).entries
        return {c: held[c][0].document for c in chunk_ids if c in held}

    def outdated(self, index: str, chunk_ids: Sequence[str]) -> set[str]:
        held = self._index(index).entries
        stored = {c.chunk_id: c for chunks in self._redis.chunks.values() for c in chunks}
        both = [c for c in chunk_ids if c in held and c in stored]
        return {c for c in both if held[c][0] != stored[c]}

    def count(self, index: str) -> int:
        return len(self._index(index).entries)

    def model(self, index: str) -> str:
        return self._index(index).spec.model

    def spec(self, index: str) -> IndexSpec:
        return self._index(index).spec

    def names(self) -> list[str]:
        return sorted(self._redis.indexes)

    def drop(self, index: str) -> None:
        self._index(index)
        live = self._redis.live
        if live is not None and self._redis.releases[live].index == index:
            raise StoreError(f"index {index} is live")
        del self._redis.indexes[index]

    def _index(self, index: str) -> FakeIndex:
        if index not in self._redis.indexes:
            raise IndexMissing(f"there is no index {index}")
        return self._redis.indexes[index]


class FakeChunkStore:
    def __init__(self, redis: FakeRedis | None = None) -> None:
        self._redis = redis or FakeRedis()

    def revision(self) -> int:
        return self._redis.revision

    def documents(self) -> list[Document]:
        return sorted(self._redis.documents.values(), key=lambda d: (d.name, d.document_id))

    def find(self, name: str) -> Document | None:
        return next((d for d in self.documents() if d.name == name), None)

    def get(self, document_id: str) -> Document | None:
        return self._redis.documents.get(document_id)

    def replace(self, document: Document, chunks: Sequence[Chunk], live: str | None) -> None:
        if any(document_of(chunk.chunk_id) != document.document_id for chunk in chunks):
            raise StoreError(f"a chunk is not of document {document.document_id}")
        self._check_live(live)
        namesake = self.find(document.name)
        if namesake:
            del self._redis.documents[namesake.document_id]
            del self._redis.chunks[namesake.document_id]
        self._redis.documents[document.document_id] = document
        self._redis.chunks[document.document_id] = sorted(chunks, key=lambda c: c.position)
        self._redis.revision += 1

    def remove(self, document_id: str, live: str | None) -> None:
        self._check_live(live)
        if document_id not in self._redis.documents:
            raise NotFound(f"there is no document {document_id}")
        del self._redis.documents[document_id]
        del self._redis.chunks[document_id]
        self._redis.revision += 1

    def chunk_ids(self) -> set[str]:
        return {chunk.chunk_id for chunks in self._redis.chunks.values() for chunk in chunks}

    def chunks(self, document_ids: Iterable[str] | None = None) -> Iterator[Chunk]:
        wanted = None if document_ids is None else set(document_ids)
        for document in self.documents():
            if wanted is None or document.document_id in wanted:
                yield from self._redis.chunks[document.document_id]

    def load(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        known = {chunk.chunk_id: chunk for chunk in self.chunks()}
        return [known[chunk_id] for chunk_id in chunk_ids if chunk_id in known]

    def around(self, chunks: Sequence[Chunk], reach: int) -> list[Chunk]:
        found: dict[str, Chunk] = {}
        for chunk in sorted(chunks, key=lambda c: (c.document_id, c.position)):
            kept = self._redis.chunks.get(chunk.document_id, [])
            if chunk.position < len(kept) and kept[chunk.position].chunk_id == chunk.chunk_id:
                window = kept[max(0, chunk.position - reach) : chunk.position + reach + 1]
                found |= {near.chunk_id: near for near in window}
        return list(found.values())

    def _check_live(self, expected: str | None) -> None:
        if self._redis.live != expected:
            raise ReleaseConflict(f"release {self._redis.live} went live")


class FakeReleaseStore:
    def __init__(self, redis: FakeRedis | None = None) -> None:
        self._redis = redis or FakeRedis()

    def new_name(self) -> str:
        self._redis.release_count += 1
        return f"r{self._redis.release_count:04d}"

    def put(self, release: Release) -> None:
        self._check_not_moved(release.release, release.state)
        self._redis.releases[release.release] = release

    def mark(self, release: str, state: ReleaseState) -> None:
        known = self.get(release)
        self._check_not_moved(release, state)
        self._redis.releases[release] = replace(known, state=state)

    def get(self, release: str) -> Release:
        if release not in self._redis.releases:
            known = ", ".join(r.release for r in self.all())
            raise NotFound(f"there is no release {release}; there are: {known}")
        return self._redis.releases[release]

    def all(self) -> list[Release]:
        releases = self._redis.releases.values()
        return sorted(releases, key=lambda r: (r.created, len(r.release), r.release))

    def delete(self, release: str) -> None:
        with self._redis.step:
            self.get(release)
            if self._redis.live == release:
                raise InvalidRequest(f"release {release} is live")
            if users := self.users(release):
                raise ReleaseConflict(f"release {release} is in use by {', '.join(sorted(users))}")
            del self._redis.releases[release]
            self._redis.users.pop(release, None)
            self._redis.history = [name for name in self._redis.history if name != release]

    def use(self, release: str, user: str, seconds: float) -> None:
        with self._redis.step:
            self.get(release)
            users = self._redis.users.setdefault(release, {})
            users[user] = max(users.get(user, 0), self._redis.clock() + seconds)

    def leave(self, release: str, user: str) -> None:
        with self._redis.step:
            self._redis.users.get(release, {}).pop(user, None)

    def users(self, release: str) -> set[str]:
        with self._redis.step:
            users, now = self._redis.users.get(release, {}), self._redis.clock()
            return {user for user, until in users.items() if until > now}

    def current(self) -> Release | None:
        return None if self._redis.live is None else self.get(self._redis.live)

    def previous(self) -> Release | None:
        return self.get(self._redis.history[0]) if self._redis.history else None

    def swap(
        self, expected: str | None, new: str, revision: int, *, rollback: bool = False
    ) -> None:
        redis = self._redis
        with redis.step:
            if redis.live != expected or redis.revision != revision:
                raise ReleaseConflict(f"release {redis.live} is live at revision {redis.revision}")
            target = self.get(new)
            if target.state not in ("candidate", "retired"):
                raise InvalidRequest(f"release {new} is {target.state}")
            if rollback and redis.history[:1] != [new]:
                raise ReleaseConflict(f"a rollback does not bring back {new}")
            if target.index not in redis.indexes:
                raise IndexMissing(f"there is no index {target.index}")
            redis.live = new
            redis.releases[new] = replace(target, state="live")
            redis.history = [name for name in redis.history if name != new]
            if expected is not None:
                redis.releases[expected] = replace(redis.releases[expected], state="retired")
                if not rollback:
                    redis.history.insert(0, expected)

    def _check_not_moved(self, release: str, state: ReleaseState) -> None:
        if (self._redis.live == release) != (state == "live"):
            raise ReleaseConflict(f"release {release} cannot be marked {state}")


class FakeClaimStore:
    def __init__(self, redis: FakeRedis | None = None) -> None:
        self._redis = redis or FakeRedis()

    def take(
        self, work: str, items: Sequence[str], n: int, worker: str, seconds: float
    ) -> list[str]:
        with self._redis.step:
            claims, now = self._redis.claims.setdefault(work, {}), self._redis.clock()
            free = [
                item
                for item in items
                if item not in claims or claims[item][0] == worker or claims[item][1] <= now
            ]
            taken = free[: max(n, 0)]
            claims.update((item, (worker, now + seconds)) for item in taken)
            return taken

    def give_back(self, work: str, items: Sequence[str], worker: str) -> None:
        with self._redis.step:
            claims = self._redis.claims.get(work, {})
            for item in items:
                if item in claims and claims[item][0] == worker:
                    del claims[item]

    def forget(self, work: str) -> None:
        self._redis.claims.pop(work, None)


class FakeLatencyLog:
    def __init__(self, redis: FakeRedis | None = None) -> None:
        self._redis = redis or FakeRedis()

    def record(self, milliseconds: Sequence[float]) -> None:
        now = self._redis.clock()
        self._redis.latencies += [(now, value) for value in milliseconds]

    def recent(self, seconds: float) -> list[float]:
        since = self._redis.clock() - min(seconds, 60)
        return [value for when, value in self._redis.latencies if when >= since]


class FakeAnswerCache:
    def __init__(
        self, redis: FakeRedis | None = None, seconds: float = 60, most: int = 2000
    ) -> None:
        self._redis = redis or FakeRedis()
        self._seconds = seconds
        self._most = most

    def get(self, key: str) -> str | None:
        text, until = self._redis.answers.get(key, ("", 0.0))
        return text if until > self._redis.clock() else None

    def put(self, key: str, text: str) -> None:
        if len(text) > 32_000:
            return
        answers = self._redis.answers
        answers.pop(key, None)
        answers[key] = text, self._redis.clock() + self._seconds
        for old in list(answers)[: -self._most]:
            del answers[old]


def _stored(vector: Vectors, spec: IndexSpec) -> Vectors:
    """A vector as float32, rounded to what the index keeps of it."""
    if spec.datatype == "float32":
        return np.asarray(vector, dtype=np.float32)
    return np.asarray((vector / np.linalg.norm(vector)).astype(np.float16), dtype=np.float32)


def _cosine(a: Vectors, b: Vectors) -> float:
    return float(np.clip((a / np.linalg.norm(a)) @ (b / np.linalg.norm(b)), -1, 1))


def _check_vectors(vectors: Vectors, shape: tuple[int, ...]) -> None:
    lengths = np.linalg.norm(vectors, axis=-1)
    if vectors.shape != shape or not np.isfinite(lengths).all() or not lengths.all():
        raise StoreError(f"vectors are not finite and of the shape {shape}")


def _passes(chunk: Chunk, filters: Filters) -> bool:
    wanted = (
        (_folded(filters.company), _folded(chunk.facts.company)),
        (_folded(filters.form), _folded(chunk.facts.form)),
        (_folded(filters.section), _folded(chunk.section)),
        (_folded(filters.kind), chunk.kind),
        (filters.fiscal_year, chunk.facts.fiscal_year),
    )
    named = not filters.documents or chunk.document in filters.documents
    return named and all(not asked or asked == found for asked, found in wanted)


def _folded(value: str) -> str:
    return " ".join(value.casefold().split())


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"(?<=\d),(?=\d{3})", "", text.casefold()))


def _weights(terms: Iterable[tuple[str, float]]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for text, weight in terms:
        for word in _words(text):
            weights[word] = max(weight, weights.get(word, 0.0))
    return weights


def _rarity(held_by: int, total: int) -> float:
    return math.log(1 + (total - held_by + 0.5) / (held_by + 0.5))


def _bm25(bag: Counter[str], rarity: dict[str, float]) -> float:
    """Okapi BM25 with k1 = 1.2, without normalisation by length."""
    return sum(
        weight * 2.2 * bag[word] / (bag[word] + 1.2) for word, weight in rarity.items() if bag[word]
    )


def _best(k: int, scored: list[tuple[float, Chunk]], model: str) -> list[Hit]:
    if k < 1:
        raise InvalidRequest(f"k must be at least 1, not {k}")
    scored.sort(key=lambda pair: (-pair[0], pair[1].chunk_id))
    return [Hit(rank, score, chunk, model) for rank, (score, chunk) in enumerate(scored[:k], 1)]
