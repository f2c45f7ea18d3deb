"""Commands over fake stores, and what they say of a system that refuses."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag_service.adapters.redis_client import connect
from rag_service.core.addresses import without_secrets
from rag_service.core.errors import ConfigError
from tests.fakes.answering import World
from tests.fakes.filings import filing
from tests.integration.command_line import CommandLine

CHUNKS = filing("Alder Mills", 2023)
QUESTION = "What were net sales of Alder Mills in 2023?"
NOWHERE = "redis://somebody:hunter2@127.0.0.1:1/0"


@pytest.fixture
def ragloop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, {}, monkeypatch, capfd)


def test_a_port_that_is_taken_is_said_before_anything_starts(ragloop: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = ragloop("serve", "--port", port)
    assert outcome.status == 2
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in outcome.stderr
    assert "serves" not in outcome.stderr


def test_a_group_without_a_command_shows_its_help_and_no_error(ragloop: CommandLine) -> None:
    outcome = ragloop("keys")
    assert outcome.status == 2
    assert "error" not in outcome.stderr


class Opened:
    """Stands in for ``open_services``; counts how often services are opened."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.times = 0

    @contextmanager
    def __call__(self, *_: object, **__: object) -> Iterator[World]:
        self.times += 1
        yield self.world


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    return Opened(world)


def test_compare_on_a_question_shows_both_sides(
    ragloop: CommandLine, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag_service.cli.asking.open_services", opened)
    outcome = ragloop("compare", "r0001", "r0002", "--question", QUESTION)
    assert outcome.status == 0, outcome.stderr
    comparison = ragloop("compare", "r0001", "r0002", "--question", QUESTION, "--json").document
    for side in (comparison["a"], comparison["b"]):
        assert f"release {side['release']}" in outcome.stdout
        assert side["answer"]["answer"] in outcome.stdout
        hit = side["hits"][-1]
        assert f"{hit['rank']:>3}  {hit['score']:.3f}  {hit['document']} p. " in outcome.stdout
    assert f"rbo {comparison['rbo']:.2f}, jaccard {comparison['jaccard']:.2f}" in outcome.stdout


def test_serve_hands_its_services_to_the_app(
    ragloop: CommandLine, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(app: Any, **options: Any) -> None:
        assert options["port"] == 8123
        with TestClient(app) as client:
            opened.world.serving.close()
            assert opened.world.registry.loads == ["ma"], "the encoder is loaded before a request"
            assert client.post("/v1/search", json={"query": QUESTION}).status_code == 200

    monkeypatch.setattr("rag_service.api.processes.open_services", opened)
    monkeypatch.setattr("uvicorn.run", run)
    outcome = ragloop("serve", "--port", "8123", "--no-worker")
    assert (outcome.status, opened.times) == (0, 2), outcome.stderr


def test_no_jobs_and_refusing_ones_are_told_in_words(
    ragloop: CommandLine, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag_service.cli.jobs.open_services", opened)
    assert ragloop("jobs").stdout.startswith("no jobs")
    assert ragloop("jobs", "--json").document == {"jobs": []}
    queue = opened.world.queue
    refused = {"documents": [{"document": "a.pdf", "status": "refused"}]}
    queue.end(queue.start("ingest", {}).job, refused, "refused: a.pdf: it is encrypted")
    assert "refused: a.pdf: it is encrypted" in ragloop("jobs").stdout
    [listed] = ragloop("jobs", "--json").document["jobs"]
    assert (listed["state"], listed["reason"]) == ("done", "refused: a.pdf: it is encrypted")


def test_a_name_of_no_model_is_wrong_usage(ragloop: CommandLine) -> None:
    outcome = ragloop("models", "pull", "nowhere", "--json")
    assert (outcome.status, outcome.error["code"]) == (2, "model")


def test_serve_without_redis_says_so(ragloop: CommandLine) -> None:
    outcome = ragloop("serve", RAGLOOP_REDIS_URL=NOWHERE)
    assert outcome.status == 1
    assert "store_unavailable" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert "hunter2" not in outcome.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_an_error_of_the_system_names_the_file(
    ragloop: CommandLine, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/disk/models")

    monkeypatch.setattr("rag_service.wiring.make_registry", full)
    outcome = ragloop("models", "list", *(["--json"] if as_json else []))
    assert outcome.status == 1
    said = "/disk/models: No space left on device"
    if as_json:
        assert outcome.error == {"code": "os_error", "message": said, "retryable": False}
    else:
        assert said in outcome.stderr
        assert "Traceback" not in outcome.stderr


def test_a_cache_that_cannot_be_made_is_a_wrong_setting(ragloop: CommandLine) -> None:
    outcome = ragloop("models", "pull", "minilm", "--json", RAGLOOP_CACHE="/dev/null/cache")
    assert (outcome.status, outcome.error["code"]) == (2, "config")
    assert "RAGLOOP_CACHE" in outcome.error["message"]


def test_doctor_hides_the_password_of_redis(ragloop: CommandLine) -> None:
    outcome = ragloop("doctor", "--json", RAGLOOP_REDIS_URL=NOWHERE)
    (redis,) = (c for c in outcome.document["checks"] if c["name"] == "redis")
    assert redis["status"] == "missing"
    assert redis["detail"] == "redis://127.0.0.1:1/0"
    assert "hunter2" not in outcome.stdout + outcome.stderr


def test_doctor_speaks_of_a_reranker_only_where_one_is_named(ragloop: CommandLine) -> None:
    def check(**environment: str) -> dict[str, str] | None:
        outcome = ragloop("doctor", "--json", RAGLOOP_REDIS_URL=NOWHERE, **environment)
        return next((c for c in outcome.document["checks"] if c["name"] == "reranker"), None)

    assert check() is None
    unused = check(RAGLOOP_RERANKER="acme/cross", RAGLOOP_STAGES="vectors,scope")
    assert unused is not None
    assert unused["status"] == "note"
    assert "RAGLOOP_STAGES=vectors,scope,rerank" in unused["mend"]
    gone = check(RAGLOOP_RERANKER="c" + "0" * 16, RAGLOOP_STAGES="vectors,rerank")
    assert gone is not None
    assert gone["status"] == "missing"
    assert "no reranker" in gone["mend"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("rediss://u:p@h:6379/0?db=1", "rediss://h:6379/0"),
        ("unix:///tmp/redis.sock", "unix:///tmp/redis.sock"),
        ("redis://u:p/p@h", "redis://h"),
        ("redis://u:p#p@h", "redis://h"),
        ("redis://u:p?p@h", "redis://…"),
        ("redis://h/0?password=p@p", "redis://…"),
        ("u:p@h:6379", "h:6379"),
        ("redis://[p@h", "redis://h"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_a_wrong_address_does_not_show_its_password() -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_REDIS_URL") as refused:
        connect("redis://user:hunter2/x@127.0.0.1:1/0")
    assert "hunter2" not in refused.value.message
