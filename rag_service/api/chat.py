"""OpenAI's chat completions: conversations with the filings, for clients that speak it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import Field, model_validator

from rag_service.answering.answer import Cited, Done, Token
from rag_service.answering.documents import Json, place
from rag_service.api.asking import Asked, Asking, ask, while_wanted
from rag_service.api.bodies import MAX_EARLIER, Body, FiltersBody, K, Stages
from rag_service.api.deps import ServicesDep
from rag_service.api.errors import openai_error, status_of
from rag_service.api.questions import STREAM_HEADERS
from rag_service.api.responses import CompletionDocument, event_schema
from rag_service.api.security import Ask
from rag_service.api.stop_words import StopWords
from rag_service.core.errors import InvalidRequest, NotFound, RagloopError
from rag_service.core.types import Answer, Citation, Release

router = APIRouter(prefix="/v1", tags=["OpenAI's protocol"], dependencies=[Ask])

MODEL = "ragloop"
_MOST_MESSAGES = 200
_MOST_CHARS = 20_000
"""Of one message; of a question RAGLOOP_MAX_QUESTION_CHARS."""
_COMPLETION_DOC: dict[int | str, dict[str, Any]] = {
    200: {
        "model": CompletionDocument,
        "description": "The completion, or with `stream` its chunks.",
        "content": {"text/event-stream": {"itemSchema": event_schema()}},
    }
}


Text = Annotated[str, Field(max_length=_MOST_CHARS)]


class TextPart(Body):
    type: Literal["text"]
    text: Text


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[TextPart], Field(min_length=1, max_length=100)] | None = None
    name: str | None = None
    # What an earlier answer carries besides, when a client sends it back whole.
    refusal: Text | None = None
    annotations: Annotated[list[Json], Field(max_length=100)] | None = None
    audio: None = None
    function_call: None = None
    tool_calls: Annotated[list[Json], Field(max_length=0)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.content is None and self.role != "assistant":
            raise ValueError(f"a message of the role {self.role} needs content")
        return self

    @property
    def text(self) -> str:
        """Its parts as one text."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n".join(part.text for part in self.content)


class StreamOptions(Body):
    include_usage: bool | None = Field(
        None, description="A last chunk tells the usage, which is null: tokens are not counted."
    )


class ResponseFormat(Body):
    type: Literal["text"]


StopWord = Annotated[str, Field(min_length=1, max_length=200)]


class ChatBody(Body):
    """What is listed here is accepted, and the rest of OpenAI's protocol refused.

    Answers are made of what stands in the filings, as those of `/v1/ask`: instructions of the
    system, sampling, limits of length, `store` and `metadata` are accepted, and change nothing.
    Tools are not called: a request that gives some is refused.
    """

    model: Annotated[str, Field(description="`ragloop`, or `ragloop/RELEASE`.", max_length=200)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=_MOST_MESSAGES)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: int | None = None
    response_format: ResponseFormat | None = None
    stop: StopWord | Annotated[list[StopWord], Field(max_length=4)] | None = None
    tools: Annotated[list[Json], Field(max_length=200)] | None = None
    store: bool | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    user: Annotated[str, Field(max_length=200, description="The client.")] | None = None
    k: K = 6
    filters: FiltersBody = FiltersBody()
    stages: Stages | None = None


@router.post("/chat/completions", response_model=None, responses=_COMPLETION_DOC)
async def chat_completions(body: ChatBody, request: Request, services: ServicesDep) -> Response:
    """The answer to the last message, with its citations in the text and as data in `ragloop`."""
    if body.tools:
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "tools are not supported: answers come from the filings alone"
        )
    if body.messages[-1].role != "user":
        raise InvalidRequest("the last message is the question: give it the role user")
    *earlier, question = [message.text for message in body.messages if message.role == "user"]
    asking = Asking(
        question=question,
        earlier=earlier[-MAX_EARLIER:],
        k=body.k,
        filters=body.filters.filters(),
        release=_release(body.model),
        stages=body.stages,
        client=body.user or "",
    )
    asked = await ask(services, asking)
    stop = StopWords([body.stop] if isinstance(body.stop, str) else body.stop or [])
    if body.stream:
        usage = body.stream_options is not None and bool(body.stream_options.include_usage)
        return EventSourceResponse(_chunks(asked, stop, usage), headers=STREAM_HEADERS)
    answer = await while_wanted(request, asked.answer())
    if isinstance(answer, Response):
        return answer
    message = {"role": "assistant", "content": _text(answer, stop), "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return JSONResponse(
        {
            **_envelope(asked, "chat.completion"),
            "choices": [choice],
            "ragloop": asked.document(answer),
        }
    )


@router.get("/models")
def models(services: ServicesDep) -> Json:
    """`ragloop`, which is the live release, and each release by its name."""
    return {"object": "list", "data": _models(services.releases.all())}


@router.get("/models/{model:path}")
def model(model: str, services: ServicesDep) -> Json:
    """One of these models."""
    for known in _models(services.releases.all()):
        if known["id"] == model:
            return known
    raise _unknown(model)


def _release(model: str) -> str | None:
    """The release that a model's name means; None for the live one."""
    kind, slash, release = model.partition("/")
    if kind != MODEL or (slash and not release):
        raise _unknown(model)
    return release or None


def _unknown(model: str) -> NotFound:
    return NotFound(f"there is no model {model[:100]!r}: use {MODEL}, or {MODEL}/RELEASE")


def _models(releases: Sequence[Release]) -> list[Json]:
    made = {
        f"{MODEL}/{release.release}": int(datetime.fromisoformat(release.created).timestamp())
        for release in releases
        if release.state not in ("building", "failed")
    }
    every = {MODEL: max(made.values(), default=0), **made}
    return [
        {"id": name, "object": "model", "created": created, "owned_by": MODEL}
        for name, created in every.items()
    ]


def _envelope(asked: Asked, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{asked.shown.request_id}",
        "object": kind,
        "created": int(time.time()),
        "model": f"{MODEL}/{asked.shown.result.release}",
    }


def _text(answer: Answer, stop: StopWords) -> str:
    """The answer and where it stands, as the chunks of a stream give it piece by piece."""
    references = (_reference(number, c) for number, c in enumerate(answer.citations, 1))
    return stop.feed(answer.answer + "".join(references)) + stop.end()


def _reference(number: int, citation: Citation) -> str:
    apart = "\n\n" if number == 1 else "\n"
    return f"{apart}[{number}] {place(citation)}"


async def _chunks(asked: Asked, stop: StopWords, usage: bool) -> AsyncIterator[bytes]:
    envelope = _envelope(asked, "chat.completion.chunk")
    if usage:
        envelope["usage"] = None

    def chunk(delta: Json, finish: str | None = None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _data({**envelope, "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    cited = 0
    async for event in asked.events():
        if isinstance(event, Token | Cited):
            cited += isinstance(event, Cited)
            said = event.text if isinstance(event, Token) else _reference(cited, event.citation)
            if text := stop.feed(said):
                yield chunk({"content": text})
        elif isinstance(event, Done):
            if rest := stop.end():
                yield chunk({"content": rest})
            yield chunk({}, "stop", ragloop=asked.document(event.answer))
            if usage:
                yield _data({**envelope, "choices": []})
        elif isinstance(event, RagloopError):
            yield _data(openai_error(status_of(event), event.code, event.message))
    yield format_sse_event(data_str="[DONE]")


def _data(document: Json) -> bytes:
    return format_sse_event(data_str=json.dumps(document))
