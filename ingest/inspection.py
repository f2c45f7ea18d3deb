"""What was read of one file, or of one of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.outline import Passage
from ingest.read import Filing
from rag_service.core.errors import InvalidRequest
from rag_service.core.types import Chunk, TableCells


@dataclass(frozen=True, slots=True)
class Inspection:
    """A filing's headings, whole tables and chunks, all of them or those that touch ``page``."""

    filing: Filing
    page: int
    """Counted from 1; 0 stands for the whole file."""
    headings: tuple[Passage, ...]
    tables: tuple[Passage, ...]
    chunks: tuple[Chunk, ...]
    warnings: tuple[str, ...]

    @property
    def pages(self) -> range:
        """Numbers of the pages that are shown."""
        if self.page:
            return range(self.page, self.page + 1)
        return range(1, self.filing.document.pages + 1)

    def as_dict(self) -> dict[str, Any]:
        document, facts = self.filing.document, self.filing.document.facts
        return {
            "document": document.name,
            "document_id": document.document_id,
            "pages": document.pages,
            "cover": {
                "company": facts.company,
                "ticker": facts.ticker,
                "form": facts.form,
                "fiscal_year": facts.fiscal_year,
                "period_end": facts.period_end,
            },
            "warnings": list(self.warnings),
            "outline": [_heading(passage) for passage in self.headings],
            "tables": [_table(passage) for passage in self.tables],
            "chunks": [_chunk(chunk) for chunk in self.chunks],
        }


def inspect_filing(filing: Filing, page: int = 0, warnings: Sequence[str] = ()) -> Inspection:
    """What to show of a filing that was read; ``page`` 0 is all of it.

    ``warnings`` stand beside those of the reading.

    Raises:
        InvalidRequest: the file has no such page.
    """
    pages = filing.document.pages
    if not 0 <= page <= pages:
        count = "1 page" if pages == 1 else f"{pages} pages"
        raise InvalidRequest(f"there is no page {page}: {filing.document.name} has {count}")

    def shown(part: Passage | Chunk) -> bool:
        return not page or part.page_start <= page <= part.page_end

    passages = [passage for passage in filing.passages if shown(passage)]
    return Inspection(
        filing,
        page,
        tuple(passage for passage in passages if passage.kind == "heading"),
        tuple(passage for passage in passages if passage.kind == "table"),
        tuple(chunk for chunk in filing.chunks if shown(chunk)),
        (*warnings, *filing.warnings),
    )


def _heading(passage: Passage) -> dict[str, Any]:
    return {
        "level": passage.level,
        "text": " ".join(passage.text.split()),
        "section": passage.section,
        "page": passage.page_start,
    }


def _table(passage: Passage) -> dict[str, Any]:
    grid = passage.grid
    if grid is None:
        raise ValueError("a table passage has a grid")
    return {
        "title": passage.title,
        "unit": grid.unit,
        "captions": list(grid.captions),
        "columns": list(grid.columns),
        "rows": [list(row) for row in grid.rows],
        "section": passage.section,
        "page_start": passage.page_start,
        "page_end": passage.page_end,
    }


def _chunk(chunk: Chunk) -> dict[str, Any]:
    return {
        "chunk_id": chunk.chunk_id,
        "kind": chunk.kind,
        "section": chunk.section,
        "heading": chunk.heading,
        "page_start": chunk.page_start,
        "page_end": chunk.page_end,
        "page_breaks": [list(pair) for pair in chunk.page_breaks],
        "context": chunk.context,
        "text": chunk.text,
        "cells": _cells(chunk.cells),
    }


def _cells(cells: TableCells | None) -> dict[str, Any] | None:
    if cells is None:
        return None
    return {
        "title": cells.title,
        "unit": cells.unit,
        "columns": list(cells.columns),
        "rows": [list(row) for row in cells.rows],
    }
