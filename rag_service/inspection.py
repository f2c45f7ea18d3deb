"""One file as ingestion reads it, without Redis and without writing to an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from ingest.inspection import Inspection, inspect_filing
from ingest.pictures import Picture, draw_pages
from ingest.read import read_files
from ingest.report import write_report
from rag_service.core.errors import IngestError, InvalidRequest, NotFound
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.settings import Settings
from rag_service.wiring import make_registry, read_options

_OTHER_COUNTS = (
    "the models of this home count tokens differently: the chunks are those of {model}; if another "
    "one is live, set RAGLOOP_EMBEDDING_MODEL to it"
)


def inspect_file(settings: Settings, path: Path, page: int | None = None) -> Inspection:
    """What ``ragloop ingest`` would make of a file, chunk ids included; all pages by default.

    Raises:
        NotFound, InvalidRequest: there is no such file, or no such page in it.
        IngestError: the file is refused; ``reason`` names why.
        ModelError: no tokenizer to count with; says how to get it.
    """
    if not path.exists():
        raise NotFound(f"{path} does not exist")
    if path.is_dir():
        raise InvalidRequest(f"{path} is a folder: name one file of it")
    if page is not None and page < 1:
        raise InvalidRequest(f"there is no page {page}: pages count from 1")
    registry = make_registry(settings)
    count_tokens, alike = registry.token_counter(settings.embedding_model)
    warnings = () if alike else (_OTHER_COUNTS.format(model=settings.embedding_model),)
    ((_, filing),) = read_files([path], read_options(settings), count_tokens)
    if isinstance(filing, IngestError):
        raise filing
    return inspect_filing(filing, page or 0, warnings)


def write_html(
    settings: Settings,
    inspection: Inspection,
    target: Path | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Write an inspection's page, by default into the home; gives the place.

    Raises:
        InvalidRequest: ``target`` is a folder, or the file that was inspected.
    """
    source = inspection.filing.path
    part = f".page-{inspection.page}" if inspection.page else ""
    target = target or settings.home / "inspect" / f"{source.name}{part}.html"
    if target.is_dir():
        raise InvalidRequest(f"--html {target} is a folder: name a file in it")
    if target.exists() and target.samefile(source):
        raise InvalidRequest(f"--html {target} is the file that is inspected: name another")
    if source.suffix.lower() == ".pdf":
        pages = inspection.pages
        with closing(draw_pages(source, pages, read_options(settings))) as pictures:
            write_report(inspection, _reporting(pictures, pages, progress), target)
    else:
        write_report(inspection, None, target)
    return target.absolute()


def _reporting(
    drawn: Iterable[Picture | str], pages: Sequence[int], progress: Progress
) -> Iterator[Picture | str]:
    for done, picture in enumerate(drawn, 1):
        yield picture
        progress("pages", done, len(pages))
