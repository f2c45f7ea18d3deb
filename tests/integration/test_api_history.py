"""The routes about what was measured, over fake stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag_service.api.app import create_app
from rag_service.core.types import GateDecision, ModelCard
from tests.fakes.answering import World
from tests.fakes.filings import filing
from tests.unit import report_cases as cases


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(lambda: nullcontext(world))) as client:
        yield client


def measure(world: World, name: str = "people") -> None:
    before = cases.run("r0001", cases.scores(cases.COUNT, 1), question_set=name)
    after = cases.run(
        "r0002",
        cases.scores(cases.COUNT, 1, 0.5),
        question_set=name,
        created="2025-01-02T00:00:00Z",
    )
    for run in (before, after):
        world.history.add(run, cases.questions(cases.COUNT, "<script>x</script>", name))
    world.history.add_decision(before, after, GateDecision(True, cases.REASONS))


def test_history_tells_figures_and_decisions(world: World, client: TestClient) -> None:
    assert client.get("/v1/history").json() == {"measure": "ndcg@10", "points": []}
    measure(world)
    before, after = client.get("/v1/history").json()["points"]
    assert (before["release"], before["decision"]) == ("r0001", None)
    assert after["low"] < after["value"] < after["high"]
    assert after["decision"]["promoted"] is True
    assert after["decision"]["reasons"] == list(cases.REASONS)
    assert after["decision"]["before"] == "r0001"
    judged = client.get(f"/v1/history/{after['run']}").json()
    assert judged["difference"]["ndcg@10"]["value"] > 0
    assert client.get(f"/v1/history/{before['run']}").status_code == 404


def test_the_report_is_a_page_without_scripts_in_a_sandbox(
    world: World, client: TestClient
) -> None:
    measure(world)
    response = client.get("/v1/report")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert {"default-src 'none'", "sandbox", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "script-src" not in policy
    page = cases.Page(response.text)
    assert not page.wrong
    assert not page.all("script")
    assert "<script>x</script>" in page.text


def test_the_report_of_one_question_set(world: World, client: TestClient) -> None:
    assert client.get("/v1/report").json()["code"] == "not_found"
    measure(world)
    measure(world, "others")
    assert "people" not in client.get("/v1/report", params={"dataset": "others"}).text
    response = client.get("/v1/report", params={"dataset": "nobody"})
    assert response.status_code == 404
    assert "others, people" in response.json()["detail"]


def test_releases_tell_of_their_model_their_users_and_the_way_back(
    world: World, client: TestClient
) -> None:
    chunks = filing("Alder Mills", 2023)
    for model in ("ma", "mb"):
        world.add_release(model, chunks, live=True)
    card = ModelCard("mb", "tuned", "", 64, 256, "", "", "2025", base="ma")
    world.registry._cards["mb"] = card
    world.registry._cards["ma"] = replace(card, fingerprint="ma", name="plain", base="")
    world.releases.use("r0001", "somebody", 60)
    document = client.get("/v1/releases").json()
    assert (document["live"], document["previous"]) == ("r0002", "r0001")
    first, second = document["releases"]
    assert (first["model_name"], first["base"], first["users"]) == ("plain", "", 1)
    assert (second["model_name"], second["base"]) == ("tuned", "ma")
