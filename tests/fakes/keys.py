"""Keys and rate limits in memory."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from rag_service.core.errors import InvalidRequest, NotFound
from rag_service.core.ids import now
from rag_service.core.types import ApiKey, Rate


class FakeKeyStore:
    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def add(self, digest: str, key: ApiKey) -> None:
        if any(known.name == key.name for known in self._keys.values()):
            raise InvalidRequest(f"there is a key {key.name}")
        self._keys[digest] = key

    def find(self, digest: str) -> ApiKey | None:
        if digest in self._keys:
            self._keys[digest] = replace(self._keys[digest], used=now())
        return self._keys.get(digest)

    def all(self) -> list[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: key.name)

    def remove(self, name: str) -> None:
        kept = {digest: key for digest, key in self._keys.items() if key.name != name}
        if len(kept) == len(self._keys):
            raise NotFound(f"there is no key {name}; there are: {[k.name for k in self.all()]}")
        self._keys = kept


class FakeRateLimiter:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hits: defaultdict[tuple[str, Rate], list[float]] = defaultdict(list)

    def hit(self, who: str, rate: Rate) -> int | None:
        now = self._clock()
        recent = [hit for hit in self._hits[who, rate] if hit > now - rate.seconds]
        self._hits[who, rate] = recent
        if len(recent) < rate.amount:
            recent.append(now)
            return None
        return max(1, math.ceil(recent[0] + rate.seconds - now))
