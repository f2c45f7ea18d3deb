"""Every rate limiter keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from rag_service.adapters.rate_limits import RedisRateLimiter
from rag_service.core.errors import StoreUnavailable
from rag_service.core.protocols import RateLimiter
from rag_service.core.types import Rate
from tests.fakes.at_once import comes_true
from tests.fakes.keys import FakeRateLimiter
from tests.fakes.redis_servers import place

THREE = Rate(3, 60)


@pytest.fixture(params=["fake", "redis", "cluster"])
def rates(request: pytest.FixtureRequest) -> RateLimiter:
    if request.param == "fake":
        return FakeRateLimiter()
    return RedisRateLimiter(*place(request))


def test_so_many_may_go_on_and_the_next_waits(rates: RateLimiter) -> None:
    assert [rates.hit("pat", THREE) for _ in range(3)] == [None] * 3
    waits = rates.hit("pat", THREE)
    assert waits is not None
    assert 55 <= waits <= 60


def test_others_are_counted_apart(rates: RateLimiter) -> None:
    for _ in range(4):
        rates.hit("pat", THREE)
    assert rates.hit("sam", THREE) is None


def test_who_waited_may_go_on(rates: RateLimiter) -> None:
    once = Rate(1, 1)
    assert rates.hit("pat", once) is None
    assert rates.hit("pat", once) == 1
    assert comes_true(lambda: rates.hit("pat", once) is None)


def test_requests_at_once_are_counted_once_each(rates: RateLimiter) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: rates.hit("pat", Rate(20, 60)), range(50)))
    assert outcomes.count(None) == 20


def test_processes_count_together_and_namespaces_apart(client: redis.Redis, namespace: str) -> None:
    for limiter in (RedisRateLimiter(client, namespace) for _ in range(3)):
        assert limiter.hit("pat", THREE) is None
    assert RedisRateLimiter(client, namespace).hit("pat", THREE) is not None
    assert RedisRateLimiter(client, f"{namespace}b").hit("pat", THREE) is None


def test_without_redis_nobody_goes_on() -> None:
    nowhere = redis.Redis(host="127.0.0.1", port=1, decode_responses=True)
    with pytest.raises(StoreUnavailable):
        RedisRateLimiter(nowhere, "t").hit("pat", THREE)
    nowhere.close()
