"""Latencies of requests to the live release, in a stream of Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_keys import Keys

_KEPT_SECONDS = 60
_KEPT_SAMPLES = 10_000
"""About so many of the newest: a minute of 160 requests a second."""


class RedisLatencyLog:
    """The protocol ``LatencyLog`` on one namespace of a Redis, by that server's clock.

    Of more than ``_KEPT_SAMPLES`` in a minute the newest stay: ``recent`` then looks back less far.
    """

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._key = Keys(namespace).latencies

    @store_errors()
    def record(self, milliseconds: Sequence[float]) -> None:
        if not milliseconds:
            return
        with self._client.pipeline(transaction=False) as pipe:
            for value in milliseconds[-_KEPT_SAMPLES:]:
                pipe.xadd(self._key, {"ms": f"{value:.2f}"}, maxlen=_KEPT_SAMPLES)
            pipe.expire(self._key, _KEPT_SECONDS)
            pipe.execute()

    @store_errors()
    def recent(self, seconds: float) -> list[float]:
        now, microseconds = self._client.time()
        window = min(seconds, _KEPT_SECONDS) * 1000
        since = max(0, round(now * 1000 + microseconds / 1000 - window))
        entries: Any = self._client.xrange(self._key, min=since)
        return [float(fields["ms"]) for _, fields in entries]
