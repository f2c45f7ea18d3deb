"""What a wrong RAGLOOP_REDIS_URL leads to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from rag_service.adapters.redis_client import connect, connect_plain, store_errors
from rag_service.core.errors import ConfigError, IndexMissing, StoreError, StoreUnavailable
from tests.fakes.redis_servers import plain_server


@pytest.fixture(params=[()])
def plain_redis(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Iterator[str]:
    """A server without modules that wants a password; a parameter is more of its options."""
    # The embedded server of this session has linked what the binary needs.
    libraries = Path(redis_url.removeprefix("unix://")).parent / "lib"
    with plain_server(tmp_path, libraries, *request.param) as url:
        yield url


def test_a_redis_without_query_engine_is_refused(plain_redis: str) -> None:
    with pytest.raises(ConfigError, match=r"query engine.*Redis 8.*Redis Stack") as caught:
        connect(plain_redis)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("plain_redis", [("--cluster-enabled", "yes")], indirect=True)
def test_a_node_of_a_cluster_is_asked_for_at_its_port(plain_redis: str) -> None:
    with pytest.raises(ConfigError, match=r"node of a cluster.*host and port"):
        connect(plain_redis)
    with pytest.raises(ConfigError, match=r"RAGLOOP_JOBS_URL.*not in cluster mode"):
        connect_plain(plain_redis, "RAGLOOP_JOBS_URL")


def test_a_refused_login_is_named(plain_redis: str) -> None:
    with pytest.raises(ConfigError, match="user and password"):
        connect(plain_redis.replace(":secret@", ""))
    with pytest.raises(ConfigError, match="user and password") as caught:
        connect(plain_redis.replace("secret", "guess"))
    assert "guess" not in caught.value.message


def test_an_unreachable_redis_is_named(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for url in (f"redis://:secret@127.0.0.1:{port}/0", f"unix://{tmp_path}/none"):
            with pytest.raises(StoreUnavailable, match="RAGLOOP_REDIS_URL") as caught:
                connect(url)
            assert "secret" not in caught.value.message


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://localhost:x"])
def test_what_is_no_address_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_REDIS_URL"):
        connect(url)


def test_errors_become_ours(client: redis.Redis) -> None:
    with pytest.raises(IndexMissing), store_errors():
        client.ft("never-made").search("*")
    client.set("text", "value")
    with pytest.raises(StoreError, match=r"WRONGTYPE|wrong kind"), store_errors():
        client.lpush("text", "x")
    client.delete("text")
    for lost in (redis.ConnectionError("gone"), redis.TimeoutError("late")):
        with pytest.raises(StoreUnavailable), store_errors():
            raise lost
    with pytest.raises(ZeroDivisionError), store_errors():
        raise ZeroDivisionError
