"""Routes that take a question: search, ask, compare."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from rag_service.answering.answer import AnswerEvent
from rag_service.answering.documents import (
    Json,
    answer_document,
    comparison_document,
    event_document,
    search_document,
)
from rag_service.api.bodies import AskBody, CompareBody, SearchBody
from rag_service.api.deps import ServicesDep

router = APIRouter(prefix="/v1", tags=["questions"])

_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_STREAM_DOC = "The answer, or with `stream` the events retrieval, token, citation, done, error."


@router.post("/search")
def search(body: SearchBody, services: ServicesDep) -> Json:
    """The chunks nearest to a question."""
    result = services.retriever.search(body.query, body.k, body.filters.filters(), body.release)
    return search_document(result)


@router.post(
    "/ask",
    response_model=None,
    responses={200: {"description": _STREAM_DOC, "content": {"text/event-stream": {}}}},
)
async def ask(body: AskBody, services: ServicesDep) -> Json | Response:
    """An answer with citations, as one document or as server-sent events."""
    question = body.question, body.k, body.filters.filters(), body.release
    if not body.stream:
        return answer_document(await services.answerer.ask(*question))
    events = services.answerer.stream(*question)
    # Awaited before the response begins, so that a refused question has its own HTTP status.
    first = await anext(events)
    return EventSourceResponse(_server_sent(first, events), headers=_STREAM_HEADERS)


@router.post("/compare")
async def compare(body: CompareBody, services: ServicesDep) -> Json:
    """One question under two releases, side by side."""
    comparison = await services.comparer.compare(body.question, body.a, body.b, body.k)
    return comparison_document(comparison)


async def _server_sent(
    first: AnswerEvent, rest: AsyncIterator[AnswerEvent]
) -> AsyncIterator[bytes]:
    yield _encoded(first)
    async for event in rest:
        yield _encoded(event)


def _encoded(event: AnswerEvent) -> bytes:
    name, data = event_document(event)
    return format_sse_event(event=name, data_str=json.dumps(data))
