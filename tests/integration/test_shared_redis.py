"""Services on several machines, each with a home of its own, on one Redis."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from rag_service.adapters.redis_cache import RedisAnswerCache
from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_cluster import namespace_on
from rag_service.adapters.redis_experiments import RedisExperimentStore
from rag_service.core.api_keys import digest
from rag_service.core.settings import Settings
from rag_service.core.types import ApiKey, ArmTally, Experiment, IndexSpec, Rate, Release
from rag_service.wiring import open_services


@pytest.mark.parametrize("kind", ["redis_url", "cluster_url"])
def test_two_services_share_what_is_live_counted_and_kept(
    kind: str, request: pytest.FixtureRequest, namespace: str, tmp_path: Path
) -> None:
    url = request.getfixturevalue(kind)
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(
                open_services(
                    Settings(home=tmp_path / home, redis_url=url, namespace=namespace, llm="none")
                )
            )
            for home in ("one", "other")
        )
        clients = [connect(url) for _ in range(2)]
        for client in clients:
            stack.callback(client.close)
        at = namespace_on(clients[0], namespace)

        for name in ("r1", "r2"):
            one.vectors.create(IndexSpec(f"ix-{name}", 4, "m"))
            one.releases.put(Release(name, "candidate", "m", f"ix-{name}", 4, 0, name))
        one.releases.swap(None, "r1", 0)
        other.releases.swap("r1", "r2", 0)
        assert one.releases.current() == other.releases.current()
        assert one.releases.previous() == other.releases.get("r1")

        one.releases.use("r1", "one", 60)
        assert other.releases.users("r1") == {"one"}
        assert one.claims.take("w", ["1", "2"], 1, "one", 60) == ["1"]
        assert other.claims.take("w", ["1", "2"], 2, "other", 60) == ["2"]

        one.keys.add(digest("k"), ApiKey("pat", frozenset({"ask"}), "2026-01-01T00:00:00Z"))
        found = other.keys.find(digest("k"))
        assert found is not None
        assert one.keys.all() == [found]

        twice = Rate(2, 60)
        assert [services.rates.hit("pat", twice) for services in (one, other)] == [None, None]
        assert one.rates.hit("pat", twice) is not None

        one.latency_log.record([3.5])
        assert other.latency_log.recent(30) == [3.5]

        caches = [RedisAnswerCache(client, at, 60) for client in clients]
        caches[0].put("q", "answer")
        assert caches[1].get("q") == "answer"

        began = Experiment("x", "split", "r2", "r1", "m", "m", 0.5, "2026-01-01T00:00:00Z")
        tests = [RedisExperimentStore(client, at) for client in clients]
        tests[0].start(began)
        assert one.experiments.running() == other.experiments.running() == began
        assert [test.credit("x", "somebody", "a", good=True) for test in tests] == [True, False]
        assert tests[1].tally("x").a == ArmTally(0, 1, 0)
