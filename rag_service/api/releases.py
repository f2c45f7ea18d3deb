"""Routes of release control."""

from __future__ import annotations

from fastapi import APIRouter

from rag_service.answering.documents import (
    Json,
    release_document,
    releases_document,
)
from rag_service.api.bodies import PromoteBody
from rag_service.api.deps import ServicesDep
from rag_service.api.security import Ask, Operate

router = APIRouter(prefix="/v1/releases", tags=["releases"])


@router.get("", dependencies=[Ask])
def releases(services: ServicesDep) -> Json:
    """All releases, oldest first, which one is live, and which one a rollback brings back.

    Each with its model's name, the model that it was trained from, and how many processes work
    with it.
    """
    document = releases_document(services.releases.current(), services.releases.all())
    previous = services.releases.previous()
    cards = {card.fingerprint: card for card in services.registry.all()}
    for release in document["releases"]:
        card = cards.get(release["model"])
        release["model_name"] = card.name if card else ""
        release["base"] = card.base if card else ""
        release["users"] = len(services.releases.users(release["release"]))
    return document | {"previous": previous.release if previous else None}


@router.post("/rollback", dependencies=[Operate])
def rollback(services: ServicesDep) -> Json:
    """Bring the release before the live one back."""
    return release_document(services.rollback())


@router.post("/{release}/promote", dependencies=[Operate])
def promote(release: str, services: ServicesDep, body: PromoteBody | None = None) -> Json:
    """Make a release live, if the gate agrees or `force` is set."""
    force = body is not None and body.force
    return release_document(services.promote(release, force=force))
