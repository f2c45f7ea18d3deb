"""Jobs over HTTP: started, listed, followed, cancelled and tried again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from rag_service.api import jobs as routes
from rag_service.api.app import create_app
from rag_service.api.http_server import SERVER_OPTIONS
from tests.fakes.answering import World
from tests.fakes.at_once import comes_true
from tests.fakes.jobs import FakeJobQueue
from tests.fakes.served import served

IMPROVE = {"kind": "improve", "arguments": {"questions": 60}}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(routes, "_LOOK_SECONDS", 0.01)
    return World(tmp_path)


@pytest.fixture
def queue(world: World) -> FakeJobQueue:
    return world.queue


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(lambda: nullcontext(world)), base_url="http://127.0.0.1") as client:
        yield client


def events_of(text: str) -> list[tuple[str, Any]]:
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if fields:
            events.append((fields["event"], json.loads(fields["data"])))
    return events


def test_a_job_is_started_and_listed_and_told_with_its_result(
    client: TestClient, queue: FakeJobQueue
) -> None:
    started = client.post("/v1/jobs", json=IMPROVE)
    assert started.status_code == 202
    job = started.json()
    assert (job["kind"], job["state"], job["result"]) == ("improve", "queued", None)
    assert job["arguments"]["questions"] == 60
    queue.take()
    queue.report(job["job"], "training", 3, 9)
    told = client.get(f"/v1/jobs/{job['job']}").json()
    assert (told["state"], told["step"], told["done"], told["total"]) == (
        "running",
        "training",
        3,
        9,
    )
    queue.end(job["job"], {"gate": {"promoted": True}})
    assert client.get(f"/v1/jobs/{job['job']}").json()["result"] == {"gate": {"promoted": True}}
    other = client.post("/v1/jobs", json={"kind": "finetune"}).json()
    listed = client.get("/v1/jobs").json()["jobs"]
    assert [(found["job"], found["result"]) for found in listed] == [
        (other["job"], None),
        (job["job"], None),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "sing", "arguments": {}}, "kind"),
        ({"kind": "improve", "arguments": {"questions": 3}}, "questions"),
        ({"kind": "improve", "arguments": {"questions_file": "/etc/passwd"}}, "questions_file"),
        ({"kind": "finetune", "arguments": {"train_data": "x.csv"}}, "train_data"),
        ({"kind": "reindex", "arguments": {}}, "model"),
        ({"kind": "reindex", "arguments": {"model": "m", "algorithm": "guess"}}, "algorithm"),
        ({"kind": "judge", "arguments": {}}, "release"),
        ({"kind": "judge", "arguments": {"release": "r0002", "dataset": "/etc"}}, "dataset"),
        ({"kind": "ingest", "arguments": {"paths": []}}, "paths"),
        ({"kind": "ingest", "arguments": {"paths": ["a"]}, "more": 1}, "more"),
    ],
)
def test_what_a_kind_of_job_does_not_take_is_refused_and_nothing_queued(
    client: TestClient, queue: FakeJobQueue, body: dict[str, Any], field: str
) -> None:
    refused = client.post("/v1/jobs", json=body)
    assert refused.status_code == 422
    assert field in refused.json()["detail"]
    assert queue.all() == []


def test_cancel_and_retry_say_what_became_of_the_job(
    client: TestClient, queue: FakeJobQueue
) -> None:
    job = queue.start("improve", {}).job
    assert client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    again = client.post(f"/v1/jobs/{job}/cancel")
    assert (again.status_code, again.json()["code"]) == (422, "invalid_request")
    assert client.post(f"/v1/jobs/{job}/retry").json()["state"] == "queued"
    assert client.post(f"/v1/jobs/{job}/retry").status_code == 422


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry")]
)
def test_an_unknown_job_is_not_found(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, f"/v1/jobs/nothing{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_events_of_a_job_that_is_over_are_replayed_and_end(
    client: TestClient, queue: FakeJobQueue
) -> None:
    job = queue.start("ingest", {}).job
    queue.take()
    queue.report(job, "ingest", 1, 2)
    queue.log(job, "one line\nand another")
    queue.end(job, reason="no room")
    answer = client.get(f"/v1/jobs/{job}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    whole = [
        ("state", {"state": "queued", "reason": ""}),
        ("state", {"state": "running", "reason": ""}),
        ("progress", {"step": "ingest", "done": 1, "total": 2}),
        ("log", {"line": "one line\nand another"}),
        ("state", {"state": "failed", "reason": "no room"}),
    ]
    assert events_of(answer.text) == whole
    third = answer.text.split("\n\n")[2].rpartition("id: ")[2]
    later = client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": third})
    assert events_of(later.text) == whole[3:]
    wrong = client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": "$"})
    assert wrong.status_code == 422


def test_events_come_as_they_happen_and_a_quiet_stream_is_kept_alive(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "_KEEPALIVE_SECONDS", 0.03)
    queue = world.queue
    job = queue.start("improve", {}).job
    lines: list[str] = []
    with served(create_app(lambda: nullcontext(world))) as port:

        def follow() -> None:
            url = f"http://127.0.0.1:{port}/v1/jobs/{job}/events"
            with httpx.stream("GET", url, timeout=30) as stream:
                lines.extend(stream.iter_lines())

        reader = threading.Thread(target=follow)
        reader.start()
        assert comes_true(lambda: ": ping" in lines, 20)
        assert "event: progress" not in lines
        queue.take()
        queue.report(job, "training", 1, 2)
        assert comes_true(lambda: "event: progress" in lines, 20)
        queue.end(job, {})
        reader.join(20)
        assert not reader.is_alive(), "the stream ends with its job"
    assert events_of("\n".join(lines))[-1] == ("state", {"state": "done", "reason": ""})


def test_the_stream_of_a_client_that_leaves_ends(world: World) -> None:
    queue = world.queue
    job = queue.start("improve", {}).job
    asked: list[str] = []
    events = queue.events

    def noted(job: str, after: str = "") -> Any:
        asked.append(after)
        return events(job, after)

    queue.events = noted  # type: ignore[method-assign]
    with served(create_app(lambda: nullcontext(world))) as port:
        url = f"http://127.0.0.1:{port}/v1/jobs/{job}/events"
        with httpx.stream("GET", url, timeout=30) as stream:
            next(stream.iter_lines())
        quiet = threading.Event()

        def nobody_asks() -> bool:
            seen = len(asked)
            quiet.wait(0.1)
            return len(asked) == seen

        assert comes_true(nobody_asks, 10)


def test_a_state_that_no_event_tells_is_told_at_the_end(
    client: TestClient, queue: FakeJobQueue
) -> None:
    job = queue.start("improve", {}).job
    queue.take()
    queue.end(job, {})
    queue.events = lambda job, after="": []  # type: ignore[method-assign]
    answer = client.get(f"/v1/jobs/{job}/events")
    assert events_of(answer.text) == [("state", {"state": "done", "reason": ""})]


def test_a_service_that_is_stopped_does_not_wait_for_the_end_of_a_job(world: World) -> None:
    job = world.queue.start("improve", {}).job
    followed: list[str] = []

    def follow(port: int) -> None:
        url = f"http://127.0.0.1:{port}/v1/jobs/{job}/events"
        with suppress(httpx.TransportError), httpx.stream("GET", url, timeout=30) as stream:
            followed.extend(stream.iter_lines())

    with served(create_app(lambda: nullcontext(world)), **SERVER_OPTIONS) as port:
        reader = threading.Thread(target=follow, args=[port])
        reader.start()
        assert comes_true(lambda: "event: state" in followed, 20)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    reader.join(10)
    assert not reader.is_alive()
