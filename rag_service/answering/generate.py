"""Reads an LLM's answer as it comes and lets out only what its passage bears out."""

from __future__ import annotations

from collections.abc import Sequence

from rag_service.answering.citations import baseless_figures, cite
from rag_service.answering.extract import extract, split_text
from rag_service.answering.prompt import Draft, Profile, read
from rag_service.answering.question import company_words, coverage, doubt, understand
from rag_service.answering.terms import stems
from rag_service.core.types import Chunk, Citation, Hit

_HALF = 0.5


class Writing:
    """Takes the LLM's text piece by piece; `feed` gives what may be said so far.

    Evidence is checked as soon as it is complete, and the answer sentence by sentence: the first
    sentence that does not hold ends it. What comes out does not depend on how the text was cut
    into pieces.
    """

    def __init__(self, question: str, hits: Sequence[Hit], profile: Profile) -> None:
        self._asked = understand(question)
        self._hits = hits
        self._profile = profile
        self._known = None if profile.trusted else extract(question, hits)
        self._written = ""
        self._draft = Draft()
        self._said: list[str] = []
        self._chunk: Chunk | None = None
        self.citation: Citation | None = None
        self.refusal = ""
        """Why nothing, or nothing more, of what the LLM wrote is said; ``""`` if all is."""

    @property
    def done(self) -> bool:
        """True if more text would change nothing."""
        return bool(self.refusal) or self._draft.whole

    @property
    def answer(self) -> str:
        """All that was let out."""
        return " ".join(self._said)

    def feed(self, piece: str) -> list[str]:
        """Take the next text in; the pieces of the answer that are now verified."""
        released: list[str] = []
        for character in piece:
            if self.done:
                break
            if self._written or character == "{":
                self._written += character
                self._draft = read(self._written) or self._draft
                released += self._release()
        return released

    def end(self) -> None:
        """Say that no more text comes."""
        if not self.done:
            self.refusal = "the LLM's answer was cut off or outside its schema"

    def _release(self) -> list[str]:
        draft = self._draft
        if draft.passage is not None and draft.quote is not None and self.citation is None:
            self._take_evidence(draft.passage, draft.quote)
        if self.citation is not None and self._chunk is not None:
            return self._take_sentences(draft, self.citation, self._chunk)
        if draft.whole and not self.refusal:
            self.refusal = "the LLM's answer was outside its schema"
        return []

    def _take_evidence(self, passage: int, quote: str) -> None:
        if passage == 0:
            self.refusal = "the LLM found no answer in the passages"
            return
        if not 1 <= passage <= len(self._hits):
            self.refusal = f"the LLM cited passage {passage}, which it was not given"
            return
        chunk = self._hits[passage - 1].chunk
        citation = cite(chunk, quote)
        if citation is None:
            self.refusal = "the LLM's quote does not stand in its passage"
            return
        self.refusal = "" if self._profile.trusted else self._mistrust(citation, chunk)
        if not self.refusal:
            self.citation, self._chunk = citation, chunk

    def _mistrust(self, citation: Citation, chunk: Chunk) -> str:
        """Why an LLM that is not trusted is not followed, or ``""``."""
        evidence = set(stems(f"{citation.quote} {chunk.context} {chunk.heading}"))
        company = company_words(chunk.facts)
        topics = [topic - company for topic in self._asked.topics]
        if all(topic and coverage(topic, evidence, evidence) < _HALF for topic in topics):
            return "the LLM's quote has little to do with the question"
        if self._known is not None and not self._known.doubt:
            ours, theirs = self._known.citation.quote, citation.quote
            if ours not in theirs and theirs not in ours:
                return "the LLM's quote is not the nearest one"
        return ""

    def _take_sentences(self, draft: Draft, citation: Citation, chunk: Chunk) -> list[str]:
        sentences = split_text(draft.answer, by_line=False)
        if not draft.whole:
            sentences = sentences[:-1]
        elif not sentences:
            self.refusal = "the LLM's answer was empty"
        released = []
        for sentence in sentences[len(self._said) :]:
            self.refusal = self._objection(sentence, citation, chunk)
            if self.refusal:
                break
            released.append(f" {sentence}" if self._said else sentence)
            self._said.append(sentence)
        return released

    def _objection(self, sentence: str, citation: Citation, chunk: Chunk) -> str:
        baseless = baseless_figures(sentence, chunk, citation.quote, self._asked)
        if baseless:
            return f"the LLM stated {', '.join(baseless)}, which the passage does not bear out"
        return "" if self._said else doubt(self._asked, chunk, f"{citation.quote} {sentence}")
