"""What searchers see of a swap: traffic on a real service through reindex, promote and rollback."""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from ingest.samples.generate import write_sample_filings
from rag_service.core.errors import IngestError, RagloopError
from rag_service.core.protocols import ChunkStore, ModelRegistry, Progress, no_progress
from rag_service.core.types import ModelCard
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.noisy_model import NOISE, noisy_model
from rag_service.loop.search_traffic import SearchTraffic, Span, figures, request

_READY_SECONDS = 300.0
_WARM_SECONDS = 3.0
"""Traffic before the first phase: the first requests of a process are slow."""
_SETTLED_SECONDS = 1.5
"""A swap is over when for so long no response has named another release."""
_SWAP_SECONDS = 300.0
_STOP_SECONDS = 60.0
_LOG_CHARS = 2000


class SwapBenchmark:
    """Runs in a ``home`` of its own, which ``environment`` names to the commands that it starts."""

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str],
        chunks: ChunkStore,
        registry: ModelRegistry,
        ingestion: Ingestion,
    ) -> None:
        self._home = home
        self._environment = environment
        self._chunks = chunks
        self._registry = registry
        self._ingestion = ingestion

    def run(
        self,
        paths: Sequence[Path],
        base: ModelCard,
        *,
        clients: int,
        pause: float,
        processes: int,
        seconds: float,
        seed: int,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Figures by phase; those before and after the swaps last ``seconds``.

        A client searches again ``pause`` seconds after an answer.

        Raises IngestError if no file can be read, RagloopError if a command or a swap fails.
        """
        outcomes = self._ingestion.run(list(paths) or [self._samples()], progress)
        if not any(outcome.document for outcome in outcomes):
            raise IngestError("none of the files could be read", reason="nothing_read")
        second = noisy_model(self._registry, base, seed)
        questions = self._questions(seed)
        spans: dict[str, Span] = {}
        port = free_port()
        with (
            self._service(port, processes),
            SearchTraffic(port, questions, clients, pause) as traffic,
        ):
            _wait_for_all(port, processes)
            time.sleep(min(_WARM_SECONDS, seconds))
            began = time.perf_counter()
            _timed(spans, "before", lambda: time.sleep(seconds), progress)
            reindexed = _timed(
                spans,
                "reindex",
                lambda: self._command("reindex", "--model", second.fingerprint),
                progress,
            )
            promote = f"/v1/releases/{reindexed['release']}/promote"
            for name, path in (
                ("promote", promote),
                ("rollback", "/v1/releases/rollback"),
                ("promote again", promote),
            ):
                spans[name] = _swap(traffic, port, path)
            _timed(spans, "after", lambda: time.sleep(seconds), progress)
            _, listed = request(port, "GET", "/v1/releases")
            responses = traffic.since(began)
        models = {release["release"]: release["model"] for release in listed["releases"]}
        swaps = ("promote", "rollback", "promote again")
        phases = {name: figures(responses, [span], models) for name, span in spans.items()}
        phases["swaps"] = figures(responses, [spans[name] for name in swaps], models)
        whole = figures(responses, [Span(began, time.perf_counter())], models)
        return {
            "model": base.name,
            "second_model": f"{base.name} with seeded noise of {NOISE} standard deviations",
            "models": models,
            "documents": len(self._chunks.documents()),
            "chunks": len(self._chunks.chunk_ids()),
            "questions": len(questions),
            "clients": clients,
            "pause": pause,
            "processes": processes,
            "phases": phases,
            "failed": whole["failed"],
            "mismatched": whole["mismatched"],
            "failures": dict(Counter(r.failure for r in responses if r.failure).most_common(10)),
            "p99_ratio": round(phases["swaps"]["p99_ms"] / phases["before"]["p99_ms"], 2),
            "reindexed": reindexed,
        }

    def _samples(self) -> Path:
        folder = self._home / "filings"
        write_sample_filings(folder)
        return folder

    def _questions(self, seed: int) -> list[str]:
        """Distinct ones: what a filing says under its headings."""
        asked = {
            f"What does {chunk.facts.company} say about {chunk.heading or chunk.text[:80]} "
            f"in {chunk.facts.fiscal_year}?"
            for chunk in self._chunks.chunks()
        }
        questions = sorted(asked)
        random.Random(seed).shuffle(questions)
        return questions

    @contextmanager
    def _service(self, port: int, processes: int) -> Iterator[None]:
        arguments = ("--host", "127.0.0.1", "--port", str(port), "--processes", str(processes))
        log = self._home / "serve.log"
        with (
            log.open("wb") as out,
            subprocess.Popen(
                _ragloop("serve", *arguments), stdout=out, stderr=out, env=self._environment
            ) as service,
        ):
            try:
                _wait_until_ready(port, service, log)
                yield
            finally:
                service.terminate()
                with suppress(subprocess.TimeoutExpired):
                    service.wait(_STOP_SECONDS)
                service.kill()

    def _command(self, *arguments: str) -> Any:
        log = self._home / f"{arguments[0]}.log"
        with log.open("wb") as out:
            done = subprocess.run(
                _ragloop(*arguments, "--json"),
                stdout=subprocess.PIPE,
                stderr=out,
                env=self._environment,
                check=False,
            )
        if done.returncode:
            said = done.stdout.decode(errors="replace") + _end_of(log)
            raise RagloopError(f"`ragloop {' '.join(arguments)}` failed: {said}")
        return json.loads(done.stdout)


def wait_for_end(home: Path) -> None:
    """Wait until no process serves ``home`` any more, such as its Redis.

    Raises RagloopError if one stays.
    """
    deadline = time.monotonic() + _STOP_SECONDS
    while left := [p.pid for p in psutil.process_iter(["cmdline"]) if _names(p, str(home))]:
        if time.monotonic() > deadline:
            raise RagloopError(f"processes of {home} are still there: {left}")
        time.sleep(0.1)


def _names(process: psutil.Process, home: str) -> bool:
    return any(home in word for word in process.info["cmdline"] or ())


def _timed(spans: dict[str, Span], name: str, work: Callable[[], Any], progress: Progress) -> Any:
    progress(name, 0, 1)
    began = time.perf_counter()
    result = work()
    spans[name] = Span(began, time.perf_counter())
    progress(name, 1, 1)
    return result


def _swap(traffic: SearchTraffic, port: int, path: str) -> Span:
    """From the request that moves the live release until every process serves the new one."""
    began = time.perf_counter()
    body = {"force": True} if path.endswith("/promote") else None
    status, moved = request(port, "POST", path, body)
    returned = time.perf_counter()
    if status != http.client.OK:
        raise RagloopError(f"{path} gave {status}: {moved.get('detail', '')}")
    while (now := time.perf_counter()) < returned + _SWAP_SECONDS:
        others = [r.ended for r in traffic.since(began) if r.release not in ("", moved["release"])]
        settled = max(others, default=returned)
        if now - max(settled, returned) > _SETTLED_SECONDS:
            return Span(began, max(settled, returned))
        time.sleep(0.1)
    raise RagloopError(f"{_SWAP_SECONDS:.0f} s after {path} an older release still serves")


def _wait_until_ready(port: int, service: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while _ready(port) is None:
        if service.poll() is not None or time.monotonic() > deadline:
            raise RagloopError(f"the service did not start: {_end_of(log)}")
        time.sleep(0.2)


def _wait_for_all(port: int, processes: int) -> None:
    """Under traffic, so that no process leaves all connections to the others."""
    deadline = time.monotonic() + _READY_SECONDS
    ready: set[int | None] = set()
    while len(ready - {None}) < processes:
        if time.monotonic() > deadline:
            raise RagloopError(f"only {len(ready)} of {processes} processes are ready")
        ready.add(_ready(port))
        time.sleep(0.05)


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


def free_port() -> int:
    """One on the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
