"""The benchmark of the swap, small: a service of two processes, searched all the time."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from rag_service import wiring
from rag_service.api.app import create_app
from rag_service.core.settings import Settings
from rag_service.core.types import ModelCard
from rag_service.indexing.pace import NoTraffic, Pace
from rag_service.indexing.shadow import BuildOptions
from rag_service.loop import swap_benchmark
from rag_service.loop.own_home import OwnHome
from rag_service.loop.search_traffic import Response, Span, figures
from rag_service.wiring import Services, open_services
from tests.fakes.models import FakeEmbedder, FakeRegistry
from tests.integration.command_line import CommandLine
from tests.integration.reindexing import context
from tests.unit.ingest_files import filing

MODELS = {"r0001": "ma", "r0002": "mb"}
CARDS = [
    ModelCard(name, name, "", 64, 512, "", "", "2026-01-01T00:00:00Z") for name in ("base", "noisy")
]


def response(ended: float, release: str, *models: str, failure: str = "") -> Response:
    return Response(ended - 0.1, ended, failure, release, frozenset(models))


def test_a_response_of_two_models_or_of_another_than_its_releases_is_mismatched() -> None:
    seen = [
        response(1, "r0001", "ma"),
        response(2, "r0002", "mb"),
        response(3, "r0002", "ma", "mb"),
        response(4, "r0002", "ma"),
        response(5, "r0009", "ma"),
        response(6, "", failure="503: Redis does not answer"),
    ]
    found = figures(seen, [Span(0, 10)], MODELS)
    assert (found["requests"], found["mismatched"], found["failed"]) == (6, 3, 1)
    assert found["by_release"] == {"r0001": 1, "r0002": 3, "r0009": 1}
    assert found["p50_ms"] == pytest.approx(100)


def test_a_request_belongs_to_every_span_that_it_touches_once() -> None:
    seen = [response(1.05, "r0001", "ma"), response(3, "r0001", "ma")]
    assert figures(seen, [Span(0, 1), Span(1, 2)], MODELS)["requests"] == 1
    nothing = figures(seen, [Span(5, 6)], MODELS)
    assert (nothing["requests"], nothing["p99_ms"]) == (0, 0)


def test_where_every_request_failed_there_is_no_ratio() -> None:
    assert swap_benchmark.ratio(30.0, 20.0) == 1.5
    assert swap_benchmark.ratio(30.0, 0.0) is None


@pytest.mark.slow
def test_no_request_is_lost_and_no_models_meet_while_two_processes_swap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wiring, "make_registry", lambda settings: SlowRegistry(CARDS))
    monkeypatch.setattr(wiring, "Pace", lambda *_: Pace(NoTraffic()))
    monkeypatch.setattr(swap_benchmark, "noisy_model", lambda *_: CARDS[1])
    monkeypatch.setattr(OwnHome, "service", service)
    monkeypatch.setattr(OwnHome, "command", reindex)
    home = tmp_path / "home"
    ragloop = CommandLine(home, {"RAGLOOP_EMBEDDING_MODEL": "base"}, monkeypatch, capfd)
    file = filing(tmp_path / "HARROW_2023_10K.pdf")
    few = ("--clients", "4", "--pause", "0.05", "--seconds", "1")
    outcome = ragloop("bench", "swap", file, *few, "--json")
    assert outcome.status == 0, outcome.stderr
    report = outcome.document
    assert (report["failed"], report["mismatched"]) == (0, 0), report["failures"]
    assert sorted(report["models"].values()) == [card.fingerprint for card in CARDS]
    phases = report["phases"]
    assert [*phases] == [
        "before", "reindex", "promote", "rollback", "promote again", "after", "swaps",
    ]  # fmt: skip
    # A swap itself may be over before a client asks again.
    assert all(phases[name]["requests"] for name in ("before", "reindex", "after", "swaps"))
    old, new = sorted(report["models"])
    assert set(phases["before"]["by_release"]) == {old}
    assert set(phases["after"]["by_release"]) == {new}
    assert set(phases["swaps"]["by_release"]) == {old, new}
    assert report["p99_ratio"] > 0
    assert not home.exists(), "it has a home of its own"


class SlowRegistry(FakeRegistry):
    """Takes its time to load an encoder."""

    def load(self, fingerprint: str) -> FakeEmbedder:
        if fingerprint not in self._loaded:
            time.sleep(0.2)
        return super().load(fingerprint)


@contextmanager
def service(own: OwnHome, port: int, processes: int) -> Iterator[None]:
    """Processes that share a port, as those of `ragloop serve`, with encoders of no weight."""
    listening = socket.create_server(("127.0.0.1", port))
    arguments = (own.path, listening)
    workers = [context().Process(target=serve, args=arguments) for _ in range(processes)]
    for worker in workers:
        worker.start()
    listening.close()
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(30)
            assert worker.exitcode == -signal.SIGTERM, "once it has ended, uvicorn says why"
            worker.close()


def serve(home: Path, listening: socket.socket) -> None:
    @contextmanager
    def opened() -> Iterator[Services]:
        with open_services(_settings(home), background=True) as services:
            vars(services)["registry"] = SlowRegistry(CARDS)
            services.serving.warm()
            services.serving.close()
            yield services

    server = uvicorn.Server(uvicorn.Config(create_app(opened), log_level="warning"))
    server.run(sockets=[listening])


def reindex(own: OwnHome, *arguments: str) -> dict[str, Any]:
    """As the command of that name, in this process."""
    assert arguments == ("reindex", "--model", CARDS[1].fingerprint)
    with (
        open_services(_settings(own.path)) as services,
        services.jobs.run("reindex", {"model": arguments[2]}, alone=False) as job,
    ):
        return services.reindexer.run(job, CARDS[1], BuildOptions()).as_dict()


def _settings(home: Path) -> Settings:
    return Settings(home=home, llm="none", embedding_model="base")
