"""A connection to Redis with the query engine, and Redis's errors as ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.cluster import RedisCluster
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
)
from redis.retry import Retry
from redisvl.exceptions import RedisVLError

from rag_service.adapters.redis_cluster import cluster, listed_indexes
from rag_service.core.addresses import without_secrets
from rag_service.core.errors import (
    ConfigError,
    IndexMissing,
    RagloopError,
    StoreError,
    StoreUnavailable,
)

_SETTING = "RAGLOOP_REDIS_URL"
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
_SETTLE_SECONDS = 300.0
_AWAY = (redis.ConnectionError, redis.TimeoutError, ClusterDownError, SlotNotCoveredError)
_MISSING_INDEX = ("unknown index name", "no such index", "index not found", "index_not_found")


def connect(url: str) -> redis.Redis:
    """A client that answers text, checked to reach a Redis with the query engine.

    At a node of a Redis Cluster it is a client of the cluster, which has the same commands.

    Raises StoreUnavailable if nothing answers at ``url``, ConfigError if what answers is of no
    use. The caller closes the client.
    """
    client = _client(url, _SETTING)
    try:
        with _refusals(without_secrets(url), _SETTING):
            if client.info("cluster").get("cluster_enabled"):
                client.close()
                client = cluster(url, **_options())
            listed_indexes(client)
    except BaseException:
        client.close()
        raise
    return client


def connect_plain(url: str, setting: str) -> redis.Redis:
    """A client as ``connect`` gives, of any Redis that is no cluster; ``setting`` names it."""
    where = without_secrets(url)
    client = _client(url, setting)
    try:
        with _refusals(where, setting):
            if client.info("cluster").get("cluster_enabled"):
                raise ConfigError(
                    f"Redis at {where} is a node of a cluster: set {setting} to a Redis that is "
                    "not in cluster mode"
                )
    except BaseException:
        client.close()
        raise
    return client


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what redis-py and redisvl raise into StoreError and its kin; also a decorator."""
    try:
        yield
    except (RedisError, RedisClusterException, RedisVLError) as error:
        raise _ours(error) from error


@store_errors()
def settle(url: str) -> None:
    """Wait until a server that has just read its data finds them as it did before.

    It indexes behind its start, and some entries twice: until its garbage is collected, words
    stand in more entries than there are, and BM25 is wrong. Raises StoreUnavailable.
    """
    deadline = time.monotonic() + _SETTLE_SECONDS
    with closing(connect(url)) as client:
        for name in set().union(*listed_indexes(client)):
            while int(client.ft(name).info()["indexing"]):  # type: ignore[no-untyped-call]
                if time.monotonic() > deadline:
                    raise StoreUnavailable(
                        f"Redis has been indexing {name} for {_SETTLE_SECONDS:.0f} s: try again"
                    )
                time.sleep(0.02)
            client.execute_command("FT.DEBUG", "GC_FORCEINVOKE", name)  # type: ignore[no-untyped-call]


@store_errors()
def used_memory(client: redis.Redis) -> int:
    """Bytes that Redis holds, indexes among them."""
    if isinstance(client, RedisCluster):
        nodes = [client.info("memory", target_nodes=node) for node in client.get_primaries()]
        return sum(int(told["used_memory"]) for told in nodes)
    return int(client.info("memory")["used_memory"])


def _options() -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _ANSWER_SECONDS,
        # A command whose answer timed out may have been carried out: only a connection that was
        # lost is worth another try.
        "retry": Retry(ExponentialBackoff(cap=1.0, base=0.05), 3, (redis.ConnectionError,)),
    }


def _client(url: str, setting: str) -> redis.Redis:
    try:
        return redis.Redis.from_url(url, **_options())
    except ValueError as error:
        # The parser's own words may quote a part of the password.
        raise ConfigError(
            f"{setting} is no Redis address such as redis://user:password@host:6379/0; "
            "special characters in a password are percent-encoded"
        ) from error


@contextmanager
def _refusals(url: str, setting: str) -> Iterator[None]:
    """What a first look at a Redis shows, in our words."""
    try:
        yield
    except BusyLoadingError as error:
        raise StoreUnavailable(f"Redis at {url} is still loading its data: try again") from error
    except (AuthenticationError, NoPermissionError) as error:
        raise ConfigError(
            f"Redis at {url} refused the login ({error}): set user and password in {setting}"
        ) from error
    except ResponseError as error:
        if "unknown command" in str(error).lower():
            raise ConfigError(
                f"Redis at {url} has no query engine: set {setting} to a Redis 8 or a "
                "Redis Stack, or unset it to use the embedded server"
            ) from error
        raise _ours(error) from error
    except (RedisError, RedisClusterException) as error:
        raise StoreUnavailable(
            f"Redis at {url} is not reached ({error}): start it, or set {setting}"
        ) from error


def _ours(error: BaseException) -> RagloopError:
    root = error
    while root.__cause__ is not None and not isinstance(root, RedisError | RedisClusterException):
        root = root.__cause__
    message = str(root)
    if isinstance(root, _AWAY):
        return StoreUnavailable(
            f"Redis does not answer ({message}): try again; if it stays so, start it or set "
            "RAGLOOP_REDIS_URL"
        )
    if any(words in message.lower() for words in _MISSING_INDEX):
        return IndexMissing(f"an index is gone from Redis: {message}")
    if "timeout limit was reached" in message.lower():
        return StoreUnavailable(f"Redis gave up a search that took too long: {message}")
    if "maxmemory" in message:
        return StoreError(f"Redis is out of memory: raise its maxmemory ({message})")
    return StoreError(f"Redis refused: {message}")
