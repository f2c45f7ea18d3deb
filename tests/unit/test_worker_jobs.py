"""What the process of a job tells of its work, and how it waits for a lock."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from rag_service import worker
from rag_service.core.errors import JobRunning, StoreUnavailable
from tests.fakes.stores import FakeClaimStore


class Events:
    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.gone = False

    def progress(self, *told: Any) -> None:
        self.told.append(told)

    def state(self, *told: Any) -> None:
        self.told.append(told)

    def log(self, *told: Any) -> None:
        if self.gone:
            raise StoreUnavailable("Redis is gone")
        self.told.append(told)


@pytest.fixture
def events() -> Events:
    return Events()


def test_the_beginning_and_the_end_of_a_step_are_told_and_little_between(events: Events) -> None:
    progress = worker._Told(events, "j")  # type: ignore[arg-type]
    for file in range(3):
        progress("ingest", file, 3)
        for chunk in range(1, 1001):
            progress("embed", chunk, 1000)
    progress("ingest", 3, 3)
    assert events.told[:2] == [("j", "ingest", 0, 3), ("j", "embed", 1, 1000)]
    assert events.told[-1] == ("j", "ingest", 3, 3)
    assert events.told.count(("j", "embed", 1000, 1000)) == 3
    assert len(events.told) < 50


def test_one_home_at_a_time_runs_the_jobs_of_a_namespace(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    claims = FakeClaimStore()
    asked: list[float] = []
    with worker._alone_on(claims, "ragloop", "host:/first:1") as still_alone:
        assert still_alone()
        with worker._alone_on(claims, "ragloop", "host:/first:1"):
            pass  # at once, from one of its own home, which must have died
        assert still_alone()

        def wait(seconds: float) -> None:
            asked.append(seconds)
            claims.give_back("worker", ["worker"], "host:/first:1")

        monkeypatch.setattr("rag_service.worker.time.sleep", wait)
        with worker._alone_on(claims, "ragloop", "host:/second:2"):
            assert len(asked) == 1
            assert "give each home a Redis or a RAGLOOP_NAMESPACE of its own" in caplog.text
            assert not still_alone()


def test_a_worker_that_was_not_heard_of_for_long_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "_CLAIM_SECONDS", 0.05)
    monkeypatch.setattr(worker, "_WAIT_SECONDS", 0.02)
    claims = FakeClaimStore()
    with (
        worker._alone_on(claims, "ragloop", "host:/first:1"),
        worker._alone_on(claims, "ragloop", "host:/second:2") as still_alone,
    ):
        assert still_alone()


def test_what_a_job_refused_is_told_though_it_is_done() -> None:
    def document(name: str, status: str = "added", message: str = "") -> dict[str, str]:
        return {"document": name, "status": status, "message": message}

    broken = document("a.pdf", "refused", "it is encrypted")
    assert worker.refused({"release": "r0002"}) == ""
    assert worker.refused({"documents": [document("b.pdf")]}) == ""
    assert worker.refused({"documents": [broken]}) == "refused: a.pdf: it is encrypted"
    several = worker.refused({"documents": [document("b.pdf"), *[broken] * 5]})
    assert several.startswith("5 of 6 files refused: a.pdf: it is encrypted; a.pdf")
    assert several.count("a.pdf") == 3
    assert worker.refused({"gate": {"promoted": True, "reasons": ["better"]}}) == ""
    no = {"gate": {"promoted": False, "reasons": ["not proven", "slower"]}}
    assert worker.refused(no) == "refused by the gate: not proven; slower"


def test_work_that_meets_a_lock_is_tried_until_it_is_free(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_WAIT_SECONDS", 0.001)
    locked = iter([True, True, False])

    def work() -> dict[str, Any]:
        if next(locked):
            raise JobRunning("another job runs in /home")
        return {"done": True}

    told = worker._Told(events, "j")  # type: ignore[arg-type]
    assert worker._when_free(work, told) == {"done": True}
    told("ingest", 0, 1)
    assert events.told == [
        ("j", "running", "waits: another job runs in /home"),
        ("j", "running", ""),
        ("j", "ingest", 0, 1),
    ]


def test_lines_of_the_log_are_events_and_a_lost_redis_is_no_error_of_the_work(
    events: Events, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = worker._JobLog(events, "j")  # type: ignore[arg-type]
    record = logging.LogRecord("rag_service", logging.INFO, "", 0, "read %s", ("a.pdf",), None)
    handler.emit(record)
    assert events.told == [("j", "read a.pdf")]
    events.gone = True
    handler.emit(record)
    assert "Redis is gone" in capsys.readouterr().err
