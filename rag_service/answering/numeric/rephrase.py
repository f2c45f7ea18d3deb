"""Ways of asking for a measure that do not name it, in the words that name it."""

from __future__ import annotations

import re

from rag_service.answering.numeric.formulas import formula_in
from rag_service.answering.terms import stems

_VERB = r"(?:is|are|was|were|did|does|do|has|have|had)"
_RATIO = r"ratio of \g<a> to \g<b>"
_WAYS = tuple(
    (re.compile(pattern, re.I), words)
    for pattern, words in (
        (
            rf"\bhow many times\s+{_VERB}\s+(?P<b>[^?]+?)\s+(?:covered|exceeded)\s+by\s+"
            r"(?P<a>[^?]+)",
            _RATIO,
        ),
        (
            rf"\bhow many times\s+{_VERB}\s+(?P<a>[^?]+?)\s+(?:cover|exceed)\s+(?P<b>[^?]+)",
            _RATIO,
        ),
        (
            rf"\bhow many times\s+{_VERB}\s+(?P<a>[^?]+?)\s+turn(?:ed)?(?: over)?\b",
            r"\g<a> turnover",
        ),
        (
            r"\bhow many times\s+(?:larger|bigger|greater|higher|as (?:large|big|great|high|much))"
            rf"\s+{_VERB}\s+(?P<a>[^?]+?)\s+(?:than|as)\s+(?P<b>[^?]+)",
            _RATIO,
        ),
        (
            rf"\b(?:what multiple of|how many times)\s+(?P<b>[^?]+?)\s+{_VERB}\s+(?P<a>[^?]+)",
            _RATIO,
        ),
        (r"(?P<a>[^?,]+?)\s+as an? (?:multiple of|ratio (?:of|to))\s+(?P<b>[^?]+)", _RATIO),
        (
            r"\b(?:cash )?dividends(?=\s+as (?:an? )?(?:share|percent\w*|%|part|fraction|"
            r"proportion)\s+of\s+net (?:income|earnings|profit)\b)",
            "dividends paid",
        ),
        (
            r"\bpa(?:y|id)(?:\s+out)?\s+(?:in|as)\s+(?:cash\s+)?dividends\b",
            "dividends paid",
        ),
    )
)
_INTEREST = re.compile(
    r"\binterest\b(?!\s+(?:expense|income|cost|charge|payment|paid|rate|coverage))", re.I
)
_TO = re.compile(
    r"(?P<a>[^?,]+?)-to-(?P<b>[^?,]+?)(?:\s+(?:ratio|multiple)\b|"
    r"(?=\s+(?:in|for|over|at|during|from|of|between)\b)|(?=\s*(?:[?,.]|$)))",
    re.I,
)


def rephrased(text: str) -> str:
    """``text`` with what it paraphrases named: ``How many times did inventory turn over`` is
    ``inventory turnover``, and ``capex-to-sales`` is the ratio of the one to the other."""
    for pattern, words in _WAYS:
        text, found = pattern.subn(words, text)
        if found and words == _RATIO:
            text = _INTEREST.sub("interest expense", text)
    pair = _TO.search(text)
    if pair is None:
        return text
    last, first = stems(pair["a"])[-1:], stems(pair["b"])[:1]
    if {*last, *first} <= formula_in(frozenset(stems(text)))[1]:
        return text
    return f"{text[: pair.start()]}{pair.expand(_RATIO)}{text[pair.end() :]}"
