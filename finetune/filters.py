"""Which written questions are fit to train on and to measure with."""

import re
from collections.abc import Sequence

from finetune.amounts import amounts_in
from rag_service.core.types import Chunk

_POINTS = re.compile(
    r"\b(?:the|this|that|given|provided|following)\s+(?:passage|text|excerpt|paragraph|context|"
    r"snippet|sentence)\b"
    r"|\b(?:passage|text|table|section|information|document|data)\s+(?:above|below|provided|given)\b"
    r"|\bmentioned (?:above|here)\b|\bas (?:shown|described) (?:above|below)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19[89]\d|20[0-4]\d)\b")
_STOP = {
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "by", "is", "are", "was", "were", "be",
    "did", "do", "does", "what", "which", "who", "how", "much", "many", "and", "or", "its",
    "their", "it", "as", "with", "from", "that", "this",
}  # fmt: skip
_FEWEST_WORDS, _MOST_WORDS = 4, 45


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
    passage = _words(f"{chunk.context}\n{chunk.text}")
    if _copies(words, _words(chunk.text)):
        return "copies the passage"
    if _contains(words, _words(answer)):
        return "answer in the question"
    if not _answered(answer, chunk, passage):
        return "answer not in the passage"
    if _strange_year(question, chunk):
        return "names another year"
    return ""


class SeenQuestions:
    """Remembers questions; equal but for order, case, marks and small words counts as seen."""

    def __init__(self) -> None:
        self._seen: set[frozenset[str]] = set()

    def is_new(self, question: str) -> bool:
        key = frozenset(word for word in _words(question) if word not in _STOP)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def _answered(answer: str, chunk: Chunk, passage: Sequence[str]) -> bool:
    """Whether the answer stands in the passage; amounts by value, however they are printed."""
    wanted = _words(answer)
    if _contains(passage, wanted):
        return True
    amounts = amounts_in(answer)
    return bool(amounts) and len(wanted) <= 12 and amounts <= amounts_in(chunk.text)


def _copies(question: Sequence[str], passage: Sequence[str]) -> bool:
    length = max(8, round(0.7 * len(question)))
    return any(
        _contains(passage, question[start : start + length])
        for start in range(len(question) - length + 1)
    )


def _strange_year(question: str, chunk: Chunk) -> bool:
    known = set(_YEAR.findall(f"{chunk.context}\n{chunk.text}")) | {str(chunk.facts.fiscal_year)}
    return not set(_YEAR.findall(question)) <= known


def _contains(words: Sequence[str], run: Sequence[str]) -> bool:
    return bool(run) and f" {' '.join(run)} " in f" {' '.join(words)} "


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9&%]+(?:[.,]\d+)*", text.casefold())
