"""The HTTP service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from rag_service.api import (
    chat,
    documents,
    experiments,
    feedback,
    health,
    history,
    jobs,
    metrics,
    pages,
    questions,
    releases,
    web,
)
from rag_service.api.body_limit import BodyLimit
from rag_service.api.deps import ServicesLike
from rag_service.api.errors import add_error_handlers
from rag_service.api.headers import SecurityHeaders
from rag_service.api.observing import PROBES, Observing
from rag_service.api.openapi import DocumentedAPI
from rag_service.api.page_pictures import PagePictures
from rag_service.api.security import Guard
from rag_service.core.telemetry import NO_TRACER, Tracer

Opening = Callable[[], AbstractContextManager[ServicesLike]]


def create_app(open_services: Opening, tracer: Tracer = NO_TRACER) -> FastAPI:
    """The app; its services are opened before the first request and closed after the last.

    ``tracer`` is told of each request, and is that of the services.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        with ExitStack() as stack:
            # In threads, since both may take seconds and run an event loop of their own.
            app.state.services = await asyncio.to_thread(stack.enter_context, open_services())
            try:
                yield
            finally:
                await asyncio.to_thread(stack.close)

    app = DocumentedAPI(
        title="Ragloop",
        summary="Question answering over financial filings whose retrieval makes itself better.",
        version=version("ragloop"),
        lifespan=lifespan,
        telemetry=_spans(tracer),
        docs_url=None,
        redoc_url=None,
    )
    app.state.pictures = PagePictures()
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard)
    add_error_handlers(app)
    for part in (
        questions,
        chat,
        releases,
        documents,
        pages,
        feedback,
        experiments,
        jobs,
        health,
        history,
        metrics,
        web,
    ):
        app.include_router(part.router)
    # Around the framework's own middleware too, which answers what nobody foresaw.
    app.middleware_stack = Observing(SecurityHeaders(app.build_middleware_stack()))
    return app


def _spans(tracer: Tracer) -> TelemetryConfig:
    """The framework's own span of each request, in the trace that the client names; no more."""
    return {
        "tracer_provider": tracer.provider,
        "tracing": tracer.provider is not None,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": lambda scope: scope["path"] in PROBES,
    }
