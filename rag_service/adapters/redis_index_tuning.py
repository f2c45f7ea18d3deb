"""What new indexes are made with, in Redis: the same for all machines that reindex."""

from __future__ import annotations

import json
from dataclasses import asdict

import redis

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_keys import Keys
from rag_service.core.errors import StoreError
from rag_service.core.types import TunedIndex


class RedisIndexTuning:
    """Holds the parameters that were last tuned, if any."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._key = Keys(namespace).index_tuning

    @store_errors()
    def get(self) -> TunedIndex | None:
        kept = self._client.get(self._key)
        try:
            return None if kept is None else TunedIndex(**json.loads(kept))
        except (ValueError, TypeError) as error:
            raise StoreError(
                "the tuned parameters in Redis are of another version: run "
                "`ragloop tune-index --apply`"
            ) from error

    @store_errors()
    def put(self, tuned: TunedIndex) -> None:
        self._client.set(self._key, json.dumps(asdict(tuned)))
