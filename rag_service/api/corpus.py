"""Routes about what is ingested, and what readers say of the answers."""

from __future__ import annotations

from fastapi import APIRouter, status

from rag_service.answering.documents import Json, documents_document
from rag_service.api.bodies import FeedbackBody
from rag_service.api.deps import FeedbackDep, ServicesDep

router = APIRouter(prefix="/v1", tags=["corpus"])


@router.get("/documents")
def documents(services: ServicesDep) -> Json:
    """The ingested filings, by name."""
    return documents_document(services.chunks.documents())


@router.post("/feedback", status_code=status.HTTP_204_NO_CONTENT)
def feedback(body: FeedbackBody, log: FeedbackDep) -> None:
    """Keep a reader's verdict on an answer."""
    log.append(body.model_dump())
