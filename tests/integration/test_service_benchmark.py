"""The benchmark of the service, small: what it asks of which service, and how it sums up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rag_service.api.app import create_app
from rag_service.core.errors import IngestError, RagloopError, StoreUnavailable
from rag_service.core.types import Document
from rag_service.loop import service_benchmark
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.own_home import OwnHome
from rag_service.loop.search_traffic import SearchTraffic
from rag_service.loop.service_benchmark import ServiceBenchmark, in_round, requests_per_second
from tests.fakes.answering import World
from tests.fakes.filings import filing
from tests.fakes.served import served

CHUNKS = filing("Alder Mills", 2023) + filing("Birchwater", 2022)


class FakeHome(OwnHome):
    """Notes which services are started, and leaves that to the test."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, {})
        self.started: list[Mapping[str, str]] = []

    @contextmanager
    def service(
        self,
        port: int,
        processes: int = 1,
        settings: Mapping[str, str] | None = None,
        *,
        worker: bool = False,
    ) -> Iterator[int]:
        self.started.append(settings or {})
        yield os.getpid()


class Read:
    """An ingestion that has read ``documents`` before."""

    def __init__(self, *documents: str) -> None:
        self._documents = documents

    def run(self, *_: object) -> list[Any]:
        return [SimpleNamespace(document=name) for name in self._documents or ("",)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_release("ma", CHUNKS, live=True)
    first = CHUNKS[0]
    document = Document(
        first.document_id, first.document, first.facts, 8, 8, 4, "2024-01-01T00:00:00Z"
    )
    chunks = [chunk for chunk in CHUNKS if chunk.document_id == first.document_id]
    world.chunks.replace(document, chunks, "r0001")
    return world


def test_medians_of_a_round_tell_where_the_time_goes() -> None:
    asked: list[str] = []

    def alone(question: str) -> dict[str, float]:
        asked.append(f"alone {question}")
        return {"pin": 9.0, "encode": 6.0, "search": 2.0}

    def served(question: str) -> dict[str, float]:
        asked.append(f"served {question}")
        return {"pin": 0.5, "encode": 6.5, "search": 2.0, "whole": 10.0}

    found = in_round(["a", "b", "c"], alone, served)
    assert asked == ["alone a", "served a", "served b", "alone b", "alone c", "served c"]
    assert found == pytest.approx(
        {
            "service_ms": 10.0,
            "alone_ms": 8.0,
            "ratio": 1.25,
            "encode_alone_ms": 6.0,
            "redis_alone_ms": 2.0,
            "encode_in_service_ms": 6.5,
            "redis_in_service_ms": 2.0,
            "other_steps_ms": 0.5,
            "http_ms": 1.0,
        }
    )


def test_one_client_and_many_ask_two_services(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_benchmark, "_ROUNDS", 1)
    monkeypatch.setattr(service_benchmark, "_QUESTIONS", 3)
    own = FakeHome(tmp_path)
    with served(create_app(lambda: nullcontext(world))) as port:
        monkeypatch.setattr(service_benchmark, "free_port", lambda: port)
        benchmark = _benchmark(own, world, Read("A.pdf"))
        report = benchmark.run([tmp_path], clients=4, seconds=0.2, seed=1)
        monkeypatch.setattr(world.vectors, "look_up", _away)
        with pytest.raises(RagloopError, match="Redis does not answer"):
            requests_per_second(SearchTraffic(port, ["net sales"], 2), 0.2)
    assert own.started[0] == {"RAGLOOP_QUERY_CACHE": "0"}
    one_by_one = {"RAGLOOP_QUERY_CACHE": "0", "RAGLOOP_QUERY_BATCH": "1"}
    assert own.started[1:] == [one_by_one, {**one_by_one, "RAGLOOP_PRECISION": "float32"}]
    for latency in report["latency"].values():
        assert latency["service_ms"] > latency["http_ms"] > 0
        assert len(latency["ratios"]) == 1
    assert report["clients"] == 4
    for speed in report["throughput"].values():
        assert speed["rounds"].keys() == {"one_by_one", "one_by_one_float32"}
        for other, ratios in speed["rounds"].items():
            assert speed["together"] > 0 < speed[other]
            assert min(ratios) <= speed[f"times_{other}"] <= max(ratios)


def test_without_a_file_that_can_be_read_nothing_is_measured(tmp_path: Path, world: World) -> None:
    with pytest.raises(IngestError, match="could be read"):
        _benchmark(FakeHome(tmp_path), world, Read()).run(
            [tmp_path], clients=1, seconds=0.1, seed=1
        )


def _benchmark(own: OwnHome, world: World, ingestion: Read) -> ServiceBenchmark:
    return ServiceBenchmark(own, world.chunks, cast(Ingestion, ingestion), world.retriever)


def _away(*_: object) -> None:
    raise StoreUnavailable("Redis does not answer")
