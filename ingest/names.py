"""What a file's name says of the filing, held against its cover page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath

from rag_service.core.types import FilingFacts

FORM = re.compile(
    r"(?<!\d)(?:(10)[-–_ ]?(KT|K|Q)|([86])[-–_ ]?(K)|([24]0)[-–_ ]?(F))(?:[-–_ ]?(A))?(?![a-z])",
    re.IGNORECASE,
)
DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d([-_. ]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[1-9]|1[0-2])([-_. ]?)(?:0[1-9]|[12]\d|3[01])\2(?:19|20)\d\d)(?![\da-z])",
    re.IGNORECASE,
)
FISCAL_YEAR = re.compile(
    r"(?<![a-z])(?:fy|fiscal(?:[-_ ]?year)?)[-_ '’]?((?:19|20)\d\d|\d\d)(?!\d)", re.IGNORECASE
)
YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
QUARTER = re.compile(r"(?<![a-z])(?:q[1-4]|[1-4]q)(?![a-z])", re.IGNORECASE)
WORD = re.compile(r"[\w&.'’]+")
NO_COMPANY = frozenset({
    "a", "amended", "amendment", "an", "and", "annual", "audited", "co", "company", "copy",
    "corp", "corporation", "download", "draft", "edgar", "en", "english", "file", "filed",
    "filing", "final", "financial", "fiscal", "for", "form", "full", "fy", "group", "holdings",
    "inc", "incorporated", "investor", "investors", "limited", "llc", "ltd", "nv", "of", "page",
    "pages", "part", "plc", "print", "proxy", "quarter", "quarterly", "report", "reports",
    "results", "sa", "scan", "scanned", "sec", "signed", "statement", "statements", "tenk",
    "the", "us", "usa", "version", "web", "with", "year",
})  # fmt: skip
FACTS = ("company", "form", "fiscal_year")
MOST_DIGITS = 4
"""A word with more of them is a number of some register, and no company."""
SURE = 4
"""Letters that do not stand in another company's name by chance."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a name seems to say; ``""`` or 0 where it says nothing or is not clear."""

    company: str = ""
    form: str = ""
    fiscal_year: int = 0


def hints(name: str) -> Hints:
    """Read a file's name such as ``ACME_2018_10K.pdf``.

    A year that is part of a whole date says when something was filed or ended, and two years
    leave it open which is meant: neither counts. Words are taken for a company only beside a year
    or a form, since any other name may be just words.
    """
    stem = PurePath(name).stem
    form = FORM.search(stem)
    rest = FORM.sub(" ", stem)
    fiscal = {_year(year) for year in FISCAL_YEAR.findall(rest)}
    rest = DATE.sub(" ", FISCAL_YEAR.sub(" ", rest))
    years = fiscal or {int(year) for year in YEAR.findall(rest)}
    words = [word.strip("_.'’") for word in WORD.findall(QUARTER.sub(" ", YEAR.sub(" ", rest)))]
    words = [part for word in words for part in word.split("_") if _may_name_a_company(part)]
    return Hints(
        company=" ".join(words) if form or years else "",
        form=_form(form) if form else "",
        fiscal_year=years.pop() if len(years) == 1 else 0,
    )


def reconcile(cover: FilingFacts, name: str) -> tuple[FilingFacts, list[str]]:
    """The cover's facts, what they lack filled in from the file's name, and what to warn of.

    Where both state a fact and differ, the cover counts.
    """
    said = hints(name)
    # Words beside a year alone may name anything.
    trusted = FACTS if said.form else FACTS[1:]
    found = {
        fact: value
        for fact in trusted
        if not getattr(cover, fact) and (value := getattr(said, fact))
    }
    facts = replace(cover, **found)
    warnings = [
        f"the cover page does not state the {_spoken(fact)}: {value} is taken from the file name"
        for fact, value in found.items()
    ]
    missing = [fact for fact in FACTS if not getattr(facts, fact)]
    if missing:
        warnings.append(f"the cover page does not state: {', '.join(missing)}")
    return facts, [*conflicts(facts, name), *warnings]


def conflicts(facts: FilingFacts, name: str) -> list[str]:
    """A sentence for each fact of which a file's name says something else."""
    said = hints(name)
    differ = {
        "company": said.company and facts.company and not _same_company(said.company, facts),
        "form": said.form and facts.form and not _same_form(said.form, facts.form),
        "fiscal_year": said.fiscal_year
        and facts.fiscal_year
        and not _same_year(said.fiscal_year, facts),
    }
    return [
        f"the file name says {_spoken(fact)} {getattr(said, fact)}, the cover page "
        f"{getattr(facts, fact)}: the cover counts"
        for fact, differs in differ.items()
        if differs
    ]


def _spoken(fact: str) -> str:
    return fact.replace("_", " ")


def _year(digits: str) -> int:
    """``18`` is 2018, and ``97`` is 1997: filings of that kind begin in the nineties."""
    year = int(digits)
    if year >= 100:
        return year
    return 1900 + year if year >= 90 else 2000 + year


def _form(match: re.Match[str]) -> str:
    number, letters = match[1] or match[3] or match[5], match[2] or match[4] or match[6]
    return f"{number}-{letters.upper()}{'/A' if match[7] else ''}"


def _may_name_a_company(word: str) -> bool:
    letters = sum(character.isalpha() for character in word)
    digits = sum(character.isdigit() for character in word)
    return (
        letters > 0
        and letters + digits > 1
        and digits <= MOST_DIGITS
        and _squeezed(word) not in NO_COMPANY
    )


def _same_form(said: str, printed: str) -> bool:
    """A name commonly leaves out that a report is amended, or that of a transition."""
    return said == printed or said == printed.removesuffix("/A").removesuffix("T")


def _same_year(said: int, facts: FilingFacts) -> bool:
    """A year that ends in its first months goes by either number."""
    if said == facts.fiscal_year:
        return True
    if not facts.period_end:
        return False
    end = date.fromisoformat(facts.period_end)
    return end.month <= 2 and said in {end.year, end.year - 1}


def _same_company(said: str, facts: FilingFacts) -> bool:
    """Whether any reading of the name's words fits; where only some fit, nothing is clear."""
    return any(_fits(word, facts) for word in {_squeezed(said), *map(_squeezed, said.split())})


def _fits(said: str, facts: FilingFacts) -> bool:
    words = [_squeezed(word) for word in re.split(r"[\s/-]+", facts.company)]
    whole = "".join(words)
    core = "".join(word for word in words if word not in NO_COMPANY) or whole
    ticker = _squeezed(facts.ticker)
    return (
        said.startswith(core)
        or whole.startswith(said)
        or (len(said) >= SURE and said in whole)
        or (len(core) >= SURE and core in said)
        or bool(ticker and ticker.startswith(said))
        or (len(ticker) >= SURE - 1 and said.startswith(ticker))
        or _is_made_of(said, words)
    )


def _is_made_of(said: str, words: Sequence[str]) -> bool:
    """Whether beginnings of some words, in their order, make it up, as in an acronym."""
    reached = {0}
    for word in words:
        reached |= {
            start + length
            for start in reached
            for length in range(1, len(word) + 1)
            if said.startswith(word[:length], start)
        }
    return len(said) in reached


def _squeezed(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
