"""One file to passages and cover facts: all that needs no tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from ingest.cover import Line, read_cover
from ingest.elements import Piece, load_classes
from ingest.layout import lay_out
from ingest.names import reconcile
from ingest.options import ReadOptions
from ingest.outline import Passage, outline
from ingest.page_columns import read_rows
from ingest.pages import Page
from ingest.pdf import Pdf
from ingest.source import SourceKind, kind_of, load
from ingest.submission import with_header
from rag_service.core.errors import IngestError
from rag_service.core.ids import document_id
from rag_service.core.types import FilingFacts


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's content before it is cut to chunks."""

    path: Path
    document_id: str
    pages: int
    facts: FilingFacts
    passages: tuple[Passage, ...]
    warnings: tuple[str, ...]


def load_parsers(path: Path, options: ReadOptions) -> None:
    """Import what a file of this name is read with; the first call takes seconds.

    Raises:
        IngestError: ``unsupported``.
        ConfigError: the strategy needs something that is not installed.
    """
    kind = kind_of(path.name)
    if _in_rows(kind, options):
        load_classes()
    else:
        from ingest.partition import load_partitioner

        load_partitioner(kind, options)


def parse_file(path: Path, options: ReadOptions) -> Parsed:
    """Read one file.

    Raises:
        IngestError: the file is refused; ``reason`` names why.
        ConfigError: the strategy needs something that is not installed.
    """
    source = load(path, options.max_file_mb)
    warnings: list[str] = []
    header: tuple[Line, ...] = ()
    if _in_rows(source.kind, options):
        with Pdf(source.content, options.max_pages) as pdf:
            pages = _pages(pdf)
            lines = [tuple(c.text for c in row.cells) for page in pages for row in page.rows]
            pieces = lay_out(pages)
        count = len(pages)
        empty = [page.number for page in pages if not page.rows]
        if empty and len(empty) < count:
            warnings.append(
                f"{len(empty)} of {count} pages have no text layer, the first is {empty[0]}: if "
                "they are scans, set RAGLOOP_PDF_STRATEGY=hi_res"
            )
    else:
        from ingest.partition import partition

        read = partition(source, options)
        pieces, header = read.pieces, read.header
        warnings.extend(read.warnings)
        lines = _lines(pieces)
        count = max((piece.page for piece in pieces), default=0)
    if not any(character.isalnum() for line in lines for cell in line for character in cell):
        raise IngestError(
            "no text in the file: if its pages are scans, set RAGLOOP_PDF_STRATEGY=hi_res",
            reason="no_text",
        )
    passages = tuple(outline(pieces))
    if not passages:
        raise IngestError(
            "no text in the file but page headers, footers and contents lists: check the file",
            reason="no_text",
        )
    facts, noticed = reconcile(with_header(read_cover(lines), header, lines), path.name)
    warnings.extend(noticed)
    return Parsed(path, document_id(source.content), count, facts, passages, tuple(warnings))


def _in_rows(kind: SourceKind, options: ReadOptions) -> bool:
    return kind == "pdf" and options.strategy == "rows"


def _pages(pdf: Pdf) -> list[Page]:
    pages = []
    for number in range(1, len(pdf) + 1):
        rows, breaks = read_rows(pdf.words(number))
        pages.append(Page(number, rows, cache(partial(pdf.rules, number)), breaks))
    return pages


def _lines(pieces: Sequence[Piece]) -> list[Line]:
    lines: list[Line] = []
    for piece in pieces:
        if piece.grid is not None:
            lines.extend(tuple(filter(None, row)) for row in piece.grid.rows)
        else:
            lines.extend((line,) for line in piece.element.text.splitlines() if line.strip())
    return lines
