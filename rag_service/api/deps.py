"""What the routes are given: the services of this process, and checks on the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol, cast

from fastapi import Depends, Request

from rag_service.answering.answer_cache import CachedAnswerer
from rag_service.answering.compare import Comparer
from rag_service.answering.experiments import Experiments
from rag_service.answering.filings import Filings
from rag_service.answering.retrieve import Retriever
from rag_service.answering.serving import Serving
from rag_service.api.feedback_log import FeedbackLog
from rag_service.api.page_pictures import PagePictures
from rag_service.core.protocols import (
    ChunkStore,
    JobQueue,
    KeyStore,
    ModelRegistry,
    RateLimiter,
    ReleaseStore,
    VectorStore,
)
from rag_service.core.settings import Settings
from rag_service.core.telemetry import Telemetry
from rag_service.core.types import Readiness, Release

if TYPE_CHECKING:
    from eval.timeline import Timeline
    from rag_service.loop.ingestion import Ingestion
    from rag_service.loop.kept_filings import KeptFilings
    from rag_service.loop.reporting import Reporter
    from rag_service.loop.uploads import Uploads


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
    @property
    def ingestion(self) -> Ingestion: ...
    @property
    def kept_filings(self) -> KeptFilings: ...
    @property
    def uploads(self) -> Uploads: ...
    @property
    def timeline(self) -> Timeline: ...
    @property
    def reporter(self) -> Reporter: ...
    @property
    def queue(self) -> JobQueue: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def rates(self) -> RateLimiter: ...
    @property
    def telemetry(self) -> Telemetry: ...

    def promote(self, release: str, force: bool = False) -> Release:
        """Make a candidate or retired release live; ``force`` passes over the gate."""
        ...

    def rollback(self) -> Release:
        """Make the release before the live one live again."""
        ...

    def ready(self) -> Readiness:
        """What requests depend on, and what is wrong with it."""
        ...


def _services(request: Request) -> ServicesLike:
    return cast(ServicesLike, request.app.state.services)


def _feedback(services: Annotated[ServicesLike, Depends(_services)]) -> FeedbackLog:
    return FeedbackLog(services.settings.home / "feedback.jsonl")


def _pictures(request: Request) -> PagePictures:
    return cast(PagePictures, request.app.state.pictures)


ServicesDep = Annotated[ServicesLike, Depends(_services)]
FeedbackDep = Annotated[FeedbackLog, Depends(_feedback)]
PicturesDep = Annotated[PagePictures, Depends(_pictures)]
