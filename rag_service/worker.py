"""The worker process of a home: one queued job after the other, each in a process of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rag_service import work
from rag_service.core.errors import JobRunning, RagloopError, StoreUnavailable
from rag_service.core.protocols import ClaimStore, Progress
from rag_service.core.settings import Settings, load_settings
from rag_service.core.types import JobKind
from rag_service.indexing.shadow import BuildOptions
from rag_service.logs import LineFormatter, scrubber, secrets
from rag_service.loop.job_arguments import (
    ARGUMENTS,
    Arguments,
    FinetuneArguments,
    IngestArguments,
    JudgeArguments,
    ReindexArguments,
    uploads_of,
)
from rag_service.loop.jobs import JobStore
from rag_service.wiring import Services, open_services

if TYPE_CHECKING:
    from rag_service.adapters.redis_job_events import RedisJobEvents

_WAIT_SECONDS = 2.0
_TOLD_SECONDS = 0.5
_TOLD_REFUSALS = 3
_CLAIM = "worker"
_CLAIM_SECONDS = 120.0
"""More than twice as long as a worker is ever silent."""

log = logging.getLogger(__name__)


def serve_jobs(settings: Settings) -> None:
    """Run queued jobs until SIGTERM or Ctrl-C; while another worker does, stand by.

    Raises ConfigError, StoreUnavailable, JobRunning.
    """
    from rag_service.adapters.rq_worker import work_off

    def stand_by() -> None:
        log.info("another worker runs the jobs of %s; this one stands by", settings.home)

    with (
        JobStore(settings.home).working_off(stand_by) as home,
        open_services(settings) as services,
        _alone_on(services.worker_claims, settings.namespace, home) as still_alone,
    ):
        services.uploads.sweep(services.queue.all)
        log.info("the worker of %s is ready", settings.home)
        work_off(
            services.queue,
            services.job_events,
            scrub=scrubber(secrets(settings)),
            refused=refused,
            still_alone=still_alone,
        )


@contextmanager
def _alone_on(claims: ClaimStore, namespace: str, home: str) -> Iterator[Callable[[], bool]]:
    """Held by the one home whose worker runs the jobs of a namespace, as long as it says so.

    Gives what says so, and tells whether that holds. A worker of the same home takes it from one
    that died at once; that of another home waits until the last word of that one is too old.
    """

    def take() -> bool:
        return bool(claims.take(_CLAIM, [_CLAIM], 1, home, _CLAIM_SECONDS))

    told = False
    while not take():
        if not told:
            log.warning(
                "the worker of another home, or of this one on another machine, runs the jobs of "
                "the namespace %s: give each home a Redis or a RAGLOOP_NAMESPACE of its own; this "
                "worker stands by until that one is gone",
                namespace,
            )
            told = True
        time.sleep(_WAIT_SECONDS)
    try:
        yield take
    finally:
        with suppress(StoreUnavailable):
            claims.give_back(_CLAIM, [_CLAIM], home)


def run(job: str, kind: JobKind, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a queued job does, called by RQ in a process of its own; gives the job's result."""
    asked = ARGUMENTS[kind].model_validate(dict(arguments))
    settings = load_settings()
    with open_services(settings) as services:
        events = services.job_events
        handler = _JobLog(events, job)
        handler.setFormatter(LineFormatter(as_json=False, known=False, secrets=secrets(settings)))
        logging.getLogger().addHandler(handler)
        try:
            told = _Told(events, job)
            return _when_free(lambda: _work(services, kind, asked, told), told)
        finally:
            logging.getLogger().removeHandler(handler)


def refused(result: Mapping[str, Any]) -> str:
    """What of a job's work was refused, though it is done; ``""``: nothing."""
    if not result.get("gate", {"promoted": True})["promoted"]:
        return f"refused by the gate: {'; '.join(result['gate']['reasons'])}"
    documents = result.get("documents", [])
    told = [f"{d['document']}: {d['message']}" for d in documents if d["status"] == "refused"]
    if not told:
        return ""
    count = f"{len(told)} of {len(documents)} files " if len(documents) > 1 else ""
    more = ["…"] if len(told) > _TOLD_REFUSALS else []
    return f"{count}refused: {'; '.join(told[:_TOLD_REFUSALS] + more)}"


def _work(
    services: Services, kind: JobKind, asked: Arguments, progress: Progress
) -> dict[str, Any]:
    if isinstance(asked, IngestArguments):
        uploads = uploads_of(services.settings)
        outcomes = services.ingestion.run([uploads / path for path in asked.paths], progress)
        return {"documents": [outcome.as_dict() for outcome in outcomes]}
    if isinstance(asked, ReindexArguments):
        options = BuildOptions(asked.algorithm, asked.datatype, asked.fresh)
        return work.reindex(services, asked.model, asked.dims, options, progress)
    if isinstance(asked, JudgeArguments):
        return work.judge(services, asked.release, progress)
    assert isinstance(asked, FinetuneArguments)
    chosen = asked.options(services.settings)
    if kind == "finetune":
        return work.finetune(services, chosen, progress)
    return work.improve(services, chosen, progress).as_dict()


def _when_free(work: Callable[[], dict[str, Any]], told: _Told) -> dict[str, Any]:
    """What ``work`` gives, as soon as no command holds what it needs alone."""
    while True:
        try:
            return work()
        except JobRunning as error:
            told.waits(error.message)
            time.sleep(_WAIT_SECONDS)


class _Told:
    """Progress as events: of each step its beginning and end, and between them two a second."""

    def __init__(self, events: RedisJobEvents, job: str) -> None:
        self._events = events
        self._job = job
        self._steps: set[str] = set()
        self._next = 0.0
        self._waits_for = ""

    def __call__(self, step: str, done: int, total: int) -> None:
        self.waits("")
        now = time.monotonic()
        if step in self._steps and now < self._next and done != total:
            return
        self._steps.add(step)
        self._next = now + _TOLD_SECONDS
        self._events.progress(self._job, step, done, total)

    def waits(self, reason: str) -> None:
        """Say what it waits for, or with ``""`` that it does not any more."""
        if reason != self._waits_for:
            self._waits_for = reason
            self._events.state(self._job, "running", reason and f"waits: {reason}")


class _JobLog(logging.Handler):
    """Log lines of the process as events of its job."""

    def __init__(self, events: RedisJobEvents, job: str) -> None:
        super().__init__()
        self._events = events
        self._job = job

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._events.log(self._job, self.format(record))
        except RagloopError:
            self.handleError(record)
