"""Answers that are kept for a time, in Redis."""

from __future__ import annotations

import logging

import redis

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_keys import Keys

MAX_ANSWERS = 2000
MAX_ANSWER_CHARS = 32_000
"""A longer answer is not kept; so all of them together stay below some 100 MB."""

_PUT = """
local lasts, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[1], ARGV[1], 'PX', lasts)
redis.call('ZADD', KEYS[2], string.format('%.0f', now + lasts), KEYS[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
local old = redis.call('ZRANGE', KEYS[2], 0, -most - 1)
if #old > 0 then redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -most - 1) end
redis.call('PEXPIRE', KEYS[2], lasts)
return old
"""

log = logging.getLogger(__name__)


class RedisAnswerCache:
    """The protocol ``AnswerCache`` on one namespace of a Redis, for ``seconds`` each."""

    def __init__(
        self, client: redis.Redis, namespace: str, seconds: float, most: int = MAX_ANSWERS
    ) -> None:
        self._client = client
        self._keys = Keys(namespace)
        self._milliseconds = max(1, round(seconds * 1000))
        self._most = most
        self._put = client.register_script(_PUT)

    @store_errors()
    def get(self, key: str) -> str | None:
        try:
            found = self._client.get(self._keys.answer(key))
        except (UnicodeDecodeError, redis.ResponseError) as error:
            log.warning("answer %s is kept in a form that cannot be read: %s", key, error)
            return None
        return None if found is None else str(found)

    @store_errors()
    def put(self, key: str, text: str) -> None:
        if len(text) > MAX_ANSWER_CHARS:
            return
        old = self._put(
            keys=[self._keys.answer(key), self._keys.answers],
            args=[text, self._milliseconds, self._most],
        )
        if old:  # outside the script, which is to name its keys; they expire by themselves too
            self._client.unlink(*old)
