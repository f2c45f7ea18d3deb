"""Every latency log keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

import pytest

from rag_service.adapters.redis_latency import RedisLatencyLog
from rag_service.core.protocols import LatencyLog
from tests.fakes.at_once import comes_true
from tests.fakes.redis_servers import place
from tests.fakes.stores import FakeLatencyLog


@pytest.fixture(params=["fake", "redis", "cluster"])
def latencies(request: pytest.FixtureRequest) -> LatencyLog:
    if request.param == "fake":
        return FakeLatencyLog()
    return RedisLatencyLog(*place(request))


def test_all_of_the_last_seconds_come_back(latencies: LatencyLog) -> None:
    assert latencies.recent(10) == []
    latencies.record([12.5, 0.25])
    latencies.record([])
    latencies.record([1e6])
    assert sorted(latencies.recent(10)) == [0.25, 12.5, 1e6]
    assert sorted(latencies.recent(1e9)) == [0.25, 12.5, 1e6]


def test_what_is_older_is_left_out(latencies: LatencyLog) -> None:
    latencies.record([1])
    assert comes_true(lambda: latencies.recent(0.05) == [])
    latencies.record([2])
    assert 1 not in latencies.recent(0.05)
    assert sorted(latencies.recent(30)) == [1, 2]
