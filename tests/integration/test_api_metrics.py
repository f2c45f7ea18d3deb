"""Every request is counted, has an id, and leaves a line; what is wrong can be scraped."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from rag_service.adapters.prometheus_meter import PrometheusMeter
from rag_service.answering.experiments import Experiments
from rag_service.api.app import create_app
from rag_service.core.errors import GenerationTimeout, StoreUnavailable
from rag_service.core.telemetry import Figure, Telemetry
from rag_service.logs import LineFormatter
from rag_service.readiness import ReadinessChecks
from rag_service.state_figures import StateFigures
from tests.fakes.answering import ScriptedGenerator, World, said
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023)
OF_PROSE = "What does Alder Mills report on leases of stores in 2023?"
QUOTE = "Alder Mills took measure 1 on leases of stores."
MINE = "0123456789abcdef-mine"

Figures = dict[tuple[str, ...], float]


class ObservedWorld(World):
    """With the meter, the readiness and the figures that a service has."""

    def __post_init__(self) -> None:
        self.telemetry = Telemetry(PrometheusMeter(lambda: _figures(self)))
        super().__post_init__()


@pytest.fixture
def world(tmp_path: Path) -> World:
    plain = World(tmp_path)
    plain.add_release("ma", CHUNKS, live=True)
    hits = plain.retriever.search(OF_PROSE, 6).hits
    number = next(hit.rank for hit in hits if QUOTE in hit.chunk.text)
    llm = ScriptedGenerator(said(number, QUOTE, QUOTE))
    world = ObservedWorld(tmp_path, llm, caching=True, kept=8)
    world.add_release("ma", CHUNKS, live=True)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with serve(world) as client:
        yield client


@contextmanager
def serve(world: World) -> Iterator[TestClient]:
    with TestClient(
        create_app(lambda: nullcontext(world)), raise_server_exceptions=False
    ) as client:
        yield client


def _figures(world: World) -> Iterator[Figure]:
    ready = ReadinessChecks(
        world.settings, world.releases, world.serving, world.keys, lambda: "", lambda: True
    )
    return StateFigures(
        world.home, world.releases, world.chunks, lambda: world.queue, lambda: 1 << 20, ready
    )()


def scraped(client: TestClient) -> Figures:
    """By name and the values of the labels, in the order of the labels' names."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Of the access log."""
    return [r.fields for r in caplog.records if r.name == "rag_service.api.observing"]  # type: ignore[attr-defined]


def test_requests_are_counted_by_route_method_and_status(client: TestClient) -> None:
    client.post("/v1/search", json={"query": OF_PROSE})
    client.post("/v1/search", json={"query": ""})
    client.get("/v1/models/ragloop")
    client.get("/v1/models/nothing/of/that/name")
    client.get("/no/such/page")
    client.put("/v1/search")
    client.request("BREW", "/v1/search")
    found = scraped(client)
    counted = {
        tuple(labels): number
        for (name, *labels), number in found.items()
        if name == "ragloop_http_requests_total"
    }
    assert counted == {
        ("POST", "/v1/search", "200"): 1,
        ("POST", "/v1/search", "422"): 1,
        ("GET", "/v1/models/{model:path}", "200"): 1,
        ("GET", "/v1/models/{model:path}", "404"): 1,
        ("GET", "unmatched", "404"): 1,
        ("PUT", "/v1/search", "405"): 1,
        ("other", "/v1/search", "405"): 1,
    }
    assert found["ragloop_http_request_duration_seconds_count", "POST", "/v1/search"] == 2
    assert found["ragloop_http_requests_in_progress",] == 1, "the scrape itself"


@pytest.mark.parametrize("stream", [False, True])
def test_answers_are_counted_with_what_they_took(client: TestClient, stream: bool) -> None:
    for _ in range(2):
        response = client.post("/v1/ask", json={"question": OF_PROSE, "stream": stream})
        assert response.status_code == 200
    found = scraped(client)
    assert found["ragloop_answers_total", "true", "generated"] == 2
    assert found["ragloop_cache_lookups_total", "answer", "miss"] == 1
    assert found["ragloop_cache_lookups_total", "answer", "hit"] == 1
    assert found["ragloop_cache_lookups_total", "question", "hit"] == 1
    assert found["ragloop_llm_tokens_total", "scripted"] == 1
    assert found["ragloop_stage_duration_seconds_count", "encode"] == 2
    assert found["ragloop_stage_duration_seconds_count", "read"] == 1
    assert found["ragloop_stage_duration_seconds_count", "llm"] == 1


def test_an_answer_that_fails_is_counted_also_amid_a_stream(tmp_path: Path) -> None:
    world = ObservedWorld(tmp_path, ScriptedGenerator(error=GenerationTimeout("too slow")))
    world.add_release("ma", CHUNKS, live=True)
    with serve(world) as client:
        client.post("/v1/ask", json={"question": OF_PROSE, "stream": True})
        assert client.post("/v1/ask", json={"question": OF_PROSE}).status_code == 504
        assert scraped(client)["ragloop_answer_failures_total", "generation_timeout"] == 2


def test_what_is_stored_is_scraped(client: TestClient) -> None:
    client.post("/v1/search", json={"query": OF_PROSE})
    found = scraped(client)
    assert found["ragloop_live_release_info", "ma", "r0001"] == 1
    assert found["ragloop_releases", "live"] == 1
    assert found["ragloop_redis_memory_bytes",] == 1 << 20
    assert [found["ragloop_up", part] for part in ("redis", "release", "encoder")] == [1, 1, 1]


def test_while_redis_is_away_a_scrape_says_so(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailable("Redis does not answer")

    monkeypatch.setattr(world.releases, "current", away)
    found = scraped(client)
    assert found["ragloop_up", "redis"] == 0
    assert ("ragloop_releases", "live") not in found
    assert found["ragloop_http_requests_in_progress",] == 1


@pytest.mark.parametrize(
    "sent", ["", "short", "a" * 65, "with space 0123456", "line\tbreak0123456", "../../etc/passwd"]
)
def test_an_id_that_is_not_sane_is_replaced(client: TestClient, sent: str) -> None:
    given = client.get("/healthz", headers={"X-Request-Id": sent}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", given)


def test_the_id_of_a_request_is_one_everywhere(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []
    search = Experiments.search

    def noting(self: Experiments, *arguments: Any, **more: Any) -> Any:
        searched.append(more["request_id"])
        return search(self, *arguments, **more)

    monkeypatch.setattr(Experiments, "search", noting)
    headers = {"X-Request-Id": MINE}
    for path, body in (("search", {"query": OF_PROSE}), ("ask", {"question": OF_PROSE})):
        response = client.post(f"/v1/{path}", json=body, headers=headers)
        assert response.headers.get_list("x-request-id") == [MINE]
        assert response.json()["request_id"] == MINE
    assert searched == [MINE, MINE]
    refused = client.post("/v1/search", json={"query": ""}, headers=headers)
    assert refused.json()["request_id"] == MINE
    first, second = (client.post("/v1/search", json={"query": OF_PROSE}) for _ in range(2))
    assert first.json()["request_id"] != second.json()["request_id"]


def test_an_error_that_nobody_foresaw_has_an_id_and_a_line(
    client: TestClient, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise ZeroDivisionError

    world.registry.all = fail  # type: ignore[method-assign]
    response = client.get("/v1/releases", headers={"X-Request-Id": MINE})
    assert response.status_code == 500
    assert response.headers["x-request-id"] == response.json()["request_id"] == MINE
    assert [line["status"] for line in lines(caplog)] == [500]
    assert scraped(client)["ragloop_http_requests_total", "GET", "/v1/releases", "500"] == 1


@pytest.fixture
def formatted(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """What has been logged, as it would stand in the log."""
    caplog.handler.setFormatter(LineFormatter(as_json=True))
    caplog.set_level(logging.DEBUG, "rag_service")
    return lambda: caplog.text


def test_a_line_tells_of_the_request_but_not_what_was_asked(
    client: TestClient, formatted: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/v1/search?key=rl_secret_12345", json={"query": OF_PROSE})
    client.post("/v1/ask", json={"question": OF_PROSE}, headers={"X-Request-Id": MINE})
    client.post("/v1/search", json={"query": OF_PROSE, "k": 10_000})
    told = [(line["method"], line["route"], line["status"]) for line in lines(caplog)]
    assert told == [
        ("POST", "/v1/search", 200),
        ("POST", "/v1/ask", 200),
        ("POST", "/v1/search", 422),
    ]
    text = formatted()
    assert f'"request_id": "{MINE}"' in text
    assert '"release": "r0001"' in text
    for unsaid in ("leases", "secret", "question"):
        assert unsaid not in text


def test_questions_are_told_where_that_is_set(world: World, formatted: Callable[[], str]) -> None:
    world.settings = world.settings.model_copy(update={"log_questions": True})
    with serve(world) as client:
        client.post("/v1/search", json={"query": OF_PROSE})
    assert f'"question": "{OF_PROSE}"' in formatted()


def test_probes_are_told_only_when_they_fail(
    client: TestClient, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rag_service")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    assert lines(caplog) == []
    world.checks = {"redis": "not reached"}
    assert client.get("/readyz").status_code == 503
    assert [line["route"] for line in lines(caplog)] == ["/readyz"]
