"""The HTTP service."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from rag_service.api import corpus, health, questions, releases
from rag_service.api.deps import ServicesLike
from rag_service.api.errors import add_error_handlers


def create_app(services: ServicesLike) -> FastAPI:
    """The app on services that are open; whoever opened them closes them after it has stopped."""
    app = FastAPI(
        title="Ragloop",
        summary="Question answering over financial filings whose retrieval makes itself better.",
        version=version("ragloop"),
    )
    app.state.services = services
    add_error_handlers(app)
    for router in (questions.router, releases.router, corpus.router, health.router):
        app.include_router(router)
    return app
