"""Keys to the service in Redis, by their digests."""

from __future__ import annotations

import json
from dataclasses import replace

import redis
from redis.client import Pipeline

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_keys import Keys
from rag_service.core.errors import InvalidRequest, NotFound
from rag_service.core.ids import now
from rag_service.core.types import ApiKey

_MINUTE = len("2024-01-01T00:00")


class RedisKeyStore:
    """The protocol ``KeyStore`` on one namespace of a Redis."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        keys = Keys(namespace)
        self._keys, self._used = keys.api_keys, keys.api_keys_used

    @store_errors()
    def add(self, digest: str, key: ApiKey) -> None:
        def change(pipe: Pipeline) -> None:
            if any(known.name == key.name for known in self.all()):
                raise InvalidRequest(
                    f"there is a key {key.name}: choose another name, or revoke it"
                )
            pipe.multi()
            pipe.hset(self._keys, digest, _dump(key))

        self._client.transaction(change, self._keys)

    @store_errors()
    def find(self, digest: str) -> ApiKey | None:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hget(self._keys, digest)
            pipe.hget(self._used, digest)
            stored, used = pipe.execute()
        if stored is None:
            return None
        key, time = _load(stored, used), now()
        if key.used[:_MINUTE] != time[:_MINUTE]:
            self._client.hset(self._used, digest, time)
        return replace(key, used=time)

    @store_errors()
    def all(self) -> list[ApiKey]:
        return sorted(self._by_digest().values(), key=lambda key: key.name)

    @store_errors()
    def remove(self, name: str) -> None:
        known = self._by_digest()
        digests = [digest for digest, key in known.items() if key.name == name]
        if not digests:
            names = ", ".join(sorted(key.name for key in known.values())) or "none"
            raise NotFound(f"there is no key {name[:100]!r}; there are: {names}")
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hdel(self._keys, *digests)
            pipe.hdel(self._used, *digests)
            pipe.execute()

    def _by_digest(self) -> dict[str, ApiKey]:
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._keys)
            pipe.hgetall(self._used)
            stored, used = pipe.execute()
        return {digest: _load(text, used.get(digest)) for digest, text in stored.items()}


def _dump(key: ApiKey) -> str:
    return json.dumps(
        {
            "name": key.name,
            "scopes": sorted(key.scopes),
            "created": key.created,
            "expires": key.expires,
        }
    )


def _load(text: str, used: str | None) -> ApiKey:
    stored = json.loads(text)
    return ApiKey(
        stored["name"],
        frozenset(stored["scopes"]),
        stored["created"],
        stored["expires"],
        used or "",
    )
