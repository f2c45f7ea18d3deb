"""Single facts read out of table chunks: company × row label × fiscal year → amount."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from finetune.amounts import parse_amount
from finetune.names import company_key
from finetune.vocabulary import Concept, Statement, concept_of
from rag_service.core.fiscal_years import fiscal_years_named
from rag_service.core.types import Chunk

_YEAR = re.compile(r"\b(?:19[89]\d|20[0-4]\d)\b")
_PERIOD_WORDS = {
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept", "oct", "nov", "dec", "fy", "fiscal", "year", "years", "ended", "ending", "end", "as",
    "of", "at", "in", "the", "for", "on", "and", "twelve", "months", "weeks",
}  # fmt: skip
_GENERIC = re.compile(
    r"(?:total|sub ?total|other|net|basic|diluted|current|non-?current|deferred|domestic|foreign"
    r"|federal|state|united states|u\.?s\.?|international|thereafter|amount|balance|beginning|"
    r"ending|all other|increase|decrease|additions?|level [123])[\s,.:]*"
    r"(?:,? (?:net|total|income|expense|assets|liabilities|balance|of year|of period))?"
    r"|(?:balance|beginning|ending|end)\b.{0,40}",
    re.IGNORECASE,
)
_TITLES: tuple[tuple[Statement, re.Pattern[str]], ...] = (
    ("cash flow", re.compile(r"statements? of (?:consolidated )?cash flows?", re.IGNORECASE)),
    (
        "balance",
        re.compile(
            r"balance sheets?|statements? of (?:consolidated )?financial (?:position|condition)",
            re.IGNORECASE,
        ),
    ),
    (
        "income",
        re.compile(
            r"statements? of (?:consolidated )?(?:income|operations|earnings)|income statements?",
            re.IGNORECASE,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A value column that is one fiscal year."""

    index: int
    year: int


@dataclass(frozen=True, slots=True)
class Fact:
    """One amount of one row in one fiscal year, as ``chunk`` prints it."""

    chunk: Chunk
    company: str
    label: str
    parent: str
    """The row above that has no amounts of its own, such as ``Earnings per share:``."""
    year: int
    amount: float
    printed: str
    row: int
    statement: Statement
    concept: Concept | None
    """The concept that the label stands for by its words."""

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is about, however a table words it; but not the amount."""
        return self.company, self.concept.key if self.concept else _folded(self.label), self.year

    @property
    def line(self) -> Concept | None:
        """The concept whose amount this is. A cash flow statement prints changes of balances
        and of taxes under the names of the lines that changed."""
        concept = self.concept
        if concept is None or self.statement != "cash flow" or concept.key == "net_income":
            return concept
        return concept if concept.statement == "cash flow" else None

    @property
    def generic(self) -> bool:
        """Whether the label says nothing without its table: ``Total``, ``Other, net``."""
        return self.concept is None and _GENERIC.fullmatch(self.label) is not None


def table_facts(chunks: Iterable[Chunk]) -> Iterator[Fact]:
    """Facts of all table chunks, in reading order."""
    for chunk in chunks:
        if chunk.cells is not None:
            yield from _facts_of(chunk)


def year_columns(chunk: Chunk) -> list[Column]:
    """The columns that name one fiscal year each; a year that two columns name is left out."""
    if chunk.cells is None:
        return []
    found = [(i, _fiscal_year(name, chunk)) for i, name in enumerate(chunk.cells.columns)]
    years = [year for _, year in found]
    return [Column(i, year) for i, year in found if year and years.count(year) == 1]


def statement_of(chunk: Chunk) -> Statement:
    """The primary statement that a table is a part of, by its title or by its telling rows."""
    if chunk.cells is None:
        return ""
    title = f"{chunk.cells.title} {chunk.heading}"
    if re.search(r"comprehensive|equity|parent company|pro forma", title, re.IGNORECASE):
        return ""
    for statement, pattern in _TITLES:
        if pattern.search(title):
            return statement
    concepts = {c.key for row in chunk.cells.rows if (c := concept_of(clean_label(row[0])))}
    if "operating_cash" in concepts and concepts & {"depreciation", "net_income"}:
        return "cash flow"
    if concepts & {"total_assets", "current_liabilities"} and len(concepts) >= 3:
        return "balance"
    if {"revenue", "operating_income"} <= concepts and concepts & {"cogs", "pretax", "sga"}:
        return "income"
    return ""


def clean_label(label: str) -> str:
    """A row label without leaders, footnote marks, a trailing colon and amounts netted in it."""
    label = re.sub(r"\s*[.…_]{3,}.*$", "", label)
    label = re.sub(r",? (?:net of|less)\b.*\$ ?\d.*$", "", label)
    label = re.sub(r"\s*\((?:\d{1,2}|[a-z]|note \d+\w?)\)", "", label, flags=re.IGNORECASE)
    return " ".join(label.strip(" :*†‡$—–-").split())


def is_sensible(label: str) -> bool:
    """Whether people could ask by this label: words, not a header, date or half a sentence."""
    letters = sum(c.isalpha() for c in label)
    return (
        4 <= len(label) <= 80
        and letters >= 0.6 * len(label)
        and len(label.split()) <= 12
        and not label[0].islower()
        and _YEAR.search(label) is None
        and label.count("(") == label.count(")")
    )


def _facts_of(chunk: Chunk) -> Iterator[Fact]:
    assert chunk.cells is not None
    columns = year_columns(chunk)
    if not columns:
        return
    company, statement = company_key(chunk), statement_of(chunk)
    parent = ""
    for number, row in enumerate(chunk.cells.rows):
        label = clean_label(row[0])
        if not any(cell.strip() for cell in row[1:]):
            parent = label if is_sensible(label) else ""
            continue
        if not is_sensible(label):
            continue
        concept = concept_of(label) or (concept_of(f"{label} {parent}") if parent else None)
        for column in columns:
            printed = row[column.index + 1].strip() if column.index + 1 < len(row) else ""
            amount = parse_amount(printed)
            # A bare year or footnote number in a value column is a misread header.
            if amount is None or (amount == column.year and "," not in printed):
                continue
            yield Fact(
                chunk, company, label, parent, column.year, amount, printed, number,
                statement, concept,
            )  # fmt: skip


def _fiscal_year(column: str, chunk: Chunk) -> int:
    """The fiscal year that a column's name means, or 0 if it says more than a year."""
    years = fiscal_years_named(column, chunk.facts)
    words = re.findall(r"[A-Za-z']+", re.sub(r"\(\w{1,2}\)", " ", column))
    if len(years) != 1 or "%" in column or not {w.casefold() for w in words} <= _PERIOD_WORDS:
        return 0
    return next(iter(years))


def _folded(label: str) -> str:
    return " ".join(re.findall(r"[a-z0-9&%]+", label.casefold()))
