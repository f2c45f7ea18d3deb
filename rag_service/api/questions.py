"""Routes that take a question: search, ask, compare."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, format_sse_event

from rag_service import logs
from rag_service.answering.documents import (
    EventName,
    Json,
    comparison_document,
    error_document,
    search_document,
)
from rag_service.api.asking import Asked, Asking, ask, while_wanted
from rag_service.api.bodies import AskBody, CompareBody, SearchBody
from rag_service.api.deps import ServicesDep
from rag_service.api.experiments import marked
from rag_service.api.observing import note_search
from rag_service.api.responses import AnswerDocument, SearchDocument, event_schema
from rag_service.api.security import Ask
from rag_service.core.errors import RagloopError

router = APIRouter(prefix="/v1", tags=["questions"], dependencies=[Ask])

ClientKey = Annotated[
    str,
    Header(
        alias="X-Client-Key",
        max_length=200,
        description="Names the client in a live experiment; without it the live release answers.",
    ),
]

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_ANSWER_DOC: dict[int | str, dict[str, Any]] = {
    200: {
        "model": AnswerDocument,
        "description": "The answer, or with `stream` its events: `retrieval` (the passages) first, "
        "`token` (all joined are the answer), `citation`, at last `done` (the whole response) or "
        "`error`.",
        "content": {"text/event-stream": {"itemSchema": event_schema(*get_args(EventName))}},
    }
}


@router.post("/search", response_model=None, responses={200: {"model": SearchDocument}})
def search(body: SearchBody, services: ServicesDep, key: ClientKey = "") -> Response:
    """The chunks that suit a question best."""
    shown = services.experiments.search(
        body.query,
        body.k,
        body.filters.filters(),
        body.release,
        stages=body.stages,
        client=body.client or key,
        interleave=True,
        request_id=logs.request_id(),
    )
    note_search(services.settings, body.query, shown.result.release)
    # Written here: what is returned as data would be walked through once more before.
    return JSONResponse(marked(search_document(shown.result, explain=body.explain), shown))


@router.post("/ask", response_model=None, responses=_ANSWER_DOC)
async def answer(
    body: AskBody, request: Request, services: ServicesDep, key: ClientKey = ""
) -> Response:
    """An answer with citations, as one document or as server-sent events."""
    asking = Asking(
        question=body.question,
        earlier=body.history,
        k=body.k,
        filters=body.filters.filters(),
        release=body.release,
        stages=body.stages,
        client=body.client or key,
        explain=body.explain,
    )
    # Awaited before the response begins, so that a refused question has its own HTTP status.
    asked = await ask(services, asking)
    if body.stream:
        return EventSourceResponse(_server_sent(asked), headers=STREAM_HEADERS)
    found = await while_wanted(request, asked.answer())
    return found if isinstance(found, Response) else JSONResponse(asked.document(found))


@router.post("/compare", response_model=Json)
async def compare(body: CompareBody, request: Request, services: ServicesDep) -> Json | Response:
    """One question under two releases, side by side."""
    work = services.comparer.compare(body.question, body.a, body.b, body.k)
    found = await while_wanted(request, work)
    return found if isinstance(found, Response) else comparison_document(found)


async def _server_sent(asked: Asked) -> AsyncIterator[bytes]:
    async for event in asked.events():
        if isinstance(event, RagloopError):
            name, data = "error", error_document(event)
        else:
            name, data = asked.event(event)
        yield format_sse_event(event=name, data_str=json.dumps(data))
