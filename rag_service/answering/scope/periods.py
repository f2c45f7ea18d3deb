"""The years, quarters and dates that a question names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from rag_service.answering.scope.types import Basis, Period

LONGEST_RANGE = 15
"""Years; of a longer range only its ends count."""

_Y4 = r"(?:19[89]\d|20\d\d)"
_Y = rf"(?:{_Y4}|['’]?\d\d)"
_BARE = r"(?<![\w$€£#])(?<![\d$€£][.,])"
_END = r"(?![\w%]|[.,/]\d)"
_ANY = r"(?:FYE?|F(?=\d)|CY|(?:fiscal|financial|calendar)(?:[\s-]+years?)?|years?)"
_KIND = rf"(?:(?P<kind>{_ANY})\s*)?"
_OF = r"[\s,/-]*(?:(?:of|in|for)\s+)?(?:the\s+)?"
_TO = r"\s*(?:[-–—‑]|\b(?:to|through|thru|until|till)\b)\s*"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = rf"(?P<year>{_Y}){_END}"
_FULL_YEAR = rf"(?P<year>{_Y4}){_END}"
_COUNT = r"(?P<count>one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})"
_NTH = r"(?P<nth>first|second|third|fourth|last|final|1st|2nd|3rd|4th)"
_LAST = r"\b(?:last|latest|newest|most\s+recent(?:ly)?|current|this)"
_WHOLE = r"(?:(?:fiscal|financial|full|completed?|reported|reporting|available)\s+)*"

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3,
             "fourth": 4, "4th": 4, "last": 4, "final": 4}  # fmt: skip
_QUARTER_ENDED = re.compile(
    r"(?:quarter(?:ly\s+period)?|(?:three|six|nine|[369])\s+months)(?:\s+period)?"
    r"(?:\s+end(?:ed|ing|s)?)?(?:\s+(?:on|in))?\s+$",
    re.IGNORECASE,
)
_YEAR_ENDED = re.compile(
    r"(?:years?|(?:twelve|12)\s+months|5[23]\s+weeks|FYE)(?:[\s-]+end(?:ed|ing|s)?)?"
    r"(?:\s+(?:on|in))?\s+$",
    re.IGNORECASE,
)
_NOT_ASKED = (
    (
        ("asu", "asc", "fas", "ifrs", "topic", "update"),
        re.compile(r"\b(?:ASU|ASC|SFAS|FAS|IFRS|Topic|Update)\s*(?:No\.?\s*)?\d[\d.-]*"),
    ),
    (
        ("due", "matur", "expir"),
        re.compile(
            rf"\b(?:due|matur(?:e|es|ing)|expir(?:e|es|ing))(?:\s+(?:in|on|by|\d{{1,2}},|{_MONTH}"
            rf"(?:\s+\d{{1,2}},?)?))*\s+{_Y4}{_END}".replace("?P<month>", "?:"),
            re.IGNORECASE,
        ),
    ),
    (
        ("plan", "notes", "bonds", "debentures", "act", "agreement", "facility", "program",
         "indenture"),
        re.compile(
            rf"{_BARE}{_Y4}(?:\s+[A-Z][\w&-]*){{0,4}}\s+"
            r"(?:Plan|Notes|Bonds|Debentures|Act|Agreement|Facility|Program|Indenture)\b"
        ),
    ),
)  # fmt: skip
"""Years in the name of something, and days ahead when something falls due."""


def periods_of(text: str) -> tuple[Period, ...]:
    """The periods that ``text`` names, in order; each stretch of it counts once."""
    # What has been read is blanked out, so that every place stays as it is.
    left = text
    low = text.lower()
    for needs, pattern in _NOT_ASKED:
        if any(need in low for need in needs):
            left = pattern.sub(lambda match: " " * len(match[0]), left)
    found: list[Period] = []
    for reader in _READERS:
        if not any(need in low for need in reader.needs):
            continue
        for match in list(reader.pattern.finditer(left)):
            period = reader.read(match)
            if period is not None:
                found.append(period)
                left = left[: match.start()] + " " * len(match[0]) + left[match.end() :]
    return tuple(sorted(found, key=lambda period: period.start))


def _day(match: re.Match[str]) -> Period | None:
    """A day, or the last day of a month."""
    said = match.groupdict()
    year, month = int(said["year"]), _month(said["month"])
    day = int(said["day"]) if said.get("day") else 0
    if month > 12 and said["month"].isdigit():
        month, day = day, month
    try:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        end = date(year, month, day) if day else last
    except ValueError:
        return None
    before = match.string[max(0, match.start() - 60) : match.start()]
    ended: Literal["year", "quarter", ""] = ""
    if _QUARTER_ENDED.search(before):
        ended = "quarter"
    elif _YEAR_ENDED.search(before):
        ended = "year"
    return Period(match[0], "date", match.start(), day=end.isoformat(), ended=ended)


def _quarter(match: re.Match[str]) -> Period | None:
    said = match.groupdict()
    nth = said.get("nth") or ""
    quarter = _ORDINALS.get(nth.casefold(), 0) or int(said.get("number") or 0)
    if said.get("half"):
        quarter = 2 * min(quarter, 2)
    if not quarter:
        return None
    year = said.get("year")
    years = (_year(year),) if year else ()
    return Period(match[0].strip(), _basis(match), match.start(), years, quarter)


def _range(match: re.Match[str]) -> Period | None:
    first, last = _year(match["first"]), _year(match["last"])
    if first == last:
        return None
    low, high = min(first, last), max(first, last)
    years = tuple(range(low, high + 1)) if high - low <= LONGEST_RANGE else (low, high)
    return Period(match[0], _basis(match), match.start(), years)


def _one(match: re.Match[str]) -> Period:
    return Period(match[0], _basis(match), match.start(), (_year(match["year"]),))


def _latest(match: re.Match[str]) -> Period:
    said = match.groupdict()
    word = (said.get("count") or "one").casefold()
    count = int(word) if word.isdigit() else _NUMBERS.index(word) + 1 if word in _NUMBERS else 1
    count = min(max(count, 1), LONGEST_RANGE)
    return Period(
        match[0], "latest", match.start(), quarter=int(bool(said.get("quarter"))), count=count
    )  # fmt: skip


def _prior(match: re.Match[str]) -> Period:
    return Period(match[0], "prior", match.start())


def _month(said: str) -> int:
    """1 to 12, or 0 for letters that only look like those of a month."""
    if said.isdigit():
        return int(said)
    start = said[:3].casefold()
    return _MONTHS.index(start) + 1 if start in _MONTHS else 0


def _year(digits: str) -> int:
    """``18`` is 2018, and ``97`` is 1997: filings of that kind begin in the nineties."""
    number = int(digits.strip("'’"))
    if number >= 100:
        return number
    return 1900 + number if number >= 90 else 2000 + number


def _basis(match: re.Match[str]) -> Basis:
    kind = (match.groupdict().get("kind") or "").lower()
    if kind.startswith("c"):
        return "calendar"
    return "fiscal" if kind.startswith("f") else "year"


@dataclass(frozen=True, slots=True)
class _Reader:
    """A pattern that is tried only where one of the strings ``needs`` stands: most do not."""

    needs: tuple[str, ...]
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Period | None]


_READERS = tuple(
    _Reader(tuple(needs.split()), re.compile(pattern, re.IGNORECASE), read)
    for needs, pattern, read in (
        (" ".join(_MONTHS), rf"\b{_MONTH}\s+{_DAY}\s*,?\s*{_FULL_YEAR}", _day),
        (" ".join(_MONTHS), rf"{_BARE}{_DAY}\s+(?:of\s+)?{_MONTH},?\s+{_FULL_YEAR}", _day),
        ("-", rf"{_BARE}(?P<year>{_Y4})-(?P<month>\d\d)-(?P<day>\d\d){_END}", _day),
        ("/ .", rf"{_BARE}(?P<month>\d{{1,2}})([/.])(?P<day>\d{{1,2}})\2{_FULL_YEAR}", _day),
        (" ".join(_MONTHS), rf"\b{_MONTH},?\s+(?:of\s+)?{_FULL_YEAR}", _day),
        ("q1 q2 q3 q4", rf"{_BARE}F?(?:Q(?P<number>[1-4])){_OF}{_KIND}{_YEAR}", _quarter),
        ("1q 2q 3q 4q", rf"{_BARE}(?P<number>[1-4])F?Q{_OF}{_KIND}{_YEAR}", _quarter),
        ("h1 h2", rf"{_BARE}(?P<half>H)(?P<number>[12]){_OF}{_KIND}{_YEAR}", _quarter),
        ("1h 2h", rf"{_BARE}(?P<number>[12])(?P<half>H){_OF}{_KIND}{_YEAR}", _quarter),
        ("q1 q2 q3 q4",
         rf"{_BARE}{_KIND}(?P<year>{_Y4}|(?<=FY)\d\d)(?:['’]s)?[\s,/-]*Q(?P<number>[1-4]){_END}",
         _quarter),
        ("quarter half",
         rf"\b{_NTH}[\s-]+(?:fiscal\s+)?(?:quarter|(?P<half>half)){_OF}{_KIND}{_YEAR}", _quarter),
        ("/", rf"{_BARE}(?P<kind>{_ANY})\s*{_Y4}/(?P<year>\d\d){_END}", _one),
        ("- – — ‑ to through thru until till",
         rf"{_BARE}(?:from\s+)?{_KIND}(?P<first>{_Y4}|(?<=FY)\d\d){_TO}(?:{_ANY}\s*)?"
         rf"(?P<last>{_Y}){_END}", _range),
        ("between",
         rf"\bbetween\s+{_KIND}(?P<first>{_Y})\s+and\s+(?:{_ANY}\s*)?"
         rf"(?P<last>{_Y4}|(?<=FY)\d\d){_END}", _range),
        ("fy cy f2 f1", rf"{_BARE}(?P<kind>FYE?|CY|F(?=\d))\s*{_YEAR}", _one),
        ("fiscal financial calendar",
         rf"\b(?P<kind>(?:fiscal|financial|calendar)(?:[\s-]+years?)?)(?:\s+end(?:ed|ing)?)?"
         rf"(?:\s+in)?\s+{_YEAR}", _one),
        ("fiscal calendar", rf"{_BARE}(?P<year>{_Y4})\s+(?P<kind>fiscal|calendar)\b", _one),
        ("19 20", rf"{_BARE}{_FULL_YEAR}", _one),
        ("' ’", rf"(?<![\w'’])(?P<year>['’][0-3]\d){_END}", _one),
        ("q1 q2 q3 q4", rf"{_BARE}F?Q(?P<number>[1-4]){_END}", _quarter),
        ("quarter", rf"\b(?!last){_NTH}[\s-]+(?:fiscal\s+)?quarter\b", _quarter),
        ("years",
         rf"\b(?:last|past|previous|prior|trailing|latest|most\s+recent)\s+{_WHOLE}{_COUNT}\s+"
         rf"{_WHOLE}years\b", _latest),
        ("quarter 10-q 10q",
         rf"{_LAST}\s+{_WHOLE}(?P<quarter>quarter|10-?Q|quarterly\s+report)\b", _latest),
        ("year period yoy y/y",
         r"\b(?:prior|previous|preceding)[\s-]+(?:fiscal\s+|financial\s+)?(?:year|period)\b"
         r"|\byear[\s-]+(?:over|on)[\s-]+year\b|\byoy\b|\by/y\b|\b(?:the|an?|one)\s+year\s+"
         r"(?:before|earlier|ago|prior)\b|\byear[\s-]ago\b", _prior),
        ("last latest newest most current this",
         rf"{_LAST}\s+{_WHOLE}(?:year|10-?K|annual\s+report|filing|report)\b"
         r"|\b(?:latest|newest|most\s+recent(?:ly)?)\b", _latest),
    )
)  # fmt: skip
"""In this order: what is read first, no later pattern sees."""
