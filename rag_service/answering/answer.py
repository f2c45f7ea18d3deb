"""From a question to an answer with citations, whole or as a stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rag_service.answering.extract import Extract, extract
from rag_service.answering.generate import Writing
from rag_service.answering.numeric.compare import find_figure
from rag_service.answering.numeric.compute import Computed, Refused
from rag_service.answering.passages import Passages
from rag_service.answering.prompt import SMALL, Profile, Prompt, reading_prompt, wording_prompt
from rag_service.answering.question import asks_for_figure
from rag_service.answering.retrieve import NO_FILTERS, Retriever, SearchResult
from rag_service.core.errors import GenerationError, GenerationTimeout, StoreError
from rag_service.core.protocols import Generator
from rag_service.core.telemetry import NO_TELEMETRY, Telemetry
from rag_service.core.types import Answer, Citation, Filters, Hit


class AnswerFailed(GenerationError):
    """The LLM failed, or the store did while it was read on; ``result`` has the passages found."""

    def __init__(self, message: str, result: SearchResult) -> None:
        super().__init__(message)
        self.result = result


class AnswerTimedOut(AnswerFailed, GenerationTimeout):
    """The LLM did not answer in time."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The passages are found: the first event, always."""

    result: SearchResult


@dataclass(frozen=True, slots=True)
class Token:
    """More text of the answer. All tokens joined are the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of the answer, after its text."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class Done:
    """The whole answer: the last event, unless something failed."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no answer, by a failure: the last event."""

    error: AnswerFailed


AnswerEvent = Retrieved | Token | Cited | Done | Failed


class Answerer:
    """Answers with a figure worked out from table cells, else with what the LLM says as far as it
    can be verified, else with a passage's own words.

    Without a ``generator`` the LLM's part is left out. ``profile`` says what the LLM can bear: the
    least by default; give a capable LLM ``LARGE``. With ``passages`` an answer reads on around its
    hits; without, it reads the hits alone.
    """

    def __init__(
        self,
        retriever: Retriever,
        generator: Generator | None,
        profile: Profile = SMALL,
        passages: Passages | None = None,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._retriever = retriever
        self._generator = generator
        self._profile = profile
        self._passages = passages
        self._telemetry = telemetry

    async def ask(
        self,
        question: str,
        k: int = 6,
        filters: Filters = NO_FILTERS,
        release: str | None = None,
    ) -> Answer:
        """The answer from the ``k`` nearest passages.

        Raises AnswerFailed if the LLM fails, and what `Retriever.search` raises.
        """
        return await answer_of(self.stream(question, k, filters, release))

    async def answer(self, question: str, result: SearchResult) -> Answer:
        """The answer from passages that were retrieved before. Raises AnswerFailed."""
        return await answer_of(self.events(question, result))

    async def stream(
        self,
        question: str,
        k: int = 6,
        filters: Filters = NO_FILTERS,
        release: str | None = None,
    ) -> AsyncIterator[AnswerEvent]:
        """The events of an answer; text and citations are those that `ask` gives.

        Raises what `Retriever.search` raises before the first event, and nothing after it.
        """
        result = await asyncio.to_thread(self._retriever.search, question, k, filters, release)
        async for event in self.events(question, result):
            yield event

    async def events(self, question: str, result: SearchResult) -> AsyncIterator[AnswerEvent]:
        """The events of an answer from passages that were retrieved before; raises nothing."""
        yield Retrieved(result)
        try:
            with self._telemetry.stage("read"):
                read, found = await asyncio.to_thread(self._read, question, result)
        except StoreError as error:
            yield Failed(AnswerFailed(error.message, result))
            return
        reason = "no LLM is set"
        task = None if isinstance(found, Computed) else self._task(question, read, found)
        if task is not None:
            writing, prompt = task
            try:
                async for text in self._written(prompt, writing):
                    yield Token(text)
            except GenerationError as error:
                late = isinstance(error, GenerationTimeout)
                yield Failed((AnswerTimedOut if late else AnswerFailed)(error.message, result))
                return
            if writing.answer:
                for citation in writing.citations:
                    yield Cited(citation)
                yield Done(_generated(question, result, writing))
                return
            reason = writing.refusal
        if isinstance(found, Computed):
            answer = _computed(question, result, found)
        else:
            answer = _extracted(question, result, found, reason)
        yield Token(answer.answer)
        for citation in answer.citations:
            yield Cited(citation)
        yield Done(answer)

    def _read(
        self, question: str, result: SearchResult
    ) -> tuple[Sequence[Hit], Computed | Extract | None]:
        """The passages that the answer may rest on, and what they give without an LLM."""
        read: Sequence[Hit] = result.hits
        if self._passages is not None:
            read = self._passages.around(read)
        if not asks_for_figure(question):
            return read, extract(question, read)
        figure = find_figure(question, read)
        if isinstance(figure, Refused) and figure.missing and self._passages is not None:
            statements = self._passages.statements(figure.filings, read)
            if statements:
                figure = find_figure(question, (*read, *statements))
        if isinstance(figure, Computed):
            return read, figure
        return read, extract(question, read)

    def _task(
        self, question: str, read: Sequence[Hit], fact: Extract | None
    ) -> tuple[Writing, Prompt] | None:
        """What the LLM is to do, or None if there is nothing for it to do."""
        if self._generator is None or not read:
            return None
        chars = self._profile.answer_chars
        hits = read[: self._profile.passages]
        if hits:
            prompt = reading_prompt(question, hits, self._profile)
            return Writing(question, hits, chars), prompt
        if fact is None or fact.doubt:
            return None
        return Writing(question, hits, chars, fact), wording_prompt(question, fact, self._profile)

    async def _written(self, prompt: Prompt, writing: Writing) -> AsyncIterator[str]:
        """What the LLM writes, as far as it is verified."""
        assert self._generator is not None
        pieces = self._generator.stream(
            prompt.messages, max_tokens=self._profile.max_tokens, schema=prompt.schema
        )
        async with _closing(pieces):
            async for piece in pieces:
                for text in writing.feed(piece):
                    yield text
                if writing.done:
                    break
        writing.end()


def _answer(
    result: SearchResult,
    question: str,
    method: str,
    text: str,
    citations: tuple[Citation, ...] = (),
    reason: str = "",
    calculation: str = "",
) -> Answer:
    return Answer(
        question=question,
        answer=text,
        grounded=bool(citations),
        citations=citations,
        release=result.release,
        model=result.model,
        index_model=result.index_model,
        method=method,
        reason=reason,
        calculation=calculation,
        hits=result.hits,
    )


def _computed(question: str, result: SearchResult, figure: Computed) -> Answer:
    by = f"by the definition {figure.definition}" if figure.definition else ""
    return _answer(
        result, question, "computed", figure.text, figure.citations, by, figure.calculation
    )


def _generated(question: str, result: SearchResult, writing: Writing) -> Answer:
    rest = f"the rest is left out: {writing.refusal}" if writing.refusal else ""
    return _answer(
        result, question, "generated", writing.answer, writing.citations, rest, writing.calculation
    )


def _extracted(question: str, result: SearchResult, fact: Extract | None, reason: str) -> Answer:
    """The answer in a passage's own words, or that there is none."""
    if fact is not None and not fact.doubt:
        return _answer(result, question, "extracted", fact.text, fact.evidence.citations, reason)
    doubt = fact.doubt if fact is not None else "no passage found has to do with the question"
    text = "No passage that was found answers this for certain."
    return _answer(result, question, "none", text, reason=doubt)


async def answer_of(events: AsyncIterator[AnswerEvent]) -> Answer:
    """The answer that ``events`` end with. Raises AnswerFailed."""
    async for event in events:
        if isinstance(event, Done):
            return event.answer
        if isinstance(event, Failed):
            raise event.error
    raise AssertionError("the events of an answer end with Done or Failed")


@asynccontextmanager
async def _closing(pieces: AsyncIterator[str]) -> AsyncGenerator[None]:
    """Ends the LLM's stream at once where it is left early."""
    try:
        yield
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
