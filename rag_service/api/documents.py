"""Routes of the ingested filings: what there is, how one comes in, and how it goes."""

from __future__ import annotations

from http import HTTPStatus
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request, status
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool

from rag_service.answering.documents import (
    Json,
    document_record,
    documents_document,
    job_document,
)
from rag_service.api.deps import ServicesDep, ServicesLike
from rag_service.api.openapi import refusals
from rag_service.api.security import Ask, Ingest
from rag_service.api.uploading import FIELD, out_of_space, receive_file
from rag_service.core.errors import NotFound
from rag_service.core.types import Chunk, Document

router = APIRouter(prefix="/v1/documents", tags=["documents"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "additionalProperties": False,
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "A PDF, HTML or text file, with its name.",
                        }
                    },
                }
            }
        },
    }
}


@router.get("", dependencies=[Ask])
def documents(services: ServicesDep) -> Json:
    """The ingested filings, by name."""
    return documents_document(services.chunks.documents())


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Ingest],
    openapi_extra=_BODY,
    responses=refusals(
        {
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The file is not what its name says, or not read.",
            HTTPStatus.INSUFFICIENT_STORAGE: "The disk is too full; nothing is kept.",
        }
    ),
)
async def upload(request: Request, services: ServicesDep) -> Json:
    """Send a file that a job then ingests, as the command does: unchanged, added or replaced.

    `document` is the name that it will have. The job's result says what became of it; the file
    is kept until then.
    """
    try:
        async with contextmanager_in_threadpool(services.uploads.receiving()) as upload:
            limits = services.settings.max_file_mb, services.settings.min_free_mb
            path = await receive_file(request, upload.folder, *limits)
            arguments = {"paths": [f"{upload.folder.name}/{path.name}"]}
            job = await run_in_threadpool(services.queue.start, "ingest", arguments)
            upload.handed_over = True
    except OSError as error:
        if refusal := out_of_space(error):
            raise refusal from error
        raise
    return {"document": path.name, "job": job_document(job)}


@router.get("/{name}", dependencies=[Ask])
def document(name: str, services: ServicesDep) -> Json:
    """One filing: what its cover says, its outline, and whether its file is kept."""
    found = find_document(services, name)
    chunks = services.chunks.chunks([found.document_id])
    return document_record(found) | {
        "kept": services.kept_filings.has(found),
        "outline": [
            {"section": section, "heading": heading, "page": next(group).page_start}
            for (section, heading), group in groupby(chunks, _place)
        ],
    }


@router.delete("/{name}", dependencies=[Ingest])
def remove(name: str, services: ServicesDep) -> Json:
    """Take a filing out, with its passages and its file; 409 while documents are being written."""
    return {"removed": document_record(services.ingestion.remove(name))}


def find_document(services: ServicesLike, name: str) -> Document:
    """The document that was ingested under this name. Raises NotFound."""
    found = services.chunks.find(name)
    if found is None:
        raise NotFound(f"no document named {name[:200]!r}; GET /v1/documents lists them")
    return found


def _place(chunk: Chunk) -> tuple[str, str]:
    return chunk.section, chunk.heading
