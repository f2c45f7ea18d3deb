"""The append-only file of a Redis: how large it is, and when it is written anew."""

from __future__ import annotations

import time
from typing import Any

import redis

from rag_service.adapters.redis_client import store_errors
from rag_service.core.errors import StoreUnavailable

_SECONDS = 300.0


class RedisFiles:
    """For a Redis that nobody else uses: a rewrite takes a copy of its memory for a while."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    @store_errors()
    def rewritten(self) -> int:
        """Bytes of the append-only file, written anew now. Raises StoreUnavailable."""
        deadline = time.monotonic() + _SECONDS
        started = self._info()["aof_rewrites"]
        self._client.bgrewriteaof()
        while (info := self._info())["aof_rewrites"] == started or info["aof_rewrite_in_progress"]:
            if time.monotonic() > deadline:
                raise StoreUnavailable("Redis does not get its append-only file written: try again")
            time.sleep(0.02)
        return int(info["aof_current_size"])

    @store_errors()
    def rule(self) -> tuple[int, int]:
        """By how many percent it grows until Redis writes it anew, and to how many bytes."""
        found: Any = self._client.config_get("auto-aof-rewrite-*")
        return (
            int(found["auto-aof-rewrite-percentage"]),
            int(found["auto-aof-rewrite-min-size"]),
        )

    def _info(self) -> dict[str, Any]:
        info: dict[str, Any] = self._client.info("persistence")
        return info
