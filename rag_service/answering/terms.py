"""The words and years of questions and passages, and what accountants call the same thing."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z0-9]+(?:&[a-z0-9]+)*")
_POSSESSIVE = re.compile(r"['’]s\b")
_YEAR = re.compile(r"(?<![A-Za-z\d.,$])(?:FY\s?['’]?)?((?:19|20)\d{2})(?![\d%]|[.,]\d)", re.I)
_SHORT_YEAR = re.compile(r"\bFY\s?['’]?(\d{2})(?!\d)", re.I)
_YEAR_WORD = re.compile(r"(?:fy)?(?:19|20)\d{2}|fy\d{2}")

STOP_WORDS = frozenset(
    """a about after all also am an and any are as ask at based be been being between both but by
    can could did do does doing during each end ended ending fiscal for from give given had has
    have how if in into is it its itself just many me more most much of on only or our out over
    please provide question respectively response same say shown so state stated such tell than
    that the their them then there these they this those through to under up us usd use used using
    was we were what when where which while who whom whose why will with within year yearend would
    you your fy dollar million billion thousand amount answer total value figure company
    report reported reporting compute calculate""".split()
)

_SAME = tuple(
    tuple(frozenset(phrase.split()) for phrase in line.split(" | "))
    for line in """capex | capital expenditure | capital spending | purchase property plant equipment
revenue | net sale | net revenue | sale | net operating revenue
net income | net earning | net profit
property plant equipment | pp&e | ppe | fixed asset
cost good sold | cogs | cost sale | cost revenue | cost product sold
research development | r&d
selling general administrative | sg&a
depreciation amortization | d&a
earning per share | eps | earning per common share
shareholder equity | stockholder equity | shareowner equity
operating income | operating profit | income from operation
operating cash flow | cash provided operating activity
accounts receivable | receivable | trade receivable
income tax expense | provision income tax
dividend paid | payment dividend
share repurchase | buyback | repurchase common stock | purchase treasury stock
employee | headcount | staff""".splitlines()
)
"""Groups of phrases, each a set of stems, that name one item of a filing."""


def stems(text: str) -> list[str]:
    """Content words of ``text`` in order: lower case, singular, no figures, years or stop words."""
    words = _WORD.findall(_POSSESSIVE.sub("", text.casefold()))
    return [
        _singular(word)
        for word in words
        if not word.isdigit()
        and word not in STOP_WORDS
        and _singular(word) not in STOP_WORDS
        and not _YEAR_WORD.fullmatch(word)
        and (len(word) > 1 or "&" in word)
    ]


def years(text: str) -> frozenset[int]:
    """Calendar and fiscal years that ``text`` names: ``2018``, ``FY2018``, ``FY18``."""
    found = {int(year) for year in _YEAR.findall(text)}
    return frozenset(found | {2000 + int(year) for year in _SHORT_YEAR.findall(text)})


def readings(words: frozenset[str]) -> tuple[frozenset[str], ...]:
    """``words`` as they are, then with one item's name changed to each of its other names."""
    found = [words]
    for group in _SAME:
        named = max((p for p in group if p <= words), key=len, default=None)
        if named is not None:
            found += [(words - named) | other for other in group if other != named]
    return tuple(dict.fromkeys(found))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
