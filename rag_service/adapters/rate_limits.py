"""How often each client may ask, counted in Redis by the library limits."""

from __future__ import annotations

import math
import time

import redis
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_keys import Keys
from rag_service.core.types import Rate


class RedisRateLimiter:
    """The protocol ``RateLimiter`` on one namespace of a Redis: one round trip a request.

    The window moves with the clock: at no time were more requests let through in the seconds
    before it than the rate says.
    """

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        storage = RedisStorage("redis://", key_prefix=Keys(namespace).rates)
        # Not by a pool of connections, which a cluster has for each node.
        storage.storage = client
        storage.initialize_storage("")
        self._limiter = MovingWindowRateLimiter(storage)

    @store_errors()
    def hit(self, who: str, rate: Rate) -> int | None:
        item = RateLimitItemPerSecond(rate.amount, rate.seconds)
        if self._limiter.hit(item, who):
            return None
        free = self._limiter.get_window_stats(item, who).reset_time
        return max(1, math.ceil(free - time.time()))
