"""Whether a quote stands in its passage, and whether a statement rests on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag_service.answering.figures import Figure, figures, unsupported
from rag_service.answering.question import Asked, column_years
from rag_service.core.types import Chunk, Citation, FilingFacts, PageBreaks, TableCells

_FEWEST_WORDS = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage, what is quoted of it with its white space folded, and the citations of that."""

    chunk: Chunk
    quote: str
    citations: tuple[Citation, ...]


def fold(text: str) -> str:
    """``text`` with each run of white space as one space."""
    return " ".join(text.split())


def cite(chunk: Chunk, quote: str) -> tuple[Citation, ...]:
    """The citations of ``quote``; none if it is not verbatim in the chunk's text.

    White space is folded before comparing; a quote of less than two words proves nothing and is
    refused. Of one that runs over the end of a page what stands on one page is cited, where that
    has all of its figures; else what stands on each. Only where that would cut a figure, or where
    the chunk does not know its page breaks, one citation has the first and the last page.
    """
    folded = fold(quote)
    if len(folded.split()) < _FEWEST_WORDS:
        return ()
    starts = list(_starts(folded, fold(chunk.text)))
    if not starts:
        return ()
    quotes = [(folded, chunk.page_start, chunk.page_end)]
    if chunk.page_breaks:
        quotes = _by_pages(folded, starts, _folded_breaks(chunk))
    return tuple(
        Citation(
            document=chunk.document, page=first, quote=said, chunk_id=chunk.chunk_id, page_end=last
        )
        for said, first, last in quotes
    )


def baseless_figures(statement: str, evidence: Sequence[Evidence], asked: Asked) -> list[Figure]:
    """The figures in ``statement`` that no cited passage bears out.

    Of a table only the quoted rows count, and of its dated columns those of the years asked for.
    """
    known: list[Figure] = []
    for cited in evidence:
        chunk, facts = cited.chunk, cited.chunk.facts
        about = f"{chunk.context} {facts.company} {facts.period_end} {facts.fiscal_year}"
        if chunk.cells is None:
            known += figures(f"{chunk.text} {about}")
        else:
            known += _table_figures(chunk.cells, facts, cited.quote, asked, about)
    return unsupported(statement, known)


def _starts(quote: str, text: str) -> Iterator[int]:
    """Where ``quote`` stands in ``text`` and cuts no figure or word of it in two."""
    before = r"(?<!\w)(?<!\d[.,])" if quote[0].isalnum() else ""
    after = r"(?!\w)(?![.,]\d)" if quote[-1].isalnum() else ""
    return (match.start() for match in re.finditer(before + re.escape(quote) + after, text))


def _folded_breaks(chunk: Chunk) -> PageBreaks:
    """Where the pages begin in the chunk's folded text, its first page among them."""
    breaks = [(0, chunk.page_start)]
    for at, page in chunk.page_breaks:
        # With the character that begins the page, so that a space before it counts.
        breaks.append((len(fold(chunk.text[: at + 1])) - 1, page))
    return tuple(breaks)


def _by_pages(quote: str, starts: Sequence[int], breaks: PageBreaks) -> list[tuple[str, int, int]]:
    """What to cite of a ``quote`` that begins at any of ``starts``, with first and last page."""
    by_start = [_on_pages(quote, start, breaks) for start in starts]
    pieces = next((one for one in by_start if len(one) == 1), by_start[0])
    if len(pieces) == 1:
        return [(quote, *pieces[0][1:])]
    stated = figures(quote)
    whole = [piece for piece in pieces if len(piece[0].split()) >= _FEWEST_WORDS]
    enough = [piece for piece in whole if figures(piece[0]) == stated]
    if enough:
        return [max(enough, key=lambda piece: len(piece[0]))]
    if whole and [figure for piece in whole for figure in figures(piece[0])] == stated:
        return whole
    return [(quote, pieces[0][1], pieces[-1][1])]


def _on_pages(quote: str, start: int, breaks: PageBreaks) -> list[tuple[str, int, int]]:
    """The words of ``quote`` on each page that it touches, but those that a page's end cuts."""
    end = start + len(quote)
    words = [(start + word.start(), word[0]) for word in re.finditer(r"\S+", quote)]
    pages = pairwise((*breaks, (end, 0)))
    return [
        (" ".join(word for at, word in words if first <= at and at + len(word) <= last), page, page)
        for (first, page), (last, _) in pages
        if first < end and start < last
    ]


def _table_figures(
    cells: TableCells, facts: FilingFacts, quote: str, asked: Asked, about: str
) -> list[Figure]:
    rows = [row for row in cells.rows if row[0].strip() and fold(row[0]) in quote] or cells.rows
    found = {i: column_years(asked, column, facts) for i, column in enumerate(cells.columns, 1)}
    dated = {i for i, of in found.items() if of}
    wanted = {i for i in dated if found[i] & asked.years} or dated
    values = " ".join(
        cell for row in rows for i, cell in enumerate(row) if i not in dated or i in wanted
    )
    named = " ".join((cells.title, cells.unit, *cells.columns))
    return figures(values, named) + figures(f"{named} {about}")
