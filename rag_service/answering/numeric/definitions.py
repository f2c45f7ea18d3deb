"""Formulas that a question itself gives: ``DPO is defined as: 365 * average payables / COGS``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_service.answering.numeric.expressions import Apply, Tree, parse
from rag_service.answering.terms import stems

_SAID = re.compile(
    r"(?:\b(?:please\s+)?define\s+(?P<named>[^.?!:;()]{2,80}?)\s+as\b"
    r"|(?P<called>(?:(?<=^)|(?<=[.?!;]\s)|(?<=[(]))[^.?!:;()]{2,80}?(?:\([A-Za-z&\s]{2,20}\))?)\s+"
    r"(?:is|are|being|should be|can be|=)\s*(?:to\s+be\s+)?"
    r"(?:(?:defined|calculated|computed|measured|derived)\s+(?:as|by)\b|(?<==))"
    r"|\b(?:defined|calculated|computed|measured)\s+(?:as|by)\b)"
    r"\s*(?:being\s*)?[:=]?\s*",
    re.I,
)
_END = re.compile(r"[?;]|\.(?=\s+[A-Z]|\s*$)")


@dataclass(frozen=True, slots=True)
class Definition:
    """What the question says a name means; without a name, it is what is asked for."""

    name: frozenset[str]
    tree: Tree
    text: str


def cut_definitions(question: str) -> tuple[tuple[Definition, ...], str, bool]:
    """The definitions in ``question``, what is left of it, and whether all of them were read."""
    found: list[Definition] = []
    whole = True
    while (match := _SAID.search(question)) is not None:
        end = _end(question, match)
        text = question[match.end() : end].strip(" .,")
        tree = parse(text)
        name = frozenset(stems(match["named"] or match["called"] or ""))
        if isinstance(tree, Apply):
            found.append(Definition(name, tree, text))
        else:
            whole = False
        question = f"{question[: match.start()].rstrip(' ,(')} {question[end:].lstrip(' .;)')}"
    return tuple(found), question.strip(), whole


def _end(question: str, match: re.Match[str]) -> int:
    """Where a definition ends: with its sentence, or with the parenthesis that it stands in."""
    deep = 0
    for place in range(match.end(), len(question)):
        deep += {"(": 1, ")": -1}.get(question[place], 0)
        if deep < 0 or (deep == 0 and _END.match(question, place)):
            return place
    return len(question)
