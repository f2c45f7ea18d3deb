"""The lines of financial statements that formulas are made of, and what filings call them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from rag_service.answering.glossary_file import shipped
from rag_service.answering.numeric.calculate import Kind
from rag_service.answering.terms import readings, stems

Statement = Literal["income", "balance", "cash flow", ""]

LIGHT = frozenset(
    stems("net consolidated loss provided attributable common expense spending benefit")
)
"""Words that a label may have or lack and still name the same line."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a statement. ``names`` are labels of it, the one that it is asked by first."""

    names: tuple[str, ...]
    statements: tuple[Statement, ...]
    """Where its amount stands; elsewhere the same label may mean a part or a change of it."""
    spent: bool = False
    """Printed as an outflow, while its size is meant."""
    standard_net: bool = False
    """Asked for without a word of it, the net amount is meant."""

    @property
    def name(self) -> str:
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line to look for. ``readings`` are its names as words, the nearest to the question first.

    Without ``statements`` it is no known line, and its words are those of the question alone.
    """

    name: str
    readings: tuple[frozenset[str], ...]
    statements: tuple[Statement, ...] = ()
    spent: bool = False
    known: bool = False
    kind: Kind | None = None
    """The only kind of amount that will do."""


def wanted(name: str, words: frozenset[str]) -> Wanted:
    """The line that ``words`` ask for: a known one with all its names, or just those words."""
    item, named = _item_in(words)
    if item is None:
        return Wanted(name, readings(words))
    qualifiers = words - named - LIGHT
    ways = [words, *(other | qualifiers for other in printed_names(item))]
    if item.standard_net:
        ways = [ways[1], *ways]
    return Wanted(
        name,
        tuple(dict.fromkeys(ways)),
        # The statement prints the line of the whole company, not of a part.
        statements=() if qualifiers else item.statements,
        spent=item.spent and not qualifiers,
        known=not qualifiers,
    )


def narrowed(line: Wanted, words: frozenset[str]) -> Wanted:
    """The same line of a part of the company, which ``words`` name."""
    ways = tuple(reading | words for reading in line.readings)
    return replace(line, readings=ways, statements=(), spent=False, known=False)


def item_words(words: frozenset[str]) -> frozenset[str]:
    """Those of ``words`` that are the name of a known line."""
    return _item_in(words)[1] & words


@cache
def printed_names(item: Item) -> tuple[frozenset[str], ...]:
    """The words of every name of the line: its own, then those that the glossary has for it."""
    also = [
        name
        for entry in shipped().values()
        if not set(item.names).isdisjoint(entry.means)
        for name in entry.means
    ]
    names = [*item.names, *also]
    own = [frozenset(stems(name)) for name in names]
    return tuple(dict.fromkeys([*own, *(way for name in own for way in readings(name))]))


@cache
def vocabulary() -> frozenset[str]:
    """All words of the names of known lines."""
    return frozenset[str]().union(*(name for item in ITEMS for name in printed_names(item)))


@cache
def _item_in(words: frozenset[str]) -> tuple[Item | None, frozenset[str]]:
    """The line whose name covers most of ``words``, and the words of that name."""
    best: tuple[Item | None, frozenset[str]] = (None, frozenset())
    for item in ITEMS:
        for name in printed_names(item):
            needed = name - LIGHT if len(name - LIGHT) > 1 or item.standard_net else name
            if needed <= words and len(needed) > len(best[1] - LIGHT):
                best = item, name
    return best


ITEMS = (
    Item(("revenue", "net sales", "top line", "total operating revenue"), ("income",)),
    Item(
        ("cost of goods sold", "cost of sales", "cost of products and services sold",
         "cost of goods and services sold", "cost of merchandise sold",
         "cost of sales, including buying and occupancy costs", "merchandise costs",
         "cost of merchandise sold and services provided"),
        ("income",), spent=True,
    ),
    Item(("gross profit", "gross income", "gross margin"), ("income",)),
    Item(
        ("selling, general and administrative expenses", "selling and administrative expenses",
         "selling, general and administrative", "marketing, general and administrative expenses"),
        ("income",), spent=True,
    ),
    Item(
        ("research and development", "research and development expenses",
         "research, development and engineering", "research, development and related expenses"),
        ("income",), spent=True,
    ),
    Item(("operating income", "earnings from operations", "operating earnings", "EBIT"),
         ("income",)),
    Item(("interest expense", "interest cost"), ("income",), spent=True),
    Item(
        ("income before income taxes", "pretax income", "pre-tax income", "profit before tax",
         "earnings before taxes", "earnings before income taxes",
         "income before provision for income taxes", "earnings before income tax expense",
         "earnings before provision for income taxes", "income before taxes on income"),
        ("income",),
    ),
    Item(
        ("income tax expense", "provision for income taxes", "income tax provision",
         "income taxes", "tax provision", "tax charge", "taxes on income"),
        ("income",), spent=True,
    ),
    Item(("net income", "bottom line", "profit after tax"), ("income", "cash flow")),
    Item(("diluted earnings per share", "diluted EPS", "diluted net income per share"),
         ("income",)),
    Item(("basic earnings per share", "basic EPS", "basic net income per share"), ("income",)),
    Item(
        ("cash and cash equivalents", "cash on hand", "cash balance", "cash position"),
        ("balance", "cash flow"),
    ),
    Item(("short-term investments", "marketable securities", "current marketable securities",
          "short-term marketable securities"), ("balance",)),
    Item(("accounts receivable", "trade receivables", "AR", "trade accounts receivable",
          "receivables"), ("balance",)),
    Item(("inventories", "merchandise inventories", "inventory on hand"), ("balance",)),
    Item(("total current assets", "short-term assets"), ("balance",)),
    Item(
        ("net property, plant and equipment", "net property and equipment", "net PPNE",
         "net fixed assets"),
        ("balance",),
        standard_net=True,
    ),
    Item(("goodwill", "goodwill balance"), ("balance",)),
    Item(("total assets", "asset base"), ("balance",)),
    Item(("accounts payable", "AP", "trade payables", "trade accounts payable"), ("balance",)),
    Item(("total current liabilities", "short-term obligations"), ("balance",)),
    Item(("long-term debt", "long-term borrowings", "LT debt"), ("balance",)),
    Item(("total liabilities",), ("balance",)),
    Item(("retained earnings", "reinvested earnings"), ("balance",)),
    Item(("shareholders' equity", "equity", "stockholders' equity", "book equity"),
         ("balance",)),
    Item(
        ("operating cash flow", "cash from operations", "net cash provided by operating activities",
         "net cash from operating activities", "net cash provided by operations", "CFO",
         "cash flow from operating activities", "cash generated by operations"),
        ("cash flow",),
    ),
    Item(("investing cash flow", "net cash used in investing activities", "CFI",
          "net cash provided by investing activities"), ("cash flow",)),
    Item(("financing cash flow", "net cash used in financing activities", "CFF",
          "net cash provided by financing activities"), ("cash flow",)),
    Item(
        ("capital expenditures", "purchases of property and equipment", "capex spend",
         "additions to property and equipment", "capital expenditure",
         "expenditures for property, plant and equipment",
         "capital expenditures for property, plant and equipment",
         "expenditures for property and equipment",
         "acquisitions of property and equipment", "payments for property and equipment"),
        ("cash flow",),
        spent=True,
    ),
    Item(
        ("depreciation and amortization", "depreciation and amortization expense",
         "depreciation, depletion and amortization", "depreciation, amortization and other"),
        ("cash flow",),
    ),
    Item(("depreciation", "depreciation expense"), ("cash flow",)),
    Item(("amortization of intangible assets", "amortization of acquired intangible assets"),
         ("cash flow", "income")),
    Item(("stock-based compensation", "SBC", "share-based compensation"), ("cash flow",)),
    Item(
        ("dividends paid", "cash dividends", "dividend payments", "payments of dividends",
         "cash dividends paid", "dividends paid to shareholders", "dividends paid to stockholders",
         "cash dividends paid to shareholders", "cash returned as dividends"),
        ("cash flow",),
        spent=True,
    ),
    Item(
        ("share repurchases", "repurchases of common stock", "share buybacks",
         "repurchase of common stock", "purchases of common stock"),
        ("cash flow",),
        spent=True,
    ),
    Item(("number of employees", "headcount"), ()),
)  # fmt: skip
