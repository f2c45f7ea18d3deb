"""Companies and periods as people name them, rather than as cover pages print them."""

import re
from datetime import date
from random import Random

from rag_service.core.types import Chunk, FilingFacts

_LEGAL = {
    "inc", "incorporated", "corp", "corporation", "co", "company", "companies", "plc", "ltd",
    "limited", "llc", "lp", "l.p", "n.v", "nv", "s.a", "sa", "ag", "se", "the", "&", "and",
    "holdings", "holding", "group",
}  # fmt: skip
_TRADE = {
    "wholesale", "stores", "technologies", "technology", "international", "industries",
    "enterprises", "brands", "worldwide", "global", "systems", "laboratories", "platforms",
}  # fmt: skip
_SMALL = {"of", "and", "the", "for", "in", "de"}


def company_key(chunk: Chunk) -> str:
    """One key for all filings of a company, however each cover page spells its name."""
    return company_name(chunk).casefold()


def company_name(chunk: Chunk) -> str:
    """The company without its legal form, or the file's stem where no cover page names one."""
    legal = re.sub(r"\s*/[A-Za-z]{2,3}/?\s*$", "", chunk.facts.company).strip()
    words = legal.replace(",", " ").split()
    while len(words) > 1 and words[-1].casefold().strip(".") in _LEGAL:
        words.pop()
    while len(words) > 1 and words[0].casefold() == "the":
        words.pop(0)
    if not words:
        return re.sub(r"[\W_]+", " ", chunk.document.rpartition(".")[0] or chunk.document).strip()
    name = " ".join(words)
    if name != name.upper() or len(name) <= 3:
        return name
    return " ".join(_cased(word) for word in words)


def spoken_company(chunk: Chunk, random: Random) -> str:
    """The company's name, now and then without a trade word at its end."""
    name = company_name(chunk)
    head, _, last = name.rpartition(" ")
    return head if head and last.casefold() in _TRADE and random.random() < 0.5 else name


def spoken_period(year: int, facts: FilingFacts, random: Random, *, instant: bool) -> str:
    """A phrase that follows a preposition, for the fiscal year or (``instant``) its last day."""
    short = f"{year % 100:02d}"
    if instant:
        ways = [f"the end of FY{year}", f"the end of fiscal {year}", f"year-end {year}"]
        ways += [f"the close of fiscal year {year}", f"FY{short} year-end"]
    else:
        ways = [f"FY{year}", f"fiscal {year}", f"fiscal year {year}", f"{year}"]
        ways += [f"FY{short}", f"the {year} fiscal year"]
    if year == facts.fiscal_year and (ended := _long_date(facts.period_end)):
        ways.append(ended if instant else f"the year ended {ended}")
    return random.choice(ways)


def short_period(year: int, random: Random) -> str:
    """The fiscal year as an adjective: ``FY2023``, ``fiscal 2023`` or ``2023``."""
    return random.choice((f"FY{year}", f"fiscal {year}", f"{year}", f"FY{year % 100:02d}"))


def possessive(sentence: str) -> str:
    """``Best Buys's`` as English writes it."""
    return re.sub(r"(?<=s)'s\b", "'", sentence)


def _cased(word: str) -> str:
    """Names printed in capitals, in ordinary case; initials such as IBM or AT&T stay."""
    if word.casefold() in _SMALL:
        return word.casefold()
    initials = not re.search(r"[AEIOUY]", word) or "&" in word or any(c.isdigit() for c in word)
    return word if initials else word.capitalize()


def _long_date(iso: str) -> str:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return ""
    return f"{day:%B} {day.day}, {day.year}"
