"""Claims of workers on the parts of a shared piece of work, in Redis."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_keys import Keys

# A claim is "<until, ms of the server's clock> <worker>". The hash lives as long as its last
# claim could, so that a crash leaves nothing behind.
_TAKE = """
local n, worker, lasts = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local taken = {}
for i = 4, #ARGV do
  if #taken >= n then break end
  local item = ARGV[i]
  local ends, holder = string.match(redis.call('HGET', KEYS[1], item) or '0 ', '^(%d+) (.*)$')
  if holder == worker or tonumber(ends) <= now then
    redis.call('HSET', KEYS[1], item, string.format('%.0f %s', now + lasts, worker))
    taken[#taken + 1] = item
  end
end
if #taken > 0 and redis.call('PTTL', KEYS[1]) < lasts then
  redis.call('PEXPIRE', KEYS[1], lasts)
end
return taken
"""

_GIVE_BACK = """
for i = 2, #ARGV do
  local holder = string.match(redis.call('HGET', KEYS[1], ARGV[i]) or '', '^%d+ (.*)$')
  if holder == ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
"""

_WINDOW = 1000
"""Items that one script is given: what is free is mostly in front, and a script blocks searches."""


class RedisClaimStore:
    """The protocol ``ClaimStore`` on one namespace of a Redis, by that server's clock.

    Each ``_WINDOW`` items are a step of their own, and each item is handed out once either way.
    """

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._keys = Keys(namespace)
        self._take = client.register_script(_TAKE)
        self._give_back = client.register_script(_GIVE_BACK)

    @store_errors()
    def take(
        self, work: str, items: Sequence[str], n: int, worker: str, seconds: float
    ) -> list[str]:
        lasts = max(1, round(seconds * 1000))
        taken: list[str] = []
        for start in range(0, len(items), _WINDOW):
            if len(taken) >= n:
                break
            window = items[start : start + _WINDOW]
            args: list[int | str] = [n - len(taken), worker, lasts, *window]
            taken += self._take(keys=[self._keys.claims(work)], args=args)
        return taken

    @store_errors()
    def give_back(self, work: str, items: Sequence[str], worker: str) -> None:
        for start in range(0, len(items), _WINDOW):
            window = items[start : start + _WINDOW]
            self._give_back(keys=[self._keys.claims(work)], args=[worker, *window])

    @store_errors()
    def forget(self, work: str) -> None:
        self._client.unlink(self._keys.claims(work))
