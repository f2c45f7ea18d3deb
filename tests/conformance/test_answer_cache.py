"""Every answer cache keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_service.adapters.redis_cache import RedisAnswerCache
from rag_service.core.protocols import AnswerCache
from tests.fakes.at_once import comes_true
from tests.fakes.redis_servers import place
from tests.fakes.stores import FakeAnswerCache, FakeRedis

Make = Callable[[float, int], AnswerCache]


@pytest.fixture(params=["fake", "redis", "cluster"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "fake":
        fake = FakeRedis()
        return lambda seconds, most: FakeAnswerCache(fake, seconds, most)
    client, namespace = place(request)
    return lambda seconds, most: RedisAnswerCache(client, namespace, seconds, most)


def test_what_is_put_comes_back_until_it_is_put_again(make: Make) -> None:
    cache = make(60, 10)
    assert cache.get("a") is None
    cache.put("a", "né “1”\n")
    assert cache.get("a") == "né “1”\n"
    cache.put("a", "2")
    assert (cache.get("a"), cache.get("b")) == ("2", None)
    assert make(60, 10).get("a") == "2"


def test_after_its_time_it_is_gone(make: Make) -> None:
    cache = make(0.05, 10)
    cache.put("a", "1")
    assert comes_true(lambda: cache.get("a") is None)


def test_of_too_many_the_newest_stay(make: Make) -> None:
    cache = make(60, 3)
    for key in "abcabde":
        cache.put(key, key)
    kept = [key for key in "abcde" if cache.get(key) is not None]
    assert len(kept) == 3
    assert {"d", "e"} <= set(kept)


def test_a_text_that_is_too_long_is_not_kept(make: Make) -> None:
    cache = make(60, 10)
    cache.put("a", "x" * 40_000)
    assert cache.get("a") is None
