"""Every queue of jobs keeps these promises: the one on RQ and its fake."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from rag_service.adapters.redis_client import connect
from rag_service.core.errors import InvalidRequest, NotFound
from rag_service.core.protocols import JobQueue
from rag_service.core.types import JobState
from tests.fakes.at_once import comes_true
from tests.fakes.job_worker import queue_on
from tests.fakes.jobs import FakeJobQueue

Worked = Callable[[], None]
"""Has a worker do what is queued."""


@pytest.fixture(scope="module")
def worked_namespace(redis_url: str) -> Iterator[str]:
    """A namespace whose jobs a worker process does."""
    namespace = f"t{uuid4().hex[:16]}"
    command = [sys.executable, "-m", "tests.fakes.job_worker", redis_url, namespace]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as worker:
        yield namespace
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


@pytest.fixture(params=["fake", "rq"])
def queue(request: pytest.FixtureRequest) -> Iterator[JobQueue]:
    """One that no worker looks at."""
    if request.param == "fake":
        yield FakeJobQueue()
        return
    client = request.getfixturevalue("client")
    queue = queue_on(client, request.getfixturevalue("namespace"))
    yield queue
    queue.close()


@pytest.fixture(params=["fake", "rq"])
def worked(request: pytest.FixtureRequest) -> Iterator[tuple[JobQueue, Worked]]:
    if request.param == "fake":
        fake = FakeJobQueue()
        yield fake, lambda: work_off(fake)
        return
    client = connect(request.getfixturevalue("redis_url"))
    queue = queue_on(client, request.getfixturevalue("worked_namespace"))

    def work() -> None:
        assert comes_true(lambda: all(record.over for record in queue.all()))

    yield queue, work
    queue.close()
    client.close()


def work_off(fake: FakeJobQueue) -> None:
    while record := fake.take():
        fake.report(record.job, record.kind, 1, 2)
        fake.log(record.job, f"a line of {record.kind}")
        if "fail" in record.arguments:
            fake.end(record.job, reason=record.arguments["fail"])
        else:
            fake.report(record.job, record.kind, 2, 2)
            fake.end(record.job, {"kind": record.kind}, record.arguments.get("refuse", ""))


def states(queue: JobQueue, job: str) -> list[JobState]:
    return [event.data["state"] for event in queue.events(job) if event.name == "state"]


def test_a_job_waits_in_line_and_the_newest_is_listed_first(queue: JobQueue) -> None:
    first = queue.start("ingest", {"paths": ["a.pdf"]})
    second = queue.start("improve", {})
    assert (first.kind, first.arguments, first.state) == ("ingest", {"paths": ["a.pdf"]}, "queued")
    assert first.created.endswith("Z")
    assert (first.started, first.ended, first.result, first.over) == ("", "", None, False)
    assert queue.get(first.job) == first
    assert [record.job for record in queue.all()] == [second.job, first.job]
    assert states(queue, first.job) == ["queued"]


def test_a_queued_job_is_cancelled_at_once_and_can_be_tried_again(queue: JobQueue) -> None:
    job = queue.start("finetune", {}).job
    with pytest.raises(InvalidRequest, match="queued"):
        queue.retry(job)
    cancelled = queue.cancel(job)
    assert cancelled.state == "cancelled"
    assert cancelled.ended >= cancelled.created
    with pytest.raises(InvalidRequest, match="cancelled"):
        queue.cancel(job)
    again = queue.retry(job)
    assert (again.state, again.ended) == ("queued", "")
    assert states(queue, job) == ["queued", "cancelled", "queued"]
    assert queue.cancel(job).state == "cancelled"


def test_what_there_is_not_is_not_found(queue: JobQueue) -> None:
    for ask in (queue.get, queue.cancel, queue.retry, queue.events):
        with pytest.raises(NotFound, match="'nothing'"):
            ask("nothing")


def test_events_are_told_from_the_start_or_from_one_on(
    worked: tuple[JobQueue, Worked],
) -> None:
    queue, work = worked
    job = queue.start("reindex", {}).job
    work()
    events = queue.events(job)
    assert [(event.name, dict(event.data)) for event in events] == [
        ("state", {"state": "queued", "reason": ""}),
        ("state", {"state": "running", "reason": ""}),
        ("progress", {"step": "reindex", "done": 1, "total": 2}),
        ("log", {"line": "a line of reindex"}),
        ("progress", {"step": "reindex", "done": 2, "total": 2}),
        ("state", {"state": "done", "reason": ""}),
    ]
    assert queue.events(job, events[2].event) == events[3:]
    assert queue.events(job, events[-1].event) == []


def test_a_finished_job_has_its_result_and_where_it_was(worked: tuple[JobQueue, Worked]) -> None:
    queue, work = worked
    job = queue.start("reindex", {}).job
    work()
    record = queue.get(job)
    assert (record.state, record.result) == ("done", {"kind": "reindex"})
    assert (record.step, record.done, record.total) == ("reindex", 2, 2)
    assert record.created <= record.started <= record.ended
    listed = next(found for found in queue.all() if found.job == job)
    assert (listed.state, listed.result) == ("done", None)
    for refused in (queue.cancel, queue.retry):
        with pytest.raises(InvalidRequest, match="done"):
            refused(job)


def test_a_job_that_is_done_says_in_the_list_what_was_refused_in_it(
    worked: tuple[JobQueue, Worked],
) -> None:
    queue, work = worked
    job = queue.start("ingest", {"refuse": "refused: a.pdf: encrypted"}).job
    work()
    listed = next(found for found in queue.all() if found.job == job)
    assert (listed.state, listed.reason) == ("done", "refused: a.pdf: encrypted")
    told = [event.data for event in queue.events(job) if event.name == "state"]
    assert told[-1] == {"state": "done", "reason": "refused: a.pdf: encrypted"}


def test_a_failed_job_says_why_and_fails_anew(worked: tuple[JobQueue, Worked]) -> None:
    queue, work = worked
    job = queue.start("ingest", {"fail": "no such file"}).job
    work()
    failed = queue.get(job)
    assert (failed.state, failed.reason, failed.result) == ("failed", "no such file", None)
    queue.retry(job)
    work()
    assert states(queue, job) == ["queued", "running", "failed"] * 2
    assert queue.get(job).reason == "no such file"
