"""Statements of a passage that are worth a question, and the phrases that may answer it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.amounts import parse_amount
from rag_service.core.types import Chunk

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"(•])|\n+")
_AMOUNT = re.compile(
    r"\$ ?\d[\d,.]*\d(?: (?:million|billion|thousand))?|\d[\d,.]* ?%|\d[\d,.]* (?:million|billion)"
)
_CAUSE = re.compile(
    r"\b(?:because(?: of)?|due to|driven (?:primarily |mainly )?by|as a result of|owing to|"
    r"attributable to|resulted from|reflecting|caused by)\s+([^;]+)"
)
_MOVE = re.compile(
    r"\b(?:increase[ds]?|decrease[ds]?|rose|fell|grew|declined|higher|lower|compared (?:with|to))\b"
)
_DANGER = re.compile(r"\b(?:could|might|may|would)\b")
_RULE = re.compile(
    r"\b(?:recogni[sz]e|account for|accounted for|measure|record|amorti[sz]e|capitali[sz]e|"
    r"depreciate|estimate|classif)"
)
_CLAUSE_END = re.compile(r"[,;:—]\s(?:(?:and|but|which)\s)?|\s(?:and|but|which|that|if|when)\s")
_POINTING = re.compile(
    r"\bfollow(?:s|ing)\b|\b(?:Note|Item|Part|Exhibit) [\dIVX]|\bincorporated (?:herein )?by "
    r"reference|accompanying notes|forward-looking|should be read",
    re.IGNORECASE,
)
"""Says where something stands, and not what."""
_SHORTEST, _LONGEST = 40, 320
_MOST_ANSWERS = 12


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement as printed, or a table row in words; ``style`` is the question that suits it."""

    text: str
    style: str
    answers: tuple[str, ...]
    """Phrases of the statement, one of which is the answer; each stands in the passage."""


def facts_of(chunk: Chunk) -> list[Fact]:
    """All facts of a passage in its order; none where it only points elsewhere."""
    found = _rows(chunk) if chunk.kind == "table" else _sentences(chunk)
    return list(found)


def _rows(chunk: Chunk) -> Iterator[Fact]:
    """Rows with an amount in the first column that is not empty."""
    cells = chunk.cells
    if cells is None:
        return
    for label, *values in cells.rows:
        stated = [(v, c) for v, c in zip(values, cells.columns, strict=False) if v.strip()]
        if not re.search(r"[A-Za-z]{3}", label) or not stated or parse_amount(stated[0][0]) is None:
            continue
        told = ", ".join(f"{value} ({column})" for value, column in stated[:3])
        yield Fact(
            f"{cells.title} {cells.unit}: {label}: {told}".strip(), "figure", (stated[0][0],)
        )


def _sentences(chunk: Chunk) -> Iterator[Fact]:
    for piece in _SENTENCE_END.split(chunk.text):
        sentence = " ".join(piece.split())
        if not _SHORTEST <= len(sentence) <= _LONGEST or not sentence.endswith("."):
            continue
        if _POINTING.search(sentence) or not sentence[0].isupper():
            continue
        style = _style(sentence, chunk.section)
        answers = dict.fromkeys(_answers(sentence, style))
        yield Fact(sentence, style, tuple(answers)[:_MOST_ANSWERS])


def _style(sentence: str, section: str) -> str:
    if _CAUSE.search(sentence):
        return "cause"
    if _MOVE.search(sentence) and _AMOUNT.search(sentence):
        return "comparison"
    if section in {"Item 1A", "Item 7A"} and _DANGER.search(sentence):
        return "risk"
    if _RULE.search(sentence):
        return "policy"
    return "figure" if _AMOUNT.search(sentence) else "business"


def _answers(sentence: str, style: str) -> Iterator[str]:
    if style == "figure":
        yield from _AMOUNT.findall(sentence)
        return
    if style == "cause":
        yield from (match[1].rstrip(". ") for match in _CAUSE.finditer(sentence))
        return
    whole = sentence.rstrip(". ")
    for clause in _CLAUSE_END.split(whole):
        if 2 <= len(clause.split()) <= 15:
            yield clause.strip()
    yield whole
