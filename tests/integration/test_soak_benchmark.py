"""The soak, small: all requests of a few seconds, and what is a fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag_service.answering.compare import Comparer
from rag_service.api.app import create_app
from rag_service.core.errors import IngestError, StoreUnavailable
from rag_service.core.types import JobRecord
from rag_service.loop import soak_benchmark
from rag_service.loop.job_arguments import check_arguments, uploads_of
from rag_service.loop.soak_benchmark import SoakBenchmark, faults
from rag_service.loop.soak_requests import Request, posted
from rag_service.loop.soak_samples import JOBS, Held, Sample, died, growth, summary
from rag_service.loop.soak_traffic import MixedTraffic, Seen, by_kind
from tests.fakes.answering import World
from tests.fakes.jobs import FakeJobQueue
from tests.fakes.served import served
from tests.integration.test_api_documents import begin
from tests.integration.test_service_benchmark import FakeHome
from tests.unit.ingest_files import filing

MB = 10**6


def sample(at: float, mb: int, *, busy: bool = False, more: int = 0) -> Sample:
    held = {"process 1": Held(1, mb * MB, 2 * mb * MB, 30 + more, 9)}
    if busy:
        held[JOBS] = Held(7, 900 * MB, 900 * MB, 20, 4)
    return Sample(at, busy, 50 * MB, held)


def report(held: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"unexpected": 0, "jobs": {"ingest": {"done": 3}}, "held": held, "died": []} | more


def test_growth_is_that_of_the_line_that_a_few_high_samples_do_not_bend() -> None:
    at = list(range(0, 100, 10))
    values = [100.0 + second / 10 for second in at]
    values[4] = 400.0
    assert growth(at, values) == {"first_mb": 100.0, "last_mb": 109.0, "growth_percent": 9.0}
    assert growth([0, 1], [0.0, 0.0])["growth_percent"] == 0


def test_samples_of_the_warm_up_and_of_jobs_do_not_count() -> None:
    cold, working = sample(1, 20), sample(12, 300, busy=True)
    quiet = [sample(at, 100) for at in (10, 20, 30)]
    found = summary([cold, *quiet[:1], working, *quiet[1:]], after=10)
    assert found["process 1"]["growth_percent"] == 0
    assert found["process 1"]["rss"]["first_mb"] == 200
    assert found["all"]["last_mb"] == 100
    assert JOBS not in found
    assert summary([cold, working, *quiet[:1]], after=10) == {}
    beside = summary([cold, *quiet[:1], working], after=10, busy=True)
    assert beside["process 1"]["growth_percent"] == 200


def test_memory_descriptors_and_lives_that_are_not_flat_are_faults() -> None:
    flat = summary([sample(at, 100) for at in range(20)], 0)
    assert faults(report(flat), 5) == []
    grown = summary([sample(at, 100 + at, more=2 * at) for at in range(20)], 0)
    assert faults(report(grown), 25) == ["descriptors of process 1: 34 first, 64 last"]
    assert faults(report(grown), 5)[0] == "memory of process 1 grew by 19.0 %"
    gone = replace(sample(2, 100), held={})
    assert died([sample(1, 100, busy=True), gone]) == ["process 1"]
    assert faults(report(flat, died=["process 1"]), 5) == ["process 1 died"]


def test_wrong_responses_and_jobs_that_did_not_end_well_are_faults() -> None:
    seen = [
        Seen("ask", 0, 1, 200),
        Seen("ask", 0, 3, 503, "Redis does not answer"),
        Seen("ask, streamed", 0, 1, 200, "event: error"),
        Seen("ask", 0, 1, 0, "ConnectionResetError"),
        Seen("refused, 404", 0, 1, 403, "forbidden"),
    ]
    assert [one.is_server_error for one in seen] == [False, True, True, False, False]
    asked = by_kind(seen)["ask"]
    assert asked["statuses"] == {"0": 1, "200": 1, "503": 1}
    assert asked["p99_ms"] == 1000
    counted = {"unexpected": 4, "server_errors": 2, "failed_connections": 1}
    jobs = {"ingest": {"done": 3, "failed": 1}}
    found = faults(report({}, **counted, jobs=jobs), 5)
    assert len(found) == 3
    assert "2 in errors of the service, and 1 in failed connections" in found[0]
    assert found[1] == "1 jobs of the kind ingest are failed"
    assert "cannot be compared" in found[2]


GATE = {"promoted": False, "reasons": ["too few questions"]}


class Worker:
    """Works the queue of ``world`` off as a worker does; an improvement fails the first time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work_off)
        self._tries = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _work_off(self) -> None:
        while not self._over.wait(0.02):
            if job := self._world.queue.take():
                self._work(job)

    def _work(self, job: JobRecord) -> None:
        world = self._world
        if job.kind == "ingest":
            world.ingestion.run(
                [uploads_of(world.settings) / path for path in job.arguments["paths"]]
            )
            world.queue.end(job.job, {"documents": []})
        elif (tries := self._tries) == 0:
            self._tries = tries + 1
            world.queue.end(job.job, reason="documents changed during the measurement")
        else:
            release = world.add_release("ma", list(world.chunks.chunks())).release
            done = {"gate": GATE, "seconds": {}, "releases": {"after": release}}
            world.queue.end(job.job, done)


@pytest.fixture
def soak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    for name in ("_EVERY", "_UPLOAD_SECONDS", "_SWAP_SECONDS", "_LOOK_SECONDS"):
        monkeypatch.setattr(soak_benchmark, name, 0.1)
    world = World(tmp_path / "home")
    settings, registry = world.settings, world.registry
    world.queue = FakeJobQueue(
        lambda kind, arguments: check_arguments(kind, arguments, settings, registry)
    )
    begin(world)

    def soaked(*files: Path) -> dict[str, Any]:
        own = FakeHome(tmp_path)
        with served(create_app(lambda: nullcontext(world))) as port, Worker(world):
            monkeypatch.setattr(soak_benchmark, "free_port", lambda: port)
            benchmark = SoakBenchmark(own, world.chunks, world.ingestion, lambda: 50 * MB)
            report = benchmark.run(
                files,
                minutes=0.1,
                clients=2,
                pause=0.0,
                processes=1,
                llm="none",
                growth=1000,
                seed=1,
            )
        assert own.started[0]["RAGLOOP_LLM"] == "none"
        return report

    return soaked


def test_a_service_is_asked_for_everything_while_filings_come_and_go_and_releases_change(
    tmp_path: Path, soak: Callable[..., dict[str, Any]]
) -> None:
    files = [filing(tmp_path / f"F{n}_2023_10K.pdf", extra_pages=n) for n in range(3)]
    report = soak(*files)
    assert report["wrong"] == []
    assert report["faults"] == []
    asked = report["requests"]
    assert {"search", "ask", "page picture", "upload", "removal", "job events"} <= set(asked)
    assert asked["upload"]["statuses"] == {"202": report["jobs"]["ingest"]["done"]}
    assert set(asked["refused, 404"]["statuses"]) == {"404"}
    assert report["total"] == sum(one["requests"] for one in asked.values())
    assert report["improvement"]["gate"] == GATE
    assert [move["what"] for move in report["moves"]] == [
        "improvement begins",
        "improvement is failed: documents changed during the measurement",
        "improvement is done",
        "promote: r0002 is live",
        "rollback: r0001 is live",
        "promote: r0002 is live",
    ]
    assert report["held"]["supervisor"]["growth_percent"] < 1000
    assert len(report["samples"]) > 5


def test_errors_of_the_service_are_told_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer")

    world = World(tmp_path)
    begin(world)
    monkeypatch.setattr(Comparer, "compare", away)
    asked = {"question": "What were net sales?", "a": "r0001", "b": "r0001"}
    with served(create_app(lambda: nullcontext(world))) as port:
        traffic = MixedTraffic(port, iter(()), 0, 0)
        compared, _ = traffic.send(posted("compare", "/v1/compare", asked))
        traffic.send(posted("ask", "/v1/ask", {"question": "Net sales?"}, holds=b"event: done"))
    traffic.send(Request("metrics", "GET", "/metrics"))
    assert (compared.status, compared.is_server_error) == (503, True)
    assert "Redis does not answer" in compared.wrong
    _, cut, refused = traffic.seen
    assert cut.is_server_error, "a stream without its end"
    assert (refused.status, refused.is_server_error) == (0, False)
    assert "ConnectionRefusedError" in refused.wrong


def test_without_files_to_come_and_go_nothing_is_measured(
    tmp_path: Path, soak: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(IngestError, match="more than 2 files"):
        soak(filing(tmp_path / "F1_2023_10K.pdf"))
