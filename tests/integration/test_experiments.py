"""A live experiment from its start to the winner's promotion: real Redis, HTTP and commands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient

from rag_service.api.app import create_app
from rag_service.core.errors import ReleaseConflict
from rag_service.core.settings import Settings
from rag_service.core.types import Document, Filters, ModelCard
from rag_service.wiring import Services
from tests.fakes.filings import COMPANIES, filing
from tests.fakes.models import FakeRegistry
from tests.integration.command_line import CommandLine
from tests.unit import ingest_files

QUESTION = "What were net sales of Alder Mills in 2023?"
CLIENTS = [f"client-{number}" for number in range(1000)]


@pytest.fixture
def services(tmp_path: Path, client: redis.Redis, namespace: str) -> Iterator[Services]:
    """Release r0001 is live, r0002 a candidate of another model."""
    settings = Settings(home=tmp_path, namespace=namespace, llm="none", embedding_model="base")
    services = Services(settings, client, background=False)
    cards = [
        ModelCard(name, name, "", 32, 256, "", "", "2026-01-01T00:00:00Z")
        for name in ("base", "better")
    ]
    vars(services)["registry"] = FakeRegistry(cards, dims=32)
    services.ensure_live()
    for company in COMPANIES[:3]:
        chunks = filing(company, 2023)
        first = chunks[0]
        services.writer.put(
            Document(
                first.document_id, first.document, first.facts, 8, len(chunks), 4, "2026-01-01"
            ),
            chunks,
        )
    services.indexer.build(cards[1])
    yield services
    services.close()


@pytest.fixture
def ragloop(
    services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    @contextmanager
    def opened(*_: object) -> Iterator[Services]:
        yield services

    monkeypatch.setattr("rag_service.cli.experimenting.open_services", opened)
    return CommandLine(services.settings.home, {}, monkeypatch, capfd)


@pytest.fixture
def http(services: Services) -> Iterator[TestClient]:
    app = create_app(lambda: nullcontext(services))
    with TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 50000)) as http:
        yield http


def search(http: TestClient, client: str, **more: Any) -> dict[str, Any]:
    response = http.post(
        "/v1/search",
        json={"query": QUESTION, "k": 4, **more},
        headers={"X-Client-Key": client},
    )
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def say(http: TestClient, **feedback: object) -> int:
    return http.post("/v1/feedback", json=feedback).status_code


def test_a_split_to_the_promotion_of_its_winner(
    services: Services, ragloop: CommandLine, http: TestClient, tmp_path: Path
) -> None:
    begun = ragloop("experiment", "start", "r0001", "r0002", "--share", 0.1, "--json").document
    assert http.get("/v1/experiment").json() == {"running": begun, "past": []}

    shown = {client: search(http, client) for client in CLIENTS}
    of_b = [client for client in CLIENTS if shown[client]["release"] == "r0002"]
    assert 70 <= len(of_b) <= 130
    for client in CLIENTS[:50]:
        asked = http.post("/v1/ask", json={"question": QUESTION, "client": client}).json()
        assert asked["release"] == shown[client]["release"]
        assert asked["experiment"] == {"id": begun["experiment"], "kind": "split"}
    assert {hit["model"] for hit in shown[of_b[0]]["hits"]} == {"better"}

    # What others may do meanwhile: take the rival away, and bring a document.
    with pytest.raises(ReleaseConflict, match=begun["experiment"]):
        services.releases.delete("r0002")
    path = ingest_files.filing(tmp_path / "HARROW_2023_10K.pdf")
    (outcome,) = services.ingestion.run([path])
    assert outcome.status == "added"
    only = Filters(documents=(path.name,))
    for release in ("r0001", "r0002"):
        assert services.retriever.search("net sales", 5, only, release).hits
        assert services.indexer.completeness(services.releases.get(release)).complete
    services.ingestion.remove(path.name)
    assert not services.retriever.search("net sales", 5, only, "r0002").hits

    first = shown[of_b[0]]
    assert say(http, request_id=first["request_id"], used=first["hits"][2]["chunk_id"]) == 204
    assert say(http, request_id=first["request_id"], used="0000.11") == 422
    assert say(http, request_id="0" * 32, verdict="good") == 404
    assert say(http, question=QUESTION, verdict="bad", release="r0001") == 204
    stop = "experiment", "stop", "--promote-winner", "--json"
    refused = ragloop(*stop)
    assert (refused.status, refused.error["code"]) == (1, "gate_rejected")

    of_a = [client for client in CLIENTS if client not in of_b]
    for number, client in enumerate([*of_b[1:], *of_a[:150]]):
        good = client in of_b or number % 2 == 0
        assert say(http, request_id=shown[client]["request_id"], verdict=_verdict(good)) == 204
    assert say(http, request_id=first["request_id"], verdict="bad") == 204, "its client has spoken"
    standing = ragloop("experiment", "status", "--json").document["running"]
    assert (standing["b"]["good"], standing["b"]["bad"]) == (len(of_b), 0)
    assert (standing["a"]["good"], standing["a"]["bad"]) == (75, 75)
    assert standing["a"]["rate"]["low"] < 0.5 < standing["a"]["rate"]["high"]
    assert standing["winner"] == "r0002"
    assert "r0002 has won" in ragloop("experiment", "status").stdout

    ended = ragloop(*stop)
    assert ended.status == 0
    assert ended.document["reason"] == "r0002 won and was promoted"
    live = services.releases.current()
    assert live is not None
    assert live.release == "r0002"
    assert search(http, of_a[0])["experiment"] is None
    assert http.get("/v1/experiment").json() == {"running": None, "past": [ended.document]}

    lines = [json.loads(line) for line in (tmp_path / "feedback.jsonl").read_text().splitlines()]
    assert Counter((line["release"], line["model"]) for line in lines) == {
        ("r0001", "base"): 151,
        ("r0002", "better"): len(of_b) + 1,
    }
    assert {line["question"] for line in lines} == {QUESTION}
    assert "client-" not in (tmp_path / "feedback.jsonl").read_text()


def test_interleaving_until_another_release_goes_live(
    services: Services, ragloop: CommandLine, http: TestClient
) -> None:
    start = "experiment", "start", "r0001", "r0002", "--interleave", "--share", 1, "--json"
    begun = ragloop(*start).document
    assert ragloop(*start).status == 2, "one at a time"
    found = {
        side: services.retriever.search(QUESTION, 4, release=begun[side]["release"]).hits
        for side in ("a", "b")
    }
    either = {hit.chunk.chunk_id for hits in found.values() for hit in hits}
    firsts = {hits[0].chunk.chunk_id for hits in found.values()}
    assert len(firsts) == 2, "the releases differ"
    seen: Counter[str] = Counter()
    for client in CLIENTS[:20]:
        document = search(http, client)
        chunks = [hit["chunk_id"] for hit in document["hits"]]
        assert len(set(chunks)) == 4
        assert firsts == set(chunks[:2])
        assert set(chunks) <= either
        assert document["experiment"] == {"id": begun["experiment"], "kind": "interleaving"}
        assert {hit["model"] for hit in document["hits"]} == {None}
        used = found["b"][0].chunk.chunk_id
        assert say(http, request_id=document["request_id"], used=used) == 204
        seen[chunks[0]] += 1
    assert seen.keys() == firsts, "either goes first at times"
    asked = http.post("/v1/ask", json={"question": QUESTION, "client": "client-0"}).json()
    assert (asked["release"], asked["experiment"]) == ("r0001", None)
    standing = http.get("/v1/experiment").json()["running"]
    assert (standing["a"]["good"], standing["b"]["good"]) == (0, 20)
    assert (standing["a"]["requests"], standing["winner"]) == (20, "r0002")

    services.promote("r0002", force=True)
    assert search(http, "client-0")["experiment"] is None
    (past,) = ragloop("experiment", "status", "--json").document["past"]
    assert past["reason"] == "r0002 went live in place of r0001"
    assert ragloop("experiment", "stop", "--json").status == 2


def _verdict(good: bool) -> str:
    return "good" if good else "bad"
