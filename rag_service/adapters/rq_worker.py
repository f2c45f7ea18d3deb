"""The process that runs queued jobs, each in a child of its own.

RQ's worker that forks, since its other one hands the address of Redis, password and all, to the
child on the command line. Forking is safe here: this process never loads torch, and has no thread
but those that listen; the child loads it when its work begins.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import psutil
from rq import Worker
from rq.exceptions import StopRequested
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_job_events import RedisJobEvents
from rag_service.adapters.rq_jobs import TRIES, RqJobQueue
from rag_service.core.errors import JobRunning, RagloopError, StoreUnavailable
from rag_service.core.types import JobState

_NICENESS = 10
"""A service on the same machine goes first; where nothing else runs, it costs nothing."""
_WORKER_SECONDS = 60
"""So long RQ holds a worker for alive that it does not hear of."""
_PARENT_SECONDS = 0.3
_LEFT = "its worker ended or lost Redis"
_CANCELLED = "cancelled"


def work_off(
    jobs: RqJobQueue,
    events: RedisJobEvents,
    *,
    scrub: Callable[[str], str] = str,
    refused: Callable[[Mapping[str, Any]], str] = lambda result: "",
    still_alone: Callable[[], bool] = lambda: True,
) -> None:
    """Run queued jobs until SIGTERM or Ctrl-C, which put a job that runs back into the queue.

    ``scrub`` takes secrets out of why a job failed; ``refused`` tells of a result what was refused
    in a job that is done. The caller sees to it that no other process does so; ``still_alone`` is
    asked every minute at least. Raises StoreUnavailable when Redis is lost, JobRunning when it is
    not alone any more.
    """
    worker = _Worker(
        [jobs.queue],
        name=f"{jobs.queue.name}-{uuid4().hex}",
        connection=jobs.queue.connection,
        serializer=JSONSerializer,
        worker_ttl=_WORKER_SECONDS,
        log_job_description=False,
    )
    worker.events = events
    worker.ended = jobs.ended
    worker.scrub = scrub
    worker.refused = refused
    worker.still_alone = still_alone
    with store_errors():
        worker.take_over()
    worker.work(logging_level="ERROR")
    if worker.displaced:
        raise JobRunning("another worker took the jobs over while this one was not heard of")
    if not worker.ending:
        raise StoreUnavailable("the worker lost Redis: start it again when Redis answers")


class _Worker(Worker):
    events: RedisJobEvents
    ended: Callable[[], None]
    scrub: Callable[[str], str]
    refused: Callable[[Mapping[str, Any]], str]
    still_alone: Callable[[], bool]
    ending = False
    displaced = False
    _reason = ""
    _death = _LEFT
    _outcome: tuple[JobState, str] = ("failed", "")

    def take_over(self) -> None:
        """Queue what a worker that is gone was at; there is no other one."""
        [queue] = self.queues
        waiting = queue.intermediate_queue
        for job in waiting.get_job_ids():
            waiting.remove(job)
            found = queue.fetch_job(job)
            if found is not None and found.get_status() == JobStatus.QUEUED:
                queue.push_job_id(job, at_front=True)
        running = queue.started_job_registry
        for job in running.get_job_ids(cleanup=False):
            found = queue.fetch_job(job)
            if found is not None and found.get_status() == JobStatus.STARTED:
                self.events.state(job, *_of_death(found, _LEFT))
        running.cleanup(math.inf)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        super().heartbeat(timeout, pipeline)
        if self.is_horse:
            return
        try:
            alone = self.still_alone()
        except RagloopError:
            self._end_job()  # by the time that Redis answers another worker may have it
            raise
        if not alone:
            self.displaced = True
            self._end_job()
            raise StopRequested

    def _end_job(self) -> None:
        if self.horse_pid:
            self.kill_horse()

    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:
        super().prepare_job_execution(job, remove_from_intermediate_queue)
        self.events.state(job.id, "running")
        if self.events.end_is_wanted(job.id):
            raise _CancelledError(_CANCELLED)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        # What the work says itself will not mend by itself: only a death is tried again.
        job.retries_left = 0
        error = exc_info[1]
        if isinstance(error, RagloopError):
            self._reason = self.scrub(error.message)
        else:
            self._reason = self.scrub(f"{type(error).__name__}: {error}")
            self.log.error("job %s", job.id, exc_info=exc_info)

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: Any) -> None:
        self._death = _told_of_end(ret_val)

    def handle_job_failure(self, job: Job, *args: Any, **more: Any) -> None:
        more["exc_string"] = self.scrub(more.get("exc_string", ""))
        stopped = self._stopped_job_id == job.id
        cancelled = stopped or self.events.end_is_wanted(job.id)
        if stopped:
            self._outcome = ("cancelled", _CANCELLED)
        elif self.is_horse:
            self._outcome = ("cancelled" if cancelled else "failed", self._reason)
        elif self.ending and not cancelled:
            job.retries_left = (job.retries_left or 0) + 1  # that was not its fault
            self._outcome = ("queued", "the worker was stopped; goes on with the next one")
        else:
            self._outcome = _of_death(job, self._death)
        super().handle_job_failure(job, *args, **more)

    def handle_job_success(self, job: Job, *args: Any, **more: Any) -> None:
        self._outcome = ("done", self.refused(job._result or {}))
        super().handle_job_success(job, *args, **more)

    def cleanup_execution(self, job: Job, pipeline: Any, execution: Any = None) -> None:
        super().cleanup_execution(job, pipeline, execution)
        # In the transaction that changes the job: who sees the one sees the other.
        self.events.state(job.id, *self._outcome, on=pipeline)

    def execute_job(self, job: Job, queue: Any) -> None:
        super().execute_job(job, queue)
        self._stopped_job_id = None
        self.ended()

    def main_work_horse(self, job: Job, queue: Any) -> None:
        threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
        os.nice(_NICENESS)
        super().main_work_horse(job, queue)

    def fork_work_horse(self, job: Job, queue: Any) -> None:
        super().fork_work_horse(job, queue)
        if self.ending or self._stopped_job_id == job.id:  # told so in between
            self.kill_horse()

    def handle_warm_shutdown_request(self) -> None:
        self.ending = True
        self.kill_horse()

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        if self.horse_pid:  # without one, RQ would end its own process group
            _kill_family(self.horse_pid)


def _of_death(job: Job, how: str) -> tuple[JobState, str]:
    """What becomes of a job whose process ended before its work did."""
    if not job.retries_left:
        return "failed", f"{how}; given up after {TRIES + 1} times"
    return "queued", f"{how}; taken up again ({TRIES + 1 - job.retries_left} of {TRIES} times)"


def _told_of_end(waited: int | None) -> str:
    """What is known of a job's process that ended by itself, by its wait status."""
    if waited is None:
        return "its process ended"
    code = os.waitstatus_to_exitcode(waited)
    if code < 0:
        hint = ", as the system does where memory is short" if code == -signal.SIGKILL else ""
        return f"its process was ended by signal {-code} ({signal.strsignal(-code)}){hint}"
    return f"its process ended with status {code} and told no outcome, as without Redis"


class _CancelledError(RagloopError):
    """A job was cancelled after a worker took it and before it began."""


def _end_with(parent: int) -> None:
    """End this process and those that it started when ``parent`` is gone."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    _kill_family(os.getpid())


def _kill_family(pid: int) -> None:
    """Kill a process and all that it started, some of which are in groups of their own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        family = process.children(recursive=True)
        for member in (*family, process) if pid == os.getpid() else (process, *family):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
