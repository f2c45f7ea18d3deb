"""The words of questions and passages, and what accountants call the same thing."""

from __future__ import annotations

import re
from functools import cache

from rag_service.answering.glossary_file import shipped

_WORD = re.compile(r"[a-z0-9]+(?:&[a-z0-9]+)*")
_POSSESSIVE = re.compile(r"['’]s\b")
_YEAR_WORD = re.compile(r"(?:fy)?(?:19|20)\d{2}|fy\d{2}")

STOP_WORDS = frozenset(
    _WORD.findall(
        """a about after all also am an and any are as ask at based be been being between both but
        by can could did do does doing during each end ended ending fiscal for from give given had
        has have how if in into is it its itself just many me more most much of on only or our out
        over please provide question respectively response same say shown so state stated such
        tell than that the their them then there these they this those through to under up us usd
        use used using was we were what when where which while who whom whose why will with within
        year yearend would you your fy dollar million billion thousand amount answer total value
        figure company report reported reporting compute calculate"""
    )
)

_NO_NAMES = frozenset(
    _WORD.findall(
        """gaap sec ceo cfo q1 q2 q3 q4 item form note ebitda january february march april may june
        july august september october november december"""
    )
)
"""Words that are written with capitals and name no company."""


def stems(text: str) -> list[str]:
    """Content words of ``text`` in order: lower case, inflections cut, no figures or stop words."""
    words = _WORD.findall(_POSSESSIVE.sub("", text.casefold()))
    return [
        _stem(word)
        for word in words
        if not word.isdigit()
        and word not in STOP_WORDS
        and _stem(word) not in STOP_WORDS
        and not _YEAR_WORD.fullmatch(word)
        and (len(word) > 1 or "&" in word)
    ]


def readings(words: frozenset[str]) -> tuple[frozenset[str], ...]:
    """``words`` as they are, then with one item's name changed to each of its other names."""
    found = [words]
    for names in _item_names():
        named = max((name for name in names if name <= words), key=len, default=None)
        if named is not None:
            found += [(words - named) | other for other in names if other != named]
    return tuple(dict.fromkeys(found))


def names_item(words: frozenset[str]) -> bool:
    """True if ``words`` hold the name of an item that filings state as an amount."""
    return any(name <= words for names in _item_names() for name in names)


def is_item_name(word: str) -> bool:
    """True for a word of an item's name, such as ``COGS``, or of a currency: no company's name."""
    items = frozenset[str]().union(*(name for names in _item_names() for name in names))
    return frozenset(stems(word)) <= items | _NO_NAMES


@cache
def _item_names() -> tuple[tuple[frozenset[str], ...], ...]:
    """Names of one and the same item of a filing, for each such item."""
    return tuple(
        tuple(frozenset(stems(name)) for name in entry.means)
        for entry in shipped().values()
        if entry.interchangeable
    )


def _stem(word: str) -> str:
    """``increased`` and ``increases`` to ``increase``, ``sales`` to ``sale``."""
    if len(word) > 5 and word.endswith("ed") and not word.endswith("eed"):
        return word[:-1] if word[-3] in "cgsuvz" else word[:-2]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
