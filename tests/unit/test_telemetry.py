"""What is counted and timed, by one process and by several, and what is read at a scrape."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rag_service.adapters.prometheus_meter import PrometheusMeter
from rag_service.answering.metered_llm import MeteredGenerator
from rag_service.answering.query_encoding import QueryEncoder
from rag_service.core.bounded import Bounded
from rag_service.core.errors import GenerationError, StoreUnavailable
from rag_service.core.telemetry import (
    CACHE_LOOKUPS,
    COUNTED,
    DOCUMENTS,
    METRICS,
    NO_METER,
    NO_TELEMETRY,
    REQUESTS_IN_PROGRESS,
    UP,
    Figure,
    Meter,
    Telemetry,
)
from rag_service.core.types import Readiness
from rag_service.state_figures import StateFigures
from tests.fakes.answering import ScriptedGenerator, World
from tests.fakes.filings import filing
from tests.fakes.models import FakeEmbedder

COUNTS = """
import sys
from rag_service.adapters.prometheus_meter import PrometheusMeter
from rag_service.core.telemetry import CACHE_LOOKUPS, REQUESTS_IN_PROGRESS, STAGE_SECONDS
meter = PrometheusMeter()
meter.add(CACHE_LOOKUPS, 2, "question", "hit")
meter.observe(STAGE_SECONDS, 0.02, "encode")
meter.add(REQUESTS_IN_PROGRESS, 1)
sys.stdout.write(meter.scrape("")[0].decode())
"""


def values(meter: Meter) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels, in the order of the labels' names."""
    text = meter.scrape("")[0].decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize("meter", [NO_METER, PrometheusMeter()], ids=["none", "prometheus"])
def test_every_metric_is_taken_by_every_meter(meter: Meter) -> None:
    for metric in COUNTED:
        labels = ["x"] * len(metric.labels)
        (meter.observe if metric.kind == "histogram" else meter.add)(metric, 1, *labels)
    text, kind = meter.scrape("")
    assert kind.startswith("text/plain")
    if meter is not NO_METER:
        assert all(metric.name in text.decode() for metric in COUNTED)


def test_names_follow_the_conventions_of_prometheus() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("ragloop_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert list(metric.buckets) == sorted(metric.buckets)


def test_what_is_counted_is_scraped() -> None:
    meter = PrometheusMeter(lambda: [Figure(DOCUMENTS, 3), Figure(UP, 0, ("redis",))])
    meter.add(CACHE_LOOKUPS, 1, "answer", "miss")
    meter.add(CACHE_LOOKUPS, 2, "answer", "miss")
    meter.add(REQUESTS_IN_PROGRESS, 1)
    meter.add(REQUESTS_IN_PROGRESS, -1)
    with Telemetry(meter).stage("encode"):
        pass
    found = values(meter)
    assert found["ragloop_cache_lookups_total", "answer", "miss"] == 3
    assert found["ragloop_http_requests_in_progress",] == 0
    assert found["ragloop_stage_duration_seconds_count", "encode"] == 1
    assert found["ragloop_documents",] == 3
    assert found["ragloop_up", "redis"] == 0


def test_two_meters_of_a_process_do_not_share_figures() -> None:
    one, other = PrometheusMeter(), PrometheusMeter()
    one.add(CACHE_LOOKUPS, 1, "answer", "hit")
    assert ("ragloop_cache_lookups_total", "answer", "hit") not in values(other)


def test_openmetrics_is_given_to_whoever_asks_for_it() -> None:
    text, kind = PrometheusMeter().scrape("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


def test_a_stage_that_fails_is_timed_too() -> None:
    meter = PrometheusMeter()
    with pytest.raises(StoreUnavailable), Telemetry(meter).stage("redis"):
        raise StoreUnavailable("away")
    assert values(meter)["ragloop_stage_duration_seconds_count", "redis"] == 1


def test_processes_are_summed_up_and_the_dead_have_nothing_in_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    scrapes = [
        subprocess.run(
            [sys.executable, "-c", COUNTS], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    hits = 'ragloop_cache_lookups_total{cache="question",result="hit"}'
    for number, scrape in enumerate(scrapes, 1):
        lines = scrape.splitlines()
        assert f"{hits} {2.0 * number}" in lines
        assert f'ragloop_stage_duration_seconds_count{{stage="encode"}} {float(number)}' in lines
        assert "ragloop_http_requests_in_progress 1.0" in lines


def test_batches_and_kept_vectors_of_questions_are_counted() -> None:
    meter = PrometheusMeter()
    encoder = QueryEncoder(kept=8, meter=meter)
    embedder = FakeEmbedder(8, "m")
    encoder.encode(embedder, ["a", "b"])
    encoder.encode(embedder, ["a"])
    encoder.encode(embedder, ["a", "c"])
    found = values(meter)
    assert found["ragloop_cache_lookups_total", "question", "hit"] == 2
    assert found["ragloop_cache_lookups_total", "question", "miss"] == 3
    assert found["ragloop_query_batch_size_sum",] == 3
    assert found["ragloop_query_batch_size_count",] == 2


def test_a_search_is_timed_by_stage(tmp_path: Path) -> None:
    meter = PrometheusMeter()
    world = World(tmp_path, telemetry=Telemetry(meter))
    world.add_release("ma", filing("Alder Mills", 2023), live=True)
    world.retriever.search("net sales of Alder Mills", stages=["vectors", "text", "scope"])
    found = values(meter)
    for stage in ("pin", "understand", "encode", "redis", "rank"):
        assert found["ragloop_stage_duration_seconds_count", stage] >= 1


async def _said(pieces: AsyncIterator[str]) -> list[str]:
    return [piece async for piece in pieces]


def test_an_llm_is_measured_and_says_the_same() -> None:
    meter = PrometheusMeter()
    generator = MeteredGenerator(ScriptedGenerator("net ", "sales"), Telemetry(meter))
    assert anyio.run(_said, generator.stream([], max_tokens=9)) == ["net ", "sales"]
    broken = ScriptedGenerator("net", error=GenerationError("broke off"))
    failing = MeteredGenerator(broken, Telemetry(meter))
    with pytest.raises(GenerationError):
        anyio.run(_said, failing.stream([], max_tokens=9))
    found = values(meter)
    assert found["ragloop_llm_tokens_total", "scripted"] == 3
    assert found["ragloop_llm_first_token_seconds_count", "scripted"] == 2
    assert found["ragloop_stage_duration_seconds_count", "llm"] == 2


def test_an_llm_that_is_left_early_is_stopped() -> None:
    llm = ScriptedGenerator("a", "b", "c")

    async def leave() -> None:
        pieces = MeteredGenerator(llm, NO_TELEMETRY).stream([], max_tokens=9)
        assert isinstance(pieces, AsyncGenerator)
        assert await anext(pieces) == "a"
        await pieces.aclose()

    anyio.run(leave)
    assert llm.ended
    assert llm.delivered == 1


def test_a_reading_is_shared_while_it_is_fresh_and_not_waited_for_when_it_hangs() -> None:
    readings: list[int] = []
    go_on = threading.Event()

    def read() -> int:
        readings.append(1)
        assert go_on.wait(30)
        return len(readings)

    bounded = Bounded(read, fresh=3600)
    with pytest.raises(TimeoutError):
        bounded.begin().result(0.01)
    with pytest.raises(TimeoutError):
        bounded.begin().result(0.01)
    go_on.set()
    assert bounded.begin().result(30) == 1
    assert bounded.begin().result(30) == 1
    assert len(readings) == 1
    at_once = Bounded(read, fresh=0)
    assert [at_once.begin().result(30) for _ in range(2)] == [2, 3]


def test_a_reading_that_fails_is_made_again() -> None:
    def fail() -> int:
        raise StoreUnavailable("away")

    bounded = Bounded(fail, fresh=0)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            bounded.begin().result(30)


def test_the_state_is_read_from_the_stores(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add_release("ma", filing("Alder Mills", 2023), live=True)
    world.add_release("mb", filing("Alder Mills", 2023))
    world.queue.start("ingest", {"paths": ["a.pdf"]})
    figures = StateFigures(
        tmp_path, world.releases, world.chunks, lambda: world.queue, lambda: 4096, world.ready
    )
    found = {(f.metric.name, *f.labels): f.value for f in figures()}
    assert found["ragloop_live_release_info", "r0001", "ma"] == 1
    assert found["ragloop_releases", "live"] == found["ragloop_releases", "candidate"] == 1
    assert found["ragloop_releases", "failed"] == 0
    assert found["ragloop_jobs", "ingest", "queued"] == 1
    assert found["ragloop_jobs", "improve", "failed"] == 0
    assert found["ragloop_redis_memory_bytes",] == 4096
    assert found["ragloop_home_free_bytes",] > 0
    assert found["ragloop_up", "redis"] == 1


def test_what_redis_knows_is_left_out_while_it_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path)

    def away() -> int:
        raise StoreUnavailable("Redis does not answer")

    def figures(ready: Readiness) -> dict[tuple[str, ...], float]:
        read = StateFigures(
            tmp_path, world.releases, world.chunks, lambda: world.queue, away, lambda: ready
        )
        return {(f.metric.name, *f.labels): f.value for f in read()}

    known = figures(Readiness({"redis": "Redis does not answer"}))
    assert known["ragloop_up", "redis"] == 0
    assert not {name for name, *_ in known} & {"ragloop_releases", "ragloop_documents"}
    assert not caplog.records
    assert figures(Readiness({"redis": "ok"})).keys() == known.keys()
    assert "left out" in caplog.text


def test_counting_takes_little_of_a_search() -> None:
    from timeit import timeit

    meter = PrometheusMeter()
    telemetry = Telemetry(meter)

    def as_a_search_does() -> None:
        for stage in ("pin", "understand", "encode", "redis", "rank", "rank"):
            with telemetry.stage(stage):
                pass
        meter.add(CACHE_LOOKUPS, 1, "question", "hit")

    seconds = min(timeit(as_a_search_does, number=200) for _ in range(5)) / 200
    assert seconds < 500e-6, "a guard against the gross; some 30 µs were measured"
