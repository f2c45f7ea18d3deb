"""A home that a benchmark has for itself, and the commands that it runs there."""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from ingest.samples.generate import write_sample_filings
from rag_service.core.errors import RagloopError
from rag_service.core.protocols import ChunkStore
from rag_service.loop.search_traffic import request

_READY_SECONDS = 300.0
_STOP_SECONDS = 60.0
_LOG_CHARS = 2000


class OwnHome:
    """``environment`` names the home at ``path`` to the commands that are started."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self._environment = environment

    def samples(self) -> Path:
        """A folder with the sample filings."""
        folder = self.path / "samples"
        write_sample_filings(folder)
        return folder

    @contextmanager
    def service(
        self,
        port: int,
        processes: int = 1,
        settings: Mapping[str, str] | None = None,
        *,
        worker: bool = False,
    ) -> Iterator[int]:
        """`ragloop serve` on the loopback interface, ready; ``settings`` are of it alone.

        Gives its process id. Raises RagloopError if it does not start.
        """
        arguments = [
            *("--host", "127.0.0.1", "--port", str(port), "--processes", str(processes)),
            *([] if worker else ["--no-worker"]),
        ]
        log = self.path / f"serve-{port}.log"
        environment = {**self._environment, **(settings or {})}
        with (
            log.open("wb") as out,
            subprocess.Popen(
                _ragloop("serve", *arguments), stdout=out, stderr=out, env=environment
            ) as service,
        ):
            try:
                _wait_until_ready(port, service, log)
                yield service.pid
            finally:
                service.terminate()
                with suppress(subprocess.TimeoutExpired):
                    service.wait(_STOP_SECONDS)
                service.kill()

    def command(self, *arguments: str, settings: Mapping[str, str] | None = None) -> Any:
        """The JSON that a command reports; ``settings`` are of it alone.

        Raises RagloopError if it fails.
        """
        log = self.path / f"{arguments[0]}.log"
        with log.open("wb") as out:
            done = subprocess.run(
                _ragloop(*arguments, "--json"),
                stdout=subprocess.PIPE,
                stderr=out,
                env={**self._environment, **(settings or {})},
                check=False,
            )
        if done.returncode:
            said = done.stdout.decode(errors="replace") + _end_of(log)
            raise RagloopError(f"`ragloop {' '.join(arguments)}` failed: {said}")
        return json.loads(done.stdout)


def distinct_questions(chunks: ChunkStore, seed: int) -> list[str]:
    """What the filings say under their headings."""
    asked = {
        f"What does {chunk.facts.company} say about {chunk.heading or chunk.text[:80]} "
        f"in {chunk.facts.fiscal_year}?"
        for chunk in chunks.chunks()
    }
    questions = sorted(asked)
    random.Random(seed).shuffle(questions)
    return questions


def wait_for_all(port: int, processes: int) -> set[int]:
    """Under traffic, so that no process leaves all connections to the others; their ids."""
    deadline = time.monotonic() + _READY_SECONDS
    ready: set[int] = set()
    while len(ready) < processes:
        if time.monotonic() > deadline:
            raise RagloopError(f"only {len(ready)} of {processes} processes are ready")
        if process := _ready(port):
            ready.add(process)
        time.sleep(0.05)
    return ready


def wait_for_end(home: Path) -> None:
    """Wait until no process serves ``home`` any more, such as its Redis.

    Raises RagloopError if one stays.
    """
    deadline = time.monotonic() + _STOP_SECONDS
    while left := [p.pid for p in psutil.process_iter(["cmdline"]) if _names(p, str(home))]:
        if time.monotonic() > deadline:
            raise RagloopError(f"processes of {home} are still there: {left}")
        time.sleep(0.1)


def free_port() -> int:
    """One on the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _names(process: psutil.Process, home: str) -> bool:
    return any(home in word for word in process.info["cmdline"] or ())


def _wait_until_ready(port: int, service: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while _ready(port) is None:
        if service.poll() is not None or time.monotonic() > deadline:
            raise RagloopError(f"the service did not start: {_end_of(log)}")
        time.sleep(0.2)


def _ready(port: int) -> int | None:
    """The process that says it is ready, if the one that answers is."""
    try:
        status, said = request(port, "GET", "/readyz")
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return int(said["process"]) if status == http.client.OK else None


def _ragloop(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "rag_service.cli", *arguments]


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-_LOG_CHARS:]
