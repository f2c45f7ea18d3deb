"""A queue of jobs in memory; the test is its worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rag_service.core.errors import InvalidRequest, NotFound
from rag_service.core.ids import now
from rag_service.core.types import JobEvent, JobEventName, JobKind, JobRecord, JobState

Check = Callable[[JobKind, Mapping[str, Any]], dict[str, Any]]


class FakeJobQueue:
    """The protocol ``JobQueue``: ``take``, ``report``, ``log`` and ``end`` do a worker's part.

    ``check`` gives the arguments as a job is to have them, or raises InvalidRequest.
    """

    def __init__(self, check: Check = lambda _, arguments: dict(arguments)) -> None:
        self._check = check
        self._records: dict[str, JobRecord] = {}
        self._events: dict[str, list[JobEvent]] = {}

    def start(self, kind: JobKind, arguments: Mapping[str, Any]) -> JobRecord:
        arguments = self._check(kind, arguments)
        job = f"j{len(self._records) + 1:04d}"
        self._records[job] = JobRecord(job, kind, dict(arguments), "queued", now())
        self._events[job] = []
        return self._move(job, "queued")

    def get(self, job: str) -> JobRecord:
        if job not in self._records:
            raise NotFound(f"there is no job {job[:100]!r}")
        return self._records[job]

    def all(self) -> list[JobRecord]:
        return [replace(record, result=None) for record in reversed(self._records.values())]

    def cancel(self, job: str) -> JobRecord:
        record = self.get(job)
        if record.over:
            raise InvalidRequest(f"job {job} is over: {record.state}")
        return self._move(job, "cancelled", "cancelled", ended=now())

    def retry(self, job: str) -> JobRecord:
        record = self.get(job)
        if record.state not in ("failed", "cancelled"):
            raise InvalidRequest(f"job {job} is {record.state}")
        return self._move(job, "queued", started="", ended="", step="", done=0, total=0)

    def events(self, job: str, after: str = "") -> list[JobEvent]:
        self.get(job)
        return self._events[job][int(after.partition("-")[0] or 0) :]

    def take(self) -> JobRecord | None:
        """The oldest queued job, which runs from now on."""
        queued = (record.job for record in self._records.values() if record.state == "queued")
        job = next(queued, None)
        return self._move(job, "running", started=now()) if job else None

    def report(self, job: str, step: str, done: int, total: int) -> None:
        self._records[job] = replace(self._records[job], step=step, done=done, total=total)
        self._tell(job, "progress", {"step": step, "done": done, "total": total})

    def log(self, job: str, line: str) -> None:
        self._tell(job, "log", {"line": line})

    def end(self, job: str, result: Mapping[str, Any] | None = None, reason: str = "") -> JobRecord:
        """Done with a result, though something may be refused in it, or failed for a reason."""
        if result is None:
            return self._move(job, "failed", reason, ended=now())
        return self._move(job, "done", reason, ended=now(), result=dict(result))

    def _move(self, job: str, state: JobState, reason: str = "", **more: Any) -> JobRecord:
        self._records[job] = replace(self._records[job], state=state, reason=reason, **more)
        self._tell(job, "state", {"state": state, "reason": reason})
        return self._records[job]

    def _tell(self, job: str, name: JobEventName, data: Mapping[str, Any]) -> None:
        events = self._events[job]
        events.append(JobEvent(f"{len(events) + 1}-0", name, data))
