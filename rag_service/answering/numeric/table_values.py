"""The tables among hits as rows and dated columns, and each cell as an amount with its unit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_service.answering.citations import cite, fold
from rag_service.answering.extract import split_text
from rag_service.answering.injection import is_order
from rag_service.answering.numeric.calculate import Amount, Kind, read_cell, scale_of
from rag_service.answering.numeric.company_name import without_company
from rag_service.answering.numeric.items import Statement
from rag_service.answering.numeric.labels import name_of, other_readings, plain_label
from rag_service.answering.numeric.periods import column_year
from rag_service.answering.table_pieces import by_place, head_before
from rag_service.answering.terms import stems
from rag_service.core.fiscal_years import MONTH_DAY, years
from rag_service.core.types import Chunk, Citation, FilingFacts, Hit

_NAMES: dict[Statement, str] = {
    "cash flow": r"cash flows? statements?|statements? of (?:\w+ )?cash flows?",
    "balance": r"balance sheets?|statements? of (?:\w+ )?financial (?:position|condition)",
    "income": (
        r"(?:income|earnings) statements?|statements? of (?:\w+ )?(?:income|operations|earnings)"
        r"|P\s?& ?L(?: statements?| accounts?)?|profit and loss (?:accounts?|statements?)"
    ),
}
STATEMENT_NAME = "|".join(_NAMES.values())
"""A pattern of the three statements' names, as titles and questions have them."""
_STATEMENTS = {name: re.compile(rf"\b(?:{names})", re.I) for name, names in _NAMES.items()}

_NO_STATEMENT = re.compile(r"comprehensive|equity|parent|pro forma|supplement|condensed", re.I)
_PERIOD_WORDS = frozenset(stems("years months weeks twelve restated unaudited audited amounts"))
_MONTH_WORDS = frozenset(
    stems("january february march april may june july august september october november december "
          "jan feb mar apr jun jul aug sep sept oct nov dec")
)  # fmt: skip
_PER_UNIT = re.compile(r"\bper\s+(?:\w+\s+){0,3}(?:shares?|units?|stores?|ADS)\b|\bEPS\b", re.I)
_PAR = re.compile(r"\bpar value\b|\bauthorized\b|\bissued\b", re.I)
_SHARES = re.compile(
    r"\b(?:weighted|average|number|diluted|basic)\b.*\bshares\b|\bshares\b.*\b(?:outstanding|"
    r"purchased|repurchased|granted|diluted|basic)\b|\bnumber of\b|\bemployees\b|\bheadcount\b",
    re.I,
)
_RATIO = re.compile(r"\bratio\b", re.I)
_INTERIM_FORM = re.compile(r"10-?Q|6-?K", re.I)
_COUNTED = re.compile(r"\(?number of\b", re.I)
SPLIT_EARNINGS = frozenset(
    stems("basic diluted assuming dilution continuing discontinued operations net income earnings")
)
_SHARES_APART = re.compile(r"\bexcept\b[^)]*?\bshares?(?:\s+(?:and|data|amounts)|,)", re.I)


@dataclass(frozen=True, slots=True)
class Column:
    """A value column of one fiscal year; ``words`` say what else it is of."""

    index: int
    name: str
    year: int
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row with figures. ``group`` is the row above that has none, such as ``Net sales:``.

    ``also`` are its label's words in other readings, such as those of an abbreviation behind it.
    """

    number: int
    label: str
    words: frozenset[str]
    group: str
    group_words: frozenset[str]
    cells: tuple[str, ...]
    quote: str
    also: tuple[frozenset[str], ...] = ()

    @property
    def is_total(self) -> bool:
        return self.label.casefold().startswith("total")


@dataclass(frozen=True, slots=True)
class Table:
    """A table chunk, read."""

    chunk: Chunk
    rank: int
    statement: Statement
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    around: frozenset[str]
    """Words of its title and of the heading that it stands under."""


@dataclass(frozen=True, slots=True)
class Value:
    """One cell: its amount, and where it stands."""

    label: str
    year: int
    column: str
    printed: str
    amount: Amount
    quote: str
    chunk: Chunk
    row: int

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The row, verbatim."""
        return cite(self.chunk, self.quote)


def read_tables(hits: Sequence[Hit]) -> list[Table]:
    """The tables of ``hits`` that have a column of one fiscal year, in the order of the hits.

    Those of reports within a year are left out: their columns are of quarters.
    """
    annual = [hit for hit in hits if is_annual(hit.chunk.facts)]
    places = by_place([hit.chunk for hit in annual])
    found = (_table(hit, head_before(hit.chunk, places)) for hit in annual)
    return [table for table in found if table is not None]


def is_annual(facts: FilingFacts) -> bool:
    """Whether a filing is of a whole fiscal year, as far as its form says."""
    return _INTERIM_FORM.match(facts.form) is None


def primary_statement(chunk: Chunk) -> Statement:
    """The consolidated statement that a chunk is a piece of, by its titles, or ``""``."""
    if chunk.cells is None:
        return ""
    title = _titles(chunk)
    return "" if _NO_STATEMENT.search(title) else statement_named(title)


def value_of(table: Table, row: Row, column: Column) -> Value | None:
    """The cell of ``row`` under ``column``, or None if it holds no figure."""
    printed = row.cells[column.index].strip() if column.index < len(row.cells) else ""
    cell = read_cell(printed)
    if cell is None or printed == str(column.year):
        return None
    kind = _kind(table, row, column, cell.mark, cell.currency)
    scale = cell.scale if cell.scale is not None else _scale(table.chunk, row, column, kind)
    return Value(
        label=row.label,
        year=column.year,
        column=column.name,
        printed=printed,
        amount=Amount(cell.value, kind, scale),
        quote=row.quote,
        chunk=table.chunk,
        row=row.number,
    )


def statement_named(text: str) -> Statement:
    """The statement that ``text`` names, or ``""``."""
    return next((name for name, pattern in _STATEMENTS.items() if pattern.search(text)), "")


def _table(hit: Hit, head: str) -> Table | None:
    """The table of ``hit``; its first rows stand under ``head``."""
    chunk = hit.chunk
    columns = tuple(_columns(chunk)) if chunk.cells is not None else ()
    if not columns:
        return None
    return Table(
        chunk=chunk,
        rank=hit.rank,
        statement=primary_statement(chunk),
        columns=columns,
        rows=tuple(_rows(chunk, plain_label(head))),
        around=frozenset(stems(without_company(_titles(chunk), chunk.facts))) - _MONTH_WORDS,
    )


def _titles(chunk: Chunk) -> str:
    assert chunk.cells is not None
    return f"{chunk.cells.title} {chunk.heading.rpartition(' > ')[2]}"


def _columns(chunk: Chunk) -> Iterator[Column]:
    assert chunk.cells is not None
    captions = " ".join(chunk.cells.captions)
    caption = captions if years(captions) or MONTH_DAY.search(captions) else ""
    for index, name in enumerate(chunk.cells.columns):
        year = column_year(name, caption or chunk.cells.title, chunk.facts)
        if year:
            words = frozenset(stems(name)) - _PERIOD_WORDS - _MONTH_WORDS
            yield Column(index, name, year, words)


def _rows(chunk: Chunk, group: str) -> Iterator[Row]:
    assert chunk.cells is not None
    lines = split_text(chunk.text, by_line=True)
    for number, (printed, *cells) in enumerate(chunk.cells.rows):
        label = plain_label(printed)
        stated = [cell for cell in cells if any(map(str.isdigit, cell)) or read_cell(cell)]
        if not stated:
            group = label
            continue
        quote = next((line for line in lines if _is_line_of(line, printed, stated)), None)
        if quote is None or not cite(chunk, quote) or is_order(quote):
            continue
        name = name_of(label, chunk.cells)
        yield Row(
            number=number,
            label=label,
            words=_words(name, chunk),
            group=group,
            group_words=_words(group, chunk),
            cells=tuple(cells),
            quote=quote,
            also=tuple(other_readings(label, name, chunk.cells)),
        )


def _words(label: str, chunk: Chunk) -> frozenset[str]:
    return frozenset(stems(without_company(label, chunk.facts))) - _MONTH_WORDS


def _is_line_of(line: str, label: str, values: Sequence[str]) -> bool:
    return line.startswith(fold(label)) and all(fold(value) in line for value in values)


def _kind(table: Table, row: Row, column: Column, mark: str, currency: bool) -> Kind:
    """What a figure is of, by its own sign and by the words around it, the nearest first."""
    if mark == "%":
        return "percent"
    if mark == "x" or (_RATIO.search(row.label) and not currency):
        return "number"
    if not currency and ("%" in column.name or "percent" in column.name.casefold()):
        return "percent"
    for text in (row.label, column.name):
        if _PER_UNIT.search(text) and not _PAR.search(text):
            return "per unit"
        if _SHARES.search(text) and not currency and table.statement != "cash flow":
            return "count"
    if _PER_UNIT.search(row.group) and row.words <= SPLIT_EARNINGS:
        return "per unit"
    if _SHARES.search(row.group) and row.words <= SPLIT_EARNINGS and not currency:
        return "count"
    return "count" if _COUNTED.search(_head(table.chunk)) and not currency else "money"


def _scale(chunk: Chunk, row: Row, column: Column, kind: Kind) -> int | None:
    """The power of ten of a figure, by the words nearest to it."""
    if kind in ("per unit", "percent", "number"):
        return 0
    for text in (row.label, column.name, row.group):
        if (scale := scale_of(text)) is not None:
            return scale
    head = _head(chunk)
    if kind == "count" and (_SHARES_APART.search(head) or scale_of(head) is None):
        return 0
    return scale_of(head)


def _head(chunk: Chunk) -> str:
    assert chunk.cells is not None
    return f"{chunk.cells.unit} {chunk.cells.title} {' '.join(chunk.cells.captions)}"
