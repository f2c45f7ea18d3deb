"""What searchers see of a swap: traffic on a real service through reindex, promote and rollback."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rag_service.core.errors import IngestError, RagloopError
from rag_service.core.protocols import ChunkStore, ModelRegistry, Progress, no_progress
from rag_service.core.types import ModelCard
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.noisy_model import NOISE, noisy_model
from rag_service.loop.own_home import OwnHome, distinct_questions, free_port, wait_for_all
from rag_service.loop.search_traffic import SearchTraffic, Span, figures, request

_WARM_SECONDS = 3.0
"""Traffic before the first phase: the first requests of a process are slow."""
_SETTLED_SECONDS = 1.5
"""A swap is over when for so long no response has named another release."""
_SWAP_SECONDS = 300.0


class SwapBenchmark:
    """Runs in a home of its own."""

    def __init__(
        self,
        own: OwnHome,
        chunks: ChunkStore,
        registry: ModelRegistry,
        ingestion: Ingestion,
    ) -> None:
        self._own = own
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
        outcomes = self._ingestion.run(list(paths) or [self._own.samples()], progress)
        if not any(outcome.document for outcome in outcomes):
            raise IngestError("none of the files could be read", reason="nothing_read")
        second = noisy_model(self._registry, base, seed)
        questions = distinct_questions(self._chunks, seed)
        spans: dict[str, Span] = {}
        port = free_port()
        with (
            self._own.service(port, processes),
            SearchTraffic(port, questions, clients, pause) as traffic,
        ):
            wait_for_all(port, processes)
            time.sleep(min(_WARM_SECONDS, seconds))
            began = time.perf_counter()
            _timed(spans, "before", lambda: time.sleep(seconds), progress)
            reindexed = _timed(
                spans,
                "reindex",
                lambda: self._own.command("reindex", "--model", second.fingerprint),
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
            "p99_ratio": ratio(phases["swaps"]["p99_ms"], phases["before"]["p99_ms"]),
            "reindexed": reindexed,
        }


def ratio(during: float, before: float) -> float | None:
    """How many times as long requests took; None where none before was answered."""
    return round(during / before, 2) if before else None


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
