"""EDGAR's plain text: lines of characters as rows of a page, read as those of a PDF are."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from functools import partial

from ingest.contents import contents_lines
from ingest.edgar_html import is_page_number
from ingest.numbers import is_figure
from ingest.pages import Page, Rule, Style, Word
from ingest.rows import build_rows

PAGE = re.compile(r"^[ \t]*</?PAGE>.*$|\f", re.MULTILINE | re.IGNORECASE)
TAG = re.compile(r"</?[A-Z][A-Z0-9-]*>", re.IGNORECASE)
TABLE = re.compile(r"<(/?)TABLE\b[^>]*>", re.IGNORECASE)
ESCAPED = re.compile(r"^- (?=-)", re.MULTILINE)
"""EDGAR's first mail format put this before lines that begin with a dash."""
RULE = re.compile(r"(?:[-=_—–]{3,}|[-=_] (?:[-=_] ){2,}[-=_]?)")
LEADER = re.compile(r"(?<=[\w)%\"’',*])[ ]?(?:\.[ ]?){3,}")
WORD = re.compile(r"\S+")
GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
CHARACTER = 4.4
"""Points: one space is then a gap inside a cell, and two are one between cells."""
LINE = 12.0
STYLE = Style(10.0, 0)
BELOW = 0.35
"""An underline stands this part of a line below what it underlines."""
WIDE_GAP = 5
"""So many spaces inside a line outside tables set columns; fewer only fill the line."""


def read_pages(text: str, first: int = 1) -> list[Page]:
    """The pages of a plain text filing, as its ``<PAGE>`` marks part them, from ``first``.

    Characters stand ``CHARACTER`` points apart, so that what is aligned by spaces is aligned as
    on paper. Runs of dashes are rules. Contents lists are left out.
    """
    pages: list[Page] = []
    table = False
    for part in PAGE.split(text):
        words, rules, table = _read_page(part, table)
        if part.strip():
            number = first + len(pages)
            pages.append(Page(number, build_rows(words), partial(tuple[Rule, ...], rules)))
    return pages


def _read_page(text: str, table: bool) -> tuple[list[Word], list[Rule], bool]:
    """Words and rules of a page, and whether it ends inside a table, as it may have begun."""
    words: list[Word] = []
    rules: list[Rule] = []
    level = 0.0
    empty = 0
    for line, inside in _without_contents(list(_lines(text, table))):
        table = inside
        ruled = RULE.sub(lambda match: " " * len(match[0]), line)
        rules.extend(
            Rule(level + BELOW * LINE, match.start() * CHARACTER, match.end() * CHARACTER)
            for match in RULE.finditer(line)
        )
        if not ruled.strip():
            empty += not line.strip()
            continue
        # More empty lines than these would tear a table's header from its values.
        level += LINE * (1 + min(empty, 1 if inside else 2))
        empty = 0
        words.extend(_words(ruled if inside else _even(ruled), level))
    return words, rules, table


def _lines(text: str, table: bool) -> Iterator[tuple[str, bool]]:
    """Lines without tags, and whether each stands in a table; lines of tags alone are left out."""
    for line in ESCAPED.sub("", text.expandtabs(8)).splitlines():
        bare = TAG.sub(lambda match: " " * len(match[0]), line)
        for match in TABLE.finditer(line):
            table = not match[1]
        if bare.strip() or not line.strip():
            yield html.unescape(bare).replace("\xa0", " ").rstrip(), table


def _without_contents(lines: Sequence[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Lines without contents lists, leaders of dots and the printed number of the page."""
    texts = [" ".join(RULE.sub(" ", line).split()) for line, _ in lines]
    filled = [index for index, text in enumerate(texts) if text]
    left_out = {filled[at] for at in contents_lines([texts[index] for index in filled])}
    rest = [index for index in filled if index not in left_out]
    left_out.update(index for index in (*rest[:1], *rest[-1:]) if is_page_number(texts[index]))
    for index, (line, table) in enumerate(lines):
        if index not in left_out:
            yield LEADER.sub(lambda match: " " * len(match[0]), line), table


def _even(line: str) -> str:
    """A line of prose without the spaces that only make it end at the margin."""
    gaps = [len(gap) for gap in GAP.findall(line)]
    tokens = line.split()
    if not gaps or max(gaps) >= WIDE_GAP or len(tokens) < 5:
        return line
    if is_figure(tokens[-1]) and (is_figure(tokens[-2]) or line.rstrip().endswith(")")):
        return line
    return GAP.sub(" ", line)


def _words(line: str, y: float) -> Iterator[Word]:
    for match in WORD.finditer(line):
        yield Word(match[0], match.start() * CHARACTER, match.end() * CHARACTER, y, STYLE)
