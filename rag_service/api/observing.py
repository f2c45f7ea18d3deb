"""Every request has an id, is counted and timed, and leaves one line in the log."""

from __future__ import annotations

import logging
import re
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag_service import logs
from rag_service.core.telemetry import REQUEST_SECONDS, REQUESTS, REQUESTS_IN_PROGRESS

if TYPE_CHECKING:
    from rag_service.api.deps import ServicesLike
    from rag_service.core.settings import Settings

HEADER = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that machines ask all the time: of these, only what went wrong is told."""
_NOBODY_WAITS = 499
"""No standard status: the client went away before there was any."""

log = logging.getLogger(__name__)


class Observing:
    """ASGI, around everything else: also errors that nobody foresaw have passed by it.

    A request's id is that of its header ``X-Request-Id`` if it is sane, else a new one. Paths are
    told by their routes, and questions only with ``RAGLOOP_LOG_QUESTIONS``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        services: ServicesLike = scope["app"].state.services
        telemetry = services.telemetry
        name = next((value for key, value in scope["headers"] if key == HEADER), b"")
        if not _SANE.fullmatch(name):
            name = uuid4().hex.encode()
        # Not taken back: a server logs what a request raised after it left here.
        logs.begin(request_id=name.decode())
        if trace := telemetry.tracer.trace_id():
            logs.note(trace_id=trace)
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (HEADER, name)]}
            await send(message)

        began = perf_counter()
        telemetry.meter.add(REQUESTS_IN_PROGRESS, 1)
        try:
            await self._app(scope, receive, named)
        finally:
            seconds = perf_counter() - began
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("route"), "path", None) or "unmatched"
            status = status or _NOBODY_WAITS
            telemetry.meter.add(REQUESTS_IN_PROGRESS, -1)
            telemetry.meter.add(REQUESTS, 1, method, route, str(status))
            telemetry.meter.observe(REQUEST_SECONDS, seconds, method, route)
            _tell(method, route, status, seconds)


def note_search(settings: Settings, question: str, release: str) -> None:
    """Have the request's line tell which release answered, and what was asked if that may be."""
    logs.note(release=release)
    if settings.log_questions:
        logs.note(question=question)


def _tell(method: str, route: str, status: int, seconds: float) -> None:
    level = logging.WARNING if status >= 500 else logging.INFO
    if status < 400 and route in PROBES:
        level = logging.DEBUG
    if log.isEnabledFor(level):
        ms = round(1000 * seconds, 1)
        fields = {"method": method, "route": route, "status": status, "ms": ms}
        log.log(level, "%s %s %d %s ms", method, route, status, ms, extra={"fields": fields})
