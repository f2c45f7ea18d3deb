"""Requests whose body is too large are refused before it is read."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware: reading more than ``RAGLOOP_MAX_BODY_KB`` of a body raises 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = scope["app"].state.services.settings.max_body_kb * 1024
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most or (announced.isdigit() and int(announced[:20]) > most):
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"the request has more than {most // 1024} KB (RAGLOOP_MAX_BODY_KB)",
                )
            return message

        await self._app(scope, limited, send)
