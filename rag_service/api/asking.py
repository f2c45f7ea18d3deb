"""What every route that answers a question does: find, answer, tell; and stop when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool

from rag_service import logs
from rag_service.answering.answer import AnswerEvent, Done, Failed, Retrieved, answer_of
from rag_service.answering.conversation import whole_question
from rag_service.answering.documents import EventName, Json, answer_document, event_document
from rag_service.answering.experiments import Shown
from rag_service.api.deps import ServicesLike
from rag_service.api.experiments import marked
from rag_service.api.observing import note_search
from rag_service.core.errors import InvalidRequest, RagloopError
from rag_service.core.telemetry import ANSWER_FAILURES, ANSWERS, Meter
from rag_service.core.types import Answer, Filters, Stage

NOBODY_WAITS = 499
"""No standard status: nobody reads it, but a log may show it."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Asking:
    """A question as a request puts it; ``earlier`` are those before it, the oldest first."""

    question: str
    earlier: Sequence[str]
    k: int
    filters: Filters
    release: str | None
    stages: Sequence[Stage] | None
    client: str
    explain: bool = False


class Asked:
    """The passages for a question are found; what is told of them and of their answer."""

    def __init__(
        self, question: str, shown: Shown, events: AsyncIterator[AnswerEvent], explain: bool
    ) -> None:
        self.question = question
        """The whole one, which is answered."""
        self.shown = shown
        self._events = events
        self._explain = shown.result if explain else None
        self._began = perf_counter()

    async def events(self) -> AsyncIterator[AnswerEvent | RagloopError]:
        """The events of the answer; of an error that comes amid them, that is the last."""
        try:
            async for event in self._events:
                yield event.error if isinstance(event, Failed) else event
        except RagloopError as error:
            yield error

    async def answer(self) -> Answer:
        """Raises AnswerFailed and what else the answerer raises."""
        return await answer_of(self._events)

    def document(self, answer: Answer) -> Json:
        """The whole response."""
        return self._marked(answer_document(answer, explain=self._explain))

    def event(self, event: AnswerEvent) -> tuple[EventName, Json]:
        """The name of an event of the stream, and its data."""
        if isinstance(event, Done):
            return "done", self.document(event.answer)
        name, data = event_document(event, explain=self._explain)
        if isinstance(event, Retrieved):
            data = self._marked({"question": self.question, **data})
        return name, data

    def _marked(self, document: Json) -> Json:
        if "explanation" in document and "answer" in document:
            took = round(1000 * (perf_counter() - self._began), 2)
            document["explanation"]["timings"]["answer"] = took
        return marked(document, self.shown)


async def ask(services: ServicesLike, asking: Asking) -> Asked:
    """Find the passages for a question, and begin to answer it when its events are asked for.

    Raises what `Retriever.search` raises, and InvalidRequest for earlier questions as for it.
    """

    def find() -> tuple[str, int, Shown]:
        question = _whole(services, asking)
        revision = services.answers.revision()
        shown = services.experiments.search(
            question,
            asking.k,
            asking.filters,
            asking.release,
            stages=asking.stages,
            client=asking.client,
            request_id=logs.request_id(),
        )
        note_search(services.settings, question, shown.result.release)
        return question, revision, shown

    # The pool of the other routes: more searches at once than asyncio's, to be encoded together.
    question, revision, shown = await run_in_threadpool(find)
    events = await services.answers.begin(
        question, shown.result, asking.k, asking.filters, revision
    )
    counted = _counted(events, services.telemetry.meter)
    return Asked(question, shown, counted, asking.explain)


async def _counted(events: AsyncIterator[AnswerEvent], meter: Meter) -> AsyncIterator[AnswerEvent]:
    async for event in events:
        if isinstance(event, Done):
            meter.add(ANSWERS, 1, event.answer.method, str(event.answer.grounded).lower())
        elif isinstance(event, Failed):
            meter.add(ANSWER_FAILURES, 1, event.error.code)
        yield event


def _whole(services: ServicesLike, asking: Asking) -> str:
    if not asking.earlier:
        return asking.question
    for earlier in asking.earlier:
        try:
            services.retriever.check(earlier, asking.k)
        except InvalidRequest as error:
            raise InvalidRequest(f"of an earlier question: {error.message}") from error
    services.retriever.check(asking.question, asking.k)
    return whole_question(asking.question, asking.earlier, services.filings.current())


async def while_wanted(
    request: Request, work: Coroutine[object, object, Result]
) -> Result | Response:
    """What ``work`` gives; it is cancelled when the client goes away."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        working.cancel()
        await asyncio.wait({working})
        return Response(status_code=NOBODY_WAITS)
    finally:
        working.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
