"""Routes of a filing's pages: their pictures, and where on them a quote stands."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from ingest.marks import find_marks
from ingest.pictures import Picture, draw_pages
from ingest.source import KINDS
from rag_service.answering.documents import Json
from rag_service.api.asking import NOBODY_WAITS
from rag_service.api.deps import PicturesDep, ServicesDep, ServicesLike
from rag_service.api.documents import find_document
from rag_service.api.errors import refusal
from rag_service.api.page_pictures import NobodyWaits
from rag_service.api.responses import Documented
from rag_service.api.security import Ask
from rag_service.core.errors import IngestError, NotFound
from rag_service.core.types import Document
from rag_service.wiring import read_options

router = APIRouter(prefix="/v1/documents/{name}/pages", tags=["documents"], dependencies=[Ask])

_DRAWING = "1"
"""Version of how pages are drawn: raised whenever the same page gives another picture."""
_MAX_QUOTE_CHARS = 4000

Number = Annotated[int, InPath(ge=1, le=1_000_000, description="Counted from 1.")]

_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/jpeg": {}}},
    304: {"description": "The picture of `If-None-Match` is still the one."},
}


@router.get("/{number}", response_class=Response, responses=_PICTURE)
async def picture(
    name: str,
    number: Number,
    request: Request,
    services: ServicesDep,
    pictures: PicturesDep,
    width: Annotated[int, Query(ge=200, le=2000, description="In pixels.")] = 1000,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """A page of a PDF as a JPEG; of another filing 404, with the page's `text`."""
    try:
        document, path = await run_in_threadpool(_pdf_of, services, name, number)
    except _NoPicture as error:
        said = HTTPStatus.NOT_FOUND
        return refusal(request, said, error.code, error.message, text=error.text)
    tag = f'"{_DRAWING}-{document.document_id}-{number}-{width}"'
    # Asked for again each time, since a name may come to stand for another file.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in if_none_match:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)

    def draw() -> bytes:
        options = read_options(services.settings)
        with closing(draw_pages(path, [number], options, width)) as drawn:
            page = next(drawn)
        if not isinstance(page, Picture):
            raise IngestError(page)
        return page.jpeg

    try:
        jpeg = await pictures.picture(tag, draw, request.is_disconnected)
    except NobodyWaits:
        return Response(status_code=NOBODY_WAITS)
    return Response(jpeg, media_type="image/jpeg", headers=headers)


class MarksDocument(Documented):
    page: int
    pages: int
    boxes: list[tuple[float, float, float, float]] = Field(
        description="Left, top, right and bottom as fractions of the page, from its top left."
    )


@router.get("/{number}/marks", response_model=MarksDocument)
async def marks(
    name: str,
    number: Number,
    request: Request,
    services: ServicesDep,
    pictures: PicturesDep,
    quote: Annotated[str, Query(min_length=1, max_length=_MAX_QUOTE_CHARS)],
) -> Response | Json:
    """The boxes of a quote on a page of a PDF, one a line; none if it is not there."""
    document, path = await run_in_threadpool(_pdf_of, services, name, number)

    def find() -> Json:
        boxes = find_marks(path, number, quote, read_options(services.settings))
        return {"page": number, "pages": document.pages, "boxes": boxes}

    try:
        return await pictures.in_turn(find, request.is_disconnected)
    except NobodyWaits:
        return Response(status_code=NOBODY_WAITS)


class _NoPicture(NotFound):
    """The page is there, but not as a picture; ``text`` is what was read of it."""

    code = "no_picture"

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


def _pdf_of(services: ServicesLike, name: str, number: int) -> tuple[Document, Path]:
    """A document with the kept file of its pages. Raises NotFound, _NoPicture."""
    document = find_document(services, name)
    if number > document.pages:
        count = "1 page" if document.pages == 1 else f"{document.pages} pages"
        raise NotFound(f"there is no page {number}: {document.name} has {count}")
    try:
        path = services.kept_filings.path(document)
        if KINDS.get(path.suffix) == "pdf":
            return document, path
        why = f"{document.name} is no PDF: its pages are text, and have no picture"
    except NotFound as error:
        why = error.message
    chunks = services.chunks.chunks([document.document_id])
    text = (chunk.text for chunk in chunks if chunk.page_start <= number <= chunk.page_end)
    raise _NoPicture(why, "\n\n".join(text))
