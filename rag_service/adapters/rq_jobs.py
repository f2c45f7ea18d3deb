"""The queue of jobs on RQ: what is handed to the worker process, and what became of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

import redis
from rq import Queue, Retry
from rq.command import PUBSUB_CHANNEL_TEMPLATE, send_command
from rq.connections import get_connection_kwargs
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import CanceledJobRegistry
from rq.serializers import JSONSerializer
from rq.worker_registration import get_keys

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_cluster import ClusterClient
from rag_service.adapters.redis_job_events import RedisJobEvents
from rag_service.adapters.redis_keys import Keys
from rag_service.core.errors import InvalidRequest, NotFound
from rag_service.core.ids import now
from rag_service.core.types import JobEvent, JobKind, JobRecord, JobState

TRIES = 3
"""So often a job is taken up again whose process died."""
_KEPT_JOBS = 200
_KEPT_SECONDS = 30 * 24 * 3600
_FORGOTTEN_AT_ONCE = 20
_FOR_EVER = -1
_STATES: Mapping[JobStatus, JobState] = {
    JobStatus.STARTED: "running",
    JobStatus.FINISHED: "done",
    JobStatus.FAILED: "failed",
    JobStatus.STOPPED: "cancelled",
    JobStatus.CANCELED: "cancelled",
}
"""Whatever else RQ tells, the job waits."""
_OVER = frozenset({"done", "failed", "cancelled"})

Check = Callable[[JobKind, Mapping[str, Any]], dict[str, Any]]
"""Gives the arguments as the job is to have them. Raises InvalidRequest."""


class RqJobQueue:
    """The protocol ``JobQueue`` on one namespace of a Redis.

    RQ's queue has the name of the namespace; ``function`` names what the worker calls, with job,
    kind and arguments. Nothing is pickled: what can write to Redis cannot run code by that.
    """

    def __init__(
        self,
        client: redis.Redis,
        namespace: str,
        events: RedisJobEvents,
        function: str,
        check: Check,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._keys = Keys(namespace)
        self._events = events
        self._function = function
        self._check = check
        self.ended = ended
        """To be called when jobs may have ended: by the worker after each, and when cancelled."""
        self.queue = Queue(
            namespace,
            connection=raw_client(client),
            serializer=JSONSerializer,
            default_timeout=_FOR_EVER,
        )
        """RQ's own, for its worker."""

    @store_errors()
    def start(self, kind: JobKind, arguments: Mapping[str, Any]) -> JobRecord:
        asked = self._check(kind, arguments)
        job = f"{kind}-{now().replace(':', '').replace('-', '')}-{uuid4().hex[:8]}"
        self._forget_old()
        # Known before it is queued, so that a worker never has a job that nobody finds.
        self._client.zadd(self._keys.jobs, {job: time.time()})
        self._events.state(job, "queued")
        self.queue.enqueue_call(
            self._function,
            kwargs={"job": job, "kind": kind, "arguments": json.loads(json.dumps(asked))},
            job_id=job,
            description=kind,
            retry=Retry(max=TRIES, enqueue_at_front=True),
            result_ttl=_FOR_EVER,
            failure_ttl=_FOR_EVER,
        )
        return self.get(job)

    @store_errors()
    def get(self, job: str) -> JobRecord:
        found = self._fetch(job)
        [notes] = self._events.notes([job])
        return _record(found, notes, with_result=True)

    @store_errors()
    def all(self) -> list[JobRecord]:
        ids = [str(job) for job in self._client.zrange(self._keys.jobs, 0, -1, desc=True)]
        jobs = Job.fetch_many(ids, self.queue.connection, JSONSerializer) if ids else []
        return [
            _record(job, notes, with_result=False)
            for job, notes in zip(jobs, self._events.notes(ids), strict=True)
            if job is not None
        ]

    @store_errors()
    def cancel(self, job: str) -> JobRecord:
        record = self.get(job)
        if record.over:
            raise InvalidRequest(f"job {job} is over already: {record.state}")
        self._events.want_end(job)
        found = self._fetch(job)
        if self.queue.remove(job):  # still there, so that no worker has it
            self._events.state(job, "cancelled", "cancelled before it began")
            found.cancel()
        elif not self._told_worker(job):
            self._events.state(job, "cancelled", "cancelled while no worker ran")
            found.failed_job_registry.add(found, ttl=_FOR_EVER)
            found.set_status(JobStatus.STOPPED)
        self.ended()
        return self.get(job)

    @store_errors()
    def retry(self, job: str) -> JobRecord:
        found = self._fetch(job)
        record = self.get(job)
        self._check(record.kind, record.arguments)
        canceled = found.get_status() == JobStatus.CANCELED
        registry = CanceledJobRegistry(queue=self.queue) if canceled else found.failed_job_registry
        if record.state not in ("failed", "cancelled") or found not in registry:
            raise InvalidRequest(f"job {job} is {record.state}: only what ended is tried again")
        self._events.forget_notes(job)
        self._events.state(job, "queued", "tried again")
        found.retries_left = TRIES
        with suppress(InvalidJobOperation):  # somebody else did at the same moment
            registry.requeue(found)
        return self.get(job)

    @store_errors()
    def events(self, job: str, after: str = "") -> list[JobEvent]:
        self._known(job)
        return self._events.read(job, after)

    @store_errors()
    def forget_all(self) -> None:
        """Every job, also one whose worker died at it; no worker of the home may run."""
        ids = [str(job) for job in self._client.zrange(self._keys.jobs, 0, -1)]
        found = Job.fetch_many(ids, self.queue.connection, JSONSerializer) if ids else []
        for name, job in zip(ids, found, strict=True):
            self._forget(name, job)

    def close(self) -> None:
        self.queue.connection.close()

    def _told_worker(self, job: str) -> bool:
        """Whether a worker is there that was told to end a job."""
        names = [key.rpartition(":")[2] for key in get_keys(self.queue)]
        channels = self.queue.connection.pubsub_numsub(
            *(PUBSUB_CHANNEL_TEMPLATE % name for name in names)
        )
        listening = [name for name, (_, n) in zip(names, channels, strict=True) if n]
        for name in listening:
            send_command(self.queue.connection, name, "stop-job", job_id=job)
        return bool(listening)

    def _fetch(self, job: str) -> Job:
        self._known(job)
        try:
            return Job.fetch(job, self.queue.connection, JSONSerializer)
        except NoSuchJobError as error:
            raise _unknown(job) from error

    def _known(self, job: str) -> None:
        if self._client.zscore(self._keys.jobs, job) is None:
            raise _unknown(job)

    def _forget_old(self) -> None:
        """Of the oldest jobs, those that are over and are old or too many.

        A few at a time: one comes at a time, and a long queue is not looked through for each.
        """
        too_many = self._client.zcard(self._keys.jobs) - _KEPT_JOBS + 1
        oldest: Any = self._client.zrange(
            self._keys.jobs, 0, _FORGOTTEN_AT_ONCE - 1, withscores=True
        )
        before = time.time() - _KEPT_SECONDS
        late = [
            str(job) for at, (job, queued) in enumerate(oldest) if at < too_many or queued < before
        ]
        found = Job.fetch_many(late, self.queue.connection, JSONSerializer) if late else []
        for name, job in zip(late, found, strict=True):
            if job is None or _state(job) in _OVER:
                self._forget(name, job)

    def _forget(self, name: str, job: Job | None) -> None:
        if job is not None:
            job.delete()
        self._client.zrem(self._keys.jobs, name)
        self._events.forget(name)


def raw_client(client: redis.Redis) -> redis.Redis:
    """A client of the same Redis that answers bytes, as RQ wants it; the caller closes it."""
    if isinstance(client, ClusterClient):
        return client.again(decode_responses=False)
    kind = client.connection_pool.connection_class
    options = get_connection_kwargs(client) | {"decode_responses": False}
    return redis.Redis.from_pool(redis.ConnectionPool(connection_class=kind, **options))


def _record(job: Job, notes: Mapping[str, str], *, with_result: bool) -> JobRecord:
    asked = job.kwargs
    state = _state(job)
    if state == "failed" and "cancel" in notes:  # it ended by an error before it was told so
        state = "cancelled"
    return JobRecord(
        job=job.id,
        kind=asked["kind"],
        arguments=asked["arguments"],
        state=state,
        created=_clock(job.created_at),
        started=_clock(job.started_at) if state != "queued" else "",
        ended=notes.get("since", "") if state in _OVER else "",
        step=notes.get("step", ""),
        done=int(notes.get("done", 0)),
        total=int(notes.get("total", 0)),
        reason=notes.get("reason", ""),
        result=job.return_value() if with_result and state == "done" else None,
    )


def _state(job: Job) -> JobState:
    """As it was when it was fetched."""
    return _STATES.get(job.get_status(refresh=False), "queued")


def _clock(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else ""


def _unknown(job: str) -> NotFound:
    return NotFound(f"there is no job {job[:100]!r}; `ragloop jobs` lists those that are kept")
