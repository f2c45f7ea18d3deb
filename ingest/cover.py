"""The facts that a filing's cover page states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date

from ingest.numbers import MONTH
from rag_service.core.types import FilingFacts

Line = tuple[str, ...]
"""The cells of one line."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY = rf"({MONTH})\s+(\d{{1,2}})\s*(?:st|nd|rd|th)?\s*,?\s*((?:19|20)\d\d)"
FORM = re.compile(r"\bform\s+(10[-–—‑]?KT?|10[-–—‑]?Q|8[-–—‑]?K|20[-–—‑]?F|40[-–—‑]?F|6[-–—‑]?K)"
                  r"(\s*/\s*A)?\b", re.IGNORECASE)  # fmt: skip
AMENDMENT = re.compile(r"\(?\bamendment\s+no\b", re.IGNORECASE)
ENDED = re.compile(
    r"(?:for\s+(?:the|its)\s+)?(?:fiscal\s+)?(?:year|quarter(?:ly\s+period)?|transition\s+period"
    rf"|period)\s+end(?:ed|ing)\s*:?\s*{DAY}",
    re.IGNORECASE,
)
REPORTED = re.compile(rf"date\s+of\s+report.{{0,80}}?{DAY}", re.IGNORECASE)
EXACT_NAME = re.compile(r"\(?\s*exact\s+name\s+of\s+(?:the\s+)?registrant", re.IGNORECASE)
FILE_NUMBER = re.compile(r"commission\s+file\s+(?:number|no)", re.IGNORECASE)
SYMBOL_HEADER = re.compile(r"trading\s+symbol|ticker", re.IGNORECASE)
SYMBOL = re.compile(r"[A-Z]{1,5}(?:[./-][A-Z]{1,2})?")
SYMBOL_IN_LINE = re.compile(
    r"\s([A-Z]{1,5}(?:[./-][A-Z]{1,2})?)\s+(?:the\s+)?(?:new\s+york|nasdaq|nyse|cboe|chicago)",
    re.IGNORECASE,
)
SECTION_G = re.compile(r"12\s*\(g\)|check\s+mark|well-known", re.IGNORECASE)
SPOKEN_SYMBOL = re.compile(
    r"(?:[Tt]icker|[Tt]rading|[Ss]tock)?\s*[Ss]ymbol[s,]?\s+(?:is\s+|of\s+)?[“\"‘'(]?([A-Z]{2,5})\b(?!\s+[A-Z])"
)
NO_SYMBOLS = frozenset(
    {"NYSE", "NONE", "N/A", "NASDAQ", "LLC", "INC", "THE", "X", "O", "YES", "NO"}
)
NO_NAME = re.compile(r"\b(?:form\s+\d|transition\s+period|washington,)|\(mark|_{3}", re.IGNORECASE)
COVER_LINES = 130
KEEP_CASE = {"INC": "Inc", "CO": "Co", "CORP": "Corp", "LTD": "Ltd", "PLC": "plc", "LLC": "LLC",
             "LP": "LP", "L.P": "L.P", "N.V": "N.V", "S.A": "S.A", "AND": "and", "OF": "of",
             "THE": "The", "USA": "USA", "U.S": "U.S", "AG": "AG", "SE": "SE", "NV": "NV",
             "SA": "SA", "REIT": "REIT", "II": "II", "III": "III"}  # fmt: skip


def read_cover(lines: Sequence[Line]) -> FilingFacts:
    """Facts from a filing's lines, the cover's first; ``lines`` is the whole text.

    What is not printed stays ``""`` or 0. The fiscal year is the year of the period's end; for
    a year that ends in January or early February it is what the filing itself calls that year.
    """
    cover = [line for line in lines[:COVER_LINES] if not _is_rule(line)]
    text = " ".join(" ".join(line) for line in cover)
    whole = " ".join(" ".join(line) for line in lines)
    form = _form(text)
    end = _period_end(text)
    return FilingFacts(
        company=_as_printed(_company(cover), whole),
        ticker=_ticker(cover, whole),
        form=form,
        fiscal_year=_fiscal_year(end, whole) if end else 0,
        period_end=end.isoformat() if end else "",
    )


def _is_rule(line: Line) -> bool:
    return not any(character.isalnum() for cell in line for character in cell)


def _form(text: str) -> str:
    match = FORM.search(text)
    if match is None:
        return ""
    name = re.sub(r"[–—‑]", "-", match[1]).upper()
    if "-" not in name:
        name = re.sub(r"^(\d+)", r"\1-", name)
    amended = match[2] or AMENDMENT.match(text[match.end() :].lstrip()[:20])
    return f"{name}/A" if amended else name


def _period_end(text: str) -> date | None:
    for pattern in (ENDED, REPORTED):
        if match := pattern.search(text):
            return _date(match)
    return None


def _date(match: re.Match[str]) -> date | None:
    month, day, year = match.groups()[-3:]
    try:
        return date(int(year), MONTHS.index(month[:3].lower()) + 1, int(day))
    except ValueError:
        return None


def _company(cover: Sequence[Line]) -> str:
    texts = [" ".join(line) for line in cover]
    for index, text in enumerate(texts):
        if match := EXACT_NAME.search(text):
            above = (text[: match.start()].strip(" ("), *reversed(texts[:index]))
            return next((name for name in above if _may_be_name(name)), "")
    # Some covers print the name below the file number and say nothing of it.
    for index, text in enumerate(texts):
        if FILE_NUMBER.search(text):
            below = texts[index + 1 : index + 4]
            return next((name for name in below if _may_be_name(name)), "")
    return ""


def _may_be_name(text: str) -> bool:
    return (
        2 <= len(text) <= 100
        and any(character.isalpha() for character in text)
        and not FILE_NUMBER.search(text)
        and not NO_NAME.search(text)
    )


def _as_printed(name: str, text: str) -> str:
    """A name without capitals throughout: as the text prints it, else by rule."""
    name = re.sub(r"\s+([.,])", r"\1", " ".join(name.split())).strip(" *")
    if not name or name.upper() != name:
        return name
    pattern = r"\s*".join(
        rf"{re.escape(part)}" if part in ".,&" else rf"\b{re.escape(part)}"
        for part in re.findall(r"[.,&]|[^\s.,&]+", name)
    )
    found = Counter(
        re.sub(r"\s+([.,])", r"\1", " ".join(match.split()))
        for match in re.findall(pattern, text, re.IGNORECASE)
        if match.upper() != match
    )
    if found:
        return found.most_common(1)[0][0]
    return " ".join(_capitalised(word) for word in name.split())


def _capitalised(word: str) -> str:
    core = word.rstrip(".,")
    if core in KEEP_CASE:
        return KEEP_CASE[core] + word[len(core) :]
    if any(c.isdigit() for c in core) or not re.search(r"[AEIOUY]", core) or "." in core:
        return word
    return re.sub(r"[A-Z]+", lambda part: part[0].capitalize(), word)


def _ticker(cover: Sequence[Line], text: str) -> str:
    for index, line in enumerate(cover):
        if not SYMBOL_HEADER.search(" ".join(line)):
            continue
        # Some covers print the header below what it names.
        for other in (*cover[index + 1 : index + 9], *reversed(cover[max(index - 3, 0) : index])):
            if SECTION_G.search(" ".join(other)):
                continue
            if symbol := _symbol(other):
                return symbol
    match = SPOKEN_SYMBOL.search(text)
    return match[1] if match else ""


def _symbol(line: Line) -> str:
    for cell in line[1:]:
        if SYMBOL.fullmatch(cell) and cell not in NO_SYMBOLS:
            return cell
    match = SYMBOL_IN_LINE.search(" ".join(line))
    return match[1] if match and match[1].isupper() and match[1] not in NO_SYMBOLS else ""


def _fiscal_year(end: date, text: str) -> int:
    if end.month > 2 or (end.month == 2 and end.day > 15):
        return end.year
    spoken = rf"{end:%B}\s+{end.day}\s*,\s*{end.year}"
    year = r"fiscal\s+(?:year\s+)?(20\d\d)"
    ended = rf"ended\s+(?:on\s+)?{spoken}"
    named = re.search(rf"{year}\W.{{0,40}}?\b{ended}", text, re.IGNORECASE) or re.search(
        rf"{ended}\s*\(\W*{year}", text, re.IGNORECASE
    )
    if named and int(named[1]) in {end.year, end.year - 1}:
        return int(named[1])
    spoken_of = Counter(re.findall(rf"\b{year}\b", text, re.IGNORECASE))
    same, before = spoken_of[str(end.year)], spoken_of[str(end.year - 1)]
    if same == before == 0:
        return end.year - 1 if end.month == 1 and end.day <= 10 else end.year
    # The year before is spoken of almost as often as the filing's own, the next one hardly.
    return end.year if same >= 0.4 * before else end.year - 1
