"""Reads an LLM's answer as it comes and lets out only what its passage bears out."""

from __future__ import annotations

from collections.abc import Sequence

from rag_service.answering.citations import baseless_figures, cite
from rag_service.answering.extract import Extract, split_text
from rag_service.answering.figures import has_figure
from rag_service.answering.prompt import Draft, read
from rag_service.answering.question import doubt, understand
from rag_service.answering.terms import stems
from rag_service.core.types import Chunk, Citation, Hit

_OWN_WORDS = 0.1


class Writing:
    """Takes the LLM's text piece by piece; `feed` gives what may be said so far.

    Evidence is checked as soon as it is complete, and the answer sentence by sentence: the first
    sentence that does not hold ends it. What comes out does not depend on how the text was cut
    into pieces. With a ``fact`` the evidence is that, and one sentence in its words is taken.
    """

    def __init__(
        self, question: str, hits: Sequence[Hit], answer_chars: int, fact: Extract | None = None
    ) -> None:
        self._asked = understand(question)
        self._hits = hits
        self._answer_chars = answer_chars
        self._fact = fact
        self._vocabulary = set(stems(question))
        self._written = ""
        self._draft = Draft()
        self._said: list[str] = []
        self._chunk: Chunk | None = None
        self.citation: Citation | None = None
        self.refusal = ""
        """Why nothing, or nothing more, of what the LLM wrote is said; ``""`` if all is."""
        if fact is not None:
            self.citation, self._chunk = fact.citation, fact.chunk
            known = (fact.text, fact.citation.quote, fact.chunk.context, fact.chunk.heading)
            self._vocabulary.update(stems(" ".join(known)))

    @property
    def done(self) -> bool:
        """True if more text would change nothing."""
        enough = self._fact is not None and bool(self._said)
        return bool(self.refusal) or self._draft.whole or enough

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
        self.citation, self._chunk = citation, chunk

    def _take_sentences(self, draft: Draft, citation: Citation, chunk: Chunk) -> list[str]:
        sentences = split_text(draft.answer, by_line=False)
        if draft.whole and not sentences:
            self.refusal = "the LLM's answer was empty"
        if not draft.whole or self._is_cut_off(draft.answer):
            sentences = sentences[:-1]
        if draft.whole and not sentences and not self.refusal:
            self.refusal = "the LLM's answer was too long"
        released = []
        for sentence in sentences[len(self._said) : 1 if self._fact else None]:
            self.refusal = self._objection(sentence, citation, chunk)
            if self.refusal:
                break
            released.append(f" {sentence}" if self._said else sentence)
            self._said.append(sentence)
        return released

    def _is_cut_off(self, answer: str) -> bool:
        """True if the schema's limit ended the answer within a sentence."""
        return len(answer) >= self._answer_chars and not answer.rstrip().endswith((".", "!", "?"))

    def _objection(self, sentence: str, citation: Citation, chunk: Chunk) -> str:
        baseless = baseless_figures(sentence, chunk, citation.quote, self._asked)
        if baseless:
            return f"the LLM stated {', '.join(baseless)}, which the passage does not bear out"
        if self._fact is not None:
            return self._departure(sentence, self._fact)
        return "" if self._said else doubt(self._asked, chunk, f"{citation.quote} {sentence}")

    def _departure(self, sentence: str, fact: Extract) -> str:
        """How ``sentence`` says something else than ``fact``, or ``""``."""
        words = stems(sentence)
        own = [word for word in words if word not in self._vocabulary]
        if len(own) > _OWN_WORDS * len(words):
            return "the LLM added words of its own to what the passage says"
        wanted = self._asked.wants != "text" and has_figure(fact.text)
        if wanted and not has_figure(sentence):
            return "the LLM left the figure out"
        return ""
