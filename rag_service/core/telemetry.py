"""What Ragloop tells of its work: figures that are scraped, and spans of traces; else nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, NamedTuple, Protocol

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure by its name in Prometheus; ``buckets`` are the upper ends of a histogram's."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


class Figure(NamedTuple):
    """The value of a gauge that is read when somebody scrapes."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


REQUESTS = Metric(
    "ragloop_http_requests_total",
    "counter",
    "Requests that were answered.",
    ("method", "route", "status"),
)
REQUEST_SECONDS = Metric(
    "ragloop_http_request_duration_seconds",
    "histogram",
    "From a request to the end of its response.",
    ("method", "route"),
    _SECONDS,
)
REQUESTS_IN_PROGRESS = Metric(
    "ragloop_http_requests_in_progress", "gauge", "Requests that are being answered."
)
STAGE_SECONDS = Metric(
    "ragloop_stage_duration_seconds",
    "histogram",
    "Parts of a request: pin, understand, encode, redis, rank, rerank, read, llm.",
    ("stage",),
    (0.0005, 0.001, 0.0025, *_SECONDS),
)
QUERY_BATCH = Metric(
    "ragloop_query_batch_size",
    "histogram",
    "Questions that were encoded together.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
CACHE_LOOKUPS = Metric(
    "ragloop_cache_lookups_total",
    "counter",
    "Vectors of questions and whole answers that were looked for: result is hit or miss.",
    ("cache", "result"),
)
ANSWERS = Metric(
    "ragloop_answers_total",
    "counter",
    "Answers given: computed, generated, extracted or none; grounded is true or false.",
    ("method", "grounded"),
)
ANSWER_FAILURES = Metric(
    "ragloop_answer_failures_total", "counter", "Answers that failed, by code.", ("code",)
)
LLM_TOKENS = Metric(
    "ragloop_llm_tokens_total",
    "counter",
    "Pieces of text that the LLM streamed: tokens, where its server sends each by itself.",
    ("llm",),
)
LLM_FIRST_TOKEN = Metric(
    "ragloop_llm_first_token_seconds",
    "histogram",
    "From a prompt to the first piece of its answer.",
    ("llm",),
    _SECONDS,
)
COUNTED = (
    REQUESTS,
    REQUEST_SECONDS,
    REQUESTS_IN_PROGRESS,
    STAGE_SECONDS,
    QUERY_BATCH,
    CACHE_LOOKUPS,
    ANSWERS,
    ANSWER_FAILURES,
    LLM_TOKENS,
    LLM_FIRST_TOKEN,
)
"""Kept by each process of a service as it works, and summed up over them."""

UP = Metric("ragloop_up", "gauge", "1 if a part that requests depend on is well.", ("part",))
BUILD = Metric("ragloop_build_info", "gauge", "The version that runs.", ("version",))
LIVE_RELEASE = Metric(
    "ragloop_live_release_info", "gauge", "The release that is live.", ("release", "model")
)
RELEASES = Metric("ragloop_releases", "gauge", "Releases by state.", ("state",))
DOCUMENTS = Metric("ragloop_documents", "gauge", "Documents that are ingested.")
CHUNKS = Metric("ragloop_chunks", "gauge", "Chunks of these documents.")
JOBS = Metric("ragloop_jobs", "gauge", "Jobs that are kept, by kind and state.", ("kind", "state"))
REDIS_MEMORY = Metric("ragloop_redis_memory_bytes", "gauge", "What Redis holds, indexes among it.")
HOME_FREE = Metric("ragloop_home_free_bytes", "gauge", "Free space where RAGLOOP_HOME is.")
STATE = (
    UP, BUILD, LIVE_RELEASE, RELEASES, DOCUMENTS, CHUNKS, JOBS, REDIS_MEMORY, HOME_FREE,
)  # fmt: skip
"""Read when somebody scrapes."""

METRICS = COUNTED + STATE


class Meter(Protocol):
    """Keeps the figures of `COUNTED`. ``labels`` are values, in the order of the metric's names;
    there must be few different ones, so never anything that a caller chose."""

    def add(self, metric: Metric, by: float, *labels: str) -> None:
        """Raise a counter, or raise or lower a gauge."""
        ...

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Put a value into a histogram."""
        ...

    def scrape(self, accept: str) -> tuple[bytes, str]:
        """All figures in a format that the header ``Accept`` names, and the format."""
        ...


class Tracer(Protocol):
    """Spans of what happens within a trace."""

    @property
    def provider(self) -> Any:
        """OpenTelemetry's, for a library that makes spans of its own; None if nobody traces."""
        ...

    def span(self, name: str, *, current: bool = False) -> AbstractContextManager[None]:
        """A span within the current one; ``current``: what begins in it is within it.

        One that is current must end in the context that it began in, as no async generator does.
        """
        ...

    def trace_id(self) -> str:
        """Of the current span, in hexadecimal; ``""`` outside of any."""
        ...

    def close(self) -> None:
        """Send what waits to be sent."""
        ...


class _NoMeter:
    def add(self, metric: Metric, by: float, *labels: str) -> None:
        """Nobody counts."""

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Nobody counts."""

    def scrape(self, accept: str) -> tuple[bytes, str]:
        return b"", "text/plain; charset=utf-8"


class _NoTracer:
    provider = None

    def span(self, name: str, *, current: bool = False) -> AbstractContextManager[None]:
        return _NO_SPAN

    def trace_id(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing waits."""


_NO_SPAN = nullcontext()
NO_METER: Meter = _NoMeter()
NO_TRACER: Tracer = _NoTracer()


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where a part tells of its work; by default nowhere."""

    meter: Meter = NO_METER
    tracer: Tracer = NO_TRACER

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures and traces a part of a request, also one that fails."""
        began = perf_counter()
        try:
            with self.tracer.span(name):
                yield
        finally:
            self.meter.observe(STAGE_SECONDS, perf_counter() - began, name)


NO_TELEMETRY = Telemetry()
