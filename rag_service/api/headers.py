"""What every response tells the browser: to run, load, frame and keep no more than is needed."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class SecurityHeaders:
    """ASGI middleware; what a route says of its own response stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, protected)


def _protect(headers: MutableHeaders) -> None:
    kind = headers.get("content-type", "").partition(";")[0]
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
    # A 304 has no type, and what it says takes the place of what the browser kept.
    if kind:
        headers.setdefault(
            "Content-Security-Policy", _PAGE_POLICY if kind == "text/html" else _DATA_POLICY
        )
    if kind.endswith("json"):
        headers.setdefault("Cache-Control", "no-store")
