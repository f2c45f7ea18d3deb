"""Routes that take a question: search, ask, compare."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from rag_service.answering.answer import AnswerEvent, Done, Retrieved
from rag_service.answering.documents import (
    Json,
    answer_document,
    comparison_document,
    event_document,
    search_document,
)
from rag_service.answering.experiments import Shown
from rag_service.api.bodies import AskBody, CompareBody, SearchBody
from rag_service.api.deps import ServicesDep
from rag_service.api.experiments import marked

router = APIRouter(prefix="/v1", tags=["questions"])

ClientKey = Annotated[
    str,
    Header(
        alias="X-Client-Key",
        max_length=200,
        description="Names the client in a live experiment; without it the live release answers.",
    ),
]

_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_STREAM_DOC = "The answer, or with `stream` the events retrieval, token, citation, done, error."


@router.post("/search")
def search(body: SearchBody, services: ServicesDep, key: ClientKey = "") -> Json:
    """The chunks nearest to a question."""
    shown = services.experiments.search(
        body.query,
        body.k,
        body.filters.filters(),
        body.release,
        client=body.client or key,
        interleave=True,
    )
    return marked(search_document(shown.result), shown)


@router.post(
    "/ask",
    response_model=None,
    responses={200: {"description": _STREAM_DOC, "content": {"text/event-stream": {}}}},
)
async def ask(body: AskBody, services: ServicesDep, key: ClientKey = "") -> Json | Response:
    """An answer with citations, as one document or as server-sent events."""
    # Awaited before the response begins, so that a refused question has its own HTTP status.
    shown = await asyncio.to_thread(
        services.experiments.search,
        body.question,
        body.k,
        body.filters.filters(),
        body.release,
        client=body.client or key,
    )
    if not body.stream:
        answer = await services.answerer.answer(body.question, shown.result)
        return marked(answer_document(answer), shown)
    events = services.answerer.events(body.question, shown.result)
    return EventSourceResponse(_server_sent(events, shown), headers=_STREAM_HEADERS)


@router.post("/compare")
async def compare(body: CompareBody, services: ServicesDep) -> Json:
    """One question under two releases, side by side."""
    comparison = await services.comparer.compare(body.question, body.a, body.b, body.k)
    return comparison_document(comparison)


async def _server_sent(events: AsyncIterator[AnswerEvent], shown: Shown) -> AsyncIterator[bytes]:
    async for event in events:
        yield _encoded(event, shown)


def _encoded(event: AnswerEvent, shown: Shown) -> bytes:
    name, data = event_document(event)
    if isinstance(event, Retrieved | Done):
        data = marked(data, shown)
    return format_sse_event(event=name, data_str=json.dumps(data))
