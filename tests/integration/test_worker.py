"""The worker process: killed, stopped, told to end a job, and never two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from rq.job import Job

from rag_service.adapters import rq_jobs, rq_worker
from rag_service.adapters.rq_jobs import TRIES, RqJobQueue
from rag_service.core.errors import NotFound
from rag_service.loop.jobs import JobStore
from tests.fakes.at_once import comes_true
from tests.fakes.job_worker import queue_on

ROOT = Path(__file__).parents[2]
StartWorker = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def queue(client: redis.Redis, namespace: str) -> Iterator[RqJobQueue]:
    queue = queue_on(client, namespace)
    yield queue
    queue.close()


@pytest.fixture
def start_worker(redis_url: str, namespace: str) -> Iterator[StartWorker]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.fakes.job_worker", redis_url, namespace]
        started.append(subprocess.Popen(command, cwd=ROOT))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


class Held:
    """A job that runs until it is let go."""

    def __init__(self, queue: RqJobQueue, folder: Path) -> None:
        self._queue = queue
        self._noted, self._wait = folder / "noted", folder / "go"
        asked = {"noted": str(self._noted), "wait": str(self._wait)}
        self.job = queue.start("improve", asked).job

    @property
    def begun(self) -> int:
        """How often it began."""
        return len(self._noted.read_text().split()) if self._noted.exists() else 0

    def begins(self, times: int) -> bool:
        return comes_true(lambda: self.begun == times)

    def let_go(self) -> None:
        self._wait.touch()

    def becomes(self, state: str) -> bool:
        return comes_true(lambda: self._queue.get(self.job).state == state)

    def reasons(self) -> list[str]:
        events = self._queue.events(self.job)
        return [event.data["reason"] for event in events if event.name == "state"]


def processes_of(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Those that run its jobs."""
    children: list[psutil.Process] = psutil.Process(worker.pid).children()
    return children


def kill_with_its_job(worker: subprocess.Popen[bytes]) -> None:
    [running] = processes_of(worker)
    worker.kill()
    worker.wait()
    assert comes_true(lambda: not running.is_running(), 20), "it ends with its worker"


def test_the_job_of_a_killed_worker_is_finished_by_the_next_one(
    queue: RqJobQueue, start_worker: StartWorker, tmp_path: Path
) -> None:
    held = Held(queue, tmp_path)
    killed = start_worker()
    assert held.begins(1)
    kill_with_its_job(killed)
    assert queue.get(held.job).state == "running"
    held.let_go()
    start_worker()
    assert held.becomes("done")
    assert held.begun == 2
    assert held.reasons()[2].startswith("its worker ended or lost Redis")


def test_a_job_that_dies_again_and_again_fails_with_a_reason(
    queue: RqJobQueue, start_worker: StartWorker, tmp_path: Path
) -> None:
    held = Held(queue, tmp_path)
    worker = start_worker()
    for times in range(1, TRIES + 2):
        assert held.begins(times)
        [running] = processes_of(worker)
        os.kill(running.pid, signal.SIGKILL)
    assert held.becomes("failed")
    reason = queue.get(held.job).reason
    assert "ended by signal 9 (Killed)" in reason
    assert reason.endswith(f"given up after {TRIES + 1} times")
    assert queue.start("ingest", {}).state == "queued"
    assert comes_true(lambda: queue.all()[0].state == "done"), "the next one is run"
    assert held.begun == TRIES + 1


def test_no_secret_is_kept_of_an_error_that_nobody_foresaw(
    queue: RqJobQueue, start_worker: StartWorker, client: redis.Redis
) -> None:
    told = "redis://user:hidden@store:6379 refused Bearer hidden and rl_hidden_hidden"
    job = queue.start("ingest", {"unforeseen": told}).job
    start_worker()
    assert comes_true(lambda: queue.get(job).over)
    assert queue.get(job).reason == "ValueError: redis://…@store:6379 refused Bearer … and …"
    kept = queue.queue.fetch_job(job)
    assert kept is not None
    result = kept.latest_result()
    assert result is not None
    assert "ValueError" in str(result.exc_string)
    assert "hidden" not in str(result.exc_string)


def test_a_job_whose_process_loses_redis_is_not_said_to_lack_memory() -> None:
    assert "status 1" in rq_worker._told_of_end(1 << 8)
    assert "memory" not in rq_worker._told_of_end(1 << 8)
    assert "Segmentation" in rq_worker._told_of_end(signal.SIGSEGV)
    assert "memory" in rq_worker._told_of_end(signal.SIGKILL)


def test_a_running_job_is_cancelled_and_can_go_on_later(
    queue: RqJobQueue, start_worker: StartWorker, tmp_path: Path
) -> None:
    held = Held(queue, tmp_path)
    worker = start_worker()
    assert held.begins(1)
    [running] = processes_of(worker)
    queue.cancel(held.job)
    assert held.becomes("cancelled")
    assert not running.is_running()
    record = queue.get(held.job)
    assert record.ended >= record.started
    held.let_go()
    queue.retry(held.job)
    assert held.becomes("done")
    assert held.begun == 2


def test_a_worker_that_is_stopped_puts_its_job_back_and_counts_no_death(
    queue: RqJobQueue, start_worker: StartWorker, tmp_path: Path
) -> None:
    held = Held(queue, tmp_path)
    worker = start_worker()
    assert held.begins(1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert queue.get(held.job).state == "queued"
    found = queue.queue.fetch_job(held.job)
    assert found is not None
    assert found.retries_left == TRIES
    held.let_go()
    start_worker()
    assert held.becomes("done")


def test_the_job_of_a_dead_worker_can_be_cancelled_before_another_comes(
    queue: RqJobQueue, start_worker: StartWorker, tmp_path: Path
) -> None:
    held = Held(queue, tmp_path)
    killed = start_worker()
    assert held.begins(1)
    kill_with_its_job(killed)
    assert queue.cancel(held.job).state == "cancelled"
    start_worker()
    other = queue.start("ingest", {}).job
    assert comes_true(lambda: queue.get(other).state == "done")
    assert queue.get(held.job).state == "cancelled"
    assert held.begun == 1


def test_of_the_jobs_that_are_over_the_newest_are_kept(
    queue: RqJobQueue, client: redis.Redis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rq_jobs, "_KEPT_JOBS", 3)
    waiting = queue.start("improve", {}).job
    gone, *kept = [queue.cancel(queue.start("ingest", {}).job).job for _ in range(3)]
    queue.start("finetune", {})
    assert [record.job for record in queue.all()][1:] == [*reversed(kept), waiting]
    with pytest.raises(NotFound):
        queue.get(gone)
    assert not [key for key in client.scan_iter("*") if gone in key]


def test_a_long_queue_is_not_looked_through_for_each_job_that_comes(
    queue: RqJobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rq_jobs, "_KEPT_JOBS", 3)
    monkeypatch.setattr(rq_jobs, "_FORGOTTEN_AT_ONCE", 5)
    looked: list[int] = []
    fetch_many = Job.fetch_many

    def counted(ids: Sequence[str], *more: Any) -> Any:
        looked.append(len(ids))
        return fetch_many(ids, *more)

    ended = [queue.cancel(queue.start("ingest", {}).job).job for _ in range(2)]
    waiting = [queue.start("ingest", {}).job for _ in range(12)]
    monkeypatch.setattr(Job, "fetch_many", counted)
    queue.start("ingest", {})
    assert looked == [5]
    monkeypatch.undo()
    assert {record.job for record in queue.all()}.isdisjoint(ended)
    assert {record.job for record in queue.all()} > set(waiting)


def test_jobs_of_other_namespaces_are_not_known(
    queue: RqJobQueue, client: redis.Redis, namespace: str
) -> None:
    job = queue.start("ingest", {}).job
    other = queue_on(client, f"{namespace}-2")
    assert other.all() == []
    with pytest.raises(NotFound):
        other.get(job)
    other.close()


def test_a_second_worker_of_a_home_stands_by_until_the_first_one_ends(tmp_path: Path) -> None:
    told: list[str] = []

    @contextmanager
    def working_off(name: str) -> Iterator[None]:
        with JobStore(tmp_path).working_off(lambda: told.append(f"{name} stands by")):
            told.append(f"{name} works")
            yield

    def second() -> None:
        with working_off("second"):
            pass

    with working_off("first"):
        thread = threading.Thread(target=second)
        thread.start()
        assert comes_true(lambda: "second stands by" in told)
    thread.join(10)
    assert told == ["first works", "second stands by", "second works"]


def test_a_worker_that_is_not_alone_any_more_ends_and_leaves_its_job_to_the_other(
    queue: RqJobQueue, start_worker: StartWorker, client: redis.Redis, namespace: str
) -> None:
    displaced = start_worker()
    first = queue.start("ingest", {}).job
    assert comes_true(lambda: queue.get(first).state == "done")
    client.set(f"{namespace}:displaced", 1)
    second = queue.start("ingest", {}).job
    assert displaced.wait(60) == 1
    assert queue.get(second).state == "queued"
    client.delete(f"{namespace}:displaced")
    start_worker()
    assert comes_true(lambda: queue.get(second).state == "done")
    assert queue.events(second)[-1].data == {"state": "done", "reason": ""}


def test_a_worker_loads_no_torch_before_it_forks() -> None:
    told = (
        "import sys, rag_service.worker, rag_service.adapters.rq_worker, "
        "rag_service.adapters.rq_jobs; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0
