"""Words that name no company by themselves: ordinary English, abbreviations, places."""

from __future__ import annotations

import re
from importlib.resources import files


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LEGAL = _set(
    """inc incorporated corp corporation co company companies plc ltd limited llc lp llp nv sa ag
    se holdings holding group trust the"""
)
"""Ends of a company's name that say what it is in law, and are left out when people speak of it."""

STRICT_LEGAL = _set("""inc incorporated corp corporation plc ltd llc llp""")
"""Those that say so even of a name that nobody knows."""

TRADE = _set(
    """wholesale stores technologies technology international industries enterprises brands
    worldwide global systems laboratories platforms communications pharmaceuticals solutions
    financial energy resources products services foods motors bancorp bancorporation
    bancshares therapeutics biosciences semiconductor semiconductors software entertainment
    resorts beauty health restaurants"""
)
"""Ends that say what a company deals in, and may be left out where the rest is a name."""

ACRONYMS = _set(
    """ai ap api ar asc asu aum b2b b2c bn bps cagr capex ccc ceo cf cfo cff cfi cogs coo covid
    cpi cto cy d&a dcf dei dio dpo dso ebit ebitda eps erp esg esop eu eur ev faq fasb fcf fda
    fdic fifo ffo fx fy gaap gbp gdp gmv hq hr ifrs ip ipo irs it jv k kpi lbo libor lifo llm
    lt ltm m&a md&a mn nav ni nol nopat nyse nasdaq oci opex otc p&e p&l pb pbt pe ppe pp&e
    ppne q1 q2 q3 q4 qoq r&d reit roa roe roi roic rou rsu psu s&p saas sbc sec sg&a sga sku
    sofr st ttm u uk un us usa usd vat wacc vs w yoy yr ytd sarbanes oxley"""
)
"""Abbreviations of business English: in capitals, and no ticker unless that is said."""

PLACES = _set(
    """africa african america american americas argentina arizona asia asian atlanta australia
    australian austria belgium boston brazil brazilian britain british california canada
    canadian caribbean chicago chile china chinese colombia colorado cuba czech delaware
    denmark dubai dutch egypt emea england english euro europe european finland florida france
    french georgia german germany greece greek hawaii hong hungary illinois india indian
    indiana indonesia iowa iran iraq ireland irish israel israeli italian italy japan japanese
    kansas kong korea korean latam latin london louisiana malaysia maryland massachusetts
    mexican mexico michigan minnesota minneapolis missouri netherlands nevada jersey york
    zealand nigeria nordic norway ohio oregon pacific pakistan paris pennsylvania peru
    philippines poland polish portugal portuguese quebec romania russia russian san saudi
    scotland scottish seattle shanghai singapore spain spanish sweden swedish swiss
    switzerland taiwan tennessee texas thailand tokyo toronto turkey turkish ukraine vietnam
    virginia wales washington wisconsin apac amer covid brexit ukrainian"""
)
"""Places and peoples, which stand with a capital beside companies."""

WORDS = _set(files("rag_service.answering.scope").joinpath("ordinary.txt").read_text("utf-8"))
"""Common English, and the words of companies' names that mean something else as well."""

_DERIVED = re.compile(
    r"^\w{4,}(?:tions?|tional|ments?|ness|[ai]bility|[ai]ble|ically|ively|ously|fully|ating|ated|"
    r"izing|ized|izes?)$"
)
"""Endings of words that nobody has to list."""


def is_ordinary(word: str) -> bool:
    """True for a folded word, or its singular or present, that says something in any text."""
    if word in WORDS or word in ACRONYMS:
        return True
    return bool(_DERIVED.search(word)) or any(stem in WORDS for stem in _stems(word))


def _stems(word: str) -> tuple[str, ...]:
    if len(word) > 4 and word.endswith(("ies", "ied")):
        return (word[:-3] + "y",)
    if len(word) > 4 and word.endswith(("es", "ed", "er", "ly")):
        return word[:-1], word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return (word[:-1],)
    # Shorter stems make words of names, as in Corning.
    if len(word) > 7 and word.endswith("ing"):
        return word[:-3], word[:-3] + "e", word[:-4]
    return ()
