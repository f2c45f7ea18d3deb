"""The part of a question that names what is asked for, without the words of asking."""

from __future__ import annotations

import re

from rag_service.answering.numeric.formulas import formula_in
from rag_service.answering.numeric.items import item_words
from rag_service.answering.numeric.table_values import STATEMENT_NAME
from rag_service.answering.terms import stems

_SENTENCE = re.compile(r"(?<=[.?!;])\s+(?=[\"“(]?[A-Z])")
_QUESTION_WORD = re.compile(r"\b(?:by how much|by what|what|which|how)\b.*", re.I | re.DOTALL)
_STATEMENT = re.compile(
    r"(?:\b(?:going by|judging by|according to|based on|using|with|in|on|from|per|within|of|by)"
    rf"\s+)?(?:the\s+|its\s+)?(?:consolidated\s+)?(?:{STATEMENT_NAME})(?:\s+at hand)?\s*[,:]?",
    re.I,
)
_MONTHS = "january february march april may june july august september october november december"
_NOISE = frozenset(
    stems(
        """work result find give need know tell determine derive figure number level many high low
        big large great strong good come came went go do make made carry carried hold held book
        books balance show shown stand stood record recorded earn earned generate generated achieve
        achieved bring brought spend spent incur incurred reported disclose disclosed recognize
        recognized post posted compare compared relative against versus vs approximately roughly
        exactly according annual yearly close period firm business whole entire answer question
        information detail primarily look see using assume analyst based usd gaap unadjusted overall
        consolidated yes any there been if not while hand hands full-year twelve months month day
        across before earlier later still provide formula defined calculated consider expect
        measure reach reached size sum latest recent last prior previous current-year one
        terms sheet filing 10-k its did does was were
        wa doe ha 10k fy please following ending closing year-end line-item"""
    )
) | frozenset(stems(_MONTHS))
_KEPT = frozenset(stems("sum number spend terms current before day one"))
NOISE = _NOISE - _KEPT
"""Words of asking, which say nothing of what is asked for."""


def core(question: str) -> str:
    """What stands after the question word of the sentence that asks, if it says anything.

    Else the whole sentence, else all sentences that say anything.
    """
    question = _STATEMENT.sub(" ", question)
    sentences = _SENTENCE.split(question.strip())
    asking = [s for s in sentences if s.rstrip().endswith("?")] or sentences
    cut = [match.group() if (match := _QUESTION_WORD.search(s)) else s for s in asking]
    saying = [s for s in sentences if content(s)]
    for text in (" ".join(cut), " ".join(asking)):
        if content(text):
            return text
    return " ".join(saying)


def content(text: str) -> frozenset[str]:
    """The words of ``text`` that say what is asked for: no words of asking.

    Words of a line's or a measure's name stay, such as the goods of ``cost of goods sold``.
    """
    words = frozenset(stems(text))
    return (words - NOISE) | formula_in(words)[1] | item_words(words)
