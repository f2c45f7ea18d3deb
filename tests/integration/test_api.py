"""Every route of the HTTP service, over fake stores and a scripted LLM."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag_service.api.app import create_app
from rag_service.core.errors import (
    GateRejected,
    GenerationError,
    RagloopError,
    ReleaseConflict,
    StoreUnavailable,
)
from rag_service.core.types import Document
from tests.fakes.answering import ScriptedGenerator, World, said
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023) + filing("Birchwater", 2022)
QUESTION = "What were net sales of Alder Mills in 2023?"
OF_PROSE = "What does Alder Mills report on leases of stores in 2023?"
INCOME = CHUNKS[0]
assert INCOME.cells is not None
SALES = INCOME.cells.rows[0]
LINE = " | ".join(SALES)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return _world(tmp_path)


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with _serve(world) as client:
        yield client


def _world(home: Path, generator: ScriptedGenerator | None = None) -> World:
    world = World(home, generator)
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    document = Document(
        INCOME.document_id, INCOME.document, INCOME.facts, 8, 8, 4, "2024-01-01T00:00:00Z"
    )
    chunks = [chunk for chunk in CHUNKS if chunk.document_id == INCOME.document_id]
    world.chunks.replace(document, chunks, "r0001")
    return world


@contextmanager
def _serve(world: World) -> Iterator[TestClient]:
    with TestClient(
        create_app(lambda: nullcontext(world)), raise_server_exceptions=False
    ) as client:
        yield client


def _problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document that ``response`` must be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == "about:blank"
    assert document["title"]
    assert document["detail"]
    return document


def _events(text: str) -> list[tuple[str, Any]]:
    parts = [part.split("\n") for part in text.split("\n\n") if part]
    assert all(len(lines) == 2 for lines in parts)
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in parts
    ]


def test_search_answers_as_the_command_does(client: TestClient) -> None:
    response = client.post("/v1/search", json={"query": QUESTION, "k": 3})
    assert response.status_code == 200
    found = response.json()
    assert found["release"] == "r0001"
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert {
        "rank", "score", "document", "page_start", "page_end", "chunk_id", "kind", "section",
        "text", "context",
    } <= found["hits"][0].keys()  # fmt: skip


def test_every_answer_says_what_model_encoded_it_and_what_the_index_is_of(
    client: TestClient,
) -> None:
    found = client.post("/v1/search", json={"query": QUESTION, "release": "r0002"}).json()
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    body = {"question": QUESTION, "a": "r0001", "b": "r0002"}
    compared = client.post("/v1/compare", json=body).json()
    sides = [(found, "mb"), (answer, "ma"), (compared["a"], "ma"), (compared["b"], "mb")]
    for side, model in sides:
        assert (side["model"], side["index_model"]) == (model, model)
        assert {hit["model"] for hit in side["hits"]} == {model}
    assert compared["b"]["answer"]["index_model"] == "mb"


def test_an_index_of_another_model_is_an_error_and_not_searched(world: World) -> None:
    world.add_release("mc", CHUNKS, index_model="mb")
    with _serve(world) as client:
        response = client.post("/v1/search", json={"query": QUESTION, "release": "r0003"})
        assert "mb" in _problem(response, 500, "store")["detail"]


def test_search_takes_filters_and_a_release(client: TestClient) -> None:
    body = {"query": QUESTION, "filters": {"fiscal_year": 2022}, "release": "r0002"}
    found = client.post("/v1/search", json=body).json()
    assert found["release"] == "r0002"
    assert {hit["fiscal_year"] for hit in found["hits"]} == {2022}


def test_a_company_is_named_as_people_do_and_documents_by_one_or_several(
    client: TestClient,
) -> None:
    def found(**filters: object) -> set[str]:
        response = client.post("/v1/search", json={"query": QUESTION, "filters": filters, "k": 50})
        return {hit["document"] for hit in response.json()["hits"]}

    name, other = INCOME.document, CHUNKS[-1].document
    assert name != other
    assert found(company="alder mills") == {name}
    assert found(document=name) == found(document=[name]) == {name}
    assert found(document=[name, other]) == found() >= {name, other}
    assert found(document=[]) == found(document="") == found()
    for filters, says in (
        ({"company": "Aldermils"}, "did you mean 'ALDER MILLS CORP'"),
        ({"company": "Nobody"}, "documents list"),
        ({"company": "Alder Mills", "document": other}, "none of the documents"),
    ):
        response = client.post("/v1/ask", json={"question": QUESTION, "filters": filters})
        assert says in _problem(response, 422, "invalid_request")["detail"]


def test_ask_answers_with_citations(client: TestClient) -> None:
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    assert (answer["grounded"], answer["method"], answer["release"]) == (True, "computed", "r0001")
    (citation,) = answer["citations"]
    assert {
        "document": INCOME.document, "page": 1, "quote": LINE, "chunk_id": INCOME.chunk_id
    }.items() <= citation.items()  # fmt: skip
    assert len(answer["hits"]) == 6


def test_a_streamed_answer_is_the_same_as_a_whole_one(tmp_path: Path) -> None:
    quote = "Alder Mills took measure 1 on leases of stores."
    number = next(
        hit.rank
        for hit in _world(tmp_path).retriever.search(OF_PROSE, 6).hits
        if quote in hit.chunk.text
    )
    written = said(number, quote, "It took “measure 1” – on leases\nof stores. So it is.")
    for generator in (None, ScriptedGenerator(*written), ScriptedGenerator(*written[:-9])):
        with _serve(_world(tmp_path, generator)) as client:
            whole = client.post("/v1/ask", json={"question": OF_PROSE}).json()
            response = client.post("/v1/ask", json={"question": OF_PROSE, "stream": True})
        request = whole.pop("request_id")
        assert response.headers["content-type"].startswith("text/event-stream")
        events = _events(response.text)
        assert events[0][0] == "retrieval"
        assert request != events[0][1]["request_id"] == events[-1][1].pop("request_id")
        assert events[-1] == ("done", whole)
        assert "".join(d["text"] for name, d in events if name == "token") == whole["answer"]
        assert [d for name, d in events if name == "citation"] == whole["citations"]
        assert events[0][1]["hits"] == whole["hits"]
        assert whole["method"] == ("extracted" if generator is None else "generated")


def test_a_failing_llm_is_503_with_the_passages(tmp_path: Path) -> None:
    generator = ScriptedGenerator("{", error=GenerationError("the LLM is out of reach"))
    with _serve(_world(tmp_path, generator)) as client:
        response = client.post("/v1/ask", json={"question": OF_PROSE})
        problem = _problem(response, 503, "generation")
        assert problem["retryable"] is True
        assert problem["release"] == "r0001"
        assert len(problem["hits"]) == 6
        assert int(response.headers["retry-after"]) > 0
        streamed = client.post("/v1/ask", json={"question": OF_PROSE, "stream": True})
    events = _events(streamed.text)
    assert [name for name, _ in events] == ["retrieval", "error"]
    assert events[-1][1]["error"]["code"] == "generation"


def test_an_answer_keeps_its_release_through_a_swap(tmp_path: Path) -> None:
    class Swapping(ScriptedGenerator):
        def stream(self, *args: Any, **options: Any) -> Any:
            swapped.promote("r0002")
            return super().stream(*args, **options)

    swapped = _world(tmp_path, Swapping("{}"))
    with _serve(swapped) as client:
        before = client.post("/v1/search", json={"query": OF_PROSE, "k": 6}).json()
        answer = client.post("/v1/ask", json={"question": OF_PROSE}).json()
        after = client.post("/v1/search", json={"query": OF_PROSE, "k": 6}).json()
    assert answer["release"] == before["release"] == "r0001"
    assert answer["hits"] == before["hits"]
    assert after["release"] == "r0002"


def test_no_request_is_lost_while_the_live_release_changes(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    for model in ("ma", "mb"):
        world.add_release(model, CHUNKS)
    world.promote("r0001")
    seen: list[tuple[int, str, str]] = []
    stop = threading.Event()

    def swap() -> None:
        for release in ("r0002", "r0001") * 10:
            world.promote(release)
            if stop.wait(0.005):
                return

    with _serve(world) as client:
        thread = threading.Thread(target=swap)
        thread.start()
        try:
            for _ in range(40):
                response = client.post("/v1/search", json={"query": INCOME.embedded_text, "k": 1})
                found = response.json()
                seen.append((response.status_code, found["release"], found["model"]))
                assert found["hits"][0]["chunk_id"] == INCOME.chunk_id
        finally:
            stop.set()
            thread.join(10)
    world.serving.close()
    assert set(seen) <= {(200, "r0001", "ma"), (200, "r0002", "mb")}


def test_compare_shows_both_sides(client: TestClient) -> None:
    response = client.post("/v1/compare", json={"question": QUESTION, "a": "r0001", "b": "r0002"})
    assert response.status_code == 200
    found = response.json()
    assert [found[side]["answer"]["release"] for side in "ab"] == ["r0001", "r0002"]
    assert {"chunk_id", "rank_a", "rank_b", "move"} == found["moves"][0].keys()
    assert 0 <= found["rbo"] <= 1


@pytest.mark.parametrize("route", ["search", "ask"])
@pytest.mark.parametrize(
    ("question", "says"),
    [("", "empty"), (" \n", "empty"), ("x" * 100_000, "100,000"), ("\ud800", "Unicode")],
)
def test_a_question_that_cannot_be_asked_is_422(
    client: TestClient, route: str, question: str, says: str
) -> None:
    field = "query" if route == "search" else "question"
    for more in ({}, {"stream": True}) if route == "ask" else ({},):
        content = json.dumps({field: question, **more})
        response = client.post(
            f"/v1/{route}", content=content, headers={"content-type": "application/json"}
        )
        problem = _problem(response, 422, "invalid_request")
        assert says in problem["detail"]
        assert len(response.content) < 1000


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "question"),
        ({"question": 5}, "question"),
        ({"question": "q", "k": 0}, "k"),
        ({"question": "q", "k": 101}, "k"),
        ({"question": "q", "k": "many"}, "k"),
        ({"question": "q", "release": ""}, "release"),
        ({"question": "q", "release": "r" * 101}, "release"),
        ({"question": "q", "filters": {"kind": "figure"}}, "filters.kind"),
        ({"question": "q", "filters": {"fiscal_year": -1}}, "filters.fiscal_year"),
        ({"question": "q", "filters": {"company": "c" * 201}}, "filters.company"),
        ({"question": "q", "filters": {"colour": "red"}}, "filters.colour"),
        ({"question": "q", "q": 1}, "q"),
        ([], ""),
    ],
)
def test_a_wrong_field_is_422_and_named(client: TestClient, body: Any, field: str) -> None:
    problem = _problem(client.post("/v1/ask", json=body), 422, "invalid_request")
    assert [wrong["field"] for wrong in problem["errors"]] == [field]


@pytest.mark.parametrize("content", ["{", "", '{"question": "\\ud800", "k": "\\ud800"}', "\xff"])
def test_a_body_that_cannot_be_read_is_422(client: TestClient, content: str) -> None:
    response = client.post(
        "/v1/ask",
        content=content.encode("latin-1"),
        headers={"content-type": "application/json"},
    )
    assert response.status_code in {400, 422}
    _problem(response, response.status_code, "invalid_request")


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("search", {"query": QUESTION, "release": "r9999"}),
        ("ask", {"question": QUESTION, "release": "r9999"}),
        ("ask", {"question": QUESTION, "release": "r9999", "stream": True}),
        ("compare", {"question": QUESTION, "a": "r0001", "b": "r9999"}),
        ("releases/r9999/promote", {}),
    ],
)
def test_an_unknown_release_is_404(client: TestClient, route: str, body: dict[str, Any]) -> None:
    assert "r9999" in _problem(client.post(f"/v1/{route}", json=body), 404, "not_found")["detail"]


def test_without_a_live_release_404_says_what_to_run(tmp_path: Path) -> None:
    with _serve(World(tmp_path)) as client:
        response = client.post("/v1/ask", json={"question": QUESTION})
        assert "ragloop ingest" in _problem(response, 404, "not_found")["detail"]
        nothing: dict[str, Any] = {"live": None, "releases": [], "previous": None}
        assert client.get("/v1/releases").json() == nothing


def test_releases_are_listed_promoted_and_rolled_back(client: TestClient) -> None:
    before = client.get("/v1/releases").json()
    assert before["live"] == "r0001"
    assert [(r["release"], r["state"]) for r in before["releases"]] == [
        ("r0001", "live"),
        ("r0002", "candidate"),
    ]
    assert {"release", "state", "model", "chunks", "dims", "created"} <= before["releases"][
        0
    ].keys()
    promoted = client.post("/v1/releases/r0002/promote").json()
    assert (promoted["release"], promoted["state"]) == ("r0002", "live")
    assert client.get("/v1/releases").json()["live"] == "r0002"
    assert client.post("/v1/releases/rollback").json()["release"] == "r0001"
    _problem(client.post("/v1/releases/rollback"), 404, "not_found")


def test_force_is_passed_on(client: TestClient, world: World) -> None:
    def promote(release: str, force: bool = False) -> Any:
        if not force:
            raise GateRejected("ndcg@10 fell; promote with force to override")
        return world.releases.get(release)

    world.promote = promote  # type: ignore[method-assign]
    response = client.post("/v1/releases/r0002/promote", json={"force": False})
    assert "ndcg@10" in _problem(response, 409, "gate_rejected")["detail"]
    forced = client.post("/v1/releases/r0002/promote", json={"force": True})
    assert forced.status_code == 200


def test_an_operator_who_comes_too_late_gets_409(client: TestClient, world: World) -> None:
    def promote(release: str, force: bool = False) -> Any:
        raise ReleaseConflict("release r0003 is live, not r0001: try again")

    world.promote = promote  # type: ignore[method-assign]
    response = client.post("/v1/releases/r0002/promote", json={"force": True})
    problem = _problem(response, 409, "release_conflict")
    assert problem["retryable"] is True


@pytest.mark.parametrize("path", ["r0002/promote", "rollback"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_page_cannot_change_the_live_release(
    client: TestClient, path: str, site: str
) -> None:
    response = client.post(f"/v1/releases/{path}", headers={"Sec-Fetch-Site": site})
    _problem(response, 403, "forbidden")
    assert client.get("/v1/releases").json()["live"] == "r0001"


def test_documents_are_listed(client: TestClient) -> None:
    (document,) = client.get("/v1/documents").json()["documents"]
    assert document["document"] == INCOME.document
    assert (document["company"], document["fiscal_year"]) == ("ALDER MILLS CORP", 2023)
    assert (document["pages"], document["chunks"], document["tables"]) == (8, 8, 4)


def test_feedback_is_kept_one_line_each(client: TestClient, world: World) -> None:
    for verdict in ("good", "bad"):
        body = {"question": QUESTION, "release": "r0001", "verdict": verdict, "comment": "a\nb"}
        assert client.post("/v1/feedback", json=body).status_code == 204
    lines = (world.home / "feedback.jsonl").read_text().splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == ["good", "bad"]
    assert json.loads(lines[0])["comment"] == "a\nb"
    _problem(client.post("/v1/feedback", json=body | {"verdict": "?"}), 422, "invalid_request")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "request_id"),
        ({"question": QUESTION, "verdict": "good"}, "release"),
        ({"request_id": "q1"}, "verdict"),
        ({"request_id": "q1", "verdict": "good", "release": "r0001"}, "leave them out"),
        ({"used": "d.1"}, "request_id"),
    ],
)
def test_feedback_is_of_a_request_or_of_an_answer(
    client: TestClient, body: dict[str, str], says: str
) -> None:
    response = client.post("/v1/feedback", json=body)
    assert says in _problem(response, 422, "invalid_request")["detail"]


def test_a_response_names_its_request(client: TestClient) -> None:
    found = client.post("/v1/search", json={"query": QUESTION, "client": "c"}).json()
    assert found["experiment"] is None
    body = {"request_id": found["request_id"], "verdict": "good"}
    problem = _problem(client.post("/v1/feedback", json=body), 404, "not_found")
    assert "inside an experiment" in problem["detail"]


def test_feedback_that_cannot_be_stored_is_an_error(client: TestClient, world: World) -> None:
    (world.home / "feedback.jsonl").mkdir()
    body = {"question": QUESTION, "release": "r0001", "verdict": "good"}
    assert (
        "RAGLOOP_HOME" in _problem(client.post("/v1/feedback", json=body), 500, "config")["detail"]
    )


def test_healthz_is_of_the_process_alone(client: TestClient, world: World) -> None:
    world.checks = {"redis": "not reached"}
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_tells_what_is_not_ready(client: TestClient, world: World) -> None:
    world.notes = {"llm": "not reached"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    world.checks = {"redis": "not reached", "model": "ok"}
    waiting = client.get("/readyz")
    assert waiting.status_code == 503
    assert waiting.json() == {
        "ready": False,
        "process": os.getpid(),
        "checks": world.checks,
        "notes": {"llm": "not reached"},
    }
    kind = waiting.headers["content-type"]
    documented = client.get("/openapi.json").json()["paths"]["/readyz"]["get"]["responses"]
    assert kind in documented["503"]["content"]


def test_unknown_paths_and_methods_are_problems_too(client: TestClient) -> None:
    _problem(client.get("/v1/nothing"), 404, "not_found")
    _problem(client.get("/v1/ask"), 405, "invalid_request")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable("Redis is not reached: set RAGLOOP_REDIS_URL"), 503, "store_unavailable"),
        (ZeroDivisionError("secret"), 500, "internal"),
    ],
)
def test_an_error_of_a_store_becomes_a_problem(
    client: TestClient, world: World, error: Exception, status: int, code: str
) -> None:
    def fail() -> Any:
        raise error

    world.chunks.documents = fail  # type: ignore[method-assign]
    problem = _problem(client.get("/v1/documents"), status, code)
    assert "secret" not in json.dumps(problem)
    assert problem["retryable"] is (isinstance(error, RagloopError) and error.retryable)


def test_blocking_work_does_not_run_on_the_event_loop(client: TestClient, world: World) -> None:
    threads: set[int] = set()

    def note() -> None:
        threads.add(threading.get_ident())

    embedder = world.serving.pin().embedder
    embedder.on_query = note  # type: ignore[attr-defined]
    loop_thread = _loop_thread(client)
    for path, body in (
        ("search", {"query": QUESTION}),
        ("ask", {"question": QUESTION}),
        ("compare", {"question": QUESTION, "a": "r0001", "b": "r0001"}),
    ):
        assert client.post(f"/v1/{path}", json=body).status_code == 200
    client.get("/readyz")
    assert threads
    assert loop_thread not in threads | world.threads


def _loop_thread(client: TestClient) -> int:
    assert client.portal is not None
    ident: Callable[[], int] = threading.get_ident
    return client.portal.call(ident)


def test_openapi_names_every_route(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {
        "/v1/ask", "/v1/search", "/v1/compare", "/v1/releases", "/v1/releases/rollback",
        "/v1/releases/{release}/promote", "/v1/documents", "/v1/chat/completions", "/v1/models",
        "/v1/models/{model}", "/v1/feedback", "/v1/experiment",
        "/healthz", "/readyz",
    } <= paths.keys()  # fmt: skip
