"""The embedded server through the lives and deaths of its users."""

from __future__ import annotations

import fcntl
import importlib.util
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest
import redis

from rag_service.adapters import embedded_redis
from rag_service.adapters import embedded_redis_keeper as keeper
from rag_service.adapters.embedded_redis import EmbeddedRedis
from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.core.errors import ConfigError, StoreUnavailable
from rag_service.core.types import Filters, IndexSpec
from tests.fakes.filings import filings

_USER = """
import sys
from pathlib import Path
from rag_service.adapters.embedded_redis import EmbeddedRedis
with EmbeddedRedis(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def user_process(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses the server of ``home``, and the URL that it got."""
    with subprocess.Popen(
        [sys.executable, "-c", _USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait(30)


@contextmanager
def client_of(url: str) -> Iterator[redis.Redis]:
    client = connect(url)
    try:
        yield client
    finally:
        client.close()


def server_pid(url: str) -> int:
    with client_of(url) as client:
        return int(client.info("server")["process_id"])


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_stopped(home: Path) -> bool:
    """Whether neither a keeper nor a server of ``home`` is alive: each holds this lock."""
    return is_free(home / "redis" / "server.lock")


def is_free(path: Path) -> bool:
    lock = keeper.open_lock(path)
    try:
        return keeper.try_lock(lock, fcntl.LOCK_EX)
    finally:
        os.close(lock)


def keeper_pid(server: int) -> int:
    status = Path(f"/proc/{server}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    if (home / "redis").exists():
        assert eventually(lambda: is_stopped(home))


def test_processes_share_one_server_until_the_last_leaves(home: Path) -> None:
    with user_process(home) as (_, url):
        first = server_pid(url)
        with EmbeddedRedis(home) as joined:
            assert joined == url
            assert server_pid(joined) == first
        with user_process(home) as (_, third):
            assert server_pid(third) == first
        time.sleep(4 * keeper.POLL_SECONDS)
        assert server_pid(url) == first
    assert eventually(lambda: is_stopped(home))
    assert not Path(f"/proc/{first}").exists()


def test_many_processes_that_start_at_once_get_one_server(home: Path) -> None:
    with (
        user_process(home) as (_, first),
        user_process(home) as (_, second),
        user_process(home) as (_, third),
    ):
        assert len({server_pid(url) for url in (first, second, third)}) == 1


def test_only_the_owner_reaches_the_socket_and_no_port_is_open(home: Path) -> None:
    with EmbeddedRedis(home) as url, client_of(url) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert (home / "redis" / "redis.sock").stat().st_mode & 0o077 == 0
        assert (home / "redis").stat().st_mode & 0o077 == 0


def test_a_killed_user_counts_as_gone(home: Path) -> None:
    with user_process(home) as (process, url), EmbeddedRedis(home):
        server = server_pid(url)
        process.kill()
        process.wait(30)
        time.sleep(4 * keeper.POLL_SECONDS)
        assert server_pid(url) == server
    assert eventually(lambda: is_stopped(home))


def test_the_last_user_killed_stops_the_server(home: Path) -> None:
    with user_process(home) as (process, url):
        server_pid(url)
        process.kill()
        process.wait(30)
        assert eventually(lambda: is_stopped(home))


def test_a_killed_server_comes_back_with_its_data(home: Path) -> None:
    with EmbeddedRedis(home) as url, client_of(url) as client:
        client.set("kept", "value")
        time.sleep(1.2)  # the append-only file is synchronised every second
        server = int(client.info("server")["process_id"])
        os.kill(server, signal.SIGKILL)
        assert eventually(lambda: answers_anew(url, server))
        assert client.get("kept") == "value"
        assert int(client.info("server")["process_id"]) != server


def answers_anew(url: str, old: int) -> bool:
    try:
        return server_pid(url) != old
    except StoreUnavailable:
        return False


def test_a_killed_keeper_takes_its_server_along_and_the_next_user_starts_anew(home: Path) -> None:
    with EmbeddedRedis(home) as url:
        with client_of(url) as client:
            client.set("kept", "value")
        server = server_pid(url)
        os.kill(keeper_pid(server), signal.SIGKILL)
        assert eventually(lambda: is_free(home / "redis" / "keeper.lock"))
        with EmbeddedRedis(home) as again, client_of(again) as client:
            assert client.get("kept") == "value"
            assert int(client.info("server")["process_id"]) != server


def test_everything_killed_leaves_nothing_that_hinders_a_start(home: Path) -> None:
    with user_process(home) as (process, url):
        server = server_pid(url)
        with client_of(url) as client:
            client.set("kept", "value")
        for pid in (keeper_pid(server), server, process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait(30)
    assert (home / "redis" / "redis.sock").exists()
    with EmbeddedRedis(home) as again, client_of(again) as client:
        assert client.get("kept") == "value"


def test_a_torn_append_only_file_is_cut_at_its_last_whole_command(home: Path) -> None:
    with EmbeddedRedis(home) as url, client_of(url) as client:
        client.set("kept", "value")
    assert eventually(lambda: is_stopped(home))
    with newest_log(home).open("ab") as log:
        log.write(b"*3\r\n$3\r\nSET\r\n$4\r\nto")
    with EmbeddedRedis(home) as url, client_of(url) as client:
        assert client.get("kept") == "value"


def test_a_damaged_append_only_file_is_an_error_that_says_so(home: Path) -> None:
    with EmbeddedRedis(home) as url, client_of(url) as client:
        client.set("kept", "value")
    assert eventually(lambda: is_stopped(home))
    newest_log(home).write_bytes(b"no commands\r\n" * 9)
    with pytest.raises(StoreUnavailable, match="redis-check-aof") as caught, EmbeddedRedis(home):
        pass
    assert "Bad file format" in caught.value.message
    assert str(home / "redis" / "server.log") in caught.value.message


def newest_log(home: Path) -> Path:
    return max((home / "redis" / "appendonlydir").glob("*.incr.aof"))


def test_an_index_outlives_its_server(home: Path, namespace: str) -> None:
    chunks = filings()[:30]
    vectors = np.random.default_rng(1).standard_normal((30, 8)).astype(np.float32)
    with EmbeddedRedis(home) as url, client_of(url) as client:
        store = RedisVectorStore(client, namespace)
        store.create(IndexSpec("ix1", 8, "m"))
        store.write("ix1", chunks, vectors)
        client.ft(f"{namespace}:ix1").aliasadd(f"{namespace}-live")
        before = store.search("ix1", vectors[0], 5, Filters(kind="table"))
    assert eventually(lambda: is_stopped(home))
    with EmbeddedRedis(home) as url, client_of(url) as client:
        store = RedisVectorStore(client, namespace)
        assert store.count("ix1") == 30
        assert store.search("ix1", vectors[0], 5, Filters(kind="table")) == before
        assert len(store.search_text("ix1", "net sales", 5, Filters())) == 5
        info = client.ft(f"{namespace}-live").info()  # type: ignore[no-untyped-call]
        assert info["index_name"] == f"{namespace}:ix1"


def test_a_home_too_deep_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "deep" / ("d" * 120)
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    with EmbeddedRedis(home) as url, client_of(url) as client:
        assert len(url.removeprefix("unix://")) <= 107
        client.set("kept", "value")
        # A process with another folder for temporary files joins the same server.
        monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
        with EmbeddedRedis(home) as joined:
            assert joined == url
    assert eventually(lambda: is_stopped(home))


def test_a_home_with_odd_characters(tmp_path: Path) -> None:
    home = tmp_path / 'it\'s "a" 100%41 ünï #?'
    with EmbeddedRedis(home) as url, client_of(url) as client:
        assert client.ping()
    assert eventually(lambda: is_stopped(home))


def test_a_forked_child_does_not_keep_the_server(home: Path) -> None:
    forking = multiprocessing.get_context("fork")
    go: Event = forking.Event()
    with EmbeddedRedis(home):
        child = forking.Process(target=go.wait, args=(60,))
        child.start()
    try:
        assert eventually(lambda: is_stopped(home))
        assert child.is_alive()
    finally:
        go.set()
        child.join(30)
        child.close()


def test_a_child_forked_by_a_killed_user_does_not_keep_the_server(home: Path) -> None:
    script = _USER.replace(
        "    print(url",
        "    import os, time\n    if os.fork() == 0:\n"
        "        os.close(1); time.sleep(30); os._exit(0)\n    print(url",
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        server_pid(process.stdout.readline().strip())
        process.kill()
        process.wait(30)
        try:
            assert eventually(lambda: is_stopped(home))
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_missing_packages_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"ragloop\[embedded\].*RAGLOOP_REDIS_URL"):
        EmbeddedRedis(home).__enter__()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="RAGLOOP_HOME"):
        EmbeddedRedis(tmp_path / "file").__enter__()


def test_a_server_that_never_answers_is_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "_START_SECONDS", 0.3)
    (home / "redis").mkdir(parents=True)
    held = keeper.open_lock(home / "redis" / "server.lock")
    try:
        assert keeper.try_lock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreUnavailable, match="does not answer"):
            EmbeddedRedis(home).__enter__()
    finally:
        os.close(held)


def test_words_are_found_after_a_restart_as_before_it(home: Path) -> None:
    chunks = filings(companies=6)
    asked = "what were net sales and the goodwill of Alder Mills in 2022"

    def found(client: redis.Redis) -> dict[str, float]:
        hits = RedisVectorStore(client, "t").search_text("ix", asked, 10, Filters())
        return {hit.chunk.chunk_id: hit.score for hit in hits}

    with EmbeddedRedis(home) as url, client_of(url) as client:
        store = RedisVectorStore(client, "t")
        store.create(IndexSpec("ix", dims=len(chunks), model="m"))
        store.write("ix", chunks, np.eye(len(chunks), dtype=np.float32))
        before = found(client)
    assert eventually(lambda: is_stopped(home))
    # A server indexes what its log says as it reads it, and once more behind its start. The mean
    # length of an entry stays that of both, which moves scores a little.
    with EmbeddedRedis(home) as url, client_of(url) as client:
        after = found(client)
    assert list(after)[:3] == list(before)[:3]
    assert after.keys() == before.keys()
    assert after == pytest.approx(before, rel=0.1)


def test_words_count_the_same_with_a_filter_as_without_one(home: Path) -> None:
    chunks = filings(companies=6, years=tuple(range(2016, 2024)))
    asked = "what does the company say about net sales goodwill and cash in 2022"
    only = Filters(company=chunks[0].facts.company)
    with EmbeddedRedis(home) as url, client_of(url) as client:
        store = RedisVectorStore(client, "t")
        store.create(IndexSpec("ix", dims=4, model="m"))
        store.write("ix", chunks, np.ones((len(chunks), 4), dtype=np.float32))

        def scores(terms: str, filters: Filters) -> dict[str, float]:
            hits = store.search_text("ix", terms, len(chunks), filters)
            return {hit.chunk.chunk_id: hit.score for hit in hits}

        everywhere, within = scores(asked, Filters()), scores(asked, only)
    added = [within[chunk_id] - everywhere[chunk_id] for chunk_id in within]
    assert len(added) > 10
    # The filter's own score, which the length of an entry moves a little.
    assert max(added) - min(added) < 0.5 * min(added)
