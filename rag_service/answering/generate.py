"""Reads an LLM's answer as it comes and lets out only what its passages bear out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag_service.answering.calculations import Calculation, bears_out, work_out
from rag_service.answering.citations import Evidence, baseless_figures, cite, fold
from rag_service.answering.extract import Extract, split_text
from rag_service.answering.figures import changed_figure, has_figure
from rag_service.answering.injection import is_order, strays_to_address
from rag_service.answering.numeric.calculate import Uncomputable
from rag_service.answering.prompt import Claim, Draft, Quoted, read
from rag_service.answering.question import doubt, related, understand
from rag_service.answering.terms import stems
from rag_service.core.types import Citation, Hit

_OWN_WORDS, _OWN_WORDS_OF_FACT = 0.15, 0.1
"""Of a sentence's words, at most: those that neither the question nor the passages have."""
_PLAIN = frozenset(
    stems("however therefore thus because according increase decrease rise rose fall fell grow "
          "grew decline high higher low lower large larger small smaller compare percent "
          "percentage respective respectively both same different mainly due")
)  # fmt: skip
_NEGATION = re.compile(r"\b(?:no|not|never|none|nor|neither|without|cannot)\b|n['’]t\b", re.I)
_VERDICT = re.compile(r"^\W*(?:yes|no)\b[,.:;]?\s*", re.I)


class Writing:
    """Takes the LLM's text piece by piece; `feed` gives what may be said so far.

    Evidence is checked as soon as it is complete, and the answer sentence by sentence: the first
    sentence that does not hold ends it. What comes out does not depend on how the text was cut
    into pieces. With a ``fact`` the evidence is that, and one sentence in its words is taken.
    """

    def __init__(
        self, question: str, hits: Sequence[Hit], answer_chars: int, fact: Extract | None = None
    ) -> None:
        self._question = question
        self._asked = understand(question)
        self._hits = hits
        self._answer_chars = answer_chars
        self._fact = fact
        self._asked_words = frozenset(stems(question))
        self._vocabulary = _PLAIN | self._asked_words
        self._written = ""
        self._draft = Draft()
        self._said: list[str] = []
        self._released: list[str] = []
        self._evidence: dict[int, Evidence] = {}
        self._worked_out: list[Calculation] | None = None
        self._shown: list[str] = []
        self.refusal = ""
        """Why nothing, or nothing more, of what the LLM wrote is said; ``""`` if all is."""
        if fact is not None:
            self._take(1, fact.evidence)
            self._worked_out = []

    @property
    def done(self) -> bool:
        """True if more text would change nothing."""
        enough = self._fact is not None and bool(self._said)
        return bool(self.refusal) or self._draft.whole or enough

    @property
    def answer(self) -> str:
        """All that was let out."""
        return "".join(self._released)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Of the evidence that holds, each once."""
        cited = (c for evidence in self._evidence.values() for c in evidence.citations)
        return tuple(dict.fromkeys(cited))

    @property
    def calculation(self) -> str:
        """The calculations that the answer shows."""
        return "; ".join(dict.fromkeys(self._shown))

    def feed(self, piece: str) -> list[str]:
        """Take the next text in; the pieces of the answer that are now verified."""
        released: list[str] = []
        for character in piece:
            if self.done:
                break
            if self._written or character == "{":
                self._written += character
                draft = read(self._written)
                if draft is not None and draft != self._draft:
                    self._draft = draft
                    released += self._release()
        return released

    def end(self) -> None:
        """Say that no more text comes."""
        if not self.done:
            self.refusal = "the LLM's answer was cut off or outside its schema"

    def _release(self) -> list[str]:
        draft = self._draft
        if draft.evidence is not None and not self._evidence:
            self._take_evidence(draft.evidence)
        if self.refusal:
            return []
        if not self._evidence:
            self.refusal = "the LLM's answer was outside its schema" if draft.whole else ""
            return []
        if self._worked_out is None:
            if draft.claims is None and not draft.whole:
                return []
            self._worked_out = self._calculations(draft.claims or ())
        return self._take_sentences(draft, self._worked_out)

    def _take_evidence(self, quoted: Sequence[Quoted | None]) -> None:
        """Keep what holds; the rest is as if it had not been said."""
        objection = "the LLM found no answer in the passages"
        for number, quote in enumerate(quoted, start=1):
            found = self._check(quote)
            if isinstance(found, Evidence):
                self._take(number, found)
            else:
                objection = found
        if not self._evidence:
            self.refusal = objection

    def _take(self, number: int, evidence: Evidence) -> None:
        self._evidence[number] = evidence
        chunk = evidence.chunk
        said = [sentence for sentence in split_text(chunk.text, False) if not is_order(sentence)]
        if self._fact is not None:
            said = [self._fact.text, evidence.quote]
        self._vocabulary |= frozenset(stems(" ".join((chunk.context, chunk.heading, *said))))

    def _check(self, quoted: Quoted | None) -> Evidence | str:
        """The evidence, or why it is none."""
        if quoted is None:
            return "the LLM's answer was outside its schema"
        if not 1 <= quoted.passage <= len(self._hits):
            return f"the LLM cited passage {quoted.passage}, which it was not given"
        chunk = self._hits[quoted.passage - 1].chunk
        quote = fold(quoted.quote)
        citations = cite(chunk, quote)
        if not citations:
            return "the LLM's quote does not stand in its passage"
        if is_order(quote):
            return "the LLM's quote tells its reader what to say"
        if not related(self._asked, chunk, quote):
            return "the LLM's quote has nothing to do with the question"
        return Evidence(chunk, quote, citations)

    def _calculations(self, claims: Sequence[Claim]) -> list[Calculation]:
        """Those that can be worked out from figures in the evidence."""
        found = []
        for claim in claims:
            operands = [(self._evidence.get(number), figure) for number, figure in claim.operands]
            known = [(evidence, figure) for evidence, figure in operands if evidence is not None]
            if len(known) == len(operands):
                try:
                    found.append(work_out(claim.operation, known))
                except Uncomputable:
                    continue
        return found

    def _take_sentences(self, draft: Draft, calculations: Sequence[Calculation]) -> list[str]:
        sentences = split_text(draft.answer, by_line=False)
        if draft.whole and not sentences:
            self.refusal = "the LLM's answer was empty"
        if not draft.whole or self._is_cut_off(draft.answer):
            sentences = sentences[:-1]
        if draft.whole and not sentences and not self.refusal:
            self.refusal = "the LLM's answer was too long"
        released = []
        for sentence in sentences[len(self._said) : 1 if self._fact else None]:
            shown = self._borne_out(sentence, calculations)
            if self.refusal:
                break
            text = f"{sentence} ({'; '.join(shown)})" if shown else sentence
            released.append(f" {text}" if self._said else text)
            self._said.append(sentence)
            self._shown += shown
        self._released += released
        return released

    def _is_cut_off(self, answer: str) -> bool:
        """True if the schema's limit ended the answer within a sentence."""
        return len(answer) >= self._answer_chars and not answer.rstrip().endswith((".", "!", "?"))

    def _borne_out(self, sentence: str, calculations: Sequence[Calculation]) -> list[str]:
        """The calculations that ``sentence`` rests on; sets ``refusal`` if it does not hold."""
        evidence = list(self._evidence.values())
        shown: list[str] = []
        baseless = []
        for figure in baseless_figures(sentence, evidence, self._asked):
            found = next((c.text for c in calculations if bears_out(c, figure)), None)
            if found is None:
                baseless.append(figure.text)
            elif found not in shown:
                shown.append(found)
        if baseless:
            self.refusal = (
                f"the LLM stated {', '.join(baseless)}, which the passage does not bear out"
            )
        else:
            self.refusal = self._departure(sentence, evidence)
        return shown

    def _departure(self, sentence: str, evidence: Sequence[Evidence]) -> str:
        """How ``sentence`` says something else than the evidence, or ``""``."""
        if is_order(sentence) or strays_to_address(self._question, sentence):
            return "the LLM wrote what no annual report says in answer"
        quotes = " ".join(cited.quote for cited in evidence)
        if self._asked.is_choice:
            sentence = _VERDICT.sub("", sentence)
        if _NEGATION.search(sentence) and not _NEGATION.search(f"{quotes} {self._question}"):
            return "the LLM denied something, which no quote does"
        if self._fact is not None and (changed := changed_figure(self._fact.text, sentence)):
            return f"the LLM changed the fact's figure: {changed}"
        words = stems(sentence)
        own = [word for word in words if word not in self._vocabulary]
        if len(own) > (_OWN_WORDS_OF_FACT if self._fact else _OWN_WORDS) * len(words):
            return "the LLM added words of its own to what the passage says"
        if not has_figure(sentence):
            fact = self._fact.text if self._fact is not None else ""
            if self._asked.wants != "text" and has_figure(fact):
                return "the LLM left the figure out"
            if self._asked_words.issuperset(words) and not self._asked.is_choice:
                return "the LLM said no more than the question does"
        if self._said or self._fact is not None:
            return ""
        return doubt(self._asked, [cited.chunk for cited in evidence], f"{quotes} {sentence}")
