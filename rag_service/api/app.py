"""The HTTP service."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.concurrency import contextmanager_in_threadpool

from rag_service.api import corpus, health, questions, releases
from rag_service.api.deps import ServicesLike
from rag_service.api.errors import add_error_handlers


def create_app(open_services: Callable[[], AbstractContextManager[ServicesLike]]) -> FastAPI:
    """The app; its services are opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with contextmanager_in_threadpool(open_services()) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="Ragloop",
        summary="Question answering over financial filings whose retrieval makes itself better.",
        version=version("ragloop"),
        lifespan=lifespan,
    )
    add_error_handlers(app)
    for router in (questions.router, releases.router, corpus.router, health.router):
        app.include_router(router)
    return app
