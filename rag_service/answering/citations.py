"""Whether a quote stands in its passage, and whether a statement rests on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag_service.answering.figures import Figure, figures, unsupported
from rag_service.answering.question import Asked, column_years
from rag_service.core.types import Chunk, Citation, FilingFacts, TableCells

_FEWEST_WORDS = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """A citation with the passage that it is from."""

    citation: Citation
    chunk: Chunk


def fold(text: str) -> str:
    """``text`` with each run of white space as one space."""
    return " ".join(text.split())


def cite(chunk: Chunk, quote: str) -> Citation | None:
    """The citation of ``quote``, or None if it is not verbatim in the chunk's text.

    White space is folded before comparing; a quote of less than two words proves nothing and is
    refused. A chunk does not say where its pages part: of one that spans several, the citation
    has the first and the last.
    """
    folded = fold(quote)
    if len(folded.split()) < _FEWEST_WORDS or not _stands_in(folded, fold(chunk.text)):
        return None
    return Citation(
        document=chunk.document,
        page=chunk.page_start,
        quote=folded,
        chunk_id=chunk.chunk_id,
        page_end=chunk.page_end,
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
            known += _table_figures(chunk.cells, facts, fold(cited.citation.quote), asked, about)
    return unsupported(statement, known)


def _stands_in(quote: str, text: str) -> bool:
    """True if ``quote`` is in ``text`` and cuts no figure or word of it in two."""
    before = r"(?<!\w)(?<!\d[.,])" if quote[0].isalnum() else ""
    after = r"(?!\w)(?![.,]\d)" if quote[-1].isalnum() else ""
    return re.search(before + re.escape(quote) + after, text) is not None


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
