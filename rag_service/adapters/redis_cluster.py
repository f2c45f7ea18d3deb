"""A Redis whose keys are spread over slots: a Redis Cluster, or a sharded Redis Enterprise."""

from __future__ import annotations

from typing import Any, cast

import redis
from redis.cluster import RedisCluster
from redis.connection import parse_url
from redis.exceptions import ClusterCrossSlotError, ResponseError

from rag_service.core.errors import ConfigError


class ClusterClient(RedisCluster):
    """redis-py's client of a Redis Cluster, which ``again`` gives with other options."""

    def __init__(self, url: str, **options: Any) -> None:
        self._made_of = (url, options)
        super().__init__(url=url, **options)

    def again(self, **options: Any) -> redis.Redis:
        url, before = self._made_of
        return cluster(url, **{**before, **options})


def cluster(url: str, **options: Any) -> redis.Redis:
    """A client of the cluster that a node at ``url`` is of. Raises ConfigError."""
    asked = parse_url(url)  # type: ignore[no-untyped-call]
    if "path" in asked or asked.get("db"):
        raise ConfigError(
            "RAGLOOP_REDIS_URL names a node of a cluster, which is reached by host and port and "
            "has no databases: set it to an address such as redis://user:password@host:6379"
        )
    # Another class, but of the same commands.
    return cast(redis.Redis, ClusterClient(url, **options))


def namespace_on(client: redis.Redis, namespace: str) -> str:
    """``namespace``, in braces where no step may touch keys of two slots.

    So it is in a Redis Cluster, and behind the one address of a sharded Redis Enterprise, which
    does not tell it but refuses such a step.
    """
    if isinstance(client, RedisCluster):
        return f"{{{namespace}}}"
    try:
        client.eval("return 1", 2, f"{namespace}:a", f"{namespace}:b")
    except ResponseError as error:
        if isinstance(error, ClusterCrossSlotError) or "CROSSSLOT" in str(error):
            return f"{{{namespace}}}"
        raise
    return namespace


def check_for_jobs(namespace: str) -> None:
    """Raise ConfigError where `namespace_on` says that RQ cannot keep jobs."""
    if namespace.startswith("{"):
        raise ConfigError(
            "jobs cannot be kept in a Redis that spreads its keys over slots: set "
            "RAGLOOP_JOBS_URL to a single Redis for them, which needs no query engine"
        )


def listed_indexes(client: redis.Redis) -> list[set[str]]:
    """Names of the query engine's indexes, as each node has them."""
    if not isinstance(client, RedisCluster):
        return [set(client.execute_command("FT._LIST"))]  # type: ignore[no-untyped-call]
    nodes = client.get_primaries()
    return [set(client.execute_command("FT._LIST", target_nodes=node)) for node in nodes]
