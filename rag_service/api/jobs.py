"""Routes of jobs: long work that a worker process does apart from the service."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Header, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from pydantic import Field

from rag_service.answering.documents import Json, job_document
from rag_service.api.bodies import Body
from rag_service.api.deps import ServicesDep
from rag_service.api.http_server import ENDLESS
from rag_service.api.questions import STREAM_HEADERS
from rag_service.api.responses import Documented, event_schema
from rag_service.api.security import IngestOrOperate, Operate
from rag_service.core.errors import RagloopError
from rag_service.core.protocols import JobQueue
from rag_service.core.types import JobEventName, JobKind, JobState
from rag_service.loop.job_arguments import (
    FinetuneArguments,
    IngestArguments,
    JudgeArguments,
    ReindexArguments,
)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_LOOK_SECONDS = 0.5
_KEEPALIVE_SECONDS = 15.0


class IngestJob(Body):
    kind: Literal["ingest"]
    arguments: IngestArguments


class FinetuneJob(Body):
    kind: Literal["finetune", "improve"]
    arguments: FinetuneArguments = FinetuneArguments()


class ReindexJob(Body):
    kind: Literal["reindex"]
    arguments: ReindexArguments


class JudgeJob(Body):
    kind: Literal["judge"]
    arguments: JudgeArguments


JobBody = Annotated[IngestJob | FinetuneJob | ReindexJob | JudgeJob, Field(discriminator="kind")]


class JobDocument(Documented):
    job: str
    kind: JobKind
    arguments: dict[str, Any]
    state: JobState
    created: str
    started: str
    ended: str
    step: str = Field(description="What it is at; `done` of `total`, which is 0 if not known.")
    done: int
    total: int
    reason: str = Field(
        description="Why it failed, was cancelled, or waits; once done, what was refused in it."
    )
    result: dict[str, Any] | None = Field(description="What the command gives with `--json`.")


class JobsDocument(Documented):
    jobs: list[JobDocument]


_EVENTS_DOC: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The job's events from its start, or behind `Last-Event-ID`, until it ends: "
        "`progress` {step, done, total}, `log` {line}, `state` {state, reason}.",
        "content": {"text/event-stream": {"itemSchema": event_schema(*get_args(JobEventName))}},
    }
}


@router.post(
    "", status_code=status.HTTP_202_ACCEPTED, response_model=JobDocument, dependencies=[Operate]
)
def start(body: JobBody, services: ServicesDep) -> Json:
    """Queue a job; jobs run one after the other, as the commands of the same names do."""
    return job_document(services.queue.start(body.kind, body.arguments.model_dump()))


@router.get("", response_model=JobsDocument, dependencies=[IngestOrOperate])
def jobs(services: ServicesDep) -> Json:
    """The jobs that are kept, newest first, without their results."""
    return {"jobs": [job_document(record) for record in services.queue.all()]}


@router.get("/{job}", response_model=JobDocument, dependencies=[IngestOrOperate])
def job(job: str, services: ServicesDep) -> Json:
    """A job with its result."""
    return job_document(services.queue.get(job))


# Whoever uploads a filing sees how it goes.
@router.get(
    "/{job}/events",
    response_model=None,
    responses=_EVENTS_DOC,
    dependencies=[IngestOrOperate],
)
async def events(
    job: str,
    request: Request,
    services: ServicesDep,
    after: Annotated[str, Header(alias="Last-Event-ID", pattern=r"^(\d{1,19}-\d{1,19})?$")] = "",
) -> Response:
    """What happens in a job, as server-sent events."""
    # Before the response begins, so that an unknown job has its own HTTP status.
    await run_in_threadpool(services.queue.get, job)
    setattr(request.state, ENDLESS, True)
    return EventSourceResponse(_server_sent(services.queue, job, after), headers=STREAM_HEADERS)


@router.post("/{job}/cancel", response_model=JobDocument, dependencies=[Operate])
def cancel(job: str, services: ServicesDep) -> Json:
    """End a job: a queued one at once, a running one within seconds."""
    return job_document(services.queue.cancel(job))


@router.post("/{job}/retry", response_model=JobDocument, dependencies=[Operate])
def retry(job: str, services: ServicesDep) -> Json:
    """Queue a failed or cancelled job again: it goes on where it stopped."""
    return job_document(services.queue.retry(job))


async def _server_sent(queue: JobQueue, job: str, after: str) -> AsyncIterator[bytes]:
    state = ""
    told = time.monotonic()
    while True:
        try:
            # Before its events, so that none is missed of a job that is over.
            record = await run_in_threadpool(queue.get, job)
            found = await run_in_threadpool(queue.events, job, after)
        except RagloopError:
            return  # the client asks again, and is told why by then
        for event in found:
            after = event.event
            state = event.data["state"] if event.name == "state" else state
            yield format_sse_event(event=event.name, data_str=json.dumps(event.data), id=after)
        if record.over and not found:
            if state != record.state:  # a process died before it told so
                last = {"state": record.state, "reason": record.reason}
                yield format_sse_event(event="state", data_str=json.dumps(last))
            return
        now = time.monotonic()
        if found:
            told = now
        elif now - told >= _KEEPALIVE_SECONDS:
            told = now
            yield KEEPALIVE_COMMENT
        await asyncio.sleep(_LOOK_SECONDS)
