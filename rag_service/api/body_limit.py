"""Requests whose body is too large are refused before it is read, and slow ones given up."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag_service.core.settings import Settings

_SECONDS = 20.0
_BYTES_PER_SECOND = 16 * 1024
"""A body has ``_SECONDS``, and one more for each so many bytes of it that came."""

_UPLOADS = ("POST", "/v1/documents")
_AROUND_FILE = 64 * 1024


class BodyLimit:
    """ASGI middleware: reading more than ``RAGLOOP_MAX_BODY_KB`` of a body raises 413.

    Of the upload of a file, ``RAGLOOP_MAX_FILE_MB`` and what stands around a file. A body that
    comes too slowly raises 408.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most, says = _limit(scope, scope["app"].state.services.settings)
        # h11 lets pass no length that is no number.
        announced = int(dict(scope["headers"]).get(b"content-length", 0))
        too_large = HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, says)
        clock = asyncio.get_running_loop().time
        began = clock()
        read = 0
        whole = False

        async def limited() -> Message:
            nonlocal read, whole
            if whole:
                return await receive()  # waits for the client to leave
            if announced > most:
                raise too_large
            try:
                async with asyncio.timeout_at(began + _SECONDS + read / _BYTES_PER_SECOND):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT, "the request came too slowly: send it again"
                ) from None
            whole = not message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > most:
                raise too_large
            return message

        await self._app(scope, limited, send)


def _limit(scope: Scope, settings: Settings) -> tuple[int, str]:
    """The most bytes of a request's body, and what to say of a larger one."""
    if (scope["method"], scope["path"]) == _UPLOADS:
        most = settings.max_file_mb
        return (
            most * 2**20 + _AROUND_FILE,
            f"the file has more than {most} MB (RAGLOOP_MAX_FILE_MB)",
        )
    most = settings.max_body_kb
    return most * 1024, f"the request has more than {most} KB (RAGLOOP_MAX_BODY_KB)"
