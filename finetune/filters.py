"""Which written questions are fit to train on and to measure with."""

import re
from collections.abc import Sequence

from finetune.figures import PrintedFigures, figures_in
from rag_service.core.types import Chunk

_POINTS = re.compile(
    r"\b(?:the|this|that|given|provided|following)\s+(?:passage|text|excerpt|paragraph|context|"
    r"snippet|sentence)\b"
    r"|\b(?:passage|text|table|section|information|document|data)\s+(?:above|below|provided|given)\b"
    r"|\bmentioned (?:above|here)\b|\bas (?:shown|described) (?:above|below)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19[89]\d|20[0-4]\d)\b")
_SHORT_YEAR = re.compile(r"\bfy ?(?:20)?(\d\d)\b", re.IGNORECASE)
_STOP = {
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "by", "is", "are", "was", "were", "be",
    "did", "do", "does", "what", "which", "who", "how", "much", "many", "and", "or", "its",
    "their", "it", "as", "with", "from", "that", "this", "fiscal", "year", "fy",
}  # fmt: skip
_FEWEST_WORDS, _MOST_WORDS = 4, 45
_MOST_AROUND_FIGURES = 12
"""Words of an answer that is proven by its figures alone."""


def reason_to_drop(question: str, answer: str, chunk: Chunk, *, computed: bool = False) -> str:
    """Why a question is unfit, as a short name to count by; ``""`` if it is fit.

    ``computed`` answers are figures worked out from the passage, which need not stand in it.
    """
    words = _words(question)
    if not question.strip().endswith("?"):
        return "not a question"
    if len(words) < _FEWEST_WORDS:
        return "too short"
    if len(words) > _MOST_WORDS:
        return "too long"
    if _POINTS.search(question):
        return "points at the passage"
    if not answer.strip():
        return "no answer"
    if computed:
        return ""
    passage = _joined(_words(f"{chunk.context}\n{chunk.text}"))
    if _copies(words, _joined(_words(chunk.text))):
        return "copies the passage"
    if _joined(_words(answer)) in _joined(words):
        return "answer in the question"
    if not _answered(answer, chunk, passage):
        return "answer not in the passage"
    if _strange_year(question, chunk):
        return "names another year"
    return ""


class SeenQuestions:
    """Remembers questions, to find near-duplicates.

    Questions count as seen if they are equal but for order, case, marks, small words and the way
    in which a fiscal year is named.
    """

    def __init__(self) -> None:
        self._seen: set[frozenset[str]] = set()

    def is_new(self, question: str) -> bool:
        named = _SHORT_YEAR.sub(lambda match: f"20{match[1]}", question)
        key = frozenset(word for word in _words(named) if word not in _STOP)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def _answered(answer: str, chunk: Chunk, passage: str) -> bool:
    """Whether the answer stands in the passage; its figures by value, however they are printed.

    Figures that could stand anywhere, such as a year or a small count, prove nothing by
    themselves.
    """
    wanted = _words(answer)
    if wanted and _joined(wanted) in passage:
        return True
    figures = figures_in(answer)
    if len(wanted) > _MOST_AROUND_FIGURES or not any(figure.telling for figure in figures):
        return False
    printed = PrintedFigures(chunk)
    return all(printed.state(figure) for figure in figures)


def _copies(question: Sequence[str], passage: str) -> bool:
    length = max(8, round(0.7 * len(question)))
    return any(
        _joined(question[start : start + length]) in passage
        for start in range(len(question) - length + 1)
    )


def _strange_year(question: str, chunk: Chunk) -> bool:
    """Whether it names a year that is none of the passage's, calendar or fiscal."""
    facts = chunk.facts
    known = {int(year) for year in _YEAR.findall(f"{chunk.context}\n{chunk.text}")}
    known.add(facts.fiscal_year)
    if facts.fiscal_year and facts.period_end[:4].isdigit():
        apart = facts.fiscal_year - int(facts.period_end[:4])
        known |= {year + apart for year in known}
    return not {int(year) for year in _YEAR.findall(question)} <= known


def _joined(words: Sequence[str]) -> str:
    """Words as a string in which one run of words is found in another whole."""
    return f" {' '.join(words)} "


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9&%]+(?:[.,]\d+)*", text.casefold())
