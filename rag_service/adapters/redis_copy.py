"""All that lasts in one namespace of a Redis, as lines of JSON, and back into any other Redis.

Values are read and written by their type: what Redis's DUMP gives can be restored by a server of
the same or a newer version alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import redis
from redis.client import Pipeline

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_cluster import listed_indexes
from rag_service.adapters.redis_keys import Keys
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.adapters.rq_jobs import raw_client
from rag_service.core.errors import StoreError
from rag_service.core.protocols import Progress

_BATCH = 256
_BULK = ("chunks:", "ix:")
"""Chunks, and entries of indexes: most of the data."""
_PASSING = ("job:", "job-events:", "jobs", "order:")
"""The worker's queue, which would be stale, and what is made again when it is asked for.

So is whatever expires: leases, claims, kept answers, latencies, rates, impressions.
"""
_LAST = ("history", "live", "releases", "states")
_SPEC = "index:"

Row = tuple[str, str, Any]
"""A key without its namespace, its type, and its value as JSON has it."""


class RedisCopy:
    """Reads, writes and clears one namespace; ``client`` stays open."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._keys = Keys(namespace)
        self._vectors = RedisVectorStore(client, namespace)
        self._releases = RedisReleaseStore(client, namespace)

    @store_errors()
    def names(self) -> list[str]:
        """Every key that lasts, without its namespace."""
        lasting: list[str] = []
        for keys in self._scan():
            with self._client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.pttl(key)
                times = pipe.execute()
            lasting += [key for key, left in zip(keys, times, strict=True) if left == -1]
        names = map(self._keys.name, lasting)
        return sorted(name for name in names if not name.startswith(_PASSING))

    def read(self, progress: Progress) -> Iterator[bytes]:
        """A line for each key.

        What is no bulk comes first and is of one moment. What an index or a document has then is
        read after it: nothing of that is missing unless it is taken away meanwhile.
        """
        with store_errors():
            raw = raw_client(self._client)
            try:
                few = [name for name in self.names() if not name.startswith(_BULK)]
                yield from map(_line, self._rows(raw, few, at_once=True))
                many = [name for name in self.names() if name.startswith(_BULK)]
                for start in range(0, len(many), _BATCH):
                    progress("copy keys", start, len(many))
                    batch = many[start : start + _BATCH]
                    yield from map(_line, self._rows(raw, batch, at_once=False))
                progress("copy keys", len(many), len(many))
            finally:
                raw.close()

    @store_errors()
    def write(self, lines: Iterable[bytes], total: int, progress: Progress) -> None:
        """Into an empty namespace. The releases come last, in one step: till then there is none."""
        rows = map(_row, lines)
        last: list[Row] = []
        done = 0
        while batch := list(islice(rows, _BATCH)):
            progress("write keys", done, total)
            with self._client.pipeline(transaction=False) as pipe:
                for name, kind, value in batch:
                    if name in _LAST:
                        last.append((name, kind, value))
                    else:
                        _put(pipe, self._keys.key(name), kind, value)
                pipe.execute()
            for name, _, _ in batch:
                if name.startswith(_SPEC):
                    # Before its entries, which so are found as soon as they are written.
                    self._vectors.recreate(name.removeprefix(_SPEC))
            done += len(batch)
        self._go_live(last)
        progress("write keys", total, total)

    @store_errors()
    def clear(self) -> None:
        """Delete all that the namespace has, also what passes, and its indexes with their alias."""
        self._client.delete(self._keys.live)  # first: nothing serves what is half there
        for index in set().union(*listed_indexes(self._client)):
            if index.startswith(self._keys.physical("")):
                self._client.ft(index).dropindex()  # its alias goes with it
        for keys in self._scan():
            self._client.unlink(*keys)

    def _scan(self) -> Iterator[list[str]]:
        keys = chain.from_iterable(
            self._client.scan_iter(pattern, count=1000) for pattern in self._keys.patterns
        )
        while batch := list(islice(keys, 1000)):
            yield batch

    def _rows(self, raw: redis.Redis, names: Sequence[str], *, at_once: bool) -> Iterator[Row]:
        with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.type(self._keys.key(name))
            kinds = [str(kind) for kind in pipe.execute()]
        with raw.pipeline(transaction=at_once) as asked:
            for name, kind in zip(names, kinds, strict=True):
                _ask(asked, self._keys.key(name), kind)
            values = asked.execute()
        for name, kind, value in zip(names, kinds, values, strict=True):
            if value or value == b"":  # there still
                yield name, kind, _portable(kind, value)

    def _go_live(self, rows: Sequence[Row]) -> None:
        """The releases, with pointer and alias of the live one."""
        stored = {name: value for name, _, value in rows}
        with self._client.pipeline(transaction=True) as pipe:
            if (live := stored.get("live")) and not self._keys.spread:
                index = json.loads(dict(stored["releases"])[live])["index"]
                pipe.ft(self._keys.physical(index)).aliasupdate(self._keys.alias)
            for name, kind, value in rows:
                _put(pipe, self._keys.key(name), kind, value)
            pipe.execute()
        self._releases.follow()


def _ask(pipe: Pipeline, key: str, kind: str) -> None:
    if kind in ("string", "none"):
        pipe.get(key)
    elif kind == "hash":
        pipe.hgetall(key)
    elif kind == "list":
        pipe.lrange(key, 0, -1)
    elif kind == "set":
        pipe.smembers(key)
    else:
        raise StoreError(f"{key} in Redis is a {kind}, which no backup takes: remove it")


def _put(pipe: Pipeline, key: str, kind: str, value: Any) -> None:
    if kind == "string":
        pipe.set(key, _bytes(value))
    elif kind == "hash":
        pipe.hset(key, items=[_bytes(part) for pair in value for part in pair])
    elif kind == "list":
        pipe.rpush(key, *map(_bytes, value))
    else:
        pipe.sadd(key, *map(_bytes, value))


def _portable(kind: str, value: Any) -> Any:
    if kind == "hash":
        return [[_json(field), _json(part)] for field, part in value.items()]
    if kind == "string":
        return _json(value)
    return [_json(part) for part in (sorted(value) if kind == "set" else value)]


def _json(value: bytes) -> str | list[str]:
    """Text as it is; other bytes as a list of one text, in base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return [base64.b64encode(value).decode()]


def _bytes(value: Any) -> bytes:
    return str(value).encode() if isinstance(value, str) else base64.b64decode(value[0])


def _line(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _row(line: bytes) -> Row:
    name, kind, value = json.loads(line)
    return name, kind, value
