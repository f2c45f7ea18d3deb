"""A connection to Redis with the query engine, and Redis's errors as ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry
from redisvl.exceptions import RedisVLError

from rag_service.core.addresses import without_secrets
from rag_service.core.errors import (
    ConfigError,
    IndexMissing,
    RagloopError,
    StoreError,
    StoreUnavailable,
)

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
_SETTLE_SECONDS = 300.0
_MISSING_INDEX = ("unknown index name", "no such index", "index not found", "index_not_found")


def connect(url: str) -> redis.Redis:
    """A client that answers text, checked to reach a Redis with the query engine.

    Raises StoreUnavailable if nothing answers at ``url``, ConfigError if what answers is of no
    use. The caller closes the client.
    """
    try:
        client = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            # A command whose answer timed out may have been carried out: only a connection that
            # was lost is worth another try.
            retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 3, (redis.ConnectionError,)),
        )
    except ValueError as error:
        # The parser's own words may quote a part of the password.
        raise ConfigError(
            "RAGLOOP_REDIS_URL is no Redis address such as redis://user:password@host:6379/0; "
            "special characters in a password are percent-encoded"
        ) from error
    try:
        _check(client, without_secrets(url))
    except BaseException:
        client.close()
        raise
    return client


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what redis-py and redisvl raise into StoreError and its kin; also a decorator."""
    try:
        yield
    except (RedisError, RedisVLError) as error:
        raise _ours(error) from error


@store_errors()
def settle(url: str) -> None:
    """Wait until a server that has just read its data finds them as it did before.

    It indexes behind its start, and some entries twice: until its garbage is collected, words
    stand in more entries than there are, and BM25 is wrong. Raises StoreUnavailable.
    """
    deadline = time.monotonic() + _SETTLE_SECONDS
    with closing(connect(url)) as client:
        names: Any = client.execute_command("FT._LIST")  # type: ignore[no-untyped-call]
        for name in names:
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
    return int(client.info("memory")["used_memory"])


def _check(client: redis.Redis, url: str) -> None:
    try:
        if client.info("cluster").get("cluster_enabled"):
            # A swap moves several keys and an alias in one step, which no cluster can.
            raise ConfigError(
                f"Redis at {url} is a node of a cluster: set RAGLOOP_REDIS_URL to a Redis that "
                "is not in cluster mode"
            )
        client.execute_command("FT._LIST")  # type: ignore[no-untyped-call]
    except BusyLoadingError as error:
        raise StoreUnavailable(f"Redis at {url} is still loading its data: try again") from error
    except (AuthenticationError, NoPermissionError) as error:
        raise ConfigError(
            f"Redis at {url} refused the login ({error}): set user and password in "
            "RAGLOOP_REDIS_URL"
        ) from error
    except ResponseError as error:
        if "unknown command" in str(error).lower():
            raise ConfigError(
                f"Redis at {url} has no query engine: set RAGLOOP_REDIS_URL to a Redis 8 or a "
                "Redis Stack, or unset it to use the embedded server"
            ) from error
        raise _ours(error) from error
    except RedisError as error:
        raise StoreUnavailable(
            f"Redis at {url} is not reached ({error}): start it, or set RAGLOOP_REDIS_URL"
        ) from error


def _ours(error: BaseException) -> RagloopError:
    root = error
    while root.__cause__ is not None and not isinstance(root, RedisError):
        root = root.__cause__
    message = str(root)
    if isinstance(root, redis.ConnectionError | redis.TimeoutError):
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
