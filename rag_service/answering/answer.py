"""From a question to an answer with citations, whole or as a stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rag_service.answering.extract import Extract, extract
from rag_service.answering.generate import Writing
from rag_service.answering.prompt import SMALL, Profile, Prompt, reading_prompt, wording_prompt
from rag_service.answering.retrieve import NO_FILTERS, Retriever, SearchResult
from rag_service.core.errors import GenerationError
from rag_service.core.protocols import Generator
from rag_service.core.types import Answer, Citation, Filters


class AnswerFailed(GenerationError):
    """The LLM failed; ``result`` has the passages that were found nevertheless."""

    def __init__(self, message: str, result: SearchResult) -> None:
        super().__init__(message)
        self.result = result


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
    """The whole answer: the last event, unless the LLM failed."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """The LLM failed: the last event."""

    error: AnswerFailed


AnswerEvent = Retrieved | Token | Cited | Done | Failed


class Answerer:
    """Answers with the LLM where what it says can be verified, else with a passage's own words.

    Without a ``generator`` every answer is extracted. ``profile`` says what the LLM can bear: the
    least by default; give a capable LLM ``LARGE``.
    """

    def __init__(
        self, retriever: Retriever, generator: Generator | None, profile: Profile = SMALL
    ) -> None:
        self._retriever = retriever
        self._generator = generator
        self._profile = profile

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
        return await _last(self.stream(question, k, filters, release))

    async def answer(self, question: str, result: SearchResult) -> Answer:
        """The answer from passages that were retrieved before. Raises AnswerFailed."""
        return await _last(self.events(question, result))

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
        fact = await asyncio.to_thread(extract, question, result.hits)
        reason = "no LLM is set"
        task = self._task(question, result, fact)
        if task is not None:
            writing, prompt = task
            try:
                async for text in self._written(prompt, writing):
                    yield Token(text)
            except GenerationError as error:
                yield Failed(AnswerFailed(error.message, result))
                return
            if writing.citation is not None and writing.answer:
                yield Cited(writing.citation)
                yield Done(_generated(question, result, writing, writing.citation))
                return
            reason = writing.refusal
        answer = _extracted(question, result, fact, reason)
        yield Token(answer.answer)
        for citation in answer.citations:
            yield Cited(citation)
        yield Done(answer)

    def _task(
        self, question: str, result: SearchResult, fact: Extract | None
    ) -> tuple[Writing, Prompt] | None:
        """What the LLM is to do, or None if there is nothing for it to do."""
        if self._generator is None or not result.hits:
            return None
        chars = self._profile.answer_chars
        hits = result.hits[: self._profile.passages]
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


def _generated(question: str, result: SearchResult, writing: Writing, citation: Citation) -> Answer:
    return Answer(
        question=question,
        answer=writing.answer,
        grounded=True,
        citations=(citation,),
        release=result.release,
        model=result.model,
        index_model=result.index_model,
        method="generated",
        reason=f"the rest is left out: {writing.refusal}" if writing.refusal else "",
        hits=result.hits,
    )


def _extracted(question: str, result: SearchResult, fact: Extract | None, reason: str) -> Answer:
    """The answer in a passage's own words, or that there is none."""
    if fact is not None and not fact.doubt:
        return Answer(
            question=question,
            answer=fact.text,
            grounded=True,
            citations=(fact.citation,),
            release=result.release,
            model=result.model,
            index_model=result.index_model,
            method="extracted",
            reason=reason,
            hits=result.hits,
        )
    doubt = fact.doubt if fact is not None else "no passage found has to do with the question"
    return Answer(
        question=question,
        answer="No passage that was found answers this for certain.",
        grounded=False,
        citations=(),
        release=result.release,
        model=result.model,
        index_model=result.index_model,
        method="none",
        reason=doubt,
        hits=result.hits,
    )


async def _last(events: AsyncIterator[AnswerEvent]) -> Answer:
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
