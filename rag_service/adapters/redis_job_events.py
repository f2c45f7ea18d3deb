"""What happens in jobs, in Redis: events in order, and how far each job is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_keys import Keys
from rag_service.core.ids import now
from rag_service.core.types import JobEvent, JobEventName, JobState

_KEPT_EVENTS = 10_000
"""Of one job, about; of more, the oldest go."""
_LINE_CHARS = 2000


class RedisJobEvents:
    """A stream of events for each job, and a hash of its notes: step, done, total, reason."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._keys = Keys(namespace)

    @store_errors()
    def progress(self, job: str, step: str, done: int, total: int) -> None:
        told: Any = {"step": step, "done": done, "total": total}
        self._client.hset(self._keys.job_notes(job), mapping=told)
        self._add(job, "progress", told)

    @store_errors()
    def log(self, job: str, line: str) -> None:
        self._add(job, "log", {"line": line[:_LINE_CHARS]})

    @store_errors()
    def state(
        self, job: str, state: JobState, reason: str = "", *, on: redis.Redis | None = None
    ) -> None:
        """``on`` may be a transaction that changes the state."""
        noted: Any = {"reason": reason, "since": now()}
        (self._client if on is None else on).hset(self._keys.job_notes(job), mapping=noted)
        self._add(job, "state", {"state": state, "reason": reason}, on)

    @store_errors()
    def want_end(self, job: str) -> None:
        """Note that the job is to be cancelled, for whoever takes it up or has done so."""
        self._client.hset(self._keys.job_notes(job), "cancel", 1)

    @store_errors()
    def end_is_wanted(self, job: str) -> bool:
        return bool(self._client.hexists(self._keys.job_notes(job), "cancel"))

    @store_errors()
    def notes(self, jobs: Sequence[str]) -> list[dict[str, str]]:
        """``step``, ``done``, ``total``, ``reason``, ``since`` and ``cancel``, as far as noted."""
        with self._client.pipeline(transaction=False) as pipeline:
            for job in jobs:
                pipeline.hgetall(self._keys.job_notes(job))
            found: list[dict[str, str]] = pipeline.execute()
        return found

    @store_errors()
    def read(self, job: str, after: str = "") -> list[JobEvent]:
        """The events behind ``after``, or all of them. Raises StoreError if that is no event."""
        found: Any = self._client.xrange(
            self._keys.job_events(job), min=f"({after}" if after else "-"
        )
        return [
            JobEvent(event, fields["name"], json.loads(fields["data"])) for event, fields in found
        ]

    @store_errors()
    def forget_notes(self, job: str) -> None:
        """Begin anew; the events stay."""
        self._client.delete(self._keys.job_notes(job))

    @store_errors()
    def forget(self, job: str) -> None:
        self._client.delete(self._keys.job_notes(job), self._keys.job_events(job))

    def _add(
        self,
        job: str,
        name: JobEventName,
        data: Mapping[str, Any],
        on: redis.Redis | None = None,
    ) -> None:
        fields: Any = {"name": name, "data": json.dumps(data)}
        client = self._client if on is None else on
        client.xadd(self._keys.job_events(job), fields, maxlen=_KEPT_EVENTS)
