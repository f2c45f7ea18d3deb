"""Asking over HTTP: explanations, follow-ups, limits, time-outs, clients that go away."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rag_service.api.app import create_app
from rag_service.core.errors import GenerationTimeout, StoreUnavailable
from rag_service.core.types import Document, Experiment
from tests.fakes.answering import ScriptedGenerator, World
from tests.fakes.at_once import comes_true
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023) + filing("Birchwater", 2022)
QUESTION = "What were net sales of Alder Mills in 2023?"
CHECKED = 5
"""Seconds within which a thing must have happened."""


class Waiting(ScriptedGenerator):
    """An LLM that begins an answer and never ends it."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Event()
        self.over = threading.Event()

    async def stream(self, *args: Any, **options: Any) -> AsyncGenerator[str, None]:
        try:
            yield "{"
            self.asleep.set()
            await asyncio.Event().wait()
        finally:
            self.over.set()


def _world(home: Path, generator: ScriptedGenerator | None = None, **more: Any) -> World:
    world = World(home, generator, **more)
    world.add_release("ma", CHUNKS, live=True)
    for first in (CHUNKS[0], CHUNKS[-1]):
        own = [chunk for chunk in CHUNKS if chunk.document_id == first.document_id]
        document = Document(
            first.document_id, first.document, first.facts, 8, len(own), 4, "2024-01-01T00:00:00Z"
        )
        world.chunks.replace(document, own, "r0001")
    return world


def _app(world: World) -> FastAPI:
    return create_app(lambda: nullcontext(world))


@contextmanager
def _serve(world: World) -> Iterator[TestClient]:
    with TestClient(_app(world), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with _serve(_world(tmp_path)) as client:
        yield client


def _events(text: str) -> list[tuple[str, Any]]:
    parts = [part.split("\n") for part in text.split("\n\n") if part]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in parts
    ]


STAGES = ["vectors", "text", "scope", "glossary", "pages"]


def test_explain_tells_scores_by_stage_and_what_was_understood(client: TestClient) -> None:
    body = {"query": QUESTION, "stages": STAGES, "explain": True}
    found = client.post("/v1/search", json=body).json()
    told = found["explanation"]
    assert told["stages"] == sorted(STAGES)
    assert [match["company"] for match in told["companies"]] == ["ALDER MILLS CORP"]
    assert told["periods"][0]["years"] == [2023]
    assert told["filings"][0]["document"] == CHUNKS[0].document
    assert any("ALDER MILLS CORP" in sentence for sentence in told["understood"])
    assert {"text", "weight"} <= told["terms"][0].keys()
    assert told["timings"].keys() >= {"understand", "encode", "search"}
    assert all({"vectors", "fused"} & hit["scores"].keys() for hit in found["hits"])
    plain = client.post("/v1/search", json={"query": QUESTION, "stages": STAGES}).json()
    assert "explanation" not in plain
    assert "scores" not in plain["hits"][0]
    assert [hit["chunk_id"] for hit in plain["hits"]] == [hit["chunk_id"] for hit in found["hits"]]


def test_interleaved_hits_are_explained_without_telling_whose_they_are(tmp_path: Path) -> None:
    world = _world(tmp_path)
    world.add_release("mb", CHUNKS)
    experiment = Experiment(
        "x1", "interleaving", "r0001", "r0002", "ma", "mb", 1.0, "2026-01-01T00:00:00Z"
    )
    world.experiments.hold(experiment)
    world.experiments.store.start(experiment)
    body = {"query": QUESTION, "stages": STAGES, "explain": True, "client": "c"}
    with _serve(world) as client:
        found = client.post("/v1/search", json=body).json()
    assert found["experiment"]["kind"] == "interleaving"
    assert found["explanation"]["companies"]
    for key in ("score", "scores", "model"):
        assert {hit[key] for hit in found["hits"]} == {None}


def test_an_answer_is_explained_streamed_or_not(client: TestClient) -> None:
    body = {"question": QUESTION, "stages": STAGES, "explain": True}
    whole = client.post("/v1/ask", json=body).json()
    events = _events(client.post("/v1/ask", json=body | {"stream": True}).text)
    done = events[-1][1]
    for document in (whole, events[0][1], done):
        assert document["question"] == QUESTION
        assert document["explanation"]["companies"][0]["company"] == "ALDER MILLS CORP"
        assert document["hits"][0]["scores"]
    assert whole["explanation"]["timings"].keys() >= {"search", "answer"}
    assert (done["answer"], done["citations"]) == (whole["answer"], whole["citations"])


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ([], "with vectors or text"),
        (["scope", "pages"], "with vectors or text"),
        (["vectors", "magic"], "vectors"),
        (["vectors", "rerank"], "cross-encoder"),
    ],
)
def test_stages_that_cannot_be_gone_through_are_422(
    client: TestClient, stages: list[str], says: str
) -> None:
    response = client.post("/v1/ask", json={"question": QUESTION, "stages": stages})
    assert response.status_code == 422
    assert says in response.json()["detail"]


def test_a_follow_up_is_answered_as_the_whole_question(client: TestClient) -> None:
    body = {"question": "And in 2022?", "history": [QUESTION]}
    assert (
        client.post("/v1/ask", json=body).json()["question"]
        == "What were net sales of Alder Mills in 2022?"
    )
    body["stream"] = True  # type: ignore[assignment]
    events = _events(client.post("/v1/ask", json=body).text)
    assert events[0][1]["question"] == "What were net sales of Alder Mills in 2022?"


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([QUESTION] * 21, "at most 20"),
        (["x" * 3000], "earlier question: the question has 3,000"),
        ([" "], "earlier question: the question is empty"),
        ([5], "history.0"),
    ],
)
def test_limits_of_the_history_are_422(client: TestClient, history: list[Any], says: str) -> None:
    response = client.post("/v1/ask", json={"question": "And in 2022?", "history": history})
    assert response.status_code == 422
    assert says in response.json()["detail"]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/feedback", "/v1/chat/completions"])
def test_a_body_that_is_too_large_is_413(client: TestClient, path: str, announced: bool) -> None:
    body = b'{"question": "' + b"x" * 300_000 + b'"}'
    content = body if announced else iter([body[:1000], body[1000:200_000], body[200_000:]])
    response = client.post(path, content=content, headers={"content-type": "application/json"})
    assert response.status_code == 413
    document = response.json()
    error = document["error"] if "chat" in path else document
    assert error["code"] == "too_large"
    assert "RAGLOOP_MAX_BODY_KB" in error["message" if "chat" in path else "detail"]


def test_an_llm_that_is_too_slow_is_504_with_the_passages(tmp_path: Path) -> None:
    generator = ScriptedGenerator("{", error=GenerationTimeout("it did not finish within 1 s"))
    with _serve(_world(tmp_path, generator)) as client:
        question = "What does Alder Mills say about risk?"
        response = client.post("/v1/ask", json={"question": question})
        assert response.status_code == 504
        problem = response.json()
        assert (problem["code"], problem["retryable"]) == ("generation_timeout", True)
        assert (problem["release"], len(problem["hits"])) == ("r0001", 6)
        assert int(response.headers["retry-after"]) > 0
        streamed = client.post("/v1/ask", json={"question": question, "stream": True})
    assert _events(streamed.text)[-1][1]["error"]["code"] == "generation_timeout"


def test_a_slow_search_does_not_hold_up_healthz(tmp_path: Path) -> None:
    world = _world(tmp_path)
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go_on.wait(30)

    with _serve(world) as client:
        world.serving.pin().embedder.on_query = wait  # type: ignore[attr-defined]
        searches = [
            threading.Thread(target=client.post, args=(path,), kwargs={"json": body})
            for path, body in (
                ("/v1/search", {"query": QUESTION}),
                ("/v1/ask", {"question": QUESTION}),
            )
        ]
        for search in searches:
            search.start()
        try:
            assert begun.wait(CHECKED)
            assert client.get("/healthz").json() == {"status": "ok"}
            assert all(search.is_alive() for search in searches)
        finally:
            go_on.set()
            for search in searches:
                search.join(CHECKED)


@contextmanager
def _listening(world: World) -> Iterator[int]:
    """The port of a server of its own, as `ragloop serve` runs it."""
    server = uvicorn.Server(uvicorn.Config(_app(world), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert comes_true(lambda: server.started, CHECKED)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(CHECKED)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions"])
def test_a_client_that_goes_away_ends_the_llms_work(
    tmp_path: Path, path: str, stream: bool
) -> None:
    generator = Waiting()
    asked: dict[str, Any] = {"question": "What does Alder Mills say about risk?"}
    if "chat" in path:
        message = {"role": "user", "content": asked["question"]}
        asked = {"model": "ragloop", "messages": [message]}
    body = json.dumps(asked | {"stream": stream})
    request = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    with _listening(_world(tmp_path, generator, caching=stream)) as port:
        with socket.create_connection(("127.0.0.1", port), CHECKED) as connection:
            connection.sendall(request.encode())
            assert generator.asleep.wait(CHECKED)
            assert not generator.over.is_set()
        assert generator.over.wait(CHECKED)


def test_a_kept_answer_says_so_and_streams_the_same_events(tmp_path: Path) -> None:
    with _serve(_world(tmp_path, caching=True)) as client:
        first = client.post("/v1/ask", json={"question": QUESTION, "stream": True}).text
        again = client.post("/v1/ask", json={"question": f" {QUESTION}", "stream": True}).text
        whole = client.post("/v1/ask", json={"question": QUESTION}).json()
    made, kept = _events(first), _events(again)
    assert [name for name, _ in kept] == [name for name, _ in made]
    assert kept[1:-1] == made[1:-1]
    assert [made[-1][1]["cached"], kept[-1][1]["cached"], whole["cached"]] == [False, True, True]
    for key in ("answer", "citations", "grounded", "method", "release", "hits"):
        assert made[-1][1][key] == kept[-1][1][key] == whole[key]


def test_a_cache_that_is_not_reached_is_503_before_a_stream_begins(tmp_path: Path) -> None:
    world = _world(tmp_path, caching=True)

    def fail(key: str) -> str:
        raise StoreUnavailable("Redis does not answer")

    world.answers._cache.get = fail  # type: ignore[union-attr, method-assign]
    with _serve(world) as client:
        for stream in (False, True):
            response = client.post("/v1/ask", json={"question": QUESTION, "stream": stream})
            assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
