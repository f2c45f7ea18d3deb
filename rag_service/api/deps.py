"""What the routes are given: the services of this process, and checks on the caller."""

from __future__ import annotations

from typing import Annotated, Protocol, cast

from fastapi import Depends, HTTPException, Request

from rag_service.answering.answer_cache import CachedAnswerer
from rag_service.answering.compare import Comparer
from rag_service.answering.experiments import Experiments
from rag_service.answering.filings import Filings
from rag_service.answering.retrieve import Retriever
from rag_service.answering.serving import Serving
from rag_service.api.feedback_log import FeedbackLog
from rag_service.core.protocols import ChunkStore, ModelRegistry, ReleaseStore, VectorStore
from rag_service.core.settings import Settings
from rag_service.core.types import Release


class ServicesLike(Protocol):
    """The objects that the service works with."""

    @property
    def settings(self) -> Settings: ...
    @property
    def vectors(self) -> VectorStore: ...
    @property
    def chunks(self) -> ChunkStore: ...
    @property
    def releases(self) -> ReleaseStore: ...
    @property
    def registry(self) -> ModelRegistry: ...
    @property
    def serving(self) -> Serving: ...
    @property
    def retriever(self) -> Retriever: ...
    @property
    def filings(self) -> Filings: ...
    @property
    def answers(self) -> CachedAnswerer: ...
    @property
    def comparer(self) -> Comparer: ...
    @property
    def experiments(self) -> Experiments: ...

    def promote(self, release: str, force: bool = False) -> Release:
        """Make a candidate or retired release live; ``force`` passes over the gate."""
        ...

    def rollback(self) -> Release:
        """Make the release before the live one live again."""
        ...

    def ready(self) -> dict[str, str]:
        """What requests depend on, by name: ``ok``, or what is wrong with it."""
        ...


def _services(request: Request) -> ServicesLike:
    return cast(ServicesLike, request.app.state.services)


def _feedback(services: Annotated[ServicesLike, Depends(_services)]) -> FeedbackLog:
    return FeedbackLog(services.settings.home / "feedback.jsonl")


def _own_page(request: Request) -> None:
    """Another site's page in the user's browser may not change what is live."""
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise HTTPException(403, "releases are not changed from another site's page")


ServicesDep = Annotated[ServicesLike, Depends(_services)]
FeedbackDep = Annotated[FeedbackLog, Depends(_feedback)]
OwnPage = Depends(_own_page)
