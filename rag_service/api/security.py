"""Who may ask for what, how often, and from which pages and under which names.

`Guard` stands before the routes, and lets nobody through who needs a key and has none; each route
says by `Ask`, `Ingest` or `Operate` which scope that key must have.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, get_args

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from rag_service.api.deps import ServicesDep, ServicesLike
from rag_service.api.errors import respond
from rag_service.api.origins import check_host, check_page, client_address, needs_key, on_loopback
from rag_service.core.api_keys import digest
from rag_service.core.errors import RagloopError
from rag_service.core.ids import now
from rag_service.core.types import ApiKey, KeyScope

OPEN_PATHS = frozenset({"/", "/docs", "/openapi.json", "/healthz"})
"""Without a key: they hold no data. So do the files under /static/."""
PROBES = frozenset({"/readyz", "/metrics"})
"""Without a key from this machine; from another one with a key of the scope operate."""

_KNOWN_SECONDS = 5.0
"""A process knows a key for so long before it asks Redis again: so late a revoked one ends."""
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_EVERY_SCOPE = frozenset(get_args(KeyScope))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: ``name`` is a key's, or an address where no key is needed."""

    name: str
    scopes: frozenset[KeyScope]
    limited: bool
    """Whether the rate limits hold for it."""


class Guard:
    """ASGI middleware that refuses before the body is read, and notes who the caller is.

    Everything but `OPEN_PATHS` needs a key where keys are asked for, also what there is not.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._known: dict[str, tuple[float, ApiKey]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        services: ServicesLike = scope["app"].state.services
        try:
            check_host(request, services.settings)
            check_page(request)
            caller = await self._caller(request, services)
        except (HTTPException, RagloopError) as error:
            await respond(request, error)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)

    async def _caller(self, request: Request, services: ServicesLike) -> Caller | None:
        # Not the URL's, of which a strange Host header would be a part.
        path = request.scope["path"]
        if path in OPEN_PATHS or path.startswith("/static/"):
            return None
        if not needs_key(request, services.settings):
            limited = not on_loopback(request)
            return Caller(client_address(request), _EVERY_SCOPE, limited)
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if not secret and path in PROBES and on_loopback(request):
            return Caller("this machine", _EVERY_SCOPE, limited=False)
        if kind.lower() != "bearer" or not secret.strip():
            raise _unauthenticated("send a key: Authorization: Bearer rl_…")
        key = await self._key(digest(secret.strip()), services)
        if key is None:
            raise _unauthenticated("the key is not known: it is wrong, or was revoked")
        if key.expires and key.expires <= now():
            raise _unauthenticated(f"the key expired at {key.expires}")
        return Caller(key.name, key.scopes, limited=True)

    async def _key(self, hashed: str, services: ServicesLike) -> ApiKey | None:
        asked, key = self._known.get(hashed, (0.0, None))
        if key is None or time.monotonic() - asked > _KNOWN_SECONDS:
            key = await run_in_threadpool(services.keys.find, hashed)
            self._known.pop(hashed, None)
            if key is not None:
                self._known[hashed] = (time.monotonic(), key)
        return key


def _unauthenticated(detail: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})


_bearer = HTTPBearer(
    scheme_name="key",
    description="A key that `ragloop keys create` printed. Not needed where the service listens "
    "on the loopback interface alone.",
    auto_error=False,
)


async def _allowed(
    request: Request,
    wanted: SecurityScopes,
    services: ServicesDep,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Refuses a caller whose key lacks the scope, and one that asks too often."""
    caller: Caller = request.state.caller
    if not caller.scopes.intersection(wanted.scopes):
        named = " or ".join(wanted.scopes)
        raise HTTPException(
            HTTPStatus.FORBIDDEN,
            f"the key {caller.name} has not the scope {named}: use one made with --scope {named}",
        )
    scope: KeyScope = wanted.scopes[0]  # type: ignore[assignment]
    kind = "read" if request.method in _SAFE_METHODS else scope
    rate = services.settings.rates[kind]
    if not caller.limited or rate is None:
        return
    waits = await run_in_threadpool(services.rates.hit, f"{kind}:{caller.name}", rate)
    if waits is not None:
        raise HTTPException(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"more than {rate.amount} requests in {rate.seconds} s "
            f"(RAGLOOP_RATE_{kind.upper()}): try again in {waits} s",
            {
                "Retry-After": str(waits),
                "X-RateLimit-Limit": str(rate.amount),
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(waits),
            },
        )


Ask = Security(_allowed, scopes=["ask"])
Ingest = Security(_allowed, scopes=["ingest"])
Operate = Security(_allowed, scopes=["operate"])
IngestOrOperate = Security(_allowed, scopes=["ingest", "operate"])
