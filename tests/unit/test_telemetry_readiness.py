"""What is not ready, and why: told in time, whatever hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rag_service import readiness
from rag_service.adapters.llm_probe import problem
from rag_service.core.api_keys import digest
from rag_service.core.errors import StoreUnavailable
from rag_service.core.settings import Settings
from rag_service.core.types import ApiKey, Release
from rag_service.loop.jobs import JobStore
from rag_service.readiness import NOTES, ReadinessChecks
from tests.fakes.answering import World
from tests.fakes.filings import filing
from tests.fakes.served import served


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_release("ma", filing("Alder Mills", 2023), live=True)
    world.serving.pin()
    return world


def checks(world: World, llm: str = "", worker: bool = True, **settings: Any) -> ReadinessChecks:
    return ReadinessChecks(
        Settings(home=world.home, **settings),
        world.releases,
        world.serving,
        world.keys,
        lambda: llm,
        lambda: worker,
    )


def test_all_is_well(world: World) -> None:
    found = checks(world)()
    assert found.ready
    assert found.checks == {"redis": "ok", "release": "ok", "encoder": "ok"}
    assert found.notes.keys() == {"llm", "disk", "worker"}
    assert found.notes["worker"] == "ok"


def test_searches_do_without_llm_worker_and_keys(world: World) -> None:
    found = checks(world, "Ollama does not answer", worker=False, host="0.0.0.0")()
    assert found.ready
    assert found.notes["llm"] == "Ollama does not answer"
    assert "ragloop worker" in found.notes["worker"]
    assert "ragloop keys create" in found.notes["keys"]
    assert found.notes.keys() <= set(NOTES)
    world.keys.add(digest("rl_x"), ApiKey("x", frozenset({"ask"}), "2024-01-01T00:00:00Z"))
    assert checks(world, host="0.0.0.0")().notes["keys"] == "ok"


def test_without_a_live_release_it_is_not_ready(tmp_path: Path) -> None:
    found = checks(World(tmp_path))()
    assert not found.ready
    assert "ingest" in found.checks["release"]
    assert "encoder" not in found.checks


def test_an_encoder_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", filing("Alder Mills", 2023), live=True)
    world.registry.forget("ma")
    ready = checks(world)
    ready()
    world.serving.close()
    found = checks(world)()
    assert not found.ready
    assert "cannot be loaded: model ma is not registered" in found.checks["encoder"]


def test_redis_that_is_away_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Release:
        raise StoreUnavailable("Redis does not answer")

    monkeypatch.setattr(world.releases, "current", away)
    found = checks(world)()
    assert not found.ready
    assert found.checks == {"redis": "Redis does not answer"}
    assert found.notes["worker"] == "ok"


def test_redis_that_hangs_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    asked: list[int] = []

    def hang() -> None:
        asked.append(1)
        go_on.wait(30)

    monkeypatch.setattr(world.releases, "current", hang)
    monkeypatch.setattr(readiness, "_WAIT_SECONDS", 0.1)
    ready = checks(world)
    began = time.monotonic()
    for _ in range(3):
        found = ready()
        assert not found.ready
        assert found.checks["redis"] == "no answer within 0.1 s"
    assert time.monotonic() - began < 5
    go_on.set()
    assert len(asked) == 1, "one thread waits, however often is asked"


def test_a_worker_of_the_home_is_seen(tmp_path: Path) -> None:
    jobs, same_home = JobStore(tmp_path), JobStore(tmp_path)
    assert not same_home.are_worked_off()
    with jobs.working_off(lambda: None):
        assert same_home.are_worked_off()
    assert not same_home.are_worked_off()


async def _tags(_: Request) -> Response:
    return JSONResponse({"models": [{"name": "llama3.2:3b"}, {"name": "small:latest"}]})


async def _models(request: Request) -> Response:
    known = request.headers.get("authorization") == "Bearer right"
    return JSONResponse({"data": []}, 200 if known else 401)


async def _broken(_: Request) -> Response:
    return Response(status_code=502)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    routes = [
        Route("/api/tags", _tags),
        Route("/v1/models", _models),
        Route("/broken/models", _broken),
    ]
    with served(Starlette(routes=routes)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("llm", "settings", "told"),
    [
        ("none", {}, ""),
        ("embedded", {}, "is not pulled yet"),
        ("ollama:llama3.2:3b", {"ollama_host": "{}"}, ""),
        ("ollama:small", {"ollama_host": "{}/"}, ""),
        ("ollama:large", {"ollama_host": "{}"}, "ollama pull large"),
        ("ollama:small", {"ollama_host": "{}/nowhere"}, "RAGLOOP_OLLAMA_HOST"),
        ("ollama:small", {"ollama_host": "http://127.0.0.1:1"}, "RAGLOOP_OLLAMA_HOST"),
        ("openai:x", {"openai_base_url": "{}/v1", "openai_api_key": "right"}, ""),
        ("openai:x", {"openai_base_url": "{}/v1"}, "RAGLOOP_OPENAI_API_KEY"),
        ("openai:x", {"openai_base_url": "{}/broken"}, "answers 502"),
        ("openai:x", {"openai_base_url": "{}/other"}, ""),
        ("openai:x", {"openai_base_url": "http://127.0.0.1:1/v1"}, "RAGLOOP_OPENAI_BASE_URL"),
        ("openai:x", {}, "RAGLOOP_OPENAI_BASE_URL"),
    ],
)
def test_an_llm_that_cannot_be_asked_is_told(
    llm: str, settings: dict[str, str], told: str, server: str, tmp_path: Path
) -> None:
    named = {name: value.replace("{}", server) for name, value in settings.items()}
    found = problem(Settings(home=tmp_path, cache=tmp_path, llm=llm, **named))  # type: ignore[arg-type]
    assert told in found
    assert bool(found) == bool(told)
