"""Routes of release control."""

from __future__ import annotations

from fastapi import APIRouter

from rag_service.answering.documents import (
    Json,
    release_document,
    releases_document,
)
from rag_service.api.bodies import PromoteBody
from rag_service.api.deps import OwnPage, ServicesDep

router = APIRouter(prefix="/v1/releases", tags=["releases"])


@router.get("")
def releases(services: ServicesDep) -> Json:
    """All releases, oldest first, and which one is live."""
    return releases_document(services.releases.current(), services.releases.all())


@router.post("/rollback", dependencies=[OwnPage])
def rollback(services: ServicesDep) -> Json:
    """Bring the release before the live one back."""
    return release_document(services.rollback())


@router.post("/{release}/promote", dependencies=[OwnPage])
def promote(release: str, services: ServicesDep, body: PromoteBody | None = None) -> Json:
    """Make a release live, if the gate agrees or `force` is set."""
    force = body is not None and body.force
    return release_document(services.promote(release, force=force))
