"""What the service adds to a search, and what encoding questions together gains."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

from rag_service.answering.retrieve import Retriever
from rag_service.core.errors import IngestError, RagloopError
from rag_service.core.protocols import ChunkStore, Progress, no_progress
from rag_service.core.types import Stage
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.own_home import OwnHome, distinct_questions, free_port
from rag_service.loop.search_traffic import SearchTraffic, Span

_ROUNDS = 5
_QUESTIONS = 30
"""In one round of one client."""
_WARM_QUESTIONS = 10
_WARM_SECONDS = 2.0
_SEARCHES: Mapping[str, Sequence[Stage] | None] = {"default": None, "vectors": ("vectors",)}
"""What a service does unless it is told otherwise, and the least that a search can be."""
_NOTHING_KEPT = {"RAGLOOP_QUERY_CACHE": "0"}
_ONE_BY_ONE = {**_NOTHING_KEPT, "RAGLOOP_QUERY_BATCH": "1"}
_SERVICES: Mapping[str, Mapping[str, str]] = {
    "together": _NOTHING_KEPT,
    "one_by_one": _ONE_BY_ONE,
    "one_by_one_float32": {**_ONE_BY_ONE, "RAGLOOP_PRECISION": "float32"},
}
"""Settings of those whose throughput is compared: the first with each of the others."""

Steps = Mapping[str, float]
"""Milliseconds of one search by step; ``whole`` is what its client saw."""


class ServiceBenchmark:
    """Runs in a home of its own, with the questions of one client and then of many."""

    def __init__(
        self, own: OwnHome, chunks: ChunkStore, ingestion: Ingestion, retriever: Retriever
    ) -> None:
        self._own = own
        self._chunks = chunks
        self._ingestion = ingestion
        self._retriever = retriever

    def run(
        self,
        paths: Sequence[Any],
        *,
        clients: int,
        seconds: float,
        seed: int,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Latency of one client by the stages of the search, and throughput of ``clients``.

        ``latency`` compares `/v1/search` with the steps that encode and query Redis, done in this
        process without a service for the same questions, which take turns. ``throughput``
        compares the service with the same service where RAGLOOP_QUERY_BATCH is 1, with its own
        engine and with torch in float32, for ``seconds`` each in every round. No vector is kept
        from one question to the next.

        Raises IngestError if no file can be read, RagloopError if a request fails.
        """
        outcomes = self._ingestion.run(list(paths) or [self._own.samples()], progress)
        if not any(outcome.document for outcome in outcomes):
            raise IngestError("none of the files could be read", reason="nothing_read")
        questions = distinct_questions(self._chunks, seed)
        ports = {name: free_port() for name in _SERVICES}
        with ExitStack() as running:
            for name, settings in _SERVICES.items():
                running.enter_context(self._own.service(ports[name], settings=settings))
            latency = {
                name: self._latency(ports["together"], questions, stages, name, progress)
                for name, stages in _SEARCHES.items()
            }
            throughput = {
                name: _throughput(ports, questions, clients, seconds, stages, name, progress)
                for name, stages in _SEARCHES.items()
            }
        return {
            "documents": len(self._chunks.documents()),
            "chunks": len(self._chunks.chunk_ids()),
            "clients": clients,
            "stages": sorted(self._retriever.stages),
            "latency": latency,
            "throughput": throughput,
            "load": round(os.getloadavg()[0], 1),
        }

    def _latency(
        self,
        port: int,
        questions: Sequence[str],
        stages: Sequence[Stage] | None,
        name: str,
        progress: Progress,
    ) -> dict[str, Any]:
        def alone(question: str) -> Steps:
            return self._retriever.search(question, stages=stages).timings

        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def served(question: str) -> Steps:
            return _served(connection, {"query": question, "stages": stages})

        for question in questions[:_WARM_QUESTIONS]:
            alone(question), served(question)
        rounds = []
        for number in range(_ROUNDS):
            progress(f"one client, {name}", number, _ROUNDS)
            start = number * _QUESTIONS
            asked = [questions[(start + n) % len(questions)] for n in range(_QUESTIONS)]
            rounds.append(in_round(asked, alone, served))
        progress(f"one client, {name}", _ROUNDS, _ROUNDS)
        connection.close()
        middle = {key: round(median(one[key] for one in rounds), 2) for key in rounds[0]}
        return {**middle, "ratios": [round(one["ratio"], 2) for one in rounds]}


def in_round(
    questions: Sequence[str], alone: Callable[[str], Steps], served: Callable[[str], Steps]
) -> dict[str, float]:
    """Medians over ``questions``, each asked both ways, one or the other first in turn."""
    pairs = []
    for place, question in enumerate(questions):
        if place % 2:
            theirs, ours = served(question), alone(question)
        else:
            ours, theirs = alone(question), served(question)
        pairs.append((ours, theirs))
    encode, redis = (median(ours[step] for ours, _ in pairs) for step in ("encode", "search"))
    both = median(ours["encode"] + ours["search"] for ours, _ in pairs)
    whole = median(theirs["whole"] for _, theirs in pairs)
    within = [sum(theirs.values()) - theirs["whole"] for _, theirs in pairs]
    named = [theirs["encode"] + theirs["search"] for _, theirs in pairs]
    return {
        "service_ms": whole,
        "alone_ms": both,
        "ratio": whole / both,
        "encode_alone_ms": encode,
        "redis_alone_ms": redis,
        "encode_in_service_ms": median(theirs["encode"] for _, theirs in pairs),
        "redis_in_service_ms": median(theirs["search"] for _, theirs in pairs),
        "other_steps_ms": median(a - b for a, b in zip(within, named, strict=True)),
        "http_ms": median(
            theirs["whole"] - steps for (_, theirs), steps in zip(pairs, within, strict=True)
        ),
    }


def _served(connection: http.client.HTTPConnection, body: Mapping[str, Any]) -> Steps:
    began = time.perf_counter()
    connection.request("POST", "/v1/search", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    found = json.loads(response.read())
    took = 1000 * (time.perf_counter() - began)
    if response.status != http.client.OK:
        raise RagloopError(f"/v1/search gave {response.status}: {found.get('detail', '')}")
    return {**found["timings"], "whole": took}


def _throughput(
    ports: Mapping[str, int],
    questions: Sequence[str],
    clients: int,
    seconds: float,
    stages: Sequence[Stage] | None,
    name: str,
    progress: Progress,
) -> dict[str, Any]:
    """Requests a second of each service, which take turns, and of each ratios of the first to it,
    a median and those of the rounds."""
    rounds: list[dict[str, float]] = []
    for number in range(_ROUNDS):
        progress(f"{clients} clients, {name}", number, _ROUNDS)
        rates = {}
        for side, port in list(ports.items())[:: -1 if number % 2 else 1]:
            traffic = SearchTraffic(port, questions, clients, more={"stages": stages}, reuse=True)
            rates[side] = requests_per_second(traffic, seconds)
        rounds.append(rates)
    progress(f"{clients} clients, {name}", _ROUNDS, _ROUNDS)
    first, *others = ports
    ratios = {other: [one[first] / one[other] for one in rounds] for other in others}
    return {
        **{side: round(median(one[side] for one in rounds), 1) for side in ports},
        **{f"times_{other}": round(median(found), 2) for other, found in ratios.items()},
        "rounds": {other: [round(ratio, 2) for ratio in found] for other, found in ratios.items()},
    }


def requests_per_second(traffic: SearchTraffic, seconds: float) -> float:
    """How many are answered. Raises RagloopError if one fails, or if there is none."""
    with traffic:
        time.sleep(min(_WARM_SECONDS, seconds))
        began = time.perf_counter()
        time.sleep(seconds)
        span = Span(began, time.perf_counter())
        seen = [r for r in traffic.since(began) if r.ended <= span.ended]
    failures = [response.failure for response in seen if response.failure]
    if failures or not seen:
        raise RagloopError(f"a request failed: {failures[0] if failures else 'none was answered'}")
    return len(seen) / (span.ended - span.began)
