"""Whether the process lives, whether it can serve, and the page."""

from __future__ import annotations

import os
from importlib.resources import files

from fastapi import APIRouter, Response, status
from fastapi.responses import HTMLResponse

from rag_service.api.deps import ServicesDep

router = APIRouter()

Readiness = dict[str, bool | int | dict[str, str]]

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/healthz", tags=["health"])
async def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@router.get(
    "/readyz", tags=["health"], responses={503: {"model": Readiness, "description": "Not ready."}}
)
def readyz(services: ServicesDep, response: Response) -> Readiness:
    """What requests to this process depend on, `ok` or what is wrong; 503 unless all is well."""
    checks = services.ready()
    ready = all(state == "ok" for state in checks.values())
    if not ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return {"ready": ready, "process": os.getpid(), "checks": checks}


@router.get("/", include_in_schema=False)
def page() -> HTMLResponse:
    """The web page."""
    html = files("rag_service.api").joinpath("page.html").read_text(encoding="utf-8")
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY})
