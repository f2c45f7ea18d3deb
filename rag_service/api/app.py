"""The HTTP service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from rag_service.api import chat, corpus, experiments, health, questions, releases
from rag_service.api.body_limit import BodyLimit
from rag_service.api.deps import ServicesLike
from rag_service.api.errors import add_error_handlers
from rag_service.api.openapi import DocumentedAPI

Opening = Callable[[], AbstractContextManager[ServicesLike]]


def create_app(open_services: Opening) -> FastAPI:
    """The app; its services are opened before the first request and closed after the last."""

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
    )
    app.add_middleware(BodyLimit)
    add_error_handlers(app)
    for part in (questions, chat, releases, corpus, experiments, health):
        app.include_router(part.router)
    return app
