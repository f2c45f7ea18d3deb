"""Companies that a question names by their ticker."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag_service.answering.scope.index import FilingIndex
from rag_service.answering.scope.ordinary import ACRONYMS, PLACES, is_ordinary
from rag_service.answering.scope.reading import Found, Reading
from rag_service.answering.scope.types import Confidence
from rag_service.answering.scope.words import Word, fold

_SYMBOL = re.compile(
    r"(?P<dollar>\$)(?P<a>[A-Za-z]{1,5}(?:[./-][A-Za-z])?)(?![\w&])"
    r"|\((?:(?:NYSE|NASDAQ|ticker)\s*:\s*)?(?P<b>[A-Z]{1,5}(?:[./-][A-Z])?)\)"
    r"|(?i:\b(?:NYSE|NASDAQ|ticker(?:\s+symbol)?|symbol)\s*:?\s*)(?P<c>[A-Z]{1,5}(?:[./-][A-Z])?)\b"
)
_UNITS = frozenset({"m", "b", "k", "mm", "bn", "mn", "tn", "us", "usd", "u", "s"})


def marked_tickers(reading: Reading, index: FilingIndex) -> list[Found]:
    """Tickers that are marked as such: ``$MMM``, ``(MMM)``, ``NYSE: MMM``."""
    found = []
    starts = {word.start: place for place, word in enumerate(reading.words)}
    for match in _SYMBOL.finditer(reading.text):
        group = "a" if match["a"] else "b" if match["b"] else "c"
        symbol = fold(re.sub(r"\W", "", match[group]))
        first = starts.get(match.start(group))
        if first is None or symbol in _UNITS:
            continue
        last = first
        while last + 1 < len(reading.words) and reading.words[last + 1].end <= match.end(group):
            last += 1
        companies = tuple(index.tickers.get(symbol, ()))
        # Parentheses hold abbreviations of any kind.
        if companies or (group != "b" and symbol not in ACRONYMS and not is_ordinary(symbol)):
            found.append(_ticker(first, last, companies, "confident"))
    return found


def plain_ticker(reading: Reading, place: int, index: FilingIndex) -> Found | None:
    """A ticker without a mark: in capitals, or small where it can be no other word."""
    word = reading.words[place]
    companies = tuple(index.tickers.get(word.folded, ()))
    if not companies or len(word.text) < 2 or is_ordinary(word.folded):
        return None
    if word.folded in PLACES or _hyphened(reading.words, place):
        return None
    confidence: Confidence = "likely"
    if word.text.isupper() and len(word.text) > 2 and _has_small(reading):
        confidence = "confident"
    elif not word.text.isupper() and (word.capital or len(word.text) < 3):
        return None
    return _ticker(place, place, companies, confidence)


def _hyphened(words: Sequence[Word], place: int) -> bool:
    """Whether a hyphen makes the word at ``place`` a part of another."""
    after = words[place + 1].before if place + 1 < len(words) else ""
    return words[place].before in ("-", "&") or after in ("-", "&")


def _has_small(reading: Reading) -> bool:
    return any(word.text.islower() for word in reading.words)


def _ticker(first: int, last: int, companies: tuple[int, ...], sure: Confidence) -> Found:
    return Found(
        first, last, companies, "ticker", "likely" if len(companies) > 1 else sure, "ticker"
    )  # fmt: skip
